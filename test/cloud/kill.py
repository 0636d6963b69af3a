#!/usr/bin/env python3
"""kill -9 and Ctrl-C at every line of the journal of a run on EC2, with and without the answers of the calls in flight, and each fault of AWS's on each of
its calls: nothing is left in the account, nor on this machine, by `edcc destroy` with the journal, by `edcc gc` without it.

KILL=all takes every combination, and each fault in a run of its own; else each line comes once a series, the combinations in turn."""

import collections
import concurrent.futures
import contextlib
import functools
import os
import re
import shutil
import signal
import sys
import threading
import time

import amazon
import world
from cloud import KEY, Project, Skip, environments, main, need, run, same, test

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fault"))
from faults import at_line, plain, shim  # noqa: E402

world.box()

ALL = os.environ.get("KILL") == "all"
AT_ONCE = 3
POINTS = collections.Counter()  # what was proved to leave nothing, by its kind
TEXT = """\
project = {name}

provider aws:
    region = eu-west-1

instances:
    count = 1
    type  = c7i.large
    lease = 10m

build one:
    echo 1 >one

artifacts:
    one -> out/
"""
# What the file above makes and removes.
CREATE = ("CreateVpc", "CreateInternetGateway", "CreateSubnet", "CreateSecurityGroup", "AttachInternetGateway", "CreateRoute", "AuthorizeSecurityGroupIngress",
          "RunInstances")
REMOVE = ("TerminateInstances", "DeleteSubnet", "DeleteSecurityGroup", "DetachInternetGateway", "DeleteVpc", "DeleteInternetGateway")
ONCE = ("CreateVpc", "CreateInternetGateway")  # a second call would make a second one
NOT_FOUND = {"CreateSubnet": "InvalidVpcID", "CreateSecurityGroup": "InvalidVpcID", "AttachInternetGateway": "InvalidInternetGatewayID",
             "CreateRoute": "InvalidRouteTableID", "AuthorizeSecurityGroupIngress": "InvalidGroup", "RunInstances": "InvalidSubnetID",
             "DescribeInstances": "InvalidInstanceID"}
NOT_FOUND = {action: (f"{what}.NotFound", 400, "It does not exist") for action, what in NOT_FOUND.items()}
BUSY = ("DependencyViolation", 400, "It has dependencies and cannot be deleted.")
EXPIRED = ("RequestExpired", 400, "Request has expired.")


class Account(world.World):
    """A world in which each project has a key of its own, and its calls may go wrong without the others'."""

    def __init__(self, late=0):
        super().__init__()
        self.late = late  # how often what is new is not known yet

    def __enter__(self):
        super().__enter__()
        self.amazon.late, self.meddlers = self.late, {}
        self.proxy.add({"action": "*", "times": 0, "fault": self.meddle})
        return self

    def __exit__(self, *failure):
        super().__exit__(*failure)
        if not failure[0]:
            same(self.left(), {}, "what EC2 still has")

    def meddle(self, call):
        key = re.search(r"Credential=([^/]+)/", call.headers.get("Authorization", ""))
        meddler = self.meddlers.get(key and key[1])
        return meddler.meddle(call) if meddler and call.service in ("ec2", "sts") else None

    def left(self, project=None):
        """What EC2 has by kind, of one project or, with what moto makes by itself, at all; the account's default network is not ours."""
        def has(thing):
            tags = {tag["Key"]: tag["Value"] for tag in thing.get("Tags", thing.get("TagSet", ()))}
            return not project or tags.get("edcc:project") == project

        vpcs = self.ec2.describe_vpcs()["Vpcs"]
        own = {vpc["VpcId"] for vpc in vpcs if vpc["IsDefault"]}
        machines = [i for r in self.ec2.describe_instances()["Reservations"] for i in r["Instances"] if i["State"]["Name"] != "terminated"]
        kinds = {"VpcId": vpcs, "SubnetId": self.ec2.describe_subnets()["Subnets"], "GroupId": self.ec2.describe_security_groups()["SecurityGroups"],
                 "InternetGatewayId": self.ec2.describe_internet_gateways()["InternetGateways"], "InstanceId": machines,
                 "NetworkInterfaceId": self.ec2.describe_network_interfaces()["NetworkInterfaces"],
                 "RouteTableId": self.ec2.describe_route_tables()["RouteTables"], "VolumeId": self.ec2.describe_volumes()["Volumes"]}
        ids = {kind: [thing[kind] for thing in things if thing.get("VpcId") not in own and has(thing)] for kind, things in kinds.items()}
        return {kind: found for kind, found in ids.items() if found}

    def launched(self, project):
        """How many machines a project has ever had."""
        filters = [{"Name": "tag:edcc:project", "Values": [project]}]
        return sum(len(reservation["Instances"]) for reservation in self.ec2.describe_instances(Filters=filters)["Reservations"])


class Small(Project):
    """A project with one machine. `wrong(call, n)` is what goes wrong with its nth call of that name: a fault as the proxy's rules have it, or None."""

    def __init__(self, here, name, wrong=None):
        super().__init__(name, edccfile=TEXT.format(name=name))
        self.here, self.name, self.wrong = here, name, wrong
        self.key = f"{KEY}{len(here.meddlers)}"
        self.counts, self.lock = collections.Counter(), threading.Lock()
        here.meddlers[self.key] = self

    def meddle(self, call):
        with self.lock:
            self.counts[call.action] += 1
            number = self.counts[call.action]
        return self.wrong(call, number) if self.wrong else None

    def environment(self, **more):
        return {**self.here.environment(), "AWS_ACCESS_KEY_ID": self.key, **more}

    def start(self, *arguments, **more):
        self.process = super().start(*arguments, **more)
        return self.process

    def apply(self, status=0, **more):
        return self.edcc("apply", "--yes", "--verbose", status=status, env=self.environment(**more))

    def lines(self):
        """How many the journal has, torn ones too."""
        runs = self.runs()
        with contextlib.suppress(OSError, IndexError):
            with open(self.path(".edcc", "runs", runs[-1], "journal"), "rb") as file:
                return file.read().count(b"\n")
        return 0

    def processes(self, runs):
        """Those that run in its folder, or have the mark of one of the runs."""
        marks = {f"EDCC_RUN={run}".encode() for run in runs}
        found = {pid for pid, variables in environments() if marks & set(variables)}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if f"{os.readlink(f'/proc/{pid}/cwd')}/".startswith(f"{self.dir}/"):
                    found.add(int(pid))
        return found

    def clean(self, runs):
        same(self.here.left(self.name), {}, "what EC2 still has")
        # What heard of edcc's death by its pipe may be just ending.
        left = ended(lambda: self.processes(runs), 30)
        need(not left, "processes are left:", left and run("ps", "-o", "pid,ppid,stat,etimes,args", "-p", ",".join(map(str, left)), status=None))
        self.nothing_left()
        others = set(os.listdir(self.dir)) - {".edcc", "Edccfile", "out"}
        need(not others, f"{others} are left")


def ended(what, seconds):
    """What there still is after so many seconds; returns as soon as there is nothing."""
    until = time.monotonic() + seconds
    while (left := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return left


@contextlib.contextmanager
def point(kind, what):
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None
    POINTS[kind] += 1


def side_by_side(function, arguments):
    """Calls it with each, some at a time; most of a run is waiting."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return [done.result() for done in [pool.submit(function, *each) for each in arguments]]


def eaten_from(made, line):
    """Eats the answer of each call that is under way when this line of the journal is due."""
    def wrong(call, number):
        return "eaten" if number == 1 and call.action in CREATE + REMOVE and made.lines() >= line - 1 else None
    return wrong


@functools.cache
def all_lines():
    """How many lines the journal of an undisturbed run has."""
    shim()
    with plain(), Account() as here:
        made = Small(here, "undisturbed")
        made.apply()
        made.clean(made.runs())
        return made.lines()


def combinations(total, kinds, turn):
    """(line, kind) for each line: with all kinds, or with the one whose turn it is."""
    return [(line, kind) for line in range(1, total + 1) for k, kind in enumerate(kinds) if ALL or (line + turn) % len(kinds) == k]


def killed(here, name, line, what, eaten):
    """A run that was killed at a line, and its ids."""
    made = Small(here, f"{name}-{line}-{what}{'-eaten' * eaten}")
    made.wrong = eaten_from(made, line) if eaten else None
    made.apply(status=-signal.SIGKILL, **at_line(line, what))
    made.wrong = None
    return made, made.runs()


def destroyed(kind, what, made, runs):
    """destroy goes by the journal, and a second one has nothing to do."""
    with point(kind, what):
        made.edcc("destroy", env=made.environment())
        made.clean(runs)
        need("edcc: nothing is left" in made.edcc("destroy", env=made.environment()).output, "the second destroy")


KINDS = [(what, eaten) for eaten in (False, True) for what in ("before", "written")] + [("torn", False)] * ALL


@test
def destroy_after_every_line():
    total = all_lines()
    with plain(), Account() as here:
        def at(line, kind):
            destroyed("kill -9 and destroy", f"killed at line {line}, {kind}", *killed(here, "destroy", line, *kind))

        side_by_side(at, combinations(total, KINDS, 0))


@test
def gc_after_every_line():
    """gc goes by the tags: the journal is lost, and whose it was is dead. Several dead runs at once; and what is new is not known everywhere."""
    total = all_lines()
    with plain(), Account(late=1) as here:
        points = combinations(total, KINDS, 2)
        for first in range(0, len(points), AT_ONCE):
            batch = points[first:first + AT_ONCE]
            dead = side_by_side(lambda line, kind: killed(here, "gc", line, *kind), batch)
            for made, runs in dead:
                shutil.rmtree(made.path(".edcc"), ignore_errors=True)
            dead[0][0].edcc("gc", "--region", "eu-west-1", env=dead[0][0].environment())
            for (line, kind), (made, runs) in zip(batch, dead):
                with point("kill -9 and gc", f"killed at line {line}, {kind}"):
                    made.clean(runs)


@test
def while_calls_are_on_their_way():
    """AWS does what was asked a second after edcc was killed or interrupted, when what there is is already being removed."""
    with plain(), Account() as here:
        def at(action, number):
            def wrong(call, turn):
                if call.action == action and turn == 1:
                    made.process.send_signal(number)
                    time.sleep(1)

            made = Small(here, f"way-{action}-{number}", wrong)
            made.apply(status=130 if number == signal.SIGINT else -number)
            if number == signal.SIGKILL:
                return destroyed("kill -9 before a call took effect", action, made, made.runs())
            with point("Ctrl-C before a call took effect", action):
                made.clean(made.runs())

        side_by_side(at, [(action, number) for number in (signal.SIGKILL, signal.SIGINT) for action in (CREATE + REMOVE if ALL else CREATE)])


@test
def destroy_at_every_line():
    """destroy is killed too, at each line that it adds: six things are gone, and the end. The next one goes on."""
    with plain(), Account() as here:
        def at(line, what):
            def wrong(call, number):
                if call.action == "DescribeInstances":
                    made.process.kill()

            made = Small(here, f"again-{line}-{what}", wrong)
            made.apply(status=-signal.SIGKILL)
            made.wrong = None
            made.edcc("destroy", env=made.environment(**at_line(line, what)), status=-signal.SIGKILL)
            destroyed("kill -9 of destroy", f"destroy killed at line {line}, {what}", made, made.runs())

        side_by_side(at, combinations(7, ("before", "written"), 0))


@test
def interrupted_at_every_line():
    """Ctrl-C: 130, and the run removes everything itself, also what is so new that it is not known everywhere."""
    total = all_lines()
    with plain(), Account(late=1) as here:
        def at(line, eaten):
            made = Small(here, f"interrupt-{line}-{eaten}")
            made.wrong = eaten_from(made, line) if eaten else None
            with point("Ctrl-C", f"interrupted at line {line}, eaten: {eaten}"):
                result = made.apply(status=None, **at_line(line, "interrupt"))
                # Nothing is left to do when the last line is due.
                need(result.status == 130 or (result.status == 0 and line == total), result)
                made.clean(made.runs())

        side_by_side(at, combinations(total, (False, True), 0))


# --- what AWS answers ---

# How a call may go wrong: the words, the fault, which calls.
FAULTS = (("whose answer was lost", "eaten", CREATE + REMOVE), ("whose connection was reset", "reset", CREATE + REMOVE),
          ("throttled", "throttle", CREATE + REMOVE), ("answered by a page of HTML", "html", CREATE + REMOVE),
          ("too early for what is new", None, tuple(NOT_FOUND)), ("too early for what is in use", BUSY, REMOVE[1:]))


@test
def each_fault_on_each_call():
    """They are made again, or looked for where a second one would be one too many: the run succeeds, makes each thing once, and leaves nothing."""
    with Account() as here:
        def at(number, words, fault, names):
            made = Small(here, f"fault-{number}", lambda call, n: (fault or NOT_FOUND[call.action]) if n == 1 and call.action in names else None)
            with point(f"calls {words}", ", ".join(names)):
                result = made.apply()
                same(made.read("out/one"), "1\n", "the artifact")
                for name in names:
                    # What may have been made is looked for; all else is asked for again.
                    need((made.counts[name] == 1) == (fault == "eaten" and name in ONCE), f"{made.counts[name]} calls of {name}", result)
                same(here.launched(made.name), 1, "machines")
                made.clean(made.runs())
            POINTS[f"calls {words}"] += len(names) - 1

        cases = [(words, fault, names) for words, fault, calls in FAULTS for names in ([(one,) for one in calls] if ALL else [calls])]
        side_by_side(at, [(number, *case) for number, case in enumerate(cases)])


@test
def lost_and_not_seen():
    """An answer is lost, and what was made is not seen for as long as it is looked for. AWS refuses a second one: then the first is looked for again, and used."""
    none = (200, [("Content-Type", "text/xml")], b"<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>")
    with Account() as here:
        def wrong(call, number):
            if call.action == "CreateSubnet" and number == 1:
                return "eaten"
            # The second one is the client's own, or libcurl's; the third comes after the search.
            return none if call.action == "DescribeSubnets" and made.counts["CreateSubnet"] < 3 else None

        made = Small(here, "not-seen", wrong)
        result = made.apply()
        need(made.counts["CreateSubnet"] > 2, made.counts, result)
        made.clean(made.runs())


@test
def credentials_expire():
    """From one call on none is taken any more: an error that says so, and destroy with good ones does the rest."""
    with Account() as here:
        def at(action):
            made = Small(here, f"expired-{action}", lambda call, n: EXPIRED if made.counts[action] else None)
            with point("expired credentials", f"from {action} on"):
                result = made.apply(status=5)
                need("AWS does not take the credentials from environment" in result.output and "edcc destroy" in result.output, result)
                made.wrong = None
                made.edcc("destroy", env=made.environment())
                made.clean(made.runs())

        some = ("CreateSubnet", "DescribeInstances", "TerminateInstances", "DeleteVpc")
        side_by_side(at, [(action,) for action in (CREATE + REMOVE if ALL else some)])


@test
def counted():
    """How often, and what was left: nothing, or a test above had failed."""
    if not POINTS:
        raise Skip("nothing was tried")
    print("   " + "; ".join(f"{kind}: {count}" for kind, count in POINTS.items()))
    print(f"   {sum(POINTS.values())} points, 0 leaks")


if __name__ == "__main__":
    main("kill")
