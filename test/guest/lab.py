"""What the tests of the machines share: machines that are played by namespaces of this computer, and the metadata service that they ask."""

import atexit
import http.server
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from counting import check, equal, finish, skip  # noqa: E402, F401

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOL = os.environ["GUEST_TOOL"]
ROOM = sys.argv[1]
SUBNET = "10.9.0.0/24"

# What a package manager says that has not got a package, as quickly as where there is a network.
NO_PACKAGES = """printf '#!/bin/sh\\n[ "${*#*update}" != "$*" ] || { echo "E: Unable to locate package" >&2; exit 100; }\\n' >/usr/local/bin/apt-get
chmod 755 /usr/local/bin/apt-get
"""

machines = {}


def until(what, seconds=60):
    """Whether `what` becomes true. The limit is for what never does: a machine may be slow."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return bool(what())


def sh(command, **more):
    return subprocess.run(command, shell=isinstance(command, str), check=True, capture_output=True, **more)


def make_key(name, comment="edcc"):
    path = f"{ROOM}/{name}"
    sh(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return path, open(path).read(), open(path + ".pub").read().strip()


class Metadata(http.server.BaseHTTPRequestHandler):
    """Version 2 of the instance metadata service, for the machine that asks. It refuses at first, as it does while a network comes up."""

    refuse = 2

    def answer(self, status, text=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self):
        if Metadata.refuse:
            Metadata.refuse -= 1
            self.answer(503)
        else:
            self.answer(200 if self.headers.get("X-aws-ec2-metadata-token-ttl-seconds") else 400, "token")

    def do_GET(self):
        machine = next(m for m in machines.values() if m.address == self.client_address[0])
        values = {"ami-launch-index": str(machine.index), "local-ipv4": machine.address}
        name = self.path.rsplit("/", 1)[1]
        allowed = self.headers.get("X-aws-ec2-metadata-token") == "token"
        self.answer(200 if allowed and name in values else 401, values.get(name, ""))

    def log_message(self, *words):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64


def start_network():
    sh("ip link set lo up; ip link add edcc0 address 02:00:00:00:ff:ff type bridge; ip address add 10.9.0.1/24 dev edcc0; ip address add 169.254.169.254/32 dev edcc0; "
       "ip link set edcc0 up")
    threading.Thread(target=Server(("169.254.169.254", 80), Metadata).serve_forever, daemon=True).start()


def user_data(file, **words):
    """The script for an Edccfile, or what is wrong."""
    path = f"{ROOM}/Edccfile"
    with open(path, "w") as out:
        out.write(file)
    words = {"run": "r1", "project": "demo", "ttl": 7200, "lease": 600, "subnet": SUBNET, "first_is_host": "yes", "pump": "no"} | words
    return subprocess.run([TOOL, path, *[f"{k}={v}" for k, v in words.items()]], capture_output=True,
                          env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"})


def cut(process):
    """Ends what Machine.start began, at both ends of nsenter; returns what it had printed."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return process.stdout.read()


class Machine:
    """One that boots with the script; `before` runs in it as root before anything else."""

    def __init__(self, name, index, script, before=""):
        self.name, self.index = name, index
        self.address = f"10.9.0.{10 + len(machines)}"
        self.number = len(machines)
        machines[name] = self
        room = f"{ROOM}/{name}"
        os.mkdir(room)
        with open(room + ".sh", "w") as out:
            out.write(before)
        with open(room + ".data", "wb") as out:
            out.write(script)
        os.chmod(room + ".data", 0o700)
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", f"{HERE}/machine.sh", room, self.address],
            stdin=subprocess.DEVNULL)
        atexit.register(self.process.kill)
        self.booted = time.monotonic()
        own = os.readlink("/proc/self/ns/net")
        until(lambda: os.readlink(f"/proc/{self.process.pid}/ns/net") != own)
        link = f"v{self.number}"
        # An address of its own for each: what another machine's neighbour table has of an earlier one is no use.
        sh(f"ip link add {link} type veth peer name eth0 address 02:00:00:00:00:{self.number:02x} netns {self.process.pid}; "
           f"ip link set {link} master edcc0 up")

    def init(self):
        """Process 1 of the machine, as it is called here."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            return children.read().split()[0]

    def run(self, *words, input=b"", timeout=120):
        return subprocess.run(["nsenter", "-t", self.init(), "-a", *words], input=input, capture_output=True, timeout=timeout)

    def start(self, *words):
        return subprocess.Popen(["nsenter", "-t", self.init(), "-a", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                start_new_session=True)

    def sh(self, command):
        return self.run("bash", "-c", command).stdout.decode(errors="replace")

    def host(self, *words, input=b"", timeout=120):
        return self.run("/opt/edcc/edcc-host", *words, input=input, timeout=timeout)

    def status(self):
        try:
            return json.loads(self.sh("cat /var/lib/edcc/www/status.json"))
        except (ValueError, FileNotFoundError, IndexError):
            return {"state": ""}

    def page(self, path="status"):
        return subprocess.run(["curl", "-s", "-m", "20", f"http://{self.address}/{path}"], capture_output=True).stdout

    def wait(self, *states):
        """The status page once the machine is in one of the states."""
        until(lambda: self.status()["state"] in states)
        return self.status()

    def cable(self, plugged):
        sh(f"ip link set v{self.number} {'up' if plugged else 'down'}")

    def alive(self):
        return self.process.poll() is None

    def end(self):
        self.process.kill()
        self.process.wait()
