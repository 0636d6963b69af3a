"""cloud: moto's server as AWS, on loopback, and a proxy before it that looks at requests, slows, refuses or damages them.

moto and boto3 are nobody's here: what edcc stores is read back with Amazon's own client. Where they are not installed every test is skipped."""

import atexit
import contextlib
import http.client
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lab  # noqa: E402
from lab import ROOT, SOURCES, Project, Skip, environments, main, need, run, same, test, wait_for  # noqa: E402, F401

try:
    import boto3
    import moto  # noqa: F401
except ImportError:
    boto3 = None

os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0:exitcode=99")
SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "moto_server.py")
PLAIN = os.path.abspath(os.environ.get("EDCC_PLAIN") or lab.EDCC)
KEY, SECRET, REGION = "AKIAEXAMPLEOFTESTS", "wJalrXUtnFEMI/K7MDENG/tests+secret", "eu-west-1"


def told(ask):
    """What `edcc status` or the like says once the account has answered within the second that it waits for it: a busy machine may take longer."""
    return wait_for(lambda: (said := ask()) and "it has not answered within a second" not in said.output and said)


class Moto:
    """The server, started at the first use; it ends with this process."""

    url = None

    def start(self):
        if not boto3:
            raise Skip("moto and boto3 are not installed (pip install 'moto[server]')")
        if self.url:
            return self.url
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        process = subprocess.Popen([sys.executable, SERVER], env=environment, process_group=0, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        atexit.register(lambda: os.killpg(process.pid, signal.SIGKILL))
        self.port = int(process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"
        return self.url

    def client(self, service):
        url = self.start()
        return boto3.client(service, endpoint_url=url, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET)

    def post(self, path, body=b""):
        urllib.request.urlopen(urllib.request.Request(self.start() + path, data=body, headers={"Content-Type": "text/plain"})).read()

    @contextlib.contextmanager
    def checks_signatures(self):
        self.post("/moto-api/reset-auth", b"0")
        try:
            yield
        finally:
            self.post("/moto-api/reset-auth", b"inf")


MOTO = Moto()


class Proxy:
    """Before moto; `touch` may look at a request (method, path, body) and return another body, or an answer (status, body), or None."""

    def __init__(self, touch=None):
        proxy = self
        self.touch, self.seen, self.now, self.most, self.lock = touch, [], 0, 0, threading.Lock()
        MOTO.start()

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                with proxy.lock:
                    proxy.seen.append((self.command, self.path, dict(self.headers)))
                    proxy.now += 1
                    proxy.most = max(proxy.most, proxy.now)
                try:
                    self.pass_on(body)
                finally:
                    with proxy.lock:
                        proxy.now -= 1

            def pass_on(self, body):
                touched = proxy.touch(self.command, self.path, body) if proxy.touch else None
                if isinstance(touched, tuple):
                    return self.answer(touched[0], [], touched[1])
                upstream = http.client.HTTPConnection("127.0.0.1", MOTO.port, timeout=60)
                upstream.request(self.command, self.path, touched if touched is not None else body, dict(self.headers))
                response = upstream.getresponse()
                self.answer(response.status, response.getheaders(), response.read())

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                length = dict((n.lower(), v) for n, v in headers).get("content-length", "0") if self.command == "HEAD" else str(len(body))
                self.send_header("content-length", length)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def aws(endpoint=None, **more):
    """The environment of an edcc that knows the account."""
    variables = {"AWS_ENDPOINT_URL": endpoint or MOTO.start(), "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION,
                 "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials"}
    variables.update(more)
    return {name: value for name, value in variables.items() if value is not None}


def most_memory(process):
    """The most memory, in MiB, that a process has had, looked at until it ends."""
    most = 0
    while process.poll() is None:
        with contextlib.suppress(OSError, IndexError):
            with open(f"/proc/{process.pid}/status") as status:
                most = max(most, int(status.read().split("VmHWM:")[1].split()[0]))
        time.sleep(0.01)
    return most / 1024
