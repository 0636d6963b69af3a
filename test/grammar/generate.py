#!/usr/bin/env python3
"""Random sentences of grammar/edccfile.ebnf: each must be accepted, and laid out without a change of its tree, and laid out once and for all.
Mutated, they must be refused or accepted, but never crash.

generate.py EDCC [SENTENCES [MUTANTS [SEED]]]"""
import pathlib
import random
import subprocess
import sys
import tempfile

import ebnf

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ebnf.read(ROOT / "grammar/edccfile.ebnf")
VALUE_RULES = {"value", "word", "part", "single", "double", "dollar", "call", "argument", "command", "regex"}
KEYWORDS = {"and", "or", "not", "in", "defined", "file", "if", "else", "when", "as", "then", "include", "secret"}
COMMON = "abcxyzABC019_.,/%@+{}*?^-é漢"
DEEPEST = 12


def height(expression, heights):
    """The least depth of productions that the expression needs."""
    if isinstance(expression, str):
        return heights.get(expression.partition("<")[0], 0)
    kind, parts = expression
    if kind in ("option", "repeat"):
        return 0
    return (min if kind == "choice" else max)((height(part, heights) for part in parts), default=0)


HEIGHTS = {name: 99 for name in RULES}
for _ in RULES:
    HEIGHTS = {name: 1 + height(expression, HEIGHTS) for name, (_, expression) in RULES.items()}


def pick(*choices):
    return random.choice(choices)


def text(alphabet, most=6):
    return "".join(random.choice(alphabet) for _ in range(random.randint(1, most)))


class Sentence:
    """One random file. Lines are built of symbols; white space is put between them where the grammar says it may stand."""

    def __init__(self):
        self.out = []
        self.line = []
        self.indents = [""]
        self.recipe = 0  # how deep the body is that has one, 0 outside of such
        self.where = []  # names of the productions being written
        self.produce("file", None, 0)

    def source(self):
        source = "".join(self.out)
        if random.random() < 0.1:
            source = source.replace("\n", "\r\n")
        if random.random() < 0.1:
            source = "\ufeff" + source
        if random.random() < 0.1:
            source = source.rstrip("\r\n")
        return source.encode()

    # Productions.

    def produce(self, name, argument, depth):
        parameter, expression = RULES[name]
        if name == "rule" and self.recipe:
            return  # below a recipe's first line a rule is an error
        self.where.append(name)
        if name == "value" or (name in ("word", "regex") and not self.in_value()):
            self.line.append(self.value(name, depth))
        else:
            self.expand(expression, {parameter: argument}, depth + 1)
        self.where.pop()

    def in_value(self):
        return "value" in self.where[:-1]

    def expand(self, expression, bound, depth):
        if isinstance(expression, str):
            self.symbol(expression, bound, depth)
            return
        kind, parts = expression
        if kind == "choice":
            parts = [random.choice(parts) if depth < DEEPEST else min(parts, key=lambda part: height(part, HEIGHTS))]
        elif kind == "option":
            parts = parts if depth < DEEPEST and random.random() < 0.5 else []
        elif kind == "repeat":
            top = self.where[-1] == "file"
            parts = parts * (0 if depth >= DEEPEST else pick(0, 1, 1, 2, 3) * (3 if top else 1))
        for part in parts:
            self.expand(part, bound, depth)

    def symbol(self, symbol, bound, depth):
        if symbol[0] in "\"'":
            self.line.append(symbol[1:-1])
            return
        name, _, argument = symbol.rstrip(">").partition("<")
        name, argument = bound.get(name, name), bound.get(argument, argument) or None
        if name in RULES:
            self.produce(name, argument, depth)
        else:
            getattr(self, name)()

    # Terminals of lines.

    def END(self):
        pass

    def COMMENT(self):
        self.out.append(pick("", "\n") + self.indents[-1] + "#" + text(COMMON + " #\"'$(:=") + "\n")

    def NAME(self):
        self.line.append(self.name())

    def name(self):
        while (name := random.choice("abcxyz_") + text("abcxyz019_")) in KEYWORDS:
            pass
        return name

    def LABEL(self):
        self.line.append(random.choice("abcxyz_") + text("abcxyz019_-"))

    def KIND(self):
        self.line.append(pick("provider", "network", "instances", "host", "compiler", "distcc", self.name()))

    def PATH(self):
        self.line.append(pick("std/gcc", "./x.edcc", "../a/b.edcc", "https://host/a:b.edcc", "std/" + text("abcxyz-")))

    def HASH(self):
        self.line.append("sha256:" + text("0123456789abcdef", 1) * 64)

    def RECIPE(self):
        indent = self.indents[-1]
        self.recipe = self.recipe or len(self.indents)
        lines = [pick("make -j", "cd out && ls", "case $x in a) ;; esac", "if [ -e a ]; then", "x=1", "echo 'a", "build_failed oops", "if true; then :; fi")]
        lines += [pick("", "  ", "\t") + pick("fi", "# no comment", "a = b", "cat <<E", "E\\", '"', "$(nproc)", "else:", "network:") for _ in range(random.randint(0, 4))]
        self.out.append("".join(pick("", "", "\n") + indent + line + "\n" for line in lines))

    def INDENT(self):
        self.indents.append(self.indents[-1] + pick("    ", "\t", "  ", " ", "\t  "))

    def DEDENT(self):
        self.indents.pop()
        if len(self.indents) < self.recipe:
            self.recipe = 0

    def NEWLINE(self):
        step = "step_line" in self.where
        line = self.indents[-1] + self.line[0]
        for before, symbol in zip(self.line, self.line[1:]):
            if symbol == ":" or before == "(" or symbol == ")":
                blank = "" if step or random.random() < 0.8 else " "
            elif symbol in ("=", "?=", "+=") and self.where[-1] == "definition":
                blank = self.blank() if step else pick("", " ")
            elif before in ("=", "?=", "+=") and self.where[-1] == "definition":
                blank = "" if symbol[0] in "\n#" else pick("", " ")
            elif symbol in ("==", "!=", "<=", ">=", "!~") or before in ("==", "!=", "<=", ">=", "!~", "~"):
                blank = pick("", " ", "  ")
            else:
                blank = self.blank()
            line += blank + symbol
        self.line = []
        comment = pick("", "", "", "  # " + text(COMMON + " '\"$:"), "\t#")
        self.out.append(pick("", "", "", "\n", "  \n\n") + line + comment + pick("", " ") + "\n")

    def blank(self):
        return random.choices([" ", "  ", "\t", " \\\n" + self.indents[-1] + pick("", "   ")], [8, 2, 1, 1])[0]

    # Values: text, made of the same rules.

    def value(self, name, depth):
        while True:
            outer, self.line = self.line, []
            self.expand(RULES[name][1], {None: None}, depth)
            made, self.line = "".join(self.line), outer
            if made and made not in KEYWORDS and made[0] not in "#=":
                return made

    def SPACE(self):
        blanks = [" ", "  ", "\t"]
        if "definition" in self.where:
            deeper = self.indents[-1] + pick(" ", "      ", "\t")
            blanks += ["\n" + deeper, " \\\n" + deeper]
            if "dollar" not in self.where:
                blanks += ["  # " + text(COMMON + " '\"$(") + "\n" + deeper, "\n\n" + deeper + "# x\n" + deeper]
        self.line.append(random.choice(blanks))

    def LITERAL(self):
        more = ":;|&<>!~()" if "definition" in self.where else ""
        while (made := text(COMMON + more) + pick("", "", "=1", "#", "\\n")) in KEYWORDS:
            pass
        self.line.append(made if more else made.replace("=1", ""))

    def SINGLE(self):
        self.line.append(text(COMMON + " \"#$\\:=()"))

    def DOUBLE(self):
        self.line.append(text(COMMON + " '#:=()"))

    def FUNCTION(self):
        self.line.append(pick("join", "sort", "default", "env", "map", "unknown"))

    def REGEX_FUNCTION(self):
        self.line.append(pick("filter", "reject", "match", "replace"))

    def COMMAND_FUNCTION(self):
        self.line.append(pick("shell", "git"))

    def ARGUMENT(self):
        self.line.append(text("abcxyz019_.%@+-:;=<>~"))

    def COMMAND(self):
        self.line.append(pick(text("abc /.|;&<>#=,"), "\\(", "\\'"))

    def SINGLE_COMMAND(self):
        self.line.append(text("abc )(\"#\\,"))

    def DOUBLE_COMMAND(self):
        self.line.append(text("abc )('#,"))

    def PATTERN(self):
        self.line.append(pick("a", ".*", "\\/", "[^/]", "[]/]", "[[:alpha:]/]", " ", "$", '"', "'", "#", ",", ")", "(", "\\[", "é"))

    def FLAG(self):
        self.line.append(random.choice("imsx"))


def run(*arguments, stdin=b""):
    done = subprocess.run(arguments, input=stdin, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check_sentence(edcc, source, folder):
    """What is wrong with how the sentence is read, or None."""
    before, after = folder / "before", folder / "after"
    before.write_bytes(source)
    status, tree, errors = run(edcc, "check", "--print", "tree", "-f", before)
    if status:
        return "refused", errors
    status, laid_out, errors = run(edcc, "fmt", "-", stdin=source)
    if status:
        return "not laid out", errors
    after.write_bytes(laid_out)
    status, again, errors = run(edcc, "check", "--print", "tree", "-f", after)
    if status or again != tree:
        return "another tree when laid out", laid_out + b"----\n" + tree + b"----\n" + again + errors
    status, twice, errors = run(edcc, "fmt", "-", stdin=laid_out)
    if twice != laid_out:
        return "laid out in two ways", laid_out + b"----\n" + twice
    return None


def mutant(source):
    made = bytearray(source)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(made) + 1)
        other = random.randrange(len(made) + 1)
        kind = random.randrange(5)
        if kind == 0:
            del made[at : at + random.randint(1, 8)]
        elif kind == 1:
            made[at:at] = random.choice([b"\0", b"\xff", b"$(", b"'", b'"', b"\\", b"\n", b"    ", b"\t", b":", b"=", b"/", b"#", b"if x:", b"else:"])
        elif kind == 2:
            made[at:at] = made[other : other + random.randint(1, 40)]
        elif kind == 3 and at < len(made):
            made[at] = random.randrange(256)
        else:
            del made[at:]
    return bytes(made)


def main():
    edcc = sys.argv[1]
    sentences, mutants, seed = (int(argument) for argument in (sys.argv[2:] + ["150", "600", "1"][len(sys.argv) - 2 :]))
    random.seed(seed)
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        sources = [Sentence().source() for _ in range(sentences)]
        for source in sources:
            wrong = check_sentence(edcc, source, folder)
            if wrong:
                failed += 1
                print(f"FAIL {wrong[0]}:\n{source.decode()}\n---- {wrong[1].decode()}")
        files = []
        for number in range(mutants):
            files.append(folder / f"mutant{number}")
            files[-1].write_bytes(mutant(random.choice(sources)))
        for at in range(0, mutants, 50):
            status, _, errors = run(edcc, "fmt", "--check", *files[at : at + 50])
            if status not in (0, 1):
                failed += 1
                print(f"FAIL status {status} for one of 50 mutants: {errors.decode(errors='replace')[-3000:]}")
    print(f"{sentences} sentences, {mutants} mutants, seed {seed}: {failed} failed")
    return failed


sys.exit(bool(main()))
