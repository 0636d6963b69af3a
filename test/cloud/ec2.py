#!/usr/bin/env python3
"""Every call of EC2, against moto: what it makes, as boto3 sees it, what a second one does, and what is done about errors that pass."""

import base64
import time

from cloud import MOTO, main, need, same, test
from ec2_lab import Cloud, ids, launch, machines, network, new_run, refusal, tags_of

PENDING, RUNNING, STOPPING, STOPPED, SHUTTING_DOWN, TERMINATED = range(6)


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
        need(time.monotonic() - began < 20, "it took too long")  # a minute, where it waits


@test
def not_known_yet_and_cancelled():
    with Cloud() as cloud:
        cloud.answers = {"AttachInternetGateway": lambda _: refusal("InvalidVpcID.NotFound")}
        began = time.monotonic()
        found = cloud.attach_gateway(vpc="vpc-1", gateway="igw-1", cancel_ms=700)
        need(found["cancelled"] and 0.6 < time.monotonic() - began < 20, found)
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
        need(6 < time.monotonic() - began < 30, time.monotonic() - began)  # what else is new is waited for a minute
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
        same(cloud.describe_instances(ids=[]), [], "of no ids and no run")
        same(cloud.set_tags(ids=[vpc, *ids(made)], tags={"edcc:expires": "1800000000", "edcc:kept": ""}), {}, "a new tag")
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
        same(cloud.set_tags(ids=many, tags={"edcc:expires": "1"}), {}, "tags")
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


if __name__ == "__main__":
    main("ec2")
