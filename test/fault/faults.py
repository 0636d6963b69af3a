"""faults: what the files of this folder share beyond test/e2e/lab.py: messages compared whole, folders of chosen programs, and a way to end
edcc, or fill its disk, at an exact line of its journal."""

import concurrent.futures
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lab  # noqa: E402
from lab import Project, Skip, environments, main, marked, need, run, same, test, wait_for  # noqa: E402, F401

# edcc leaves its memory to the end of the process.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0:exitcode=99")
SANITIZED = lab.EDCC
PLAIN = os.path.abspath(os.environ.get("EDCC_PLAIN") or lab.EDCC)


@contextlib.contextmanager
def plain():
    """Within it the optimised edcc is meant."""
    lab.EDCC = PLAIN
    try:
        yield
    finally:
        lab.EDCC = SANITIZED


# One compile on two hosts, and its object kept: as small as a run can be that has one of everything.
SMALL = """instances:
    count = 2

build one:
    $CC -c one.c

artifacts:
    one.o -> out/
"""
SMALL_FILES = {"one.c": "int one(void) { return 1; }\n"}


def small(name, edccfile=SMALL, **files):
    return Project(name, edccfile=edccfile, files={**SMALL_FILES, **files})


def side_by_side(function, arguments):
    """Calls it with each, four at a time; most of a run is waiting."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(function, *each) for each in arguments]:
            done.result()


# --- messages ---

def normal(text, folder):
    """The text without what differs from run to run."""
    text = text.replace(folder, "DIR")
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{6}", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "WHEN", text)
    text = re.sub(r"\d+ ms\b|\d+\.\d s\b|\d+ min \d+ s\b", "TIME", text)
    return re.sub(r"process \d+ on \S+,", "process PID on HOST,", text)


def says(project, result, errors=None, output=None):
    """Standard error and output, as a whole; None: whatever it is."""
    for found, expected, name in ((result.errors, errors, "errors"), (result.output, output, "output")):
        if expected is not None:
            found = normal(found, project.dir)
            need(found == expected, f"the {name} are", found, "and should be", expected, "status", result.status)


def problems(project, result):
    """The lines with errors, warnings and hints, without the last, which sums it up."""
    lines = normal(result.output + result.errors, project.dir).splitlines()
    return [line for line in lines if re.search(r"\b(error|warning|hint): ", line)]


def clean(project):
    """Nothing of any run is left, and no file that was meant to become another."""
    project.nothing_left()
    for folder, _, files in os.walk(project.dir):
        half = [name for name in files if name.startswith(".new-")]
        need(not half, f"half-made files in {folder}:", half)


# --- this machine, with less on it ---

TOOLS = """bash sh env cat cp rm mkdir ls sleep true false echo printf seq head tail yes tr grep sed awk make dd touch date kill setsid nohup as ld
git python3 chmod ln mv test id distcc distccd ccache""".split()
COMPILERS = [name for name in os.listdir("/usr/bin") if re.fullmatch(r"(\w+-linux-gnu-)?(gcc|g\+\+|cc|c\+\+)(-\d+)?", name)]


def programs(project, without=(), **scripts):
    """PATH for a machine that lacks some programs and has shell scripts under the names of others."""
    folder = project.path("programs")
    os.makedirs(folder)
    # Started by root, distccd becomes another user, who must get there too.
    os.chmod(lab.LAB, 0o755)
    for name in TOOLS + COMPILERS:
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if found and name not in without and name not in scripts:
            os.symlink(found, os.path.join(folder, name))
    for name, text in scripts.items():
        path = os.path.join(folder, name)
        project.write(path, "#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
    return {"PATH": folder}


def root():
    if os.geteuid() != 0:
        raise Skip("only root may mount")


def mounted(project, script, status=None, timeout=60, options=("--mount",)):
    """Runs a shell script, in which $EDCC is edcc, in the project's folder under mounts of its own, gone with it."""
    root()
    env = {**os.environ, "EDCC": lab.EDCC}
    done = subprocess.run(["unshare", *options, "sh", "-c", script], cwd=project.dir, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
    result = lab.Result(done.returncode, done.stdout, done.stderr)
    need("Sanitizer" not in done.stderr and "runtime error:" not in done.stderr, "edcc itself was caught:", result)
    need(status is None or done.returncode == status, f"expected status {status}", result)
    return result


def run_id(result):
    found = re.search(r"\d{8}-\d{6}-[0-9a-f]{6}", result.output)
    return found and found.group()


# --- measured ---

class Measured:
    """A run of the optimised edcc whose output nobody keeps: its status, seconds of a processor's time with what it has run, which are the same however busy the
    machine is, and peak memory in MB."""

    def __init__(self, project, *arguments, env=None, limit=200):
        began = time.monotonic()
        errors = tempfile.TemporaryFile("w+", errors="replace")
        process = subprocess.Popen([PLAIN, *arguments], cwd=project.dir, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors, process_group=0)
        self.peak = 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            self.peak = max(self.peak, peak_of(process.pid))
            if time.monotonic() - began > limit:
                process.kill()
            time.sleep(0.01)
        process.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.took = usage.ru_utime + usage.ru_stime
        self.peak = (self.peak or usage.ru_maxrss) / 1024
        errors.seek(0)
        self.errors = errors.read()
        need(time.monotonic() - began <= limit, f"it took more than {limit} s", self.errors)


def peak_of(pid):
    """The most memory that the process itself has had so far, in KB; its children's is not counted."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))
    except (OSError, AttributeError):
        return 0


# --- at a line of the journal ---

def shim():
    """The library that does it, compiled once; a sanitized edcc cannot be preloaded into."""
    path = os.path.join(lab.LAB, "journal.so")
    if not os.path.exists(path):
        # Several tests may be here at once: nobody finds a half one.
        new = f"{path}.{threading.get_ident()}"
        run("cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", new, os.path.join(os.path.dirname(os.path.abspath(__file__)), "journal.c"), "-ldl")
        os.replace(new, path)
    return path


def at_line(line, what):
    """The environment in which edcc, at that line of its journal, is killed `before` it is written, when it is `torn` or `written`, or when it is
    `synced` to disk; or gets Ctrl-C before it (`interrupt`; `heard`: and has heard it by then), or before it prints anything after it (`late`); or has
    a disk that is `full` from that line on."""
    return {"LD_PRELOAD": shim(), "FAULT_LINE": str(line), "FAULT": what}
