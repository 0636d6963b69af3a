#!/usr/bin/env python3
"""What nobody may read: keys of the account, secrets of the Edccfile, private keys and presigned URLs. A run on EC2 that uses them all is looked at from
everywhere: what it writes here, what it tells AWS, the command lines of this computer and of the machines, what their disks and daemons have."""

import base64
import contextlib
import gzip
import hashlib
import io
import os
import re
import subprocess
import tarfile
import tempfile
import threading
import time

import world
from account import left, new_bucket, queue
from cloud import KEY, SECRET, Project, main, need, run, same, test, wait_for
from world import World

world.box()

TOKEN, WORD, BUILT = "session+token/of+tests==", "hunter2-is-secret", "computed-secret"
MARK = "X-Amz-Signature"
TEXT = """\
project = leaks

secret token ?= ""
secret computed = $(shell printf 'computed-%s' secret)

provider aws:
    region = eu-west-1

instances:
    count = 2
    type  = c7i.large

limits:
    keep = 10m

compiler gcc:

cache:
    keep = s3://{bucket}/caches/

build one:
    echo "it is $token and $computed" ; ulimit -Hc
    printf 'int main(void) {{ return 0; }}\\n' >one.c
    $CC -c one.c
    head -c 70000000 /dev/zero >large

build two: one
    [ "$(printf %s "$token" | sha256sum)" = "{digest}  -" ]
    rm /var/lib/edcc/steps/*one/output

artifacts:
    one.o -> s3://{bucket}/small/
    large -> s3://{bucket}/large/

on build_success:
    notify = sns:built
"""


class Watcher:
    """Every command line of this computer, the machines' too, as often as that can be looked at."""

    def __init__(self, *needles):
        self.needles, self.found, self.looks, self.seen, self.ending = [n.encode() for n in needles], set(), 0, set(), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def watch(self):
        while not self.ending.wait(0.005):
            self.looks += 1
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        line = file.read()
                    self.seen.add(line.split(b"\0")[0])
                    if any(needle in line for needle in self.needles):
                        self.found.add(line)


def private_body(text):
    """The first line of a private key that is its own."""
    return text.split("-----\n")[1].splitlines()[1]


def user_data(here):
    """What each launch has told its machines."""
    for call in here.proxy.calls("RunInstances"):
        data = base64.b64decode(call["parameters"]["UserData"])
        yield (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()


def on_disk(machine, *needles):
    """The files of a machine that have one of these."""
    root = f"/proc/{machine.first}/root"
    command = ["grep", "-rlaF", "-D", "skip", "-f", "-", *[root + folder for folder in ("/var", "/etc", "/opt", "/run", "/tmp", "/root", "/home", "/dev/shm")]]
    found = subprocess.run(command, input="\n".join(needles), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return {path.removeprefix(root) for path in found.splitlines()}


def daemons(machine):
    """name → environment and limits of each process of distccd's and nginx's."""
    said = machine.inside("sh", "-c", "for p in $(pgrep -x 'distccd|nginx'); do cat /proc/$p/comm; tr '\\0' '\\n' </proc/$p/environ; cat /proc/$p/limits; done")
    need("distccd" in said and "nginx" in said, said)
    return said


def all_files(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            if os.path.islink(os.path.join(path, name)):
                continue
            with contextlib.suppress(OSError):
                with open(os.path.join(path, name), "rb") as file:
                    yield os.path.join(path, name), file.read()


def shown_key(machine):
    """The host key that its sshd shows."""
    said = subprocess.run(["ssh-keyscan", "-T", "30", "-t", "ed25519", machine.outside], capture_output=True, text=True).stdout
    return said.split()[2]


def public_of(private):
    with tempfile.NamedTemporaryFile("w") as file:
        os.chmod(file.name, 0o600)
        file.write(private)
        file.flush()
        return run("ssh-keygen", "-y", "-f", file.name).split()[1]


def store_cache(here, bucket):
    """What an earlier run might have kept."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("0/keptR"))
    key = f"caches/leaks/gcc/20260101-000000-0000-1ms-{hashlib.sha256(data.getvalue()).hexdigest()}.tar"
    here.client("s3").put_object(Bucket=bucket, Key=key, Body=data.getvalue())


@test
def nobody_can_read():
    """A run with secrets, artifacts in one piece and in parts, a cache that is kept, and a message: none of it is anywhere."""
    needles = [KEY, SECRET, TOKEN, WORD, BUILT, MARK]
    with World() as here, Watcher(*needles) as watcher:
        bucket, received = new_bucket(here), queue(here, "built")
        made = Project("leaks", edccfile=TEXT.format(bucket=bucket, digest=hashlib.sha256(WORD.encode()).hexdigest()))
        store_cache(here, bucket)
        environment = {**here.environment(), "AWS_SESSION_TOKEN": TOKEN, "EDCC_VAR_token": WORD}
        said = made.edcc("plan", "--output", "saved", env=environment)
        said_json = made.edcc("plan", "--json", env=environment)
        process = made.start("apply", "--json", "--yes", env=environment)
        key_file = wait_for(lambda: made.runs() and (path := made.path(".edcc/runs", made.runs()[-1], "fleet/key")) and os.path.exists(path) and path)
        result = made.finish(process)
        own_key = private_body(open(key_file).read())
        need(re.search(r"came from ccache \(restored .*, saved .*\)", result.output), "the cache was not used", result)
        same(made.log("one").splitlines()[-2:], ["it is *** and ***", "0"], "what the step printed")
        machines = [here.machine(i["InstanceId"]) for r in here.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
        same(len(machines), 2, "machines")

        for text in (said.output, said.errors, said_json.output, result.output, result.errors, str(received())):
            need(not any(needle in text for needle in [*needles, "PRIVATE KEY"]), "what edcc says", text)
        for path, content in all_files(made.dir):
            # The fleet is kept, and its key; the other one has been in the user data.
            if path not in (key_file, os.path.join(os.path.dirname(key_file), "first-key")):
                found = [needle for needle in [*needles, own_key, "PRIVATE KEY"] if needle.encode() in content]
                need(not found, path, found)

        first_keys = set()
        for text in user_data(here):
            found = re.findall(r"-----BEGIN OPENSSH PRIVATE KEY-----.*?-----END OPENSSH PRIVATE KEY-----", text, re.S)
            same(len(found), 1, "private keys in the user data")
            first_keys.add(found[0] + "\n")
            need(not any(needle in text for needle in [*needles, own_key]), "user data")
        first_key, = first_keys
        for machine in machines:
            need(shown_key(machine) != public_of(first_key), "the first host key is still good")
            user_data_files = {"/var/lib/cloud/instances/" + machine.id + name for name in ("/user-data.txt", "/scripts/part-001")}
            same(on_disk(machine, *needles, own_key), set(), f"files on {machine.address}")
            same(on_disk(machine, private_body(first_key)), user_data_files, "files with the first host key")
            text = daemons(machine)
            need(not any(needle in text for needle in needles), text)
            same(set(re.findall(r"Max core file size +(\S+) +(\S+)", text)), {("0", "0")}, "cores of daemons")

        need(here.client("s3").head_object(Bucket=bucket, Key="large/large")["ContentLength"] == 70000000, "the large artifact")
        same(watcher.found, set(), "command lines")
        # What must be seen stays until it is.
        with subprocess.Popen(["sh", "-c", "read line", MARK], stdin=subprocess.PIPE) as seen:
            wait_for(lambda: watcher.found)
            seen.stdin.close()
        same(len(watcher.found), 1, "command lines with what must be seen")
        made.edcc("destroy", env=environment)
        same(left(here), {}, "what EC2 still has")
    print(f"   {watcher.looks} looks at all command lines")
    programs = {os.path.basename(name.decode(errors="replace")) for name in watcher.seen}
    need({"ssh", "distccd", "curl"} <= programs, "what ran while it was looked", programs)


if __name__ == "__main__":
    main("leaks")
