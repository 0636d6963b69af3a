"""lab: what the suites that run the real edcc share: projects in folders of their own, edcc's runs, and what must not be left of them.

EDCC is the binary under test; each test is a function marked @test, run in the order of the file, or only those named on the command line.
Only Python's own library is used."""

import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EDCC = os.path.abspath(os.environ.get("EDCC") or os.path.join(ROOT, "build", "edcc"))
# Fetched once, kept between runs; not below the HOME that tests are given.
SOURCES = os.environ.get("EDCC_TEST_SOURCES") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "edcc-test")
TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def need(condition, *what):
    """An assertion whose message is what was found."""
    if not condition:
        raise AssertionError("\n".join(str(w) for w in what))


def same(found, expected, what=""):
    need(found == expected, f"{what}: found {found!r}", f"expected {expected!r}")


# --- sources and files ---

def source(name):
    """The folder of a real project's source; nothing is built in it."""
    if not os.path.isdir(os.path.join(SOURCES, name)):
        subprocess.run([os.path.join(ROOT, "test/e2e/fetch"), SOURCES], check=True)
    return os.path.join(SOURCES, name)


def example(name):
    return os.path.join(ROOT, "examples", name)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def run(*command, cwd=None, env=None, status=0, timeout=300):
    """A command by hand; its output in one text."""
    done = subprocess.run(command, cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace", timeout=timeout)
    need(status is None or done.returncode == status, f"{command} ended with {done.returncode}, not {status}", done.stdout[-3000:])
    return done.stdout


def objects(folder):
    """Every object below a folder: its path there → its digest."""
    paths = glob.glob(os.path.join(folder, "**", "*.o"), recursive=True)
    return {os.path.relpath(path, folder): digest(path) for path in paths}


def comment(path):
    """The .comment section of an object: who compiled it."""
    return run("readelf", "-p", ".comment", path)


# --- processes ---

def environments():
    """pid → environment, of every process that may be looked at."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                yield int(pid), file.read().split(b"\0")
        except OSError:
            pass


def marked(run_id):
    """The processes that carry a run's mark, daemons and their compilers too."""
    marks = [f"{name}={run_id}".encode() for name in ("EDCC_RUN", "EDCC_FLEET", "EDCC_HOST", "EDCC_STEP", "EDCC_PUMP", "EDCC_SSH")]
    return [pid for pid, env in environments() if pid != os.getpid() and any(e.startswith(m) for e in env for m in marks)]


def wait_for(what, seconds=60):
    """Polls a function until what it returns is true, and returns that. The limit is for what never comes: a machine may be slow."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to pass within %d s" % seconds)


# --- projects ---

class Result:
    """What a run of edcc came to."""

    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors

    def __str__(self):
        return f"status {self.status}\n--- output\n{self.output[-6000:]}\n--- errors\n{self.errors[-3000:]}"

    def all(self, event):
        return [e for e in self.events if e["event"] == event]

    @property
    def events(self):
        return [json.loads(line) for line in self.output.splitlines()]

    def compiles(self):
        """host → compiles; "this machine" is one of them."""
        return {e["host"]: e["compiles"] for e in self.all("compiles")}

    def said(self, step=None):
        """What the recipes printed."""
        return "".join(e["text"] for e in self.all("output") if step in (None, e["step"]))


class Project:
    """A folder with an Edccfile and what it builds."""

    def __init__(self, name, tree=None, edccfile=None, files=None):
        self.dir = os.path.join(LAB, name)
        if tree:
            shutil.copytree(tree, self.dir, symlinks=True)
        else:
            os.makedirs(self.dir)
        for path, text in (files or {}).items():
            self.write(path, text)
        if edccfile is not None:
            self.write("Edccfile", edccfile)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)) or ".", exist_ok=True)
        with open(self.path(path), "w") as file:
            file.write(text)

    def read(self, path):
        with open(self.path(path), errors="replace") as file:
            return file.read()

    def exists(self, path):
        return os.path.exists(self.path(path))

    def start(self, *arguments, env=None):
        """edcc in the background, in a group of its own as a shell would start it."""
        # edcc is told nothing by the make, the terminal or the CI that runs the tests.
        clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "CC", "CXX", "CI", "EDCC")}
        clean.update(env or {})
        return subprocess.Popen([EDCC, *arguments], cwd=self.dir, env=clean, text=True, errors="replace", process_group=0,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process, status=0, timeout=400):
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
            raise AssertionError(f"edcc had not ended after {timeout} s\n{output[-4000:]}\n{errors[-2000:]}") from None
        result = Result(process.returncode, output, errors)
        need("Sanitizer" not in errors and "runtime error:" not in errors, "edcc itself was caught:", result)
        need(status is None or result.status == status, f"expected status {status}", result)
        return result

    def edcc(self, *arguments, status=0, env=None, timeout=400):
        return self.finish(self.start(*arguments, env=env), status, timeout)

    def apply(self, *arguments, status=0, env=None):
        """A whole run: what edcc says of its compiles is what the daemons say, and nothing is left."""
        result = self.edcc("apply", "--json", *arguments, status=status, env=env)
        same(result.all("end")[-1]["status"], status, "the last event's status")
        hosts = {host: n for host, n in result.compiles().items() if host != "this machine"}
        same(hosts, {host: len(files) for host, files in self.daemon_files().items()}, "compiles by host")
        self.nothing_left()
        return result

    def runs(self):
        """The ids of all runs, oldest first."""
        folder = self.path(".edcc", "runs")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def journal(self, run_id=None):
        """The lines that are whole; none where the folder is there and the file is not yet."""
        path = self.path(".edcc", "runs", run_id or self.runs()[-1], "journal")
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def log(self, step):
        return self.read(f".edcc/runs/{self.runs()[-1]}/log/{step}.log")

    def daemon_logs(self):
        """host → what the last run's daemon there logged itself."""
        paths = glob.glob(self.path(".edcc", "runs", self.runs()[-1], "log", "127.*.log"))
        return {os.path.basename(path)[:-len(".log")]: self.read(path) for path in sorted(paths)}

    def daemon_files(self):
        """host → the files that its daemon says it compiled, its canary left out."""
        job = re.compile(r"\(dcc_job_summary\) .* COMPILE_(?:OK|ERROR) .* (\S+)$", re.M)
        return {host: [f for f in job.findall(log) if f != "edcc-canary.c"] for host, log in self.daemon_logs().items()}

    def compiled(self):
        """All of them, sorted."""
        return sorted(os.path.basename(f) for files in self.daemon_files().values() for f in files)

    def nothing_left(self):
        """No process, no fleet, no lock of any run."""
        for run_id in self.runs():
            pids = marked(run_id)
            need(not pids, f"processes of {run_id} are left:", run("ps", "-o", "pid,ppid,stat,args", "-p", ",".join(map(str, pids)), status=None))
            need(not self.exists(f".edcc/runs/{run_id}/fleet"), f"the fleet's folder of {run_id} is left")
            for folder in (f"/tmp/edcc-{run_id}", f"/tmp/edcc-ssh-{run_id}"):
                need(not os.path.exists(folder), f"the folder {folder} is left")
        need(not self.exists(".edcc/lock"), "the lock is left")


# --- the runner ---

def main(title):
    global LAB
    names = sys.argv[1:]
    passed = failed = skipped = 0
    began = time.monotonic()
    LAB = tempfile.mkdtemp(prefix=f"edcc-{title}-")
    os.chmod(LAB, 0o711)  # another user may go through it
    os.environ["HOME"] = LAB  # ccache's, git's and edcc's own caches
    os.environ.pop("XDG_CACHE_HOME", None)
    try:
        for function in TESTS:
            name = function.__name__
            if names and name not in names:
                continue
            start = time.monotonic()
            try:
                function()
            except Skip as why:
                skipped += 1
                print(f"skip {name}: {why}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAIL {name}", flush=True)
                where = traceback.extract_tb(error.__traceback__)
                for frame in where:
                    print(f"    {os.path.relpath(frame.filename, ROOT)}:{frame.lineno}: {frame.line}")
                print("    " + f"{type(error).__name__}: {error}".replace("\n", "\n    "), flush=True)
            else:
                passed += 1
                print(f"ok {name} ({time.monotonic() - start:.1f} s)", flush=True)
    finally:
        if os.environ.get("EDCC_TEST_KEEP"):
            print(f"the projects are in {LAB}")
        else:
            shutil.rmtree(LAB, ignore_errors=True)
    print(f"{title}: {time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


LAB = None
