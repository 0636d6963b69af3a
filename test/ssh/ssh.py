"""Connections by ssh to sshd of our own on loopback: what they carry, how they break, what they leave."""

import getpass
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from counting import check, equal, finish, skip  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("SSH_TOOL", os.path.join(ROOT, "build/san/test/ssh/tool"))
SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
USER = getpass.getuser()
MARK = f"EDCC_RUN=test-{os.getpid()}"
THERE = f"EDCC_SSH_TEST={os.getpid()}"  # what runs on the machines
SOON = 8  # seconds: much more than it takes, and much less than what is not waited for
HOME = "HOME=/nonexistent"  # this computer's own shells may begin with what takes long, or waits for each other

folder = tempfile.mkdtemp(prefix="edcc-ssh-")


def path(name):
    return os.path.join(folder, name)


def make_key(name):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path(name)], check=True)
    with open(path(name + ".pub"), encoding="ascii") as file:
        return " ".join(file.read().split()[:2])


def fingerprint(name):
    return subprocess.run(["ssh-keygen", "-lf", path(name)], check=True, capture_output=True, text=True).stdout.split()[1]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Machine:
    """One sshd, with its host key and the key that it lets in."""

    def __init__(self, address, port, host_key="host_key", lets_in="key"):
        self.address, self.port, self.host_key = address, port, host_key
        self.config = path(f"sshd-{address}-{host_key}-{lets_in}")
        self.process = None
        with open(self.config, "w", encoding="ascii") as file:
            file.write(
                f"ListenAddress {address}:{port}\nHostKey {path(host_key)}\nAuthorizedKeysFile {path(lets_in)}.pub\n"
                "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                f"PermitRootLogin prohibit-password\nLogLevel ERROR\nMaxSessions 100\nSetEnv {THERE} {HOME}\n"
            )

    def start(self):
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.config], stderr=subprocess.DEVNULL, start_new_session=True)
        if not until(self.listens):
            raise RuntimeError("sshd does not listen")
        return self

    def listens(self):
        with socket.socket() as one:
            return one.connect_ex((self.address, self.port)) == 0

    def stop(self):
        """With its connections, and what was run by those."""
        for pid, status in processes("stat"):
            if status.rsplit(b")", 1)[1].split()[1] == str(self.process.pid).encode():
                end(pid)
        for pid, environment in processes("environ"):
            if THERE.encode() in environment.split(b"\0"):
                end(pid)
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Tool:
    """One connection; each call is one line in and one out."""

    number = 0

    def __init__(self, machine, mark=MARK, agent="", **more):
        Tool.number += 1
        self.folder = path(f"run-{Tool.number}-" + "long" * 30)
        environment = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": agent, **dict([mark.split("=")]), "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        options = {"address": machine.address, "port": machine.port, "user": USER, "folder": self.folder, "key": path("key"), "host_key": KEY}
        self("open", **{**options, **more})

    def __call__(self, do, **what):
        self.process.stdin.write((json.dumps({"do": do, **what}) + "\n").encode())
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], 120)
        answer = self.process.stdout.readline() if ready else b""
        if not answer:
            self.process.kill()
            raise RuntimeError(f"the tool ended or hung (status {self.process.wait()}) at {do} {what}")
        return json.loads(answer)

    def run(self, command, **more):
        return self("run", command=command, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        check("the tool ends well: no error of memory", self.process.wait(timeout=30) == 0)
        equal("no socket is left", os.path.exists(os.path.join(self.folder, "control")), False)
        check("no process is left", until(lambda: not marked()), marked())  # what was killed is there until the system has come to it


def processes(file):
    """That file in /proc of every process that lets us read it."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/{file}", "rb") as opened:
                yield int(pid), opened.read()
        except OSError:
            pass


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def marked():
    """The processes of the tools."""
    return [pid for pid, environment in processes("environ") if MARK.encode() in environment.split(b"\0")]


def is_ssh(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().startswith(b"ssh\0")
    except OSError:  # it has ended meanwhile
        return False


def until(truth, seconds=30):
    """Whether it comes to be true. The limit is for what never does: a machine may be slow."""
    end = time.monotonic() + seconds
    while not truth() and time.monotonic() < end:
        time.sleep(0.01)
    return truth()


def done(status, output="", error=""):
    return {"end": "done", "status": status, "error": error, "output": output}


def timed(call):
    start = time.monotonic()
    answer = call()
    return answer, time.monotonic() - start


def tried(tool):
    """What becomes of an attempt that is refused. Who shows another key may yet be itself, so all of the time is used up; a slow machine needs more of it."""
    for deadline in (1000, 4000, 16000):
        answer = tool("connect", deadline=deadline)
        if answer["end"] != "lost":
            break
    return answer


def keys(tool):
    made = tool("key", path=path("made"), comment="edcc run")
    with open(path("made.pub"), encoding="ascii") as file:
        equal("a new key", made, {"made": True, "key": file.read().strip(), "error": ""})
    check("its kind and comment", made["key"].startswith("ssh-ed25519 ") and made["key"].endswith(" edcc run"), made)
    equal("nobody else reads it", os.stat(path("made")).st_mode & 0o777, 0o600)
    check("another takes its place", tool("key", path=path("made"), comment="x")["key"] != made["key"])
    equal(
        "where it cannot be",
        tool("key", path="/no/such/key", comment="x")["error"],
        "cannot make the key '/no/such/key': No such file or directory",
    )


def commands(tool):
    equal("connected", tool("connect"), {"end": "done", "error": ""})
    for status in (0, 1, 7, 254):
        equal(f"status {status}", tool.run(f"exit {status}"), done(status))
    equal("both outputs", tool.run("echo out; echo err >&2; exit 3"), done(3, "out\n", "err"))
    equal("no input", tool.run("cat"), done(0))
    equal("input", tool.run("cat", input="a secret"), done(0, "a secret"))
    equal("a limit", tool.run("echo 12345", limit=3), done(0, "123"))
    for word in ("plain", "", "it's", "'", "a b\n$HOME `id` \\ \"x\" *", "äöü", "-n"):
        quoted = tool("quote", word=word)["word"]
        equal(f"the word {word!r}", tool.run(f"printf %s {quoted}")["output"], word)
    data = bytes(range(256)) * 40000
    with open(path("data"), "wb") as file:
        file.write(data)
    for name, more in (("in memory", {"save": path("back"), "limit": 1 << 30}), ("into a file", {"output_path": path("back")})):
        equal(f"10 MB both ways, {name}", tool.run("cat", input_file=path("data"), **more)["end"], "done")
        with open(path("back"), "rb") as file:
            check("the same bytes", file.read() == data)
    equal("input that nobody reads", tool.run("exit 5", input_file=path("data"))["status"], 5)
    text = "0123456789" * 300000
    equal("3 MB of text to count", tool.run("wc -c", input=text)["output"].strip(), "3000000")
    equal("one that is read as it comes", tool("start", command="cat; exit 4", input="text"), {"status": 4, "output": "text"})
    equal(
        "an output that cannot be",
        tool.run("true", output_path="/no/such/file")["error"],
        "cannot write '/no/such/file': No such file or directory",
    )
    for terminal, command in ((False, "echo $((6*7)); tty"), (True, "exit 9")):
        argv = tool("line", command=command, terminal=terminal)["argv"]
        ran = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        equal("a person's command", (ran.returncode, ran.stdout), (9, "") if terminal else (1, "42\nnot a tty\n"))


def interruptions(tool):
    equal("one that is started connects by itself", tool("start", command="echo on"), {"status": 0, "output": "on\n"})
    answer, took = timed(lambda: tool.run("sleep 50", cancel_after=200))
    equal("cancelled", (answer["end"], answer["error"]), ("cancelled", "what was asked of '127.0.0.1' was cancelled"))
    check("at once", took < SOON, took)
    equal("regardless of that", tool.run("sleep 0.5; echo done", cancel_after=100, regardless=True), done(0, "done\n"))
    equal("and of the connection", tool.run("kill -9 $PPID; sleep 20")["end"], "lost")
    equal("which comes back", tool.run("sleep 0.5; echo done", cancel_after=1, regardless=True), done(0, "done\n"))
    answer, took = timed(lambda: tool.run("echo before; sleep 50", timeout=300))
    equal("a limit of time", (answer["end"], answer["error"]), ("failed", "'127.0.0.1' did not do what it was asked within 0.3 s"))
    check("which is held", took < SOON, took)
    equal("the connection goes on", tool.run("echo on"), done(0, "on\n"))


def losses(tool):
    equal("connected", tool("connect")["end"], "done")
    answer = tool.run("kill -9 $PPID; sleep 20")
    equal("the other end dies", (answer["end"], answer["status"]), ("lost", 255))
    equal("in words", answer["error"], "the connection to '127.0.0.1' is lost: Connection to 127.0.0.1 closed by remote host")
    equal("it comes back by itself", tool.run("echo again"), done(0, "again\n"))
    equal("one that is started is lost", tool("start", command="echo half; sleep 1; kill -9 $PPID; sleep 20"), {"status": 255, "output": "half\n"})
    # Who reads such a one hears of its end before ssh itself has ended: the next may be lost too.
    check("and again", until(lambda: tool("start", command="echo again") == {"status": 0, "output": "again\n"}))
    tool("host_key", host_key=OTHER_KEY)
    equal("a new host key leaves what stands", tool.run("echo stands"), done(0, "stands\n"))
    equal("many at once", tool("many", command="sleep 0.2"), {"count": 12})
    equal("until that is lost", tool.run("kill -9 $PPID; sleep 20")["end"], "lost")
    answer = tool.run("true")
    equal("then it counts", (answer["end"], answer["error"]), ("refused", refusal("127.0.0.1", "host_key")))
    tool("host_key", host_key=KEY)
    answer, took = timed(lambda: tool.run("echo $PPID >&2; kill -STOP $PPID; sleep 60", timeout=40000))
    equal("a frozen machine", (answer["end"], answer["error"]), ("lost", "the connection to '127.0.0.1' is lost: Timeout, server 127.0.0.1 not responding"))
    check("is noticed in 20 s", 10 < took < 35, took)
    tool.run("kill -9 $PPID; sleep 20")
    equal("many at once connect once", tool("many", command="true"), {"count": 12})
    equal("its return", tool.run("echo again"), done(0, "again\n"))


def refusal(address, name):
    return f"'{address}' shows a host key that is not its own ({fingerprint(name)}); nothing was said to it"


def late_machines(port):
    """Machines that are not there yet, or not yet themselves."""
    nobody = Machine("127.0.0.1", port)
    with Tool(nobody) as tool:
        answer, took = timed(lambda: tool("connect", deadline=2000))
        equal("nobody there", answer, {"end": "lost", "error": "cannot reach '127.0.0.1' by ssh: Connection refused"})
        check("is tried until the deadline", 0.9 < took < SOON, took)
        equal("cancelled", timed(lambda: tool("connect", deadline=60000, cancel_after=200))[0]["end"], "cancelled")
        threading.Timer(0.7, nobody.start).start()
        equal("a late start", tool("connect", deadline=60000)["end"], "done")
        nobody.stop()
    first = Machine("127.0.0.1", port, host_key="other_key").start()
    with Tool(first) as tool:
        equal("its image's key", tried(tool), {"end": "refused", "error": refusal("127.0.0.1", "other_key")})
        then = Machine("127.0.0.1", port)
        threading.Timer(0.5, lambda: (first.stop(), then.start())).start()
        equal("then its own", tool("connect", deadline=60000)["end"], "done")
        then.stop()
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", path("ecdsa_key")], check=True)
    with Machine("127.0.0.1", port, host_key="ecdsa_key") as machine, Tool(machine) as tool:
        equal("a key of another kind", tried(tool), {"end": "refused", "error": refusal("127.0.0.1", "ecdsa_key")})
    with Machine("127.0.0.1", port, lets_in="other_key") as machine, Tool(machine) as tool:
        error = f"'127.0.0.1' does not let '{USER}' in with the key '{path('key')}'"
        equal("without our key", tried(tool), {"end": "refused", "error": error})
    with socket.create_server(("127.0.0.1", port)), Tool(nobody) as tool:
        answer, took = timed(lambda: tool("connect", deadline=700))
        equal("one that says nothing", answer, {"end": "lost", "error": "cannot reach '127.0.0.1' by ssh: no answer"})
        check("until the deadline", took < SOON, took)
        answer, took = timed(lambda: tool("connect", deadline=60000, cancel_after=300))
        check("and can be cancelled", answer["end"] == "cancelled" and took < SOON, (answer, took))


def jumps(machine):
    jump = Machine("127.0.0.2", machine.port, host_key="other_key")
    through = {"jump": "127.0.0.2", "jump_host_key": OTHER_KEY}
    with jump:
        with Tool(machine, **through) as tool:
            equal("through another", tool("connect")["end"], "done")
            equal("as if it were near", tool.run("cat; exit 6", input="text"), done(6, "text"))
        with Tool(machine, **{**through, "jump_host_key": KEY}) as tool:
            equal("another's key", tried(tool), {"end": "refused", "error": refusal("127.0.0.2", "other_key")})
    with Tool(machine, **through) as tool:
        equal("which is not there", tool("connect", deadline=2000)["end"], "lost")


def own_keys(machine):
    """Without a key of the run's own: what the user's agent has."""
    socket_path = path("agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket_path], stdout=subprocess.DEVNULL) as agent:
        until(lambda: os.path.exists(socket_path))
        with Tool(machine, agent=socket_path, key="") as tool:
            error = f"'127.0.0.1' does not let '{USER}' in with any key of yours"
            equal("none fits", tried(tool), {"end": "refused", "error": error})
            subprocess.run(["ssh-add", "-q", path("key")], env={**os.environ, "SSH_AUTH_SOCK": socket_path}, check=True)
            equal("one does", tool("connect")["end"], "done")
        with Tool(machine, agent=socket_path, key=path("other_key")) as tool:
            equal("the agent is not asked for a run's key", tried(tool)["end"], "refused")
        agent.terminate()


def kills(machine):
    tool = Tool(machine)
    equal("connected", tool("connect")["end"], "done")
    tool.process.stdin.write((json.dumps({"do": "run", "command": "sleep 50"}) + "\n").encode())
    tool.process.stdin.flush()
    check("ssh runs", until(lambda: sum(map(is_ssh, marked())) == 2), marked())
    tool.process.send_signal(signal.SIGKILL)
    tool.process.wait()
    check("nothing outlives a kill -9", until(lambda: not marked()), marked())
    # Its socket's file stays in the folder, which is the run's, and goes with it.
    with Tool(machine, folder=tool.folder) as again:
        equal("the next one in that folder connects", again("connect")["end"], "done")
    with Tool(machine) as frozen:
        equal("connected", frozen("connect")["end"], "done")
        equal("frozen", frozen.run("kill -STOP $PPID; sleep 50", timeout=500)["end"], "failed")
        _, took = timed(lambda: frozen("close"))
        check("which is no reason to wait", took < 1.9, took)  # it would be for 2 s
    tool = Tool(machine)
    equal("connected", tool("connect")["end"], "done")
    until(lambda: len(marked()) == 3)  # the tool, ssh, and who waits for the tool's end
    (waiter,) = (pid for pid in marked() if pid != tool.process.pid and not is_ssh(pid))
    os.kill(waiter, signal.SIGKILL)
    tool.process.send_signal(signal.SIGKILL)
    tool.process.wait()
    check("without who waits for its end ssh stays", until(lambda: len(marked()) == 1), marked())
    with Tool(machine, mark="EDCC_RUN=another") as other:
        equal("and is found by its mark", other("ended", mark=MARK), {"count": 1})


def without_ssh(machine):
    os.mkdir(path("bin"))
    for name in ("sh", "env"):
        os.symlink(shutil.which(name), path(f"bin/{name}"))
    before = os.environ["PATH"]
    os.environ["PATH"] = path("bin")
    with Tool(machine) as tool:
        equal("no ssh", tool("connect"), {"end": "failed", "error": "cannot run 'ssh': there is no such program on PATH"})
        equal("nor its keys", tool("key", path=path("x"), comment="")["error"], "cannot run 'ssh-keygen': there is no such program on PATH")
    os.environ["PATH"] = before


if not SSHD or not shutil.which("ssh"):
    skip("ssh", "there is no ssh or no sshd")
    finish()
KEY, OTHER_KEY, _ = make_key("host_key"), make_key("other_key"), make_key("key")
if os.getuid() == 0:
    os.makedirs("/run/sshd", 0o755, exist_ok=True)  # as the system does it for an sshd of its own
try:
    with Machine("127.0.0.1", free_port()) as local:
        for test in (keys, commands, interruptions, losses):
            print(f"-- {test.__name__}", flush=True)
            with Tool(local) as connection:
                test(connection)
        for test in (jumps, own_keys, kills, without_ssh):
            print(f"-- {test.__name__}", flush=True)
            test(local)
    print("-- late_machines", flush=True)
    late_machines(free_port())
finally:
    shutil.rmtree(folder, ignore_errors=True)
finish()
