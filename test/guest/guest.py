"""What runs on the machines, on machines that are played here: the boot, then each command of edcc-host and the ways in which it can fail."""

import base64
import gzip
import hashlib
import http.server
import io
import os
import random
import re
import subprocess
import tarfile
import threading
import time

from cache import test_cache
from lab import *
from pump import OTHER_HEADERS, OTHER_OBJECT, test_pump

FILE = """provider aws:
    region = eu-west-1
compiler gcc:
    version = {version}
distcc:
    slots = 3
instances:
    count = 3
build x:
    true
"""
OTHER_VERSION = """printf '#!/bin/sh\\necho "Target: x86_64-linux-gnu\\ngcc version 12.9.9 (Debian)" >&2\\n' >/usr/local/bin/gcc-12
chmod 755 /usr/local/bin/gcc-12
"""
OTHER_BYTES = """printf '#!/bin/sh\nexec /usr/bin/gcc-12 "$@" -fno-inline -O1\n' >/usr/local/bin/gcc-12
chmod 755 /usr/local/bin/gcc-12
ln /usr/local/bin/gcc-12 /usr/local/bin/x86_64-linux-gnu-gcc-12
"""

# Programs that are there once a package has been asked for; what was, is in /run/asked.
LACKING = """mkdir /opt/lacking && mv {programs} /opt/lacking/
printf '#!/bin/sh\\ncase "$*" in *" install "*) echo "${{*##* install }}" >>/run/asked && mv /opt/lacking/* /usr/bin/ 2>/dev/null || : ;; esac\\n' >/usr/local/bin/apt-get
chmod 755 /usr/local/bin/apt-get
"""
ARM64 = """printf '#!/bin/sh\\necho aarch64\\n' >/usr/local/bin/uname
chmod 755 /usr/local/bin/uname
"""

BUSY_PORT = "setsid python3 -m http.server 3632 >/dev/null 2>&1 &\nuntil ss -Htln | grep -q :3632; do sleep 0.05; done\n"


# --- user data ---


def test_user_data(script, first_private):
    check("user data: usual case fits as it is", script.startswith(b"#!/bin/bash\nRUN=r1\n") and len(script) <= 16384, len(script))
    odd = user_data(FILE.format(version="12"), project="it's $(id) `id` \\ \"", keys="a\nb").stdout.decode()
    said = sh(["bash", "-c", odd[:odd.index("\nset -euo pipefail")] + '\nprintf %s "$PROJECT/$KEYS"']).stdout
    equal("user data: quoted", said.decode(), "it's $(id) `id` \\ \"/a\nb")
    packages = "\n".join(f"package-{n}" for n in range(400))
    long = user_data(FILE.format(version="12"), packages=packages).stdout
    check("user data: a long one is compressed", long[:2] == b"\x1f\x8b" and len(long) <= 16384 and b"package-399" in gzip.decompress(long))
    generator = random.Random(1)
    noise = "\n".join(generator.randbytes(24).hex() for _ in range(1000))
    over = user_data(FILE.format(version="12"), packages=noise)
    check("user data: one that is too long even so", over.returncode == 1 and re.fullmatch(
        rb"what the machines are told at their boot has \d+ bytes, compressed, and EC2 takes 16384: the names of 1000 packages have 49000 bytes, "
        rb"0 public keys 0\n", over.stderr), over.stderr)
    secret = user_data("TOKEN = hunter2hunter2\n" + FILE.format(version="12").replace("true", 'echo "$(TOKEN)"')).stdout
    check("user data: nothing of the file's variables", b"hunter2" not in secret and b"RUN=" in secret)


# --- the boot ---


def test_boot(host, coop, first_public):
    status = host.status()
    equal("boot: state", (status["state"], status["role"], coop.status()["role"]), ("Ready", "HOST", "COOP"))
    version = sh(["gcc-12", "-dumpfullversion"]).stdout.decode().strip()
    equal("boot: what it has", (status["compiler"], status["slots"], status["run"], status["format"]), (version, 3, "r1", 1))
    equal("boot: a watcher that began before it learns its settings", host.sh("f() { . /etc/edcc/settings; }; f; echo $RUN $DISTCC_PORT"), "r1 3632\n")
    own = host.sh("cat /etc/ssh/edcc_host_key.pub").strip()
    check("boot: its own key", own == status["host_key"] and own.startswith("ssh-ed25519 AAAA"), (own, status["host_key"]))
    equal("boot: timer first", host.sh("cat /run/shutdowns; sed -n '1s/.* //p' /var/log/edcc-boot.log"), "-h +120\ntimer\n")
    check("boot: a second one ends", "shutdown -h now" in host.sh("cat /var/lib/cloud/scripts/per-boot/edcc"))
    equal("page: paths", [bool(host.page(p)) for p in ("status", "status.json", "boot.log", "distccd.log")], [True] * 4)
    check("page: nothing else", b"404" in host.page("../tree") and b"403" in host.page(""))
    equal("page: is the status", json.loads(coop.page()), coop.status())
    listening = coop.sh("ss -Htln | awk '{print $4}'").split()
    check("boot: distccd on the private address only", f"{coop.address}:3632" in listening and "0.0.0.0:3632" not in listening, listening)
    equal("boot: what only root needs", host.sh("stat -c '%a %U' /var/lib/edcc/{tree,steps,distcc} ~root/.ssh/authorized_keys "
                                                "/etc/ssh/edcc_first_key").split("\n")[:-1], ["700 root"] * 3 + ["600 root"] * 2)
    equal("boot: a COOP does not have the first key", coop.sh("ls /etc/ssh/edcc_first_key 2>&1 | wc -l; grep -c first /etc/ssh/sshd_config.d/*"), "1\n0\n")
    process = "for p in $(pgrep distccd); do grep -h 'Max core' /proc/$p/limits; tr '\\0' '\\n' </proc/$p/environ | grep DISTCC_CMDLIST; done | sort -u"
    said = coop.sh(process).split()
    check("boot: distccd's list, and no cores", "DISTCC_CMDLIST=/etc/edcc/compilers" in said and said[said.index("size") + 1:][:2] == ["0", "0"], said)
    check("boot: other subnets are refused", "10.9.0.0/24" in coop.sh("pgrep -a distccd"))


def ssh(machine, key, host_key, *words, **more):
    known = f"{ROOM}/known"
    with open(known, "w") as out:
        out.write(f"{machine.address} {host_key}\n")
    return subprocess.run(["ssh", "-F", "none", "-i", key, "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
                           "-o", "HostKeyAlgorithms=ssh-ed25519", f"root@{machine.address}", *words], capture_output=True, timeout=60, **more)


def test_keys(host, coop, key, first_public):
    own = host.status()["host_key"]
    check("ssh: first answer by the first key", ssh(host, key, first_public, "id", "-u").stdout == b"0\n")
    check("ssh: not yet by its own", ssh(host, key, own, "true").returncode == 255)
    with open(f"{HERE}/../../aws/guest/host.sh", "rb") as source:
        sent = ssh(host, key, first_public, "cat >/opt/edcc/edcc-host && chmod 700 /opt/edcc/edcc-host", input=source.read())
    check("ssh: host.sh is sent", sent.returncode == 0, sent.stderr)
    said = ssh(host, key, first_public, "/opt/edcc/edcc-host", "forget-first-key")
    equal("forget-first-key: prints its own", said.stdout.decode().strip(), own)
    check("forget-first-key: is over", ssh(host, key, first_public, "true").returncode == 255)
    check("forget-first-key: its own counts", ssh(host, key, own, "true").returncode == 0)
    equal("forget-first-key: off the disk", host.sh("ls /etc/ssh/edcc_first_key 2>/dev/null; grep -c first /etc/ssh/sshd_config.d/*"), "0\n")
    equal("forget-first-key: again", host.host("forget-first-key").stdout.decode().strip(), own)
    stranger, _, _ = make_key("stranger")
    check("ssh: a stranger", b"Permission denied" in ssh(host, stranger, own, "true").stderr)
    check("ssh: a COOP has its own at once", ssh(coop, key, coop.status()["host_key"], "true").returncode == 0)


def test_failed_boots(failing, missing, busy):
    status = failing.wait("Failed")
    check("failed boot: the step and why", status["step"] == "compiler" and "there is no gcc 99 here, but gcc 12.2.0; installable: gcc-11 gcc-12" in status["log"]
          and "Unable to locate package" in status["log"], status)
    equal("failed boot: its page", json.loads(failing.page()), status)
    check("failed boot: its log", b"there is no gcc 99 here" in failing.page("boot.log"))
    check("failed boot: the lease runs", "sleep 60" in failing.sh("ps ax"))
    status = busy.wait("Failed")
    equal("failed boot: somebody has distccd's port", status["step"], "daemon")
    check("failed boot: and who says so", "Address already in use" in busy.sh("cat /var/log/edcc-boot.log /var/lib/edcc/www/distccd.log"), status)
    status = missing.wait("Failed")
    equal("failed boot: without nginx", (status["step"], json.loads(missing.page("status.json"))["state"]), ("page", "Failed"))


def targeted(name, index, kind, version, target, programs, before=""):
    file = FILE.format(version=f"{version}\n    target = {target}").replace("compiler gcc", f"compiler {kind}")
    return Machine(name, index, user_data(file).stdout, LACKING.format(programs=programs) + before)


def test_targets():
    """Machines of two processors for one target: the one whose own it is has the compiler, the other the cross compiler, both by the same name."""
    native = ("gcc", 12, "x86_64-linux-gnu", "/usr/bin/x86_64-linux-gnu-gcc-12")
    cross = ("clang", 14, "aarch64-linux-gnu", "/usr/bin/clang /usr/bin/clang-14")
    asked = {targeted("own", 2, *native): "gcc-12 g++-12 libc6-dev",
             targeted("other", 3, *native, ARM64): "gcc-12-x86-64-linux-gnu g++-12-x86-64-linux-gnu libc6-dev",
             targeted("clang-host", 0, *cross): "clang-14 libc6-dev g++-aarch64-linux-gnu",
             targeted("clang-coop", 4, *cross): "clang-14 libc6-dev"}
    for machine, packages in asked.items():
        machine.wait("Ready")
        equal(f"target: what is installed: {machine.name}", machine.sh("cat /run/asked"), packages + "\n")
        machine.end()


# --- small commands ---


def test_small(host):
    equal("status", json.loads(host.host("status").stdout), host.status())
    before = host.status()["since"]
    time.sleep(1)
    host.host("state", "Compiling")
    status = host.status()
    check("state", status["state"] == "Compiling" and status["since"] > before and status["host_key"], status)
    check("state: only its words", host.host("state", "Ready").returncode == 1 and host.status() == status)
    asked = [int(host.sh("stat -c %Y /run/edcc/lease")) - time.time() for _ in [host.host("renew", "60")]]
    asked += [int(host.sh("stat -c %Y /run/edcc/lease")) - time.time() for _ in [host.host("renew", "1800")]]
    asked += [int(host.sh("stat -c %Y /run/edcc/lease")) - time.time() for _ in [host.host("renew", "600")]]
    check("renew: at least so long, never shorter", abs(asked[0]) < 100 and abs(asked[1] - 1200) < 100 and abs(asked[2] - 1200) < 100, asked)
    unknown = host.host("reboot")
    check("no such command", unknown.returncode == 1 and unknown.stderr == b"edcc-host: there is no command 'reboot'\n", unknown.stderr)


# --- the tree ---


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, (data, mode, mtime) in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = mode, mtime
            if data is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "target"
                tar.addfile(entry)
            else:
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def nul(*paths):
    return b"".join(p.encode() + b"\0" for p in paths)


def test_tree(host):
    noise = random.Random(2).randbytes(3_000_000)
    odd = "a b\n'$\\x"
    tar = tar_of({"src/x.c": (b"int x;", 0o755, 1_600_000_000), f"src/{odd}": (b"odd", 0o600, 5), "src/deep/y": (noise, 0o644, 6), "link": (None, 0o777, 7)})
    check("receive", host.host("receive", input=tar).returncode == 0)
    equal("receive: modes and times", host.sh("cd /var/lib/edcc/tree; stat -c '%a %Y %U' src/x.c; readlink link"), "755 1600000000 root\ntarget\n")
    check("receive: cut short", host.host("receive", input=tar[:-2000]).returncode != 0)
    host.host("receive", input=tar)
    host.sh("cd /var/lib/edcc/tree; echo precious >target; mkdir -p /tmp/other; ln -s /tmp/other folder; : >empty")
    host.host("receive", input=tar_of({"link": (b"file now", 0o644, 8)}))
    equal("receive: does not follow links", host.sh("cd /var/lib/edcc/tree; cat target link"), "precious\nfile now")
    equal("exists", host.host("exists", "src", input=nul("x.c", "no", odd, "../link")).stdout, nul("x.c", odd, "../link"))
    equal("exists: no such folder", host.host("exists", "no", input=nul("x")).stdout, b"")
    listed = sorted(host.host("list", "src").stdout.split(b"\0"))
    equal("list", listed, sorted(nul("6 src/x.c", f"3 src/{odd}", "3000000 src/deep/y").split(b"\0")))
    host.sh("cd /var/lib/edcc/tree; ln -s src/x.c file-link; ln -s /nowhere dangling")
    equal("list: all, links too", sorted(p for p in host.host("list", "").stdout.split(b"\0") if b"src/" not in p),
          sorted([b"", b"9 target", b"8 link", b"0 empty", b"7 file-link", b"8 dangling"]))
    equal("list: nothing there", (host.host("list", "no").stdout, host.host("list", "no").returncode), (b"", 0))
    equal("list: one file", host.host("list", "src/x.c").stdout, b"6 src/x.c\0")
    sums = {"src/x.c": (b"int x;", "755"), f"src/{odd}": (b"odd", "600"), "src/deep/y": (noise, "644"), "file-link": (b"int x;", "755")}
    expect = sorted(f"{hashlib.sha256(d).hexdigest()} {len(d)} {m} {p}" for p, (d, m) in sums.items())
    said = host.host("digest", input=nul(*sums, "folder", "no"))
    equal("digest", sorted(said.stdout.decode().split("\0")), [""] + expect)
    many = nul(*[f"many/{n:04}" for n in range(3000)])
    host.sh("cd /var/lib/edcc/tree; mkdir many; for n in {0..2999}; do printf $n >many/$(printf %04d $n); done")
    said = host.host("digest", input=many).stdout.decode().split("\0")[:-1]
    check("digest: many, none mixed", len(said) == 3000 and all(re.fullmatch(r"[0-9a-f]{64} \d+ 644 many/\d{4}", s) for s in said))
    equal("parts", host.host("parts", "src/deep/y", "1000000").stdout.decode().split(),
          [hashlib.sha256(noise[i:i + 1_000_000]).hexdigest() for i in (0, 1_000_000, 2_000_000)])
    equal("parts: of nothing", (host.host("parts", "empty", "10").stdout, host.host("parts", "no", "10").returncode), (b"", 1))
    with tarfile.open(fileobj=io.BytesIO(host.host("send", input=nul("src/x.c", f"src/{odd}")).stdout)) as sent:
        equal("send", {m.name: sent.extractfile(m).read() for m in sent}, {"src/x.c": b"int x;", f"src/{odd}": b"odd"})
    equal("cat", host.host("cat", "src/deep/y").stdout, noise)
    host.host("remove", input=nul("src/deep/y", f"src/{odd}", "no", "many/0000") + b"src/x")
    equal("remove: with what is empty then, and no half path", host.sh("cd /var/lib/edcc/tree; ls -d src/* many/0000 2>/dev/null; ls many | wc -l"),
          "src/x.c\n2999\n")
    out = host.host("remove", input=nul("../steps"))
    check("remove: not out of the tree", out.returncode == 1 and b"'../steps' is not in the tree" in out.stderr and host.sh("ls -d /var/lib/edcc/steps"))


class Store(http.server.BaseHTTPRequestHandler):
    """Takes parts; refuses each path's first tries as its query says."""

    bodies, headers, tries, at_once, most = {}, {}, {}, 0, 0
    lock, enough = threading.Lock(), threading.Event()

    def do_PUT(self):
        with Store.lock:
            Store.at_once += 1
            Store.most = max(Store.most, Store.at_once)
            if Store.most == 8:
                Store.enough.set()
            tries = Store.tries[self.path] = Store.tries.get(self.path, 0) + 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # The first are answered when as many are there as may be, and some time after that, in which more would come.
        Store.enough.wait(20)
        time.sleep(0.1)
        refuse, status = re.search(r"refuse=(\d)&status=(\d+)", self.path).groups() if "refuse" in self.path else (0, 200)
        status = int(status) if tries <= int(refuse) else 200
        with Store.lock:
            Store.bodies[self.path], Store.headers[self.path] = body, dict(self.headers)
            Store.at_once -= 1
        text = b"" if status == 200 else b"<Error><Code>NoWay</Code><Message>as I said</Message><Signature>s3cret</Signature></Error>"
        self.send_response(status)
        if status == 200:
            self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        pass


def test_store(host):
    server = Server(("10.9.0.1", 8080), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    data = random.Random(3).randbytes(2_500_000)
    host.host("receive", input=tar_of({"art/o dd": (data, 0o644, 1), "art/none": (b"", 0o644, 1)}))
    parts = [(n * 250_000, 250_000) for n in range(10)] + [(0, 2_500_000)]
    query = {2: "&refuse=2&status=503", 10: "&refuse=9&status=403", 11: "&refuse=9&status=500", **dict.fromkeys(range(13, 40), "&refuse=9&status=403")}
    url = "http://10.9.0.1:8080/b/part{}?X-Amz-Signature=topsecret%20[x]{}"
    lines = [f"{o}\t{n}\t{url.format(i, query.get(i, ''))}\tx-amz-checksum-sha256: c{i}=\tX-Odd: \"q\\\n" for i, (o, n) in enumerate(parts)]
    seen = []
    run = subprocess.Popen(["nsenter", "-t", host.init(), "-a", "/opt/edcc/edcc-host", "store", "art/o dd"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdin.write("".join(lines).encode() + b"0\t10\thttp://cut")
    run.stdin.close()
    while run.poll() is None:
        seen.append(host.sh("grep -l top[s]ecret /proc/[0-9]*/cmdline; grep -rl top[s]ecret /var/lib/edcc /run/edcc /tmp"))
    said, error = run.stdout.read().decode().splitlines(), run.stderr.read().decode()
    expect = []
    for i, (o, n) in enumerate(parts):
        tag = hashlib.md5(data[o:o + n]).hexdigest()
        expect.append({10: "403 "}.get(i, f'200 "{tag}"'))
    equal("store: status and tag of each, in order", said, expect)
    equal("store: the bytes", [Store.bodies[k] == data[o:o + n] for i, (o, n) in enumerate(parts)
                               for k in [k for k in Store.bodies if f"part{i}?" in k]], [True] * 11)
    some = next(h for k, h in Store.headers.items() if "part3?" in k)
    equal("store: exactly its headers", {k: v for k, v in some.items() if k.lower().startswith("x-")},
          {"x-amz-checksum-sha256": "c3=", "X-Odd": '"q\\'})
    check("store: no others that would be signed", not {"Content-Type", "Expect", "Transfer-Encoding"} & set(some), some)
    equal("store: side by side, at most eight", Store.most, 8)
    check("store: why", "NoWay: as I said" in error and "s3cret" not in error, error)
    check("store: no URL in ps or on the disk", seen and not any(seen), seen)
    equal("store: nothing stays", host.sh("ls -d /var/lib/edcc/scratch* 2>/dev/null"), "")
    lines = [f"0\t10\t{url.format(i, query.get(i, ''))}\n" for i in range(11, 40)]
    said = host.host("store", "art/o dd", input="".join(lines).encode()).stdout.decode().splitlines()
    tries = {int(re.search(r"part(\d+)", path).group(1)): n for path, n in Store.tries.items()}
    equal("store: tries", (tries[2], tries[10], tries[11], tries[1]), (3, 1, 3, 1))
    check("store: what is refused is the last that is begun", len(said) == len([i for i in tries if i > 10]) <= 10 and said[0] == "500 ", said)
    line = "0\t0\thttp://10.9.0.1:8080/b/empty\n0\t0\thttp://10.9.0.1:1/refused\n"
    equal("store: an empty file; nobody there", host.host("store", "art/none", input=line.encode()).stdout.decode().splitlines(),
          ['200 "d41d8cd98f00b204e9800998ecf8427e"', "000 "])


# --- steps ---


def entries(**words):
    return b"".join(f"{k}={v}".encode() + b"\0" for k, v in words.items()) + b"\0"


def start(host, name, recipe, **words):
    return host.host("start", name, input=entries(**words) + recipe.encode() + b"\0").stdout.decode().strip()


def parse(data):
    """Frames, as far as they are whole: how much output, the calls, the end, and the order of kinds."""
    out, calls, end, kinds = b"", [], None, ""
    while b"\n" in data:
        line, rest = data.split(b"\n", 1)
        word, *more = line.decode(errors="replace").split(" ", 1)
        kinds += word[0]
        if word == "out":
            n = int(more[0])
            if len(rest) < n:
                break
            out, rest = out + rest[:n], rest[n:]
        elif word == "call":
            calls.append(more[0])
        elif word == "end":
            end = tuple(map(int, more[0].split()))
        data = rest
    return out, calls, end, kinds


def follow(host, name, offset=0, calls=0):
    return parse(host.host("follow", name, str(offset), str(calls)).stdout)


def test_steps(host):
    host.sh("mkdir -p /var/lib/edcc/tree/sub/dir")
    equal("start", start(host, "one", 'echo "$PWD $0 $SECRET $PATH $HOME"; env | sort | cut -d = -f 1 | tr "\\n" " "; ulimit -c', EDCC_DIR="sub/dir",
                         SECRET="s3cr3t"), "started")
    out, calls, end, kinds = follow(host, "one")
    lines = out.decode().splitlines()
    check("start: where and with what", lines[0].startswith("/var/lib/edcc/tree/sub/dir ") and " s3cr3t /opt/edcc/bin:/usr/local/sbin" in lines[0], lines)
    equal("start: nothing but its environment", lines[1].split(), ["EDCC_STEP", "HOME", "PATH", "PWD", "SECRET", "SHLVL", "_", "0"])
    equal("follow: end", (end[0], 0 <= end[1] < 50000, kinds[-1]), (0, True, "e"))
    equal("start: again", (start(host, "one", "rm -rf /"), follow(host, "one")[0]), ("known", out))
    cut = host.host("start", "cut", input=entries() + b"touch /tmp/cut")
    check("start: cut short", cut.returncode == 1 and cut.stderr == b"edcc-host: the recipe of 'cut' was cut short\n" and
          start(host, "cut", "true") == "started", cut.stderr)
    check("start: odd names", host.host("start", "../x", input=entries() + b"true\0").returncode == 1)
    for name, recipe, status in (("unset", "echo $none", 1), ("exit", "exit 7", 7), ("killed", "kill -KILL $$", 137), ("term", "kill $$", 143),
                                 ("gone", "true", 127), ("python", "#!/usr/bin/env python3\nimport sys\nprint(sys.argv, end='')\nsys.exit(3)", 3)):
        start(host, name, recipe, **({"EDCC_DIR": "not/there"} if name == "gone" else {}))
        out, _, end, _ = follow(host, name)
        equal(f"status: {name}", end[0], status)
    check("a recipe's own interpreter", b"recipe/python" in follow(host, "python")[0])
    start(host, "odd", 'printf "%s|" "$IFS" "$step" "$folder" "$entries" "$PATH"; cat <&0', IFS=",", step="s", folder="f", entries="e", PATH="/bin:/usr/bin")
    equal("start: names like our own", follow(host, "odd")[0], b" \t\n|s|f|e|/opt/edcc/bin:/bin:/usr/bin|")
    equal("steps: private", host.sh("stat -c %a /var/lib/edcc/steps /run/edcc/recipe; ls /run/edcc/recipe; grep -rl s3cr3t /var/lib/edcc/steps /run/edcc | grep -v output"),
          "700\n700\n")


def test_secrets(host):
    start(host, "secret", "until [ -e /tmp/looked ]; do sleep 0.1; done", SECRET="t0psecret")
    seen = ""
    for _ in range(5):
        seen += host.sh("cat /proc/*/cmdline | tr '\\0' ' '")
    check("start: no secret in ps", "t0psecret" not in seen and "recipe/secret" in seen)
    check("start: no core", "0" == host.sh("cat /proc/$(pgrep -f recipe/secret | head -n 1)/limits | awk '/core/ {print $5}'").strip())
    host.sh("touch /tmp/looked")
    follow(host, "secret")


def test_output(host):
    data = random.Random(4).randbytes(5_000_000)
    host.host("receive", input=tar_of({"noise": (data, 0o644, 1)}))
    start(host, "huge", "cat noise; build_success 'all  well'; cat noise; build_success; printf end")
    out, calls, end, kinds = follow(host, "huge")
    check("follow: binary and huge", out == data + data + b"end", len(out))
    equal("follow: calls, after what came before", calls, ["5000000 success all  well", "10000000 success "])
    check("follow: order", re.fullmatch(r"a?o+co+co*e", kinds) and end[0] == 0, kinds)
    generator = random.Random(5)
    for _ in range(12):
        offset, done = generator.randrange(len(out)), generator.randrange(3)
        rest, more, end, _ = follow(host, "huge", offset, done)
        check(f"follow: from {offset} on", rest == out[offset:] and more == calls[done:] and end[0] == 0)
    start(host, "slow", 'for i in {1..40}; do printf "line %s\\n" $i; [ $((i % 10)) != 0 ] || build_success $i; sleep 0.05; done; echo x >/dev/stderr')
    out, calls = b"", []
    end = None
    while not end:
        process = host.start("/opt/edcc/edcc-host", "follow", "slow", str(len(out)), str(len(calls)))
        time.sleep(generator.uniform(0.1, 0.5))
        more, said, end, _ = parse(cut(process))
        out, calls = out + more, calls + said
    expect = "".join(f"line {i}\n" for i in range(1, 41))
    equal("follow: by connections that break", out.decode(), expect + "x\n")
    equal("follow: and their calls", calls, [f"{expect.index(f'line {i + 1}') if i < 40 else len(expect)} success {i}" for i in (10, 20, 30, 40)])
    check("follow: no such step", host.host("follow", "never", "0", "0").stderr == b"edcc-host: there is no step 'never'\n")


def test_ends(host):
    start(host, "failing", "echo before; build_failed no luck; echo after; touch /tmp/after")
    process = host.start("/opt/edcc/edcc-host", "follow", "failing", "0", "0")
    first = b""
    for line in iter(process.stdout.readline, b""):
        first += line
        if b"call" in line:
            break
    host.host("end", "failing", "TERM")
    out, calls, end, _ = parse(first + process.stdout.read())
    equal("build_failed", (out, calls, end[0], host.sh("ls /tmp/after 2>/dev/null")), (b"before\n", ["7 failed no luck"], 143, ""))
    start(host, "stubborn", "trap '' TERM; setsid sh -c \"trap '' TERM; sleep 60 & wait; sleep 60\" & (env -i sleep 61 &) ; sleep 60; sleep 60")
    until(lambda: int(host.host("left", "stubborn").stdout) >= 5)
    check("left", int(host.host("left", "stubborn").stdout) >= 5)
    host.host("end", "stubborn", "TERM")
    time.sleep(0.2)
    check("end: TERM is only asked", int(host.host("left", "stubborn").stdout) >= 2)
    host.host("end", "stubborn", "KILL")
    equal("end: KILL", (host.host("left", "stubborn").stdout, follow(host, "stubborn")[2][0], host.sh("pgrep -c -f 'sleep 6[01]$'")), (b"0\n", 137, "0\n"))
    start(host, "daemon", "setsid sh -c 'while :; do echo still here; sleep 0.1; done' & sleep 0.3; echo done")
    out, _, end, _ = follow(host, "daemon")
    equal("a daemon that is left", (end[0], b"done\n" in out, int(host.host("left", "daemon").stdout) > 0), (0, True, True))
    host.host("end", "daemon", "KILL")
    equal("and is ended", host.host("left", "daemon").stdout, b"0\n")
    start(host, "orphan", "sleep 60")
    host.sh("kill -KILL $(cut -d ' ' -f 1 /var/lib/edcc/steps/orphan/pids)")
    equal("the runner itself is killed", follow(host, "orphan")[2][0], 137)
    host.host("end", "orphan", "KILL")


# --- the fleet ---


def states(host):
    said = {}
    for line in host.sh("cat /run/edcc/fleet/states").splitlines():
        name, state, slots, text = (line.split(" ", 3) + [""] * 4)[:4]
        said[name] = (state, int(slots or 0), text)
    return said


def hosts_file(host):
    return host.sh("cat /var/lib/edcc/distcc/hosts").split()


def is_state(host, name, state, text=""):
    return lambda: states(host).get(name, ("",))[0] == state and text in states(host)[name][2]


def test_fleet(host, a, b, c, failing):
    listed = [host, a, b, c, failing]
    lines = "".join(f"{m.name} {m.address}{' 1' if m is host else ' ,lzo' if m is a else ''}\n" for m in listed) + "nobody 10.9.0.200\n"
    check("fleet", host.host("fleet", input=lines.encode()).returncode == 0)
    watch = host.start("bash", "-c", "exec /opt/edcc/edcc-host watch >/tmp/watched-fleet")
    check("fleet: a good machine", until(is_state(host, "a", "Ready")), states(host))
    equal("fleet: the HOST itself", until(is_state(host, "host", "Ready")), True)
    check("fleet: another version", until(is_state(host, "b", "Failed", "its compiler is 12.9.9 for x86_64-linux-gnu, the HOST's is 12.2.0 for")),
          states(host))
    check("fleet: other bytes", until(is_state(host, "c", "Failed", "compiles to another object than the HOST")), states(host))
    check("fleet: a failed boot", until(is_state(host, "failing", "Failed", "compiler: ")), states(host))
    equal("fleet: nobody there", states(host)["nobody"], ("Initializing", 0, "no answer yet"))
    cpus = os.cpu_count()
    equal("fleet: distcc's hosts", hosts_file(host),
          [f"--localslots={cpus}", f"--localslots_cpp={2 * cpus}", f"{host.address}:3632/1", f"{a.address}:3632/3,lzo"])
    host.host("receive", input=tar_of({f"{n}.c": (b"int f%d(void) { return %d; }" % (n, n), 0o644, 1) for n in range(12)}))
    before = a.page("distccd.log").count(b"COMPILE_OK")
    start(host, "compile", "for n in {0..11}; do distcc gcc-12 -c $n.c -o $n.o & done; wait; ls *.o | wc -l", DISTCC_DIR="/var/lib/edcc/distcc",
          DISTCC_LOG="/var/lib/edcc/distcc/client.log", DISTCC_FALLBACK="0", DISTCC_PAUSE_TIME_MSEC="20")
    out, _, end, _ = follow(host, "compile")
    check("fleet: it compiles", out == b"12\n" and end[0] == 0 and until(lambda: a.page("distccd.log").count(b"COMPILE_OK") > before), out)
    a.cable(False)
    check("fleet: one that is cut off", until(is_state(host, "a", "Out", "does not answer")), states(host))
    equal("fleet: is not asked", hosts_file(host)[2:], [f"{host.address}:3632/1"])
    a.cable(True)
    check("fleet: and comes back", until(is_state(host, "a", "Ready")) and until(lambda: f"{a.address}:3632/3,lzo" in hosts_file(host)), states(host))
    test_jobs(host)
    cut(watch)
    said = told(host)
    of_a = [line.split(" ", 3)[2] for line in said if line.startswith("host a ")]
    kept = [s for n, s in enumerate(of_a) if not n or of_a[n - 1] != s]
    equal("watch: what became of one", kept[-3:], ["Ready", "Out", "Ready"])
    jobs = jobs_of(said)
    binary = b"".join(map(base64.b64decode, jobs))
    check("watch: jobs", len(binary) % 296 == 0 and b"slow.c\0" in binary and jobs[-1] == "" and ("", "") not in zip(jobs, jobs[1:]), jobs)
    again = host.start("/opt/edcc/edcc-host", "watch")
    first = [again.stdout.readline().decode().split()[1] for _ in range(6)]
    cut(again)
    equal("watch: everything known first", first, [m.name for m in listed] + ["nobody"])
    with tarfile.open(fileobj=io.BytesIO(host.host("logs").stdout)) as logs:
        names = sorted(logs.getnames())
        equal("logs", names, ["a.log", "b.boot.log", "b.log", "c.boot.log", "c.log", "client.log", "failing.boot.log", "host.log"])
    check("fleet: no processes pile up", int(host.sh("pgrep -fc edcc-host")) < 12, host.sh("ps ax"))


def told(host):
    """The whole lines that the watcher has said."""
    return host.sh("cat /tmp/watched-fleet").rpartition("\n")[0].split("\n")


def jobs_of(said):
    return [line[5:] for line in said if line.startswith("jobs")]


SILENT = """import os, socket, time
server = socket.create_server(("127.0.0.1", 3700))
open("/tmp/listens", "w").close()
while not os.path.exists("/tmp/enough"):
    time.sleep(0.05)
"""


def test_jobs(host):
    """A client that waits for a machine that takes its connection and does not answer: it is told while it waits, and that there is none after it."""
    host.host("receive", input=tar_of({"slow.c": (b"int x;", 0o644, 1), "silent.py": (SILENT.encode(), 0o644, 1)}))
    start(host, "jobs", "python3 silent.py & until [ -e /tmp/listens ]; do sleep 0.05; done; distcc gcc-12 -c slow.c; true",
          DISTCC_DIR="/var/lib/edcc/distcc", DISTCC_HOSTS="127.0.0.1:3700/1")
    until(lambda: any(b"slow.c\0" in base64.b64decode(job) for job in jobs_of(told(host))))
    host.sh("touch /tmp/enough")
    follow(host, "jobs")
    until(lambda: jobs_of(told(host))[-1] == "")


def test_fleet_again(host, a):
    # Its log grows fast, and is read late.
    a.start("bash", "-c", "while [ ! -e /tmp/known ]; do yes 'distccd[1] what a busy machine says' | head -n 3000; sleep 0.05; done >>/var/lib/edcc/www/distccd.log")
    host.sh("printf '#!/bin/sh\\ncase $* in *distccd.log) sleep 0.3 ;; esac\\nexec /usr/bin/curl \"$@\"\\n' >/opt/edcc/bin/curl; chmod 755 /opt/edcc/bin/curl")
    host.host("fleet", "7", input=f"a {a.address}\n".encode())
    check("fleet: another one", until(is_state(host, "a", "Ready")) and list(states(host)) == ["a"], states(host))
    a.sh("touch /tmp/known")
    host.sh("rm /opt/edcc/bin/curl")
    equal("fleet: local slots as given", hosts_file(host)[0], "--localslots=7")
    bad = host.host("fleet", input=b"x; 10.0.0.1;id\n")
    check("fleet: no machine", bad.returncode == 1 and b"is no machine" in bad.stderr, bad.stderr)


def logged(host):
    """What the watcher has told of the client's log."""
    lines = host.sh("cat /tmp/watched").rpartition("\n")[0].split("\n")
    return b"".join(base64.b64decode(line[4:]) for line in lines if line.startswith("log "))


def test_sulk(host, a):
    """A machine whose distccd is gone is out, and back when it answers again; what goes wrong on the HOST itself is held against nobody."""
    client = {"DISTCC_DIR": "/var/lib/edcc/distcc", "DISTCC_LOG": "/var/lib/edcc/distcc/client.log", "DISTCC_SKIP_LOCAL_RETRY": "1"}
    listed = f"{a.address}:3632/3"
    host.host("fleet", input=f"a {a.address}\n".encode())
    until(is_state(host, "a", "Ready"))
    many = [f"distcc[{n}] compile many.c on 10.9.0.9:3632/4 completed ok" for n in range(30000)]
    host.run("bash", "-c", "cat >>/var/lib/edcc/distcc/client.log", input="\n".join([*many, ""]).encode())
    watch = host.start("bash", "-c", "exec /opt/edcc/edcc-host watch log >/tmp/watched")
    dies = b'#!/bin/sh\ncase " $* " in *" -E "*) kill -9 $$ ;; esac\nexec /usr/bin/gcc-12 "$@"\n'
    host.host("receive", input=tar_of({"bin/x86_64-linux-gnu-gcc-12": (dies, 0o755, 1)}))
    mark = f"backoff_tcp_{a.address}_3632_0"
    for name in ("ours", "ours-too"):
        # The watcher forgives within a second: until the test has looked it is stopped.
        host.sh("kill -STOP -- -$(cat /run/edcc/watcher)")
        start(host, name, f"PATH=$PWD/bin:$PATH distcc gcc-12 -c 0.c -o {name}.o; ls $DISTCC_DIR/lock", **client)
        held = follow(host, name)[0].decode().split()
        host.sh("kill -CONT -- -$(cat /run/edcc/watcher)")
        check("sulk: distcc holds it against the machine", mark in held, held)
        check("sulk: it is forgiven", until(lambda: mark not in host.sh("ls /var/lib/edcc/distcc/lock").split()),
              host.sh("tail -n 30 /var/lib/edcc/distcc/client.log"))
    check("sulk: and not out", states(host)["a"][0] == "Ready" and listed in hosts_file(host), states(host))
    a.sh("tr '\\0' ' ' </proc/$(pgrep -o distccd)/cmdline >/tmp/again; pkill -x distccd; while pgrep distccd; do sleep 0.05; done")
    start(host, "no-daemon", "distcc gcc-12 -c 1.c -o gone.o", **client)
    follow(host, "no-daemon")
    check("sulk: one without distccd", until(is_state(host, "a", "Failed", "cannot compile a small file: ")) and
          until(lambda: listed not in hosts_file(host)), states(host))
    a.sh("DISTCC_CMDLIST=/etc/edcc/compilers TMPDIR=/var/lib/edcc/distccd $(cat /tmp/again)")
    check("sulk: is back", until(is_state(host, "a", "Ready")) and until(lambda: listed in hosts_file(host)), states(host))
    before = a.page("distccd.log").count(b"COMPILE_OK")
    start(host, "daemon-again", "distcc gcc-12 -c 2.c -o back.o", **client)
    follow(host, "daemon-again")
    check("sulk: and compiles", until(lambda: a.page("distccd.log").count(b"COMPILE_OK") > before))
    again = b"compile 2.c on %s completed ok" % listed.encode()
    until(lambda: again in logged(host))
    cut(watch)
    said = logged(host)
    check("watch: the log, whole lines", set(many) <= set(said.decode().splitlines()))
    equal("watch: the log", [said.count(b"failed to distribute 0.c to"), said.count(b"failed to distribute 1.c to"),
                             said.count(again), said.count(b"elapsed")], [2, 1, 1, 0])


# --- the end ---


def test_leases():
    script = user_data(FILE.format(version="12"), lease="10").stdout
    host, coop = Machine("short-host", 0, script), Machine("short-coop", 1, script)
    other = Machine("short-other", 1, user_data(FILE.format(version="12"), lease="10", first_is_host="no").stdout)
    for machine in (host, coop):
        machine.wait("Ready")
    send_host(host)
    ends = time.monotonic() + 15
    while time.monotonic() < ends:
        host.host("renew", "10")
        coop.page()
        time.sleep(0.5)
    check("lease: renewed", host.alive() and coop.alive())
    last = time.monotonic()
    check("lease: one that nobody asks ends", until(lambda: not other.alive()))
    check("lease: without edcc the HOST ends", until(lambda: not host.alive()) and time.monotonic() - last > 5, time.monotonic() - last)
    check("lease: and the COOP", until(lambda: not coop.alive()))


def send_host(machine):
    with open(f"{HERE}/../../aws/guest/host.sh", "rb") as source:
        machine.run("bash", "-c", "cat >/opt/edcc/edcc-host && chmod 700 /opt/edcc/edcc-host", input=source.read())


def main():
    start_network()
    key, _, public = make_key("key")
    _, first_private, first_public = make_key("first")
    words = {"keys": public, "host_key": first_private, "pump": "auto"}
    script = user_data(FILE.format(version="12"), **words).stdout
    host, a = Machine("host", 0, script), Machine("a", 1, script)
    b, c = Machine("b", 2, script, OTHER_VERSION), Machine("c", 3, script, OTHER_BYTES)
    failing = Machine("failing", 4, user_data(FILE.format(version="99"), **words).stdout, NO_PACKAGES)
    missing = Machine("missing", 5, script, NO_PACKAGES + "rm /usr/sbin/nginx\n")
    busy = Machine("busy", 6, script, BUSY_PORT)
    headers, objects = Machine("headers", 7, script, OTHER_HEADERS), Machine("objects", 8, script, OTHER_OBJECT)
    leases = threading.Thread(target=test_leases)
    test_user_data(script, first_private)
    for machine in (host, a, b, c):
        machine.wait("Ready")
    leases.start()
    test_boot(host, a, first_public)
    test_keys(host, a, key, first_public)
    test_failed_boots(failing, missing, busy)
    test_targets()
    test_small(host)
    test_tree(host)
    test_store(host)
    test_cache(host)
    test_steps(host)
    test_secrets(host)
    test_output(host)
    test_ends(host)
    test_fleet(host, a, b, c, failing)
    test_fleet_again(host, a)
    test_sulk(host, a)
    test_pump(host, a, headers, objects)
    leases.join()
    finish()


if __name__ == "__main__":
    main()
