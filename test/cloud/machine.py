"""machine: one instance of EC2, played by a network, mount, PID, UTS and IPC namespace over an overlay of this computer's own file system.

Nothing of it is outside of the namespaces: killing its first process leaves neither a mount nor a process nor an interface."""

import contextlib
import glob
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading

from box import SHELTER
from cloud import SOURCES
from link import SPACES, Plugged, ip

HERE = os.path.dirname(os.path.abspath(__file__))
ROOM, SKELETON = f"{SHELTER}/room", f"{SHELTER}/skeleton"
GATEWAY_MAC = "02:00:00:00:00:01"
# What a fresh machine does not have of this computer's: folders are empty, files are not there.
EMPTY = {"tmp": 0o1777, "var/tmp": 0o1777, "run": 0o755, "root": 0o700, "home": 0o755, "srv": 0o755, "mnt": 0o755, "media": 0o755, "opt": 0o755,
         "run/lock": 0o1777, "var/lib/cloud": 0o755, "var/lib/edcc": 0o755, "etc/edcc": 0o755}
ABSENT = ("etc/ssh/ssh_host_rsa_key", "etc/ssh/ssh_host_rsa_key.pub", "etc/ssh/ssh_host_ecdsa_key", "etc/ssh/ssh_host_ecdsa_key.pub",
          "etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_ed25519_key.pub", "etc/apt/apt.conf.d/docker-clean", "usr/sbin/policy-rc.d")
# What a root folder has; anything else in this computer's is its own.
USUAL = {"bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp",
         "usr", "var"}
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
# What a base's own programs learn from hardware: a machine of Amazon's.
AMAZON = {"usr/sbin/dmidecode": """case $2 in
system-uuid | system-serial-number) echo ec2f2b1e-0000-4000-8000-000000000000 ;;
*) echo 'Amazon EC2' ;;
esac""", "usr/bin/systemd-detect-virt": "case $* in *-c*) exit 1 ;; *-q*) ;; *) echo amazon ;; esac"}
LINKS = {"dev/fd": "/proc/self/fd", "dev/stdin": "fd/0", "dev/stdout": "fd/1", "dev/stderr": "fd/2", "dev/ptmx": "pts/ptmx"}


def make_skeleton(base, minute):
    """The layer between `base` and what a machine writes: what makes this computer's file system, or a Debian's as it comes, that of a fresh machine."""
    for folder in ("dev/pts", "dev/shm", "run/lock", "usr/bin", "usr/sbin", "var/cache/apt/archives/partial"):
        os.makedirs(f"{SKELETON}/{folder}")
    for name, numbers in DEVICES.items():
        os.mknod(f"{SKELETON}/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(*numbers))
        os.chmod(f"{SKELETON}/dev/{name}", 0o666)
    for name, target in LINKS.items():
        os.symlink(target, f"{SKELETON}/{name}")
    if base == "/":
        hide_what_is_here(base)
        make_shutdown(minute)
        no_mirrors()
        keep_package_cache(base)
    else:
        for name, text in AMAZON.items():
            write_program(name, f"#!/bin/sh\n{text}\n")


def hide_what_is_here(base):
    for folder, mode in EMPTY.items():
        os.makedirs(f"{SKELETON}/{folder}", exist_ok=True)
        os.chmod(f"{SKELETON}/{folder}", mode)
        os.setxattr(f"{SKELETON}/{folder}", "trusted.overlay.opaque", b"y")
    for file in filter(lambda file: os.path.lexists(os.path.join(base, file)), {*ABSENT, *os.listdir(base)} - USUAL):
        os.makedirs(os.path.dirname(f"{SKELETON}/{file}"), exist_ok=True)
        os.mknod(f"{SKELETON}/{file}", stat.S_IFCHR, os.makedev(0, 0))


def write_program(name, text):
    with open(f"{SKELETON}/{name}", "w") as target:
        target.write(text)
    os.chmod(f"{SKELETON}/{name}", 0o755)


def make_shutdown(minute):
    with open(f"{HERE}/machine_shutdown.sh") as source:
        write_program("usr/sbin/shutdown", source.read().replace("@MINUTE@", str(minute)))
    for name in ("poweroff", "halt", "reboot"):
        os.symlink("shutdown", f"{SKELETON}/usr/sbin/{name}")


def no_mirrors():
    """There is no way out to any: what is not there cannot be had, and apt-get says so at once."""
    os.makedirs(f"{SKELETON}/etc/apt/apt.conf.d", exist_ok=True)
    with open(f"{SKELETON}/etc/apt/apt.conf.d/90no-mirrors", "w") as config:
        config.write('Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "/dev/null";\n')


def keep_package_cache(base):
    """apt-get takes a second to read its lists where it may keep no cache (as in containers); a fresh machine has one. It is made once and kept."""
    lists, status = "/var/lib/apt/lists", "/var/lib/dpkg/status"
    if base != "/" or not shutil.which("apt-cache") or not os.path.isdir(lists):
        return
    kept = os.path.join(SOURCES, f"apt-{os.stat(status).st_mtime_ns}-{os.stat(lists).st_mtime_ns}")
    if not os.path.isdir(kept):
        os.makedirs(SOURCES, exist_ok=True)
        for old in glob.glob(os.path.join(SOURCES, "apt-*")):
            shutil.rmtree(old, ignore_errors=True)
        new = tempfile.mkdtemp(dir=SOURCES, prefix="apt-")
        subprocess.run(["apt-cache", "-o", f"Dir::Cache={new}", "-o", "Dir::Cache::pkgcache=pkgcache.bin", "-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin",
                        "gencaches"], check=True, capture_output=True)
        os.rename(new, kept)
    shutil.copytree(kept, f"{SKELETON}/var/cache/apt", dirs_exist_ok=True)


class Machine(Plugged):
    """One machine. `instance` is what DescribeInstances says of it, `bridge` the network it is plugged into, `network` the VPC's range, `prefix` and
    `gateway` the subnet's, `outside` the address it has for everything off the VPC; `operator` is who speaks to it from there. `mirror` is the line of
    /etc/hosts that leads to Debian's. `ended` is called when it ends by itself."""

    def __init__(self, instance, bridge, network, prefix, gateway, outside, operator, base, mirror, ended):
        self.instance, self.id, self.address, self.outside = instance, instance["InstanceId"], instance["PrivateIpAddress"], outside
        self.bridge, self.port, self.operator = bridge, "m" + self.id[-12:], operator
        self.mac = "02:00:" + ":".join(f"{int(part):02x}" for part in self.address.split("."))
        self.settings = {"OWN": "no" if base == "/" else "yes", "MIRROR": mirror, "ROOM": ROOM, "LAYERS": f"{SKELETON}:{base}", "INSTANCE": self.id, "ADDRESS": self.address, "PREFIX": str(prefix), "NETWORK": network,
                         "OUTSIDE": outside, "GATEWAY": gateway, "GATEWAY_MAC": GATEWAY_MAC, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self.process, self.first, self.ended, self.gone, self.up = None, None, ended, threading.Event(), threading.Event()
        self.lock = threading.Lock()

    def boot(self):
        """Returns when sshd listens; the user data may still run."""
        with self.lock:
            if self.gone.is_set():
                return
            self.process = subprocess.Popen(["unshare", *SPACES, "--fork", "--kill-child", "bash", f"{HERE}/machine_init.sh"], env=self.settings, cwd="/",
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.expect("ready")
        ip(f"link add {self.port} type veth peer name eth0 address {self.mac} netns {self.process.pid}",
           f"link set {self.port} master {self.bridge} up",
           f"route replace {self.outside}/32 dev {self.bridge} src {self.operator}",
           f"neighbour replace {self.outside} lladdr {self.mac} dev {self.bridge} nud permanent")
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            self.first = int(children.read().split()[0])
        self.process.stdin.write("plugged in\n")
        self.process.stdin.close()
        self.expect("up")
        self.process.stdout.close()
        self.up.set()
        threading.Thread(target=self.watch, daemon=True).start()

    def expect(self, word):
        said = []
        for line in self.process.stdout:
            if line == word + "\n":
                return
            said.append(line)
        raise RuntimeError(f"{self.id} did not boot: " + "".join(said))

    def watch(self):
        self.process.wait()
        with self.lock:
            by_itself = not self.gone.is_set()
            self.gone.set()
        self.unplug()
        self.let_go()
        if by_itself:
            self.ended(self)

    def kill(self):
        """As a loss of power: nobody is told anything, no connection is closed."""
        with self.lock:
            if self.gone.is_set():
                return
            self.gone.set()
            started = self.process is not None
        if started:
            self.unplug()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.first or self.process.pid, signal.SIGKILL)
            # Its first process is gone when all are.
            self.process.wait()
            self.let_go()

    def let_go(self):
        """The control groups that a system of its own has made, deepest first."""
        with open("/proc/mounts") as mounts:
            tops = [mount.split()[1] for mount in mounts if mount.split()[2] == "cgroup2"]
        for folder, *_ in os.walk(os.path.join(tops[0], self.id) if tops else "", topdown=False):
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(folder)

    def unplug(self):
        self.impair(0)
        with contextlib.suppress(subprocess.CalledProcessError):
            ip(f"link delete {self.port}")
        with contextlib.suppress(subprocess.CalledProcessError):
            ip(f"route delete {self.outside}/32 dev {self.bridge}")

    def power_off(self):
        self.inside("poweroff", status=None)  # it may be dead before it can say so
