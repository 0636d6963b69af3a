"""link: a cable that delays and loses frames, in user space, since not every kernel can (netem). It stands between a machine's port and its network: the
port's frames go to one tap, another tap is plugged into the network, and a thread carries them over."""

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


def tap(name):
    """The kernel finishes checksums and cuts large segments for it."""
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return end


class Link:
    """`delay` in seconds, each way; `loss` is the share of frames that never arrive. `ip` runs commands of ip(8)."""

    def __init__(self, ip, port, bridge, delay, loss):
        self.ip, self.port, self.bridge, self.delay, self.loss = ip, port, bridge, delay, loss
        self.between, near, far = ("lab"[i] + port[1:] for i in range(3))
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
                self.ip(command)
