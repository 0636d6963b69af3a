"""Machines that preprocess: which of them do, what is sent to them, and when that is over."""

import io
import re
import shutil
import tarfile

from lab import *

CLIENT = "/var/lib/edcc/distcc"
SOCKET = "/tmp/edcc-pump/socket"
COMPILE = f"DISTCC_DIR={CLIENT} DISTCC_LOG={CLIENT}/client.log DISTCC_FALLBACK=0 DISTCC_SKIP_LOCAL_RETRY=1 INCLUDE_SERVER_PORT={SOCKET} distcc gcc-12"
# One whose own headers are others, and one that makes another object of what it preprocesses.
OTHER_HEADERS = "echo >/usr/include/edcc-other.h\n"
OTHER_OBJECT = """printf '#!/bin/sh\\ncase "$*" in *".c "*) set -- "$@" -frecord-gcc-switches ;; esac\\nexec /usr/bin/gcc-12 "$@"\\n' >/usr/local/bin/gcc-12
chmod 755 /usr/local/bin/gcc-12
ln /usr/local/bin/gcc-12 /usr/local/bin/x86_64-linux-gnu-gcc-12
"""
FILE = "provider aws:\n    region = eu-west-1\ninstances:\n    count = 1\nbuild x:\n    true\n"
FILES = {
    "own.h": "#define SUM(a, b) ((a) + (b))\nstatic const char where[] = __FILE__;\n",
    **{f"f{n}.c": f'#include <stdio.h>\n#include "own.h"\nint f{n}(void) {{ return puts(where) + SUM({n}, EOF); }}\n' for n in range(6)},
    "new.c": "#include <edcc-new.h>\nint n = NEW;\n",
}


def said(host):
    return host.sh("cat /run/edcc/fleet/pump").splitlines()


def ready(host, *machines):
    wanted = {f"{m.name} Ready" for m in machines}
    return until(lambda: wanted <= {" ".join(line.split()[:2]) for line in host.sh("cat /run/edcc/fleet/states").splitlines()})


def pumping(host):
    """The machines that are to preprocess, by the list."""
    return [word.split(":")[0] for word in host.sh(f"cat {CLIENT}/hosts").split() if word.endswith(",lzo,cpp")]


def servers(host):
    return host.sh("pgrep -fc /opt/edcc/pump.py").strip()


def answers(host):
    return [line for line in host.sh(f"cat {CLIENT}/pump.log").splitlines() if line.startswith("edcc: ")]


def fleet(host, run, pump, *machines, waits=9):
    host.host("fleet", "2", run, pump, input="".join(f"{m.name} {m.address} ,lzo\n" for m in machines).encode())
    return ready(host, *machines[:waits])


def test_pump(host, a, headers, objects):
    if not shutil.which("distcc-pump"):
        skip("pump: distcc-pump is not installed")
        return
    with open(f"{ROOT}/runtime/pump.py", "rb") as text:
        host.host("front", input=b"pump.py\0" + text.read() + b"\0")
    script = user_data(FILE, pump="yes").stdout
    lacking = Machine("lacking", 0, script, NO_PACKAGES + "rm /usr/bin/distcc-pump\n")
    test_machines(host, a, headers, objects)
    test_files(host)
    status = lacking.wait("Failed")
    equal("pump: insisted on, and there is none", (status["step"], status["log"].split("\n")[-1]),
          ("packages", "there is no distcc-pump here; 'pump = auto' does without"))
    test_ends(host, a)


def state(host, machine):
    return next(line.split(" ", 3)[1::2] for line in host.sh("cat /run/edcc/fleet/states").splitlines() if line.startswith(machine.name + " "))


def test_machines(host, a, headers, objects):
    check("pump: digests", len(a.status()["headers"]) == 64 and a.status()["headers"] == host.status()["headers"] != headers.status()["headers"])
    other, why = "has other system headers than the HOST", "cannot preprocess a small file: the object is another one"
    check("pump: who can", fleet(host, "pump1", "yes", host, a, headers, objects, waits=2), said(host))
    check("pump: who has other headers", until(lambda: state(host, headers) == ["Failed", other]), state(host, headers))
    check("pump: who makes other objects", until(lambda: state(host, objects) == ["Failed", why]), state(host, objects))
    equal("pump: the list", (pumping(host), said(host)), ([host.address, a.address], ["on"]))
    watch = host.start("/opt/edcc/edcc-host", "watch")
    first = [watch.stdout.readline().decode().split()[:2] for _ in range(2)]
    cut(watch)
    equal("pump: said before the host's word", first, [["pump", "on"], ["host", "host"]])
    equal("pump: its own compiles are not counted", answers(host), [])
    for machine, text in ((headers, other), (objects, why)):
        fleet(host, f"pump-{machine.name}", "auto", a, machine)
        equal(f"pump: all machines or none: {machine.name}", (said(host), pumping(host)), ([f"off {machine.name} {text}"], []))
    fleet(host, "pump1", "yes", host, a)


def test_files(host):
    """What is sent comes back as a plain compile makes it; a header of the system that has come since the boot is nobody else's."""
    host.sh("mkdir -p /tmp/files")
    for name, text in FILES.items():
        host.run("bash", "-c", f"cat >/tmp/files/{name}", input=text.encode())
    for n in range(6):
        host.sh(f"cd /tmp/files && {COMPILE} -c f{n}.c -o f{n}.o && gcc-12 -c f{n}.c -o plain{n}.o")
    equal("pump: the same objects", host.sh("cd /tmp/files && for n in {0..5}; do cmp f$n.o plain$n.o && echo same; done").split(), ["same"] * 6)
    equal("pump: by machines", answers(host), ["edcc: sent"] * 6)
    host.sh(f"echo '#define NEW 1' >/usr/include/edcc-new.h; cd /tmp/files && {COMPILE} -c new.c")
    equal("pump: a new header of the system", (answers(host)[6:], host.sh("ls /tmp/files/new.o")), (["edcc: here: with headers newer than the boot"], "/tmp/files/new.o\n"))
    with tarfile.open(fileobj=io.BytesIO(host.host("logs").stdout)) as logs:
        check("pump: its log is brought", logs.extractfile("pump.log").read().count(b"edcc: sent\n") == 6)


def test_ends(host, a):
    host.sh("pkill -KILL -f /opt/edcc/pump.py")
    check("pump: it has ended", until(lambda: said(host) == ["off distcc's include server has ended"]), said(host))
    equal("pump: nobody preprocesses then", until(lambda: pumping(host) == []), True)
    fleet(host, "pump2", "auto", host, a)
    host.sh("pkill -STOP -f /opt/edcc/pump.py")
    fleet(host, "pump2", "auto", host, a)
    equal("pump: the next fleet's", (servers(host), pumping(host), answers(host)), ("1", [host.address, a.address], []))
    host.sh(f"cd /tmp/files && for n in {{0..5}} {{0..4}}; do {COMPILE} -g -c f$n.c -o g.o; done")
    # Looked at several at a time: of how many when is the machine's affair.
    check("pump: not worth it", until(lambda: any(re.fullmatch(r"off of the first (1\d), \1 had to be preprocessed here \(\1 with -g\)", s) for s in said(host))), said(host))
    fleet(host, "pump3", "no", host, a)
    equal("pump: a fleet without", (servers(host), said(host), pumping(host), host.sh("ls -d /tmp/edcc-pump")), ("0", [], [], ""))
    host.sh("mv /usr/bin/distcc-pump /tmp")
    fleet(host, "pump4", "auto", host, a)
    equal("pump: no package", (said(host), pumping(host)), (["off there is no distcc-pump on the host"], []))
    host.sh("mv /tmp/distcc-pump /usr/bin; echo 'raise SystemExit(\"beyond help\")' >/opt/edcc/pump.py")
    fleet(host, "pump5", "yes", host, a)
    equal("pump: one that does not start", (said(host), pumping(host)), (["off distcc's include server does not start: beyond help"], []))
    fleet(host, "pump6", "no", host, a)
