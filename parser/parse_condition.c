/* Conditions: of `if`, and of verdict rules. */
#include "parser/parser.h"
#include "parser/scan.h"

static struct condition *
new_condition(struct parser *p, enum condition_kind kind, struct condition *left, struct condition *right)
{
	struct condition *c = arena_new(p->arena, struct condition);

	c->kind = kind;
	c->left = left;
	c->right = right;
	if (right)
		c->span = span_join(left->span, right->span);
	return c;
}

/* Files what was expected, once a line. Returns NULL. */
static struct condition *
expected(struct parser *p, const char *what, const char *hint)
{
	if (!p->lex.failed) {
		struct str met = parse_met(p, p->lex.token);
		struct diag *d = diag_error(p->diags, p->lex.token.span, "expected %s, met %.*s", what, STR_ARG(met));
		diag_hint(d, "%s", hint);
	}
	p->lex.failed = true;
	return NULL;
}

static bool
at_operand(const struct parser *p)
{
	return p->lex.token.kind == TOKEN_WORD && !parse_is_word(p, p->lex.token, "and") && !parse_is_word(p, p->lex.token, "or");
}

/* list = word { word } ; */
static struct span
parse_list(struct parser *p)
{
	struct span list = lex_take(&p->lex).span;

	while (at_operand(p))
		list = span_join(list, lex_take(&p->lex).span);
	return list;
}

static struct condition *
one_word(struct parser *p, enum condition_kind kind, struct span from)
{
	struct condition *c = new_condition(p, kind, NULL, NULL);

	c->a = lex_take(&p->lex).span;
	c->span = span_join(from, c->a);
	return c;
}

static struct condition *
parse_defined(struct parser *p)
{
	struct span from = lex_take(&p->lex).span, name = p->lex.token.span;
	bool right = at_operand(p) && char_is(p->lex.text[name.offset], CHAR_ALPHA) &&
		     scan_over(p->lex.text, name.offset, p->lex.end, CHAR_NAME) == name.offset + name.length;

	return right ? one_word(p, CONDITION_DEFINED, from) : expected(p, "a name after defined", "as in `defined cross`");
}

/* if_test = "defined" NAME ; */
struct condition *
parse_if_test(struct parser *p)
{
	return parse_is_word(p, p->lex.token, "defined") ? parse_defined(p) : NULL;
}

/* rule_test = "defined" NAME | "file" word ; */
struct condition *
parse_rule_test(struct parser *p)
{
	if (!parse_is_word(p, p->lex.token, "file"))
		return parse_if_test(p);
	struct span from = lex_take(&p->lex).span;
	return at_operand(p) ? one_word(p, CONDITION_FILE, from) : expected(p, "a path after file", "as in `file out/done`");
}

/* comparison = word ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) word | word ( "~" | "!~" ) regex | word "in" list ; */
static struct condition *
parse_comparison(struct parser *p)
{
	static const char example[] =
		"as in `$(arch) == arm64`, `$(workers) >= 16`, `exit in 0 77`, `output ~ /^FAIL:/` or `defined cross`";

	if (!at_operand(p))
		return expected(p, "a condition", example);
	struct condition *c = new_condition(p, CONDITION_EQUAL, NULL, NULL);
	c->a = lex_take(&p->lex).span;
	enum token_kind op = p->lex.token.kind;
	if (parse_is_word(p, p->lex.token, "in")) {
		c->kind = CONDITION_IN;
		lex_take(&p->lex);
		if (!at_operand(p))
			return expected(p, "one or more words after in", "as in `$(arch) in arm64 amd64`");
		c->b = parse_list(p);
	} else if (op == TOKEN_MATCHES || op == TOKEN_MATCHES_NOT) {
		c->kind = op == TOKEN_MATCHES ? CONDITION_MATCHES : CONDITION_MATCHES_NOT;
		lex_take(&p->lex);
		if (p->lex.token.kind != TOKEN_REGEX)
			return expected(p, "a /regex/", "as in `output ~ /^FAIL:/`");
		c->b = lex_take(&p->lex).span;
	} else if (op >= TOKEN_EQUAL && op <= TOKEN_GREATER_EQUAL) {
		c->kind = (enum condition_kind)(CONDITION_EQUAL + (op - TOKEN_EQUAL));
		lex_take(&p->lex);
		if (!at_operand(p))
			return expected(p, "a word to compare with", "\"\" is the empty text, as in `$(arch) != \"\"`");
		c->b = lex_take(&p->lex).span;
	} else if (parse_is_word(p, p->lex.token, "=")) {
		return expected(p, "a comparison", "write == to compare");
	} else {
		return expected(p, "a comparison", example);
	}
	c->span = span_join(c->a, c->b);
	return c;
}

/* negation<test> = { "not" } ( "(" condition<test> ")" | test | comparison ) ; */
static struct condition *
parse_negation(struct parser *p, struct condition *(*test)(struct parser *))
{
	struct span from = p->lex.token.span;
	unsigned negations = 0;
	struct condition *c;

	for (; parse_is_word(p, p->lex.token, "not"); negations++)
		lex_take(&p->lex);
	if (++p->terms > PARSE_TERMS_LIMIT)
		return expected(p, "a shorter condition", "one has at most 1000 comparisons; `in` takes a list");
	if (p->lex.token.kind == TOKEN_OPEN) {
		struct token open = lex_take(&p->lex);
		if (p->depth == PARSE_DEPTH_LIMIT) {
			if (!p->lex.failed)
				diag_hint(diag_error(p->diags, open.span,
						  "parentheses and bodies are nested more than %d deep here", PARSE_DEPTH_LIMIT),
					"give a part of the condition a name of its own");
			p->lex.failed = true;
			return NULL;
		}
		p->depth++;
		c = parse_condition(p, test);
		p->depth--;
		if (c && p->lex.token.kind != TOKEN_CLOSE) {
			c = expected(p, "')'", "a parenthesis is open");
		} else if (c) {
			c->span = span_join(open.span, lex_take(&p->lex).span);
		}
	} else {
		c = test(p);
		if (!c && !p->lex.failed)
			c = parse_comparison(p);
	}
	/* A double negation is none. */
	if (c && negations % 2) {
		c = new_condition(p, CONDITION_NOT, c, NULL);
		c->span = span_join(from, c->left->span);
	}
	return c;
}

/* conjunction<test> = negation<test> { "and" negation<test> } ; */
static struct condition *
parse_conjunction(struct parser *p, struct condition *(*test)(struct parser *))
{
	struct condition *left = parse_negation(p, test);

	while (left && parse_is_word(p, p->lex.token, "and")) {
		lex_take(&p->lex);
		struct condition *right = parse_negation(p, test);
		left = right ? new_condition(p, CONDITION_AND, left, right) : NULL;
	}
	return left;
}

/* condition<test> = conjunction<test> { "or" conjunction<test> } ; */
struct condition *
parse_condition(struct parser *p, struct condition *(*test)(struct parser *))
{
	struct condition *left = parse_conjunction(p, test);

	while (left && parse_is_word(p, p->lex.token, "or")) {
		lex_take(&p->lex);
		struct condition *right = parse_conjunction(p, test);
		left = right ? new_condition(p, CONDITION_OR, left, right) : NULL;
	}
	return left;
}
