#!/usr/bin/env python3
"""What the HOST may do in S3, and for how long: requests, and sessions of the account, whose time is over before all files are stored. It is over here when a
test says so."""

import calendar
import contextlib
import threading
import time
import urllib.parse

import world
from account import new_bucket, nothing_left
from cloud import KEY, REGION, SECRET, Project, main, need, same, test, wait_for
from world import CACHED, World

world.box()

AT_ONCE = 8  # the HOST's requests for one file
PART = 8 << 20
TEXT = "project = offered\n\n" + CACHED + """\
build all:
    $CC -c one.c
    truncate -s {size} huge

artifacts:
    huge one.o -> s3://{bucket}/out/
"""
PROCESS = """\
#!/bin/sh
echo '{{"Version": 1, "AccessKeyId": "{key}", "SecretAccessKey": "{secret}", "SessionToken": "'"$(date +%s)"'"}}'
"""
LATE = "AccessDenied", 403, "Request has expired"


class Clock:
    """Answers as AWS does where a time is over, and lets it pass where `slow` says so."""

    def __init__(self, here, slow):
        self.slow, self.lock, self.uses, self.refused, self.over = slow, threading.Lock(), {}, [], {}
        here.proxy.add({"action": "*", "times": 0, "fault": self.judge})

    def pass_time(self, path):
        """What was signed for it until now is over."""
        self.over[path] = int(time.time())

    @staticmethod
    def is_over(signed, over):
        """Times of signing are whole seconds: what is signed after the answer is of another one."""
        if signed <= over:
            time.sleep(max(0, over + 1 - time.time()))
        return signed <= over

    def judge(self, call):
        url = urllib.parse.urlsplit(call.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        session = query.get("X-Amz-Security-Token") or call.headers.get("X-Amz-Security-Token")
        answer = self.judge_offer(call.method, url.path, query) if "X-Amz-Signature" in query else None
        if session and self.is_over(int(session), max(self.over.values(), default=0)):
            answer = "ExpiredToken", 400, "The provided token has expired."
        if answer:
            self.refused.append((call.method, url.path, answer[0]))
        return answer

    def judge_offer(self, method, path, query):
        with self.lock:
            use = self.uses[method, path] = self.uses.get((method, path), 0) + 1
        late = self.slow(path, use, lambda: self.pass_time(path))
        signed = calendar.timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
        return late or (LATE if self.is_over(signed, self.over.get(path, 0)) else None)


def slow():
    """Of a large file what the HOST does not do at once, and the first try for a small one, which breaks off, so that the HOST tries again. The cache is worth
    a few seconds only: none pass."""
    # Nothing begins after the first that is refused: all of them are there by then.
    all_there = threading.Barrier(AT_ONCE)

    def judge(path, use, pass_time):
        if "/caches/" in path:
            return LATE if use == 1 else None
        if path.endswith("/huge") and AT_ONCE < use <= 2 * AT_ONCE:
            with contextlib.suppress(threading.BrokenBarrierError):
                if all_there.wait(60) == 0:
                    pass_time()
                all_there.wait(60)
        elif use == 1 and not path.endswith("/huge"):
            pass_time()
            return "SlowDown", 503, "Please reduce your request rate."
        return None

    return judge


def apply(here, bucket, name, environment, size):
    """What it says of its cache."""
    made = Project(name, edccfile=TEXT.format(bucket=bucket, size=size), files={"one.c": "int one;\n"})
    result = made.edcc("apply", "--json", "--yes", env=environment)
    same([e["message"] for e in result.all("warning")], [], "warnings")
    nothing_left(made, here)
    return next(e["message"] for e in result.all("note") if "came from ccache" in e["message"])


@test
def requests_that_come_too_late():
    """They are made anew: for the rest of a large artifact, for a small one, and for the cache on both of its ways."""
    with World() as here:
        bucket, clock, size = new_bucket(here), Clock(here, slow()), (2 * AT_ONCE + 1) * PART
        need("(saved " in apply(here, bucket, "first", here.environment(), size), "the cache")
        stored = {o["Key"]: o["Size"] for o in here.client("s3").list_objects_v2(Bucket=bucket)["Contents"]}
        archive, = (key for key in stored if key.startswith("caches/"))
        same(stored["out/huge"], size, "the size of the large one")
        need("(restored " in apply(here, bucket, "second", here.environment(), "1K"), "the cache")
        huge, one, kept = (f"/{bucket}/{key}" for key in ("out/huge", "out/one.o", archive))
        refused = [(path, code) for _, path, code in clock.refused]
        same(refused.count((huge, LATE[0])), AT_ONCE, "parts that came too late")
        same([code for path, code in refused if path == one], ["SlowDown", LATE[0]], "the small one")
        same([(method, code) for method, path, code in clock.refused if path == kept], [("PUT", LATE[0]), ("GET", LATE[0])], "the cache")


@test
def a_connection_that_is_lost():
    """What has been answered until then is not sent again."""
    parts = AT_ONCE + 1

    def cut(path, use, pass_time):
        if path.endswith("/huge") and use == parts:
            s3, (machine,) = here.client("s3"), here.machines.values()
            upload, = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
            wait_for(lambda: len(s3.list_parts(Bucket=bucket, Key="out/huge", UploadId=upload["UploadId"]).get("Parts", [])) == AT_ONCE)
            time.sleep(2)  # until the answers are here, too: most of them would do
            machine.inside("pkill", "-KILL", "-f", "^sshd: root")

    with World() as here:
        bucket = new_bucket(here)
        clock = Clock(here, cut)
        apply(here, bucket, "cut", here.environment(), parts * PART)
        same(here.client("s3").head_object(Bucket=bucket, Key="out/huge")["ContentLength"], parts * PART, "its size")
        need(parts < clock.uses["PUT", f"/{bucket}/out/huge"] < 2 * parts, clock.uses)


@test
def sessions_that_end():
    """Credentials that do not say how long they last are asked for anew where AWS says that they have ended; and what was signed with them is signed anew."""
    with World() as here:
        bucket = new_bucket(here)
        clock = Clock(here, lambda path, use, pass_time: pass_time() if use == 1 and path.endswith("/one.o") else None)
        home = Project("home", files={"process": PROCESS.format(key=KEY, secret=SECRET)})
        home.write("config", f"[default]\nregion = {REGION}\ncredential_process = sh {home.path('process')}\n")
        environment = {**here.environment(), "AWS_CONFIG_FILE": home.path("config")}
        del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
        need("(saved " in apply(here, bucket, "session", environment, "1K"), "the cache")
        same([code for _, path, code in clock.refused if path.endswith("/one.o")], ["ExpiredToken"], "what the HOST was answered")


if __name__ == "__main__":
    main("offers")
