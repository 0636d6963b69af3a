#!/usr/bin/env python3
"""Every call of EC2 and every look-up, against moto; each request is held against botocore's model. What moto has not (prices, quotas, publishers' parameters)
and what it never says (not yet, no capacity) is answered here, as AWS documents it."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from cloud import MOTO, Proxy, Skip, aws, lab, main, need, run, same, test

try:
    import validate
except ImportError:  # nor is moto there, and every test is skipped
    validate = None

TOOL = os.path.join(os.path.dirname(lab.EDCC), "test", "cloud", "ec2_tool")
PENDING, RUNNING, STOPPING, STOPPED, SHUTTING_DOWN, TERMINATED = range(6)
NAMES = "debian-12, debian-13, ubuntu-22.04, ubuntu-24.04, amazon-linux-2023"
number = 0


def refusal(code, message="so it is", status=400):
    return status, f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>abc</RequestID></Response>".encode()


def not_there(what, status=400):
    """As the services that speak JSON refuse."""
    return status, json.dumps({"__type": what, "message": "so it is"}).encode()


class Cloud:
    """The tool, and between it and moto a proxy that holds requests against the model. `answers`: by action what is answered in moto's place, one after the
    other (None: moto answers), or a function of the parameters; `page`: how much is on a page."""

    def __init__(self, page=None, **environment):
        self.answers, self.page, self.environment = {}, page, environment
        self.requests, self.wrong = [], []
        self.proxy = Proxy(self.touch)

    def touch(self, method, path, body):
        headers = {name.lower(): value for name, value in self.proxy.seen[-1][2].items()}
        try:
            self.requests.append(validate.check(body, headers.get("x-amz-target", "")))
        except validate.Wrong as wrong:
            self.wrong.append(f"{body}: {wrong}")
            return refusal("Wrong", "the request is")
        _, action, parameters = self.requests[-1]
        answers = self.answers.get(action)
        if callable(answers):
            return answers(parameters)
        if answers and (answer := answers.pop(0)):
            return answer
        return body.replace(b"MaxResults=1000", b"MaxResults=%04d" % self.page) if self.page else body

    def __enter__(self):
        self.proxy.__enter__()
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **aws(self.proxy.url, **self.environment)})
        return self

    def __exit__(self, *failure):
        self.process.stdin.close()
        status = self.process.wait(10)
        self.process.stdout.close()
        self.proxy.__exit__()
        same(self.wrong, [], "requests that no service takes")
        need(failure[0] or status == 0, f"the tool ended with {status}")

    def __getattr__(self, name):
        """cloud.create_vpc(range="10.0.0.0/16") → what the tool says, or its one value"""

        def call(**arguments):
            self.process.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
            need("error" not in answer or not answer["error"].startswith("there is no such function"), name)
            return next(iter(answer.values())) if len(answer) == 1 else answer

        return call

    def sent(self, action):
        """The parameters of each request for it."""
        return [parameters for _, found, parameters in self.requests if found == action]


def new_run():
    """Tags of a run of the test's own."""
    global number
    number += 1
    return {"edcc:run": f"run-{number}", "edcc:project": "demo", "edcc:owner": "me@here 1 2", "edcc:expires": "1790000000", "Name": "edcc demo"}


def network(cloud, tags):
    """(vpc, subnet, group)"""
    vpc = cloud.create_vpc(range="10.0.0.0/16", tags=tags)
    subnet = cloud.create_subnet(vpc=vpc, range="10.0.0.0/24", zone="eu-west-1a", tags=tags)
    return vpc, subnet, cloud.create_group(vpc=vpc, name="edcc", text="a fleet", tags=tags)


def launch(tags, subnet, group, **more):
    return {"image": "ami-12c6146b", "type": "c7i.large", "subnet": subnet, "group": group, "token": tags["edcc:run"], "tags": tags, **more}


def machines(cloud, tags, **more):
    _, subnet, group = network(cloud, tags)
    return cloud.run_instances(**launch(tags, subnet, group, **more))


def ids(instances):
    return [instance["id"] for instance in instances]


def tags_of(resource):
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}


# --- the network ---

@test
def the_network():
    """Is made, tagged in the making, as boto3 sees it; what is there already is taken or no error; what is gone is no error."""
    ec2, tags = MOTO.client("ec2"), new_run()
    with Cloud() as cloud:
        vpc, subnet, group = network(cloud, tags)
        gateway = cloud.create_gateway(tags=tags)
        for _ in range(2):
            same(cloud.attach_gateway(vpc=vpc, gateway=gateway), {}, "attached")
        table = cloud.main_route_table(vpc=vpc)
        for _ in range(2):
            same(cloud.create_route(table=table, range="0.0.0.0/0", gateway=gateway), {}, "a route")
        same(cloud.create_subnet(vpc=vpc, range="10.0.0.0/24", tags=tags), subnet, "the same subnet")
        same(cloud.create_group(vpc=vpc, name="edcc", text="a fleet", tags=tags), group, "the same group")
        found = [ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0], ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0],
                 ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0], ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]]
        same([tags_of(thing) for thing in found], [tags] * 4, "tags")
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        need(any(r["DestinationCidrBlock"] == "0.0.0.0/0" and r["GatewayId"] == gateway for r in routes), routes)
        same(cloud.gateway_vpc(gateway=gateway), vpc, "the gateway's VPC")
        same(cloud.describe_vpc(id=vpc), "10.0.0.0/16", "its range")
        same(cloud.describe_subnet(id=subnet), {"id": subnet, "vpc": vpc, "zone": "eu-west-1a", "range": "10.0.0.0/24", "free": 251, "public": False}, "the subnet")
        same(cloud.create_subnet(vpc=vpc, range="10.0.1.0/24", tags=tags)[:7], "subnet-", "one in any zone")
        for thing in cloud.find(kind="subnet", run=tags["edcc:run"]):
            same(cloud.delete(kind="subnet", id=thing["id"]), {}, "the subnet goes")
        for _ in range(2):
            same(cloud.delete(kind="security-group", id=group), {}, "the group goes")
            same(cloud.detach_gateway(vpc=vpc, gateway=gateway), {}, "the gateway comes off")
            same(cloud.gateway_vpc(gateway=gateway), "", "the gateway's VPC")
            same(cloud.delete(kind="subnet", id=subnet), {}, "the subnet goes")
            same(cloud.delete(kind="internet-gateway", id=gateway), {}, "the gateway goes")
            same(cloud.delete(kind="vpc", id=vpc), {}, "the VPC goes")


@test
def what_comes_in():
    """All rules in one call, each family of addresses in its list; a second time is no error."""
    ec2, tags = MOTO.client("ec2"), new_run()
    rules = [{"port": 22, "ranges": ["203.0.113.7/32", "2001:db8::/32", "198.51.100.0/24"]}, {"port": 3632, "from_group": True}]
    with Cloud() as cloud:
        _, _, group = network(cloud, tags)
        for _ in range(2):
            same(cloud.authorize(group=group, rules=rules), {}, "let in")
        same(len(cloud.sent("AuthorizeSecurityGroupIngress")), 2, "calls")
    found = {p["FromPort"]: p for p in ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]}
    same(sorted(found), [22, 3632], "ports")
    same({r["CidrIp"] for r in found[22]["IpRanges"]}, {"203.0.113.7/32", "198.51.100.0/24"}, "ranges")
    same([r["CidrIpv6"] for r in found[22]["Ipv6Ranges"]], ["2001:db8::/32"], "ranges of version 6")
    same([g["GroupId"] for g in found[3632]["UserIdGroupPairs"]], [group], "from the group")
    same((found[22]["IpProtocol"], found[22]["ToPort"], found[3632]["IpRanges"]), ("tcp", 22, []), "what else")


@test
def what_is_not_ours():
    """A subnet or group of another run's is never taken for one's own."""
    mine, other = new_run(), new_run()
    with Cloud() as cloud:
        vpc, _, _ = network(cloud, other)
        found = cloud.create_subnet(vpc=vpc, range="10.0.0.0/24", tags=mine)
        same(found["error"].split(" (")[0], "ec2 CreateSubnet: InvalidSubnet.Conflict: The CIDR '10.0.0.0/24' conflicts with another subnet", "error")
        found = cloud.create_group(vpc=vpc, name="edcc", text="a fleet", tags=mine)
        same(found["error"].split(" (")[0], f"ec2 CreateSecurityGroup: InvalidGroup.Duplicate: The security group 'edcc' already exists", "error")
        found = cloud.describe_subnet(id="subnet-12345678")
        same(found["error"].split(" (")[0], "ec2 DescribeSubnets: InvalidSubnetID.NotFound: The subnet ID 'subnet-12345678' does not exist", "error")
        same(cloud.describe_vpc(id="vpc-12345678")["code"], "InvalidVpcID.NotFound", "error")


@test
def once():
    """A VPC and a gateway are not made twice: the caller is told that one may be there."""
    page = b"<html><body><h1>Bad gateway</h1></body></html>"
    with Cloud() as cloud:
        cloud.answers = {"CreateVpc": [(502, page)], "CreateInternetGateway": [(502, page)], "CreateSubnet": [(200, b"<CreateSubnetResponse/>")]}
        for action, found in (("CreateVpc", cloud.create_vpc(range="10.0.0.0/16", tags=new_run())),
                              ("CreateInternetGateway", cloud.create_gateway(tags=new_run()))):
            same(found["error"], f"ec2 {action}: the answer has status 502 and says: Bad gateway", "error")
            need(found["maybe_done"], found)
            same(len(cloud.sent(action)), 1, f"{action}s")
        found = cloud.create_subnet(vpc="vpc-1", range="10.0.0.0/24", tags=new_run())
        same(found, {"error": "ec2 CreateSubnet: the answer has no subnet/subnetId", "code": "", "maybe_done": True, "cancelled": False}, "error")


# --- not yet ---

@test
def not_known_yet():
    """What was just made may be unknown for a while: these calls ask again, and see every other error at once."""
    tags = new_run()
    with Cloud() as cloud:
        gone = {"CreateSubnet": "InvalidVpcID.NotFound", "CreateSecurityGroup": "InvalidVpcID.NotFound", "AttachInternetGateway": "InvalidInternetGatewayID.NotFound",
                "CreateRoute": "InvalidRouteTableID.NotFound", "AuthorizeSecurityGroupIngress": "InvalidGroup.NotFound", "RunInstances": "InvalidSubnetID.NotFound"}
        cloud.answers = {action: [refusal(code)] for action, code in gone.items()}
        cloud.answers["DescribeRouteTables"] = [(200, b"<DescribeRouteTablesResponse><routeTableSet/></DescribeRouteTablesResponse>")]
        vpc, subnet, group = network(cloud, tags)
        gateway = cloud.create_gateway(tags=tags)
        same(cloud.attach_gateway(vpc=vpc, gateway=gateway), {}, "attached")
        table = cloud.main_route_table(vpc=vpc)
        same(cloud.create_route(table=table, range="0.0.0.0/0", gateway=gateway), {}, "a route")
        same(cloud.authorize(group=group, rules=[{"port": 22, "ranges": ["192.0.2.1/32"]}]), {}, "let in")
        same(len(cloud.run_instances(**launch(tags, subnet, group))), 1, "machines")
        same({action: len(cloud.sent(action)) for action in (*gone, "DescribeRouteTables")}, dict.fromkeys([*gone, "DescribeRouteTables"], 2), "calls")
        began = time.monotonic()
        cloud.answers = {"CreateSubnet": [refusal("InvalidVpcID.NotFound"), refusal("UnauthorizedOperation", "not you", 403)]}
        same(cloud.create_subnet(vpc=vpc, range="10.0.9.0/24", tags=tags)["error"], "ec2 CreateSubnet: UnauthorizedOperation: not you (request abc)", "error")
        need(time.monotonic() - began < 3, "it took too long")


@test
def not_known_yet_and_cancelled():
    with Cloud() as cloud:
        cloud.answers = {"AttachInternetGateway": lambda _: refusal("InvalidVpcID.NotFound")}
        began = time.monotonic()
        found = cloud.attach_gateway(vpc="vpc-1", gateway="igw-1", cancel_ms=700)
        need(found["cancelled"] and 0.6 < time.monotonic() - began < 2, found)
        same(found["error"], "ec2 AttachInternetGateway: InvalidVpcID.NotFound: so it is (request abc)", "error")


@test
def a_role_that_is_new():
    """IAM's news reach EC2 within seconds; a role that there is not is an error after ten."""
    tags = new_run()
    unknown = refusal("InvalidParameterValue", "Value (builder) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name")
    with Cloud() as cloud:
        _, subnet, group = network(cloud, tags)
        began = time.monotonic()
        cloud.answers = {"RunInstances": lambda _: unknown}
        found = cloud.run_instances(**launch(tags, subnet, group, role="builder"))
        same(found["error"], "ec2 RunInstances: InvalidParameterValue: Value (builder) for parameter iamInstanceProfile.name is invalid. "
                             "Invalid IAM Instance Profile name (request abc)", "error")
        need(6 < time.monotonic() - began < 12, time.monotonic() - began)
        same(cloud.sent("RunInstances")[-1]["IamInstanceProfile"], {"Name": "builder"}, "profile")
        cloud.answers = {"RunInstances": [unknown, refusal("InvalidParameterValue", "the subnet is odd")]}
        arn = "arn:aws:iam::123456789012:instance-profile/builder"
        same(cloud.run_instances(**launch(tags, subnet, group, role=arn))["error"], "ec2 RunInstances: InvalidParameterValue: the subnet is odd (request abc)", "error")
        same(cloud.sent("RunInstances")[-1]["IamInstanceProfile"], {"Arn": arn}, "profile")


# --- machines ---

@test
def one_call():
    """For any number of machines; all that makes them safe is in it."""
    tags, script = new_run(), "#!/bin/sh\necho hello + good & bye\n"
    with Cloud() as cloud:
        vpc, subnet, group = network(cloud, tags)
        made = cloud.run_instances(**launch(tags, subnet, group, count=5, minimum=5, user_data=script, disk=20_000_000_001, root_device="/dev/xvda",
                                            zone="eu-west-1a"))
        sent, = cloud.sent("RunInstances")
        specs = sent.pop("TagSpecifications")
        same([(s["ResourceType"], tags_of(s)) for s in specs], [("instance", tags), ("volume", tags)], "tags")
        same(base64.b64decode(sent.pop("UserData")).decode(), script, "user data")
        same(sent, {
            "ImageId": "ami-12c6146b", "InstanceType": "c7i.large", "MinCount": 5, "MaxCount": 5, "ClientToken": tags["edcc:run"],
            "InstanceInitiatedShutdownBehavior": "terminate", "Placement": {"AvailabilityZone": "eu-west-1a"},
            "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": True, "DeleteOnTermination": True}],
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 19, "VolumeType": "gp3", "DeleteOnTermination": True}}]}, "the call")
        same(sorted(i["index"] for i in made), [0, 1, 2, 3, 4], "launch indices")
        need(all(i["private"].startswith("10.0.0.") and i["tags"] == tags and i["state"] == PENDING and not i["spot"] for i in made), made)
        found = cloud.describe_instances(run=tags["edcc:run"])
        same(sorted(ids(found)), sorted(ids(made)), "found by the run")
        need(all(i["state"] == RUNNING and i["public"] and i["type"] == "c7i.large" and i["zone"] == "eu-west-1a" and i["image"] == "ami-12c6146b" for i in found), found)
        same(ids(cloud.describe_instances(ids=ids(made)[:2])), ids(made)[:2], "found by their ids")
        same(cloud.set_tag(ids=[vpc, *ids(made)], key="edcc:expires", value="1800000000"), {}, "a new tag")
        same({i["tags"]["edcc:expires"] for i in cloud.describe_instances(run=tags["edcc:run"])}, {"1800000000"}, "it is there")


@test
def spot():
    tags = new_run()
    with Cloud() as cloud:
        _, subnet, group = network(cloud, tags)
        cloud.run_instances(**launch(tags, subnet, group, spot=True, max_price="0.05"))
        cloud.run_instances(**launch(tags, subnet, group, spot=True))
        cloud.run_instances(**launch(tags, subnet, group))
        options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
        sent = cloud.sent("RunInstances")
        same([s.get("InstanceMarketOptions") for s in sent],
             [{"MarketType": "spot", "SpotOptions": {**options, "MaxPrice": "0.05"}}, {"MarketType": "spot", "SpotOptions": options}, None], "the market")
        same([[t["ResourceType"] for t in s["TagSpecifications"]] for s in sent], [["instance", "volume", "spot-instances-request"]] * 2 + [["instance", "volume"]], "tagged")
        need("BlockDeviceMappings" not in sent[0] and "UserData" not in sent[0] and "Placement" not in sent[0], sent[0])


@test
def pages():
    """However many there are, and however few on a page."""
    tags = new_run()
    with Cloud(page=5) as cloud:
        _, subnet, group = network(cloud, tags)
        made = [cloud.run_instances(**launch(tags, subnet, group))[0]["id"] for _ in range(12)]
        same(sorted(ids(cloud.describe_instances(run=tags["edcc:run"]))), sorted(made), "all of them")
        same(["NextToken" in p for p in cloud.sent("DescribeInstances")], [False, True, True], "calls")
        same(sorted(ids(cloud.find(kind="instance", run=tags["edcc:run"]))), sorted(made), "all of them")


@test
def the_end():
    """What is there is ended though other ids are wrong, and though some of it has ended; why it ended can be read."""
    tags = new_run()
    with Cloud() as cloud:
        made = ids(machines(cloud, tags, count=3, minimum=3))
        same(cloud.terminate(ids=made[:1]), {}, "one")
        same(cloud.terminate(ids=["i-0123456789abcdef0", *made]), {}, "and the rest, and one that never was")
        same(cloud.sent("TerminateInstances")[-1]["InstanceIds"], made[1:], "those that lived")
        same(cloud.terminate(ids=["i-0123456789abcdef0"]), {}, "only one that never was")
        same({i["state"] for i in cloud.describe_instances(ids=made)}, {TERMINATED}, "states")
        same({i["reason"] for i in cloud.describe_instances(ids=made)}, {"Client.UserInitiatedShutdown: User initiated shutdown"}, "reasons")
        same(cloud.find(kind="instance", run=tags["edcc:run"]), [], "instances")
        cloud.answers = {"TerminateInstances": [refusal("UnauthorizedOperation", "not you", 403)]}
        same(cloud.terminate(ids=made)["error"], "ec2 TerminateInstances: UnauthorizedOperation: not you (request abc)", "error")


@test
def batches():
    """A call may have a thousand ids, a filter two hundred values."""
    many = [f"i-{i:017x}" for i in range(2100)]
    with Cloud() as cloud:
        cloud.answers = {"TerminateInstances": lambda _: refusal("InvalidInstanceID.NotFound"),
                         "CreateTags": lambda _: (200, b"<CreateTagsResponse><return>true</return></CreateTagsResponse>")}
        same(cloud.terminate(ids=many), {}, "none of them is there")
        same([len(p["InstanceIds"]) for p in cloud.sent("TerminateInstances")], [1000, 1000, 100], "ids")
        same([len(p["Filters"][0]["Values"]) for p in cloud.sent("DescribeInstances")], [200] * 10 + [100], "values")
        same(cloud.set_tag(ids=many, key="edcc:expires", value="1"), {}, "tags")
        same(sum((p["Resources"] for p in cloud.sent("CreateTags")), []), many, "ids")


# --- what was left ---

@test
def what_was_left():
    """Of one run, or of all; nothing else of the account's."""
    one, two, ec2 = new_run(), new_run(), MOTO.client("ec2")
    foreign = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "edcc demo"}]}])["Vpc"]["VpcId"]
    with Cloud() as cloud:
        expected = {}
        for tags in (one, two):
            vpc, subnet, group = network(cloud, tags)
            gateway = cloud.create_gateway(tags=tags)
            cloud.attach_gateway(vpc=vpc, gateway=gateway)
            machine, = ids(cloud.run_instances(**launch(tags, subnet, group)))
            expected[tags["edcc:run"]] = {"vpc": (vpc, ""), "internet-gateway": (gateway, vpc), "subnet": (subnet, vpc), "security-group": (group, vpc),
                                          "instance": (machine, "")}
        loose = cloud.create_gateway(tags=two)
        for kind in expected[one["edcc:run"]]:
            thing, = cloud.find(kind=kind, run=one["edcc:run"])
            same((thing["kind"], thing["id"], thing["vpc"], thing["tags"]), (kind, *expected[one["edcc:run"]][kind], one), kind)
            every = {thing["id"] for thing in cloud.find(kind=kind)}
            need({run[kind][0] for run in expected.values()} <= every and foreign not in every, every)
        same({t["id"]: t["vpc"] for t in cloud.find(kind="internet-gateway", run=two["edcc:run"])},
             dict([expected[two["edcc:run"]]["internet-gateway"], (loose, "")]), "gateways")
        same([i["state"] for i in cloud.find(kind="instance", run=one["edcc:run"])], [RUNNING], "state")
        regions = cloud.regions()
        need("eu-west-1" in regions and "us-east-1" in regions and len(regions) > 10, regions)


# --- kinds of errors ---

@test
def kinds_of_errors():
    on_demand = ["Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "L-1216C47A"]
    expected = {
        "InsufficientInstanceCapacity": "capacity", "Unsupported": "capacity", "UnfulfillableCapacity": "capacity", "SpotMaxPriceTooLow": "capacity",
        "InsufficientHostCapacity": "capacity", "DependencyViolation": "busy", "InvalidGroup.InUse": "busy",
        "InvalidVpcID.NotFound": "not_yet", "InvalidSubnetID.NotFound": "not_yet", "InvalidGroup.NotFound": "not_yet", "InvalidInternetGatewayID.NotFound": "not_yet",
        "InvalidRouteTableID.NotFound": "not_yet", "InvalidInstanceID.NotFound": "not_yet", "InvalidAMIID.NotFound": None, "UnauthorizedOperation": None,
        "VcpuLimitExceeded": on_demand, "InstanceLimitExceeded": on_demand, "VpcLimitExceeded": ["VPCs per Region", "L-F678F1CE"],
        "MaxSpotInstanceCountExceeded": ["All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", "L-34B43A08"],
        "InsufficientFreeAddressesInSubnet": None}
    with Cloud() as cloud:
        for code, kind in expected.items():
            same(cloud.what_error(code=code), {"capacity": kind == "capacity", "busy": kind == "busy", "not_yet": kind == "not_yet",
                                               **({"quota": kind} if isinstance(kind, list) else {})}, code)


# --- look-ups ---

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
    main("ec2")
