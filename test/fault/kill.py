#!/usr/bin/env python3
"""kill -9 at every line of the journal, before and after it is written, and at random moments: `edcc destroy`, or the next `edcc apply`, leaves
no process, no folder and no lock of the run that died."""

import fcntl
import glob
import json
import os
import random
import signal
import socket
import time

from faults import at_line, clean, lab, main, need, normal, plain, same, side_by_side, small, test, wait_for

SEED = 20260101
POINTS = []  # where a run was killed and proved to be gone


def killed(project, *arguments, env):
    """Runs edcc to the line where it is killed; False where it never came there."""
    result = project.edcc(*arguments, env=env, status=None)
    need(result.status in (-signal.SIGKILL, 0), result)
    return result.status != 0


def destroyed(project, what):
    """destroy leaves nothing, and has nothing to do a second time; the project builds again."""
    POINTS.append(what)
    try:
        project.edcc("destroy")
        clean(project)
        same(normal(project.edcc("destroy").output, project.dir), "edcc: nothing is left (TIME)\n", "the second destroy")
        others = set(os.listdir(project.dir)) - {".edcc", "Edccfile", "one.c", "one.o", "out"}
        need(not others, f"{others} are left")
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None


def lines():
    """How many lines the journal of an undisturbed run has."""
    if not os.path.exists(os.path.join(lab.LAB, "undisturbed")):
        small("undisturbed").edcc("apply")
    with open(glob.glob(os.path.join(lab.LAB, "undisturbed/.edcc/runs/*/journal"))[0]) as file:
        return len(file.readlines())


@test
def apply_at_every_line():
    """Before the line, in its middle, behind it, and when it is on disk."""
    total = lines()
    def at(what, line):
        project = small(f"{what}-{line}")
        if killed(project, "apply", env=at_line(line, what)):
            destroyed(project, f"killed at line {line}, {what}")

    side_by_side(at, [(what, line) for what in ("before", "torn", "written", "synced") for line in range(1, total + 1)])


@test
def apply_after_every_line():
    """The next apply takes the dead owner's lock over, removes what is left, says so, and builds."""
    total = lines()

    def at(line):
        project = small(f"apply-{line}")
        need(killed(project, "apply", env=at_line(line, "written")), line)
        said = normal(project.edcc("apply").output, project.dir)
        need(said.startswith("edcc: the lock of process PID on HOST, since WHEN, which has ended, is taken over\n"), said)
        need(line == total or "edcc: run RUN ended without its teardown, which is done now\n" in said, line, said)
        same(len(project.runs()), 2, "runs")
        clean(project)
        POINTS.append(f"apply after line {line}")

    side_by_side(at, [(line,) for line in range(1, total + 1)])


@test
def destroy_at_every_line():
    """The one that removes is killed too; the next one goes on."""
    for what in ("before", "torn", "written"):
        line = 0
        while True:
            line += 1
            project = small(f"destroy-{what}-{line}")
            project.edcc("apply", "--keep")
            if not killed(project, "destroy", env=at_line(line, what)):
                break
            destroyed(project, f"destroy killed at line {line}, {what}")
        need(line > 3, f"only {line} lines")


@test
def at_random():
    """Thirty moments of a run, from its first millisecond to its last."""
    project = small("measured")
    began = time.monotonic()
    project.edcc("apply")
    took = time.monotonic() - began
    chance = random.Random(SEED)
    for number in range(30):
        project = small(f"random-{number}")
        process = project.start("apply")
        delay = chance.uniform(0, took)
        time.sleep(delay)
        process.kill()
        process.communicate()
        destroyed(project, f"killed after {delay * 1000:.0f} ms of {took * 1000:.0f}")
        if number % 3 == 0:
            project.edcc("apply")
            clean(project)


def copying(pid, project):
    """True when edcc has a file for the artifacts' folder open, whatever it is called."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(project.path("out/")):
                return True
        except FileNotFoundError:  # it is closed meanwhile
            pass
    return False


@test
def in_an_artifact():
    """Killed while a large artifact is copied: the one before is whole, and no half one is left."""
    for number in range(2):
        project = small(f"artifact-{number}", "build one:\n    head -c \"$(cat size)\" /dev/zero >big\n\nartifacts:\n    big -> out/\n", size="100")
        project.edcc("apply")
        project.write("size", "200000000")
        process = project.start("apply")
        wait_for(lambda: copying(process.pid, project))
        time.sleep(0.02 * number)
        process.kill()
        process.communicate()
        POINTS.append("in an artifact")
        project.edcc("destroy")
        same(os.listdir(project.path("out")), ["big"])
        need(os.path.getsize(project.path("out/big")) in (100, 200000000), os.path.getsize(project.path("out/big")))
        clean(project)


@test
def in_a_step():
    """What a recipe has started is ended by destroy, whatever session it went to."""
    project = small("step", "instances:\n    count = 2\n\nbuild one:\n    setsid sleep 1000 &\n    trap '' TERM\n    touch here\n    sleep 1000\n")
    process = project.start("apply")
    wait_for(lambda: project.exists("here"))
    process.kill()
    process.communicate()
    os.unlink(project.path("here"))
    destroyed(project, "in a step")


@test
def whose_child_holds_the_lock():
    """What an owner that was killed had just begun to start has its lock, until it is another program: that is waited for."""
    project = small("heir")
    os.mkdir(project.path(".edcc"))
    with open(project.path(".edcc/lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # Of this process, but of an earlier one that had its number.
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "start": 1, "since": "then"}, file)
        file.flush()
        process = project.start("apply")
        time.sleep(0.5)
    said = project.finish(process).output
    need(said.startswith(f"edcc: the lock of process {os.getpid()} on {socket.gethostname()}, since then, which has ended, is taken over\n"), said)
    clean(project)


@test
def what_is_said():
    """destroy says whose lock it takes over, and what it removes."""
    project = small("said")
    need(killed(project, "apply", env=at_line(7, "written")), "it was not killed")
    result = project.edcc("destroy", "--verbose")
    said = normal(result.output, project.dir).splitlines()
    same((said[:2], sorted(said[2:-2]), said[-2:]), (
        ["edcc: the lock of process PID on HOST, since WHEN, which has ended, is taken over", "edcc: teardown: 3 to remove"],
        ["edcc: distccd 127.0.0.2 is gone (TIME)", "edcc: distccd 127.0.0.3 is gone (TIME)"],
        ["edcc: fleet is gone (TIME)", "edcc: nothing is left (TIME)"]), "what destroy says")


@test
def counted():
    """How often, and what was left: nothing, or a test above had failed."""
    print(f"   killed and cleaned up at {len(POINTS)} points, 0 leaks")


if __name__ == "__main__":
    with plain():
        main("kill")
