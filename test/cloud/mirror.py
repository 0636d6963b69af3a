"""mirror: Debian's mirror, for machines that have no other way out: whatever reaches port 80 of AWS's address goes to the mirror's.

A thread here leaves the box for the network that the box was started in, of which box() has kept a descriptor."""

import ctypes
import os
import select
import socket
import socketserver

NAME, PORT = "deb.debian.org", 80
CLONE_NEWNET = 0x40000000


class Mirror(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address, outside):
        super().__init__((address, PORT), Handler)
        self.outside = outside
        self.hosts = f"{address} {NAME}"


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        if ctypes.CDLL(None, use_errno=True).setns(self.server.outside, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        with socket.create_connection((NAME, PORT), 20) as there:
            ends = {self.request: there, there: self.request}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    ends[end].sendall(data)
