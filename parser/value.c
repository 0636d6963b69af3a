#include "parser/value.h"
#include "parser/scan.h"

#include <string.h>

static const struct {
	const char *message, *hint;
} problems[] = {
#define X(name, message, hint) {message, hint},
	PROBLEMS(X)
#undef X
};

/* The names in the third column of function.def. */
enum reading {
	READ_WORDS = VALUE_WORDS,
	READ_REGEX = VALUE_REGEX_FIRST,
	READ_RAW = VALUE_RAW,
};

static const struct {
	struct str name;
	enum value_mode mode;
} functions[] = {
#define FUNCTION(name, fewest, most, first, usage, documentation) {{#name, sizeof(#name) - 1}, (enum value_mode)READ_##first},
#include "parser/function.def"
#undef FUNCTION
};

enum value_mode
value_function_mode(struct str function)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (function.n && *functions[i].name.s == *function.s && str_eq(functions[i].name, function))
			return functions[i].mode;
	return VALUE_WORDS;
}

struct value_cursor
value_open(const struct sources *sources, struct span value, enum value_mode mode)
{
	return (struct value_cursor){
		.text = value.length ? source_get(sources, value.source)->text.s : "",
		.source = value.source,
		.at = value.offset,
		.end = value.offset + value.length,
		.mode = (uint8_t)mode,
	};
}

static enum part_kind
emit(struct value_cursor *c, struct part *part, enum part_kind kind, uint32_t from, uint32_t to)
{
	*part = (struct part){
		.kind = kind,
		.quote = c->quote,
		.span = {c->source, from, to - from},
		.text = {c->text + from, to - from},
	};
	c->at = to;
	return kind;
}

/* Whether the # at the cursor begins a comment. The search for the line's end is not repeated once it was in vain, so that reading stays linear. */
static bool
at_comment(struct value_cursor *c)
{
	if (c->text[c->at] != '#' || c->comments == VALUE_COMMENTS_NONE)
		return false;
	if (c->comments == VALUE_COMMENTS_INSIDE && !memchr(c->text + c->at, '\n', c->end - c->at)) {
		c->comments = VALUE_COMMENTS_NONE;
		return false;
	}
	return true;
}

/* All that separates two words: white space, continuations, comments. */
static enum part_kind
next_space(struct value_cursor *c, struct part *part)
{
	uint32_t from = c->at, after;

	while (c->at < c->end) {
		if (char_is(c->text[c->at], CHAR_WHITE)) {
			c->at++;
		} else if ((after = scan_continuation(c->text, c->at, c->end))) {
			c->at = after;
		} else if (c->at > from && at_comment(c)) {
			const char *newline = memchr(c->text + c->at, '\n', c->end - c->at);
			c->at = newline ? (uint32_t)(newline - c->text) : c->end;
		} else {
			break;
		}
	}
	return emit(c, part, PART_SPACE, from, c->at);
}

static enum part_kind
next_dollar(struct value_cursor *c, struct scan *s, struct part *part)
{
	uint32_t from = c->at;
	struct dollar found = {0};
	uint32_t after = scan_dollar(s, from, &found);

	if (!after)
		return emit(c, part, PART_TEXT, from, from + 1);
	if (!found.name_end) {
		emit(c, part, PART_TEXT, from, after);
		part->text.n = 1;
		return PART_TEXT;
	}
	emit(c, part, found.call ? PART_CALL : PART_NAME, from, after);
	part->text = (struct str){c->text + found.name, found.name_end - found.name};
	if (found.call)
		part->inner = (struct span){c->source, found.inner, found.inner_end - found.inner};
	return part->kind;
}

static enum part_kind
next_regex(struct value_cursor *c, struct scan *s, struct part *part)
{
	uint32_t from = c->at, slash;
	uint32_t after = scan_regex(s, from, &slash);

	if (!after)
		return emit(c, part, PART_TEXT, from, c->end);
	if (after < c->end && !char_is(c->text[after], CHAR_WHITE))
		scan_fail(s, PROBLEM_REGEX_TAIL, after, scan_until(c->text, after, c->end, CHAR_WHITE) - after);
	emit(c, part, PART_REGEX, from, after);
	part->text = (struct str){c->text + from + 1, slash - from - 1};
	part->inner = (struct span){c->source, slash + 1, after - slash - 1};
	return PART_REGEX;
}

/* A shell command's text up to the next $, keeping count of the shell's own quotes. */
static enum part_kind
next_command(struct value_cursor *c, struct scan *s, struct part *part)
{
	uint32_t at = c->at;
	char quote = c->quote;

	if (c->text[at] == '$')
		return next_dollar(c, s, part);
	for (; at < c->end && c->text[at] != '$'; at++) {
		char ch = c->text[at];
		if (ch == '\\' && quote != '\'' && at + 1 < c->end && c->text[at + 1] != '$')
			at++;
		else if (quote ? ch == quote : ch == '"' || ch == '\'')
			quote = quote ? 0 : ch;
	}
	emit(c, part, PART_TEXT, c->at, at);
	c->quote = quote;
	return PART_TEXT;
}

/* Opens or closes a quote at the cursor; true where it was "" or '', an empty text. */
static bool
turn_quote(struct value_cursor *c, struct scan *s, struct part *part)
{
	char quote = c->text[c->at];

	if (c->quote) {
		c->quote = 0;
		c->at++;
		return false;
	}
	s->quote_at = c->at;
	c->quote = quote;
	if (c->at + 1 < c->end && c->text[c->at + 1] == quote) {
		emit(c, part, PART_TEXT, c->at, c->at + 2);
		part->text = (struct str){part->text.s + 1, 0};
		c->quote = 0;
		return true;
	}
	c->at++;
	return false;
}

/* part = LITERAL | single | double | dollar ; */
static enum part_kind
value_read(struct value_cursor *c, struct scan *s, struct part *part)
{
	const char *text = c->text;

	while (c->at < c->end) {
		char ch = text[c->at];
		if (c->mode == VALUE_RAW)
			return next_command(c, s, part);
		if (c->mode == VALUE_REGEX_FIRST) {
			c->mode = VALUE_WORDS;
			if (ch == '/')
				return next_regex(c, s, part);
		}
		if (!c->quote && (char_is(ch, CHAR_WHITE) || scan_continuation(text, c->at, c->end)))
			return next_space(c, part);
		if (c->quote ? ch == c->quote : ch == '"' || ch == '\'') {
			if (turn_quote(c, s, part))
				return PART_TEXT;
			continue;
		}
		if (c->quote && ch == '\n') {
			scan_fail(s, PROBLEM_QUOTE, s->quote_at, 1);
			c->quote = 0;
			continue;
		}
		if (ch == '$' && c->quote != '\'')
			return next_dollar(c, s, part);
		if (ch == '\\' && c->quote == '"' && c->at + 1 < c->end && (text[c->at + 1] == '"' || text[c->at + 1] == '\\')) {
			emit(c, part, PART_TEXT, c->at, c->at + 2);
			part->text = (struct str){part->text.s + 1, 1};
			return PART_TEXT;
		}
		unsigned stop = c->quote == '"' ? CHAR_DOUBLE_STOP : c->quote ? CHAR_SINGLE_STOP : CHAR_WORD_STOP;
		return emit(c, part, PART_TEXT, c->at, scan_until(text, c->at + 1, c->end, stop));
	}
	if (c->quote && c->mode != VALUE_RAW)
		scan_fail(s, PROBLEM_QUOTE, s->quote_at, 1);
	c->quote = 0;
	return emit(c, part, PART_END, c->end, c->end);
}

enum part_kind
value_next(struct value_cursor *c, struct part *part)
{
	struct scan s = {.text = c->text, .end = c->end};

	return value_read(c, &s, part);
}

static struct span
trim(const char *text, struct span span)
{
	uint32_t end = span.offset + span.length;
	uint32_t from = scan_blanks(text, span.offset, end, CHAR_WHITE);

	while (end > from && (char_is(text[end - 1], CHAR_WHITE) || scan_continuation(text, end - 1, span.offset + span.length)))
		end--;
	return (struct span){span.source, from, end - from};
}

bool
value_argument(const struct sources *sources, enum value_mode mode, struct span *rest, struct span *argument)
{
	if (!rest->source)
		return false;
	struct scan s = {.text = source_get(sources, rest->source)->text.s, .end = rest->offset + rest->length};
	uint32_t at = scan_argument(&s, rest->offset, mode);

	if (at < rest->offset)
		at = s.end;
	*argument = trim(s.text, (struct span){rest->source, rest->offset, at - rest->offset});
	*rest = at < s.end && s.text[at] == ',' ? (struct span){rest->source, at + 1, s.end - at - 1} : SPAN_NONE;
	return true;
}

/* What to write in place of a $ that has a meaning in make alone; NULL where it has none there. */
static const char *
make_hint(const struct scan *s)
{
	struct str text = {s->text + s->problem_at, s->problem_length};

	if (s->problem == PROBLEM_DOLLAR)
		text = (struct str){text.s + 1, s->problem_at + 1 < s->end};
	else if (s->problem != PROBLEM_BAD_NAME)
		return NULL;
	if (text.n && memchr("@<^?*+%|", *text.s, 8))
		return "there are no automatic variables: a recipe names its files itself; write $$ for a dollar";
	if (str_is(text, "filter-out"))
		return "write $(reject /REGEX/, WORDS)";
	if (str_find(text, ':') < text.n && str_find(text, '=') < text.n)
		return "write $(replace /\\.c$/, .o, $(name))";
	return NULL;
}

static void
report(const struct scan *s, uint32_t source, struct diags *diags)
{
	struct span span = {source, s->problem_at, s->problem_length};
	const char *hint = make_hint(s);

	diag_hint(diag_error(diags, span, "%s", problems[s->problem].message), "%s", hint ? hint : problems[s->problem].hint);
}

/* The arguments of a call, each in its mode. */
static bool
check_call(const struct part *part, unsigned depth, struct diags *diags)
{
	enum value_mode mode = value_function_mode(part->text);
	struct span rest = part->inner, argument;

	for (; value_argument(diags->sources, mode, &rest, &argument); mode = VALUE_WORDS) {
		struct value_cursor c = value_open(diags->sources, argument, mode);
		if (!value_check(&c, depth + 1, diags, NULL))
			return false;
	}
	return true;
}

/* value = word { SPACE word } ; */
bool
value_check(struct value_cursor *c, unsigned depth, struct diags *diags, uint32_t *end)
{
	struct scan s = {.text = c->text, .end = c->end, .depth = depth};
	uint32_t last = c->at;
	bool right = true;
	struct part part;

	while (value_read(c, &s, &part) != PART_END || s.problem) {
		if (!s.problem && depth && part.kind == PART_SPACE && memchr(part.text.s, '#', part.text.n))
			scan_fail(&s, PROBLEM_COMMENT, part.span.offset + (uint32_t)str_find(part.text, '#'), 1);
		if (s.problem) {
			report(&s, c->source, diags);
			right = false;
			/* Only a lone $ leaves the rest readable. */
			if (s.problem != PROBLEM_DOLLAR)
				break;
			s.problem = PROBLEM_NONE;
		}
		if (part.kind == PART_CALL && !check_call(&part, depth, diags)) {
			right = false;
			break;
		}
		if (part.kind != PART_SPACE)
			last = c->at + (c->quote && c->mode != VALUE_RAW && c->at < c->end && c->text[c->at] == c->quote);
	}
	if (end)
		*end = last;
	return right;
}
