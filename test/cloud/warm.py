#!/usr/bin/env python3
"""A fleet that stays: what the next run makes, sends and compiles; when it is not used, and what becomes of it then; what is said of it; that it goes."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import world
from cloud import MOTO, Project, main, need, run, same, test, told
from lab import EDCC
from world import World

world.box()

TEXT = """\
project = {name}

provider aws:
    region = eu-west-1

instances:
    count = {count}
    type  = {type}
    lease = 10m
{more}
limits:
    keep = {keep}

build all:
    make -j4
    {last}
"""
MAKEFILE = "main: $(patsubst %.c,%.o,$(wildcard *.c lib/*.c))\n\t$(CC) -o $@ $^\n%.o: %.c\n\t$(CC) -c -o $@ $<\n"
PARTS = "abcdef"
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]


def part(name, number=1):
    return f"int {name}(void) {{ return {number}; }}\n"


class Warm(Project):
    """A project on `here`, whose Edccfile is written anew with every change of its settings."""

    def __init__(self, here, name, **settings):
        super().__init__(name, files={"Makefile": MAKEFILE, "main.c": "int main(void) { return 0; }\n", **{f"{c}.c": part(c) for c in PARTS}})
        self.here = here
        self.settings = {"name": name, "count": 1, "type": "c7i.large", "keep": "10m", "more": "", "last": "true", **settings}
        self.set()

    def set(self, **settings):
        self.settings.update(settings)
        self.write("Edccfile", TEXT.format(**self.settings))

    def __call__(self, command, *arguments, **more):
        return self.edcc(command, *arguments, env=self.here.environment(), **more)

    def apply(self, *arguments, status=0):
        """A run; its result has what it made in the account, too."""
        before = len(self.here.proxy.calls())
        result = self("apply", "--json", "--yes", *arguments, status=status)
        result.calls = [call["action"] for call in self.here.proxy.calls()[before:]]
        result.made = [action for action in result.calls if re.match("Create(?!Tags)|Run", action)]
        return result

    def plan(self, *arguments):
        return self("plan", *arguments).output

    def destroy(self, *arguments):
        return self("destroy", *arguments)

    def tags(self):
        """Those that its machines have, together."""
        return {tag["Key"]: tag["Value"] for machine in machines(self.settings["name"]) for tag in machine["Tags"]}


def machines(name):
    """Those of a project that are not gone, the HOST first."""
    found = MOTO.client("ec2").describe_instances(Filters=[{"Name": "tag:edcc:project", "Values": [name]}])["Reservations"]
    found = [machine for reservation in found for machine in reservation["Instances"] if machine["State"]["Name"] in ("pending", "running")]
    return sorted(found, key=lambda machine: machine["AmiLaunchIndex"])


def left(name=None):
    """What EC2 still has of a project, or of all; the account's own default network is not ours."""
    ec2, found = MOTO.client("ec2"), [machine["InstanceId"] for machine in (machines(name) if name else machines("*"))]
    things = [*ec2.describe_vpcs()["Vpcs"], *ec2.describe_internet_gateways()["InternetGateways"], *ec2.describe_subnets()["Subnets"],
              *ec2.describe_security_groups()["SecurityGroups"]]
    for thing in things:
        tags = {tag["Key"]: tag["Value"] for tag in thing.get("Tags", ())}
        if "edcc:run" in tags and name in (None, tags["edcc:project"]):
            found.append(next(thing[key] for key in ("GroupId", "SubnetId", "InternetGatewayId", "VpcId") if key in thing))
    return found


@contextlib.contextmanager
def account():
    """A world in which nothing may be left at the end."""
    with World() as here:
        yield here
        same(left(), [], "what EC2 still has")
        same(here.proxy.problems(), [], "requests that botocore's model does not allow")


def sent(result):
    """(files sent, of how many, removed)"""
    note, = [event["message"] for event in result.all("note") if event["message"].startswith("source tree:")]
    return tuple(map(int, re.fullmatch(r"source tree: (\d+) of (\d+) files \(\d+ bytes\) sent to the HOST, (\d+) removed there", note).groups()))


def compiled(result):
    return sum(number for host, number in result.compiles().items() if host != "this machine")


@test
def the_next_run_sends_and_compiles_what_has_changed():
    with account() as here:
        made = Warm(here, "next", count=2)
        run("git", "init", "-q", "library", cwd=made.dir)
        made.write("library/part.c", part("part"))
        run(*GIT, "add", ".", cwd=made.path("library"))
        run(*GIT, "commit", "-qm", "1", cwd=made.path("library"))
        shutil.move(made.path("library"), made.path("..", "library"))
        run(*GIT, "init", "-q", ".", cwd=made.dir)
        run(*GIT, "submodule", "--quiet", "add", made.path("..", "library"), "lib", cwd=made.dir)
        first = made.apply()
        same((compiled(first), len(first.made)), (8, 6), "compiles, creating calls")
        fleet, tags = first.all("run")[0]["run"], made.tags()
        need(tags["edcc:kept"] == "yes" and abs(int(tags["edcc:expires"]) - time.time() - 600) < 120, tags)

        plan = made.plan()
        need(re.search(rf"uses the fleet of run {fleet}, which is kept until \S+Z\n", plan) and "vpc" not in plan and f"that of run {fleet}" in plan, plan)

        same_again = made.apply()
        same((sent(same_again)[0], compiled(same_again), same_again.made), (0, 0, []), "sent, compiled and made where nothing has changed")
        need("make: 'main' is up to date." in same_again.said(), same_again.said())
        same(sum(same_again.compiles().values()), 0, "compiles anywhere")

        made.write("a.c", part("a", 2))
        os.remove(made.path("b.c"))
        os.rename(made.path("c.c"), made.path("g.c"))
        made.write("lib/part.c", part("part", 2))
        began = time.time()
        changed = made.apply()
        same((sent(changed)[0::2], compiled(changed), changed.made), ((3, 2), 3, []), "sent and removed, compiled, made")
        starts = [event["time"] for event in changed.all("action") if event["action"] == "step all"][0]
        took = time.mktime(time.strptime(starts[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone + float(starts[19:-1]) - began
        print(f"from edcc's start to the build's: {took:.1f} s")
        need(took < 30, f"it took {took:.1f} s")

        # It is said what stays, and how to go on.
        status = told(lambda: made("status")).output
        need(re.search(rf"^run +{changed.all('run')[0]['run']}  of next on aws, ended\n", status), status)
        need(re.search(rf"\nkept +{fleet}  of next on aws, until \S+Z\nmachine   host  running, .*\nmachine   coop-1  running, .*\n"
                       "`edcc destroy` removes what is kept; `edcc apply` uses it where it is what the file asks for\n$", status), status)
        kept, = json.loads(told(lambda: made("status", "--json")).output)["kept"]
        same((kept["run"], [machine["state"] for machine in kept["machines"]]), (fleet, ["running", "running"]), "in JSON")
        need(f"of next on aws, kept until {kept['until'][:16]}Z\n" in told(lambda: made("status", "--run", fleet)).output, "status of the run that made it")

        # A COOP fewer is no reason for another fleet; without `keep` it goes at the end.
        here.take(machines("next")[1]["InstanceId"])
        need("1 of its 2 machines is gone: the others do without\n" in made.plan(), "a plan with one machine fewer")
        made.write("d.c", part("d", 2))
        made.set(keep="0s")
        last = made.apply()
        same((compiled(last), last.made, last.compiles()["host"]), (1, [], 1), "compiled, made, compiled by the HOST")
        made.nothing_left()
        same(left("next"), [], "what EC2 still has")
        need("\nkept" not in made("status").output, "nothing is kept")


@test
def another_fleet_is_asked_for():
    with account() as here:
        made = Warm(here, "other", count=2)
        fleet = made.apply().all("run")[0]["run"]

        def why(**settings):
            before = dict(made.settings)
            made.set(**settings)
            plan = made.plan()
            made.set(**before)
            need("vpc" in plan, plan)
            return re.search(rf"the fleet of run {fleet} is kept but (.*): it is not used, and removed first\n", plan)[1]

        same(why(count=1), "has 2 machines", "fewer machines")
        same(why(type="c7i.xlarge"), "has the type c7i.large", "another type")
        same(why(more="    packages = jq\n"), "has no packages", "packages")
        same(why(more="    ttl = 3h\n"), "was made with other settings", "how long they last")
        same(why(more="\ncompiler clang:\n"), "has the compiler gcc", "another compiler")
        need(f"uses the fleet of run {fleet}" in made.plan(), "the same again")
        made("plan", "-o", "saved")

        # What the saved plan was made with goes meanwhile.
        made.set(count=1)
        result = made.apply()
        need(result.calls.index("TerminateInstances") < result.calls.index("RunInstances"), result.calls)
        same(len(machines("other")), 1, "machines")
        made.set(count=2)
        refused = made("apply", "saved", "--yes", status=1).errors
        need("the saved plan is no longer what would be done" in refused and f"kept was {fleet} and is empty" in refused, refused)

        # From a clone of the repository, by the tags; another project's stays.
        beside = Warm(here, "beside")
        beside.apply()
        clone = Project("clone", edccfile=made.read("Edccfile"))
        clone.edcc("destroy", env=here.environment())
        same((left("other"), len(machines("beside"))), ([], 1), "what is left, and of another project")
        same(beside.apply().made, [], "what the other one makes")
        beside.destroy()
        made.destroy()
        made.nothing_left()


@test
def it_has_gone_meanwhile():
    with account() as here:
        made = Warm(here, "gone")

        def replaced(how, why):
            fleet = made.apply().all("run")[0]["run"]
            how(here.machine(machines("gone")[0]["InstanceId"]))
            need(f"the fleet of run {fleet} is kept but {why}: it is not used, and removed first\n" in made.plan(), made.plan())
            result = made.apply()
            same((len(result.made), len(machines("gone")), result.compiles()["host"]), (6, 1, 7), "made, machines, compiled")
            made.destroy()

        replaced(lambda machine: machine.freeze(), "has a HOST that does not answer")
        replaced(lambda machine: here.take(machine.id), "has ended")

        # Its time is over, and its machine has ended by itself: the network goes.
        made.set(keep="1s")
        fleet = made.apply().all("run")[0]["run"]
        here.take(machines("gone")[0]["InstanceId"])
        time.sleep(1)
        result = made.apply()
        need(any(event["message"].startswith(f"the fleet of run {fleet} was kept until ") for event in result.all("note")), result)
        same(len(result.made), 6, "creating calls")
        made.destroy()



def until_event(made, here, wanted, then):
    """Starts an apply and does something to it when it says something."""
    process = subprocess.Popen([EDCC, "apply", "--json", "--yes"], cwd=made.dir, env={**os.environ, **here.environment()}, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    said = ""
    for line in process.stdout:
        said += line
        event = json.loads(line)
        if wanted(event):
            then(process)
            break
    said += process.stdout.read()
    return process.wait(), said


@test
def a_warm_run_is_ended():
    with account() as here:
        made = Warm(here, "ended")
        fleet = made.apply().all("run")[0]["run"]
        made.set(last="sleep 100")

        def look_and_interrupt(process):
            used, user = told(lambda: made("status", "--run", fleet)).output, told(lambda: made("status")).output
            process.send_signal(signal.SIGINT)
            need(f"run       {fleet}  of ended on aws, used by run {user.split()[1]}\n" in used and "edcc destroy" not in used, used)
            need(re.search(rf" running for [^\n]*\nuses +{fleet}  (?s:.*)\nmachine   host  running, ", user) and "edcc destroy" not in user, user)

        # Ctrl-C means tear down, also what was kept.
        status, said = until_event(made, here, lambda e: e["event"] == "output", look_and_interrupt)
        same((status, left("ended")), (130, []), said)
        made.nothing_left()
        points = {"adopt": lambda e: e.get("action") == "adopt", "tree": lambda e: e["event"] == "done" and e["action"] == "tree",
                  "build": lambda e: e["event"] == "output"}
        for name, wanted in points.items():
            made.set(last="true")
            fleet = made.apply().all("run")[0]["run"]
            made.set(last="sleep 100")
            status, said = until_event(made, here, wanted, lambda p: p.kill())
            same(status, -9, said)
            if name == "build":
                # Nobody knows what still runs there: it is kept no longer, also for who has no journal.
                same(made.tags()["edcc:kept"], "", "the tag")
                elsewhere = Project("elsewhere")
                elsewhere.edcc("gc", env=here.environment())
                same(left("ended"), [], "after edcc gc")
            made.destroy()
            same(left("ended"), [], f"killed at {name}: what is left of {fleet}")
            made.nothing_left()


@test
def a_failure_is_kept():
    with account() as here:
        made = Warm(here, "failure", keep="0s", last="build_failed not yet")
        fleet = made.apply("--keep-on-failure", status=2).all("run")[0]["run"]
        same(len(machines("failure")), 1, "machines")
        made.set(last="true")
        result = made.apply("--keep-on-failure")
        same((result.made, compiled(result)), ([], 0), "made, compiled")
        need(fleet in made.runs(), made.runs())
        same(left("failure"), [], "what is left")
        made.nothing_left()


if __name__ == "__main__":
    main("warm")
