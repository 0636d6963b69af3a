#!/usr/bin/env python3
"""lan: a network of machines on one computer, each in namespaces of its own with an address, a name, a /tmp, a distccd and, where asked for, an sshd.

    python3 test/lan/lan.py [--jobs 4] [--ssh] [--delay 0.03] [--loss 0.01] N [-- COMMAND…]

runs COMMAND (or a shell) as the client in a LAN of N machines m1, m2, …: LAN_HOSTS is their list as an Edccfile takes it, LAN the folder with m1/distccd.log
and so on; `ip link set m1 down` unplugs one, `kill -9 $(cat $LAN/m1/pid)` ends it. All is in one box of namespaces, and gone when COMMAND ends."""

import argparse
import concurrent.futures
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "cloud"), os.path.join(HERE, "..", "e2e")]
import box  # noqa: E402
from lab import Skip  # noqa: E402
from link import SPACES, Plugged, ip  # noqa: E402

# A network for examples (RFC 5737); the client is its first machine.
NETWORK, CLIENT, BRIDGE = "192.0.2.0/24", "192.0.2.1", "lan"
FOLDER = f"{box.SHELTER}/lan"
# Process 1 of a machine: what it writes in /tmp is seen from the box; its cable is there after the first line that it reads.
FIRST = """\
mount --bind "$FOLDER" /tmp && mount -t tmpfs home ~root && mount -t tmpfs run /run && mkdir /run/sshd && echo "$NAME" >/proc/sys/kernel/hostname && echo ready && read -r _ &&
ip -batch - <<-END && echo up && { sleep infinity & wait; }
	link set lo up
	address add $ADDRESS/24 dev eth0
	link set eth0 up
END
"""
SSHD = """\
HostKey {0}/host_key
AuthorizedKeysFile {1}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
"""


def lacks():
    """Why there can be no LAN here; None where there can."""
    return box.lacks("distccd", "ssh", "sshd", "ssh-keygen")


def hardware(address):
    """The hardware address of a place: nobody remembers an older machine's."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def key(path):
    """A new pair of keys; the public one as it stands in files."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    with open(path + ".pub", encoding="ascii") as file:
        return file.read().strip()


class Machine(Plugged):
    """One machine. jobs: of its distccd, 0 where there is none; allow: whom that serves; ssh: whether it has an sshd, "stranger" where that does not know our
    key; gcc: a program that stands in for its gcc and g++; delay and loss: of its cable; power: False for a name and an address with nothing there."""

    bridge = BRIDGE

    def __init__(self, name, address, jobs=4, allow=NETWORK, ssh=False, gcc=None, delay=0, loss=0, power=True):
        self.name = self.port = name
        self.address, self.jobs, self.allow, self.ssh, self.gcc, self.delay, self.loss, self.power = address, jobs, allow, ssh, gcc, delay, loss, power
        self.folder, self.log, self.host_key, self.process = f"{FOLDER}/{name}", f"{FOLDER}/{name}/distccd.log", None, None

    def boot(self):
        """Returns when its daemons listen."""
        if not self.power:  # what is sent there is lost in silence
            ip(f"neighbour replace {self.address} lladdr {hardware(self.address)} dev {BRIDGE} nud permanent")
            return
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o1777)
        self.process = subprocess.Popen(
            ["unshare", *SPACES, "--mount-proc", "--fork", "--kill-child", "sh", "-c", FIRST], cwd="/", text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "FOLDER": self.folder, "NAME": self.name, "ADDRESS": self.address}, start_new_session=True)
        self.expect("ready\n")
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
            self.first = int(children.read().split()[0])
        write(f"{self.folder}/pid", f"{self.first}\n")
        ip(f"link add {self.port} type veth peer name eth0 address {hardware(self.address)} netns {self.process.pid}", f"link set {self.port} master {BRIDGE} up")
        print("plugged in", file=self.process.stdin, flush=True)
        self.expect("up\n")
        for path in {os.path.realpath(shutil.which(c)) for c in ("gcc", "g++")} if self.gcc else ():
            self.put(path, f'#!/bin/sh\nexec {self.gcc} "$@"\n')
        if self.jobs:
            self.distccd("--jobs", str(self.jobs), "--allow", self.allow)
        if self.ssh:
            self.sshd()
        if self.delay or self.loss:
            self.impair(self.delay, self.loss)

    def expect(self, line):
        said = self.process.stdout.readline()
        if said != line:
            raise RuntimeError(f"{self.name} did not boot: {said}")

    def distccd(self, *options):
        write(self.log, "", 0o666)  # it becomes somebody else first
        self.inside("distccd", "--daemon", "--listen", self.address, "--log-file", "/tmp/distccd.log", "--log-level", "info", *options)

    def sshd(self):
        self.host_key = key(f"{self.folder}/host_key")
        write(f"{self.folder}/sshd", SSHD.format("/tmp", "none" if self.ssh == "stranger" else f"{FOLDER}/key.pub"))
        # Over ssh a distccd is started for each compile, and its log is the system's, which there is not.
        write(f"{self.folder}/distccd", '#!/bin/sh\nexec /run/distccd --log-file /tmp/distccd.log --log-level info "$@"\n', 0o755)
        if not self.jobs:
            write(self.log, "", 0o666)
        self.inside("sh", "-c", 'd=$(command -v distccd) && cp "$d" /run/distccd && mount --bind /tmp/distccd "$d" && "$(command -v sshd)" -f /tmp/sshd -E /tmp/sshd.log')

    def put(self, path, text):
        """Another program at this path, on this machine alone."""
        there = "/tmp/put-" + os.path.basename(path)
        write(self.folder + there.removeprefix("/tmp"), text, 0o755)
        self.inside("mount", "--bind", there, path)

    def kill(self):
        """As a loss of power: nobody is told anything, no connection is closed."""
        if self.process:
            self.impair(0)
            with contextlib.suppress(subprocess.CalledProcessError, ProcessLookupError):
                ip(f"link delete {self.port}")
                os.kill(self.first, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def compiled(self):
        """The files that its own log has, but for edcc's."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return sorted(f for f in re.findall(r" COMPILE_OK .* (\S+)\n", file.read()) if f != "edcc-canary.c")


class Lan:
    """For the length of a `with`: machines by name, each with what Machine takes. Those with an sshd are known to ssh(1), and know the client."""

    def __init__(self, **machines):
        self.machines = {name: Machine(name, f"192.0.2.{number}", **more) for number, (name, more) in enumerate(machines.items(), 2)}

    def __enter__(self):
        if not os.environ.get(box.IN_THE_BOX):
            raise Skip(lacks() or "not in a box: box.enter() comes first")
        with contextlib.ExitStack() as stack:
            self.mount(stack, "-t", "tmpfs", "-o", "mode=755", "lan", box.SHELTER)
            os.makedirs(FOLDER)
            key(f"{FOLDER}/key")
            write(f"{FOLDER}/hosts", "127.0.0.1 localhost\n" + "".join(f"{m.address} {m.name}\n" for m in self.machines.values()))
            self.mount(stack, "--bind", f"{FOLDER}/hosts", "/etc/hosts")
            ip("link set lo up", f"link add {BRIDGE} address {hardware(CLIENT)} type bridge", f"address add {CLIENT}/24 dev {BRIDGE}", f"link set {BRIDGE} up")
            stack.callback(ip, f"link delete {BRIDGE}")
            for machine in self.machines.values():
                stack.callback(machine.kill)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(Machine.boot, self.machines.values()))
            write(f"{FOLDER}/known_hosts", "".join(f"{m.name} {m.host_key}\n" for m in self.machines.values() if m.host_key))
            write(f"{FOLDER}/ssh_config", f"IdentityFile {FOLDER}/key\nGlobalKnownHostsFile {FOLDER}/known_hosts\n")
            self.mount(stack, "--bind", f"{FOLDER}/ssh_config", "/etc/ssh/ssh_config")
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def __getattr__(self, name):
        try:
            return self.machines[name]
        except KeyError:
            raise AttributeError(name) from None

    @staticmethod
    def mount(stack, *arguments):
        subprocess.run(["mount", *arguments], check=True)
        stack.callback(subprocess.run, ["umount", "--lazy", arguments[-1]], check=True)


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--jobs", type=int, default=4)
    options.add_argument("--ssh", action="store_true")
    options.add_argument("--delay", type=float, default=0)
    options.add_argument("--loss", type=float, default=0)
    options.add_argument("count", type=int)
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    given, command = options.parse_args(sys.argv[1:split]), sys.argv[split + 1:]
    why = lacks()
    if why:
        sys.exit(f"lan: {why}")
    box.enter()
    one = {"jobs": given.jobs, "ssh": given.ssh, "delay": given.delay, "loss": given.loss}
    with Lan(**{f"m{i}": one for i in range(1, given.count + 1)}) as lan:
        hosts = " ".join(f"{'@' if given.ssh else ''}{name}/{given.jobs}" for name in lan.machines)
        status = subprocess.run(command or [os.environ.get("SHELL", "/bin/sh")], env={**os.environ, "LAN_HOSTS": hosts, "LAN": FOLDER}).returncode
    sys.exit(status)


if __name__ == "__main__":
    main()
