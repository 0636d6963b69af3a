#!/usr/bin/env python3
"""lan.py EDCC tcp|ssh: zstd's library, static and shared, built on a LAN of six machines (test/lan/lan.py) by edcc, by make with the DISTCC_HOSTS and -j that an
expert would write, and, not over ssh, by make over icecream on the same machines.

Prints a line "NAME FIGURE" for each: the median in ms of runs that took turns, edcc's from exec to exit, "lacks WHY" where there is no LAN, "icecream_lacks WHY".
The machines share this computer's processors: what is compared is what each tool costs, not how a fleet scales (scale.py). icecream's daemons have
met before, and have the compiler that icecream sends around: its first build is in no figure. It goes by the machines' load, which is this computer's, so
it compiles more on the client than it would on machines of their own."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "test", "lan")]
import lan  # noqa: E402
from lab import source  # noqa: E402

ROUNDS, MACHINES, SLOTS = 5, 6, 2
# So long do icecream's daemons look for a better scheduler.
JOIN_S = 10
EDCCFILE = """\
project = zstd

provider hosts:
    hosts = {hosts}

compiler gcc:
    version = 12

build library:
    make -s -C lib -j"$JOBS" lib
"""
# As its manual has it, on the scheduler's machine and on the others; the log must be its user's before it begins.
ICECREAM = "install -d -o icecc /run/icecc {base} && install -o icecc /dev/null {base}.log && iceccd -d -n bench -s {scheduler} -b {base} -l {base}.log -u icecc {more} >/dev/null 2>&1"


def lacks_icecream():
    path = os.environ["PATH"] + ":/usr/sbin"
    missing = [p for p in ("icecc", "iceccd", "icecc-scheduler") if not shutil.which(p, path=path)]
    return f"there is no {missing[0]} (on Debian: apt-get install icecc)" if missing else None


def start_icecream(machines, scratch):
    """Returns when its machines have found each other."""
    subprocess.run(["mount", "-t", "tmpfs", "run", "/run"], check=True)
    subprocess.run(["icecc-scheduler", "-d", "-n", "bench"], check=True)
    for machine in machines:
        machine.inside("sh", "-c", ICECREAM.format(base="/tmp/icecc", scheduler=lan.CLIENT, more=f"-m {SLOTS}"))
    # The client's own processors preprocess.
    subprocess.run(["sh", "-c", ICECREAM.format(base=f"{scratch}/icecc", scheduler=lan.CLIENT, more="--no-remote")], check=True)
    time.sleep(JOIN_S)


def has_environment(machine):
    return any(files for _, _, files in os.walk(f"{machine.folder}/icecc"))


def build(tree, *command, **environment):
    """Milliseconds; what was built is removed."""
    began = time.monotonic()
    subprocess.run(command, cwd=tree, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    took = (time.monotonic() - began) * 1000
    subprocess.run(["make", "-s", "-C", "lib", "clean"], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    return took


def main():
    why, alone = lan.lacks(), lacks_icecream()
    if why:
        print("lacks", why)
        return
    lan.box.enter()
    edcc, over_ssh = os.path.abspath(sys.argv[1]), sys.argv[2] == "ssh"
    how = {"jobs": 0, "ssh": True} if over_ssh else {"jobs": SLOTS}
    with lan.Lan(**{f"m{i}": how for i in range(1, MACHINES + 1)}) as machines, tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        hosts = " ".join(f"{'@' * over_ssh}{name}/{SLOTS}" for name in machines.machines)
        tree = os.path.join(scratch, "zstd")
        shutil.copytree(source("zstd"), tree)
        lan.write(f"{tree}/Edccfile", EDCCFILE.format(hosts=hosts))
        make = ("make", "-s", "-C", "lib", f"-j{MACHINES * SLOTS + os.cpu_count()}", "lib")
        contenders = {
            "edcc": lambda: build(tree, edcc, "apply", "--quiet"),
            "expert": lambda: build(tree, *make, "CC=distcc gcc-12", DISTCC_HOSTS=hosts, DISTCC_DIR=scratch),
        }
        if alone:
            print("icecream_lacks", alone)
        elif not over_ssh:
            start_icecream(machines.machines.values(), scratch)
            contenders["icecream"] = lambda: build(tree, *make, "CC=icecc gcc-12")
            contenders["icecream"]()
            if not any(has_environment(machine) for machine in machines.machines.values()):
                raise SystemExit("icecream has compiled on none of the machines")
        times = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, contender in contenders.items():
                times[name].append(contender())
        for name, all_of_it in times.items():
            print(name, f"{statistics.median(all_of_it):.0f}", flush=True)


main()
