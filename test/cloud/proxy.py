"""proxy: stands before moto as AWS's own front: writes down every request, takes the time AWS takes, and fails where a rule says so.

A rule is a dictionary (or JSON):
    action   which calls: "RunInstances", "Delete*", "GET" for S3; "*" is all
    service  "ec2", "s3", …; all where it is missing
    where    parameters that must have these values, patterns allowed: {"InstanceType": "c5.*"}
    skip     how many such calls pass before
    times    how many it is for; 1 where it is missing, 0 for ever
    fault    a name of FAULTS, or ["Code", status, "message"], or a function from the call to one of these, to an answer (status, headers, body), or to None
    wait     seconds before anything else happens"""

import fnmatch
import http.client
import http.server
import json
import random
import re
import socket
import struct
import threading
import time
import urllib.parse

# Seconds that AWS takes, from … to; the first pattern that fits.
LATENCIES = (("RunInstances", 1.5, 3.0), ("CreateVpc", 1.0, 1.0), ("Describe*", 0.08, 0.2), ("Get*", 0.08, 0.2), ("*", 0.15, 0.6))

# What a rule may ask for by name: an error's code, status and message, or what happens to the connection.
FAULTS = {
    "throttle": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "unavailable": ("Unavailable", 503, "The service is unavailable. Please try again shortly."),
    "html": "html",  # a 500 whose body is a page
    "capacity": ("InsufficientInstanceCapacity", 500, "We currently do not have sufficient capacity in the Availability Zone you requested. "
                                                      "Our system will be working on provisioning additional capacity."),
    "quota": ("VcpuLimitExceeded", 400, "You have requested more vCPU capacity than your current vCPU limit of 5 allows for the instance bucket that the "
                                        "specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an "
                                        "adjustment to this limit."),
    "expired": ("RequestExpired", 400, "Request has expired."),
    "reset": "reset",  # before the call took effect
    "eaten": "eaten",  # after it: the answer never comes, the connection is reset
    "hang": "hang",  # before it, until the client gives up
    "lost": "lost",  # after it, until the client gives up
}
PAGE = b"<html><head><title>500 Internal Server Error</title></head><body><h1>Internal Server Error</h1></body></html>\n"
NOT_PASSED_ON = ("connection", "content-length", "transfer-encoding", "date", "server")


class Call:
    """One request, as far as it can be understood."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        scope = re.search(r"/([a-z0-9-]+)/aws4_request", headers.get("Authorization", "") or urllib.parse.unquote(path))
        self.service = scope.group(1) if scope else "s3"
        self.parameters, target = {}, headers.get("X-Amz-Target")
        if target:
            self.action = target.rpartition(".")[2]
            self.parameters = json.loads(body or b"{}")
        elif self.service != "s3" and headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            self.parameters = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
            self.action = self.parameters.pop("Action", "")
            self.parameters.pop("Version", None)
        else:
            self.action = method

    def replace(self, parameters):
        """The same call with other parameters (of the form-encoded kind)."""
        old = dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))
        body = urllib.parse.urlencode({**old, **parameters}).encode()
        return Call(self.method, self.path, {**self.headers, "Content-Length": str(len(body))}, body)


def meaning(fault):
    return FAULTS[fault] if isinstance(fault, str) else tuple(fault) if isinstance(fault, list) else fault


class Rule:
    def __init__(self, rule):
        self.rule, self.seen = rule, 0
        self.fault = meaning(rule.get("fault"))

    def fits(self, call):
        """Counts the call where the rule is for it; true where its turn has come."""
        if not fnmatch.fnmatchcase(call.action, self.rule["action"]) or not fnmatch.fnmatchcase(call.service, self.rule.get("service", "*")):
            return False
        if not all(fnmatch.fnmatchcase(str(call.parameters.get(name, "")), str(value)) for name, value in self.rule.get("where", {}).items()):
            return False
        self.seen += 1
        turn, times = self.seen - self.rule.get("skip", 0), self.rule.get("times", 1)
        return turn > 0 and (times == 0 or turn <= times)


def error(code, status, message, call):
    """An error as the call's protocol has it."""
    headers = [("x-amzn-requestid", "00000000-0000-4000-8000-000000000000")]
    if "X-Amz-Target" in call.headers:
        return status, [*headers, ("Content-Type", "application/x-amz-json-1.1")], json.dumps({"__type": code, "message": message}).encode()
    if call.service == "ec2":
        text = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>made-up</RequestID></Response>"
    elif call.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>made-up</RequestId></Error>"
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>made-up</RequestId></ErrorResponse>"
    return status, [*headers, ("Content-Type", "text/xml;charset=UTF-8")], ('<?xml version="1.0" encoding="UTF-8"?>\n' + text).encode()


class Proxy(http.server.ThreadingHTTPServer):
    """Listens at `address`, passes on to moto's `port`. `latency` scales LATENCIES, 0 is none. `cloud(call, forward)` answers in moto's place or asks
    `forward`; `control(path, body)` is what a person may say by POST /world/…"""

    daemon_threads, request_queue_size = True, 256

    def __init__(self, address, port, latency=0, cloud=None, control=None, log=None):
        super().__init__(address, Handler)
        self.port, self.latency, self.log, self.control = port, latency, log, control
        self.cloud = cloud or (lambda call, forward: forward(call))
        self.records, self.rules, self.lock = [], [], threading.Lock()

    def add(self, *rules):
        with self.lock:
            self.rules += map(Rule, rules)

    def rule_for(self, call):
        with self.lock:
            fitting = [rule for rule in self.rules if rule.fits(call)]
        return fitting[0] if fitting else None

    def forward(self, call):
        """Moto's answer."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        upstream.request(call.method, call.path, call.body, call.headers)
        response = upstream.getresponse()
        return response.status, response.getheaders(), response.read()

    def pause(self, call):
        shortest, longest = next(times for pattern, *times in LATENCIES if fnmatch.fnmatchcase(call.action, pattern))
        if self.latency and call.service != "s3":
            time.sleep(self.latency * random.uniform(shortest, longest))

    def answer(self, call):
        """(status, headers, body), or the name of what happens to the connection; and the fault, for the record."""
        self.pause(call)
        rule = self.rule_for(call)
        if rule:
            time.sleep(rule.rule.get("wait", 0))
        fault = rule.fault if rule else None
        if callable(fault):
            fault = meaning(fault(call))
        if isinstance(fault, tuple):
            return (error(*fault, call), fault[0]) if isinstance(fault[0], str) else (fault, "function")
        if fault == "html":
            return (500, [("Content-Type", "text/html")], PAGE), fault
        if fault in ("reset", "hang"):
            return fault, fault
        answer = self.cloud(call, self.forward)
        return (fault if fault in ("eaten", "lost") else answer), fault

    def record(self, call, began, status, fault):
        entry = {"service": call.service, "action": call.action, "parameters": call.parameters, "method": call.method, "path": call.path,
                 "target": call.headers.get("X-Amz-Target", ""),
                 "body": call.body.decode("utf-8", "replace") if call.service != "s3" else len(call.body),
                 "status": status, "began": began, "ended": time.time(), "fault": fault}
        with self.lock:
            self.records.append(entry)
            if self.log:
                print(json.dumps(entry), file=self.log, flush=True)

    def calls(self, action="*", service="*"):
        """The records of such calls, in the order in which they were answered."""
        with self.lock:
            return [r for r in self.records if fnmatch.fnmatchcase(r["action"], action) and fnmatch.fnmatchcase(r["service"], service)]

    def problems(self):
        """What botocore's model does not allow in the requests that came."""
        import validate  # where there is botocore
        found = []
        for record in self.calls():
            try:
                if record["service"] != "s3":
                    validate.check(record["body"].encode(), record["target"])
            except validate.Wrong as problem:
                found.append(f"{record['action']}: {problem}")
        return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a body waits 40 ms for the head to be acknowledged

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/world/"):
            return self.send(*self.server.control(self.path.removeprefix("/world/"), body))
        headers = {name.title(): value for name, value in self.headers.items()}  # any case will do
        call, began = Call(self.command, self.path, headers, body), time.time()
        answer, fault = self.server.answer(call)
        self.server.record(call, began, answer[0] if isinstance(answer, tuple) else None, fault)
        if isinstance(answer, tuple):
            return self.send(*answer)
        if answer in ("hang", "lost"):
            self.connection.recv(1)  # until it is closed there
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

    def send(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in NOT_PASSED_ON:
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the client has gone

    def log_message(self, *arguments):
        pass
