#!/usr/bin/env python3
"""pristine: user data on a Debian as it comes (EDCC_TEST_BASE): its own systemd, cloud-init and sshd, and everything installed by apt-get from Debian's mirror.

Not part of `make test`, since it needs a way out and some minutes; test/cloud/pristine makes the base and runs this."""

import os
import subprocess
import sys

import world
from cloud import MOTO, Project, main, need, same, test, wait_for
from lab import source
from world import World

world.box()

BASE = os.environ.get("EDCC_TEST_BASE") or sys.exit("pristine: EDCC_TEST_BASE is not set: test/cloud/pristine does that")
HEAD = """\
project = {name}

provider aws:
    region = eu-west-1

instances:
    count    = {count}
    packages = {packages}
    lease    = 10m

compiler {compiler}

"""
LUA = """\
build lua:
    make -C src -j"$JOBS" CC="$CC" CFLAGS="-O2 -Wall -DLUA_COMPAT_5_3 -DLUA_USE_LINUX" MYLDFLAGS="-Wl,-E" MYLIBS="-ldl" all
    src/lua -e 'print(6 * 7)'
"""
OBJECT = """\
build object:
    echo 'int f(int n) {{ return n * 7; }}' >f.c
    $CC -c f.c
    [ "$(od -An -tx1 -j18 -N2 f.o | tr -d ' ')" = {machine} ]
"""
X86_64, AARCH64 = "3e00", "b700"


def project(name, text, tree=None, count=1, packages="make", compiler="gcc:"):
    return Project(name, source(tree) if tree else None, HEAD.format(name=name, count=count, packages=packages, compiler=compiler) + text)


def running():
    pages = MOTO.client("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])["Reservations"]
    return [instance["InstanceId"] for page in pages for instance in page["Instances"]]


def nothing_left(made):
    same(running(), [], "machines that run")
    same([vpc["VpcId"] for vpc in MOTO.client("ec2").describe_vpcs()["Vpcs"] if not vpc["IsDefault"]], [], "networks")
    made.nothing_left()


def versions(one):
    """What the machine has of that on which user data depends; printed, since what was tested is what these were."""
    print(one.read("/etc/os-release").partition("\n")[0])
    print(one.inside("dpkg-query", "-W", "-f", "${Package} ${Version}; ", "systemd", "cloud-init", "openssh-server", "apt", "bash", "distcc", "nginx", "gcc"))


@test
def lua_on_two():
    """The whole way: apt-get installs make, gcc, distcc and nginx, both machines compile; nothing of systemd's fights with what user data has set up."""
    with World() as here:
        made = project("two", LUA, tree="lua", count=2)
        made.edcc("apply", "--yes", "--keep=30m", env=here.environment())
        need(made.log("lua").endswith("\n42\n"), made.log("lua")[-300:])
        machines = [here.machine(i) for i in running()]
        same(len(machines), 2, "machines that were kept")
        versions(machines[0])
        for one in machines:
            looks_right(one)
        second_boot(here, machines[0])
        made.edcc("destroy", "--yes", env=here.environment())
        nothing_left(made)


def looks_right(one):
    """It has compiled, and what only a machine with systemd and cloud-init shows."""
    log = one.read("/var/lib/edcc/www/distccd.log")
    need(any("COMPILE_OK" in line and "canary" not in line for line in log.splitlines()), "it has not compiled", log)
    done = one.inside("cloud-init", "status", "--long", "--wait", status=None)
    need("status: done" in done and "DataSourceEc2" in done, done, one.inside("cat", "/var/log/cloud-init-output.log", status=None)[-2000:])
    same(one.inside("systemctl", "--failed", "--plain", "--no-legend"), "", "units that failed")
    same(one.inside("systemctl", "is-active", "nginx", "distcc", "ssh", status=None).split(), ["inactive", "inactive", "active"], "nginx, distcc, ssh")
    need("MODE=poweroff" in one.read("/run/systemd/shutdown/scheduled"), "the end is not scheduled")
    listening = {int(line.split()[3].rpartition(":")[2]) for line in one.inside("ss", "-Htln").splitlines()}
    same(listening, {22, 80, 3632}, "open ports")
    ours = one.read("/etc/ssh/edcc_host_key.pub").split()[1]
    scanned = one.inside("ssh-keyscan", "-t", "ed25519", "localhost", status=None)
    need(ours in scanned, "sshd shows another key", scanned)


def second_boot(here, one):
    """cloud-init runs what is to be run at each boot: the machine ends."""
    one.inside("cloud-init", "modules", "--mode", "final", status=None)
    wait_for(lambda: one.id not in running(), 60)


@test
def compressed_and_cross():
    """User data that is too long as it is, by packages that are all there; a cross compiler of Debian's."""
    listed = subprocess.run(["dpkg-query", f"--admindir={BASE}/var/lib/dpkg", "-W", "-f", "${Package} "], capture_output=True, text=True, check=True).stdout
    with World() as here:
        made = project("cross", OBJECT.format(machine=AARCH64), packages=listed, compiler="gcc:\n    target = aarch64-linux-gnu")
        made.edcc("apply", "--yes", env=here.environment())
        sent, = here.proxy.calls("RunInstances")
        need(sent["parameters"]["UserData"].startswith("H4sI"), "user data is not compressed")
        nothing_left(made)


@test
def clang():
    """For its own processor, then for another one, with that one's C library."""
    with World() as here:
        made = project("clang", OBJECT.format(machine=X86_64), compiler="clang:")
        made.edcc("apply", "--yes", env=here.environment())
        nothing_left(made)
        links = "    printf '#include <stdio.h>\\nint main(void) { return puts(\"\"); }\\n' >p.c\n    $CC p.c -o p\n"
        made = project("clang-cross", OBJECT.format(machine=AARCH64) + links, compiler="clang:\n    target = aarch64-linux-gnu")
        made.edcc("apply", "--yes", env=here.environment())
        nothing_left(made)


@test
def full_name():
    """The target is what the machine is, as in a fleet of two processors: its own compiler, by a version too."""
    with World() as here:
        made = project("own", OBJECT.format(machine=X86_64), compiler="gcc:\n    version = 12\n    target = x86_64-linux-gnu")
        made.edcc("apply", "--yes", env=here.environment())
        nothing_left(made)


@test
def no_such_package():
    """apt-get's own words reach the user."""
    with World() as here:
        made = project("none", "build one:\n    true\n", packages="edcc-no-such-package")
        result = made.edcc("apply", "--yes", env=here.environment(), status=4)
        need("Unable to locate package edcc-no-such-package" in result.output + result.errors, result)
        nothing_left(made)


if __name__ == "__main__":
    main("pristine")
