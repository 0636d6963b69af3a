#!/usr/bin/env python3
"""A fleet that was kept, seen from where it was made and from where nobody has a journal: its machines, a shell on each, and its end."""

import os
import shutil

import world
from cloud import Project, main, need, run, same, test, told, wait_for
from lab import EDCC
from world import World

world.box()

WARM = """\
project = warm

provider aws:
    region = eu-west-1

network:
    keys = mine.pub

instances:
    count = 2
    type  = c7i.large

compiler gcc:

limits:
    keep = 20m

build x:
    true
"""


def running(here):
    """launch index → the machine, as EC2 has it."""
    machines = [m for r in here.client("ec2").describe_instances()["Reservations"] for m in r["Instances"]]
    return {m["AmiLaunchIndex"]: m for m in machines if m["State"]["Name"] == "running"}


@test
def a_kept_fleet():
    with World() as here:
        made = Project("warm")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", made.path("mine"))
        made.write("Edccfile", WARM)
        made.edcc("apply", "--yes", env=here.environment())
        machines = running(here)
        status = told(lambda: made.edcc("status", env=here.environment())).output
        for index, name in enumerate(["host", "coop-1"]):
            need(f"machine   {name}  running, c7i.large, {machines[index]['PublicIpAddress']}, {machines[index]['InstanceId']}\n" in status, status)

        def shell(*arguments, status=0):
            return made.edcc("ssh", *arguments, status=status, env=here.environment()).output

        # By the journal and the run's own key; what it ends with is what the command there does.
        for index, name in enumerate(["host", "coop-1"]):
            need(machines[index]["PrivateIpAddress"] in shell(name, "--", "hostname", "-I").split(), name)
            shell(name, "--", "exit 7", status=7)
        need(machines[1]["PrivateIpAddress"] in shell(machines[1]["InstanceId"], "--", "hostname", "-I"), "by its id")

        # ssh by itself, with what export prints. (It would look for it in the home of /etc/passwd.)
        config = made.edcc("export", "ssh-config", env=here.environment()).output
        made.write("config", config.replace("/usr/bin/ssh ", f"/usr/bin/ssh -F {made.path('config')} "))
        for index, name in enumerate(["host", "coop-1"]):
            need(machines[index]["PrivateIpAddress"] in run("ssh", "-F", made.path("config"), f"warm-{name}", "hostname", "-I").split(), name)
        made.write("config", made.read("config").replace("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"))
        need("Host key verification failed" in run("ssh", "-F", made.path("config"), "warm-host", "true", status=255), "another key")

        # A machine that is started by hand with what export prints serves the same subnet.
        ec2, like = here.client("ec2"), machines[0]
        more = ec2.run_instances(ImageId=like["ImageId"], InstanceType=like["InstanceType"], SubnetId=like["SubnetId"], MinCount=1, MaxCount=1,
                                 UserData=made.edcc("export", "user-data", env=here.environment()).output)["Instances"][0]
        address = more["PrivateIpAddress"]
        wait_for(lambda: '"role":"COOP","state":"Ready"' in made.edcc("ssh", "--", f"curl -s http://{address}/status.json || :", env=here.environment()).output)
        shell("--", f"cd /tmp && echo 'int x;' >x.c && DISTCC_DIR=/tmp DISTCC_FALLBACK=0 DISTCC_HOSTS={address} distcc gcc -c x.c")
        ec2.terminate_instances(InstanceIds=[more["InstanceId"]])
        wait_for(lambda: len([m for r in ec2.describe_instances()["Reservations"] for m in r["Instances"] if m["State"]["Name"] == "running"]) == 2)

        # From elsewhere: the host key by its tag, and a key of one's own.
        elsewhere = Project("elsewhere")
        refused = elsewhere.edcc("ssh", "--", "true", env=here.environment(), status=255)
        need("Permission denied" in refused.errors, refused)
        script = f"ssh-add -q {made.path('mine')} && {EDCC} ssh coop-1 -- hostname -I"
        need(machines[1]["PrivateIpAddress"] in run("ssh-agent", "sh", "-c", script, cwd=elsewhere.dir, env={**os.environ, **here.environment()}).split(), "by tags")

        # Another host key than the known one: not a word.
        here.client("ec2").create_tags(Resources=[machines[0]["InstanceId"]], Tags=[{"Key": "edcc:host-key", "Value": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"}])
        script = f"ssh-add -q {made.path('mine')} && {EDCC} ssh -- true"
        need("Host key verification failed" in run("ssh-agent", "sh", "-c", script, cwd=elsewhere.dir, env={**os.environ, **here.environment()}, status=255), "another key")

        # It is kept, though whoever made it has ended; by name it goes, and its journal is not needed for that.
        shutil.rmtree(made.path(".edcc"))
        run_id = status.split()[1]
        need(f"stay    {run_id} of warm in eu-west-1" in elsewhere.edcc("gc", "--dry-run", env=here.environment()).output, "it is listed")
        elsewhere.edcc("gc", env=here.environment())
        same(sorted(running(here)), [0, 1], "machines")
        elsewhere.edcc("gc", run_id, env=here.environment())
        same(running(here), {}, "machines")
        need("nothing of edcc's is there" in elsewhere.edcc("gc", "--dry-run", env=here.environment()).output, "something is left")
        same(here.proxy.problems(), [], "requests that botocore's model does not allow")


main("shell")
