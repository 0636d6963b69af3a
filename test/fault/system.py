#!/usr/bin/env python3
"""A machine that lacks something: programs, room, descriptors, daemons that work. Each is one clear error with a way out, and nothing is left."""

import os
import re
import signal
import time

from faults import (COMPILERS, PLAIN, SMALL, Project, at_line, clean, main, marked, mounted, need, normal, plain, problems, programs, run, run_id, same, says,
                    small, test, wait_for)


def refused(project, status, errors, *arguments, env=None):
    """Refused before anything was made."""
    result = project.edcc("apply", *arguments, status=status, env=env)
    says(project, result, errors, "")
    need(not project.exists(".edcc"), "it made .edcc")


# --- programs ---

@test
def no_compiler():
    project = small("no-gcc")
    refused(project, 4, "edcc: error: there is no gcc here; nor any other compiler\n"
                        "edcc: hint: install it (on Debian: apt-get install gcc) or ask for one that is there\n", env=programs(project, COMPILERS))


@test
def no_distcc():
    for program, package in (("distcc", "distcc"), ("ccache", "ccache")):
        project = small("no-" + program, "cache:\n    size = 1G\n" + SMALL if program == "ccache" else SMALL)
        result = project.edcc("apply", status=4, env=programs(project, [program]))
        need(f"error: there is no '{program}' here, which this needs" in result.errors, result)
        need(f"install it (on Debian: apt-get install {package})" in result.errors and result.errors.count("error:") == 1, result)
        need(not project.exists(".edcc"), "it made .edcc")


@test
def wrong_version():
    project = small("version", SMALL + "\ncompiler gcc:\n    version = 4.2\n")
    result = project.edcc("apply", status=4)
    need(re.match(r"Edccfile:11:15: error: there is no gcc 4\.2 here: 'gcc' is [\d.]+; there is gcc [\d.]+ \(gcc", result.errors), result)
    need("ask for one that is there" in result.errors and not project.exists(".edcc"), result)


@test
def no_bash():
    """A recipe of one plain command needs none; another says so."""
    project = Project("no-bash", edccfile="build one:\n    touch made\n\nbuild two: one\n    echo $((1 + 1))\n")
    result = project.edcc("apply", status=2, env=programs(project, ["bash"]))
    need(project.exists("made"), result)
    same(problems(project, result), ["edcc: error: step two: cannot run 'bash': there is no such program on PATH"])
    clean(project)


@test
def no_proc():
    """A container without it."""
    project = small("no-proc")
    result = mounted(project, f"mount -t tmpfs none /proc && exec {PLAIN} apply", status=4)
    need(result.output.startswith("edcc: error: cannot read '/proc/self/exe': No such file or directory\n"
                                  "edcc: hint: edcc needs /proc, where it finds its own program and others'\n"), result)


@test
def no_home():
    project = small("no-home")
    run("env", "-i", "PATH=" + os.environ["PATH"], PLAIN, "apply", cwd=project.dir)
    need(project.exists("out/one.o"), "it was not built")
    clean(project)


# --- daemons ---

@test
def daemon_that_dies():
    project = small("dies")
    result = project.edcc("apply", status=4, env=programs(project, distccd="echo 'distccd: something broke' >&2\nexit 3"))
    same(sorted(problems(project, result)), sorted(
        line for host in ("127.0.0.2", "127.0.0.3") for line in (
            f"edcc: error: distccd {host}: distccd on {host} ended at its start with status 3: distccd: something broke",
            f"edcc: hint: its log is 'DIR/.edcc/runs/RUN/log/{host}.log'",
            f"edcc: warning: {host} is out: distccd on {host} ended at its start with status 3: distccd: something broke")))
    clean(project)


@test
def daemon_that_says_nothing():
    project = small("says-nothing")
    result = project.edcc("apply", status=4, env=programs(project, distccd="exit 3"))
    need("error: distccd 127.0.0.2: distccd on 127.0.0.2 ended at its start with status 3\n" in result.output, result)
    clean(project)


@test
def one_daemon_of_two_dies():
    """The build goes on with the other."""
    project = small("one-dies")
    script = 'case "$*" in *127.0.0.2*) echo "no room" >&2; exit 3 ;; esac\nexec /usr/bin/distccd "$@"'
    result = project.edcc("apply", env=programs(project, distccd=script))
    need("edcc: warning: 127.0.0.2 is out: distccd on 127.0.0.2 ended at its start with status 3: no room\n" in result.output, result)
    need("1 compile: 127.0.0.2 0, 127.0.0.3 1, this machine 0\n" in result.output, result)
    clean(project)


@test
def daemon_that_never_listens():
    """The run's limit ends the wait; and the daemon with it."""
    project = small("never-listens")
    began = time.monotonic()
    result = project.edcc("apply", "--timeout", "1s", status=3, env=programs(project, distccd="exec sleep 1000"))
    need("build_failed: timed out: the run took longer than 'limits: time', 'limits: cost' or their flags allow" in result.output, result)
    need(time.monotonic() - began < 60, "it took too long")
    clean(project)


# Some 0.2 s of a compiler.
HEAVY = "".join(f"int f{{n}}_{i}(int a) {{{{ for (int i = 0; i < a; i++) a += (a * {i}) ^ (a >> {i % 30}); return a; }}}}\n" for i in range(100))


@test
def host_dies_in_the_build():
    """One of four daemons is killed among thirty compiles: all objects are there, and what happened is told."""
    files = {f"f{n}.c": HEAVY.format(n=n) for n in range(30)}
    files["Makefile"] = "all: $(patsubst %.c,%.o,$(wildcard *.c))\n"
    project = Project("host-dies", files=files, edccfile="instances:\n    count = 4\n\nbuild all:\n    make -j\"$JOBS\" CFLAGS=-O2\n")
    process = project.start("apply")
    journal = wait_for(lambda: project.runs() and project.exists(f".edcc/runs/{project.runs()[0]}/journal") and
                       [line for line in project.journal() if line["record"] == "host"][3:] and project.journal())
    victim = next(line["result"]["pid"] for line in journal if line["record"] == "done" and line["action"] == "distccd 127.0.0.3")
    wait_for(lambda: project.exists("f1.o") or len([f for f in os.listdir(project.dir) if f.endswith(".o")]) >= 2)
    os.killpg(victim, signal.SIGKILL)
    result = project.finish(process, 0)
    same(len([f for f in os.listdir(project.dir) if f.endswith(".o")]), 30, "objects")
    clean(project)
    same(problems(project, result), ["edcc: warning: 127.0.0.3 is out: its distccd has ended; the build goes on without it"])
    # A daemon that is killed has not logged the last that it answered.
    need(28 <= int(re.search(r"^edcc: (\d+) compiles: ", result.output, re.M).group(1)) <= 30, result)


@test
def no_port_is_free():
    project = small("ports")
    project.write("occupy.py", "import os, socket, subprocess, sys\n"
                  "taken = [socket.create_server((host, port)) for host in ('127.0.0.2', '127.0.0.3') for port in (40000, 40001)]\n"
                  "sys.exit(subprocess.run([os.environ['EDCC'], 'apply']).returncode)\n")
    result = mounted(project, "ip link set lo up && echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range && python3 occupy.py", 4, options=("--net",))
    same(sorted(problems(project, result))[:2], [f"edcc: error: distccd {h}: cannot have a port on {h}: Address already in use" for h in ("127.0.0.2", "127.0.0.3")])
    clean(project)


# --- room ---

@test
def full_disk_under_the_state():
    """Whatever the size of the disk, a page at a time: it fails clearly or succeeds, and leaves neither fleet nor lock."""
    project = small("full-disk")
    os.mkdir(project.path(".edcc"))
    for kilobytes in range(4, 68, 4):
        result = mounted(project, f"mount -t tmpfs -o size={kilobytes}k edcc .edcc && \"$EDCC\" apply; status=$?; find .edcc -name lock -o -name fleet -o -name '.new-*'; exit $status")
        need("No space left on device" in result.output or result.status == 0, kilobytes, result)
        need(result.status in (0, 1, 2, 4), kilobytes, result)
        need(not [line for line in result.output.splitlines() if line.startswith(".edcc/")], f"left with {kilobytes}k:", result)
        left = marked(run_id(result) or "none")
        need(not left, f"{kilobytes}k left processes", left, result)


@test
def full_journal():
    """No line of the journal can be written from the Nth on: nothing is made that it does not know of, and nothing is left."""
    with plain():
        project = small("full-journal")
        project.edcc("apply")
        lines = [line["record"] for line in project.journal()]
        # What cannot be noted of the teardown, destroy does once more; what compiled where is no reason to fail.
        needed = max(i for i, record in enumerate(lines, 1) if record in ("intent", "done", "step", "artifact"))
        for line in range(1, len(lines) + 1):
            project = small(f"full-{line}")
            result = project.edcc("apply", env=at_line(line, "full"), status=None)
            need(result.status in ((2, 4) if line <= needed else (0,)), line, lines[line - 1], result)
            need("No space left on device" in result.output or line > needed, line, result)
            clean(project)
            project.edcc("destroy")
            clean(project)


@test
def full_disk_under_the_artifacts():
    """What was stored before stays whole, nothing half-made stays."""
    edccfile = "build one:\n    head -c \"$(cat size)\" /dev/zero >big\n\nartifacts:\n    big -> out/\n"
    project = Project("full-artifacts", edccfile=edccfile, files={"size": "100000"})
    os.mkdir(project.path("out"))
    result = mounted(project, "mount -t tmpfs -o size=1m edcc out && \"$EDCC\" apply && echo 3000000 >size && \"$EDCC\" apply; status=$?; ls -lA out >&2; exit $status", 2)
    same(problems(project, result), [
        "edcc: error: artifact 1: cannot store 'big': cannot write 'DIR/out/big': No space left on device",
        "edcc: hint: the destination must be writable and have room; what was stored before is whole"])
    files = result.errors.splitlines()[1:]
    need(len(files) == 1 and " 100000 " in files[0], result.errors)
    clean(project)


@test
def read_only_folder():
    """It can be checked and planned there; to run it needs a place for its journal."""
    project = small("read-only")
    result = mounted(project, "mount --bind . . && mount -o remount,ro,bind . && cd . && cd \"$PWD\" && \"$EDCC\" check && \"$EDCC\" plan >/dev/null && \"$EDCC\" apply", 4)
    same(problems(project, result), ["edcc: error: cannot create the folder 'DIR/.edcc': Read-only file system",
                                     "edcc: hint: edcc keeps its journal there; 'state: path = …' chooses another folder"])
    need(not project.exists(".edcc"), "it made .edcc")


@test
def few_descriptors():
    """Too few are told at the start; a low limit that may be raised is."""
    project = small("descriptors")
    for limit in (4, 20, 511):
        errors = run("sh", "-c", f"ulimit -n {limit} && exec {PLAIN} apply", cwd=project.dir, status=1)
        same(errors, f"edcc: error: no more than {limit} files may be open at once here\n"
                     "edcc: hint: edcc needs 512: raise the limit with `ulimit -n`\n")
        need(not project.exists(".edcc"), "it made .edcc")
    run("sh", "-c", f"ulimit -S -n 20 && exec {PLAIN} apply", cwd=project.dir)
    run("sh", "-c", f"ulimit -n 512 && exec {PLAIN} apply", cwd=project.dir)
    clean(project)


@test
def locked():
    """A second run in the same folder is refused, says by whom, and does no harm to the first."""
    project = Project("locked", edccfile="build one:\n    until [ -e go ]; do sleep 0.05; done\n")
    first = project.start("apply")
    wait_for(lambda: project.exists(".edcc/lock") and project.runs())
    for command in ("apply", "destroy"):
        result = project.edcc(command, status=1)
        need("another run is going on: 'DIR/.edcc/lock' is held by process PID on HOST, since WHEN" in normal(result.output, project.dir), result)
    project.write("go", "")
    project.finish(first, 0)
    clean(project)


if __name__ == "__main__":
    main("system")
