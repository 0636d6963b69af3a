/* The tokens of headers, conditions and artifact lines. */
#include "parser/lex.h"
#include "parser/scan.h"

/* Longer ones first. */
static const struct {
	struct str text;
	enum token_kind kind;
} comparisons[] = {
	{{"==", 2}, TOKEN_EQUAL},
	{{"!=", 2}, TOKEN_UNEQUAL},
	{{"<=", 2}, TOKEN_LESS_EQUAL},
	{{">=", 2}, TOKEN_GREATER_EQUAL},
	{{"!~", 2}, TOKEN_MATCHES_NOT},
	{{"<", 1}, TOKEN_LESS},
	{{">", 1}, TOKEN_GREATER},
};

static bool
is_white_at(const struct lexer *lex, uint32_t at)
{
	return at >= lex->limit || char_is(lex->text[at], CHAR_WHITE) || scan_continuation(lex->text, at, lex->limit);
}

static enum token_kind
comparison_at(const struct lexer *lex, uint32_t at, uint32_t *length)
{
	struct str rest = {lex->text + at, lex->limit - at};

	if (!(lex->mode & LEX_CONDITION))
		return TOKEN_END;
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
		if (str_starts(rest, comparisons[i].text)) {
			*length = (uint32_t)comparisons[i].text.n;
			return comparisons[i].kind;
		}
	}
	return TOKEN_END;
}

/* Whether the byte at `at` ends a word. */
static bool
ends_word(const struct lexer *lex, uint32_t at)
{
	uint32_t length;

	if (is_white_at(lex, at))
		return true;
	switch (lex->text[at]) {
	case ':':
		return (lex->mode & LEX_COLON) && is_white_at(lex, at + 1);
	case ')':
		return lex->mode & LEX_CONDITION;
	case '~':
		return (lex->mode & LEX_CONDITION) && at + 1 < lex->limit && lex->text[at + 1] == '/';
	case '=':
	case '!':
	case '<':
	case '>':
		return comparison_at(lex, at, &length) != TOKEN_END;
	default:
		return false;
	}
}

/* word = part { part } ; */
static struct token
read_word(struct lexer *lex, uint32_t from)
{
	struct scan s = {.text = lex->text, .end = lex->limit};
	uint32_t at = from;
	bool plain = true;

	do {
		char c = lex->text[at];
		if (c == '"' || c == '\'') {
			at = scan_quoted(&s, at);
		} else if (c == '$') {
			uint32_t after = scan_dollar(&s, at, NULL);
			at = after || s.problem != PROBLEM_DOLLAR ? after : at + 1;
		} else {
			at++;
			continue;
		}
		plain = false;
	} while (at && !ends_word(lex, at));
	struct span span = {lex->source, from, (at ? at : lex->limit) - from};
	if (!plain && !lex->quiet) {
		struct value_cursor c = value_open(lex->diags->sources, span, VALUE_WORDS);
		c.comments = VALUE_COMMENTS_NONE;
		lex->failed |= !value_check(&c, 0, lex->diags, NULL);
	}
	return (struct token){TOKEN_WORD, span};
}

static struct token
read_regex(struct lexer *lex, uint32_t from)
{
	struct span span = {lex->source, from, lex->limit - from};
	struct scan s = {.text = lex->text, .end = lex->limit};
	uint32_t slash, after = scan_regex(&s, from, &slash);

	if (after && ends_word(lex, after)) {
		span.length = after - from;
		return (struct token){TOKEN_REGEX, span};
	}
	if (after)
		span.length = scan_until(lex->text, after, lex->limit, CHAR_WHITE) - from;
	struct value_cursor c = value_open(lex->diags->sources, span, VALUE_REGEX_FIRST);
	if (!lex->quiet)
		value_check(&c, 0, lex->diags, NULL);
	lex->failed = true;
	return (struct token){TOKEN_REGEX, span};
}

static struct token
read_token(struct lexer *lex)
{
	uint32_t at = lex->at, length = 1;
	enum token_kind kind = TOKEN_END, previous = lex->token.kind;

	at = scan_blanks(lex->text, at, lex->limit, CHAR_WHITE);
	if (at < lex->limit && lex->text[at] == '#')
		lex->limit = lex_line_end(lex, at);
	if (at >= lex->limit || lex->text[at] == '#')
		return (struct token){TOKEN_NEWLINE, {lex->source, at, 0}};
	char c = lex->text[at];
	if ((lex->mode & LEX_COLON) && c == ':' && is_white_at(lex, at + 1)) {
		kind = TOKEN_COLON;
	} else if ((lex->mode & LEX_ARROW) && c == '-' && at + 1 < lex->limit && lex->text[at + 1] == '>' &&
		   is_white_at(lex, at + 2)) {
		kind = TOKEN_ARROW;
		length = 2;
	} else if (lex->mode & LEX_CONDITION) {
		if (c == '/' && (previous == TOKEN_MATCHES || previous == TOKEN_MATCHES_NOT))
			return read_regex(lex, at);
		if (c == '(' || c == ')')
			kind = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
		else if (c == '~' && (is_white_at(lex, at + 1) || lex->text[at + 1] == '/') && previous == TOKEN_WORD)
			kind = TOKEN_MATCHES;
		else
			kind = comparison_at(lex, at, &length);
	}
	if (kind == TOKEN_END)
		return read_word(lex, at);
	return (struct token){kind, {lex->source, at, length}};
}

void
lex_start(struct lexer *lex, enum lex_mode mode, uint32_t at)
{
	lex->mode = mode;
	lex->at = at;
	lex->token = (struct token){TOKEN_END, {lex->source, at, 0}};
	/* Where a backslash turns out to stand in a comment, read_token takes the lines after it off again. */
	for (lex->limit = lex_line_end(lex, at); lex_ends_in_backslash(lex, at, lex->limit); lex->limit = lex_line_end(lex, at))
		at = lex->limit + 1;
	lex->token = read_token(lex);
}

struct token
lex_take(struct lexer *lex)
{
	struct token taken = lex->token;

	lex_take_run(lex, taken.kind, taken.span);
	lex->token = read_token(lex);
	return taken;
}
