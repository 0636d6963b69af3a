#!/usr/bin/env python3
"""graph.py LINES FOLDER: one graph of builds, as an Edccfile, a Makefile and a build.ninja of about LINES lines each.

Half of the lines are definitions, each made from an earlier one; the other half are builds, each with three prerequisites, a folder that comes from
a definition and a command of two parts. Each file says it in its own idiom, the quickest it has: `:=` and one .PHONY line in make, one rule in ninja.
"""
import os
import sys


def needs(build):
    """Up to three earlier builds: near ones and far ones."""
    return sorted({build // 2, build - 7, build * 7919 % build} - {build}) if build > 7 else []


def commands(build):
    return f"cc -O2 -c unit{build}.c -o unit{build}.o", f"ar rcs lib{build}.a unit{build}.o"


def edccfile(definitions, builds):
    yield "project = graph\n"
    yield "v0 = src\n"
    for d in range(1, definitions):
        yield f"v{d} = $(v{d // 10})/n{d}\n"
    for b in range(builds):
        compile_, archive = commands(b)
        yield f"\nbuild b{b}: {' '.join(f'b{n}' for n in needs(b))}".rstrip() + "\n"
        yield f"    dir = $(v{b * definitions // builds})\n    {compile_}\n    {archive}\n"


def makefile(definitions, builds):
    yield "v0 := src\n"
    for d in range(1, definitions):
        yield f"v{d} := $(v{d // 10})/n{d}\n"
    yield "all: " + " ".join(f"b{b}" for b in range(builds)) + "\n"
    yield ".PHONY: all " + " ".join(f"b{b}" for b in range(builds)) + "\n"
    for b in range(builds):
        compile_, archive = commands(b)
        yield f"\nb{b}: {' '.join(f'b{n}' for n in needs(b))}".rstrip() + "\n"
        yield f"\tcd $(v{b * definitions // builds}) && \\\n\t{compile_} && \\\n\t{archive}\n"


def ninjafile(definitions, builds):
    yield "rule run\n  command = cd $dir && $script\n"
    yield "v0 = src\n"
    for d in range(1, definitions):
        yield f"v{d} = $v{d // 10}/n{d}\n"
    for b in range(builds):
        compile_, archive = commands(b)
        yield f"\nbuild b{b}: run {' '.join(f'b{n}' for n in needs(b))}".rstrip() + "\n"
        yield f"  dir = $v{b * definitions // builds}\n  script = {compile_} && $\n    {archive}\n"


def main():
    lines, folder = int(sys.argv[1]), sys.argv[2]
    builds, definitions = lines // 10, lines // 2
    os.makedirs(folder, exist_ok=True)
    for name, text in ("Edccfile", edccfile), ("Makefile", makefile), ("build.ninja", ninjafile):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.writelines(text(definitions, builds))


main()
