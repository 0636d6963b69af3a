"""world: this computer as a HOST of its own: mount, process and network namespaces, where edcc-host, its state and an sshd have the places that they have on a machine.

What runs in them is ended with them. EDCC is the tool of test/remote/tool.c."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
INSIDE = "EDCC_TEST_INSIDE"
SSHD_PORT = 2200
STATE = "/var/lib/edcc"
TREE = STATE + "/tree"


def enter():
    """Starts this test again within namespaces of its own, and ends with it; returns within them."""
    os.environ.setdefault("EDCC", os.path.join(ROOT, "build/san/test/remote/tool"))
    os.environ["EDCC"] = os.path.abspath(os.environ["EDCC"])
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0:exitcode=99")
    if os.environ.get(INSIDE):
        return
    missing = [name for name in ("unshare", "ip", "git", "tar", "gzip", "ssh", "curl") if not shutil.which(name)]
    if not os.path.exists("/usr/sbin/sshd"):
        missing.append("sshd")
    probe = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "true"]
    if missing or subprocess.run(probe, stderr=subprocess.DEVNULL).returncode:
        print(f"skip all: {'no ' + ', '.join(missing) if missing else 'namespaces are not allowed here'}")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    # A shell is the first process: it collects what loses its parent.
    command = ["unshare", "--mount", "--mount-proc", "--pid", "--net", "--fork", "--kill-child", "--propagation", "private",
               "bash", "-c", '"$@"; exit $?', "bash", sys.executable, *sys.argv]
    sys.exit(subprocess.run(command, env={**os.environ, INSIDE: "yes"}).returncode)


def sh(command, **more):
    return subprocess.run(["bash", "-c", command], check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


class Sshd:
    """A way in."""

    def __init__(self, port):
        self.port = port
        config = f"/run/sshd_config.{port}"
        put(config, f"Port {port}\nListenAddress 127.0.0.1\nHostKey /etc/ssh/edcc_host_key\nAuthorizedKeysFile /run/keys/key.pub\nStrictModes no\n"
            "UsePAM no\nPermitRootLogin prohibit-password\nMaxSessions 200\nMaxStartups 100\nPidFile none\nLogLevel ERROR\n")
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", config], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def connections(self):
        text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], stdout=subprocess.PIPE, text=True).stdout
        return [int(pid) for pid in text.split()]

    def cut(self):
        for pid in self.connections():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def stop(self):
        """Nobody gets in any more, and who is in is out."""
        self.cut()
        self.process.kill()
        self.process.wait()


class Machine:
    """One that compiles: its status page and its distccd, on an address of its own. Both answer."""

    def __init__(self, address, page=None):
        self.folder = f"/run/machine-{address}"
        put(self.folder + "/status.json", page or PAGE)
        put(self.folder + "/distccd.log", "", 0o666)
        self.server = subprocess.Popen([sys.executable, "-m", "http.server", "--bind", address, "--directory", self.folder, "80"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.daemon = subprocess.Popen(["distccd", "--daemon", "--no-detach", "--listen", address, "--allow", "127.0.0.0/8", "--enable-tcp-insecure",
                                        "--log-level", "info", "--jobs", "2", "--log-file", self.folder + "/distccd.log"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for port in (80, 3632):
            sh(f"for i in {{1..600}}; do (exec 3<>/dev/tcp/{address}/{port}) 2>/dev/null && exit; sleep 0.1; done; exit 1")

    def stop(self):
        # Killed it would leave its children, which would go on answering.
        self.daemon.terminate()
        self.server.kill()
        for process in (self.server, self.daemon):
            process.wait()


def page():
    version = sh("gcc -dumpfullversion").strip()
    target = sh("gcc -dumpmachine").strip()
    return json.dumps({"format": 1, "state": "Ready", "step": "", "log": "", "compiler": version, "target": target, "slots": 2, "since": 1}, separators=(",", ":")) + "\n"


PAGE = page()


class World:
    def __init__(self):
        sh("""ip link set lo up; mount -t tmpfs none /run
              for place in /opt /var/lib /etc /root; do
                  mkdir -p /run/over$place/up /run/over$place/work
                  mount -t overlay none -o lowerdir=$place,upperdir=/run/over$place/up,workdir=/run/over$place/work $place
              done
              rm -f ~root/.bashrc ~root/.profile
              mkdir -p /run/keys /run/sshd /run/edcc /opt/edcc/bin /var/lib/edcc/{tree,steps,distcc,www} /etc/edcc
              ln -s ../edcc-host /opt/edcc/bin/build_success; ln -s ../edcc-host /opt/edcc/bin/build_failed
              rm -f /etc/ssh/edcc_*
              ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/edcc_host_key; ssh-keygen -q -t ed25519 -N '' -f /run/keys/key""")
        put("/etc/edcc/settings", "RUN=r PROJECT=p LEASE=600 DISTCC_PORT=3632 COMPILER=gcc COMPILER_TARGET= cc=/usr/bin/gcc address=127.0.0.1\n")
        put(STATE + "/www/status.json", PAGE)
        self.cuts = 0
        self.sshd = Sshd(SSHD_PORT)
        with open("/etc/ssh/edcc_host_key.pub") as file:
            self.key = file.read().strip()

    def cut(self):
        """Ends every connection, in the midst of what it carries."""
        self.sshd.cut()
        self.cuts += 1

    def cutting(self, seed, times, least=0.05, most=0.6):
        """Cuts so many times at random moments, on a thread of its own."""
        random_one = random.Random(seed)

        def loop():
            for _ in range(times):
                time.sleep(random_one.uniform(least, most))
                self.cut()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        return thread

    def environment(self, sshd=None, **more):
        return {"REMOTE_ADDRESS": "127.0.0.1", "REMOTE_PORT": str((sshd or self.sshd).port), "REMOTE_DEADLINE": "20000", "REMOTE_KEY": "/run/keys/key", "REMOTE_HOST_KEY": self.key,
                "REMOTE_TOOL": os.path.join(ROOT, "aws/guest/host.sh"), **more}

    def forget(self):
        """A machine that was never used."""
        sh("rm -rf /var/lib/edcc/tree /var/lib/edcc/steps; mkdir /var/lib/edcc/tree /var/lib/edcc/steps")
