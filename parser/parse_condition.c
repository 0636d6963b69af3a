/* Conditions: of `if`, and of verdict rules. */
#include "parser/parser.h"

static struct condition *
new_condition(struct parser *p, enum condition_kind kind, struct condition *left, struct condition *right)
{
	struct condition *c = arena_new(p->arena, struct condition);
	uint32_t end = right ? right->span.offset + right->span.length : 0;

	c->kind = kind;
	c->left = left;
	c->right = right;
	if (right)
		c->span = (struct span){left->span.source, left->span.offset, end - left->span.offset};
	return c;
}

static struct span
join(struct span from, struct span to)
{
	return (struct span){from.source, from.offset, to.offset + to.length - from.offset};
}

/* Files what was expected, once a line. Returns NULL. */
static struct condition *
expected(struct parser *p, const char *what, const char *hint)
{
	if (!p->lex.failed) {
		struct str met = parse_met(p, p->lex.token);
		struct diag *d = diag_error(p->diags, p->lex.token.span, "expected %s, met %.*s", what, STR_ARG(met));
		diag_hint(p->diags, d, "%s", hint);
	}
	p->lex.failed = true;
	return NULL;
}

static bool
at_operand(const struct parser *p)
{
	return p->lex.token.kind == TOKEN_WORD && !parse_is_word(p, p->lex.token, "and") && !parse_is_word(p, p->lex.token, "or");
}

/* list = WORD { WORD } ; */
static struct span
parse_list(struct parser *p)
{
	struct span list = lex_take(&p->lex).span;

	while (at_operand(p))
		list = join(list, lex_take(&p->lex).span);
	return list;
}

/* `defined NAME`, `file PATH`. */
static struct condition *
parse_test(struct parser *p, enum condition_kind kind, const char *what, const char *hint)
{
	struct condition *c = new_condition(p, kind, NULL, NULL);
	struct span from = lex_take(&p->lex).span;

	if (!at_operand(p))
		return expected(p, what, hint);
	c->a = lex_take(&p->lex).span;
	c->span = join(from, c->a);
	return c;
}

/* comparison = "defined" WORD | "file" WORD | WORD "in" list | WORD ( "~" | "!~" ) REGEX
 *            | WORD ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) WORD ; */
static struct condition *
parse_comparison(struct parser *p, bool rule)
{
	static const char example[] =
		"as in `$(arch) == arm64`, `$(workers) >= 16`, `$(arch) in arm64 amd64`, `$(name) ~ /^lib/` or `defined cross`";

	if (parse_is_word(p, p->lex.token, "defined"))
		return parse_test(p, CONDITION_DEFINED, "a name after defined", "as in `defined cross`");
	if (!at_operand(p))
		return expected(p, "a condition",
			rule ? "as in `exit in 0 77`, `output ~ /^FAIL:/`, `file out/done` or `time > 20m`" : example);
	struct condition *c = new_condition(p, CONDITION_EQUAL, NULL, NULL);
	struct token first = lex_take(&p->lex);
	enum token_kind op = p->lex.token.kind;
	if (rule && parse_is_word(p, first, "file") && at_operand(p)) {
		c->kind = CONDITION_FILE;
		c->a = lex_take(&p->lex).span;
		c->span = join(first.span, c->a);
		return c;
	}
	c->a = first.span;
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
	c->span = join(c->a, c->b);
	return c;
}

/* negation = { "not" } ( "(" condition ")" | comparison ) ; */
static struct condition *
parse_negation(struct parser *p, bool rule)
{
	struct span from = p->lex.token.span;
	unsigned negations = 0;
	struct condition *c;

	for (; parse_is_word(p, p->lex.token, "not"); negations++)
		lex_take(&p->lex);
	if (p->lex.token.kind == TOKEN_OPEN) {
		struct token open = lex_take(&p->lex);
		if (p->depth == PARSE_DEPTH_LIMIT) {
			if (!p->lex.failed)
				diag_hint(p->diags,
					diag_error(p->diags, open.span, "parentheses and bodies are nested more than %d deep here",
						PARSE_DEPTH_LIMIT),
					"give a part of the condition a name of its own");
			p->lex.failed = true;
			return NULL;
		}
		p->depth++;
		c = parse_condition(p, rule);
		p->depth--;
		if (c && p->lex.token.kind != TOKEN_CLOSE) {
			c = expected(p, "')'", "a parenthesis is open");
		} else if (c) {
			c->span = join(open.span, lex_take(&p->lex).span);
		}
	} else {
		c = parse_comparison(p, rule);
	}
	/* A double negation is none. */
	if (c && negations % 2) {
		c = new_condition(p, CONDITION_NOT, c, NULL);
		c->span = join(from, c->left->span);
	}
	return c;
}

/* conjunction = negation { "and" negation } ; */
static struct condition *
parse_conjunction(struct parser *p, bool rule)
{
	struct condition *left = parse_negation(p, rule);

	while (left && parse_is_word(p, p->lex.token, "and")) {
		lex_take(&p->lex);
		struct condition *right = parse_negation(p, rule);
		left = right ? new_condition(p, CONDITION_AND, left, right) : NULL;
	}
	return left;
}

/* condition = conjunction { "or" conjunction } ; */
struct condition *
parse_condition(struct parser *p, bool rule)
{
	struct condition *left = parse_conjunction(p, rule);

	while (left && parse_is_word(p, p->lex.token, "or")) {
		lex_take(&p->lex);
		struct condition *right = parse_conjunction(p, rule);
		left = right ? new_condition(p, CONDITION_OR, left, right) : NULL;
	}
	return left;
}
