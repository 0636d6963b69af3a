#!/usr/bin/env python3
"""scale.py EDCC STANDIN [PLOT]: one build on 1 to 64 hosts of provider local, behind real distcc and distccd, with a compiler that sleeps.

Two processors cannot show how a fleet scales: its compilers would share them. So STANDIN (standin.c) sleeps for as long as gcc took for each file of zstd
(recorded.txt), and what is left is what distributing costs: make, edcc's and distcc's client, preprocessed sources on their way, the daemons.

Prints a line "HOSTS SECONDS IDEAL EFFICIENCY PROCESSORS" for each number of hosts: IDEAL is what the sleeps alone take, each begun in make's order as soon
as a slot is free, EFFICIENCY how many percent of the time that is, PROCESSORS how many of this machine's were busy. PLOT: an SVG of the speed-up."""

import hashlib
import heapq
import json
import math
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HOSTS = (1, 2, 3, 4, 8, 16, 32, 64)
SLOTS = 2
# Copies of zstd: up to four hosts the few will do.
FEW, MANY = 6, 24
EDCCFILE = """\
project = scale
hosts  ?= 1

instances:
    count = $(hosts)

compiler gcc:
    cc = {standin}

distcc:
    slots       = {slots}
    local_slots = 1
    fallback    = no

build all:
    make -s -j"$JOBS"
"""
MAKEFILE = """\
all: $(patsubst %.c,%.o,$(wildcard *.c))

%.o: %.c
\t$(CC) -c -o $@ $<
"""


def recorded():
    with open(os.path.join(HERE, "recorded.txt"), encoding="ascii") as file:
        return [line.split() for line in file if not line.startswith("#")]


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def project(folder, standin, copies):
    """Sources that are as long as the recorded ones are when preprocessed. Returns what their compiles take, in make's order."""
    os.mkdir(folder)
    write(os.path.join(folder, "Edccfile"), EDCCFILE.format(standin=standin, slots=SLOTS))
    write(os.path.join(folder, "Makefile"), MAKEFILE)
    sleeps = {}
    for copy in range(copies):
        for ms, length, size, name in recorded():
            # Mixed, and always the same mixture.
            path = hashlib.sha256(f"{copy} {name}".encode()).hexdigest()[:12] + ".c"
            write(os.path.join(folder, path), f"//standin {ms} {size}\n" + "/* a line of text to fill it with */\n" * (int(length) // 37))
            sleeps[path] = int(ms) / 1000
    return [sleeps[path] for path in sorted(sleeps)]


def ideal(sleeps, slots):
    free = [0.0] * slots
    for sleep in sleeps:
        heapq.heapreplace(free, free[0] + sleep)
    return max(free)


def busy():
    """Seconds that this machine's processors have worked, all of them together."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def build(edcc, folder, hosts):
    """Seconds of the step, and processors that were busy meanwhile."""
    before = busy()
    done = subprocess.run([edcc, "-C", folder, "apply", "--json", f"hosts={hosts}"], stdout=subprocess.PIPE, text=True, check=True)
    used = busy() - before
    events = [json.loads(line) for line in done.stdout.splitlines()]
    compiles = {e["host"]: e["compiles"] for e in events if e["event"] == "compiles"}
    if compiles.pop("this machine"):
        raise SystemExit("some compiles ran on this machine")
    seconds = [e["took"] for e in events if e["event"] == "done" and e["action"] == "step all"][-1] / 1000
    for name in os.listdir(folder):
        if name.endswith(".o"):
            os.unlink(os.path.join(folder, name))
    return seconds, used / seconds


def plot(path, measured):
    """Speed-up over the number of hosts, both on scales that double."""
    width, height, left, top = 560, 420, 60, 20
    last = math.log2(HOSTS[-1])

    def x(hosts):
        return left + math.log2(hosts) / last * (width - left - 20)

    def y(speedup):
        return height - 50 - math.log2(max(speedup, 0.5)) / last * (height - 50 - top)

    def line(points, look):
        return f'<polyline fill="none" {look} points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>'

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for hosts in HOSTS:
        if hosts != 3:
            parts += [line([(x(hosts), y(1)), (x(hosts), y(HOSTS[-1]))], 'stroke="#ddd"'), line([(x(1), y(hosts)), (x(HOSTS[-1]), y(hosts))], 'stroke="#ddd"'),
                      f'<text x="{x(hosts):.1f}" y="{height - 32}" text-anchor="middle">{hosts}</text>',
                      f'<text x="{left - 8}" y="{y(hosts) + 4:.1f}" text-anchor="end">{hosts}</text>']
    curve = [(x(hosts), y(hosts * efficiency)) for hosts, efficiency in measured]
    parts += [line([(x(h), y(h)) for h in (1, HOSTS[-1])], 'stroke="#888"'), line([(x(h), y(h * 0.89)) for h in (1, HOSTS[-1])], 'stroke="#888" stroke-dasharray="4 4"'),
              line(curve, 'stroke="#06c" stroke-width="2"')] + [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="#06c"/>' for a, b in curve]
    parts += [f'<text x="{x(8):.1f}" y="{height - 12}" text-anchor="middle">hosts of {SLOTS} slots</text>',
              f'<text x="16" y="{y(8):.1f}" text-anchor="middle" transform="rotate(-90 16 {y(8):.1f})">times faster than one host without any cost</text>',
              f'<text x="{left + 12}" y="{top + 14}" fill="#06c">measured</text><text x="{left + 12}" y="{top + 32}" fill="#666">ideal; dashed: 89 %</text>', "</svg>"]
    write(path, "\n".join(parts) + "\n")


def main():
    edcc, standin = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    measured = []
    with tempfile.TemporaryDirectory() as lab:
        sleeps = {copies: project(os.path.join(lab, str(copies)), standin, copies) for copies in (FEW, MANY)}
        for hosts in HOSTS:
            copies = FEW if hosts <= 4 else MANY
            seconds, processors = build(edcc, os.path.join(lab, str(copies)), hosts)
            least = ideal(sleeps[copies], hosts * SLOTS)
            measured.append((hosts, least / seconds))
            print(f"{hosts} {seconds:.2f} {least:.2f} {100 * least / seconds:.1f} {processors:.2f}", flush=True)
    if len(sys.argv) > 3:
        plot(sys.argv[3], measured)


main()
