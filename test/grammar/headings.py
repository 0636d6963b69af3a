#!/usr/bin/env python3
"""Holds grammar/edccfile.ebnf and the parser together: each production heads exactly one function, word for word, and no function has another."""
import pathlib
import re
import sys

from ebnf import productions

PRODUCTION = re.compile(r"/\* ([a-z_]+(?:<[a-z]+>)? = (?:(?!\*/).)*;) \*/\n(.*?)\n\{", re.S)
FUNCTION = re.compile(r"(?:static )?[a-z_0-9 ]+ ?\*?\n[a-z_0-9]+\([^;{}]*\)\Z")

root = pathlib.Path(__file__).resolve().parents[2]
wrong = []


def words(text):
    return " ".join(text.split())


grammar = {name: words(text) for name, text in productions(root / "grammar/edccfile.ebnf")}
heads = {}
for path in sorted((root / "parser").glob("*.c")):
    for match in PRODUCTION.finditer(path.read_text()):
        production = words(re.sub(r"\n \*", "\n", match[1]))
        name = production.split(" ")[0]
        place = f"{path.relative_to(root)}: {name}"
        if not FUNCTION.match(match[2]):
            wrong.append(f"{place}: heads no function")
        if name in heads:
            wrong.append(f"{place}: heads a second function")
        elif name not in grammar:
            wrong.append(f"{place}: not in the grammar")
        elif grammar[name] != production:
            wrong.append(f"{place}: differs\n  grammar: {grammar[name]}\n  parser:  {production}")
        heads[name] = place
wrong += [f"grammar: {name} heads no function of the parser" for name in grammar if name not in heads]

print("\n".join(wrong) if wrong else f"{len(heads)} productions head a function each")
sys.exit(bool(wrong))
