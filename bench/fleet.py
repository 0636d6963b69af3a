#!/usr/bin/env python3
"""fleet.py EDCC: machines of EC2 made and removed in the world of test/cloud, by edcc and by Terraform with its AWS provider.

Prints a line "NAME FIGURE" for each figure (times are in ms), and "lacks WHY" where there is no world, "terraform_lacks WHY" where there is no Terraform.
Nothing boots: both tools are done with making when EC2 says that all machines run, and with removing when nothing is left. Calls take AWS's own time where
time is measured. Machines take none to start and to end, so that each tool asks once whether they have, but for the figures whose name begins with whole_:
there most of the time is AWS's, whoever asks."""

import concurrent.futures
import contextlib
import glob
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "test", "cloud"))
import amazon  # noqa: E402
import answers  # noqa: E402
import world  # noqa: E402

ROUNDS = 5
INTERRUPTED = 130  # edcc's exit status, where nothing is left
# Where the provider may lie, besides the places where Terraform looks by itself.
MIRROR = os.environ.get("TF_PLUGIN_MIRROR") or "/opt/tf-plugins"
# What a call on the way to RunInstances waits for; a VPC and a gateway for all look-ups.
NEEDS = {"RunInstances": ("CreateSubnet", "CreateSecurityGroup", "AttachInternetGateway"), "CreateSubnet": ("CreateVpc",),
         "CreateSecurityGroup": ("CreateVpc",), "AttachInternetGateway": ("CreateVpc", "CreateInternetGateway"), "DescribeImages": ("GetParameter",)}


class Still(world.World):
    """Its machines exist for EC2 alone."""

    def look(self):
        pass

    def times(self, calls, machines):
        """How much of AWS's own time calls take, and machines."""
        self.proxy.latency, self.amazon.latency = calls, machines
        self.proxy.records.clear()

    def asked(self):
        """The calls since then, in the order in which they came."""
        return sorted(self.proxy.calls(), key=lambda call: call["began"])


def say(name, figure):
    print(name, figure, flush=True)


def ms(began):
    return (time.time() - began) * 1000


def own_time(calls, began):
    """How many ms before RunInstances went by without a call that it had to wait for: back from it, each time to the call that was answered last."""
    def latest(call):
        if call["action"] in ("CreateVpc", "CreateInternetGateway"):
            needed = [c for c in calls if c["ended"] < call["began"] and c["action"].startswith(("Get", "Describe"))]
        else:
            needed = [c for c in calls if c["action"] in NEEDS.get(call["action"], ())]
        return max(needed, key=lambda c: c["ended"], default=None)

    spent, call = 0, next(c for c in calls if c["action"] == "RunInstances")
    while call:
        before = latest(call)
        spent += call["began"] - (before["ended"] if before else began)
        call = before
    return spent * 1000


class Edcc:
    def __init__(self, here, program, machines):
        self.folder, self.here = tempfile.mkdtemp(prefix="edcc-bench-"), here
        self.command = [program, "-C", self.folder]
        self.machines = f"machines={machines}"
        shutil.copy(os.path.join(HERE, "fleet.edcc"), os.path.join(self.folder, "Edccfile"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def environment(self):
        return {**os.environ, **self.here.environment()}

    def make_and_remove(self):
        """Interrupted as soon as EC2 has told of all machines that they run. When it began, and how long it took."""
        began, event, all_run = time.time(), {}, False
        with subprocess.Popen([*self.command, "apply", "--yes", "--json", self.machines], env=self.environment(), stdout=subprocess.PIPE) as process:
            for event in map(json.loads, process.stdout):
                if event.get("state") == "starting" and not all_run:
                    all_run = True
                    process.send_signal(signal.SIGINT)
        if process.returncode != INTERRUPTED or not all_run:
            sys.exit(f"edcc apply: {event}")
        return began, ms(began)

    def plan(self):
        """Its processor time, with everything looked up."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*self.command, "plan", self.machines], env=self.environment(), check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


class Terraform:
    def __init__(self, here, user_data):
        self.folder, self.here = tempfile.mkdtemp(prefix="edcc-bench-"), here
        shutil.copy(os.path.join(HERE, "fleet.tf"), os.path.join(self.folder, "main.tf"))
        with open(os.path.join(self.folder, "user-data"), "w") as file:
            file.write(user_data)
        # Nobody's own settings.
        self.rc = os.path.join(self.folder, "rc")
        open(self.rc, "w").close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def run(self, *arguments):
        environment = {**os.environ, **self.here.environment(), "TF_CLI_CONFIG_FILE": self.rc, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        began = time.time()
        done = subprocess.run(["terraform", f"-chdir={self.folder}", *arguments], env=environment, capture_output=True, text=True)
        return done.returncode == 0, ms(began), (done.stderr or done.stdout).strip()

    def lacks(self):
        """Why it cannot be measured; None where it can."""
        if not shutil.which("terraform"):
            return "there is no terraform"
        mirror = [f"-plugin-dir={MIRROR}"] if glob.glob(f"{MIRROR}/*/hashicorp/aws") else []
        return None if self.run("init", "-input=false", *mirror)[0] else "terraform has no AWS provider here (TF_PLUGIN_MIRROR says where one is)"

    def act(self, verb, machines, *more):
        done, took, said = self.run(verb, "-auto-approve", "-input=false", "-no-color", f"-var=machines={machines}", *more)
        if not done:
            sys.exit(f"terraform {verb}: {said}")
        return took


def small(here, program):
    """Four machines, by edcc; the user data that they are given."""
    rounds = []
    with Edcc(here, program, 4) as ours:
        ours.make_and_remove()  # moto takes its time when it is asked first
        for _ in range(ROUNDS):
            here.times(1, 0)
            began, took = ours.make_and_remove()
            rounds.append((took, own_time(here.asked(), began)))
    say("edcc_time_4", statistics.median(took for took, _ in rounds))
    say("edcc_own", statistics.median(own for _, own in rounds))
    say("edcc_calls_4", len(here.asked()))
    return here.proxy.calls("RunInstances")[0]["parameters"]["UserData"]


def large(here, program):
    with Edcc(here, program, 1000) as ours:
        say("edcc_plan_1000", statistics.median(ours.plan() for _ in range(ROUNDS)))
    for machines in (64, 1000):
        with Edcc(here, program, machines) as ours:
            here.times(0, 0)
            ours.make_and_remove()
            say(f"edcc_calls_{machines}", len(here.asked()))
        # It keeps what was terminated, and is slow with so many.
        world.cloud.MOTO.post("/moto-api/reset")


def beside(here, program, theirs):
    """What Terraform takes for the same."""
    here.times(1, 0)
    say("terraform_time_4", theirs.act("apply", 4) + theirs.act("destroy", 4))
    say("terraform_calls_4", len(here.asked()))
    here.times(0, 0)
    for verb in ("apply", "destroy"):
        theirs.act(verb, 64, "-parallelism=64")
    say("terraform_calls_64", len(here.asked()))
    here.times(1, 1)
    # At the same time, since both do nothing but wait.
    with Edcc(here, program, 4) as ours, concurrent.futures.ThreadPoolExecutor() as pool:
        other = pool.submit(lambda: theirs.act("apply", 4) + theirs.act("destroy", 4))
        say("whole_edcc", ours.make_and_remove()[1])
        say("whole_terraform", other.result())


def main():
    world.box()
    program = os.path.abspath(sys.argv[1])
    # An account that may have a thousand, and machines that all take the same time.
    answers.QUOTAS = {code: (name, 1e6) for code, (name, _) in answers.QUOTAS.items()}
    amazon.PENDING, amazon.ENDING, amazon.TAIL = ((sum(times) / 2,) * 2 for times in (amazon.PENDING, amazon.ENDING, amazon.TAIL))
    with contextlib.ExitStack() as stack:
        try:
            here = stack.enter_context(Still())
        except world.Skip as why:
            return say("lacks", why)
        user_data = small(here, program)
        large(here, program)
        theirs = stack.enter_context(Terraform(here, user_data))
        why = theirs.lacks()
        if why:
            say("terraform_lacks", why)
        else:
            beside(here, program, theirs)


if __name__ == "__main__":
    main()
