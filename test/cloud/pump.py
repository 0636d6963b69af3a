#!/usr/bin/env python3
"""distcc's pump mode on a fleet: what machines preprocess, what comes of it, and the include server of a fleet that is kept."""

import os
import re
import shutil

import world
from account import nothing_left
from cloud import Project, main, need, run, same, test
from lab import Skip, objects, source, wait_for
from world import World

world.box()

TEXT = """\
project = pumped

provider aws:
    region = eu-west-1

instances:
    count = 2
    type  = c7i.large
    lease = 10m

distcc:
    pump = yes

limits:
    keep = 10m

build lua:
    make -C src clean
    while [ -e wait ] && [ ! -e /run/go ]; do : >/run/waits; sleep 0.05; done
    make -C src -j"$JOBS" CC="$CC -std=gnu99" CFLAGS="-O1 -DLUA_USE_LINUX" MYLIBS="-ldl" all

artifacts:
    src/*.o -> out/
"""


def plain_lua():
    """The same objects by hand, in the place where the machines had it, since paths get into them."""
    place = "/var/lib/edcc/tree"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source("lua"), place, symlinks=True)
    run("make", "-C", "src", "-j2", "CC=gcc -std=gnu99", "CFLAGS=-O1 -DLUA_USE_LINUX", "MYLIBS=-ldl", "all", cwd=place)
    found = objects(os.path.join(place, "src"))
    shutil.rmtree("/var/lib/edcc", ignore_errors=True)
    return found


def sent(result):
    """How many compiles machines have preprocessed."""
    return [int(m[1]) for e in result.all("note") if (m := re.match(r"(\d+) compiles were preprocessed on the hosts$", e["message"]))]


def compiled(result):
    return sum(number for host, number in result.compiles().items() if host != "this machine")


def the_host(here):
    found = here.client("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])["Reservations"]
    identity, = (m["InstanceId"] for reservation in found for m in reservation["Instances"] if not m["AmiLaunchIndex"])
    return here.machine(identity)


def servers(host):
    return host.inside("pgrep", "-f", "/opt/edcc/pump.py").split()


@test
def one_fleet_three_runs():
    """Machines preprocess all of lua; the next run has an include server of its own, which dies, and the build goes on; the last cannot have one."""
    if not shutil.which("distcc-pump"):
        raise Skip("distcc-pump is not installed")
    with World() as here:
        made, environment = Project("pumped", source("lua"), edccfile=TEXT), here.environment()
        plan = made.edcc("plan", env=environment).output
        need(re.search(r"\n +pump +distcc's include server: hosts preprocess, too\n", plan), plan)
        plain = plain_lua()

        first = made.edcc("apply", "--json", "--yes", env=environment)
        same(([e["message"] for e in first.all("warning")], sent(first)), ([], [compiled(first)]), "warnings, and what was preprocessed on machines")
        need(compiled(first) > 30, first)
        same(objects(made.path("out")), plain, "the objects")
        shutil.rmtree(made.path("out"))
        host = the_host(here)
        server, = servers(host)

        made.write("wait", "")
        process = made.start("apply", "--json", "--yes", env=environment)
        wait_for(lambda: "waits" in host.inside("ls", "/run"))
        another, = servers(host)
        need(another != server, "the include server is the first run's")
        need(host.read("/var/lib/edcc/distcc/hosts").count(",lzo,cpp") == 2, "nobody is to preprocess")
        host.inside("kill", "-KILL", another)
        wait_for(lambda: ",cpp" not in host.read("/var/lib/edcc/distcc/hosts"))
        host.inside("touch", "/run/go")
        second = made.finish(process)
        same([e["message"] for e in second.all("warning")], ["from now on machines only compile, and the HOST preprocesses: distcc's include server has ended"], "warnings")
        same((sent(second), compiled(second)), ([], compiled(first)), "preprocessed on machines, compiled there")
        same(objects(made.path("out")), plain, "the objects")

        host.inside("rm", "/usr/bin/distcc-pump")
        third = made.edcc("apply", "--json", "--yes", env=environment, status=4)
        same([(e["message"], e["hint"]) for e in third.all("failed")], [("there is no distcc-pump on the host", "with 'pump = auto' the HOST would preprocess")], "failures")
        made.edcc("destroy", env=environment)
        nothing_left(made, here)


if __name__ == "__main__":
    main("pump")
