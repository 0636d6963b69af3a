"""TLS is always verified, against AWS_CA_BUNDLE where it is set; proxies are curl's; and what only AWS's own names show."""

import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading

import lab


class Handler(http.server.BaseHTTPRequestHandler):
    seen = []

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<a/>")


def serve(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def certificate(name, subject):
    key, path = os.path.join(lab.folder, name + ".key"), os.path.join(lab.folder, name + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                    "-out", path, "-days", "1", "-subj", "/CN=edcc", "-addext", f"subjectAltName={subject}"], check=True,
                   stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return path, context


def ask(url, **env):
    return lab.ask("query", env={**lab.KEYS, "AWS_ENDPOINT_URL": url, "AWS_MAX_ATTEMPTS": "1", **env}, service="ec2", action="X", version="1")


def tls():
    if not shutil.which("openssl"):
        lab.skip("tls", "openssl is not installed")
        return
    right, context = certificate("right", "IP:127.0.0.1")
    url = "https://127.0.0.1:%d" % serve(context)
    lab.check("a certificate of the bundle's", "answer" in ask(url, AWS_CA_BUNDLE=right))
    lab.equal("one of nobody's", ask(url).get("error"),
              "ec2 X: SSL certificate problem: self-signed certificate")
    path = os.path.join(lab.folder, "config")
    with open(path, "w") as file:
        file.write(f"[default]\nca_bundle = {right}\n")
    lab.check("a profile's bundle", "answer" in ask(url, AWS_CONFIG_FILE=path))
    wrong, context = certificate("wrong", "DNS:elsewhere.example")
    url = "https://127.0.0.1:%d" % serve(context)
    lab.equal("one of another's", ask(url, AWS_CA_BUNDLE=wrong).get("error"),
              "ec2 X: SSL: no alternative certificate subject name matches target host name '127.0.0.1'")


def proxies():
    url = "http://127.0.0.1:%d" % serve()
    del Handler.seen[:]
    lab.check("through a proxy", "answer" in ask("http://ec2.example.test", http_proxy=url, no_proxy=None))
    lab.equal("it is asked for the whole URL", Handler.seen, ["http://ec2.example.test/"])
    lab.check("past a proxy", "answer" in ask(url, http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.1"))


class Amazon:
    """A proxy that is all of AWS behind its tunnels: what it is asked, by host, and what it answers."""

    def __init__(self, context, *answers):
        self.context, self.answers, self.seen = context, list(answers), []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def head(self, connection):
        with connection.makefile("rb") as file:
            return [line.decode() for line in iter(lambda: file.readline().strip(), b"")]

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            self.head(connection)
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            with self.context.wrap_socket(connection, server_side=True) as tunnel:
                head = self.head(tunnel)
                host = next(line.split()[1] for line in head if line.lower().startswith("host:"))
                region = next(line.split("/")[2] for line in head if line.lower().startswith("authorization:"))
                self.seen.append((head[0].split()[0], host, head[0].split()[1], region))
                tunnel.sendall(self.answers.pop(0).encode())


def buckets():
    """A bucket in another region: asked for where it is, from then on."""
    bundle, context = certificate("amazon", "DNS:*.s3.eu-west-1.amazonaws.com,DNS:*.s3.us-west-2.amazonaws.com")
    amazon = Amazon(context, "HTTP/1.1 301 Moved\r\nx-amz-bucket-region: us-west-2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                    *["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"] * 2)
    with lab.Tool(**{**lab.KEYS, "AWS_CA_BUNDLE": bundle, "https_proxy": amazon.url, "no_proxy": None}) as tool:
        first = tool("s3", method="GET", bucket="far-away", key="k", action="GetObject")
        tool("s3", method="GET", bucket="far-away", key="k", action="GetObject")
    lab.equal("a bucket elsewhere", first.get("body"), "body")
    lab.equal("is asked for there, from then on", amazon.seen, [
        ("GET", "far-away.s3.eu-west-1.amazonaws.com", "/k", "eu-west-1"),
        ("GET", "far-away.s3.us-west-2.amazonaws.com", "/k", "us-west-2"),
        ("GET", "far-away.s3.us-west-2.amazonaws.com", "/k", "us-west-2")])


tls()
proxies()
if shutil.which("openssl"):
    buckets()
else:
    lab.skip("buckets in other regions", "openssl is not installed")
lab.finish()
