#!/usr/bin/env python3
"""What a plan asks AWS: images, types, prices, quotas, who asks and from where."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from cloud import MOTO, Skip, lab, main, need, run, same, test
from ec2_lab import TOOL, Cloud, not_there

NAMES = "debian-12, debian-13, ubuntu-22.04, ubuntu-24.04, amazon-linux-2023"
# Images that moto knows.
AMAZON, AMAZON_ARM64, UBUNTU = "ami-0841e304792db6a16", "ami-00602d9e13dfdc4bd", "ami-1e749f67"


@test
def images():
    """By the names that people know, through what their publishers say. (moto has the parameters of Amazon Linux only.)"""
    debian, ubuntu = "/aws/service/debian/release/{}/latest/{}", "/aws/service/canonical/ubuntu/server/{}/stable/current/{}/hvm/{}/ami-id"
    parameters = {debian.format(12, "amd64"): UBUNTU, debian.format(12, "arm64"): AMAZON_ARM64, debian.format(13, "amd64"): UBUNTU,
                  ubuntu.format("22.04", "amd64", "ebs-gp2"): UBUNTU, ubuntu.format("22.04", "arm64", "ebs-gp2"): AMAZON_ARM64,
                  ubuntu.format("24.04", "amd64", "ebs-gp3"): UBUNTU, ubuntu.format("24.04", "arm64", "ebs-gp3"): AMAZON_ARM64}

    def parameter(asked):
        value = parameters.get(asked["Name"])
        if value:
            return 200, json.dumps({"Parameter": {"Name": asked["Name"], "Value": value}}).encode()
        return not_there("ParameterNotFound") if "debian" in asked["Name"] else None

    for name, value in (("/mine/image", AMAZON + "\n"), ("/mine/number", "42")):
        MOTO.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    amazon = {"known": True, "name": "al2023-ami-2023.11.20260427.1-kernel-6.1-x86_64", "root_device": "/dev/xvda", "system": "amazon"}
    with Cloud() as cloud:
        cloud.answers = {"GetParameter": parameter}
        same(cloud.image(name="amazon-linux-2023", arch="amd64"), {**amazon, "id": AMAZON}, "image")
        same(cloud.image(name="amazon-linux-2023", arch="arm64")["id"], AMAZON_ARM64, "image")
        same(cloud.image(name="/mine/image", arch="amd64"), {**amazon, "id": AMAZON}, "a user's own")
        same(cloud.image(name=AMAZON, arch="amd64"), {**amazon, "id": AMAZON}, "an id")
        for name, system in (("debian-12", "debian"), ("ubuntu-22.04", "ubuntu"), ("ubuntu-24.04", "ubuntu")):
            for arch, image in (("amd64", UBUNTU), ("arm64", AMAZON_ARM64)):
                found = cloud.image(name=name, arch=arch)
                same((found["id"], found["system"]), (image, system), name)
        same(cloud.image(name="debian-13", arch="amd64")["system"], "debian", "by the name that was asked for")
        same(cloud.image(name="ami-35e92e4c", arch="amd64")["system"], "", "SUSE's, of which edcc knows nothing")
        for asked, arch, error in (
                ("debian-13", "arm64", "ssm GetParameter: ParameterNotFound: there is no /aws/service/debian/release/13/latest/arm64 in eu-west-1"),
                ("/mine/number", "amd64", "ssm GetParameter: the parameter /mine/number is '42', which is no image's id (ami-…)"),
                (AMAZON, "arm64", f"ec2 DescribeImages: {AMAZON} is for amd64, and the machines are arm64"),
                ("/mine/image", "arm64", f"ec2 DescribeImages: {AMAZON} is for amd64, and the machines are arm64"),
                ("debian-11", "amd64", f"there is no image 'debian-11'; there are {NAMES}, ami-…, a parameter's path /… and OWNER/NAME-PATTERN"),
                ("me/x", "amd64", f"there is no image 'me/x'; there are {NAMES}, ami-…, a parameter's path /… and OWNER/NAME-PATTERN")):
            found = cloud.image(name=asked, arch=arch)
            same((found["error"].split(" (request")[0], found["known"]), (error, not error.startswith("there")), asked)
        same(cloud.image(name="ami-12345678", arch="amd64")["code"], "InvalidAMIID.NotFound", "error")


@test
def images_by_pattern():
    """The newest that matches and can be used."""
    def item(number, date):
        return f"<item><imageId>ami-{number}</imageId><name>ubuntu-{number}</name><creationDate>{date}</creationDate><architecture>x86_64</architecture></item>"

    with Cloud() as cloud:
        dates = ["2025-01-02T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2025-12-31T23:59:59.000Z"]
        listed = "".join(item(i, date) for i, date in enumerate(dates))
        cloud.answers = {"DescribeImages": [(200, f"<DescribeImagesResponse><imagesSet>{listed}</imagesSet></DescribeImagesResponse>".encode())]}
        found = cloud.image(name="099720109477/ubuntu/*", arch="amd64")
        same((found["id"], found["system"]), ("ami-1", "ubuntu"), "the newest")
        same(cloud.sent("DescribeImages")[-1], {"Owners": ["099720109477"], "Filters": [
            {"Name": "name", "Values": ["ubuntu/*"]}, {"Name": "architecture", "Values": ["x86_64"]}, {"Name": "state", "Values": ["available"]}]}, "asked")
        same(cloud.image(name="137112412989/al2023-ami-2023.*-kernel-6.1-*", arch="arm64")["id"], AMAZON_ARM64, "moto's")
        same(cloud.image(name="amazon/al2023-ami-2023.*-kernel-6.1-*", arch="amd64")["id"], AMAZON, "moto's")
        same(cloud.image(name="self/nothing-*", arch="arm64")["error"], "ec2 DescribeImages: no image for arm64 matches self/nothing-* in eu-west-1", "error")


@test
def instance_types():
    with Cloud() as cloud:
        same(cloud.types(names=["c7i.large", "c7g.xlarge", "no.such"]),
             {"c7i.large": {"cpus": 2, "memory": 4 << 30, "arm64": False, "amd64": True}, "c7g.xlarge": {"cpus": 4, "memory": 8 << 30, "arm64": True, "amd64": False}}, "types")
        zones = cloud.type_zones(type="c7i.large")
        need(zones and zones == sorted(zones) and all(zone.startswith("eu-west-1") for zone in zones), zones)
        same(cloud.type_zones(type="no.such"), [], "zones")
        offered = "".join(f"<item><location>eu-west-1{zone}</location></item>" for zone in ("b", "-xyz-1a", "a"))
        cloud.answers = {"DescribeInstanceTypeOfferings": [(200, f"<A><instanceTypeOfferingSet>{offered}</instanceTypeOfferingSet></A>".encode())]}
        same(cloud.type_zones(type="c7i.large"), ["eu-west-1a", "eu-west-1b"], "none that is elsewhere")


def product(*prices, unit="Hrs", currency="USD"):
    dimensions = {f"SKU.T.{i}": {"unit": unit, "pricePerUnit": {currency: price}} for i, price in enumerate(prices)}
    return json.dumps({"product": {"sku": "SKU"}, "terms": {"OnDemand": {"SKU.T": {"priceDimensions": dimensions}}}})


@test
def prices():
    with Cloud() as cloud:
        for products, price in (([product("0.0892500000")], 89250), ([product("0.0000000000"), product("12.0000005")], 12000001), ([product("1")], 1000000)):
            cloud.answers = {"GetProducts": [(200, json.dumps({"FormatVersion": "aws_v1", "PriceList": products}).encode())]}
            same(cloud.price(type="c7i.large"), price, "price")
        asked = cloud.sent("GetProducts")[0]
        same({f["Field"]: f["Value"] for f in asked["Filters"]}, {
            "instanceType": "c7i.large", "regionCode": "eu-west-1", "operatingSystem": "Linux", "preInstalledSw": "NA", "tenancy": "Shared", "capacitystatus": "Used",
            "marketoption": "OnDemand"}, "asked")
        same(({f["Type"] for f in asked["Filters"]}, asked["ServiceCode"]), ({"TERM_MATCH"}, "AmazonEC2"), "asked")
        need("/us-east-1/pricing/" in cloud.proxy.seen[-1][2]["authorization"], "it is signed for where the prices are")
        for products in ([], [product("0.1", unit="Quantity")], [product("0.1", currency="CNY")], ["{"], [product("1e3")]):
            cloud.answers = {"GetProducts": [(200, json.dumps({"PriceList": products}).encode())]}
            same(cloud.price(type="c7i.large")["error"], "pricing GetProducts: there is no price of c7i.large in eu-west-1", "error")
    with Cloud(AWS_REGION="us-gov-west-1") as cloud:
        same(cloud.price(type="c7i.large")["error"], "AWS has no list of prices in US dollars for us-gov-west-1 (aws-us-gov)", "error")
        same(cloud.requests, [], "requests")


@test
def spot_prices():
    """The lowest of the newest of each zone."""
    def item(zone, hour, price):
        return f"<item><availabilityZone>{zone}</availabilityZone><timestamp>2026-01-01T{hour:02}:00:00.000Z</timestamp><spotPrice>{price}</spotPrice></item>"

    page = "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet>{}</spotPriceHistorySet><nextToken>{}</nextToken></DescribeSpotPriceHistoryResponse>"
    first, second = [item("a", 1, "0.010000"), item("b", 5, "0.034000")], [item("a", 3, "0.035100"), item("b", 2, "0.001000")]
    with Cloud() as cloud:
        same(cloud.spot_price(type="c7i.large"), 10, "moto's price")
        cloud.answers = {"DescribeSpotPriceHistory": [(200, page.format("".join(first), "more").encode()), (200, page.format("".join(second), "").encode()),
                                                      (200, page.format("", "").encode())]}
        same(cloud.spot_price(type="c7i.large"), 34000, "price")
        asked = cloud.sent("DescribeSpotPriceHistory")[-1]
        same((asked["InstanceTypes"], asked["ProductDescriptions"], asked["NextToken"]), (["c7i.large"], ["Linux/UNIX", "Linux/UNIX (Amazon VPC)"], "more"), "asked")
        need(abs(time.mktime(time.strptime(asked["StartTime"], "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())) < 60, asked)
        same(cloud.spot_price(type="c7i.large")["error"], "there is no spot price of c7i.large in eu-west-1", "error")


@test
def quotas():
    """The account's own, or what everybody has."""
    with Cloud() as cloud:
        cloud.answers = {"GetServiceQuota": [(200, b'{"Quota": {"QuotaCode": "L-1216C47A", "Value": 640.0}}'), not_there("NoSuchResourceException"),
                                             not_there("AccessDeniedException"), (200, b"{}")],
                         "GetAWSDefaultServiceQuota": [(200, b'{"Quota": {"Value": 5}}')]}
        same(cloud.cpu_quota(), 640, "processors")
        same(cloud.cpu_quota(spot=True), 5, "processors")
        same([(action, p["ServiceCode"], p["QuotaCode"]) for _, action, p in cloud.requests], [
            ("GetServiceQuota", "ec2", "L-1216C47A"), ("GetServiceQuota", "ec2", "L-34B43A08"), ("GetAWSDefaultServiceQuota", "ec2", "L-34B43A08")], "asked")
        same(cloud.cpu_quota()["error"], "servicequotas GetServiceQuota: AccessDeniedException: so it is", "error")
        same(cloud.cpu_quota()["error"], "servicequotas GetServiceQuota: the answer has no Quota.Value", "error")


@test
def who_asks():
    with Cloud() as cloud:
        same(cloud.identity(), "arn:aws:sts::123456789012:user/moto", "who")


@test
def own_address():
    """Towards an endpoint of one's own it is the address that leads there."""
    with Cloud() as cloud:
        same(cloud.own_address(), "127.0.0.1/32", "address")
    for endpoint, expected in (("http://[::1]:1/x", ["::1/128"]), ("http://localhost", ["127.0.0.1/32", "::1/128"])):
        with Cloud(AWS_ENDPOINT_URL_EC2=endpoint) as cloud:
            need(cloud.own_address() in expected, endpoint, cloud.own_address())
    with Cloud(AWS_ENDPOINT_URL_EC2="http://255.255.255.255:1") as cloud:
        same(cloud.own_address()["error"], "no address of this machine's leads to http://255.255.255.255:1: Permission denied", "error")


@test
def own_address_as_aws_sees_it():
    """Its page is played in a network of the test's own, where there is no other."""
    if not shutil.which("openssl") or subprocess.run(["unshare", "-rmn", "true"], stderr=subprocess.DEVNULL).returncode:
        raise Skip("it takes namespaces (unshare -rmn) and openssl")
    folder = tempfile.mkdtemp(dir=lab.LAB)
    answers = ["200 203.0.113.9\n", "200 2001:db8::9\n", "200 <html>log in</html>", "503 203.0.113.9\n", "200 "]
    page, program = "https://checkip.amazonaws.com/ does not say this machine's address: ", os.path.join(lab.ROOT, "test", "cloud", "checkip.py")
    said = [json.loads(line) for line in run("unshare", "-rmn", program, folder, TOOL, *answers).splitlines()]
    same([answer.get("range") or re.sub(r" after \d+ ms", "", answer["error"]) for answer in said], [
        page + "Failed to connect to checkip.amazonaws.com port 443: Couldn't connect to server", "203.0.113.9/32", "2001:db8::9/128", page + "its answer, with status 200, is no address",
        page + "its answer, with status 503, is no address", page + "its answer, with status 200, is no address"], "addresses")


if __name__ == "__main__":
    main("lookup")
