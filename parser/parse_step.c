/* The bodies of build and on blocks, and of artifacts. */
#include "parser/parser.h"
#include "parser/scan.h"

#include <string.h>

/* rule = ( "build_success" | "build_failed" ) "when" condition<rule_test> NEWLINE ; */
static struct item *
parse_rule(struct parser *p, bool success)
{
	struct line header = p->lex.line;
	struct rule *rule = parse_item(p, sizeof(*rule), ITEM_RULE, SPAN_NONE);

	rule->success = success;
	p->terms = 0;
	lex_start(&p->lex, LEX_CONDITION, header.start + header.indent);
	struct span from = lex_take(&p->lex).span;
	struct token when = lex_take(&p->lex);
	if (!parse_is_word(p, when, "when"))
		diag_hint(diag_error(p->diags, when.span, "expected 'when', met '%.*s'", STR_ARG(lex_text(&p->lex, when.span))),
			"as in `%s when CONDITION`", success ? "build_success" : "build_failed");
	rule->condition = parse_condition(p, parse_rule_test);
	if (rule->condition) {
		rule->item.span = span_join(from, rule->condition->span);
		parse_line_end(p, "the condition", "`and` and `or` join two conditions, `in` takes a list");
	}
	lex_leave_line(&p->lex);
	return rule->condition ? &rule->item : NULL;
}

/* Which verdict rule the line begins, judged by its first two words; an `if` in place of `when` is a slip that bash would make a verdict of. */
static bool
at_rule(const struct lexer *lex, struct span first, bool *success)
{
	struct str word = lex_text(lex, first);
	uint32_t at = scan_blanks(lex->text, first.offset + first.length, lex->end, CHAR_BLANK);
	uint32_t end = scan_over(lex->text, at, lex->end, CHAR_NAME);

	struct str second = {lex->text + at, end - at};
	*success = str_is(word, "build_success");
	return (*success || str_is(word, "build_failed")) && (str_is(second, "when") || str_is(second, "if"));
}

/* Whether `if …` is the Edccfile's and not bash's: the line ends in a ':' right after a character other than ';', and has no `then`. */
static bool
at_own_if(const struct parser *p)
{
	struct parser ahead = *p;
	struct lexer *lex = &ahead.lex;
	struct token last = {0};

	lex->quiet = true;
	lex->trace = NULL;
	lex_start(lex, LEX_COLON | LEX_CONDITION, lex->line.start + lex->line.indent);
	while (lex->token.kind != TOKEN_NEWLINE) {
		last = lex_take(lex);
		if (parse_is_word(&ahead, last, "then"))
			return false;
	}
	char before = lex->text[last.span.offset - 1];
	return last.kind == TOKEN_COLON && before != ';' && !char_is(before, CHAR_WHITE);
}

/* A rule too late is a call of the command of that name, and a verdict before anything was looked at. True where it is one (filed). */
static bool
refuse_late_rule(struct parser *p, struct span recipe, uint32_t at)
{
	const struct lexer *lex = &p->lex;
	struct span first = {recipe.source, at, scan_over(lex->text, at, lex->end, CHAR_NAME) - at};
	struct str word = lex_text(lex, first);
	bool success;

	if (!at_rule(lex, first, &success))
		return false;
	struct diag *d =
		diag_error(p->diags, first, "a verdict rule stands before the recipe, as in `%.*s when CONDITION`", STR_ARG(word));
	diag_hint(d, "here bash would call the command of that name; its message, if this is one, stands in quotes");
	diag_note(d, recipe, "the recipe begins here");
	return true;
}

/* recipe = RECIPE ; */
static struct item *
parse_recipe(struct parser *p, const struct body *body)
{
	uint32_t indent = p->lex.line.indent;
	struct span span = lex_take_recipe(&p->lex, body->header_start, body->header_indent);
	struct recipe *recipe = parse_item(p, sizeof(*recipe), ITEM_RECIPE, span);
	const char *text = p->lex.text;
	uint32_t end = span.offset + span.length;
	bool late = false;

	recipe->indent = indent;
	for (uint32_t at = span.offset; at < end;) {
		uint32_t n = scan_over(text, at, end, CHAR_BLANK) - at, common = n < indent ? n : indent;
		const char *newline = memchr(text + at, '\n', end - at);
		if (memcmp(text + at, text + span.offset, common) != 0 && at + n < end && text[at + n] != '\n') {
			parse_mixed_indent(p, (struct span){span.source, at, n}, (struct span){span.source, span.offset, indent},
				"the recipe's first line");
			break;
		}
		late = late || refuse_late_rule(p, (struct span){span.source, span.offset + indent, 0}, at + n);
		at = newline ? (uint32_t)(newline - text) + 1 : end;
	}
	return &recipe->item;
}

/* step_line = comment | definition | conditional<step_line> | rule | recipe ; */
struct item *
parse_step_line(struct parser *p, const struct body *body)
{
	struct head head = lex_head(&p->lex);
	bool success;

	if (head.op != TOKEN_END && head.spaced)
		return parse_definition(p, &head);
	if (str_is(lex_text(&p->lex, head.name), "if") && at_own_if(p))
		return parse_conditional(p, body);
	if (at_rule(&p->lex, head.name, &success))
		return parse_rule(p, success);
	return parse_recipe(p, body);
}

static void *
expected(struct parser *p, const char *what, const char *hint)
{
	if (!p->lex.failed) {
		struct str met = parse_met(p, p->lex.token);
		struct diag *d = diag_error(p->diags, p->lex.token.span, "expected %s, met %.*s", what, STR_ARG(met));
		diag_hint(d, "%s", hint);
	}
	lex_leave_line(&p->lex);
	return NULL;
}

/* What a line without an arrow may have in its place. */
static const char *
arrow_hint(struct str line, const char *example)
{
	if (memmem(line.s, line.n, "->", 2))
		return "white space stands around the arrow: PATTERN -> DESTINATION";
	return memmem(line.s, line.n, "=>", 2) ? "the arrow is written ->" : example;
}

/* artifact = word { word } "->" word [ "when" word ] NEWLINE ; */
static struct item *
parse_artifact(struct parser *p)
{
	static const char example[] = "as in `out/*.deb -> s3://bucket/folder/` or `**/*.log -> logs/ when build_failed`";
	struct line header = p->lex.line;
	struct lexer *lex = &p->lex;
	struct artifact *artifact = parse_item(p, sizeof(*artifact), ITEM_ARTIFACT, SPAN_NONE);
	struct span end;

	lex_start(lex, LEX_ARROW, header.start + header.indent);
	artifact->patterns = lex->token.span;
	if (lex->token.kind != TOKEN_WORD)
		return expected(p, "a pattern before '->'", example);
	while (lex->token.kind == TOKEN_WORD)
		artifact->patterns = span_join(artifact->patterns, lex_take(lex).span);
	if (lex->token.kind != TOKEN_ARROW)
		return expected(p, "'->' and a destination", arrow_hint(lex_text(lex, artifact->patterns), example));
	lex_take(lex);
	if (lex->token.kind != TOKEN_WORD)
		return expected(p, "a destination after '->'", example);
	artifact->destination = end = lex_take(lex).span;
	if (parse_is_word(p, lex->token, "when")) {
		lex_take(lex);
		if (lex->token.kind != TOKEN_WORD)
			return expected(p, "build_success, build_failed or always after when", example);
		artifact->when = end = lex_take(lex).span;
	}
	artifact->item.span = span_join(artifact->patterns, end);
	parse_line_end(p, artifact->when.length ? "the verdict" : "the destination",
		"an artifact has one destination, and after it may stand `when` and one verdict");
	lex_leave_line(lex);
	return &artifact->item;
}

/* artifact_line = comment | definition | conditional<artifact_line> | artifact ; */
struct item *
parse_artifact_line(struct parser *p, const struct body *body)
{
	struct head head = lex_head(&p->lex);

	if (head.op != TOKEN_END)
		return parse_definition(p, &head);
	if (str_is(lex_text(&p->lex, head.name), "if"))
		return parse_conditional(p, body);
	return parse_artifact(p);
}
