"""edcc monitor: over state files that are played, beside a build that edcc knows nothing of, and beside a run."""

import fcntl
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time

import lab
from lab import EDCC, HIDE, SHOW, SLOW, Project, Screen, Terminal, check

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
STARTUP, BLOCKED, CONNECT, PREPROCESS, SEND, COMPILE, RECEIVE, DONE = range(8)
KEYS = "q ends, space freezes, s: slots or hosts, arrows scroll"


class Played:
    """A DISTCC_DIR as distcc's clients would have it; this process plays all of them."""

    def __init__(self):
        self.project = Project("")
        self.dir = os.path.join(self.project.dir, "played")
        os.makedirs(self.dir + "/state")
        os.makedirs(self.dir + "/lock")

    def file(self, folder, name, data=b"", age=-3600):
        """From the future, so that it is always 0 seconds old."""
        path = os.path.join(self.dir, folder, name)
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (time.time() - age,) * 2)

    def job(self, file, host, slot, phase, age=-3600, pid=None, magic=0x44494800):
        name = f"binstate_{len(os.listdir(self.dir + '/state'))}"
        data = struct.pack("=QQQ128s128siiQ", 296, magic, pid or os.getpid(), file.encode(), host.encode(), slot, phase, 0)
        self.file("state", name, data, age)

    def slots(self, host, count, port=3632):
        for slot in range(count):
            self.file("lock", f"cpu_tcp_{host}_{port}_{slot}")

    def monitor(self, *arguments, **more):
        return self.project.edcc("monitor", "--distcc-dir", "played", *arguments, **more)


def small():
    """Two hosts, one of them on two ports, one that has failed, something here and something that waits; and what must not be shown."""
    played = Played()
    played.slots("10.0.0.2", 3)
    played.slots("10.0.0.10", 1)
    played.slots("10.0.0.10", 1, port=3633)
    played.slots("10.0.0.99", 4)
    played.job("lapi.c", "10.0.0.2", 0, COMPILE)
    played.job("lgc.c", "10.0.0.2", 2, PREPROCESS)
    played.job("日本語.c", "10.0.0.10", 0, SEND)
    played.job("lvm.c", "10.0.0.10", 0, RECEIVE)
    played.job("lua.o", "localhost", 0, COMPILE)
    played.job("", "", 0, BLOCKED)
    played.slots("::1", 1)
    played.file("lock", "backoff_tcp_::1_3632_0", age=0)
    # One of a host's two daemons: the other goes on.
    played.file("lock", "backoff_tcp_10.0.0.10_3633_0", age=0)
    played.file("lock", "backoff_ssh_long.ago_0", age=61)
    gone = subprocess.Popen(["true"])
    gone.wait()
    played.job("dead.c", "10.0.0.99", 0, COMPILE, pid=gone.pid)
    played.job("strange.c", "10.0.0.99", 0, COMPILE, magic=1)
    played.job("phase.c", "10.0.0.99", 0, 8)
    played.file("state", "binstate_short", b"x" * 100)
    return played


SMALL = """\
distcc in played
3 hosts, 1 out; 4 of 5 slots busy; 1 job on localhost; 1 waiting
receive 1, compile 2, send 1, preprocess 1, blocked 1
HOST       SLOT  PHASE        SECONDS  FILE
::1              out         it failed: distcc leaves it out for another N s
10.0.0.2      0  compile          0.0  lapi.c
              1  -
              2  preprocess       0.0  lgc.c
10.0.0.10     0  receive          0.0  lvm.c
              0  send             0.0  日本語.c
              1  -
localhost     0  compile          0.0  lua.o
waiting          blocked          0.0
"""


def settled(text):
    """Without what depends on the second; lines without blanks at their ends."""
    text = text.decode() if isinstance(text, bytes) else text
    return re.sub(r"another \d+ s", "another N s", re.sub(r" +$", "", text, flags=re.M))


def monitor_once():
    played = small()
    result = played.monitor("--once")
    check("--once", settled(result.stdout) == SMALL and result.returncode == 0, settled(result.stdout))
    played.job("old.c", "10.0.0.2", 1, COMPILE, age=100)
    text = played.monitor("--once").stdout.decode()
    check("--once: seconds since the phase began", re.search(r"^ +1  compile        10\d\.\d  old\.c$", text, re.M), text)
    own = Project("")
    nothing = own.edcc("monitor", "--once", HOME=own.dir, DISTCC_DIR="")
    wanted = f"no run of edcc goes on; distcc in {own.dir}/.distcc\n0 hosts\n\nnothing compiles\n"
    check("--once: nothing", nothing.stdout.decode() == wanted and nothing.returncode == 0, nothing)
    by_variable = played.project.edcc("monitor", "--once", DISTCC_DIR=played.dir).stdout.decode()
    check("--once: DISTCC_DIR", "old.c" in by_variable and f"distcc in {played.dir}\n" in by_variable, by_variable)


def monitor_json():
    def job(slot, phase, file):
        return {"slot": slot, "phase": phase, "file": file, "took": 0}

    wanted = {
        "format": 1,
        "folder": "played",
        "hosts": [
            {"name": "::1", "address": "::1", "state": "out", "why": "it failed: distcc leaves it out for another N s", "slots": 1, "jobs": []},
            {"name": "10.0.0.2", "address": "10.0.0.2", "state": "ready", "slots": 3, "jobs": [job(0, "compile", "lapi.c"), job(2, "preprocess", "lgc.c")]},
            {"name": "10.0.0.10", "address": "10.0.0.10", "state": "ready", "slots": 2, "jobs": [job(0, "receive", "lvm.c"), job(0, "send", "日本語.c")]},
            {"name": "localhost", "address": "localhost", "state": "ready", "jobs": [job(0, "compile", "lua.o")]},
        ],
        "waiting": [{"phase": "blocked", "file": "", "took": 0}],
    }
    for arguments in (["--json"], ["--json", "--once"]):
        result = small().monitor(*arguments)
        check(f"monitor {arguments}", json.loads(settled(result.stdout)) == wanted and result.returncode == 0, result.stdout.decode())


def monitor_of_a_journal():
    """A run whose hosts are of all kinds, as its journal has them: two daemons on one address are one host, for distcc does not say which it means."""
    project = Project("")
    folder = os.path.join(project.dir, ".edcc/runs/20260101-000000-0000")
    os.makedirs(folder + "/fleet/client/state")
    with open("/proc/self/stat", encoding="utf-8") as file:
        start = int(file.read().rsplit(")", 1)[1].split()[19])
    now = int(time.time() * 1000)
    owner = {"host": socket.gethostname(), "pid": os.getpid(), "start": start}
    lines = [
        {"record": "run", "time": now - 90500, "run": "20260101-000000-0000", "format": 1, "project": "demo", "provider": "hosts", "dir": project.dir, "owner": owner},
        {"record": "host", "name": "red:4001", "address": "red:4001", "slots": 2, "state": "ready"},
        {"record": "host", "name": "red:4002", "address": "red:4002", "slots": 1, "state": "ready"},
        {"record": "host", "name": "blue", "address": "ann@blue", "slots": 2, "state": "ready"},
        {"record": "host", "name": "coop-1", "address": "10.0.0.7:3632", "slots": 4, "state": "out", "why": "its canary differs"},
        {"record": "host", "name": "[fd31::5]", "address": "[fd31::5]:3632", "slots": 1, "state": "ready"},
        {"record": "begun", "name": "first", "time": now - 90000},
        {"record": "step", "name": "first", "verdict": "build_success"},
        {"record": "begun", "name": "second", "time": now - 10500},
        {"record": "begun", "name": "third", "time": now - 500},
    ]
    with open(folder + "/journal", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"time": now, **line}) + "\n" for line in lines)
    for host, slot in [("red", 0), ("red", 0), ("blue", 1), ("fd31::5", 0)]:
        data = struct.pack("=QQQ128s128siiQ", 296, 0x44494800, os.getpid(), b"a.c", host.encode(), slot, COMPILE, 0)
        path = f"{folder}/fleet/client/state/binstate_{len(os.listdir(folder + '/fleet/client/state'))}"
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (time.time() + 3600,) * 2)
    wanted = """\
run 20260101-000000-0000 of demo on hosts, 1 min {} s
running: second {} s, third {} s
4 hosts, 1 out; 4 of 6 slots busy
compile 4
HOST       SLOT  PHASE        SECONDS  FILE
red           0  compile          0.0  a.c
              0  compile          0.0  a.c
              1  -
              2  -
blue          0  -
              1  compile          0.0  a.c
coop-1           out         its canary differs
[fd31::5]     0  compile          0.0  a.c
"""
    found = settled(project.edcc("monitor", "--once").stdout)
    # As many seconds later as it took to come here.
    later = range(int(time.time() - now / 1000) + 2)
    check("monitor of a journal", found in [wanted.format(30 + s, 10 + s, s) for s in later], found)


def monitor_refusals():
    played = small()
    for name, result, wanted in [
        ("a pipe", played.monitor(), "standard output is no terminal that could be drawn on\nedcc: hint: --once prints what is now as lines, --json as JSON\n"),
        (
            "no such folder",
            played.project.edcc("monitor", "--once", "--distcc-dir=nowhere"),
            "there is no folder 'nowhere'\nedcc: hint: --distcc-dir names the DISTCC_DIR of the build that is to be watched\n",
        ),
    ]:
        good = result.stderr.decode() == "edcc: error: " + wanted and result.returncode == 1 and not result.stdout
        check(f"monitor: {name}", good, result)


def monitor_hostile():
    """Files' names cannot steer the terminal, nor make lines."""
    played = Played()
    played.job("a\x1b[2J\nb\tc\x07.c", "evil\x1b]0;title\x07host", 0, COMPILE)
    text = played.monitor("--once").stdout.decode()
    check("hostile names", text.endswith("\nevilhost     0  compile          0.0  a b c.c\n"), repr(text))


def ends(name, status, act, shell=False):
    played = small()
    terminal = Terminal(played.project, EDCC, "monitor", "--distcc-dir", "played", shell=shell)
    check(f"monitor, {name}: begins", terminal.read(KEYS.encode()), terminal.why())
    act(terminal)
    terminal.end()
    check(f"monitor, {name}: status", terminal.status == status, terminal.why())
    check(f"monitor, {name}: the cursor is back", terminal.shown(), terminal.why())
    left = terminal.written.count(ENTER) == terminal.written.count(LEAVE) and terminal.written.endswith(LEAVE)
    check(f"monitor, {name}: the screen is left, and nothing is written after that", left, terminal.why())
    check(f"monitor, {name}: modes", terminal.modes == terminal.modes_after, terminal.why())


def stop_and_go(terminal):
    os.write(terminal.fd, b"\x1a")
    os.waitpid(terminal.pid, os.WUNTRACED)
    terminal.read(LEAVE)
    check("monitor stopped: the terminal is whole", terminal.written.endswith(LEAVE) and terminal.shown(), terminal.why())
    check("monitor stopped: modes", lab.modes_of(terminal) == terminal.modes, terminal.why())
    os.kill(terminal.pid, signal.SIGCONT)
    again = terminal.read(LEAVE + ENTER) and terminal.read_again(KEYS.encode())
    check("monitor continued: it is drawn again", again, terminal.why())
    os.write(terminal.fd, b"q")


def stay(terminal):
    os.write(terminal.fd, b"\x1a")
    check("monitor, Ctrl-Z where nobody would let it go on: it is drawn again", terminal.read(LEAVE + ENTER), terminal.why())
    os.write(terminal.fd, b"q")


def monitor_endings():
    ends("q", 0, lambda terminal: os.write(terminal.fd, b"q"))
    ends("Ctrl-C", 0, lambda terminal: os.write(terminal.fd, b"\x03"))
    ends("INT", 0, lambda terminal: os.kill(terminal.pid, signal.SIGINT))
    ends("TERM", 0, lambda terminal: os.kill(terminal.pid, signal.SIGTERM))
    ends("HUP", 0, lambda terminal: os.kill(terminal.pid, signal.SIGHUP))
    ends("Ctrl-Z", 0, stop_and_go, shell=True)
    ends("Ctrl-Z where nobody would let it go on", 0, stay)
    ends("Ctrl-\\", -signal.SIGQUIT, lambda terminal: os.write(terminal.fd, b"\x1c"))
    ends("a crash", -signal.SIGSEGV, lambda terminal: os.kill(terminal.pid, signal.SIGSEGV))


def monitor_of_whom_nobody_reads():
    """The terminal takes nothing more: neither an end nor a change of its size waits for it, and what it had is put right."""
    for number, status in [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGQUIT, -signal.SIGQUIT)]:

        def act(terminal, number=number):
            terminal.fill()
            resize(terminal, 70)
            time.sleep(0.3)
            os.kill(terminal.pid, number)
            took = ended(terminal, 2)
            check(f"monitor of whom nobody reads: {number.name}", took, "it has not ended")

        ends(f"nobody reads, {number.name}", status, act)


def resize(terminal, columns):
    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def ended(terminal, seconds):
    """Whether it ends without being read; it is not waited for."""
    end = time.time() + seconds * SLOW
    while time.time() < end and not os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        time.sleep(0.02)
    return time.time() < end


def monitor_goes_on():
    """Read again it is drawn as it is now; Ctrl-S, which is for what scrolls, does not hold it up."""
    terminal = Terminal(small().project, EDCC, "monitor", "--distcc-dir", "played")
    terminal.read(KEYS.encode())
    terminal.fill()
    resize(terminal, 70)
    time.sleep(0.3)
    resize(terminal, 40)
    whole = KEYS[:39].encode() + b"\x1b[0m\x1b[K\x1b[J\x1b[?2026l"
    check("monitor read again", terminal.read_again(whole) and terminal.written.endswith(whole), terminal.why())
    os.write(terminal.fd, b"\x13s")
    check("monitor: Ctrl-S does not hold it up", terminal.read_again(b"BUSY/SLOTS"), terminal.why())
    os.write(terminal.fd, b"q")
    check("monitor read again: status", terminal.end() == 0, terminal.why())


def monitor_without_terminal():
    """The window is closed, or the connection to it is lost."""
    terminal = Terminal(small().project, EDCC, "monitor", "--distcc-dir", "played")
    terminal.read(KEYS.encode())
    os.close(terminal.fd)
    end, ended = time.time() + 20 * SLOW, 0
    while not ended and time.time() < end:
        ended, status = os.waitpid(terminal.pid, os.WNOHANG)
        time.sleep(0.02)
    check("monitor whose terminal goes away: it ends by itself", ended and status == 0, f"{ended}, {status}")
    if not ended:
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)


def monitor_colour():
    played = small()
    for name, more, coloured in [("colour", {}, True), ("NO_COLOR", {"NO_COLOR": "1"}, False), ("CI", {"CI": "1"}, False)]:
        terminal = Terminal(played.project, EDCC, "monitor", "--distcc-dir", "played", **more)
        terminal.read(KEYS.encode())
        os.write(terminal.fd, b"q")
        terminal.end()
        check(f"monitor: {name}", (b"\x1b[32m" in terminal.written) == coloured and HIDE in terminal.written, terminal.why())


def monitor_cost():
    """Sixty-four jobs on a screen that has them all: what it costs, and what it writes where nothing changes."""
    played = Played()
    for host in range(8):
        played.slots(f"10.0.0.{host}", 8)
        for slot in range(8):
            played.job(f"file{slot}.c", f"10.0.0.{host}", slot, COMPILE, age=5)
    before, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), 5
    for rows, most in [(80, lambda took: 4 * took + 3), (24, lambda took: 1)]:
        began = time.time()
        terminal = Terminal(played.project, EDCC, "monitor", "--distcc-dir", "played", columns=100, rows=rows)
        terminal.read(until=b"never", seconds=seconds / SLOW)
        os.write(terminal.fd, b"q")
        terminal.end()
        frames, took = terminal.written.count(b"\x1b[?2026h"), time.time() - began
        check(f"monitor: four looks a second at most, on {rows} lines", 1 <= frames <= most(took), f"{frames} in {took} s")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    check("monitor: its cost", SLOW > 1 or used < 0.02 * 2 * seconds, f"{used:.3f} s of {2 * seconds}")


# --- on the screen ---


def shows(name, window, wanted, seconds=5):
    """The whole screen is these lines, soon."""
    end = time.time() + seconds * SLOW
    while settled("\n".join(window.lines())) != wanted.rstrip("\n") and time.time() < end:
        time.sleep(0.05)
    check(name, settled("\n".join(window.lines())) == wanted.rstrip("\n"), "\n".join(window.lines()))


def page(lines, foot, rows=24):
    """What a screen shows: the lines, free ones, the foot."""
    lines = lines.rstrip("\n").split("\n")
    return "\n".join(lines + [""] * (rows - 1 - len(lines)) + [foot])


HEAD = "distcc in played\n26 hosts; 416 of 416 slots busy\ncompile 416\n"
HEAD_HOSTS = HEAD + "HOST     BUSY/SLOTS  C compile p preprocess > connect s send r receive . free\n"
HEAD_SLOTS = HEAD + "HOST     SLOT  PHASE        SECONDS  FILE\n"


def host_lines(first, last):
    line = "{:<7}    16/16     CCCCCCCCCCCCCCCC  0.c 1.c 2.c 3.c 4.c 5.c 6.c 7.c 8.c 9.c"
    return "".join(line.format(f"worker{chr(97 + i)}") + "\n" for i in range(first, last))


def monitor_sizes():
    """Twenty-six hosts of sixteen slots do not fit anywhere; they are reached all the same."""
    played = small()
    window = Screen(played.project, 80, 24)
    window.type('PS1="$ "; clear')
    window.wait(r"\A\$ ?\Z", 5)
    window.type("echo before; edcc monitor --distcc-dir played")
    shows("monitor at 80x24", window, page(SMALL, KEYS))
    window.tmux("resize-window", "-x", "46", "-y", "10")
    narrow = [line[:45].rstrip() for line in SMALL.split("\n")]
    # What does not fit as slots is a line a host.
    shows(
        "monitor at 46x10",
        window,
        "\n".join(narrow[:3])
        + """
HOST       BUSY/SLOTS  C compile p preprocess
::1           0/1             out: it failed:
10.0.0.2      2/3      Cp.    lapi.c lgc.c
10.0.0.10     2/2      rs     lvm.c 日本語.c
localhost     1/-      C      lua.o
waiting       1/-      w
"""
        + KEYS[:45],
    )
    window.tmux("resize-window", "-x", "80", "-y", "24")
    shows("monitor at 80x24 again", window, page(SMALL, KEYS))
    window.type("q", enter=False)
    shows("monitor leaves what was there before", window, "$ echo before; edcc monitor --distcc-dir played\nbefore\n$")
    shutil.rmtree(played.dir + "/state")
    shutil.rmtree(played.dir + "/lock")
    os.makedirs(played.dir + "/state")
    for host in range(26):
        for slot in range(16):
            played.job(f"{slot}.c", f"worker{chr(97 + host)}", slot, COMPILE)
    window.type("clear; edcc monitor --distcc-dir played")
    shows("monitor: many hosts", window, HEAD_HOSTS + host_lines(0, 19) + "7 below; " + KEYS)
    window.tmux("send-keys", "Down")
    shows("monitor: one line down", window, HEAD_HOSTS + host_lines(1, 20) + "1 above, 6 below; " + KEYS)
    window.tmux("send-keys", "NPage")
    shows("monitor: a page down", window, HEAD_HOSTS + host_lines(7, 26) + "7 above; " + KEYS)
    window.tmux("send-keys", "Up")
    shows("monitor: one line up", window, HEAD_HOSTS + host_lines(6, 25) + "6 above, 1 below; " + KEYS)
    window.type("s", enter=False)
    slots = "".join(f"{'workera' if i == 0 else '':<7}  {i:>4}  compile          0.0  {i}.c\n" for i in range(16))
    slots += "".join(f"{'workerb' if i == 0 else '':<7}  {i:>4}  compile          0.0  {i}.c\n" for i in range(3))
    shows("monitor: slots where they do not fit", window, HEAD_SLOTS + slots + "397 below; " + KEYS)
    window.type(" ", enter=False)
    shows("monitor: frozen", window, HEAD_SLOTS + slots + "frozen; 397 below; " + KEYS)
    shutil.rmtree(played.dir + "/state")
    time.sleep(0.6)
    shows("monitor: frozen is frozen", window, HEAD_SLOTS + slots + "frozen; 397 below; " + KEYS)
    window.type(" ", enter=False)
    check("monitor: not frozen any more", window.wait(r"^26 hosts; 0 of 416 slots busy|^26 hosts$"), window.lines())
    window.tmux("resize-window", "-x", "12", "-y", "2")
    time.sleep(0.5)
    window.type("q", enter=False)
    check("monitor ends on a screen of two lines", window.wait(r"^\$ ?$"), window.lines())
    window.close()


def monitor_in_the_background():
    """It leaves the terminal to the shell, takes it when it is brought to the front, and ends when it is told to."""
    window = Screen(small().project, 80, 24)
    window.type('PS1="$ "; clear')
    window.wait(r"\A\$ ?\Z", 5)
    window.type("edcc monitor --distcc-dir played & trap '' USR1")
    window.type("fg")
    check("monitor in the front", window.wait(rf"^{KEYS}$"), window.lines())
    window.tmux("send-keys", "C-z")
    check("monitor stopped by its shell", window.wait(r"^\[1\]\+ +Stopped  "), window.lines())
    window.type("bg")
    window.type("kill %1; wait; echo status $?")
    check("monitor in the background ends", window.wait(r"^status 0$"), window.lines())
    window.type("clear; edcc monitor --distcc-dir played")
    check("monitor where USR1 is ignored", window.wait(rf"^{KEYS}$"), window.lines())
    window.type("q", enter=False)
    check("monitor where USR1 is ignored ends", window.wait(r"^\$ ?$"), window.lines())
    window.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    for _ in range(200 * SLOW):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


def heavy(folder, count):
    """Sources that take a while."""
    for i in range(count):
        with open(os.path.join(folder, f"big{i}.c"), "w", encoding="utf-8") as file:
            file.writelines(f"int f{k}(int x) {{ for (int i = 0; i < {k}; i++) x += i * x; return x; }}\n" for k in range(2500))


def poll_json(project, good, *arguments, seconds=30, **more):
    """The first picture that is as wanted, or the last one."""
    end = time.time() + seconds * SLOW
    while True:
        result = project.edcc("monitor", "--json", *arguments, **more)
        picture = json.loads(result.stdout)
        if good(picture) or time.time() > end:
            return picture
        time.sleep(0.05)


def compiling(picture):
    """Which files each host compiles."""
    return {host["name"]: [job["file"] for job in host["jobs"] if job["phase"] == "compile"] for host in picture["hosts"]}


def monitor_beside_make():
    """A build by make and distcc that edcc knows nothing of: seen by its DISTCC_DIR alone."""
    project = Project("")
    heavy(project.dir, 3)
    port, folder = free_port(), os.path.join(project.dir, "distcc")
    os.makedirs(folder)
    # Started by root the daemon becomes somebody else, who must get there.
    scratch = os.path.join(project.dir, "tmp")
    os.makedirs(scratch)
    for path, mode in [(lab.bin_folder, 0o711), (project.dir, 0o711), (scratch, 0o1777)]:
        os.chmod(path, mode)
    more = lab.environment(DISTCC_DIR=folder, DISTCC_HOSTS=f"127.0.0.1:{port}/2 127.0.0.9:1/2", TMPDIR=scratch)
    command = ["distccd", "--daemon", "--no-detach", "--listen=127.0.0.1", f"--port={port}", "--allow=127.0.0.1", "--jobs=2", "--log-stderr"]
    with subprocess.Popen(command, env=more, stderr=subprocess.DEVNULL, start_new_session=True) as daemon:
        wait_for_port(port)
        make = ["make", "-s", "-j3", "CC=distcc gcc", "big0.o", "big1.o", "big2.o"]
        with subprocess.Popen(make, cwd=project.dir, env=more, stderr=subprocess.DEVNULL) as build:
            picture = poll_json(project, lambda it: compiling(it).get("127.0.0.1") and "127.0.0.9" in compiling(it), DISTCC_DIR=folder)
            hosts = {host["name"]: host for host in picture["hosts"]}
            busy = compiling(picture).get("127.0.0.1") or [""]
            check("monitor beside make: what compiles", re.fullmatch(r"big[0-2]\.c", busy[0]), picture)
            check("monitor beside make: no run", "run" not in picture and picture["folder"] == folder, picture)
            failed = hosts.get("127.0.0.9", {"why": ""}).get("why", "")
            check("monitor beside make: a host that has failed", re.fullmatch(r"it failed: distcc leaves it out for another \d+ s", failed), picture)
            check("monitor beside make: make is not disturbed", build.wait(120 * SLOW) == 0)
        done = poll_json(project, lambda it: not any(host["jobs"] for host in it["hosts"]), DISTCC_DIR=folder)
        check("monitor beside make: at the end nothing compiles", not any(host["jobs"] for host in done["hosts"]), done)
        os.killpg(daemon.pid, signal.SIGTERM)


def monitor_beside_apply():
    """A run of edcc: its hosts, its steps, which one is out and why; then the screen when it has ended."""
    project = Project("instances:\n    count = 2\n\ncompiler gcc:\n\nbuild slow:\n    for i in 0 1 2 3; do $CC -c big$i.c -o big$i.o & done; wait; until [ -e go ]; do sleep 0.1; done\n")
    heavy(project.dir, 4)
    window = Screen(project, 80, 24)
    window.type(f"DISTCC_DIR={project.dir} edcc monitor")
    check("monitor before a run", window.wait(r"^no run of edcc goes on; distcc in "), window.lines())
    with subprocess.Popen([EDCC, "apply"], cwd=project.dir, env=lab.environment(), stdout=subprocess.PIPE) as run:
        picture = poll_json(project, lambda it: len(it["hosts"]) == 2 and all(compiling(it).values()))
        check("monitor beside apply: both hosts compile", set(compiling(picture)) == {"127.0.0.2", "127.0.0.3"} and all(compiling(picture).values()), picture)
        known = (picture["project"], picture["provider"], [step["name"] for step in picture["steps"]])
        check("monitor beside apply: the run", known == ("demo", "local", ["slow"]), picture)
        check("monitor beside apply: on the screen", window.wait(r"^127\.0\.0\.2 +0  compile +\d+\.\d  big\d\.c"), window.lines())
        check("monitor beside apply: the step on the screen", window.wait(r"^run \d{8}-\d{6}-.{6} of demo on local, \d+ s\nrunning: slow \d+ s$"), window.lines())
        daemon = daemon_of(picture["run"], "127.0.0.3")
        os.kill(daemon, signal.SIGKILL)
        why = "its distccd has ended; the build goes on without it"
        picture = poll_json(project, lambda it: any(host["state"] == "out" for host in it["hosts"]))
        check("monitor beside apply: a host that goes out", [host.get("why") for host in picture["hosts"] if host["name"] == "127.0.0.3"] == [why], picture)
        check("monitor beside apply: it is said on the screen", window.wait(r"^127\.0\.0\.3 +out +its distccd has ended; the build goes on"), window.lines())
        project.go()
        run.communicate()
        check("monitor beside apply: the run is not disturbed", run.returncode == 0)
    check("monitor when the run has ended", window.wait(r"^no run of edcc goes on; distcc in "), window.lines())
    window.type("q", enter=False)
    window.close()


def daemon_of(run, address):
    """The daemon of the run that listens there."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file, open(f"/proc/{pid}/environ", "rb") as environment:
                words = file.read().split(b"\0")
                ours = f"EDCC_RUN={run}".encode() in environment.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"distccd") and address.encode() in words and ours and os.getpgid(int(pid)) == int(pid):
            return int(pid)
    raise LookupError(f"no distccd on {address}")


on_a_screen = [monitor_sizes, monitor_in_the_background, monitor_beside_apply]
tests = [
    monitor_once,
    monitor_json,
    monitor_of_a_journal,
    monitor_refusals,
    monitor_hostile,
    monitor_endings,
    monitor_of_whom_nobody_reads,
    monitor_goes_on,
    monitor_without_terminal,
    monitor_colour,
    monitor_cost,
    monitor_beside_make,
    *on_a_screen,
]
