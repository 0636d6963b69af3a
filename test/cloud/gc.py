#!/usr/bin/env python3
"""What runs left in an account, found and removed by its tags from a machine without a journal, while what is not edcc's stays. Every request is held against
botocore's model."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import time

import validate
from cloud import KEY, MOTO, REGION, SECRET, Project, Proxy, aws, boto3, main, need, same, test, told, wait_for
from lab import EDCC

OTHER = "us-east-2"
HOURS = 3600
DEAD, ALIVE, FOREIGN = "dead", "alive", "foreign"


def client(region):
    key = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    MOTO.start()
    return boto3.client("ec2", endpoint_url=MOTO.url, region_name=region, **key)


def owner(kind):
    """The tag of a process of this machine that has ended, of this one, and of one elsewhere."""
    with open("/proc/self/stat") as file:
        start = int(file.read().rpartition(")")[2].split()[19])
    host = "elsewhere" if kind == FOREIGN else socket.gethostname()
    return f"ann@{host} {os.getpid()} {start - (kind == DEAD)}"


def run_id(hours=0.0, number=[0x1000]):
    number[0] += 1
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(time.time() - hours * HOURS)) + f"-{number[0]:04x}"


class Run:
    """What a run has left. `parts`: how far it came."""

    def __init__(self, region=REGION, parts=5, by=FOREIGN, hours=0.0, expires=1.0, project="demo", machines=2, tagged=True, **tags):
        self.id, self.region, self.things = run_id(hours), region, []
        self.ec2 = client(region)
        self.tags = {"edcc:run": self.id, "edcc:project": project, "edcc:owner": owner(by), "Name": f"edcc {project}", **tags} if tagged else {"Name": "mine"}
        if tagged and expires is not None:
            self.tags["edcc:expires"] = str(int(time.time() + expires * HOURS))
        makers = [self.vpc, self.gateway, self.subnet, self.group, lambda: self.machines(machines)]
        for make in makers[:parts]:
            make()

    def specification(self, kind):
        return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}]

    def add(self, kind, answer, *path):
        for part in path:
            answer = answer[part]
        self.things.append(answer)
        return answer

    def vpc(self):
        self.vpc_id = self.add("vpc", self.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=self.specification("vpc")), "Vpc", "VpcId")

    def gateway(self):
        made = self.ec2.create_internet_gateway(TagSpecifications=self.specification("internet-gateway"))
        gateway = self.add("internet-gateway", made, "InternetGateway", "InternetGatewayId")
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc_id)

    def subnet(self):
        made = self.ec2.create_subnet(VpcId=self.vpc_id, CidrBlock="10.0.0.0/24", TagSpecifications=self.specification("subnet"))
        self.subnet_id = self.add("subnet", made, "Subnet", "SubnetId")
        self.ec2.modify_subnet_attribute(SubnetId=self.subnet_id, MapPublicIpOnLaunch={"Value": True})

    def group(self):
        made = self.ec2.create_security_group(VpcId=self.vpc_id, GroupName=f"edcc {self.id}", Description="edcc", TagSpecifications=self.specification("security-group"))
        self.group_id = self.add("security-group", made, "GroupId")

    def machines(self, count):
        made = self.ec2.run_instances(ImageId="ami-12c6146b", InstanceType="c7i.large", MinCount=count, MaxCount=count, TagSpecifications=self.specification("instance"), SubnetId=self.subnet_id)
        self.instances = [instance["InstanceId"] for instance in made["Instances"]]
        self.things += self.instances

    def left(self):
        found = there(self.region)
        return [thing for thing in self.things if thing in found]


def there(region):
    """The ids of everything in the region that a run could have made; a VPC's own group goes with it."""
    ec2 = client(region)
    found = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]] + [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    found += [group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"] if group["GroupName"] != "default"]
    found += [gateway["InternetGatewayId"] for gateway in ec2.describe_internet_gateways()["InternetGateways"]]
    for reservation in ec2.describe_instances()["Reservations"]:
        found += [instance["InstanceId"] for instance in reservation["Instances"] if instance["State"]["Name"] not in ("terminated", "shutting-down")]
    return set(found)


def two_regions(*_):
    items = "".join(f"<item><regionName>{region}</regionName></item>" for region in (REGION, OTHER))
    return 200, f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>".encode()


class Account(Project):
    """An account with nothing of edcc's in it but what a test makes, a folder without an Edccfile, and the proxy that looks at every request."""

    def __init__(self, name, edccfile=None, files=None):
        MOTO.start()
        MOTO.post("/moto-api/reset")
        super().__init__(name, edccfile=edccfile, files=files)
        # moto takes its time over thirty regions.
        self.seen, self.answers, self.usual = [], {}, {"DescribeRegions": two_regions}

    def touch(self, method, path, body):
        headers = {name.lower(): value for name, value in self.proxy.seen[-1][2].items()}
        _, action, parameters = validate.check(body, headers.get("x-amz-target", ""))
        region = re.search(r"Credential=[^/]*/\d+/([^/]+)/", headers["authorization"])[1]
        self.seen.append((action, region))
        answer = self.answers.get(action) or self.usual.get(action)
        return answer(parameters, region) if answer else None

    def gc(self, *arguments, command="gc", status=0, env=None):
        self.proxy, self.seen = Proxy(self.touch), []
        with self.proxy:
            return self.edcc(command, *arguments, status=status, env={**aws(self.proxy.url), **(env or {})})

    def journal_of(self, run, ended=False):
        """As a run of this folder would have left it that has kept its fleet, or is over."""
        machines = [{"id": id, "private": f"10.0.0.{4 + i}", "public": f"203.0.113.{1 + i}"} for i, id in enumerate(run.instances)]
        lines = [{"record": "run", "run": run.id, "format": 1, "project": run.tags["edcc:project"], "provider": "aws", "dir": self.dir, "owner": {"host": socket.gethostname(), "pid": 1, "start": 1}}]
        if ended:
            lines.append({"record": "end", "run": run.id, "status": 0})
        else:
            lines += [{"record": "intent", "action": "instances", "type": "instances", "params": {"region": run.region}},
                      {"record": "done", "action": "instances", "result": {"host_key": "ssh-ed25519 AAAAJOURNAL", "machines": machines}},
                      {"record": "kept", "run": run.id, "until": int(time.time() + HOURS) * 1000}]
        self.write(f".edcc/runs/{run.id}/journal", "".join(json.dumps({"time": 1, **line}) + "\n" for line in lines))

    def calls(self, *actions):
        return sum(action in actions for action, _ in self.seen)


def refusal(code, message):
    return 400, f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>abc</RequestID></Response>".encode()


def lines(result):
    """run → what is said of it."""
    return {match[2]: match[0] for match in re.finditer(r"(?m)^(remove|stay  )  (\S+) of .*$", result.output)}


@test
def what_is_over_goes_and_what_may_be_in_use_stays():
    account = Account("over")
    over = {"expired": Run(expires=-0.1), "dead": Run(OTHER, by=DEAD), "only_a_vpc": Run(parts=1, hours=1.1), "gateway_attached": Run(OTHER, parts=2, hours=2),
            "a_group": Run(parts=4, hours=1.1), "expired_though_kept": Run(by=DEAD, expires=-0.1, **{"edcc:kept": "yes"}),
            "never_expires": Run(by=DEAD, expires=None)}
    kept = {"alive": Run(by=ALIVE), "foreign": Run(OTHER), "young_vpc": Run(parts=1, hours=0.9), "kept": Run(by=DEAD, hours=0.2, **{"edcc:kept": "yes"}),
            "alive_without_machines": Run(OTHER, parts=3, by=ALIVE, hours=5)}
    mine = [Run(tagged=False), Run(OTHER, tagged=False)]
    everything = there(REGION) | there(OTHER)

    listed = account.gc("--dry-run")
    same(there(REGION) | there(OTHER), everything, "after a dry run")
    said = lines(listed)
    same(sorted(said), sorted(run.id for run in [*over.values(), *kept.values()]), "runs listed")
    for name, run in [*over.items(), *kept.items()]:
        need(said[run.id].startswith("remove" if name in over else "stay"), f"{name}: {said[run.id]}")
    need("2 machines, 4 parts of a network" in said[kept["foreign"].id] and "by ann@elsewhere" in said[kept["foreign"].id], said[kept["foreign"].id])
    need("`edcc gc RUN` removes one all the same, `edcc gc --all` everything\n" in listed.output, listed)

    account.gc()
    for name, run in over.items():
        same(run.left(), [], f"{name} is left")
    for name, run in kept.items():
        same(run.left(), run.things, name)
    for run in mine:
        same(run.left(), run.things, "what is not edcc's")
    same(there(REGION) | there(OTHER), everything - {thing for run in over.values() for thing in run.things}, "everything else")

    account.gc(kept["foreign"].id)
    same(kept["foreign"].left(), [], "a run that was named")
    same(kept["alive"].left(), kept["alive"].things, "one that was not")
    account.gc("--all")
    same(there(REGION) | there(OTHER), everything - {thing for run in [*over.values(), *kept.values()] for thing in run.things}, "after all of it")
    need("nothing of edcc's is there" in account.gc("--dry-run").output, "it is all gone")


@test
def every_region_is_asked_unless_one_is_named():
    account = Account("regions")
    here, elsewhere = Run(expires=-1), Run(OTHER, expires=-1)
    account.gc("--region", OTHER)
    same({region for _, region in account.seen}, {OTHER}, "regions asked")
    same((here.left(), elsewhere.left()), (here.things, []), "what is left")
    account.usual = {}
    account.gc()
    need(len({region for _, region in account.seen}) > 10, account.seen)
    same(here.left(), [], "what is left")


@test
def a_removal_takes_as_many_calls_as_it_must():
    account = Account("calls")
    run = Run(expires=-1, machines=7)
    account.gc("--region", REGION)
    same(run.left(), [], "what is left")
    same(account.calls("TerminateInstances"), 1, "calls for seven machines")
    gone = [action for action, _ in account.seen if action.startswith(("Delete", "Detach"))]
    same(sorted(gone), ["DeleteInternetGateway", "DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc", "DetachInternetGateway"], "calls for the network")
    need(set(gone[:3]) == {"DeleteSecurityGroup", "DeleteSubnet", "DetachInternetGateway"}, gone)


@test
def what_is_still_used_is_waited_for():
    account = Account("busy")
    run = Run(expires=-1)
    times = {"DeleteSubnet": 2, "DetachInternetGateway": 1, "DeleteVpc": 1}

    def busy(action):
        def answer(parameters, region):
            times[action] -= 1
            return refusal("DependencyViolation", "it has dependencies") if times[action] >= 0 else None

        return answer

    # EC2 still lists what has just been removed: that it is the run's own says its tag.
    subnet = (f"<DescribeSubnetsResponse><subnetSet><item><subnetId>{run.subnet_id}</subnetId><tagSet><item><key>edcc:run</key><value>{run.id}</value></item></tagSet>"
              "</item></subnetSet></DescribeSubnetsResponse>")
    account.answers = {"DescribeSubnets": lambda parameters, region: (200, subnet.encode()) if "vpc-id" in str(parameters) else None,
                       **{action: busy(action) for action in times}}
    account.gc("--region", REGION)
    same(run.left(), [], "what is left")
    same(times, dict.fromkeys(times, -1), "calls that were too early, and one that was not")


@test
def what_cannot_go_is_named_with_what_is_in_its_way():
    account = Account("blocked")
    run, free = Run(expires=-1), Run(expires=-1)
    foreign = run.ec2.create_subnet(VpcId=run.vpc_id, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    result = account.gc("--region", REGION, status=5)
    same(account.seen.count(("DeleteVpc", REGION)), 2, "calls: what is somebody else's does not go by itself")
    need(re.search(rf"cannot remove {run.vpc_id}: it is still used by .*{foreign}", result.output), result)
    need(f"edcc gc {run.id} --region {REGION} tries again" in result.output, result)
    same(run.left(), [run.vpc_id], "what is left")
    same(free.left(), [], "what was not blocked")
    need(foreign in there(REGION), "what is not edcc's was removed")


@test
def where_nobody_may_look_nothing_can_be():
    account = Account("refused")
    run = Run(expires=-1)
    account.answers = {"DescribeVpcs": lambda _, region: refusal("UnauthorizedOperation", "You are not authorized") if region == OTHER else None}
    result = account.gc()
    need(f"cannot look at {OTHER}: ec2 DescribeVpcs: UnauthorizedOperation: You are not authorized" in result.output, result)
    same(run.left(), [], "what is left")
    account.answers = {"DescribeVpcs": lambda _, region: (400, b"<html>") if region == OTHER else None}
    need("nobody could look everywhere" in account.gc(status=4).output, "a fault is not a refusal")
    account.answers = {"DescribeRegions": lambda *_: refusal("UnauthorizedOperation", "You are not authorized")}
    need("edcc: hint: --region NAME looks at one region only" in account.gc(status=4).errors, "the way out")


@test
def json_says_the_same():
    account = Account("json")
    run, stays = Run(expires=-1), Run(OTHER, machines=1)
    listed = {entry["run"]: entry for entry in json.loads(account.gc("--dry-run", "--json").output)}
    same((listed[run.id]["remove"], listed[run.id]["reason"], listed[run.id]["running"], listed[run.id]["networks"]), (True, "expired", 2, 4), "one that goes")
    same((listed[stays.id]["remove"], listed[stays.id]["reason"], listed[stays.id]["region"]), (False, "in-use", OTHER), "one that stays")
    same(listed[run.id]["owner"], owner(FOREIGN), "its owner")
    events = account.gc("--json").events
    same(sorted(event["action"] for event in events if event["event"] == "undone"), sorted(run.things), "what was removed")
    same(events[-1]["status"], 0, "the end")


@test
def errors_name_the_way_out():
    account = Account("errors")
    run = Run()
    wrong = run.id[:-1] + ("0" if run.id[-1] != "0" else "1")
    same(account.gc(wrong, status=1).errors, f"edcc: error: nothing of a run '{wrong}' is there\nedcc: hint: did you mean '{run.id}'?\n", "a misspelt run")
    same(account.gc("x", status=1).errors, "edcc: error: nothing of a run 'x' is there\nedcc: hint: `edcc gc --dry-run` lists those that there are\n", "no run")
    same(account.gc("--all", "x", status=1).errors, "edcc: error: --all is everything, also 'x'\nedcc: hint: name runs, or say --all\n", "both")
    same(run.left(), run.things, "what is there")
    result = account.edcc("gc", status=4, env=aws(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None))
    need(result.errors.startswith("edcc: error: Unable to locate credentials"), result)


@test
def everything_is_asked_for_on_a_terminal():
    account = Account("question")
    run = Run(machines=1)

    def answered(answer):
        ours, its = pty.openpty()
        process = subprocess.Popen([EDCC, "gc", "--all", "--region", REGION], cwd=account.dir, env={**os.environ, **aws()}, text=True,
                                   stdin=its, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.close(its)
        os.write(ours, answer)
        output = process.communicate(timeout=60)[0]
        os.close(ours)
        return process.returncode, output

    for answer in (b"\n", b"no\n", b"\4"):
        status, output = answered(answer)
        need(status == 1 and output.endswith("Remove all of this? [y/N] edcc: error: nothing was removed\n"), status, output)
    same(run.left(), run.things, "what is there")
    status, output = answered(b"y\n")
    need(status == 0 and "nothing of edcc's is left" in output, status, output)
    same(run.left(), [], "what is left")


@test
def a_second_interrupt_lets_go():
    account = Account("interrupted")
    run = Run(expires=-1, parts=3)
    account.answers = {"DeleteSubnet": lambda *_: refusal("DependencyViolation", "it has dependencies")}
    account.proxy, account.seen = Proxy(account.touch), []
    with account.proxy:
        process = account.start("gc", "--region", REGION, env=aws(account.proxy.url))
        # The second one when the first has been heard: it goes on trying.
        for _ in range(2):
            seen = account.calls("DeleteSubnet")
            wait_for(lambda: account.calls("DeleteSubnet") > seen + 1)
            process.send_signal(signal.SIGINT)
        began = time.monotonic()
        result = account.finish(process, status=5)
    need(time.monotonic() - began < 20, "it did not let go", result)
    need("interrupted: tearing down (again to let go)" in result.output and "not everything is removed" in result.output, result)
    need(f"edcc gc {run.id} --region {REGION} tries again" in result.output, result)
    account.answers = {}
    account.gc("--region", REGION)
    same(run.left(), [], "what is left")


AWS = "provider aws:\n    region = eu-west-1\n\nbuild x:\n    true\n"


@test
def destroy_knows_of_the_project_what_no_journal_here_does():
    account = Account("shop", AWS)
    goes = {"expired": Run(expires=-1, project="shop"), "dead": Run(by=DEAD, project="shop"), "kept": Run(by=DEAD, project="shop", **{"edcc:kept": "yes"})}
    stays = {"foreign": Run(project="shop"), "alive": Run(by=ALIVE, project="shop"), "another project's": Run(by=DEAD), "elsewhere": Run(OTHER, by=DEAD, project="shop")}
    result = account.gc(command="destroy")
    for name, run in goes.items():
        same(run.left(), [], name)
    for name, run in stays.items():
        same(run.left(), run.things, name)
    foreign = stays["foreign"].id
    need(f"run {foreign} of ann@elsewhere may be in use and stays: edcc gc {foreign} removes it all the same\n" in result.output, result)
    same(len(re.findall("nothing is left", result.output)), 1, "ends")
    account.gc("--run", foreign, command="destroy")
    same((stays["foreign"].left(), stays["alive"].left()), ([], stays["alive"].things), "the run that was named")
    result = account.gc("--run", "nonsense", command="destroy", status=1)
    need(f"edcc: error: there is no run 'nonsense' in '{account.path('.edcc')}', and nothing of it in the account\n" in result.output, result)

    # Without an account: no failure where no journal here has anything open.
    nobody = aws(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    result = account.edcc("destroy", env=nobody)
    need("what another machine may have left was not asked for: Unable to locate credentials" in result.output, result)
    account.journal_of(stays["foreign"])
    result = account.edcc("destroy", status=5, env=nobody)
    need("Unable to locate credentials" in result.output, result)


@test
def destroy_asks_nobody_where_all_is_local():
    account = Account("local", "build x:\n    true\n")
    run = Run(by=DEAD, project="local")
    account.gc(command="destroy")
    same((account.seen, run.left()), ([], run.things), "requests")
    # Where an earlier run was elsewhere, that is asked.
    account.journal_of(run, ended=True)
    account.gc(command="destroy")
    same(run.left(), [], "what is left")


@test
def status_asks_for_the_machines_or_says_why_not():
    account = Account("state", AWS)
    run = Run(by=DEAD, project="state", machines=3)
    account.journal_of(run)
    run.ec2.terminate_instances(InstanceIds=run.instances[2:])
    result = told(lambda: account.gc(command="status"))
    same(account.calls("DescribeInstances"), 1, "calls")
    rows = dict(re.findall(r"(?m)^machine   (\S+)  (.*)$", result.output))
    same(sorted(rows), ["coop-1", "coop-2", "host"], "machines")
    need(re.fullmatch(rf"running, c7i.large, [0-9.]+, {run.instances[0]}", rows["host"]), rows)
    need(re.fullmatch(rf"gone, c7i.large, .*{run.instances[2]}", rows["coop-2"]), rows)
    machine = json.loads(told(lambda: account.gc("--json", command="status")).output)["machines"][1]
    same((machine["name"], machine["id"], machine["state"]), ("coop-1", run.instances[1], "running"), "in JSON")

    # Of several launches the journal knows the order.
    run.instances.reverse()
    account.journal_of(run)
    result = told(lambda: account.gc(command="status"))
    need(re.search(rf"machine   host  gone, c7i.large, .*{run.instances[0]}\n", result.output), result)
    account.answers = {"DescribeInstances": lambda *_: time.sleep(60)}
    began = time.monotonic()
    result = account.gc(command="status")
    need(time.monotonic() - began < 20, "it waited")
    need(f"machine   host  launched, 203.0.113.1, {run.instances[0]}\n" in result.output, result)
    need("the machines are as the journal has them: the account could not be asked: it has not answered within a second\n" in result.output, result)
    same(json.loads(account.gc("--json", command="status").output)["unasked"], "it has not answered within a second", "in JSON")


SSH = """#!/bin/sh
echo "$@"
pwd
cat ssh_config known_hosts
exit 42
"""


@test
def ssh_shows_the_way_to_a_machine_and_whose_key_it_must_have():
    account = Account("shell", AWS, {"bin/ssh": SSH})
    os.chmod(account.path("bin/ssh"), 0o755)
    run = Run(by=DEAD, project="shell", machines=3)
    newer = Run(by=DEAD, project="other", machines=1)
    os.mkdir(account.path("runtime"))
    env = {"PATH": account.path("bin") + ":" + os.environ["PATH"], "XDG_RUNTIME_DIR": account.path("runtime")}

    def ssh(*arguments, status=42, **more):
        return account.gc(*arguments, command="ssh", status=status, env={**env, **more})

    result = ssh(status=4)
    same(result.errors, f"edcc: error: nothing says which key the HOST of run {run.id} must show\nedcc: hint: its journal does, where it was started; "
         "its tag edcc:host-key does from when it is ready on\n", "no key")
    run.ec2.create_tags(Resources=run.instances[:1], Tags=[{"Key": "edcc:host-key", "Value": "ssh-ed25519 AAAATAGGED"}])
    address = run.ec2.describe_instances(InstanceIds=run.instances[:1])["Reservations"][0]["Instances"][0]["PublicIpAddress"]
    for arguments in ((), ("host",), (run.instances[0],), (address,)):
        result = ssh(*arguments)
        need(f"HostName {address}\n" in result.output and "machine ssh-ed25519 AAAATAGGED\n" in result.output, result)
        need("StrictHostKeyChecking yes" in result.output and "IdentityAgent none" not in result.output, result)
        need(f"\n{account.path('runtime')}/edcc-ssh-" in result.output, result)
    need(" machine ls -l a b\n" in ssh("host", "--", "ls", "-l", "a b").output, "a command")
    need(" machine uptime\n" in ssh("--", "uptime").output, "a command on the host")

    # The journal's word, and the run's own key, where they are here.
    account.journal_of(run)
    account.write(f".edcc/runs/{run.id}/fleet/key", "a key")
    result = ssh()
    need("machine ssh-ed25519 AAAAJOURNAL\n" in result.output and "IdentityAgent none" in result.output, result)

    result = ssh("cop-1", status=1)
    same(result.errors, f"edcc: error: run {run.id} has no machine 'cop-1'\nedcc: hint: did you mean 'coop-1'?\n", "a misspelt machine")
    result = ssh("nonsense", status=1)
    same(result.errors, f"edcc: error: run {run.id} has no machine 'nonsense'\nedcc: hint: there are host, coop-1, coop-2\n", "no machine")
    run.ec2.stop_instances(InstanceIds=run.instances[:1])
    same(ssh(status=4).errors, f"edcc: error: host ({run.instances[0]}) is stopped\n", "a machine that does not run")
    same(newer.left(), newer.things, "another project's")
    same(os.listdir(account.path("runtime")), [], "folders that are left")


@test
def ssh_without_an_edccfile_takes_the_only_fleet_there_is():
    account = Account("nowhere")
    same(account.gc(command="ssh", status=1).errors, "edcc: error: no fleet is running\nedcc: hint: `edcc gc --dry-run` lists what there is in every region; "
         "--region NAME chooses another\n", "none")
    runs = [Run(machines=1), Run(machines=1)]
    same(account.gc(command="ssh", status=1).errors, "edcc: error: 2 fleets run there, and no Edccfile here says which\n"
         "edcc: hint: name a run with --run ID; `edcc gc --dry-run` lists them\n", "two")
    result = account.gc("--run", runs[1].id, command="ssh", status=4)
    need(f"the HOST of run {runs[1].id}" in result.errors, result)


main("gc")
