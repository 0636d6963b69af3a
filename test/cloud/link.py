"""link: what is plugged into a network, and a cable that delays and loses frames, in user space, since not every kernel can (netem). It stands between a
machine's port and its network: the port's frames go to one tap, another tap is plugged into the network, and a thread carries them over."""

import contextlib
import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
FRAME = 65536
# The namespaces that a machine has of its own.
SPACES = ("--net", "--mount", "--uts", "--ipc", "--pid")


def ip(*commands):
    """Commands of ip(8), in one go."""
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True, capture_output=True)


def tap(name):
    """The kernel finishes checksums and cuts large segments for it."""
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return end


class Link:
    """`delay` in seconds, each way; `loss` is the share of frames that never arrive."""

    def __init__(self, port, bridge, delay, loss):
        self.port, self.bridge, self.delay, self.loss = port, bridge, delay, loss
        self.between, near, far = (f"{port}-{end}" for end in "lab")
        self.ends = [tap(near), tap(far)]
        self.stop, self.stopped = os.pipe2(os.O_CLOEXEC)
        ip(f"link add {self.between} type bridge", f"link set {self.between} up", f"link set {near} master {self.between} up",
           f"link set {far} master {bridge} up", f"link set {port} master {self.between}")
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        due, order = [], itertools.count()
        while True:
            wait = max(0, due[0][0] - time.monotonic()) if due else None
            ready = select.select([*self.ends, self.stop], [], [], wait)[0]
            if self.stop in ready:
                return
            for end in ready:
                with contextlib.suppress(OSError):
                    while frame := os.read(end, FRAME):
                        if random.random() >= self.loss:
                            heapq.heappush(due, (time.monotonic() + self.delay, next(order), self.ends[end == self.ends[0]], frame))
            while due and due[0][0] <= time.monotonic():
                *_, end, frame = heapq.heappop(due)
                with contextlib.suppress(OSError):
                    os.write(end, frame)

    def end(self):
        """The port is plugged in directly again, where it is still there."""
        os.close(self.stopped)
        self.thread.join()
        for end in (*self.ends, self.stop):
            os.close(end)
        for command in (f"link set {self.port} master {self.bridge}", f"link delete {self.between}"):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip(command)


class Plugged:
    """A machine of namespaces at the end of a cable: `first` is its first process, `port` its end at `bridge`."""

    link = None

    def cut(self):
        """The cable: what is sent is lost, to and fro."""
        ip(f"link set {self.port} down")

    def mend(self):
        ip(f"link set {self.port} up")

    def freeze(self):
        """Every process but the first stops; the kernel still accepts connections, as it does when a machine thrashes."""
        self.inside("sh", "-c", "kill -STOP -1")

    def thaw(self):
        self.inside("sh", "-c", "kill -CONT -1")

    def slow(self, rate):
        """What is sent to it crawls: "64kbit"; None mends."""
        if rate:
            subprocess.run(["tc", "qdisc", "replace", "dev", self.port, "root", "tbf", "rate", rate, "burst", "4kb", "latency", "2s"], check=True)
        else:
            subprocess.run(["tc", "qdisc", "delete", "dev", self.port, "root"], check=True)

    def impair(self, delay, loss=0):
        """Frames to and fro take `delay` seconds, and a share of them is lost; both 0 mends. May also be texts."""
        link, self.link = self.link, None
        if link:
            link.end()
        if float(delay) or float(loss):
            self.link = Link(self.port, self.bridge, float(delay), float(loss))

    def inside(self, *command, status=0, **more):
        """Runs a command as the machine's root would; what it printed. It needs neither network nor sshd."""
        done = subprocess.run(["nsenter", "--target", str(self.first), *SPACES, "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                               "HOME=/root", *command], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **more)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{self.port}: {command} ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def read(self, path):
        return self.inside("cat", path)
