#!/usr/bin/env python3
"""ccache's cache of fleets that go, kept in S3: what the next one finds of it, two runs at once, what is damaged or slow, and what it takes of the account."""

import json
import os
import re
import threading
import time

import proxy
import world
from account import left, new_bucket
from cloud import Project, main, need, same, test
from lab import ROOT
from world import CACHED, World

world.box()

TEXT = "project = cached\n\n" + CACHED + """\
build all:
    make -j4
"""
MAKEFILE = "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t$(CC) -c -o $@ $<\n"
PARTS = "abcdef"
SAID = r"(\d+) compiles? came from ccache(?: \((?:(restored) [\d.]+ MB in [\d.]+ s)?(?:, )?(?:(saved) [\d.]+ MB in [\d.]+ s)?\))?$"


def part(name, number=1):
    return f"int {name}(void) {{ return {number}; }}\n"


class Cached(Project):
    def __init__(self, here, name, bucket, **changed):
        files = {"Makefile": MAKEFILE, **{f"{c}.c": part(c, changed.get(c, 1)) for c in PARTS}}
        super().__init__(name, edccfile=TEXT.format(bucket=bucket), files=files)
        self.here = here

    def apply(self, status=0):
        """(compiles that the machine did, that came from ccache, whether something was restored, and saved), and the warnings."""
        result = self.edcc("apply", "--json", "--yes", env=self.here.environment(), status=status)
        said = [m for e in result.all("note") if (m := re.match(SAID, e["message"]))]
        hits, restored, saved = said[0].groups() if said else (0, None, None)
        return (result.compiles()["host"], int(hits), bool(restored), bool(saved)), [e["message"] for e in result.all("warning")]


def stored(here, bucket):
    """name → size, by age."""
    found = here.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {o["Key"]: o["Size"] for o in sorted(found, key=lambda o: o["Key"])}


def permissions():
    """A rule that allows what doc/policy.json does; what was asked of S3."""
    with open(os.path.join(ROOT, "doc", "policy.json")) as file:
        allowed = {action for statement in json.load(file)["Statement"] for action in statement["Action"]}
    asked = set()

    def refuse(call):
        if call.service != "s3":
            return None
        listed = call.method == "GET" and "list-type" in call.path
        action = "s3:" + {"PUT": "PutObject", "HEAD": "GetObject", "DELETE": "DeleteObject", "GET": "ListBucket" if listed else "GetObject"}[call.method]
        asked.add(action)
        return None if action in allowed else proxy.error("AccessDenied", 403, f"You are not authorized to perform {action}.", call)

    return {"action": "*", "service": "s3", "times": 0, "fault": refuse}, asked


@test
def another_fleet_has_it():
    """A fleet that goes leaves its cache; two at once find it and leave theirs; nothing is stored where nothing is new."""
    with World() as here:
        bucket = new_bucket(here)
        rule, asked = permissions()
        here.proxy.add(rule)
        first = Cached(here, "first", bucket)
        plan = first.edcc("plan", env=here.environment()).output
        need(re.search(rf"\n +cache +from s3://{bucket}/caches/cached/gcc/, as far as that is faster than compiling\n", plan), plan)
        need(re.search(rf"\n +cache +-> s3://{bucket}/caches/cached/gcc/, what is new in it  always\n", plan), plan)
        same(first.apply(), ((6, 0, False, True), []), "a cold cache")
        first.nothing_left()
        kept = stored(here, bucket)
        same(len(kept), 1, "archives")
        need(all(re.fullmatch(r"caches/cached/gcc/\d{8}-\d{6}-[0-9a-f]{6}-\d+ms-[0-9a-f]{64}\.tar", key) for key in kept), kept)

        # Each of them puts the first archive and what is new into one.
        results, several = {}, [Cached(here, "second", bucket, a=2), Cached(here, "third", bucket, b=3)]
        threads = [threading.Thread(target=lambda one=one: results.update({one.dir: one.apply()})) for one in several]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in several:
            same(results[one.dir], ((1, 5, True, True), []), "one of two at once")
        both = stored(here, bucket)
        need(len(both) == 2 and not set(both) & set(kept), both)

        last = Cached(here, "last", bucket, a=2, b=3)
        same(last.apply(), ((0, 6, True, False), []), "what both have left")
        same(stored(here, bucket), both, "where nothing is new")
        same(asked, {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, "what the account was asked for")
        same(left(here), {}, "what EC2 still has")

        damaged_and_slow(here, bucket, last)


def damaged_and_slow(here, bucket, made):
    """One archive is another than was stored, the other one crawls, and nothing can be stored: it takes some seconds, and everything is compiled."""
    damaged, slow = stored(here, bucket)
    s3 = here.client("s3")
    text = s3.get_object(Bucket=bucket, Key=damaged)["Body"].read()
    s3.put_object(Bucket=bucket, Key=damaged, Body=text[:2000] + b"?" + text[2001:])
    here.proxy.rules.clear()
    here.proxy.add({"action": "GET", "times": 0, "fault": lambda call: time.sleep(30) if slow in call.path else None})
    here.proxy.add({"action": "PUT", "service": "s3", "times": 0, "wait": 30})
    result, warnings = made.apply()
    same(result, (6, 0, False, False), "what neither came nor went")
    same(len(warnings), 3, f"warnings: {warnings}")
    need("the cache is not saved: there was no more time for it" in warnings, warnings)
    need(any(re.match(r"a part of the cache is not fetched: \S+: curl: \(28\) Operation too slow", warning) for warning in warnings), warnings)
    need(any(re.match(r"a part of the cache is not fetched: \S+: it is not what was stored$", warning) for warning in warnings), warnings)


if __name__ == "__main__":
    main("cache")
