"""What a server, a proxy and a network can do to a call, and what the client makes of it: how often it tries, what it says, how soon it ends.

The server here answers each request by a script: a list of acts for the requests of one call, one after the other."""

import os
import socket
import struct
import threading
import time
from email.utils import formatdate

import lab

OK = b"<Response><requestId>r-1</requestId><done>yes</done></Response>"


def error(code, message="no", status="400 Bad Request", **headers):
    body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r-2</RequestID></Response>"
    return answer(body.encode(), status, **headers)


def answer(body=OK, status="200 OK", length=None, **headers):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n"
    head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return head.encode() + b"\r\n" + body


class Reset:
    """Ends the connection with a reset, after some bytes."""

    def __init__(self, first=b""):
        self.first = first


class Slow:
    def __init__(self, seconds, then):
        self.seconds, self.then = seconds, then


class Endless:
    """More than anybody wants."""


class Server:
    def __init__(self, *script, keep=False):
        self.script, self.keep = list(script), keep
        self.requests, self.connections = [], 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def read(self, file):
        head = []
        while (line := file.readline().decode("latin1").strip()):
            head.append(line)
        if not head:
            return None
        headers = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:]))
        body = file.read(int(headers.get("content-length", 0)))
        self.requests.append({"line": head[0], "headers": headers, "body": body, "time": time.monotonic()})
        return head[0]

    def serve(self, connection):
        with connection, connection.makefile("rb") as file:
            while self.read(file):
                act = self.script.pop(0) if self.script else answer()
                try:
                    if not self.play(connection, act) or not self.keep:
                        return
                except OSError:
                    return

    def play(self, connection, act):
        if isinstance(act, Slow):
            time.sleep(act.seconds)
            act = act.then
        if isinstance(act, Reset):
            connection.sendall(act.first)
            time.sleep(0.05 if act.first else 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The file made of it must let go of it too, or nothing is closed yet.
            connection.shutdown(socket.SHUT_RD)
            return False
        if isinstance(act, Endless):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
            while True:
                connection.sendall(piece)
        connection.sendall(act)
        return True

    def close(self):
        self.socket.close()


def call(*script, env=None, keep=False, **what):
    """One call over the script; what it gave, and the server."""
    server = Server(*script, keep=keep)
    what = {"service": "ec2", "action": "CreateVpc", "version": "2016-11-15", **what}
    answered = lab.ask("query", env={**lab.KEYS, "AWS_ENDPOINT_URL": server.url, **(env or {})}, **what)
    server.close()
    return answered, server


# name | script | once? | tries | maybe_done | the whole text of the error, or None for success
html = b"<!DOCTYPE html>\n<html><head><title>500</title></head><body><h1>Oh  no</h1>\n<p>A proxy&apos;s page</p></body></html>"
HTML = answer(html, "500 Internal Server Error")
SAYS = "the answer has status 500 and says: 500 Oh no A proxy&apos;s page"
DEEP = answer(b"<a>" * 100 + b"</a>" * 100)
BOMB = answer(b'<!DOCTYPE a [<!ENTITY b "cccccccccc"><!ENTITY d "&b;&b;&b;&b;">]><a>&d;</a>')
CASES = [
    ("a good answer", [answer()], False, 1, False, None),
    ("HTML once", [HTML], False, 2, False, None),
    ("HTML for ever", [HTML] * 9, False, 3, True, f"ec2 CreateVpc: {SAYS} (3 tries)"),
    ("HTML to what may be done once", [HTML], True, 1, True, f"ec2 CreateVpc: {SAYS}"),
    ("an answer cut short", [answer(OK, length=900)], False, 2, False, None),
    ("an answer cut short to what may be done once", [answer(OK, length=900)], True, 1, True,
     "ec2 CreateVpc: transfer closed with 837 bytes remaining to read"),
    ("XML cut short", [answer(OK[:-20])] * 3, False, 3, True,
     "ec2 CreateVpc: the answer cannot be read: it is not readable XML: no element found (byte 43) (3 tries)"),
    ("an empty answer", [answer(b"")] * 3, False, 3, True,
     "ec2 CreateVpc: the answer cannot be read: it is empty (3 tries)"),
    ("XML too deep", [DEEP] * 3, False, 3, True,
     "ec2 CreateVpc: the answer cannot be read: it is not readable XML: it is nested too deep (byte 195) (3 tries)"),
    ("entities that multiply", [BOMB] * 3, False, 3, True,
     "ec2 CreateVpc: the answer cannot be read: it is not readable XML: it declares a document type, which AWS's answers never do "
     "(byte 12) (3 tries)"),
    ("a reset before the answer", [Reset()], False, 2, False, None),
    ("a reset to what may be done once", [Reset()], True, 1, True, "ec2 CreateVpc: Recv failure: Connection reset by peer"),
    ("a reset within the answer", [Reset(answer(OK, length=900))], True, 1, True, "ec2 CreateVpc: Recv failure: Connection reset by peer"),
    ("an error that stays", [error("InvalidParameterValue", "bad &amp; worse")], False, 1, False,
     "ec2 CreateVpc: InvalidParameterValue: bad & worse (request r-2)"),
    ("throttled", [error("RequestLimitExceeded", status="503 Service Unavailable")], False, 2, False, None),
    ("throttled where it may be done once: it was not", [error("RequestLimitExceeded", status="503 Service Unavailable")], True, 2, False,
     None),
    ("a fault of AWS's where it may be done once", [error("InternalError", status="500 Internal Server Error")], True, 1, True,
     "ec2 CreateVpc: InternalError: no (request r-2)"),
    ("a redirect is not followed", [answer(b"", "302 Found", Location="http://127.0.0.1:1/")], False, 1, False,
     "ec2 CreateVpc: the answer has status 302"),
    ("nonsense in place of HTTP", [b"220 mail.example.com ESMTP\r\n"] * 3, False, 3, True,
     "ec2 CreateVpc: Received HTTP/0.9 when not allowed (3 tries)"),
    ("an answer without end", [Endless()], True, 1, True, "ec2 CreateVpc: the answer is larger than 67108864 bytes"),
    ("headers without end", [b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %s\r\n" % (i, b"y" * 1000) for i in range(1000))], True, 1, True,
     "ec2 CreateVpc: the answer's headers are larger than 262144 bytes"),
]


def what_it_makes_of_each():
    for name, script, once, tries, maybe, text in CASES:
        answered, server = call(*script, once=once)
        if text is None:
            lab.check(f"{name}: it succeeds", "answer" in answered and lab.find(answered["answer"], "done") == "yes", answered)
        else:
            lab.equal(f"{name}: what it says", answered.get("error"), text)
            lab.equal(f"{name}: whether it may be done", answered.get("maybe_done"), maybe)
        lab.equal(f"{name}: how often it asks", len(server.requests), tries)


def no_server():
    # A port that is taken, and nobody listens there.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answered = lab.ask("query", env={**lab.KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}, service="ec2", action="CreateVpc",
                           version="1", once=True)
    lab.check("no server: what it says",
              answered["error"].startswith(f"ec2 CreateVpc: Failed to connect to 127.0.0.1 port {port} after ")
              and answered["error"].endswith(" (3 tries)"), answered)
    lab.check("no server: nothing went out, so nothing was done", not answered["maybe_done"] and answered["tries"] == 3, answered)


def waits():
    for header, value, least in [("Retry_After", "1", 1), ("x_amz_retry_after", "400", 0.4)]:
        _, server = call(error("Throttling", **{header: value}))
        waited = server.requests[1]["time"] - server.requests[0]["time"]
        lab.check(f"{header} is kept to", least <= waited < least + 30, waited)
    answered, server = call(*[HTML] * 9, env={"AWS_MAX_ATTEMPTS": "5"})
    lab.equal("AWS_MAX_ATTEMPTS", len(server.requests), 5)
    answered, server = call(HTML, env={"AWS_MAX_ATTEMPTS": "1"})
    lab.equal("AWS_MAX_ATTEMPTS=1", len(server.requests), 1)
    # 500 tokens at 14 a retry, and one back for a success: the first 35 retries are made, and then no more.
    server = Server(*[HTML] * 1000)
    with lab.Tool(**{**lab.KEYS, "AWS_ENDPOINT_URL": server.url, "AWS_MAX_ATTEMPTS": "2"}) as tool:
        tries = [tool.query("DescribeVpcs")["tries"] for _ in range(40)]
    lab.equal("where everything fails it tries once only, after a while", tries, [2] * 35 + [1] * 5)
    server.close()


def cancelled():
    for name, script in [("waiting for an answer", [Slow(100, answer())]),
                         ("between two tries", [error("Throttling", Retry_After="60")]),
                         ("within an answer", [answer(OK, length=900) + b" " * 10, Slow(100, answer())])]:
        server = Server(*script, keep=True)
        answered = lab.ask("query", env={**lab.KEYS, "AWS_ENDPOINT_URL": server.url}, service="ec2", action="CreateVpc", version="1",
                           once=True, cancel_ms=300)
        lab.check(f"cancelled {name}: at once", answered.get("cancelled") and 290 <= answered["ms"] < 20000, answered)
        lab.equal(f"cancelled {name}: whether it may be done", answered["maybe_done"], name != "between two tries")
        server.close()
    with socket.socket() as full:
        # A queue that is full lets nobody in, and refuses nobody.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        url = "http://127.0.0.1:%d" % full.getsockname()[1]
        answered = lab.ask("query", env={**lab.KEYS, "AWS_ENDPOINT_URL": url}, service="ec2", action="CreateVpc", version="1", once=True,
                           cancel_ms=300)
        lab.check("cancelled while connecting: at once", answered.get("cancelled") and answered["ms"] < 20000, answered)
        lab.equal("cancelled while connecting: nothing was done", answered.get("maybe_done"), False)
        for one in waiting:
            one.close()
    server = Server()
    with lab.Tool(**{**lab.KEYS, "AWS_ENDPOINT_URL": server.url}) as tool:
        tool("state", cancel_ms=0)
        answered = tool.query("DescribeVpcs")
    lab.check("cancelled before: nothing goes out", answered.get("cancelled") and not server.requests, answered)
    server.close()


def stamp(request):
    return time.mktime(time.strptime(request["headers"]["x-amz-date"], "%Y%m%dT%H%M%SZ")) - time.timezone


def clocks():
    for ahead in (3600, -3600):
        date = formatdate(time.time() + ahead, usegmt=True)
        server = Server(error("RequestExpired", Date=date), answer(), answer())
        with lab.Tool(**{**lab.KEYS, "AWS_ENDPOINT_URL": server.url}) as tool:
            answered = tool.query("DescribeVpcs")
            lab.check(f"a clock {ahead} s off: it succeeds", "answer" in answered, answered)
            lab.check("it signs with the server's time", abs(stamp(server.requests[1]) - time.time() - ahead) < 100)
            tool.query("DescribeVpcs")
            lab.check("and goes on with it", abs(stamp(server.requests[2]) - time.time() - ahead) < 100)
            lab.check("and says so", abs(tool("state")["skew"] / 1000 - ahead) < 100)
        server.close()
    date = formatdate(time.time() + 3600, usegmt=True)
    answered, server = call(*[error("SignatureDoesNotMatch", status="403 Forbidden", Date=date)] * 3)
    lab.equal("corrected once only", len(server.requests), 2)
    lab.check("and told", "(this machine's clock is 3" in answered["error"] and "s off AWS's; that was allowed for)" in answered["error"],
              answered)
    _, server = call(error("AuthFailure", status="401 Unauthorized", Date=formatdate(time.time() + 60, usegmt=True)))
    lab.equal("a minute is nothing", len(server.requests), 1)


def connections():
    server = Server(keep=True)
    with lab.Tool(**{**lab.KEYS, "AWS_ENDPOINT_URL": server.url}) as tool:
        for _ in range(5):
            tool.query("DescribeVpcs")
        lab.equal("a connection is kept", server.connections, 1)
        tool.query("CreateVpc", once=True)
        lab.equal("what may be done once has one of its own", server.connections, 2)
    server.close()
    # A kept connection that ends as the next request comes: curl alone would send it again without a word.
    server = Server(answer(), Reset(), keep=True)
    with lab.Tool(**{**lab.KEYS, "AWS_ENDPOINT_URL": server.url}) as tool:
        tool.query("DescribeVpcs")
        answered = tool.query("CreateVpc", once=True)
        lab.check("an ended connection", answered.get("maybe_done") and len(server.requests) == 2, answered)
    server.close()


def json_errors():
    env = lambda server: {**lab.KEYS, "AWS_ENDPOINT_URL": server.url}  # noqa: E731
    for name, act, text in [
        ("a type with a namespace", answer(b'{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"gone"}', "400 Bad Request",
                                           x_amzn_RequestId="r-3"), "ssm GetParameter: ParameterNotFound: gone (request r-3)"),
        ("a type in a header", answer(b'{"Message":"slowly"}', "400 Bad Request", x_amzn_ErrorType="ValidationException:http://x/"),
         "ssm GetParameter: ValidationException: slowly"),
        ("HTML", answer(b"<html><body>Forbidden</body></html>", "403 Forbidden"),
         "ssm GetParameter: the answer has status 403 and says: Forbidden"),
    ]:
        server = Server(act)
        answered = lab.ask("json", env=env(server), service="ssm", target="AmazonSSM.GetParameter", body="{}")
        lab.equal(f"JSON's errors: {name}", answered.get("error"), text)
        server.close()
    server = Server(answer(b'{"a":'), answer(b'{"a":1}'))
    answered = lab.ask("json", env=env(server), service="ssm", target="AmazonSSM.GetParameter", body="{}")
    lab.check("JSON cut short: it tries again", answered["answered"] and len(server.requests) == 2, answered)
    headers = server.requests[0]["headers"]
    lab.equal("the target", (headers.get("x-amz-target"), headers.get("content-type")),
              ("AmazonSSM.GetParameter", "application/x-amz-json-1.1"))
    server.close()


def objects():
    def s3(*script, **what):
        server = Server(*script)
        what = {"method": "GET", "bucket": "bucket", "key": "key", "action": "GetObject", **what}
        answered = lab.ask("s3", env={**lab.KEYS, "AWS_ENDPOINT_URL": server.url}, **what)
        server.close()
        return answered, server

    big = os.urandom(3 << 20)
    source, target = os.path.join(lab.folder, "source"), os.path.join(lab.folder, "target")
    with open(source, "wb") as file:
        file.write(big)
    answered, server = s3(HTML, answer(b""), method="PUT", **{"from": source})
    lab.check("a stream goes up again from its beginning",
              answered.get("status") == 200 and [request["body"] == big for request in server.requests] == [True, True], answered)
    lab.equal("its payload is not hashed", server.requests[0]["headers"]["x-amz-content-sha256"], "UNSIGNED-PAYLOAD")
    answered, server = s3(answer(big[:1000], length=len(big)), answer(big), to=target)
    lab.check("a stream that was cut short comes down again from its beginning",
              answered.get("status") == 200 and open(target, "rb").read() == big, answered)
    answered, _ = s3(answer(b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>", "404 Not Found"), to=target)
    lab.check("an error does not go where the object was to", answered["code"] == "NoSuchKey" and open(target, "rb").read() == b"", answered)
    answered, server = s3(answer(b"<Error><Code>InternalError</Code></Error>"), answer(b"<CompleteMultipartUploadResult/>"), method="POST")
    lab.check("an error within success is tried again", answered.get("status") == 200 and len(server.requests) == 2, answered)
    answered, _ = s3(answer(b"", "412 Precondition Failed"), method="HEAD")
    lab.equal("an error without a body has a code", answered["code"], "PreconditionFailed")
    answered, _ = s3(answer(), headers=[["x-amz-meta-a", "b\r\nx-evil: yes"]], method="PUT")
    lab.equal("a header cannot smuggle another", answered["error"], "s3 GetObject: the header 'x-amz-meta-a' has a control character in it (3 tries)")


what_it_makes_of_each()
no_server()
waits()
cancelled()
clocks()
connections()
json_errors()
objects()
lab.finish()
