#!/usr/bin/env python3
"""edcc is killed in the middle of a recipe: what it runs on this machine ends by itself, before anybody calls `edcc destroy`, and nothing else does."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

from faults import Skip, clean, environments, lab, main, marked, need, plain, same, side_by_side, small, test, wait_for

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hosts"))
from machines import Machine  # noqa: E402

FLEET = "instances:\n    count = 2\n\nbuild one:\n    "
LONG = "touch here\n    while :; do sleep 0.1; done"


def guards(run_id):
    """The processes that watch over the run."""
    def command(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return file.read()
        except OSError:
            return b""
    return [int(pid) for pid in filter(str.isdigit, os.listdir("/proc")) if command(pid) == f"edcc guard\0EDCC_RUN={run_id}\0".encode()]


def pid_name(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def started(name, recipe=LONG, fleet=FLEET, **files):
    """A run whose recipe has come to where it touches `here`."""
    project = small(name, fleet + recipe + "\n", **files)
    process = project.start("apply")
    wait_for(lambda: project.exists("here") or process.poll() is not None)
    need(process.poll() is None, "it ended before it was to be killed", process.poll() is not None and process.communicate())
    return project, process, project.runs()[-1]


def ended(project, run_id):
    """All that the run has started ends, and so does the guard."""
    try:
        wait_for(lambda: not marked(run_id) and not guards(run_id), 60)
    except AssertionError:
        left = f"{run_id} goes on: {marked(run_id)}, guards {guards(run_id)}"
        project.edcc("destroy")
        raise AssertionError(left) from None


def kill(process, number=signal.SIGKILL, group=False):
    (os.killpg if group else os.kill)(process.pid, number)
    process.communicate()


def destroyed(project):
    """What is said of the run, and what is done about it, are as ever."""
    same(json.loads(project.edcc("status", "--json").output)["state"], "abandoned", "the state")
    project.edcc("destroy")
    clean(project)


# --- it is killed ---

RECIPES = {
    "background": "sleep 1000 &\n    touch here\n    wait",
    "deaf": "trap '' TERM INT HUP\n    " + LONG,
    "session": "setsid sh -c 'trap \"\" TERM; touch here; while :; do sleep 0.1; done' &\n    wait",
    "daemon": "(setsid nohup sleep 1000 >/dev/null 2>&1 </dev/null &)\n    touch here\n    sleep 1000",
    "many": "for i in $(seq 200); do sleep 1000 & done\n    touch here\n    wait",
    "busy": "touch here\n    while :; do for i in 1 2 3 4 5 6 7 8; do sleep 0.01 & done; wait; done",
}


@test
def whatever_it_runs():
    def at(name):
        project, process, run_id = started(name, RECIPES[name])
        need(len(marked(run_id)) >= 4, "the processes of the run are not marked")
        kill(process)
        ended(project, run_id)
        destroyed(project)

    with plain():
        side_by_side(at, [(name,) for name in RECIPES])


@test
def however_it_dies():
    def at(name, number, group):
        project, process, run_id = started(name, RECIPES["deaf"])
        kill(process, number, group)
        ended(project, run_id)
        destroyed(project)

    with plain():
        side_by_side(at, [("group", signal.SIGKILL, True), ("crash", signal.SIGSEGV, False), ("abort", signal.SIGABRT, False)])


@test
def sanitized():
    project, process, run_id = started("sanitized")
    kill(process)
    ended(project, run_id)
    destroyed(project)


@test
def term_comes_first():
    """Of two signals it is the first that a process has died of, however late it comes to it."""
    project, process, run_id = started("term")
    one = subprocess.Popen(["sleep", "1000"], env={**os.environ, "EDCC_RUN": run_id})
    wait_for(lambda: one.pid in marked(run_id))
    kill(process)
    same(one.wait(60), -signal.SIGTERM, "what it died of")
    ended(project, run_id)
    destroyed(project)


@test
def what_looks_like_it():
    """A run whose name is nearly the same, and one who speaks of this run."""
    project, process, run_id = started("others")
    others = [subprocess.Popen(["sleep", "1000"], env={**os.environ, **more}) for more in ({"EDCC_RUN": run_id[:-1]}, {"X": f"EDCC_RUN={run_id}"}, {})]
    try:
        kill(process)
        ended(project, run_id)
        same([other.poll() for other in others], [None] * 3, "the others")
    finally:
        for other in others:
            other.kill()
            other.wait()
    destroyed(project)


@test
def a_guard_is_not_told_to_end():
    """Whom a signal reaches that is meant for all there is."""
    project, process, run_id = started("signals")
    guard, = guards(run_id)
    wait_for(lambda: pid_name(guard) == "edcc guard")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
        os.kill(guard, number)
    need(os.getsid(guard) == guard and os.getpgid(guard) == guard, "it is not in a session of its own")
    same(sorted(os.readlink(f"/proc/{guard}/fd/{fd}").split(":")[0] for fd in os.listdir(f"/proc/{guard}/fd")), ["/dev/null", "/dev/null", "pipe"])
    same(os.readlink(f"/proc/{guard}/cwd"), "/")
    same(dict(environments())[guard], [b""], "its variables")
    kill(process)
    ended(project, run_id)
    destroyed(project)


@test
def a_build_within_a_build():
    """The outer edcc is killed; the inner one is told to end, and killed where its recipe does not."""
    inner = "project = inner\n\nbuild deaf:\n    trap '' TERM INT HUP\n    touch ../here\n    while :; do sleep 0.1; done\n"
    with plain():
        project, process, run_id = started("outer", f"{lab.EDCC} -C inner apply", **{"inner/Edccfile": inner})
    within = os.listdir(project.path("inner/.edcc/runs"))[0]
    kill(process)
    ended(project, run_id)
    ended(project, within)
    project.edcc("-C", "inner", "destroy")
    destroyed(project)


@test
def compiles_on_a_host():
    """The clients end, and so the compilers of machines that are not edcc's own; their daemons go on."""
    if not shutil.which("distccd"):
        raise Skip("distccd is not installed")
    slow = "".join(f"int f{i}(int a) {{ for (int i = 0; i < a; i++) a += (a * {i}) ^ (a >> {i % 30}); return a; }}\n" for i in range(20000))
    with Machine("127.0.1.2") as red:
        def compilers():
            return [pid for pid, env in environments() if f"TMPDIR={red.environment['TMPDIR']}".encode() in env and pid_name(pid) == "cc1"]

        project, process, run_id = started("hosts", "touch here\n    for i in 1 2; do $CC -O2 -c one.c -o $i.o & done\n    wait",
                                           fleet=f"provider hosts:\n    hosts = {red.word}/2\n\nbuild one:\n    ", **{"one.c": slow})
        wait_for(lambda: len(compilers()) == 2)
        kill(process)
        ended(project, run_id)
        wait_for(lambda: not compilers())
        same(red.process.poll(), None, "the daemon")
        destroyed(project)


# --- it is not ---

@test
def ordinary_ends():
    """edcc has seen to it before it ends: there is nothing to wait for."""
    for name, recipe, status in (("success", "true", 0), ("failed", "false", 2)):
        project = small(name, FLEET + recipe + "\n")
        project.edcc("apply", status=status)
        same(guards(project.runs()[-1]), [])
        clean(project)
    project, process, run_id = started("interrupted")
    same(len(guards(run_id)), 1, "guards")
    process.send_signal(signal.SIGINT)
    project.finish(process, 130)
    same(guards(run_id), [])
    clean(project)


def kept(name):
    """A project with the fleet of its first run, whose id it is."""
    project = small(name, FLEET + "true\n")
    project.edcc("apply", "--keep")
    return project, project.runs()[-1]


@test
def what_is_kept_stays():
    project, run_id = kept("kept")
    same(guards(run_id), [])
    need(len(marked(run_id)) >= 2, "the daemons are gone")
    project.edcc("apply", "--keep")
    need(len(marked(run_id)) >= 2, "the daemons are gone after another run")
    project.edcc("destroy")
    clean(project)


@test
def another_run_s_fleet():
    """Who is killed takes nothing with him of a fleet that another run has kept."""
    project, made = kept("used")
    daemons = marked(made)
    project.write("Edccfile", FLEET + LONG + "\n")
    process = project.start("apply")
    wait_for(lambda: project.exists("here"))
    user = project.runs()[-1]
    need(user != made, "it made no run of its own")
    kill(process)
    ended(project, user)
    same(marked(made), daemons, "the fleet")
    project.edcc("destroy")
    clean(project)


@test
def let_go():
    """A second Ctrl-C: nobody waits for what is left to end, but it does."""
    project, process, run_id = started("let-go", RECIPES["deaf"])
    process.send_signal(signal.SIGINT)
    wait_for(lambda: b"tearing down" in os.read(process.stdout.fileno(), 65536))
    time.sleep(0.2)  # so soon after the first it would be the same wish
    process.send_signal(signal.SIGINT)
    # On a machine that is busy enough the first one has been seen to by now.
    need(project.finish(process, None).status in (5, 130), "the status")
    ended(project, run_id)
    project.edcc("destroy")
    clean(project)


@test
def without_descriptors():
    """What is closed stays so, and is taken for nothing else."""
    for name, redirect in (("input", "<&-"), ("all", "<&- >&- 2>&-")):
        project = small("closed-" + name, FLEET + "sleep 0.5\n    touch here\n")
        done = subprocess.run(["sh", "-c", f'exec "$EDCC" apply {redirect}'], cwd=project.dir, env={**os.environ, "EDCC": lab.EDCC},
                              stdout=subprocess.DEVNULL, timeout=200)
        same((done.returncode, project.exists("here")), (0, True), redirect)
        clean(project)


if __name__ == "__main__":
    main("guard")
