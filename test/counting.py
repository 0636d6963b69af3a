"""Counting, for tests that are one program each: what holds, what does not, what could not be tried, and the closing line."""

import sys

passed = failed = skipped = 0


def check(name, truth, shown=None):
    global passed, failed
    if truth:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {name}" + ("" if shown is None else f"\n     {shown!r}"), flush=True)
    return truth


def equal(name, actual, expected):
    return check(name, actual == expected, None if actual == expected else {"actual": actual, "expected": expected})


def skip(name, why):
    global skipped
    skipped += 1
    print(f"skip {name}: {why}")


def finish():
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)
