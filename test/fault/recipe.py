#!/usr/bin/env python3
"""Recipes that misbehave: whatever one does, edcc goes on, says what happened, and nothing of it is left."""

import json
import os
import time

from faults import Measured, Project, clean, environments, main, need, problems, same, test

SOON = 40  # seconds: much more than what is awaited takes, and much less than what is not waited for


def recipe(name, text, settings="", files=None):
    """A project of one step."""
    lines = (settings.splitlines() + [""] if settings else []) + text.splitlines()
    body = "".join(f"    {line}\n" if line else "\n" for line in lines)
    return Project(name, edccfile=f"build one:\n{body}", files=files)


def verdict(project, status, reason=None, **given):
    """Applies it; the status, the journalled reason, and nothing left."""
    result = project.edcc("apply", status=status, **given)
    clean(project)
    step = [line for line in project.journal() if line["record"] == "step"]
    if reason is not None:
        same([line["reason"] for line in step], [reason], "the reason")
    return result


# --- output ---

@test
def prints_a_gigabyte():
    project = recipe("gigabyte", "head -c 1000000000 /dev/zero | tr '\\0' '\\n'\necho the end")
    found = Measured(project, "apply")
    need(found.status == 0 and found.peak < 64, f"status {found.status}, {found.peak:.0f} MB", found.errors)
    log = os.path.getsize(project.path(".edcc/runs", project.runs()[0], "log/one.log"))
    need(16 << 20 < log < 18 << 20, f"the log has {log} bytes")
    with open(project.path(".edcc/runs", project.runs()[0], "log/one.log"), "rb") as file:
        text = file.read()
    left_out = 1000000008 - (16 << 20) - (1 << 20)
    need(f"\n… {left_out} bytes are left out here …\n".encode() in text and text.endswith(b"\nthe end\n"), text[-200:])
    clean(project)
    print(f"   a gigabyte: {found.took:.1f} s, {found.peak:.0f} MB")


@test
def prints_one_long_line():
    project = recipe("long-line", "head -c 200000000 /dev/zero | tr '\\0' x\necho\necho FAIL: the end", "build_failed when output ~ /^FAIL:/")
    found = Measured(project, "apply")
    need(found.status == 2 and found.peak < 64, f"status {found.status}, {found.peak:.0f} MB", found.errors)
    clean(project)
    print(f"   a line of 200 MB: {found.took:.1f} s, {found.peak:.0f} MB")


@test
def prints_binary():
    """Bytes that are no text reach the log as they are, and a terminal's or a JSON reader's stream stays what it is."""
    project = recipe("binary", "printf '\\000\\377\\033[31m\\302 %s\\n' x\nhead -c 100000 /dev/urandom\necho", "build_success when exit == 0")
    result = project.edcc("apply", "--json")
    events = [json.loads(line) for line in result.output.split("\n")[:-1]]
    same(events[-1]["event"], "end", "the last event")
    with open(project.path(".edcc/runs", project.runs()[0], "log/one.log"), "rb") as file:
        need(file.read().startswith(b"\0\xff\033[31m\xc2 x\n"), "the log is not what was printed")


@test
def closes_its_output():
    began = time.monotonic()
    project = recipe("closes", "echo before\nexec >&- 2>&-\nsleep 0.5\ntouch made\nexit 7")
    verdict(project, 2, "exit status 7")
    need(project.exists("made") and time.monotonic() - began < SOON, "it did not run to its end, or for too long")


@test
def reads_its_input():
    project = recipe("reads", "read -r line || echo nothing to read\ncat")
    result = verdict(project, 0)
    need("nothing to read\n" in result.output, result)


# --- ends ---

@test
def ignores_term():
    began = time.monotonic()
    project = recipe("ignores", "trap '' TERM INT HUP\nwhile :; do sleep 0.1; done", "timeout = 1s")
    result = verdict(project, 3, "timed out")
    need(5 < time.monotonic() - began < SOON, f"it took {time.monotonic() - began:.1f} s")
    same(problems(project, result), ["edcc: error: step one: timed out", "edcc: hint: its 'timeout' is 1 s"])


@test
def kills_its_group():
    project = recipe("group", "kill -KILL 0\nsleep 100")
    result = verdict(project, 2, "exit status 137 (SIGKILL)")
    same(problems(project, result), ["edcc: error: step one: exit status 137 (SIGKILL)", "edcc: hint: all that it printed: edcc logs one"])


@test
def ends_by_signal():
    for signal, status in (("SEGV", 139), ("TERM", 143), ("ABRT", 134)):
        project = recipe("signal-" + signal, f"kill -{signal} $$")
        verdict(project, 2, f"exit status {status} (SIG{signal})")


@test
def kills_edcc():
    """TERM to its parent is an interruption like any other."""
    project = recipe("parent", "kill -TERM $PPID\nsleep 100")
    project.edcc("apply", status=130)
    clean(project)


# --- what it leaves behind ---

DAEMON = "setsid bash -c 'sleep 1000 & sleep 1000 & wait' {} &\nsleep 0.2\necho done\n"


@test
def leaves_a_daemon():
    """A session of its own, its output closed or kept open: both are gone, and the step is not held up by them."""
    for name, redirect in (("quiet", ">/dev/null 2>&1 </dev/null"), ("open", "")):
        began = time.monotonic()
        project = recipe("daemon-" + name, DAEMON.format(redirect))
        result = verdict(project, 0, "")
        need(time.monotonic() - began < SOON, f"it took {time.monotonic() - began:.1f} s")
        if name == "open":
            same(problems(project, result), [
                "edcc: warning: step 'one' left processes running; they are ended",
                "edcc: hint: nothing runs on from one step to the next; a recipe waits with 'wait' for what it has started"])


@test
def waits_for_a_substitution():
    """bash does not wait for <( ), which may end a moment after what reads it: nothing worth a word."""
    project = recipe("substitution", "cmp <(head -c 300000000 /dev/zero) <(head -c 300000000 /dev/zero)\n")
    same(problems(project, verdict(project, 0, "")), [])


@test
def leaves_a_stubborn_daemon():
    """Forked twice, deaf to TERM, its working folder elsewhere."""
    project = recipe("stubborn", "(cd /; setsid bash -c \"trap '' TERM HUP; while :; do sleep 0.1; done\" & ) &\nsleep 0.3")
    began = time.monotonic()
    verdict(project, 0, "")
    need(time.monotonic() - began < SOON, f"it took {time.monotonic() - began:.1f} s")


def folder_of(pid):
    """Where the process runs; None for one that has ended meanwhile."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


@test
def leaves_shape_shifters():
    """Processes that exec without end have no environment, and so no mark, for moments: they are found all the same."""
    for number in range(10):
        project = recipe(f"shifters-{number}", "cc -static -o shift shift.c\nfor i in 1 2; do setsid ./shift >/dev/null 2>&1 & done\nsleep 0.05",
                         files={"shift.c": '#include <unistd.h>\nint main(int n, char **v) { return n && execv("./shift", v); }\n'})
        verdict(project, 0, "")
        left = [pid for pid, _ in environments() if folder_of(pid) == os.path.realpath(project.dir)]
        need(not left, f"{left} are left")


# --- its size ---

@test
def long_script():
    """Longer than one argument may be."""
    lines = [f"total=$((total + {i}))" for i in range(20000)]
    project = recipe("long-script", "total=0\n" + "\n".join(lines) + "\necho total $total")
    result = verdict(project, 0, "")
    need(f"total {sum(range(20000))}\n" in result.output, result)
    need(not project.exists(f".edcc/runs/{project.runs()[0]}/recipe"), "the script's file is left")


@test
def large_environment():
    project = Project("environment", files={"big": "x" * 3000000}, edccfile="big = $(file big)\n\nbuild one:\n    echo ${#big}\n")
    result = verdict(project, 2)
    same(problems(project, result), [
        "edcc: error: step one: cannot run 'bash': Argument list too long",
        "edcc: hint: 'big' has 3000000 bytes, and a process may have less than 128 KiB in one variable: leave it in a file"])


@test
def here_documents():
    project = recipe("here", "cat >a.txt <<END\n  $HOME is \\$HOME\nEND\ncat >b.txt <<-'END'\n\tkept $(nproc) ${x}\n\tEND\necho rest")
    verdict(project, 0, "")
    same(project.read("a.txt"), f"  {os.environ['HOME']} is $HOME\n")
    same(project.read("b.txt"), "kept $(nproc) ${x}\n")


# --- verdicts ---

@test
def success_then_a_long_tail():
    project = recipe("tail", "build_success compiled\nfor i in $(seq 20); do sleep 0.05; echo $i; done\ntouch uploaded\nexit 9")
    verdict(project, 0, "compiled")
    need(project.exists("uploaded"), "the tail was cut off")


@test
def failed_ends_at_once():
    project = recipe("failed", "build_failed broken\ntouch never\nsleep 100")
    began = time.monotonic()
    verdict(project, 2, "broken")
    need(not project.exists("never") and time.monotonic() - began < SOON, "it ran on")


@test
def verdict_of_a_grandchild():
    """make → sh → build_failed; the first verdict is final."""
    project = recipe("grandchild", "make all\nbuild_success late", files={"Makefile": "all:\n\tsh -c 'build_failed from make; sleep 100'\n\ttouch never\n"})
    began = time.monotonic()
    verdict(project, 2, "from make")
    need(not project.exists("never") and time.monotonic() - began < SOON, "it ran on")


@test
def verdict_after_the_end():
    """A daemon of the recipe that speaks when the step has ended is not heard."""
    project = recipe("late", "(until [ -e said ]; do sleep 0.01; done; sleep 0.05; build_failed too late) >/dev/null 2>&1 &\nbuild_success in time\ntouch said")
    verdict(project, 0, "in time")


@test
def no_verdict():
    project = recipe("none", "if false; then build_success; fi")
    result = verdict(project, 3, "ended without a verdict")
    same(problems(project, result), [
        "edcc: error: step one: ended without a verdict",
        "edcc: hint: it names a verdict and ended (exit status 0) without reaching it: call build_success, or add a rule such as "
        "'build_success when exit == 0'"])


if __name__ == "__main__":
    main("recipe")
