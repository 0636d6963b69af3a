"""The cache between fleets: what is packed together, and what becomes of what is fetched."""

import hashlib
import http.server
import io
import random
import tarfile
import threading
import time

from lab import *

CACHE, KEPT = "/var/lib/edcc/ccache", "/var/lib/edcc/kept"
KB = 1000


class Archives(http.server.BaseHTTPRequestHandler):
    """What is stored by its name; `slow` comes a little at a time."""

    stored, refused = {}, {}

    def do_GET(self):
        data = self.stored.get(self.path[1:])
        self.send_response(200 if data else self.refused.get(self.path[1:], 404))
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        if self.path == "/slow":
            self.wfile.write(data[:1000])
            time.sleep(100)
        elif data:
            self.wfile.write(data)

    def log_message(self, *words):
        pass


def put(host, sizes, seed=1):
    """Entries of the cache, name → bytes."""
    for name, size in sizes.items():
        host.run("bash", "-c", f"mkdir -p {CACHE}/{name[0]} && cat >{CACHE}/{name[0]}/{name}", input=random.Random(f"{name}{seed}").randbytes(size))


def pack(host, size="5000000Ki"):
    """(bytes that are new, what else went into it, name → size of what is in it), the archive and its digest; nothing where nothing is new."""
    words = host.host("cache-pack", size).stdout.decode().split()
    if not words:
        return (0, [], {}), b"", ""
    data = host.host("cat", ".edcc/cache.tar").stdout
    assert hashlib.sha256(data).hexdigest() == words[2], words
    members = {m.name: m.size for m in tarfile.open(fileobj=io.BytesIO(data))}
    return (int(words[0]), words[3:], members), data, words[2]


def test_cache(host):
    put(host, {"aR": 400 * KB, "bM": 1 * KB})
    host.sh(f"mkdir -p {CACHE}/tmp; touch {CACHE}/a/stats {CACHE}/tmp/x {CACHE}/a/yR.tmp.1")
    (new, with_it, members), first, digest = pack(host)
    equal("cache: all of it", (new, with_it, members), (401 * KB, [], {"a/aR": 400 * KB, "b/bM": 1 * KB}))
    one, two, three = f"r1-700ms-{digest}", "r2-1000ms-x", "r3-1ms-x"
    host.host("cache-packed", one)
    equal("cache: nothing is new", pack(host)[0], (0, [], {}))
    equal("cache: the file has gone", host.sh("ls -A /var/lib/edcc/tree/.edcc 2>&1").count("cache.tar"), 0)

    # A small one goes into the next; one that is larger than that does not.
    put(host, {"cR": 3000 * KB, "bM": 2 * KB})
    equal("cache: with an earlier one", pack(host)[0], (3002 * KB, [one], {"a/aR": 400 * KB, "b/bM": 2 * KB, "c/cR": 3000 * KB}))
    host.host("cache-packed")
    check("cache: what was not stored is new again", pack(host)[0][0] == 3002 * KB)
    host.host("cache-packed", two, one)
    equal("cache: what there is", host.sh(f"ls {KEPT}").split(), [two])
    put(host, {"dR": 100 * KB})
    equal("cache: beside a larger one", pack(host)[0], (100 * KB, [], {"d/dR": 100 * KB}))
    host.host("cache-packed", three)

    # What the cache has let go of drops out; its time counts on.
    host.sh(f"rm {CACHE}/a/aR")
    put(host, {"eR": 3100 * KB})
    words = host.host("cache-pack", "5000000Ki").stdout.decode().split()
    equal("cache: one after the other", (words[3:], int(words[1])), ([three, two], 1001))
    check("cache: without what is gone", "a/aR" not in pack(host)[0][2])
    host.host("cache-packed")

    # ccache evicts.
    pack(host, "4000Ki")
    check("cache: no larger than it may be", 0 < int(host.sh(f"cat {CACHE}/*/*R | wc -c")) <= 4096000)
    host.host("cache-packed")
    host.sh(f"rm -r {CACHE} {KEPT}")
    test_fetch(host, first, digest)


def test_fetch(host, good, digest):
    server = Server(("10.9.0.1", 8081), Archives)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Archives.refused = {"late": 403, "over": 400}
    Archives.stored = {"good": good, "other": good[:3000] + b"?" + good[3001:], "slow": good * 3, "none": b"<html>"}
    put(host, {"bM": 7}, seed="newer")
    lines = "".join(f"{name}\t{len(good)}\t{digest}\thttp://10.9.0.1:8081/{name}\n" for name in ("good", "other", "slow", "none", "missing", "late", "over"))
    began = time.monotonic()
    said = dict(line.split(" ", 1) for line in host.host("cache-fetch", "60", input=lines.encode()).stdout.decode().splitlines())
    check("cache: what crawls is given up", time.monotonic() - began < 50 and said["slow"].startswith("failed curl: (28) Operation too slow"), said)
    equal("cache: what came of them", {name: said[name] for name in ("good", "other", "missing", "late", "over")},
          {"good": "fetched", "other": "failed it is not what was stored", "missing": "gone", "late": "refused", "over": "refused"})
    check("cache: no archive", said["none"].startswith("failed tar: "), said)
    check("cache: what is there is whole", host.run("cat", f"{CACHE}/a/aR").stdout == random.Random("aR1").randbytes(400 * KB))
    equal("cache: the newer one stays", host.sh(f"stat -c %s {CACHE}/b/bM").strip(), "7")
    equal("cache: again", host.host("cache-fetch", "60", input=lines.splitlines()[0].encode() + b"\n").stdout.decode(), "good there\n")
    equal("cache: nothing stays", host.sh("ls -d /var/lib/edcc/scratch* 2>/dev/null"), "")
    host.sh(f"rm -r {CACHE} {KEPT}")
    server.shutdown()
