"""What the tests of the AWS client share: the tool that they talk to, and servers on loopback."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import counting  # noqa: E402
from counting import check, equal, skip  # noqa: E402, F401

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("AWS_TOOL", os.path.join(ROOT, "build/san/test/aws/tool"))

folder = tempfile.mkdtemp(prefix="edcc-aws-")


def finish():
    shutil.rmtree(folder, ignore_errors=True)
    counting.finish()


def environment(**more):
    """Nothing of this machine's own, and no metadata service: tests must not find one."""
    clean = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "AWS_EC2_METADATA_DISABLED": "true",
        "no_proxy": "*",
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0:exitcode=99",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    clean.update(more)
    return {name: value for name, value in clean.items() if value is not None}


KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret", "AWS_REGION": "eu-west-1"}


class Tool:
    """One client; each call is one line in and one out."""

    def __init__(self, **more):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(**more))

    def __call__(self, do, **what):
        line = json.dumps({"do": do, **what}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], 120)
        answer = self.process.stdout.readline() if ready else b""
        if not answer:
            self.process.kill()
            raise RuntimeError(f"the tool ended or hung (status {self.process.wait()}) at {line}")
        return json.loads(answer)

    def query(self, action, service="ec2", version="2016-11-15", **more):
        parameters = [[name, value] for name, value in more.pop("parameters", {}).items()]
        return self("query", service=service, action=action, version=version, parameters=parameters, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        status = self.process.wait(timeout=120)
        check("the tool ends well: no error of memory", status == 0, status)


def ask(do, env=None, **what):
    """One question to a client of its own."""
    with Tool(**(env or {})) as tool:
        return tool(do, **what)


def find(tree, path):
    """The text at a/b/c of an answer in XML; None where there is none."""
    for name in path.split("/"):
        tree = next((child for child in tree["in"] if child["name"] == name), None)
        if tree is None:
            return None
    return tree["text"]


class Moto:
    """moto's server on a free port, and ended with the test."""

    def __enter__(self):
        self.log = open(os.path.join(folder, "moto.log"), "w+")
        self.process = subprocess.Popen(
            ["moto_server", "-H", "127.0.0.1", "-p", "0"], stdout=self.log, stderr=subprocess.STDOUT, env=environment()
        )
        for _ in range(2400):
            time.sleep(0.05)
            # Where it writes is not to be moved.
            at = os.pread(self.log.fileno(), 1 << 16, 0).decode().split("http://127.0.0.1:")
            if len(at) > 1 and " " in at[1].replace("\n", " "):
                self.url = "http://127.0.0.1:" + at[1].split()[0]
                return self
        raise RuntimeError("moto_server does not start")

    def post(self, path, body=b""):
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=body, headers={"Content-Type": "text/plain"})) as answer:
            return answer.read()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
