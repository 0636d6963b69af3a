"""What the tests of terminals share: a project, a command on a pseudo-terminal, a screen in tmux."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EDCC = os.path.abspath(os.environ.get("EDCC", os.path.join(ROOT, "build", "edcc")))
TIOCGPTPEER = 0x5441
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"
SLOW = 4 if "san" in EDCC else 1
counts = {"passed": 0, "failed": 0, "skipped": 0}
bin_folder = tempfile.mkdtemp()
os.symlink(EDCC, os.path.join(bin_folder, "edcc"))


def check(name, good, why=""):
    counts["passed" if good else "failed"] += 1
    if not good:
        print(f"FAIL terminal: {name}\n{why}")


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "EDCC_PATH", "TMUX")}
    kept.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    kept.update(TERM="xterm-256color", LC_ALL="C.UTF-8", PATH=bin_folder + ":" + os.environ["PATH"])
    kept.update(more)
    return kept


class Project:
    """A folder with an Edccfile."""

    def __init__(self, text):
        self.dir = tempfile.mkdtemp(dir=bin_folder)
        with open(os.path.join(self.dir, "Edccfile"), "w", encoding="utf-8") as file:
            file.write("project = demo\n\n" + text)

    def go(self):
        """Lets a recipe go on that waits for it."""
        with open(os.path.join(self.dir, "go"), "w", encoding="ascii"):
            pass

    def edcc(self, *arguments, **more):
        return subprocess.run([EDCC, *arguments], cwd=self.dir, env=environment(**more), capture_output=True, timeout=60, check=False)


def under_a_shell():
    """Goes on in a child that is a job of this process: only who has a shell that would let it go on is stopped by Ctrl-Z. This process tells, and ends, as the job does."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    os.setpgid(job, job)
    os.tcsetpgrp(0, job or os.getpid())
    while job:
        status = os.waitpid(job, os.WUNTRACED)[1]
        if not os.WIFSTOPPED(status):
            os._exit(os.waitstatus_to_exitcode(status) & 255)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.killpg(job, signal.SIGCONT)
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def modes_of(terminal):
    return termios.tcgetattr(terminal.fd)


class Terminal:
    """A command on a pseudo-terminal, and all that it wrote there."""

    def __init__(self, project, *command, columns=80, rows=24, shell=False, **more):
        self.written, self.status = b"", None
        known, tell = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(known, 1)  # until its modes are known, which the command may change
            # As a shell starts it: what nohup or a job in the background ignores would be ignored here, too.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(project.dir)
            if shell:
                under_a_shell()
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(command[0], command, environment(**more))
        self.modes = modes_of(self)
        os.write(tell, b"x")
        os.close(known)
        os.close(tell)

    def read(self, until=None, seconds=20):
        """Reads until the bytes are there; without them, to the end. False where it does not come."""
        end = time.time() + seconds * SLOW
        while (until is None or until not in self.written) and time.time() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    piece = os.read(self.fd, 1 << 16)
                except OSError:
                    piece = b""
                if not piece:
                    return until is None
                self.written += piece
        return until is not None and until in self.written

    def read_again(self, until):
        """The same, of what comes from now on."""
        before, self.written = self.written, b""
        found = self.read(until)
        self.written = before + self.written
        return found

    def fill(self):
        """Nobody reads: it takes nothing more. The kernel makes some room as it moves what is there on."""
        writer, refused = fcntl.ioctl(self.fd, TIOCGPTPEER, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), 0
        while refused < 5:
            try:
                os.write(writer, b"x" * 4096)
                refused = 0
            except BlockingIOError:
                refused += 1
                time.sleep(0.02)
        os.close(writer)

    def end(self):
        """Waits for it; what does not end is killed, which is its status then."""
        if not self.read():
            os.kill(self.pid, signal.SIGKILL)
        self.modes_after = modes_of(self)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return self.status

    def shown(self):
        """The cursor was hidden at some time, and is there again."""
        return HIDE in self.written and self.written.rfind(SHOW) > self.written.rfind(HIDE)

    def why(self):
        return f"status {self.status}, written last: {self.written[-700:]!r}"


class Screen:
    """tmux, with a server of its own."""

    def __init__(self, project, columns, rows, shell="bash --norc --noprofile"):
        self.socket = os.path.join(project.dir, shell.split()[0] + ".socket")
        more = environment(HISTFILE="/dev/null", HOME=project.dir, TERM="screen")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", project.dir, shell, env=more)
        self.tmux("set", "-g", "history-limit", "20000")

    def tmux(self, *arguments, env=None):
        return subprocess.run(["tmux", "-S", self.socket, *arguments], env=env, capture_output=True, text=True, timeout=30, check=False).stdout

    def type(self, text, enter=True):
        self.tmux("send-keys", "-l", text)
        if enter:
            self.tmux("send-keys", "Enter")

    def lines(self, history=False):
        """The screen, or all that ever stood on it; lines that were wrapped in one piece."""
        text = self.tmux("capture-pane", "-pJ", *(["-S", "-"] if history else []))
        return [line.rstrip() for line in text.rstrip("\n").split("\n")]

    def wait(self, pattern, seconds=20):
        end = time.time() + seconds * SLOW
        while time.time() < end:
            if re.search(pattern, "\n".join(self.lines()), re.M):
                return True
            time.sleep(0.05)
        return False

    def cursor_visible(self):
        return self.tmux("display", "-p", "#{cursor_flag}").strip() == "1"

    def close(self):
        self.tmux("kill-server")
