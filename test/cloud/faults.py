#!/usr/bin/env python3
"""What goes wrong while a build runs on EC2: workers that die, freeze, crawl, come late or are taken; a HOST that is lost for a while or for good; an operator
who is gone. The machines really boot, compile and end."""

import concurrent.futures
import json
import os
import re
import shutil
import signal
import threading
import time

import world
from account import JOB, left, nothing_left, queue
from cloud import Project, main, need, run, same, test, wait_for
from lab import digest

world.box()

HEAD = """\
project = {name}

provider aws:
    region = eu-west-1

instances:
    count = {count}
    type  = {type}
    lease = {lease}
    ttl   = {ttl}
{more}
compiler gcc:

distcc:
    io_timeout = 4s

"""
# The second step begins when it is told to; then those that have returned compile again.
COMPILES = """\
build first:
    make -s -j"$JOBS" CC="$CC" first.o

build second: first
    until [ -e /run/second ]; do sleep 0.1; done
    make -s -j"$JOBS" CC="$CC" second.o

artifacts:
    first.o second.o -> out/
"""
MAKEFILE = """\
CFLAGS = -O2
FIRST = $(patsubst %.c,%.o,$(wildcard f*.c))
SECOND = $(patsubst %.c,%.o,$(wildcard s*.c))
first.o: $(FIRST)
second.o: $(SECOND)
first.o second.o: ; ld -r -o $@ $^
"""
FUNCTION = """\
int f{0}(int *a, int n)
{{
	int s = {0};
	for (int i = 0; i < n; i++)
		for (int j = i; j < n; j++)
			s += a[i] * a[j] ^ (s >> {0} % 7);
	return s;
}}
"""


class Here(world.World):
    """Machines boot late where `late` says so: project → by its index, an event."""

    late = {}

    def boot(self, one):
        tags = {tag["Key"]: tag["Value"] for tag in one.instance["Tags"]}
        event = self.late.get((tags["edcc:project"], one.instance["AmiLaunchIndex"]))
        while event and not event.wait(0.1) and not self.ending.is_set() and not one.gone.is_set():
            pass
        super().boot(one)


class Fleet(Project):
    """A project with its machines."""

    def __init__(self, here, name, text, count=1, type="c7i.large", lease="10m", ttl="2h", more="", files=None):
        self.here, self.name = here, name
        super().__init__(name, edccfile=HEAD.format(name=name, count=count, type=type, lease=lease, ttl=ttl, more=more) + text, files=files)

    def begin(self):
        """`edcc apply`, in the background."""
        self.process = self.start("apply", "--json", "--yes", env=self.here.environment())
        self.events, self.reader = [], POOL.submit(self.read_events)

    def read_events(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def end(self, status=0, timeout=400):
        """Its last words; what EC2 has of it is gone."""
        self.process.wait(timeout)
        self.reader.result()
        errors = self.process.stderr.read()
        need("Sanitizer" not in errors and "runtime error:" not in errors, errors)
        said = [{k: v for k, v in e.items() if k != "time"} for e in self.events if e["event"] not in ("output", "action", "done", "slots")]
        need(self.process.returncode == status, f"status {self.process.returncode}, not {status}", errors, *said)
        self.nothing_left()
        same(self.instances(), [], "machines that are left")
        return self.all("end")[-1].get("message", "")

    def all(self, kind, **members):
        return [e for e in list(self.events) if e["event"] == kind and all(e.get(name) == value for name, value in members.items())]

    def until(self, kind, **members):
        """Waits for such an event."""
        return wait_for(lambda: self.all(kind, **members) or self.ended_early(), 120)[-1]

    def ended_early(self):
        need(self.process.poll() is None, "it has ended", *self.events[-20:])

    def printed(self, text):
        wait_for(lambda: text in "".join(e["text"] for e in self.all("output")) or self.ended_early(), 120)

    def instances(self):
        """Those that run, by their order."""
        filters = [{"Name": "tag:edcc:project", "Values": [self.name]}, {"Name": "instance-state-name", "Values": ["pending", "running"]}]
        found = [i for r in self.here.ec2.describe_instances(Filters=filters)["Reservations"] for i in r["Instances"]]
        return [i["InstanceId"] for i in sorted(found, key=lambda i: i["AmiLaunchIndex"])]

    def machine(self, index=0):
        self.known = getattr(self, "known", None) or self.instances()
        return self.here.machine(self.known[index])

    def compiles(self):
        return {e["host"]: e["compiles"] for e in self.all("compiles")}

    def took(self, step):
        return next(line["took"] for line in self.journal() if line["record"] == "step" and line["name"] == step) / 1000


POOL = concurrent.futures.ThreadPoolExecutor(64)


def at_once(here, *scenarios):
    """Each on a thread of its own, with a line of its own."""
    futures = {scenario: POOL.submit(scenario, here) for scenario in scenarios}
    failures = []
    for scenario, future in futures.items():
        try:
            future.result()
            print(f"   {scenario.__name__}: {scenario.__doc__}", flush=True)
        except Exception as failure:
            failures.append((scenario.__name__, failure))
            print(f"   {scenario.__name__}: FAILS {failure}", flush=True)
    if failures:
        raise failures[0][1]


# --- workers ---

def sources():
    files = {f"f{n}.c": "#include <stdlib.h>\n" + "".join(FUNCTION.format(n * 100 + i) for i in range(20)) for n in range(48)}
    files.update({f"s{n}.c": "#include <stdlib.h>\n" + "".join(FUNCTION.format(n * 100 + i) for i in range(10)) for n in range(16)})
    return {**files, "Makefile": MAKEFILE}


def of_second(machine):
    """Files of the second step that its distccd says it compiled."""
    return [file for file in JOB.findall(machine.read("/var/lib/edcc/www/distccd.log")) if re.match(r"s\d+\.c$", file)]


def all_compiles(made):
    """None is missing, of machines that are gone neither; those whose answer was lost were made twice."""
    need(64 <= sum(made.compiles().values()) < 90, "compiles", made.compiles())


def undisturbed(here):
    made = Fleet(here, "undisturbed", COMPILES, count=5, files=sources())
    made.begin()
    made.until("verdict", step="first")
    made.machine().inside("touch", "/run/second")
    made.end()
    all_compiles(made)
    return made.took("first"), digest(made.path("out/first.o")), digest(made.path("out/second.o"))


@test
def workers():
    """One is killed, one cut off, one freezes, one crawls: the build is what it would have been, in time that is bounded; who returns compiles again."""
    with Here() as here:
        usual, *expected = undisturbed(here)
        received = queue(here, "built")
        made = Fleet(here, "disturbed", COMPILES + "\non build_success:\n    notify = sns:built\n", count=5, files=sources())
        made.begin()
        made.until("host", host="coop-4", state="ready")
        wait_for(lambda: len(made.machine().inside("sh", "-c", "ls /var/lib/edcc/tree/f*.o 2>/dev/null", status=None).split()) > 4)
        made.machine(1).kill()
        made.machine(2).cut()
        made.machine(3).freeze()
        made.machine(4).slow("64kbit")
        for name in ("coop-1", "coop-2", "coop-3"):
            same(made.until("host", host=name, state="out").get("reason"), "does not answer", name)
        made.machine(2).mend()
        made.machine(3).thaw()
        made.machine(4).slow(None)
        made.until("verdict", step="first")
        for name in ("coop-2", "coop-3"):
            wait_for(lambda name=name: made.all("host", host=name)[-1]["state"] == "ready", 120)
        made.machine().inside("touch", "/run/second")
        made.until("verdict", step="second")
        returned = [len(of_second(made.machine(i))) for i in (2, 3)]
        made.end()
        need(all(returned), "those that returned did not compile again", returned)
        same([digest(made.path("out/first.o")), digest(made.path("out/second.o"))], expected, "the artifacts")
        all_compiles(made)
        report = received()[0]["Message"]
        for name in ("coop-1", "coop-2", "coop-3"):
            need(f"\n  {name}: does not answer\n" in report.partition("\nhosts that went out:")[2], report)
        print(f"   {usual:.1f} s, disturbed {made.took('first'):.1f} s")
        # What was under way waits for io_timeout, or until the machine is out; then three machines are fewer.
        need(made.took("first") < 3 * usual + 20, "it took too long", made.took("first"), usual)
        nothing_left(made, here)


# --- the HOST ---

WAITS = """\
build one:
    echo begun; until [ -e /run/go ]; do sleep 0.1; done; echo ended
"""
CUT = """\
build lines:
    for i in {1..2400}; do echo "line $i of 2400"; sleep 0.01; done

build bytes:
    for i in {1..30}; do head -c 300000 /dev/urandom | tee -a bytes; sleep 0.8; done

artifacts:
    bytes -> out/
"""
AWAY, ENDED = r"the HOST [0-9.]+ has been away for 60 s: ", r"the host i-\w+ ended while it was used: "


def kept_log(made):
    """What was printed before the HOST was lost is kept."""
    need("begun\n" in made.edcc("logs", "one", env=made.here.environment()).output, "the log so far")


def lost(here, name, fault, message, **more):
    """A HOST that does not come back: status 4, and everything goes."""
    made = Fleet(here, name, WAITS, **more)
    made.begin()
    made.printed("begun")
    fault(made)
    said = made.end(4)
    need(re.search(message, said), said)
    kept_log(made)
    return made


def host_killed(here):
    """Without power, and EC2 does not know."""
    lost(here, "host-killed", lambda made: made.machine().kill(), AWAY)


def host_frozen(here):
    """It takes connections and says nothing."""
    lost(here, "host-frozen", lambda made: made.machine().freeze(), AWAY)


def host_taken(here):
    """By the spot market: EC2 says why, long before the minute is over."""
    made = lost(here, "host-taken", lambda made: here.take(made.machine().id), ENDED + "Server.SpotInstanceTermination", more="    spot  = yes\n")
    need("'instances: spot = no'" in str(made.all("failed")), made.all("failed"))


def host_cut(here):
    """For a few seconds, and until the connection is lost: no line and no byte is lost or repeated."""
    made = Fleet(here, "host-cut", CUT)
    made.begin()
    made.printed("line 100 ")
    for seconds in (3, 22):
        made.machine().cut()
        time.sleep(seconds)
        made.machine().mend()
        time.sleep(2)
    made.end()
    lines = "".join(f"line {i} of 2400\n" for i in range(1, 2401))
    same(made.log("lines"), lines, "the log")
    same("".join(e["text"] for e in made.all("output", step="lines")), lines, "what was told")
    folder = made.path(".edcc", "runs", made.runs()[-1], "log")
    same(digest(os.path.join(folder, "bytes.log")), digest(made.path("out/bytes")), "the bytes")


def host_timed_out(here):
    """Its time to live is over, whatever edcc wants."""
    made = lost(here, "ttl", lambda made: None, ENDED + "Client.InstanceInitiatedShutdown", count=2, ttl="1m")
    need("'instances: ttl' says how long a machine lasts" in str(made.all("failed")), made.all("failed"))


# --- the operator ---

def ends_by_itself(made):
    """All of its machines, by their leases."""
    wait_for(lambda: not made.instances(), 120)
    asked = [call for call in made.here.proxy.calls("TerminateInstances") if set(made.known) & set(call["parameters"].values())]
    need(not asked, "edcc asked for it", asked)


def gone(here, name, how):
    """An operator who is not heard of any more."""
    made = Fleet(here, name, WAITS, count=2, lease="20s")
    made.begin()
    made.printed("begun")
    made.machine()
    how(made)
    ends_by_itself(made)
    return made


def networks(made):
    return made.here.ec2.describe_vpcs(Filters=[{"Name": "tag:edcc:project", "Values": [made.name]}])["Vpcs"]


def operator_killed(here):
    """edcc is killed: its machines end; destroy removes the network."""
    made = gone(here, "killed", lambda made: made.process.kill())
    made.process.wait()
    same(len(networks(made)), 1, "networks")
    made.edcc("destroy", env=here.environment())
    same(networks(made), [], "networks")
    made.nothing_left()


def operator_lost(here):
    """The same, and the journal is lost too: gc removes the network, and nothing of those that live."""
    made = gone(here, "lost", lambda made: made.process.kill())
    made.process.wait()
    run_id = made.runs()[-1]
    shutil.rmtree(made.path(".edcc"))
    made.edcc("gc", "--yes", "--region", "eu-west-1", run_id, env=here.environment())
    same(networks(made), [], "networks of " + run_id)


def operator_asleep(here):
    """edcc is stopped, as with a laptop that is closed; when it goes on it says what has happened and cleans up."""
    made = gone(here, "asleep", lambda made: os.kill(made.process.pid, signal.SIGSTOP))
    os.kill(made.process.pid, signal.SIGCONT)
    need("ended while it was used: Client.InstanceInitiatedShutdown" in made.end(4), made.events[-6:])
    kept_log(made)


def operator_away(here):
    """There is no way to the HOST any more."""
    made = Fleet(here, "away", WAITS, lease="20s")
    made.begin()
    made.printed("begun")
    run("ip", "route", "replace", "blackhole", made.machine().outside + "/32")
    need("ended while it was used: Client.InstanceInitiatedShutdown" in made.end(4), made.events[-6:])


# --- others ---

def late(here):
    """A worker that comes when the build runs already joins."""
    here.late["late", 1] = boots = threading.Event()
    made = Fleet(here, "late", COMPILES, count=2, files=sources())
    made.begin()
    made.until("host", host="host", state="ready")
    made.until("verdict", step="first")
    boots.set()
    made.until("host", host="coop-1", state="ready")
    made.machine().inside("touch", "/run/second")
    made.until("verdict", step="second")
    need(of_second(made.machine(1)), "it did not compile")
    made.end()
    all_compiles(made)


def spot(here):
    """A worker is taken by the spot market: two minutes' notice, and less."""
    made = Fleet(here, "spot", COMPILES, count=3, more="    spot  = yes\n", files=sources())
    made.begin()
    made.until("host", host="coop-2", state="ready")
    wait_for(lambda: len(made.machine().inside("sh", "-c", "ls /var/lib/edcc/tree/f*.o 2>/dev/null", status=None).split()) > 4)
    taken = made.machine(1).id
    here.notice(taken, json.dumps({"action": "terminate", "time": "2026-11-22T00:00:00Z"}))
    here.take(taken)
    same(made.until("host", host="coop-1", state="out").get("reason"), "does not answer", "coop-1")
    made.machine().inside("touch", "/run/second")
    made.end()
    all_compiles(made)
    same({call["parameters"].get("InstanceMarketOptions.MarketType") for call in launches(made)}, {"spot"}, "launches")


def no_spot(here):
    """There is no capacity for spot machines: on demand."""
    where = {"InstanceType": "c6i.large", "InstanceMarketOptions.MarketType": "spot"}
    here.proxy.add({"action": "RunInstances", "where": where, "times": 0, "fault": "capacity"})
    made = Fleet(here, "no-spot", "build one:\n    true\n", type="c6i.large", more="    spot  = yes\n")
    made.begin()
    made.end()
    same([call["parameters"].get("InstanceMarketOptions.MarketType") for call in launches(made)][-1], None, "the launch that was answered")


def launches(made):
    return [call for call in made.here.proxy.calls("RunInstances") if made.name in call["parameters"].values()]


def two_projects(here):
    """Of the same range: destroy of one leaves the other."""
    other, made = Fleet(here, "other", WAITS), Fleet(here, "mine", WAITS)
    for one in (other, made):
        one.begin()
    for one in (other, made):
        one.printed("begun")
    made.process.kill()
    made.process.wait()
    made.edcc("destroy", env=here.environment())
    same(made.instances(), [], "machines that are left")
    other.machine().inside("touch", "/run/go")
    other.end()
    same(other.log("one"), "begun\nended\n", "the other's log")


@test
def everything_else():
    """All at once, each in a project of its own, in the same range of addresses."""
    with Here(minute=50) as here:
        at_once(here, host_killed, host_frozen, host_taken, host_cut, host_timed_out, operator_killed, operator_lost, operator_asleep, operator_away,
                late, spot, no_spot, two_projects)
        same(left(here), {}, "what EC2 still has")


if __name__ == "__main__":
    main("faults")
