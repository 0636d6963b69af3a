#!/usr/bin/env python3
"""Ctrl-C, TERM, HUP and a reader that goes away, in every phase of a run: 130, all of it gone, in bounded time; twice: at once, with the command
that finishes the job."""

import os
import re
import signal
import subprocess
import time

from faults import SMALL, at_line, clean, lab, main, need, plain, problems, programs, same, side_by_side, small, test, wait_for

SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "HUP": signal.SIGHUP}


def journal_has(project, record):
    """Waits until the newest run's journal has such a line."""
    def look():
        try:
            return any(line["record"] == record for line in project.journal())
        except (OSError, IndexError, ValueError):
            return False
    wait_for(look)


def interrupted(project, process, signals=(signal.SIGINT,)):
    """Sends the signals; the run ends with 130 long before what it runs would, and nothing is left."""
    for number in signals:
        process.send_signal(number)
    result = project.finish(process, 130, timeout=60)
    need(result.output.count("edcc: warning: interrupted: tearing down (again to let go)\n") == 1, result)
    need(result.output.splitlines()[-1].startswith("edcc: interrupted, and torn down ("), result)
    clean(project)
    return result


def slow(project, program, when, seconds):
    """PATH on which a program sleeps where its arguments have a word."""
    return programs(project, **{program: f'case "$*" in *{when}*) sleep {seconds} ;; esac\nexec /usr/bin/{program} "$@"'})


# --- the phases ---

@test
def while_the_fleet_starts():
    project = small("fleet")
    process = project.start("apply", env=programs(project, distccd="exec sleep 1000"))
    journal_has(project, "done")
    interrupted(project, process)


@test
def in_the_canary():
    project = small("canary")
    process = project.start("apply", env=slow(project, "distcc", "edcc-canary.c", 1000))
    journal_has(project, "done")
    time.sleep(0.5)
    interrupted(project, process)


@test
def in_a_step():
    for name, number in SIGNALS.items():
        project = small("step-" + name, SMALL.replace("$CC -c one.c", "touch here\n    sleep 1000\n    touch never"))
        process = project.start("apply")
        wait_for(lambda: project.exists("here"))
        interrupted(project, process, [number])
        need(not project.exists("never") and not project.exists("out"), "it went on")
        same([line["record"] for line in project.journal() if line["record"] in ("step", "verdict", "artifact")], [])


@test
def in_a_step_that_ignores_it():
    project = small("deaf", SMALL.replace("$CC -c one.c", "trap '' TERM INT HUP\n    touch here\n    while :; do sleep 0.1; done"))
    process = project.start("apply")
    wait_for(lambda: project.exists("here"))
    interrupted(project, process)


@test
def in_a_compile():
    """A long compile on a host: it ends there too."""
    text = "".join(f"int f{i}(int a) {{ for (int i = 0; i < a; i++) a += (a * {i}) ^ (a >> {i % 30}); return a; }}\n" for i in range(20000))
    project = small("compile", SMALL.replace("$CC", "touch here\n    $CC -O2"), **{"one.c": text})
    process = project.start("apply")
    wait_for(lambda: project.exists("here"))
    time.sleep(1)
    interrupted(project, process)


@test
def in_the_artifacts():
    names = [f"a{i}" for i in range(4000)]
    project = small("artifacts", SMALL.replace("$CC -c one.c", "touch $(seq -f a%g 4000)").replace("one.o", "a*"))
    process = project.start("apply")
    journal_has(project, "artifact")
    interrupted(project, process)
    stored = os.listdir(project.path("out"))
    need(0 < len(stored) < len(names), f"{len(stored)} of {len(names)} were stored: that was no interruption")


@test
def in_what_follows():
    project = small("follows", SMALL + "\non build_success:\n    touch here\n    sleep 1000\n")
    process = project.start("apply")
    wait_for(lambda: project.exists("here"))
    interrupted(project, process)


@test
def in_the_teardown():
    """The first one changes nothing there, but nothing is to follow."""
    project = small("teardown")
    process = project.start("apply", env=programs(project, distccd="trap '' TERM\n/usr/bin/distccd \"$@\" &\nwhile :; do sleep 0.1; done"))
    journal_has(project, "verdict")
    time.sleep(0.3)
    interrupted(project, process)
    need(project.exists("out/one.o"), "the artifact is lost")


@test
def in_another_run_s_teardown():
    """destroy is interrupted like apply."""
    project = small("destroy")
    project.edcc("apply", "--keep", env=programs(project, distccd="trap '' TERM\n/usr/bin/distccd \"$@\" &\nwhile :; do sleep 0.1; done"))
    process = project.start("destroy")
    wait_for(lambda: project.exists(".edcc/lock"))
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    result = project.finish(process, 130)
    need("edcc: warning: interrupted: tearing down (again to let go)\n" in result.output, result)
    clean(project)


def at_its_end(command, done, interrupted):
    """Ctrl-C round the journal's last line: it counts and is said, or all was done and it is not."""
    def made(number):
        project = small(f"end-{command}-{number}")
        if command == "destroy":
            project.edcc("apply", "--keep")
        return project, len(project.journal()) if project.runs() else 0

    project, before = made("undisturbed")
    project.edcc(command)
    last = len(project.journal()) - before

    def at(number, what):
        project, _ = made(number)
        outcomes = {"heard": [interrupted], "late": [done], "interrupt": [done, interrupted]}[what]
        result = project.edcc(command, env=at_line(last, what), status=None)
        warned = result.output.count("edcc: warning: interrupted: tearing down (again to let go)\n")
        end = re.sub(r" \(.*", "", result.output.splitlines()[-1])
        need((result.status, warned, end) in outcomes, what, result)
        clean(project)

    side_by_side(at, enumerate(("heard", "late", "interrupt", "interrupt")))


@test
def at_the_end():
    with plain():
        at_its_end("apply", (0, 0, "edcc: build_success"), (130, 1, "edcc: interrupted, and torn down"))
        at_its_end("destroy", (0, 0, "edcc: nothing is left"), (130, 1, "edcc: interrupted, and nothing is left"))


@test
def at_every_line():
    """Once it is heard nothing else begins: no verdict, none of the steps that follow one, no fleet that is kept."""
    text = SMALL.split("artifacts:")[0] + "on build_success:\n    touch late\n"
    with plain():
        project = small("all-lines", text)
        project.edcc("apply")
        records = [line["record"] for line in project.journal()]
        verdict = records.index("verdict")
        follows = records.index("begun", verdict)

        def at(line, *flags):
            project = small(f"line-{line}" + "".join(flags), text)
            result = project.edcc("apply", *flags, env=at_line(line + 1, "heard"), status=130)
            need(result.output.splitlines()[-1].startswith("edcc: interrupted, and torn down ("), result)
            same("verdict" in [line["record"] for line in project.journal()], line >= verdict, f"a verdict, interrupted at line {line}")
            need(line >= follows or not project.exists("late"), f"what follows, interrupted at line {line}", result)
            clean(project)

        side_by_side(at, [*[(line,) for line in range(len(records))], (records.index("undone"), "--keep")])


# --- twice ---

@test
def twice_at_once():
    """As timeout(1) does it, to the process and to its group: it is one wish."""
    project = small("at-once", SMALL.replace("$CC -c one.c", "touch here\n    while :; do sleep 0.1; done"))
    process = project.start("apply")
    wait_for(lambda: project.exists("here"))
    interrupted(project, process, (signal.SIGINT, signal.SIGINT))


@test
def twice():
    """It lets go at once, says the command, and the command works."""
    project = small("twice", SMALL.replace("$CC -c one.c", "trap '' TERM INT HUP\n    touch here\n    while :; do sleep 0.1; done"))
    process = project.start("apply")
    wait_for(lambda: project.exists("here"))
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    result = project.finish(process, 5)
    need(time.monotonic() - began < 4.5, f"it held on for {time.monotonic() - began:.1f} s")
    same(problems(project, result)[-2:], ["edcc: warning: let go: run RUN is not torn down", "edcc: hint: edcc destroy finishes the job"])
    need(project.exists(".edcc/lock"), "the lock is gone though nobody tore down")
    project.edcc("destroy")
    clean(project)


@test
def twice_in_the_teardown():
    project = small("twice-teardown")
    process = project.start("apply", env=programs(project, distccd="trap '' TERM\n/usr/bin/distccd \"$@\" &\nwhile :; do sleep 0.1; done"))
    journal_has(project, "verdict")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    result = project.finish(process, 5)
    need(time.monotonic() - began < 1.9 and "edcc: hint: edcc destroy finishes the job\n" in result.output, result)
    project.edcc("destroy")
    clean(project)


# --- nobody reads ---

@test
def reader_goes_away():
    """edcc apply | head -1: the build goes on to its end, and the teardown too."""
    project = small("reader")
    shell = subprocess.run(["bash", "-c", '"$EDCC" apply | head -1; exit ${PIPESTATUS[0]}'], cwd=project.dir, env={**os.environ, "EDCC": lab.EDCC},
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    same((shell.returncode, shell.stderr, shell.stdout.count("\n")), (0, "", 1))
    need(project.exists("out/one.o"), "it was not built")
    clean(project)
    for name, redirect in (("closed", ">&-"), ("full", ">/dev/full"), ("closed-both", ">&- 2>&-")):
        project = small("output-" + name)
        subprocess.run(["bash", "-c", f'"$EDCC" apply {redirect}'], cwd=project.dir, env={**os.environ, "EDCC": lab.EDCC}, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        need(project.exists("out/one.o"), f"it was not built with {redirect}")
        clean(project)


@test
def nobody_reads():
    """A pipe and a terminal that take nothing more: the output waits for a reader, but neither Ctrl-C nor the teardown does."""
    def at(name, arguments):
        project = small("unread-" + name, SMALL.replace("$CC -c one.c", "touch here\n    seq 1000000\n    touch never\n    sleep 1000"))
        ours, theirs = os.openpty() if name == "terminal" else os.pipe()
        env = {**os.environ, "TERM": "xterm"}
        process = subprocess.Popen([lab.EDCC, "apply", *arguments], cwd=project.dir, stdin=subprocess.DEVNULL, stdout=theirs, env=env)
        os.close(theirs)
        wait_for(lambda: project.exists("here"))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        same((process.wait(60), project.exists("never")), (130, False), f"{name}: the status, and whether it went on")
        os.close(ours)
        clean(project)

    side_by_side(at, [("pipe", []), ("json", ["--json"]), ("terminal", [])])


@test
def terminal_goes_away():
    """The terminal's end is a HUP to the group; its output then fails."""
    project = small("terminal", SMALL.replace("$CC -c one.c", "touch here\n    sleep 1000"))
    main_end, terminal = os.openpty()
    process = subprocess.Popen([lab.EDCC, "apply"], cwd=project.dir, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
                               env={**os.environ, "TERM": "xterm"}, preexec_fn=lambda: __import__("fcntl").ioctl(0, 0x540E, 0))
    os.close(terminal)
    wait_for(lambda: project.exists("here"))
    os.close(main_end)
    same(process.wait(60), 130, "the status")
    clean(project)


if __name__ == "__main__":
    main("interrupt")
