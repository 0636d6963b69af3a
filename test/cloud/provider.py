#!/usr/bin/env python3
"""Provider aws without machines: what a plan sees, which calls make and remove a fleet, in which order, and what is done when they go wrong. AWS's moods are
played before moto; every request is held against botocore's model. No machine boots, so each run ends by Ctrl-C (or kill -9) once it waits for its host."""

import atexit
import contextlib
import json
import os
import re
import signal
import tempfile
import threading
import time

import amazon
import answers
import proxy
from cloud import KEY, MOTO, SECRET, Project, main, need, same, test, wait_for
from cloud import aws as account

ZONE_A, ZONE_B = "eu-west-1a", "eu-west-1b"
CREATE = ["CreateVpc", "CreateInternetGateway", "CreateSubnet", "CreateSecurityGroup", "AttachInternetGateway", "DescribeRouteTables", "RunInstances",
          "CreateRoute", "AuthorizeSecurityGroupIngress"]
REMOVE = ["TerminateInstances", "DeleteSubnet", "DeleteSecurityGroup", "DetachInternetGateway", "DeleteVpc", "DeleteInternetGateway"]
TEXT = """\
project = demo

provider aws:
    region = eu-west-1

instances:
    count = {count}
    type  = {types}
{more}
build all:
    true
"""


def images():
    """moto reads them once, when it starts."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(answers.images(), file)
    atexit.register(os.unlink, file.name)
    os.environ["MOTO_AMIS_PATH"] = file.name


class Cloud:
    """An account whose machines never answer: each has an address of this computer where nobody listens."""

    def __init__(self, *rules, latency=0):
        if not MOTO.url:
            images()
            MOTO.start()
        MOTO.post("/moto-api/reset")
        self.ec2 = MOTO.client("ec2")
        self.amazon = amazon.Amazon(self.ec2, latency)
        self.proxy = proxy.Proxy(("127.0.0.1", 0), MOTO.port, latency, self.answer)
        self.proxy.add(*rules)
        self.url = "http://127.0.0.1:%d" % self.proxy.server_address[1]

    def answer(self, call, forward):
        status, headers, body = self.amazon.answer(call, forward)
        return status, headers, re.sub(rb"<(ipAddress|publicIp)>[^<]*<", rb"<\1>127.9.9.9<", body)

    def __enter__(self):
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *failure):
        self.proxy.shutdown()
        self.proxy.server_close()
        if not failure[0]:
            same(self.proxy.problems(), [], "requests that botocore's model does not allow")

    def environment(self, **more):
        return account(self.url, **more)

    def done(self, actions=None):
        """The mutating calls of EC2, and the look for the route table, in the order in which they were asked."""
        calls = sorted(self.proxy.calls(service="ec2"), key=lambda call: call["began"])
        return [c for c in calls if c["action"] in (actions or CREATE + REMOVE)]

    def left(self):
        """What there is that was not there before."""
        ec2, own = self.ec2, {v["VpcId"] for v in self.ec2.describe_vpcs()["Vpcs"] if v["IsDefault"]}
        found = [v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]] + [g["InternetGatewayId"] for g in ec2.describe_internet_gateways()["InternetGateways"]]
        found += [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if s["VpcId"] not in own]
        found += [g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"] if g["VpcId"] not in own and g["GroupName"] != "default"]
        found += [n["NetworkInterfaceId"] for n in ec2.describe_network_interfaces()["NetworkInterfaces"]]
        return sorted(set(found) - own) + [i["InstanceId"] for i in self.machines()]

    def machines(self):
        reservations = self.ec2.describe_instances()["Reservations"]
        return [i for r in reservations for i in r["Instances"] if i["State"]["Name"] not in ("terminated", "shutting-down")]


def project(name, count=4, types="c5.large c5.xlarge", more=""):
    return Project(name, edccfile=TEXT.format(count=count, types=types, more=more))


def start(made, cloud, *arguments, **environment):
    return made.start("apply", "--json", *arguments, env=cloud.environment(**environment))


def boots(made):
    """True once the run waits for its host."""
    return made.runs() and any(line.get("action") == "instances" and line["record"] == "done" and line["result"]["complete"] for line in made.journal())


def until_boot(made, cloud, end=signal.SIGINT, status=130):
    """Runs until the machines are launched, then ends it."""
    process = start(made, cloud)
    wait_for(lambda: boots(made) or process.poll() is not None)
    wait_for(lambda: cloud.proxy.calls("DescribeInstances") or process.poll() is not None)
    process.send_signal(end)
    return made.finish(process, status)


def depth(calls):
    """How many of them are one after another: the longest chain in which each was asked when the one before had been answered."""
    deep = {}
    for n, call in enumerate(calls):
        deep[n] = 1 + max((deep[k] for k in range(n) if calls[k]["ended"] <= call["began"]), default=0)
    return max(deep.values(), default=0)


def failed(result):
    return [e["message"] for e in result.all("failed")]


# --- the calls ---

# What is asked at once, and then what needs it.
AT_ONCE = (("CreateVpc", "CreateInternetGateway"), ("CreateSubnet", "CreateSecurityGroup", "AttachInternetGateway", "DescribeRouteTables"),
           ("RunInstances", "CreateRoute", "AuthorizeSecurityGroupIngress"), ("DeleteSubnet", "DeleteSecurityGroup", "DetachInternetGateway"),
           ("DeleteVpc", "DeleteInternetGateway"))


def together():
    """A rule by which each call is answered when those that are asked at once with it have come, so that they overlap on any machine."""
    barriers = {action: barrier for actions in AT_ONCE for barrier in [threading.Barrier(len(actions))] for action in actions}

    def wait(call):
        with contextlib.suppress(threading.BrokenBarrierError):
            if call.action in barriers:
                barriers[call.action].wait(30)

    return {"action": "*", "times": 0, "fault": wait}


def calls_of(count):
    with Cloud(together()) as cloud:
        made = project(f"calls-{count}", count)
        until_boot(made, cloud)
        made_by, removed_by = cloud.done(CREATE), cloud.done(REMOVE)
        same(sorted(c["action"] for c in made_by), sorted(CREATE), "calls that create")
        same(sorted(c["action"] for c in removed_by), sorted(REMOVE), "calls that remove")
        same((depth(made_by), depth(removed_by)), (3, 3), "one after another")
        launched = next(c["parameters"] for c in made_by if c["action"] == "RunInstances")
        same((launched["MinCount"], launched["MaxCount"]), (str(count), str(count)), "machines of the one launch")
        same(launched["MetadataOptions.HttpTokens"], "required", "IMDSv2")
        same(launched["InstanceInitiatedShutdownBehavior"], "terminate", "when it shuts down")
        same(cloud.left(), [], "what EC2 still has")
        made.nothing_left()


@test
def one_machine():
    """Nine calls, three deep; and six, three deep, and looks until the machines are gone, to remove it."""
    calls_of(1)


@test
def four_machines():
    calls_of(4)


@test
def many_machines():
    """No call more for sixty-four."""
    calls_of(64)


@test
def what_is_made():
    """Tags on everything, rules for ssh from here and all else from within; no secret in user data."""
    with Cloud() as cloud:
        made = project("made", 2)
        process = start(made, cloud)
        wait_for(lambda: boots(made))
        wait_for(lambda: cloud.proxy.calls("AuthorizeSecurityGroupIngress") and cloud.proxy.calls("CreateRoute"))
        run_id = made.runs()[-1]
        things = cloud.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["edcc:run"]}])["Tags"]
        kinds = sorted({t["ResourceType"] for t in things if t["Value"] == run_id})
        same(kinds, ["instance", "internet-gateway", "security-group", "subnet", "volume", "vpc"], "tagged")
        group = next(g for g in cloud.ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] == f"edcc {run_id}")
        rules = {p["FromPort"]: ([r["CidrIp"] for r in p["IpRanges"]], [g["GroupId"] for g in p["UserIdGroupPairs"]]) for p in group["IpPermissions"]}
        same(rules, {22: (["127.0.0.1/32"], []), 80: ([], [group["GroupId"]]), 3632: ([], [group["GroupId"]])}, "rules")
        process.send_signal(signal.SIGINT)
        made.finish(process, 130)
        same(cloud.left(), [], "what EC2 still has")
        text = "".join(json.dumps(line) for line in made.journal())
        need("PRIVATE KEY" not in text and "tests+secret" not in text, "a secret is in the journal")


# --- what exists already ---

@test
def own_network():
    """A VPC and a subnet that exist are used and stay; the group is made in them."""
    with Cloud() as cloud:
        vpc = cloud.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        subnet = cloud.ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.3.0/24", AvailabilityZone=ZONE_B)["Subnet"]["SubnetId"]
        before = cloud.left()
        made = project("own-network", more=f"\nnetwork:\n    subnet = {subnet}\n")
        plan = made.edcc("plan", env=cloud.environment()).output
        need(f"used as it is, and left: {subnet} (10.7.3.0/24, 251 free addresses) in {vpc}" in plan, plan)
        until_boot(made, cloud)
        same(sorted(c["action"] for c in cloud.done(CREATE)), ["AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "RunInstances"], "calls")
        same(cloud.left(), before, "what EC2 still has")


@test
def own_vpc():
    """In a VPC that exists a subnet is made and removed."""
    with Cloud() as cloud:
        vpc = cloud.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        before = cloud.left()
        made = project("own-vpc", more=f"\nnetwork:\n    vpc    = {vpc}\n    subnet = 10.7.9.0/24\n")
        until_boot(made, cloud)
        same(sorted(c["action"] for c in cloud.done(CREATE)), ["AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "CreateSubnet", "RunInstances"], "calls")
        same(cloud.left(), before, "what EC2 still has")


@test
def wrong_network():
    """A subnet that is not there, one in another VPC, one that is too small: said by the plan."""
    with Cloud() as cloud:
        vpcs = [cloud.ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (7, 8)]
        subnet = cloud.ec2.create_subnet(VpcId=vpcs[0], CidrBlock="10.7.3.0/28")["Subnet"]["SubnetId"]
        for name, lines, text in (
                ("no-subnet", "subnet = subnet-12345678", "ec2 DescribeSubnets: InvalidSubnetID.NotFound: The subnet ID 'subnet-12345678' does not exist"),
                ("other-vpc", f"vpc = {vpcs[1]}\n    subnet = {subnet}", f"error: the subnet {subnet} is in {vpcs[0]}, not in {vpcs[1]}\n"),
                ("small", f"subnet = {subnet}", f"error: 12 machines do not fit into the subnet {subnet}, which has 11 free addresses\n")):
            made = project(name, 12, more=f"\nnetwork:\n    {lines}\n")
            need(text in made.edcc("plan", env=cloud.environment(), status=4).errors, text, made.edcc("plan", env=cloud.environment(), status=4))
        same(cloud.done(), [], "calls")


# --- capacity and quotas ---

def launches(cloud):
    return [(c["parameters"]["InstanceType"], c["parameters"]["MinCount"], c["parameters"]["MaxCount"], c["status"]) for c in cloud.proxy.calls("RunInstances")]


@test
def next_type():
    """No capacity for the first type: the second."""
    with Cloud() as cloud:
        cloud.amazon.capacity = {"c5.large": 0}
        made = project("next-type")
        until_boot(made, cloud)
        same(launches(cloud), [("c5.large", "4", "4", 500), ("c5.xlarge", "4", "4", 200)], "launches")
        same(len(set(c["parameters"]["ClientToken"] for c in cloud.proxy.calls("RunInstances"))), 2, "tokens")
        same(cloud.left(), [], "what EC2 still has")


@test
def next_zone():
    """Nor for the second: another subnet, in the next zone, before anything is in the first."""
    with Cloud() as cloud:
        cloud.amazon.capacity = {f"*/{ZONE_A}": 0}
        made = project("next-zone")
        process = start(made, cloud)
        wait_for(lambda: boots(made))
        same([i["Placement"]["AvailabilityZone"] for i in cloud.machines()], [ZONE_B] * 4, "zones")
        same([s["AvailabilityZone"] for s in cloud.ec2.describe_subnets()["Subnets"] if not s["DefaultForAz"]], [ZONE_B], "subnets")
        process.send_signal(signal.SIGINT)
        made.finish(process, 130)
        same(cloud.left(), [], "what EC2 still has")


# The first call asks for all, the second for what there is; then there is no more of the type.
gone_after_two = [{"action": "RunInstances", "where": {"InstanceType": kind}, "skip": 2, "times": 0, "fault": "capacity"} for kind in ("c5.large", "c5.xlarge")]


@test
def some_of_them():
    """Where there are not as many, as many as there are, from the minimum on; what is missing comes from the next type."""
    with Cloud(*gone_after_two) as cloud:
        cloud.amazon.capacity = {"c5.large": 2, "c5.xlarge": 1}
        made = project("some", more="    minimum = 3\n\nnetwork:\n    zone = eu-west-1a\n")
        process = start(made, cloud)
        wait_for(lambda: boots(made))
        same(sorted(i["InstanceType"] for i in cloud.machines()), ["c5.large", "c5.large", "c5.xlarge"], "machines")
        machines = [line for line in made.journal() if line.get("action") == "instances"][-1]["result"]["machines"]
        same([bool(m["id"]) for m in machines], [True, True, True, False], "hosts that have a machine")
        process.send_signal(signal.SIGINT)
        made.finish(process, 130)
        same(cloud.left(), [], "what EC2 still has")


@test
def too_few():
    """Below the minimum: the failure says what was asked and what there is, and all of it goes."""
    with Cloud(*gone_after_two) as cloud:
        cloud.amazon.capacity = {"c5.large": 1, "c5.xlarge": 0}
        made = project("too-few", more="    minimum = 3\n\nnetwork:\n    zone = eu-west-1a\n")
        result = made.edcc("apply", "--json", env=cloud.environment(), status=4)
        need("cannot launch 4 machines in eu-west-1 (1 of them run): ec2 RunInstances: InsufficientInstanceCapacity" in failed(result)[0], failed(result))
        same(cloud.left(), [], "what EC2 still has")


@test
def spot():
    """No spot capacity: on demand."""
    with Cloud({"action": "RunInstances", "where": {"InstanceMarketOptions.MarketType": "spot"}, "fault": "capacity", "times": 0}) as cloud:
        made = project("spot", types="c5.large", more="    spot = yes\n\nnetwork:\n    zone = eu-west-1a\n")
        until_boot(made, cloud)
        markets = [c["parameters"].get("InstanceMarketOptions.MarketType") for c in cloud.proxy.calls("RunInstances")]
        same(markets, ["spot", None], "markets")
        same(cloud.left(), [], "what EC2 still has")


@test
def quota():
    """A quota stops the run at once, with its name; the plan says it where it can be known."""
    with Cloud({"action": "RunInstances", "fault": "quota", "times": 0}) as cloud:
        made = project("quota")
        result = made.edcc("apply", "--json", env=cloud.environment(), status=4)
        same(len(cloud.proxy.calls("RunInstances")), 1, "launches")
        hint = result.all("failed")[0]["hint"]
        same(hint, "the quota 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances' (L-1216C47A) is used up in eu-west-1: raise it in the Service "
                   "Quotas console, or ask for less", "hint")
        same(cloud.proxy.calls("DescribeInstances"), [], "looks for machines of which there can be none")
        same(cloud.left(), [], "what EC2 still has")
        planned = project("quota-plan", 300).edcc("plan", env=cloud.environment(), status=4).errors
        need("the machines have 600 processors, and the account may run 512 at once in eu-west-1" in planned, planned)


@test
def places():
    """A zone that has none of the types, prices that are too high: said by the plan; on demand is not taken where it costs more than a machine may."""
    with Cloud() as cloud:
        for name, types, more, text in (
                ("zone", "c5.large", "\nnetwork:\n    zone = eu-west-1z\n",
                 "eu-west-1z does not have the types of all machines\n    6 | instances:\n      | ^^^^^^^^^^ name more types; the types are in eu-west-1a, eu-west-1b, eu-west-1c\n"),
                ("dear", "c5.large c5.xlarge", "    max_price = 0.05\n",
                 "each of the types costs more than 'max_price' an hour\n    6 | instances:\n      | ^^^^^^^^^^ c5.large costs $0.0960\n"),
                ("no-type", "c5.lagre", "", "there is no type 'c5.lagre' in eu-west-1\n    6 | instances:\n      | ^^^^^^^^^^ aws ec2 describe-instance-types --region eu-west-1 lists them\n"),
                ("arm", "c7g.large", "", "'c7g.large' is no machine for amd64\n    6 | instances:\n      | ^^^^^^^^^^ choose another type, or 'arch = arm64' beside it\n")):
            errors = project(name, types=types, more=more).edcc("plan", env=cloud.environment(), status=4).errors
            need(text in errors, errors, text)
        cloud.amazon.capacity = {"c5.large": 0}
        made = project("spot-dear", types="c5.large", more="    spot = yes\n    max_price = 0.05\n\nnetwork:\n    zone = eu-west-1a\n")
        result = made.edcc("apply", "--json", env=cloud.environment(), status=4)
        same([c["parameters"].get("InstanceMarketOptions.SpotOptions.MaxPrice") for c in cloud.proxy.calls("RunInstances")], ["0.050000"] * 2, "launches")
        need(failed(result)[0].startswith("cannot launch 4 machines in eu-west-1 (0 of them run): ec2 RunInstances: InsufficientInstanceCapacity"), failed(result))


@test
def taken_back():
    """A host that EC2 ends while it boots: why, and what to do."""
    with Cloud(latency=0.1) as cloud:
        made = project("taken-back", 2)
        process = start(made, cloud)
        wait_for(lambda: boots(made))
        host = [line for line in made.journal() if line.get("action") == "instances"][-1]["result"]["ids"][0]
        cloud.amazon.ending([host], "Server.InternalError: Internal error on launch")
        cloud.ec2.terminate_instances(InstanceIds=[host])
        result = made.finish(process, 4)
        same(failed(result)[0], f"the host {host} ended while it booted: Server.InternalError: Internal error on launch", "failure")
        same(cloud.left(), [], "what EC2 still has")


# --- lost answers ---

@test
def lost_answers():
    """A creating call whose answer is lost is not made again where its tag is found; nothing is made twice, nothing stays."""
    for action in CREATE:
        with Cloud({"action": action, "fault": "eaten"}) as cloud:
            made = project(f"lost-{action}")
            until_boot(made, cloud)
            if action in ("CreateVpc", "CreateInternetGateway"):
                same(len(cloud.proxy.calls(action)), 1, f"calls of {action}")
            same(cloud.left(), [], f"what EC2 still has where the answer of {action} was lost")


@test
def never_made():
    """Where the tag is not found it is made again."""
    for action in ("CreateVpc", "CreateInternetGateway"):
        with Cloud({"action": action, "fault": "reset"}) as cloud:
            made = project(f"never-{action}")
            until_boot(made, cloud)
            same(len(cloud.proxy.calls(action)), 2, f"calls of {action}")
            same(cloud.left(), [], "what EC2 still has")


@test
def killed():
    """kill -9 when the answer of a creating call has not come: destroy goes by the tag."""
    for action in ("CreateVpc", "CreateInternetGateway", "CreateSubnet", "CreateSecurityGroup", "AttachInternetGateway", "RunInstances"):
        with Cloud({"action": action, "fault": "lost"}) as cloud:
            made = project(f"killed-{action}")
            process = start(made, cloud)
            wait_for(lambda: cloud.left() and any(f["action"] == action for f in asked(made, action)))
            time.sleep(0.3)
            process.kill()
            made.finish(process, -9)
            need(cloud.left(), "nothing was there")
            made.edcc("destroy", env=cloud.environment())
            same(cloud.left(), [], f"what EC2 still has after kill -9 in {action}")


INTENTS = {"CreateVpc": "vpc", "CreateInternetGateway": "gateway", "CreateSubnet": "subnet", "CreateSecurityGroup": "group", "AttachInternetGateway": "attach",
           "RunInstances": "instances"}


def asked(made, action):
    """The intent of a call, where the journal has it."""
    lines = made.journal() if made.runs() else []
    return [{"action": action} for line in lines if line["record"] == "intent" and line["action"] == INTENTS[action]]


# --- removing ---

@test
def in_use():
    """What is still in use is waited for."""
    busy = ["DependencyViolation", 400, "it has dependencies and cannot be deleted."]
    with Cloud(*({"action": action, "fault": busy, "times": 2} for action in REMOVE[1:4])) as cloud:
        made = project("in-use")
        until_boot(made, cloud)
        same([len(cloud.proxy.calls(action)) for action in REMOVE], [1, 3, 3, 3, 1, 1], "calls")
        same(cloud.left(), [], "what EC2 still has")


@test
def slow_states():
    """Machines that take their time to run and to end, ids that are not known at once."""
    with Cloud(latency=0.05) as cloud:
        cloud.amazon.late = 1
        made = project("slow")
        until_boot(made, cloud)
        same(cloud.left(), [], "what EC2 still has")


@test
def other_account():
    """With another account's credentials nothing would be there, which is not the same as gone."""
    with Cloud() as cloud:
        made = project("other-account")
        until_boot(made, cloud, signal.SIGKILL, -9)
        other = cloud.environment()
        arn = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:user/x</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
        cloud.proxy.add({"action": "GetCallerIdentity", "times": 1, "fault": lambda call: (200, [], arn.encode())})
        result = made.edcc("destroy", "--json", env=other, status=5)
        need("the run was made in the account 123456789012, and the credentials from" in " ".join(failed(result)), failed(result))
        made.edcc("destroy", env=other)
        same(cloud.left(), [], "what EC2 still has")


@test
def not_allowed():
    """Look-ups that are refused are notes; a call that makes something is an error that names the permission."""
    denied = ["UnauthorizedOperation", 403, "You are not authorized to perform this operation."]
    rules = [{"action": action, "fault": denied, "times": 0} for action in ("DescribeInstanceTypes", "DescribeInstanceTypeOfferings", "CreateVpc")]
    with Cloud(*rules) as cloud:
        made = project("not-allowed", types="c5.large")
        plan = made.edcc("plan", env=cloud.environment()).output
        need("  not looked up (the credentials are not allowed to): the types, the zones\n" in plan, plan)
        result = made.edcc("apply", "--json", env=cloud.environment(), status=4)
        event = next(e for e in result.all("failed") if "VPC" in e["message"])
        need(event["message"].startswith("cannot make the VPC in eu-west-1: ec2 CreateVpc: UnauthorizedOperation"), event)
        same(event["hint"], "the credentials from environment are not allowed to call ec2:CreateVpc", "hint")
        same(cloud.left(), [], "what EC2 still has")


@test
def nobody():
    """Credentials that AWS does not take, or none: one error."""
    with Cloud({"action": "*", "fault": ["AuthFailure", 401, "AWS was not able to validate the provided access credentials"], "times": 0}) as cloud:
        made = project("nobody")
        errors = made.edcc("plan", env=cloud.environment(), status=4).errors
        need(errors.count("error:") == 1 and "AWS does not take the credentials from environment" in errors, errors)
        errors = made.edcc("plan", env=cloud.environment(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""), status=4).errors
        need("Unable to locate credentials" in errors, errors)


@test
def ending_credentials():
    """Credentials that end before the run may: a warning before it starts."""
    with Cloud() as cloud:
        made = project("ending", 1)
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        made.write("keys", json.dumps({"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET, "SessionToken": "token", "Expiration": end}))
        made.write("config", f"[default]\ncredential_process = cat {made.path('keys')}\n")
        environment = cloud.environment(AWS_CONFIG_FILE=made.path("config"), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        errors = made.edcc("plan", env=environment).errors
        need(re.search(rf"warning: the credentials from .* end at {end[:16]}Z, which 'limits: time' is longer than\n", errors), errors)
        made.write("Edccfile", made.read("Edccfile") + "\nlimits:\n    time = 30m\n")
        same(made.edcc("plan", env=environment).errors, "", "warnings where it is shorter")


@test
def doctor():
    """What a plan would stand on, or what is against it; nothing is made."""
    with Cloud() as cloud:
        made = project("doctor", 2)
        result = made.edcc("doctor", env=cloud.environment())
        same(result.output, """\
aws: account 123456789012, region eu-west-1, image_1 ami-00000000000000001, ssh
    127.0.0.1/32, c5.large 2 cpus, c5.xlarge 4 cpus
    $0.19 an hour, at most $0.38: the machines end by themselves after 2h
    open: ssh (22) to 127.0.0.1/32; status (80) and distcc (3632) between the machines only

0 faults, 0 notes
""", "a good account")
        found = json.loads(made.edcc("doctor", "--json", env=cloud.environment()).output)
        same((found["fine"], found["facts"][0], found["hosts"], found["findings"]), (True, "account=123456789012", [], []), "as JSON")
        result = project("doctor-much", 200, types="c5.24xlarge").edcc("doctor", env=cloud.environment(), status=4)
        same(result.output, """\
fault: Edccfile:6:1: the machines have 19200 processors, and the account may run
    512 at once in eu-west-1
    hint: the quota is 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z)
      instances' (L-1216C47A): raise it in the Service Quotas console, or ask
      for less

1 fault, 0 notes
""", "a quota that is too small")
        same((cloud.done(), made.runs()), ([], []), "what was made")


if __name__ == "__main__":
    main("provider")
