#!/usr/bin/env python3
"""Files that are no Edccfile: too large, too deep, or no file at all. Each is refused at once, with one clear error, and makes nothing.
What a small text can show is in test/golden."""

import os
import shutil
import socket

from faults import PLAIN, Measured, Project, lab, main, need, run, says, test

def refused(project, errors, *arguments):
    """Every command that reads the file says the same, and leaves nothing."""
    for command in ("check", "plan", "apply"):
        result = project.edcc(command, *arguments, status=1, timeout=60)
        says(project, result, errors, "")
        need(not project.exists(".edcc"), command, "made .edcc")


def unreadable(project, what):
    refused(project, f"edcc: error: cannot read 'Edccfile': {what}\nedcc: hint: -f names another file\n")


def quick(project, errors, seconds, megabytes):
    """The optimised edcc says it in so much time and memory."""
    found = Measured(project, "check")
    need(found.status == 1 and found.errors == errors, "status", found.status, found.errors[:2000])
    need(found.took < seconds, f"it took {found.took:.2f} s of a processor's")
    need(found.peak < megabytes, f"it took {found.peak:.0f} MB")


@test
def no_file():
    project = Project("none")
    refused(project, "edcc: error: there is no Edccfile here or in a folder above\n"
                     "edcc: hint: name one with -f FILE; `man 5 Edccfile` says how to write one\n")
    refused(project, "edcc: error: cannot read 'other': No such file or directory\nedcc: hint: -f names another file\n", "-f", "other")


@test
def no_regular_file():
    for make, what in (
            (os.mkdir, "it is a folder"),
            (os.mkfifo, "it is a named pipe, not a file"),
            (lambda path: os.symlink("/dev/zero", path), "it is a device, not a file"),
            (lambda path: os.symlink("/nowhere", path), "it is a link to what is not there"),
            (lambda path: os.symlink("Edccfile", path), "Too many levels of symbolic links"),
            (lambda path: socket.socket(socket.AF_UNIX).bind(path), "it is a socket, not a file")):
        project = Project("what-" + what.replace(" ", "-")[:30])
        make(project.path("Edccfile"))
        unreadable(project, what)


@test
def link_to_nowhere_below_another_file():
    """The file above is another project's: it is not taken in the place of one that cannot be read."""
    project = Project("above", edccfile="a = b\n")
    os.mkdir(project.path("below"))
    os.symlink("nowhere", project.path("below/Edccfile"))
    result = project.edcc("check", "-C", "below", status=1)
    says(project, result, "edcc: error: cannot read 'Edccfile': it is a link to what is not there\nedcc: hint: -f names another file\n", "")


@test
def no_regular_include():
    for name, make, what in (
            ("folder", os.mkdir, "it is a folder"),
            ("pipe", os.mkfifo, "it is a named pipe, not a file"),
            ("link", lambda path: os.symlink("nowhere", path), "it is a link to what is not there"),
            ("none", lambda path: None, "No such file or directory")):
        hint = "" if name != "none" else " a path is relative to the folder of the file that includes it"
        project = Project("include-" + name, edccfile=f"include ./{name}\n")
        make(project.path(name))
        refused(project, f"Edccfile:1:9: error: cannot read '{name}': {what}\n"
                         f"    1 | include ./{name}\n      |         {'^' * (len(name) + 2)}{hint}\n")


@test
def unreadable_file():
    project = Project("unreadable", edccfile="a = b\n")
    os.chmod(project.path("Edccfile"), 0)
    for folder in (lab.LAB, project.dir):
        os.chmod(folder, 0o755)
    program = shutil.copy(PLAIN, lab.LAB)
    # Root may read everything: it becomes somebody else.
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    errors = run(*nobody, program, "check", cwd=project.dir, status=1)
    need(errors == "edcc: error: cannot read 'Edccfile': Permission denied\nedcc: hint: -f names another file\n", errors)


@test
def gigabyte():
    """One line of a gigabyte, as a sparse file: refused by its size."""
    project = Project("gigabyte")
    with open(project.path("Edccfile"), "w") as file:
        file.truncate(1 << 30)
    unreadable(project, "it is larger than 64 MiB")
    quick(project, "edcc: error: cannot read 'Edccfile': it is larger than 64 MiB\nedcc: hint: -f names another file\n", 0.2, 40)


@test
def long_line():
    """As much as a file may have, on one line, is legal; so it is on many lines."""
    project = Project("long-line", edccfile="a = " + "x" * ((64 << 20) - 5) + "\n")
    found = Measured(project, "check")
    need(found.status == 0 and not found.errors, found.status, found.errors[:2000])
    need(found.took < 3 and found.peak < 600, f"{found.took:.2f} s, {found.peak:.0f} MB")
    line = "# The quick brown fox jumps over the lazy dog, again and again.\n"
    project = Project("many-lines", edccfile=line * ((64 << 20) // len(line)))
    found = Measured(project, "check")
    need(found.status == 0 and not found.errors, found.status, found.errors[:2000])
    need(found.took < 3 and found.peak < 600, f"{found.took:.2f} s, {found.peak:.0f} MB")


@test
def deep():
    """Nothing recurses without a bound; one error says where it ended."""
    for name, text, first in (
            ("ifs", "".join(" " * i + "if defined a:\n" for i in range(10000)), "Edccfile:101:1: error: bodies are nested more than 100 deep here"),
            ("ifs-wide", "".join("\t" * min(i, 600) + "if defined a:\n" for i in range(100000)),
             "Edccfile:101:1: error: bodies are nested more than 100 deep here"),
            ("parentheses", "if " + "(" * 100000 + "defined a" + ")" * 100000 + ":\n    b = c\n",
             "Edccfile:1:104: error: parentheses and bodies are nested more than 100 deep here"),
            ("not", "if " + "not " * 100000 + "defined a:\n    b = c\n", None),
            ("calls", "a = " + "$(upper " * 100000 + "x" + ")" * 100000 + "\n", "Edccfile:1:805: error: $( ) is nested too deeply here"),
            ("calls-open", "a = " + "$(upper " * 100000, "Edccfile:1:805: error: $( ) is nested too deeply here"),
            ("braces", "a = " + "${" * 100000 + "\n", None),
            ("else-ifs", "if defined a:\n    b = 0\n" + "".join(f"else if defined a{i}:\n    b = {i}\n" for i in range(100000)), ""),
            ("quotes", 'a = ' + '"' * 100001 + "\n", None)):
        project = Project("deep-" + name, edccfile=text)
        found = Measured(project, "check")
        need(found.status == (0 if first == "" else found.status) and found.status in (0, 1), name, found.status, found.errors[:1000])
        need(found.took < 2 and found.peak < 600, f"{name}: {found.took:.2f} s, {found.peak:.0f} MB")
        if first is not None:
            need(found.errors.split("\n")[0] == first, name, found.errors[:1000])
            need(found.errors.count("error:") == (1 if first else 0), name, found.errors[:2000])
        project.edcc("check", status=found.status, timeout=30)


@test
def bombs():
    """Small files whose values, cycles or includes would never end."""
    doubling = "a0 = xxxxxxxxxxxxxxxx\n" + "".join(f"a{i} = $(a{i - 1}) $(a{i - 1})\n" for i in range(1, 100))
    project = Project("bomb", edccfile=doubling)
    found = Measured(project, "plan")
    need(found.status == 1 and "error: the values of this file come to more than 256 MB here" in found.errors, found.errors[:1000])
    need(found.errors.count("error:") == 1 and found.took < 3 and found.peak < 700, f"{found.took:.2f} s, {found.peak:.0f} MB", found.errors[:1000])
    project = Project("map", edccfile="a = " + "x " * 30000 + "\nb = $(map $(a), $(a))\n")
    found = Measured(project, "plan")
    need(found.status == 1 and "error: the values of this file come to more than 256 MB here" in found.errors, found.errors[:1000])
    need(found.took < 3 and found.peak < 700, f"{found.took:.2f} s, {found.peak:.0f} MB")
    cycle = "".join(f"a{i} = $(a{(i + 1) % 100000})\n" for i in range(100000))
    project = Project("cycle", edccfile=cycle)
    found = Measured(project, "check")
    need(found.status == 1 and found.errors.startswith("Edccfile:1:1: error: 'a0' needs itself\n"), found.errors[:1000])
    need(found.errors.count("error:") == 1 and "and so on over 99989 more" in found.errors and found.took < 3, found.took, found.errors[:2000])
    cycle = "".join(f"build b{i}: b{(i + 1) % 100000}\n    true\n" for i in range(100000))
    project = Project("build-cycle", edccfile=cycle)
    found = Measured(project, "check")
    need(found.status == 1 and found.errors.startswith("Edccfile:1:1: error: build 'b0' needs itself\n"), found.errors[:1000])
    need(found.errors.count("error:") == 1 and "and so on over 99989 more" in found.errors and found.took < 3, found.took, found.errors[:2000])
    project = Project("includes", edccfile="include ./i1.edcc\n", files={f"i{i}.edcc": f"include ./i{i + 1}.edcc\n" for i in range(1, 1000)})
    found = Measured(project, "check")
    need(found.status == 1 and "error: includes are nested more than" in found.errors and found.errors.count("error:") == 1, found.errors[:1000])


@test
def thousand_errors():
    """Twenty are printed, the rest is counted."""
    project = Project("thousand", edccfile="".join(f"a{i} = $(nowhere{i})\n" for i in range(1000)))
    result = project.edcc("check", status=1)
    need(result.errors.count(": error: ") == 20, result)
    need(result.errors.endswith("\n980 more errors\n"), result.errors[-300:])


if __name__ == "__main__":
    main("input")
