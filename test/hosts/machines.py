"""Machines of a test's own on loopback addresses: a distccd with a log to look into, an sshd with an `ssh` that knows it."""

import os
import re
import shutil
import signal
import socket
import subprocess

import lab
from lab import Skip, run, wait_for

SBIN = os.environ["PATH"] + ":/usr/sbin:/sbin"
SSHD, DISTCCD = shutil.which("sshd", path=SBIN), shutil.which("distccd", path=SBIN)


def folder(name):
    """One in the lab that everybody may write to: root's distccd becomes somebody else."""
    path = os.path.join(lab.LAB, name)
    os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o777)
    return path


def free_port(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        one.bind((address, 0))
        return one.getsockname()[1]


class Machine:
    """One distccd, with a folder and a log of its own."""

    def __init__(self, address, allow="127.0.0.0/8", commands=None, path="", more=(), port=None):
        self.address, self.port = address, port or free_port(address)
        self.word = (f"[{address}]" if ":" in address else address) + f":{self.port}"
        self.folder = folder(f"machine-{address}-{self.port}")
        self.log = os.path.join(self.folder, "log")
        environment = {**os.environ, "TMPDIR": self.folder, "PATH": path + os.environ["PATH"]}
        if commands is not None:
            environment["DISTCC_CMDLIST"] = os.path.join(self.folder, "commands")
            with open(environment["DISTCC_CMDLIST"], "w", encoding="ascii") as file:
                file.write("".join(f"{c}\n" for c in commands))
        user = ["--user", "nobody"] if os.geteuid() == 0 else []
        self.command = [DISTCCD, "--daemon", "--no-detach", "--log-stderr", "--log-level", "info", "--listen", address, "--port", str(self.port),
                        "--allow", allow, "--jobs", "4", *user, *more]
        self.environment = environment
        self.start()

    def start(self):
        """Also again, after a kill."""
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stderr=log, start_new_session=True, cwd=self.folder)

    def __enter__(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET

        def answers():
            with socket.socket(family) as one:
                return one.connect_ex((self.address, self.port)) == 0
        wait_for(answers)
        return self

    def kill(self):
        """As a machine goes whose plug is pulled, but that its connections are closed."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def __exit__(self, *_):
        self.kill()

    def compiled(self):
        """The build's files that its own log has."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            files = re.findall(r" COMPILE_OK .* (\S+)\n", file.read())
        return sorted(f for f in files if f != "edcc-canary.c")


class Login:
    """One sshd that lets us in, and an `ssh` for the PATH that knows it as `name`: ssh itself looks for its files in the home of /etc/passwd."""

    def __init__(self, name="green", known=True):
        if not SSHD or not os.path.isdir("/run/sshd") and os.geteuid() != 0:
            raise Skip("there is no sshd")
        self.dir = folder(f"ssh-{name}")
        os.chmod(self.dir, 0o700)
        os.makedirs("/run/sshd", exist_ok=True)
        address, port = "127.0.2.2", free_port("127.0.2.2")
        for key in ("host_key", "key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(key))
        shown = self.read("host_key.pub").split()[:2]
        self.write("known_hosts", f"{name} {' '.join(shown)}\n" if known else "")
        self.write("sshd", f"ListenAddress {address}:{port}\nHostKey {self.path('host_key')}\nAuthorizedKeysFile {self.path('key.pub')}\nPidFile none\n"
                   "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
                   f"MaxStartups 100\nSetEnv TMPDIR={folder('there')} HOME={folder('home')}\n")
        self.write("config", f"Host {name}\n  HostName {address}\n  Port {port}\n  IdentityFile {self.path('key')}\n  HostKeyAlias {name}\n"
                   f"  UserKnownHostsFile {self.path('known_hosts')}\n  GlobalKnownHostsFile none\n")
        self.write("ssh", f"#!/bin/sh\necho \"$*\" >>{self.path('calls')}\nexec {shutil.which('ssh')} -F {self.path('config')} \"$@\"\n")
        os.chmod(self.path("ssh"), 0o755)
        self.env = {"PATH": self.dir + ":" + os.environ["PATH"]}
        with open(self.path("log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.path("sshd")], stderr=log, start_new_session=True)
        self.address, self.port = address, port

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        def answers():
            with socket.socket() as one:
                return one.connect_ex((self.address, self.port)) == 0
        wait_for(answers)
        return self

    def logins(self):
        """How many there have been."""
        return self.read("log").count("Accepted publickey")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir)
