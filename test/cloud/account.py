"""account: what the suites keep in the account and look for in it."""

import json
import re
import time

from cloud import MOTO, same

# A compile, in distccd's own log.
JOB = re.compile(r"\(dcc_job_summary\) .* COMPILE_OK .* (\S+)$", re.M)


def new_bucket(here):
    name = f"bucket-{time.monotonic_ns()}"
    here.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


def left(here):
    """What EC2 still has of it, by kind; the account's own default network is not ours."""
    ec2 = MOTO.client("ec2")
    vpcs = [v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"] if not v["IsDefault"]]
    own = {v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]} - set(vpcs)
    kinds = {
        "vpcs": vpcs,
        "subnets": [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if s["VpcId"] not in own],
        "groups": [g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"] if g["VpcId"] not in own],
        "gateways": [g["InternetGatewayId"] for g in ec2.describe_internet_gateways()["InternetGateways"]],
        "interfaces": [n["NetworkInterfaceId"] for n in ec2.describe_network_interfaces()["NetworkInterfaces"]],
        "keys": [k["KeyName"] for k in ec2.describe_key_pairs()["KeyPairs"]],
        "machines": [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"] if i["State"]["Name"] != "terminated"],
    }
    return {kind: ids for kind, ids in kinds.items() if ids}


def nothing_left(made, here):
    same(left(here), {}, "what EC2 still has")
    made.nothing_left()


def queue(here, topic):
    """What the topic is told, by a queue."""
    sns, sqs = here.client("sns"), here.client("sqs")
    url = sqs.create_queue(QueueName=topic)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=sns.create_topic(Name=topic)["TopicArn"], Protocol="sqs", Endpoint=arn)
    return lambda: [json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]
