#!/usr/bin/env python3
"""The whole way on EC2: a network, machines that boot and run their user data, a real C project compiled over all of them, S3, and nothing left.

What is held against the machines' own word: each one's distccd log, read where it is."""

import glob
import json
import os
import re
import shutil
import time

import proxy
import world
from account import JOB, left, new_bucket, nothing_left, queue
from cloud import Project, main, need, run, same, test
from lab import ROOT, digest, example, source
from world import World

world.box()

HEAD = """\
project = {name}

provider aws:
    region = eu-west-1

instances:
    count = {count}
    type  = c7i.large
    lease = {lease}

compiler gcc:

"""
LUA = """\
build lua:
    make -C src -j"$JOBS" CC="$CC" CFLAGS="-O2 -Wall -DLUA_COMPAT_5_3 -DLUA_USE_LINUX" MYLDFLAGS="-Wl,-E" MYLIBS="-ldl" all

artifacts:
    src/lua src/luac -> s3://{bucket}/lua/
    src/lua          -> out/
"""
FAILS = """\
build one:
    echo before
    echo kept >one.log
    build_failed the tests do not pass
    echo after

artifacts:
    *.log -> s3://{bucket}/logs/ when build_failed

on build_failed:
    notify = sns:broken
"""
PACKAGE = """\
include std/debian-package

options = --build=any
flags   = nocheck
to      = s3://{bucket}/packages/
"""
ALLOWED = """\
build one:
    echo made >made

artifacts:
    made -> s3://{bucket}/out/

on build_success:
    notify = sns:told
"""
KEEPS = """\
distcc:
    slots      = 2
    pause      = 300ms
    log        = out/clients.log
    verbose    = yes
    save_temps = yes

build all:
    for i in 1 2 3 4; do echo "int f$i;" >f$i.c; $CC -c f$i.c; done
    echo "pause $DISTCC_PAUSE_TIME_MSEC, $(ls $TMPDIR | grep -c '\\.i$') preprocessed in $TMPDIR"
"""


def project(name, text, tree=None, count=2, lease="10m", **more):
    made = Project(name, source(tree) if tree else None, HEAD.format(name=name, count=count, lease=lease) + text, **more)
    return made


def machine_logs(made):
    """name → the files that its distccd says it compiled, canaries left out."""
    folder = made.path(".edcc", "runs", made.runs()[-1], "log")
    logs = {os.path.basename(path)[:-4]: path for path in glob.glob(os.path.join(folder, "*.log"))}
    return {name: [f for f in JOB.findall(open(path, errors="replace").read()) if "canary" not in f]
            for name, path in logs.items() if re.match(r"(host|coop-\d+)$", name)}


def plain_lua():
    """The same build by hand, in the place where the machines had it, since paths get into objects."""
    place = "/var/lib/edcc/tree"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source("lua"), place, symlinks=True)
    run("sh", "-c", 'make -C src -j2 CFLAGS="-O2 -Wall -DLUA_COMPAT_5_3 -DLUA_USE_LINUX" MYLDFLAGS="-Wl,-E" MYLIBS="-ldl" all', cwd=place)
    found = digest(os.path.join(place, "src/lua"))
    shutil.rmtree("/var/lib/edcc", ignore_errors=True)
    return found


@test
def four_machines():
    """lua on four: every machine compiled, by its own log; the program is a plain build's; it is in S3 and here; nothing is left."""
    with World() as here:
        bucket = new_bucket(here)
        made = project("four", LUA.format(bucket=bucket), tree="lua", count=4)
        result = made.edcc("apply", "--json", "--yes", env=here.environment())
        compiled = machine_logs(made)
        same(sorted(compiled), ["coop-1", "coop-2", "coop-3", "host"], "machines with a log")
        need(all(compiled.values()), "not every machine compiled", compiled)
        said = {host: n for host, n in result.compiles().items() if host != "this machine"}
        same(said, {host: len(files) for host, files in compiled.items()}, "compiles by host")
        same(digest(made.path("out/lua")), plain_lua(), "the program")
        stored = here.client("s3").get_object(Bucket=bucket, Key="lua/lua")["Body"].read()
        need(stored == open(made.path("out/lua"), "rb").read(), "what is in S3 differs")
        same(here.proxy.problems(), [], "requests that botocore's model does not allow")
        nothing_left(made, here)


@test
def sixteen_machines():
    """The example, on sixteen: each of them proved itself and compiled, by its own log; the library is in S3 and here."""
    with World() as here:
        bucket = new_bucket(here)
        made = Project("sixteen", source("zstd"))
        shutil.copy(os.path.join(example("ec2"), "Edccfile"), made.dir)
        result = made.edcc("apply", "--json", "--yes", "workers=16", f"bucket={bucket}", env=here.environment())
        need(re.search(r"^1\.[0-9.]+ is right$", made.log("test"), re.M), made.log("test"))
        stored = here.client("s3").get_object(Bucket=bucket, Key="zstd/libzstd.a")["Body"].read()
        need(stored == open(made.path("out/libzstd.a"), "rb").read(), "what is in S3 differs")
        compiled = machine_logs(made)
        same(len(compiled), 16, "machines with a log")
        need(all(compiled.values()), "not every machine compiled", {name: len(files) for name, files in compiled.items()})
        here_why = [e.get("why", "") for e in result.all("compiles") if e["host"] == "this machine"]
        need(not re.search(r"host|given up", here_why[0]), "compiles that hosts should have done", here_why)
        same(len(here.proxy.calls("RunInstances")), 1, "calls of RunInstances")
        nothing_left(made, here)


@test
def what_clients_keep():
    """The settings of distcc's client, which is on the HOST."""
    with World() as here:
        made = project("keeps", KEEPS)
        result = made.edcc("apply", "--json", "--yes", env=here.environment())
        need("pause 300, 4 preprocessed in /var/lib/edcc/distcc/temps\n" in result.said("all"), result)
        same(sum(result.compiles().values()) - result.compiles()["this machine"], 4, result)
        log = made.read("out/clients.log")
        same(log, made.log("@distcc"), "the copy")
        need("select for read on fd" in log, log[:2000])
        nothing_left(made, here)


@test
def a_debian_package():
    """tree, as Debian has it, packaged on two: its rules call gcc, and both of them compiled; the package is in S3."""
    with World() as here:
        bucket = new_bucket(here)
        made = project("package", PACKAGE.format(bucket=bucket), tree="tree")
        made.write("Edccfile", made.read("Edccfile").replace("    count", "    packages = build-essential dpkg-dev debhelper fakeroot\n    count"))
        result = made.edcc("apply", "--json", "--yes", env=here.environment())
        compiled = machine_logs(made)
        need(sorted(compiled) == ["coop-1", "host"] and all(compiled.values()), "not every machine compiled", compiled)
        same(result.compiles(), {**{host: len(files) for host, files in compiled.items()}, "this machine": 0}, "compiles by host")
        key, = (o["Key"] for o in here.client("s3").list_objects_v2(Bucket=bucket)["Contents"] if re.match(r"packages/tree_.*\.deb$", o["Key"]))
        made.write("package.deb", "")
        here.client("s3").download_file(bucket, key, made.path("package.deb"))
        run("dpkg-deb", "-x", made.path("package.deb"), made.path("unpacked"))
        need(re.match(r"tree v\d", run(made.path("unpacked/usr/bin/tree"), "--version")), "the program does not run")
        nothing_left(made, here)


@test
def with_the_documents_permissions():
    """An account that may do what doc/policy.json says and nothing else: enough for all of it."""
    with open(os.path.join(ROOT, "doc", "policy.json")) as file:
        allowed = {action for statement in json.load(file)["Statement"] for action in statement["Action"]}
    s3 = {"PUT": "PutObject", "HEAD": "GetObject", "GET": "ListBucket"}
    asked = set()

    def refuse(call):
        action = f"{call.service}:{s3[call.action] if call.service == 's3' else call.action}"
        asked.add(action)
        # Anybody may ask who he is.
        if action in allowed or action == "sts:GetCallerIdentity":
            return None
        return proxy.error("UnauthorizedOperation", 403, f"You are not authorized to perform {action}.", call)

    with World() as here:
        bucket = new_bucket(here)
        made = project("allowed", ALLOWED.format(bucket=bucket))
        here.proxy.add({"action": "*", "times": 0, "fault": refuse})
        result = made.edcc("apply", "--yes", env=here.environment())
        need("warning" not in result.output + result.errors, result)
        result = made.edcc("gc", "--all", "--yes", env=here.environment())
        need("warning" not in result.output + result.errors, result)
        need(asked > {"ec2:RunInstances", "s3:PutObject", "sns:Publish", "ec2:DescribeRegions"}, asked)
        nothing_left(made, here)


@test
def fails():
    """A build that fails: status 2, its logs are kept, a message is sent, and the fleet goes."""
    with World() as here:
        bucket, received = new_bucket(here), queue(here, "broken")
        made = project("fails", FAILS.format(bucket=bucket))
        result = made.edcc("apply", "--json", "--yes", env=here.environment(), status=2)
        same(result.all("end")[-1]["message"], "build_failed: step one: the tests do not pass", "the last word")
        same(made.log("one"), "before\n", "what it printed")
        stored = here.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
        same([o["Key"].rsplit("/", 1)[0] for o in stored], ["logs", "logs"], "what is stored: the log and the report")
        message, = received()
        need(message["Subject"].startswith("fails: build_failed: step one: "), message)
        need("\nreport: s3://%s/logs/edcc-" % bucket in message["Message"], message)
        nothing_left(made, here)


@test
def tells_why_no_machine_came():
    """A compiler that there is not: the step of the boot that failed and its last words, and nothing is left."""
    with World() as here:
        made = project("none", "build one:\n    true\n")
        made.write("Edccfile", made.read("Edccfile").replace("compiler gcc:\n", "compiler gcc:\n    version = 99\n"))
        result = made.edcc("apply", "--yes", env=here.environment(), status=4)
        need("there is no gcc 99 here" in result.output + result.errors, result)
        nothing_left(made, here)


if __name__ == "__main__":
    main("build")
