"""Reads grammar/edccfile.ebnf."""
import re

TOKEN = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z_]+(?:<[a-z_]+>)?|[][{}()|])""")


def productions(path):
    """The productions as (name, text) in order."""
    text = re.sub(r"\(\*.*?\*\)", "", path.read_text(), flags=re.S)
    return [(m[1], m[0]) for m in re.finditer(r"^([a-z_]+(?:<[a-z]+>)?) = .*?;$", text, re.S | re.M)]


def read(path):
    """{name: (parameter or None, expression)}; an expression is ("choice"|"sequence"|"repeat"|"option", [expressions]) or a symbol."""
    rules = {}
    for name, text in productions(path):
        tokens = TOKEN.findall(text.split("=", 1)[1].rstrip(";"))
        base, _, parameter = name.rstrip(">").partition("<")
        expression, rest = _choice(tokens)
        assert not rest, (name, rest)
        rules[base] = (parameter or None, expression)
    return rules


def _choice(tokens):
    choices = []
    while True:
        sequence = []
        while tokens and tokens[0] not in ("|", "]", "}", ")"):
            token, tokens = tokens[0], tokens[1:]
            if token in ("[", "{", "("):
                inner, tokens = _choice(tokens)
                tokens = tokens[1:]
                sequence.append(({"[": "option", "{": "repeat", "(": "sequence"}[token], [inner]))
            else:
                sequence.append(token)
        choices.append(("sequence", sequence))
        if not tokens or tokens[0] != "|":
            return ("choice", choices), tokens
        tokens = tokens[1:]
