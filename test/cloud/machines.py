#!/usr/bin/env python3
"""machines: the simulator itself, looked at with Amazon's own client: do its machines and its control plane behave as EC2's, and is nothing left of them?"""

import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import proxy
import world
from cloud import REGION, Skip, main, need, same, test, wait_for
from world import World

try:
    from botocore.exceptions import ClientError, HTTPClientError
except ImportError:
    ClientError = HTTPClientError = None  # every test is skipped then

SCRIPT = "#!/bin/bash\nmkdir -p ~root/.ssh\necho '{}' >~root/.ssh/authorized_keys\n{}\n"
KEY = None


class Network:
    """A VPC with everything that machines need."""

    def __init__(self, here, cidr="10.0.0.0/24"):
        self.ec2 = here.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=REGION + "a")["Subnet"]["SubnetId"]
        self.group = self.ec2.create_security_group(VpcId=self.vpc, GroupName="g", Description="d")["GroupId"]
        self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(VpcId=self.vpc, InternetGatewayId=self.gateway)

    def run(self, count=1, script="", least=None, public=True, **more):
        asked = {"ImageId": "ami-00000000000000001", "InstanceType": "t3.micro", "UserData": script, "InstanceInitiatedShutdownBehavior": "terminate",
                 "MetadataOptions": {"HttpTokens": "required"}, **more}
        port = {"DeviceIndex": 0, "SubnetId": self.subnet, "Groups": [self.group], "AssociatePublicIpAddress": public}
        answer = self.ec2.run_instances(MinCount=least or count, MaxCount=count, NetworkInterfaces=[port], **asked)
        return [instance["InstanceId"] for instance in answer["Instances"]]

    def describe(self, *ids):
        pages = self.ec2.describe_instances(InstanceIds=ids)["Reservations"]
        return {i["InstanceId"]: i for reservation in pages for i in reservation["Instances"]}

    def state(self, instance):
        return self.describe(instance)[instance]["State"]["Name"]

    def reason(self, instance):
        return self.describe(instance)[instance]["StateReason"]["Code"]


def refused(code, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except ClientError as problem:
        return same(problem.response["Error"]["Code"], code, "the error's code")
    raise AssertionError(f"it was not refused with {code}")


def finished(machine):
    """Waits for the end of its user data."""
    wait_for(lambda: machine.inside("find", "/var/lib/cloud/instances", "-name", "boot-finished", status=None).startswith("/"))
    return machine


def key():
    global KEY
    if not KEY:
        KEY = os.path.join(os.environ["HOME"], "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY], check=True)
    with open(KEY + ".pub") as public:
        return public.read().strip()


def ssh(address, command):
    done = subprocess.run(["ssh", "-F", "none", "-i", KEY, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                           "LogLevel=ERROR", f"root@{address}", command], capture_output=True, text=True, timeout=60)
    return done.stdout.strip() or done.stderr.strip()


def connects(address, port, machine=None, seconds=1):
    """Whether it does so soon, from a machine or from here."""
    command = ["timeout", str(seconds), "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port} && echo yes"]
    if machine:
        return "yes" in machine.inside(*command, status=None)
    return b"yes" in subprocess.run(command, capture_output=True).stdout


def reaches(address, port, machine=None):
    """Whether it connects, where it should: the machine may be slow."""
    return connects(address, port, machine, seconds=30)


# --- machines ---

@test
def four_machines_of_one_call_boot_reach_each_other_and_can_be_logged_into():
    with World() as here:
        net, began = Network(here), time.monotonic()
        ids = net.run(4, SCRIPT.format(key(), "echo hello $INSTANCE_ID; hostname"))
        machines = [here.machine(one) for one in ids]
        print(f"four machines: {time.monotonic() - began:.1f} s")
        for index, (one, known) in enumerate(zip(map(finished, machines), net.describe(*ids).values())):
            name = "ip-" + known["PrivateIpAddress"].replace(".", "-")
            same(known["AmiLaunchIndex"], index)
            same(one.read("/var/log/cloud-init-output.log"), f"hello {one.id}\n{name}\n")
            same(ssh(known["PublicIpAddress"], "cat /etc/hostname"), name)
            need(all(reaches(other.address, 22, one) for other in machines), "a machine that another cannot reach")
            need(reaches(machines[0].outside, 22, one), "a public address that is not reached from within")
            need(not connects(one.address, 22), "the operator reaches a private address")
        need(f"from {world.OPERATOR}" in machines[0].read("/var/log/auth.log"), "the operator has another address")
        need(machines[0].read("/etc/ssh/ssh_host_ed25519_key.pub") != machines[1].read("/etc/ssh/ssh_host_ed25519_key.pub"), "two with one key")
        same(here.proxy.problems(), [])


@test
def a_machine_is_fresh_and_its_own():
    with World() as here:
        net = Network(here)
        one, other = [finished(here.machine(i)) for i in net.run(2, "#!/bin/sh\nenv; pwd; test -d /run/systemd/system || echo no systemd")]
        same(sorted(one.read("/var/log/cloud-init-output.log").split("\n")), sorted(
            ["", "/", "no systemd", "LANG=C.UTF-8", f"INSTANCE_ID={one.id}", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PWD=/"]))
        same(one.inside("find", "/tmp", "/home", "/opt", "/root", "-mindepth", "1"), "")
        one.inside("sh", "-c", "touch /etc/mine /tmp/mine /usr/mine")
        need(not other.inside("find", "/etc/mine", "/tmp/mine", "/usr/mine", status=None).startswith("/"), "two machines share files")
        same([os.path.lexists(path) for path in ("/etc/mine", "/tmp/mine", "/usr/mine")], [False] * 3, "on this computer")
        need(len(one.inside("ps", "-e").split("\n")) < 12, "it sees other processes")
        began = time.monotonic()
        one.inside("apt-get", "install", "-y", "distcc")
        print(f"apt-get with nothing to do: {time.monotonic() - began:.2f} s")


@test
def metadata_is_for_those_with_a_token():
    with World() as here:
        net = Network(here)
        one, other = map(here.machine, net.run(2, "#!/bin/sh\n"))
        get = "curl -s -o /dev/null -w '%{http_code}' "
        url = "http://169.254.169.254/latest/"
        same(one.inside("sh", "-c", get + url + "meta-data/"), "401", "version 1")
        token = one.inside("sh", "-c", f"curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {url}api/token")

        def ask(machine, path):
            return machine.inside("sh", "-c", f"curl -s -w ' %{{http_code}}' -H 'X-aws-ec2-metadata-token: {token}' {url}{path}")

        same(ask(one, "meta-data/instance-id"), one.id + " 200")
        same(ask(one, "meta-data/local-ipv4"), one.address + " 200")
        same(ask(one, "meta-data/public-ipv4"), one.outside + " 200")
        same(ask(one, "meta-data/placement/region"), REGION + " 200")
        same(ask(one, "meta-data/placement/"), "availability-zone\nregion 200")
        same(ask(other, "meta-data/instance-id"), " 401", "another's token")
        same(ask(one, "meta-data/spot/instance-action"), " 404")
        here.notice(one.id, '{"action": "terminate"}')
        same(ask(one, "meta-data/spot/instance-action"), '{"action": "terminate"} 200')
        same(one.inside("sh", "-c", get + "-X PUT " + url + "api/token"), "400", "a token of no length")


@test
def user_data_may_be_gzipped_and_may_fail():
    with World() as here:
        net = Network(here)
        packed = here.machine(net.run(script=gzip.compress(b"#!/bin/sh\necho unpacked\n"))[0])
        same(finished(packed).read("/var/log/cloud-init-output.log"), "unpacked\n")
        failing = here.machine(net.run(script="#!/bin/sh\nexit 7\n")[0])
        same(finished(failing).read("/var/log/cloud-init-output.log"), "user data ended with status 7\n")
        without = here.machine(net.run(script="", public=False)[0])
        same(finished(without).read("/var/log/cloud-init-output.log"), "")
        refused("InvalidParameterValue", net.run, script="#" * 16385)


@test
def shutdown_inside_terminates_and_terminate_ends():
    with World(minute=0.5) as here:
        net = Network(here)
        now, later, never, taken = net.run(4, "#!/bin/sh\n")
        machines = {i: finished(here.machine(i)) for i in (now, later, never, taken)}
        # In five seconds, unless that is taken back.
        machines[never].inside("shutdown", "-h", "+10")
        over = time.monotonic() + 5
        machines[never].inside("shutdown", "-c")
        machines[now].power_off()
        machines[later].inside("shutdown", "-h", "+100")
        machines[later].inside("shutdown", "-h", "+1", "of", "age")
        wait_for(lambda: net.state(now) == "terminated")
        wait_for(lambda: net.state(later) == "terminated")
        time.sleep(max(0, over + 0.5 - time.monotonic()))
        same(net.state(never), "running")
        pid = machines[taken].first
        net.ec2.terminate_instances(InstanceIds=[taken])
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
        need(not connects(machines[taken].outside, 22), "it still answers")
        same(net.state(taken), "terminated")
        here.take(never)
        same(net.state(never), "terminated")
        same([net.reason(i) for i in (now, taken, never)],
             ["Client.InstanceInitiatedShutdown", "Client.UserInitiatedShutdown", "Server.SpotInstanceTermination"])
        wait_for(machines[never].gone.is_set)


@test
def stopping_is_played_where_it_was_asked_for():
    with World() as here:
        net = Network(here)
        one = net.run(script="#!/bin/sh\npoweroff\n", InstanceInitiatedShutdownBehavior="stop")[0]
        wait_for(lambda: net.state(one) == "stopped")


@test
def two_networks_of_the_same_addresses_at_once():
    with World() as here:
        first, second = Network(here), Network(here)
        ids = first.run(1, SCRIPT.format(key(), "echo first")), second.run(1, SCRIPT.format(key(), "echo second"))
        one, two = [finished(here.machine(i[0])) for i in ids]
        same(one.address, two.address)
        need(one.outside != two.outside, "one public address for two machines")
        same([ssh(m.outside, "cat /var/log/cloud-init-output.log") for m in (one, two)], ["first", "second"])
        need(not connects("10.0.0.5", 22, one), "somebody is where nobody is")
        third = here.machine(second.run(1)[0])
        same(third.address, "10.0.0.5")
        need(reaches(third.address, 22, two) and not connects(third.address, 22, one), "two networks are one")


@test
def machines_can_be_killed_frozen_cut_off_and_slowed():
    with World() as here:
        net = Network(here)
        ids = net.run(3, SCRIPT.format(key(), ""))
        one, two, three = [finished(here.machine(i)) for i in ids]
        one.cut()
        need(not connects(one.outside, 22) and not connects(one.address, 22, two), "the cable was cut")
        one.mend()
        same(ssh(one.outside, "echo mended"), "mended")
        two.freeze()
        wait_for(lambda: "T" in {line[0] for line in subprocess.check_output(["nsenter", "-t", str(two.first), "-p", "-m", "ps", "-e", "-o", "stat="],
                                                                             text=True).splitlines()})
        two.thaw()
        same(ssh(two.outside, "echo thawed"), "thawed")
        three.slow("400kbit")
        began = time.monotonic()
        subprocess.run(["ssh", "-F", "none", "-i", KEY, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                        f"root@{three.outside}", "cat >/dev/null"], input=os.urandom(50000), check=True, timeout=60)
        need(time.monotonic() - began > 0.8, "50 KB at 50 KB/s were too fast")
        three.slow(None)
        three.kill()
        need(not connects(three.outside, 22), "the dead answer")
        same(net.state(three.id), "running", "nobody was told")


@test
def cables_delay_and_lose():
    with World() as here:
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise Skip("there is no /dev/net/tun")
        one, two = [finished(here.machine(i)) for i in Network(here).run(2, SCRIPT.format(key(), ""))]
        one.impair(0.2)
        began = time.monotonic()
        need(reaches(one.outside, 22), "frames that are late do not arrive")
        need(time.monotonic() - began >= 0.4, "there and back in less than twice the delay")
        one.impair(0, 0.1)
        same(ssh(one.outside, "head -c 300000 /dev/zero | md5sum"), ssh(two.outside, "head -c 300000 /dev/zero | md5sum"))
        one.impair(0, 1)
        need(not connects(one.outside, 22) and not connects(one.address, 22, two), "frames that are lost arrive")
        one.impair(0)
        same(ssh(one.outside, "echo mended"), "mended")
        two.impair(0.1)
        two.kill()
        same([link for link in subprocess.check_output(["ip", "-o", "link"], text=True).split("\n") if two.id[-12:] in link], [], "its cable")


# --- the control plane ---

@test
def what_aws_does_and_moto_does_not():
    with World() as here:
        net = Network(here)
        once = net.run(2, ClientToken="token")
        same(net.run(2, ClientToken="token"), once)
        refused("IdempotentParameterMismatch", net.run, 3, ClientToken="token")
        same(len(net.run(3, least=1)), 3, "as many as there may be")
        here.amazon.capacity = {"t3.*": 2, "c5.large": 0, f"c6i.large/{REGION}b": 0}
        same(len(net.run(5, least=1)), 2, "as many as there are")
        refused("InsufficientInstanceCapacity", net.run, 3)
        refused("InsufficientInstanceCapacity", net.run, 1, InstanceType="c5.large")
        same(len(net.run(1, InstanceType="c6i.large")), 1, "in another zone")
        refused("InvalidInstanceType.NotFound", net.run, 1, InstanceType="t3.none")
        refused("InvalidAMIID.NotFound", net.run, 1, ImageId="ami-12345678901234567")
        refused("DryRunOperation", net.ec2.create_vpc, CidrBlock="10.9.0.0/16", DryRun=True)
        same(len(net.ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.9.0.0/16"]}])["Vpcs"]), 0)


@test
def what_is_in_use_is_not_deleted():
    with World() as here:
        net = Network(here)
        ids = net.run(1)
        deletions = ((net.ec2.delete_subnet, {"SubnetId": net.subnet}), (net.ec2.delete_security_group, {"GroupId": net.group}),
                     (net.ec2.detach_internet_gateway, {"VpcId": net.vpc, "InternetGatewayId": net.gateway}), (net.ec2.delete_vpc, {"VpcId": net.vpc}))
        for function, named in deletions:
            refused("DependencyViolation", function, **named)
        net.ec2.terminate_instances(InstanceIds=ids)
        wait_for(lambda: net.state(ids[0]) == "terminated")
        for function, named in deletions:
            function(**named)
        same(here.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [net.subnet]}])["NetworkInterfaces"], [])
        same([v["VpcId"] for v in net.ec2.describe_vpcs()["Vpcs"] if v["VpcId"] == net.vpc], [])


@test
def states_take_their_time():
    with World(latency=0.05) as here:
        # Its states last until the test says so.
        here.amazon.latency = 1000
        net = Network(here)
        one = net.run(1)[0]
        known = net.describe(one)[one]
        same(known["State"]["Name"], "pending")
        same(known.get("PublicIpAddress"), None)
        by_state = [{"Name": "instance-state-name", "Values": ["running"]}]
        same(net.ec2.describe_instances(Filters=by_state)["Reservations"], [])
        launch = here.proxy.calls("RunInstances")[0]
        need(0.05 * 1.5 <= launch["ended"] - launch["began"], "AWS's time was not taken", launch)
        need(one not in here.machines or not here.machines[one].up.is_set(), "it booted while it was pending")
        here.amazon.runs_at[one] = 0
        same(net.state(one), "running")
        same(len(net.ec2.describe_instances(Filters=by_state)["Reservations"]), 1)
        need("PublicIpAddress" in net.describe(one)[one], "running without an address")
        net.ec2.terminate_instances(InstanceIds=[one])
        same(net.state(one), "shutting-down")
        refused("DependencyViolation", net.ec2.delete_subnet, SubnetId=net.subnet)
        here.amazon.gone_at[one] = 0
        same(net.state(one), "terminated")
        refused("DependencyViolation", net.ec2.delete_subnet, SubnetId=net.subnet)
        here.amazon.free_at[one] = 0
        net.ec2.delete_subnet(SubnetId=net.subnet)


@test
def what_is_new_is_not_known_at_once():
    with World() as here:
        here.amazon.late = 2
        ec2 = here.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        refused("InvalidVpcID.NotFound", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.0/24")
        tables = [{"Name": "vpc-id", "Values": [vpc]}]
        same(ec2.describe_route_tables(Filters=tables)["RouteTables"], [], "a filter finds nothing")
        same(len(ec2.describe_route_tables(Filters=tables)["RouteTables"]), 1)
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")


@test
def faults_come_by_rule():
    with World() as here:
        ec2, hasty = here.client("ec2"), here.client("ec2", read_timeout=1)
        here.proxy.add({"action": "Describe*", "fault": "throttle", "skip": 1, "times": 2})
        ec2.describe_vpcs()
        refused("RequestLimitExceeded", ec2.describe_vpcs)
        refused("RequestLimitExceeded", ec2.describe_subnets)
        ec2.describe_vpcs()
        for fault, status in (("html", 500), ("unavailable", 503), ("quota", 400), ("expired", 400), (["Made.Up", 418, "made up"], 418)):
            here.proxy.add({"action": "DescribeVpcs", "fault": fault})
            try:
                ec2.describe_vpcs()
            except ClientError as problem:
                same(problem.response["ResponseMetadata"]["HTTPStatusCode"], status)
            else:
                raise AssertionError(f"{fault} did not come")
        effects = {"reset": 0, "eaten": 1, "hang": 0, "lost": 1}
        for number, (fault, effect) in enumerate(effects.items()):
            here.proxy.add({"action": "CreateVpc", "where": {"CidrBlock": "10.*"}, "fault": fault})
            try:
                hasty.create_vpc(CidrBlock=f"10.{number}.0.0/16")
            except HTTPClientError:
                # It may have lost its patience before the call took effect.
                wait_for(lambda: len(here.proxy.calls("CreateVpc")) > number)
                made = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [f"10.{number}.0.0/16"]}])["Vpcs"]
                same(len(made), effect, fault)
            else:
                raise AssertionError(f"{fault} did not come")
        same([r["fault"] for r in here.proxy.calls("CreateVpc")], list(effects))
        here.proxy.add({"action": "DescribeVpcs", "fault": lambda call: proxy.error("Own.Answer", 400, "of a function", call)})
        refused("Own.Answer", ec2.describe_vpcs)
        began = time.monotonic()
        here.proxy.add({"action": "DescribeVpcs", "wait": 0.3})
        ec2.describe_vpcs()
        need(time.monotonic() - began > 0.3, "it did not wait")


@test
def plans_get_answers():
    with World() as here:
        image = here.client("ssm").get_parameter(Name="/aws/service/debian/release/12/latest/amd64")["Parameter"]["Value"]
        found = here.client("ec2").describe_images(ImageIds=[image])["Images"][0]
        same((found["Name"], found["Architecture"], found["RootDeviceName"]), ("debian-12-amd64-20260101-1", "x86_64", "/dev/xvda"))
        quota = here.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
        same(quota["Value"], 512.0)
        asked = [{"Type": "TERM_MATCH", "Field": "instanceType", "Value": "c5.large"}]
        need('"USD": "0.0960000000"' in here.client("pricing").get_products(ServiceCode="AmazonEC2", Filters=asked)["PriceList"][0], "no price")
        same(here.proxy.problems(), [])


@test
def every_request_is_held_against_the_model():
    with World() as here:
        body = b"Action=DescribeVpcs&Version=2016-11-15&VpcIds.1=vpc-1"
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/ec2/aws4_request", "Content-Type": "application/x-www-form-urlencoded"}
        same(here.proxy.problems(), [])
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request(here.url, data=body, headers=signed))
        need(["VpcIds" in problem for problem in here.proxy.problems()] == [True], here.proxy.problems())


@test
def machines_reach_s3_by_presigned_urls():
    with World() as here:
        s3, one = here.client("s3"), here.machine(Network(here).run()[0])
        s3.create_bucket(Bucket="machines", CreateBucketConfiguration={"LocationConstraint": REGION})
        url = s3.generate_presigned_url("put_object", Params={"Bucket": "machines", "Key": "k"})
        one.inside("curl", "-sf", "-X", "PUT", "-H", "Content-Type:", "--data-binary", "from a machine", url)
        same(s3.get_object(Bucket="machines", Key="k")["Body"].read(), b"from a machine")


@test
def a_world_by_hand():
    with World():
        pass  # where worlds cannot be, this skips
    script = """set -e
        python3 -c 'import boto3; print(boto3.client("ec2").run_instances(ImageId="ami-00000000000000001", MinCount=1, MaxCount=1)
                    ["Instances"][0]["InstanceId"])' >id
        curl -sf -d hostname $AWS_ENDPOINT_URL/world/inside/$(cat id)
        curl -sf -d '{"action": "DescribeVpcs", "fault": ["Said.By.Hand", 400, "m"]}' $AWS_ENDPOINT_URL/world/rules
        python3 -c 'import boto3; boto3.client("ec2").describe_vpcs()' 2>&1 | grep -o Said.By.Hand
        curl -sf -d '{"late": 1}' $AWS_ENDPOINT_URL/world/amazon
        python3 -c 'import boto3; e = boto3.client("ec2"); e.create_tags(Resources=[e.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]], Tags=[])' \\
            2>&1 | grep -o InvalidVpcID.NotFound
        curl -s -X POST $AWS_ENDPOINT_URL/world/melt/$(cat id)
        exit 7"""
    outside = {name: value for name, value in os.environ.items() if name != world.IN_THE_BOX}
    done = subprocess.run([sys.executable, world.__file__, "--log", "requests", "--", "bash", "-c", script], env=outside, cwd=os.environ["HOME"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    need(re.fullmatch("ip-[0-9-]+\nSaid.By.Hand\nInvalidVpcID.NotFound\nAttributeError: .*melt.*\n", done.stdout), done.stdout)
    same(done.returncode, 7)
    with open(os.path.join(os.environ["HOME"], "requests")) as log:
        same([json.loads(line)["action"] for line in log], ["RunInstances", "DescribeVpcs", "CreateVpc", "CreateTags"])


# --- the end ---

def elsewhere():
    """pid → network namespace, of the processes that are in another one than this."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found[int(pid)] = os.readlink(f"/proc/{pid}/ns/net")
    own = os.readlink("/proc/self/ns/net")
    return {pid: space for pid, space in found.items() if space != own}


INNER = """
import sys
sys.path.insert(0, {folder!r})
import machines, time, world
here = world.World().__enter__()
net = machines.Network(here)
[machines.finished(here.machine(one)) for one in net.run(2, "#!/bin/sh\\nsleep 1000 &\\n")]
print("booted", flush=True)
time.sleep(1000)
"""


@test
def nothing_is_left_however_it_ends():
    with World() as here:
        Network(here).run(2)
    # What was killed is there until the system has come to it.
    wait_for(lambda: not elsewhere())
    inner = INNER.format(folder=os.path.dirname(os.path.abspath(world.__file__)))
    for whom in ("the one that was started", "the first process", "the test"):
        with open("/proc/mounts") as before:
            mounts = before.read()
        process = subprocess.Popen([*world.BOX, "bash", "-c", '"$@"; exit $?', "box", "env", f"{world.IN_THE_BOX}=yes", sys.executable, "-c", inner],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        same(process.stdout.readline(), "booted\n")
        need(len(set(elsewhere().values())) == 3, "not two machines and a data centre", elsewhere())
        inside = sorted(pid for pid in elsewhere() if pid != process.pid)
        os.kill(process.pid if whom == "the one that was started" else inside[0] if whom == "the first process" else inside[1], signal.SIGKILL)
        process.wait()
        wait_for(lambda: not elsewhere())
        with open("/proc/mounts") as after:
            same(after.read(), mounts)


if __name__ == "__main__":
    world.box()
    main("machines")
