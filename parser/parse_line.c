/* What the parser's productions have in common: tokens by their text, ends of lines, and lines that fit nowhere. */
#include "parser/parser.h"
#include "parser/scan.h"

#include <string.h>

/* Longest piece of a line that a message repeats. */
#define WORD_SHOWN 40

/* What a Makefile's first words are called here. */
static const struct {
	const char *word, *hint;
} make_lines[] = {
	{"export", "every definition is exported to the recipes; write NAME = value"},
	{"unexport", "every definition is exported to the recipes; `unset NAME` in the recipe that should not have it"},
	{"override", "the command line sets only names defined with ?=; write NAME = value for one it cannot set"},
	{"ifeq", "write `if $(arch) == arm64:` and indent what it holds"},
	{"ifneq", "write `if $(arch) != arm64:` and indent what it holds"},
	{"ifdef", "write `if defined NAME:` and indent what it holds"},
	{"ifndef", "write `if not defined NAME:` and indent what it holds"},
	{"endif", "an if ends where its indentation ends"},
	{"elif", "write `else if CONDITION:`"},
	{"define", "a value goes on over deeper-indented lines below NAME ="},
	{"endef", "a value ends where its indentation ends"},
	{"vpath", "a recipe is plain bash in the source tree; there is no search path"},
	{"sinclude", "write `include PATH`"},
	{"-include", "write `include PATH`; what is included must be there"},
	{".PHONY", "a build is always run; there is nothing to declare"},
	{".DEFAULT_GOAL", "`edcc apply NAME` builds NAME; the default is every build that no other one needs"},
};

bool
parse_is_word(const struct parser *p, struct token token, const char *word)
{
	return token.kind == TOKEN_WORD && str_is(lex_text(&p->lex, token.span), word);
}

uint32_t
parse_label_end(const char *text, uint32_t at, uint32_t end)
{
	while (at < end && (char_is(text[at], CHAR_NAME) || text[at] == '-'))
		at++;
	return at;
}

struct str
parse_met(struct parser *p, struct token token)
{
	struct str text = lex_text(&p->lex, token.span);

	if (token.kind == TOKEN_NEWLINE)
		return STR("the end of the line");
	if (text.n > WORD_SHOWN)
		return STR("this");
	return str_printf(p->arena, "'%.*s'", STR_ARG(text));
}

static struct str
indent_text(struct parser *p, struct span indent)
{
	struct str text = lex_text(&p->lex, indent);
	unsigned tabs = 0, spaces = 0;

	for (size_t i = 0; i < text.n; i++)
		*(text.s[i] == '\t' ? &tabs : &spaces) += 1;
	if (!tabs)
		return str_printf(p->arena, "%u space%s", spaces, spaces == 1 ? "" : "s");
	if (!spaces)
		return str_printf(p->arena, "%u tab%s", tabs, tabs == 1 ? "" : "s");
	return str_printf(p->arena, "%u tab%s and %u space%s", tabs, tabs == 1 ? "" : "s", spaces, spaces == 1 ? "" : "s");
}

void
parse_mixed_indent(struct parser *p, struct span indent, struct span other, const char *of_other)
{
	struct str here = indent_text(p, indent), there = indent_text(p, other);
	struct diag *d = diag_error(
		p->diags, indent, "this line is indented with %.*s, %s with %.*s", STR_ARG(here), of_other, STR_ARG(there));

	diag_hint(d, "tabs or spaces, but one body uses one indentation");
	diag_note(d, other, "indented with %.*s", STR_ARG(there));
}

bool
parse_line_end(struct parser *p, const char *after, const char *hint)
{
	if (p->lex.token.kind == TOKEN_NEWLINE) {
		lex_take_run(&p->lex, TOKEN_NEWLINE, p->lex.token.span);
		return true;
	}
	if (!p->lex.failed) {
		struct str met = parse_met(p, p->lex.token);
		diag_hint(diag_error(p->diags, p->lex.token.span, "expected the end of the line after %s, met %.*s", after,
				  STR_ARG(met)),
			"%s", hint);
	}
	return false;
}

/* What to write in place of a line that fits nowhere. */
static const char *
hint_for(struct str line, struct str first, bool file)
{
	for (size_t i = 0; i < sizeof(make_lines) / sizeof(make_lines[0]); i++)
		if (str_is(first, make_lines[i].word))
			return make_lines[i].hint;
	struct str rest = str_trim(str_part(line, first.n, line.n));
	if (file && str_ends(line, STR("{")))
		return "a block's header ends in ':', as in `instances:`, and its body is indented";
	if (file && str_is(line, "}"))
		return "a block ends where its indentation ends";
	if (str_starts(rest, STR("=")) || str_starts(rest, STR("?=")) || str_starts(rest, STR("+=")))
		return "a name is made of letters, digits and _, and does not begin with a digit";
	if (file && str_starts(rest, STR(":")))
		return "a step is written `build NAME: PREREQUISITES`; what files depend on is left to the tool that it calls";
	if (file && str_is(first, "build"))
		return "a step is written `build NAME:` or `build NAME: PREREQUISITES`; a name is made of letters, digits, - and _";
	if (!file && str_ends(line, STR(":")))
		return "a block cannot stand in another one's body: write it below, in the column where this one's header begins";
	if (!file && str_starts(rest, STR(":")))
		return "a value is given with =, as in `name = value`";
	if (file && char_is(*line.s, CHAR_ALPHA) && (str_ends(rest, STR(":")) || (rest.n && memmem(rest.s, rest.n, ": ", 2))))
		return "a block is written `KIND NAME:`; a name is made of letters, digits, - and _, and begins with a letter";
	return file ? "as in `workers ?= 4`, `include std/gcc` or `build test:`" : "as in `name = value`";
}

struct item *
parse_unknown_line(struct parser *p, const char *expected, bool file)
{
	struct line at = p->lex.line;
	uint32_t from = at.start + at.indent, end = scan_until(p->lex.text, from, p->lex.end, CHAR_NEWLINE), word = from;

	while (end > from && char_is(p->lex.text[end - 1], CHAR_BLANK))
		end--;
	while (word < end && !char_is(p->lex.text[word], CHAR_BLANK) && (word == from || !strchr("=:?+(", p->lex.text[word])))
		word++;
	struct str line = {p->lex.text + from, end - from}, first = {line.s, word - from};
	struct span span = {p->lex.source, from, word - from};
	bool target = word < end && p->lex.text[word] == ':';
	if (str_is(first, "else")) {
		diag_hint(diag_error(p->diags, span, "else without an if"),
			"an else stands right below the body of its if, in the if's column");
	} else if (p->headed && file && !target && p->unindented) {
		/* One more line of the body. */
	} else if (p->headed && file && !target) {
		p->unindented = true;
		struct diag *d = diag_error(p->diags, span, "expected an indented body");
		diag_hint(d, "indent what belongs to the block above");
		diag_note(d, p->headed->item.span, "the block begins here");
	} else {
		struct str met = first.n > WORD_SHOWN ? STR("this") : str_printf(p->arena, "'%.*s'", STR_ARG(first));
		struct diag *d = diag_error(p->diags, span, "expected %s, met %.*s", expected, STR_ARG(met));
		diag_hint(d, "%s", hint_for(line, first, file));
	}
	if (!p->unindented)
		p->headed = NULL;
	lex_leave_line(&p->lex);
	lex_leave_deeper(&p->lex, at.start, at.indent);
	return NULL;
}
