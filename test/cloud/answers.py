"""answers: what a plan asks AWS and moto does not know: publishers' parameters and their images, prices, quotas. Each is a table."""

import json

# image's name, owner, architecture, root device, publisher's parameter
IMAGES = [(f"{system}-{arch}-20260101-1", owner, machine, device, parameter.format(arch))
          for system, owner, device, parameter in (
              ("debian-12", "136693071363", "/dev/xvda", "/aws/service/debian/release/12/latest/{}"),
              ("debian-13", "136693071363", "/dev/xvda", "/aws/service/debian/release/13/latest/{}"),
              ("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-server", "099720109477", "/dev/sda1",
               "/aws/service/canonical/ubuntu/server/22.04/stable/current/{}/hvm/ebs-gp2/ami-id"),
              ("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-server", "099720109477", "/dev/sda1",
               "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"))
          for arch, machine in (("amd64", "x86_64"), ("arm64", "arm64"))]
PARAMETERS = {parameter: f"ami-{number:017x}" for number, (*_, parameter) in enumerate(IMAGES, 1)}
# US dollars an hour, about what they are.
PRICES = {"t3.micro": "0.0114000000", "t3.medium": "0.0456000000", "c5.large": "0.0960000000", "c5.xlarge": "0.1920000000", "c5.4xlarge": "0.7680000000",
          "c6i.large": "0.0970000000", "c7g.large": "0.0776000000", "c7i.large": "0.1018000000", "c7i.xlarge": "0.2037000000", "m5.large": "0.1070000000",
          "m7i.large": "0.1123000000"}
QUOTAS = {"L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 512.0),
          "L-34B43A08": ("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 256.0)}


def images():
    """As moto reads them from the file that MOTO_AMIS_PATH names."""
    return [{"ami_id": PARAMETERS[parameter], "name": name, "owner_id": owner, "architecture": machine, "root_device_name": device, "state": "available",
             "public": True, "image_location": name, "image_type": "machine", "description": name, "root_device_type": "ebs", "sriov": "simple",
             "virtualization_type": "hvm", "hypervisor": "xen", "platform": None} for name, owner, machine, device, parameter in IMAGES]


def parameter(question):
    name = question.get("Name")
    return name in PARAMETERS and {"Parameter": {"Name": name, "Type": "String", "Value": PARAMETERS[name], "Version": 1,
                                                 "ARN": f"arn:aws:ssm:::parameter{name}", "DataType": "text"}}


def products(question):
    asked = {entry["Field"]: entry["Value"] for entry in question.get("Filters", [])}
    price = PRICES.get(asked.get("instanceType"))
    found = {"product": {"productFamily": "Compute Instance", "attributes": asked, "sku": "MADEUP"}, "serviceCode": "AmazonEC2",
             "terms": {"OnDemand": {"MADEUP.JRTCKXETXF": {"priceDimensions": {"MADEUP.JRTCKXETXF.6YS6EN2CT7": {
                 "unit": "Hrs", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": price}}}}}}}
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(found)] if price else []}


def quota(question):
    code = question.get("QuotaCode")
    return code in QUOTAS and {"Quota": {"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": QUOTAS[code][0], "Value": QUOTAS[code][1], "Adjustable": True}}


ANSWERS = {"GetParameter": parameter, "GetProducts": products, "GetServiceQuota": quota, "GetAWSDefaultServiceQuota": quota}


def answer(call):
    """(status, headers, body) where a table has it; None where moto should be asked."""
    found = "X-Amz-Target" in call.headers and call.action in ANSWERS and ANSWERS[call.action](call.parameters)
    return (200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(found).encode()) if found else None
