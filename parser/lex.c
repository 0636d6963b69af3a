#include "parser/lex.h"
#include "parser/scan.h"

#include <string.h>

static const char *const token_texts[] = {
#define TOKEN(name, text) text,
#include "parser/token.def"
#undef TOKEN
};

struct str
lex_text(const struct lexer *lex, struct span span)
{
	return (struct str){lex->text + span.offset, span.length};
}

static struct span
span_from(const struct lexer *lex, uint32_t from, uint32_t to)
{
	return (struct span){lex->source, from, to - from};
}

uint32_t
lex_line_end(const struct lexer *lex, uint32_t at)
{
	const char *newline = at < lex->end ? memchr(lex->text + at, '\n', lex->end - at) : NULL;

	return newline ? (uint32_t)(newline - lex->text) : lex->end;
}

/* The line that begins at `at`, or the first after it that is not empty. */
static struct line
read_line(const struct lexer *lex, uint32_t at)
{
	struct line line = {.start = at};

	for (;; line.blank_before = true) {
		uint32_t text = scan_over(lex->text, line.start, lex->end, CHAR_BLANK);
		line.indent = text - line.start;
		if (text >= lex->end) {
			line.start = lex->end;
			line.indent = 0;
			return line;
		}
		if (lex->text[text] != '\n') {
			line.comment = lex->text[text] == '#';
			return line;
		}
		line.start = text + 1;
	}
}

static struct line
code_line(const struct lexer *lex, struct line line)
{
	while (line.comment && line.start < lex->end)
		line = read_line(lex, lex_line_end(lex, line.start) + 1);
	return line;
}

const struct line *
lex_code_line(struct lexer *lex)
{
	if (!lex->line.comment)
		return &lex->line;
	if (lex->code.start <= lex->line.start)
		lex->code = code_line(lex, lex->line);
	return &lex->code;
}

static void
go_to(struct lexer *lex, uint32_t at)
{
	lex->line = read_line(lex, at < lex->end ? at : lex->end);
	lex->failed = false;
	lex->limit = 0;
}

/* The offset of the first byte that is NUL or no UTF-8, or the text's length. */
static size_t
first_bad_byte(struct str text)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	size_t at = 0;

	while (at < text.n) {
		uint64_t eight;
		while (at + sizeof(eight) <= text.n) {
			memcpy(&eight, text.s + at, sizeof(eight));
			if (((eight - ones) | eight) & highs)
				break;
			at += sizeof(eight);
		}
		for (size_t stop = at + sizeof(eight); at < text.n && at < stop;) {
			size_t n = text.s[at] ? utf8_length(text.s + at, text.n - at) : 0;
			if (!n)
				return at;
			at += n;
		}
	}
	return text.n;
}

/* A last line that ends in a backslash and not in a newline is read as if it had one: a newline put there later would join it to nothing. */
static struct str
whole_lines(struct sources *sources, uint32_t source)
{
	struct source *read = source_get(sources, source);
	struct str text = str_trim(read->text);

	if (str_ends(text, STR("\\")) && !memchr(text.s + text.n, '\n', read->text.n - (size_t)(text.s + text.n - read->text.s)))
		read->text = str_printf(&sources->arena, "%.*s\n", STR_ARG(read->text));
	return read->text;
}

void
lex_open(struct lexer *lex, uint32_t source, struct diags *diags, struct buf *trace)
{
	struct str text = whole_lines(diags->sources, source);
	uint32_t start = str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0;
	uint32_t bad = (uint32_t)first_bad_byte(text);

	*lex = (struct lexer){.diags = diags, .text = text.s ? text.s : "", .source = source, .end = bad, .trace = trace};
	if (bad < text.n) {
		struct diag *d = diag_error(diags, (struct span){source, bad, 1},
			text.s[bad] ? "this byte (0x%02X) is not UTF-8" : "a NUL byte (0x%02X) cannot stand in an Edccfile",
			(unsigned char)text.s[bad]);
		diag_hint(d, "an Edccfile is UTF-8 text; nothing after this place was read");
		while (lex->end > start && text.s[lex->end - 1] != '\n')
			lex->end--;
	}
	go_to(lex, start);
}

static void
trace(struct lexer *lex, struct token token)
{
	struct source_place place = source_place(lex->diags->sources, token.span);
	buf_printf(lex->trace, "%u:%u %s", (unsigned)place.line, (unsigned)place.column, token_texts[token.kind]);
	if (token.span.length && token.kind <= TOKEN_RECIPE) {
		buf_add_byte(lex->trace, ' ');
		for (uint32_t i = 0; i < token.span.length; i++) {
			char c = lex->text[token.span.offset + i];
			if (c == '\n')
				buf_add_c(lex->trace, "\\n");
			else if (c != '\r')
				buf_add_byte(lex->trace, c);
		}
	}
	buf_add_byte(lex->trace, '\n');
}

void
lex_mark(struct lexer *lex, enum token_kind kind)
{
	if (lex->trace)
		trace(lex, (struct token){kind, span_from(lex, lex->line.start, lex->line.start)});
}

enum indent_order
lex_indent(const struct lexer *lex, const struct line *line, uint32_t start, uint32_t indent)
{
	uint32_t common = line->indent < indent ? line->indent : indent;

	if (memcmp(lex->text + line->start, lex->text + start, common) != 0)
		return INDENT_MIXED;
	return line->indent == indent ? INDENT_SAME : line->indent > indent ? INDENT_DEEPER : INDENT_LESS;
}

/* The operator of a definition at `at`: = ?= +=, or one of make's := ::= :::= and !=. TOKEN_END where there is none. */
static enum token_kind
operator_at(const struct lexer *lex, uint32_t at, uint32_t *length, bool *foreign)
{
	char c = lex->text[at];
	uint32_t n = c == '?' || c == '+' || c == '!';

	while (at + n < lex->end && n < 3 && lex->text[at + n] == ':' && c == ':')
		n++;
	if (at + n >= lex->end || lex->text[at + n] != '=' || (at + n + 1 < lex->end && lex->text[at + n + 1] == '='))
		return TOKEN_END;
	*length = n + 1;
	*foreign = c == ':' || c == '!';
	return c == '?' ? TOKEN_DEFAULT : c == '+' ? TOKEN_ADD : TOKEN_SET;
}

struct head
lex_head(const struct lexer *lex)
{
	uint32_t at = lex->line.start + lex->line.indent;
	struct head head = {0};

	for (int words = 0; words < 2; words++) {
		uint32_t name_end = char_is(lex->text[at], CHAR_ALPHA) ? scan_over(lex->text, at, lex->end, CHAR_NAME) : at;
		uint32_t op_at = scan_blanks(lex->text, name_end, lex->end, CHAR_BLANK), length = 0;
		head.name = span_from(lex, at, name_end);
		head.op = name_end > at && op_at < lex->end ? operator_at(lex, op_at, &length, &head.foreign) : TOKEN_END;
		head.op_span = span_from(lex, op_at, op_at + length);
		head.spaced = op_at > name_end;
		if (head.op != TOKEN_END || words || !str_is(lex_text(lex, head.name), "secret") || op_at == name_end ||
			op_at == lex->end)
			break;
		head.secret = head.name;
		at = op_at;
	}
	if (head.op == TOKEN_END)
		head.name = head.secret.length ? head.secret : head.name;
	return head;
}

/* True where the line's text from `from` to its end at `to` ends inside a comment. */
static bool
ends_in_comment(const struct lexer *lex, uint32_t from, uint32_t to)
{
	struct value_cursor c = {.text = lex->text, .source = lex->source, .at = from, .end = to, .comments = VALUE_COMMENTS_ALL};
	struct part part, last = {0};

	if (!memchr(lex->text + from, '#', to - from))
		return false;
	/* The end of the line before is the white space that a comment needs. */
	if (lex->text[from] == '#' && from > 0 && lex->text[from - 1] == '\n')
		return true;
	while (value_next(&c, &part) != PART_END)
		last = part;
	return last.kind == PART_SPACE && str_find(last.text, '#') < last.text.n;
}

bool
lex_ends_in_backslash(const struct lexer *lex, uint32_t at, uint32_t end)
{
	uint32_t back = end;

	while (back > at && char_is(lex->text[back - 1], CHAR_BLANK))
		back--;
	return end < lex->end && back > at && lex->text[back - 1] == '\\';
}

/* Whether the physical line is joined to the next; a backslash in a comment joins nothing. */
static bool
is_joined(const struct lexer *lex, uint32_t at, uint32_t end)
{
	return lex_ends_in_backslash(lex, at, end) && !ends_in_comment(lex, at, end);
}

/* The end of the line from `at` on, with the lines that are joined to it. */
static uint32_t
joined_end(const struct lexer *lex, uint32_t at)
{
	uint32_t end = lex_line_end(lex, at);

	while (is_joined(lex, at, end)) {
		at = end + 1;
		end = lex_line_end(lex, at);
	}
	return end;
}

/* Files what looks like a definition among the lines of a value: `name = …`, indented deeper or after a backslash by mistake. */
static void
check_continuation(struct lexer *lex, uint32_t start)
{
	struct lexer there = *lex;

	there.line.start = scan_over(lex->text, start, lex->end, CHAR_BLANK);
	there.line.indent = 0;
	if (there.line.start == lex->end)
		return;
	struct head head = lex_head(&there);
	if (head.op == TOKEN_END || !head.spaced || head.foreign)
		return;
	struct str name = lex_text(lex, head.name);
	struct span span = span_from(lex, there.line.start, head.op_span.offset + head.op_span.length);
	struct diag *d = diag_error(lex->diags, span, "'%.*s' stands in a line that continues the value above", STR_ARG(name));
	diag_hint(d,
		"a value goes on over deeper-indented lines and after a backslash; an operator that is meant as a word stands in "
		"quotes");
	diag_note(
		d, span_from(lex, lex->line.start + lex->line.indent, lex_line_end(lex, lex->line.start)), "the value begins here");
}

/* The end of the line from `at`, of those that are joined to it and of the deeper-indented ones that continue it. */
static uint32_t
continued_end(struct lexer *lex, uint32_t at)
{
	for (;;) {
		uint32_t from = at, end = lex_line_end(lex, from);
		if (end == lex->end)
			return end;
		at = end + 1;
		if (!is_joined(lex, from, end)) {
			struct line line = code_line(lex, read_line(lex, at));
			if (line.start >= lex->end || lex_indent(lex, &line, lex->line.start, lex->line.indent) != INDENT_DEEPER)
				return end;
			at = line.start;
		}
		check_continuation(lex, at);
	}
}

struct span
lex_take_run(struct lexer *lex, enum token_kind kind, struct span span)
{
	if (lex->trace)
		trace(lex, (struct token){kind, span});
	lex->at = span.offset + span.length;
	return span;
}

/* A value of one line without anything special in it; 0 where it needs a closer look. *end is the line's end. */
static bool
plain_value(const struct lexer *lex, uint32_t at, bool deeper, uint32_t *end)
{
	*end = scan_until(lex->text, at, lex->end, CHAR_VALUE_STOP);
	if (*end == lex->end)
		return true;
	if (lex->text[*end] != '\n')
		return false;
	if (!deeper || *end + 1 == lex->end)
		return true;
	char next = lex->text[*end + 1];
	if (!lex->line.indent && next != '#' && !char_is(next, CHAR_WHITE))
		return true;
	struct line line = read_line(lex, *end + 1);
	if (line.comment)
		line = code_line(lex, line);
	return line.start >= lex->end || lex_indent(lex, &line, lex->line.start, lex->line.indent) != INDENT_DEEPER;
}

struct span
lex_take_value(struct lexer *lex, uint32_t at, bool deeper)
{
	uint32_t from = scan_over(lex->text, at, lex->end, CHAR_BLANK), to;

	/* A # right behind the operator begins a comment too: laid out, white space will stand before it. */
	if (from < lex->end && lex->text[from] == '#')
		from = at = lex_line_end(lex, from);
	if (plain_value(lex, from, deeper, &lex->limit)) {
		for (to = lex->limit; to > from && char_is(lex->text[to - 1], CHAR_BLANK);)
			to--;
		if (to < from)
			to = from;
	} else {
		lex->limit = deeper ? continued_end(lex, from) : joined_end(lex, from);
		struct value_cursor c = {
			.text = lex->text, .source = lex->source, .at = at, .end = lex->limit, .comments = VALUE_COMMENTS_ALL};
		struct part part;
		if (at < lex->limit && (char_is(lex->text[at], CHAR_WHITE) || scan_continuation(lex->text, at, lex->limit)))
			value_next(&c, &part);
		from = c.at;
		value_check(&c, 0, lex->diags, &to);
	}
	struct span value = span_from(lex, from, to);
	if (value.length)
		lex_take_run(lex, TOKEN_VALUE, value);
	lex_take_run(lex, TOKEN_NEWLINE, span_from(lex, to, to));
	go_to(lex, lex->limit + 1);
	return value;
}

struct span
lex_take_comment(struct lexer *lex)
{
	uint32_t from = lex->line.start + lex->line.indent, end = lex_line_end(lex, from), to = end;

	while (to > from && char_is(lex->text[to - 1], CHAR_BLANK))
		to--;
	struct span span = lex_take_run(lex, TOKEN_COMMENT, span_from(lex, from, to));
	go_to(lex, end + 1);
	return span;
}

struct span
lex_take_recipe(struct lexer *lex, uint32_t header_start, uint32_t header_indent)
{
	struct line line = lex->line;
	uint32_t to = line.start;

	/* A comment that stands further left belongs to the recipe where more of the recipe follows. */
	while (line.start < lex->end) {
		enum indent_order order = lex_indent(lex, &line, header_start, header_indent);
		bool inside = order == INDENT_DEEPER || (order == INDENT_MIXED && line.indent > header_indent);
		if (!inside && !line.comment)
			break;
		uint32_t end = lex_line_end(lex, line.start);
		if (inside)
			to = end;
		line = read_line(lex, end + 1);
	}
	uint32_t next = to + 1;
	while (to > lex->line.start && char_is(lex->text[to - 1], CHAR_BLANK))
		to--;
	struct span span = lex_take_run(lex, TOKEN_RECIPE, span_from(lex, lex->line.start, to));
	go_to(lex, next);
	return span;
}

void
lex_leave_line(struct lexer *lex)
{
	go_to(lex, (lex->limit ? lex->limit : joined_end(lex, lex->line.start + lex->line.indent)) + 1);
}

void
lex_leave_deeper(struct lexer *lex, uint32_t start, uint32_t indent)
{
	while (!lex_at_end(lex) && lex->line.indent > indent && lex_indent(lex, &lex->line, start, indent) != INDENT_LESS)
		go_to(lex, lex_line_end(lex, lex->line.start) + 1);
}
