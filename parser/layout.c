#include "parser/layout.h"
#include "parser/scan.h"

struct row *
layout_row(struct layout *l, unsigned level, struct str text)
{
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 16;
		l->rows = arena_grow(l->arena, l->rows, l->capacity * sizeof(*l->rows), capacity * sizeof(*l->rows));
		l->capacity = capacity;
	}
	l->rows[l->count] = (struct row){.text = text, .level = level};
	return &l->rows[l->count++];
}

static size_t
row_width(const struct row *row)
{
	return row->level * LAYOUT_INDENT + utf8_columns(row->text);
}

static void
add_spaces(struct buf *out, size_t n)
{
	while (n--)
		buf_add_byte(out, ' ');
}

void
layout_flush(struct layout *l)
{
	size_t width = 0;

	for (const struct row *row = l->rows; row < l->rows + l->count; row++)
		if (row->comment.n && row->text.n && row_width(row) > width)
			width = row_width(row);
	for (const struct row *row = l->rows; row < l->rows + l->count; row++) {
		add_spaces(&l->out, row->level * LAYOUT_INDENT);
		buf_add(&l->out, row->text);
		if (row->comment.n && row->text.n)
			add_spaces(&l->out, width - row_width(row) + 2);
		buf_add(&l->out, row->comment);
		buf_add_byte(&l->out, '\n');
	}
	l->count = 0;
	arena_reset(&l->scratch, l->mark);
}

/* A line that words are put on. */
struct flow {
	struct layout *l;
	struct buf line;
	unsigned level, next_level;
};

static void
end_row(struct flow *flow, struct str comment)
{
	layout_row(flow->l, flow->level, buf_str(&flow->line))->comment = comment;
	flow->line = buf_new(&flow->l->scratch);
	flow->level = flow->next_level;
}

/* The line ends and comments between two words. */
static void
add_space(struct flow *flow, struct str space)
{
	for (size_t at = 0; at < space.n; at++) {
		if (space.s[at] == '#') {
			struct str comment = str_part(space, at, space.n);
			comment = str_part(comment, 0, str_find(comment, '\n'));
			at += comment.n;
			end_row(flow, str_trim(comment));
		} else if (space.s[at] == '\n' && flow->line.n) {
			end_row(flow, (struct str){0});
		}
	}
}

/* A word as it stands; only a call in it may go on over several lines, which are indented anew. */
static void
add_word(struct flow *flow, struct str word)
{
	struct str line;
	bool first = true;

	if (!word.n)
		return;
	for (; str_split(&word, '\n', &line); first = false) {
		if (word.s)
			line = str_trim(line);
		if (word.s && str_ends(line, STR("\\")))
			line = str_trim(str_part(line, 0, line.n - 1));
		if (!first && flow->line.n)
			end_row(flow, (struct str){0});
		if (!first)
			while (line.n && char_is(*line.s, CHAR_BLANK))
				line = str_part(line, 1, line.n);
		if (first && flow->line.n)
			buf_add_byte(&flow->line, ' ');
		buf_add(&flow->line, line);
	}
}

void
layout_value(struct layout *l, struct str head, uint32_t from, uint32_t to, unsigned level)
{
	struct flow flow = {l, buf_new(&l->scratch), level, level + 1};
	struct part part = {0};

	buf_add(&flow.line, head);
	if (from < to && l->text[from] == '#') {
		uint32_t end = scan_until(l->text, from, to, CHAR_NEWLINE);
		end_row(&flow, str_trim((struct str){l->text + from, end - from}));
		from = end;
	}
	struct value_cursor c = {.text = l->text, .at = from, .end = to};
	while (part.kind != PART_END || from < to) {
		if (value_next(&c, &part) != PART_SPACE && part.kind != PART_END)
			continue;
		add_word(&flow, (struct str){l->text + from, part.span.offset - from});
		add_space(&flow, part.text);
		from = part.kind == PART_END ? to : c.at;
	}
	if (flow.line.n)
		end_row(&flow, (struct str){0});
}

struct str
layout_words(struct layout *l, struct span value, bool lines, unsigned level)
{
	size_t first = l->count;
	struct buf text = buf_new(&l->scratch);

	layout_value(l, (struct str){0}, value.offset, value.offset + value.length, 0);
	for (size_t i = first; i < l->count; i++) {
		if (i > first && lines) {
			buf_add_c(&text, " \\\n");
			add_spaces(&text, (level + 2) * LAYOUT_INDENT);
		} else if (i > first) {
			buf_add_byte(&text, ' ');
		}
		buf_add(&text, l->rows[i].text);
	}
	l->count = first;
	return buf_str(&text);
}

/* Whether a condition stands in parentheses of its own. */
static bool
has_parentheses(const struct layout *l, const struct condition *c)
{
	return l->text[c->span.offset] == '(' && !(c->left && c->left->span.offset == c->span.offset);
}

static struct str
condition_leaf(struct layout *l, const struct condition *c, unsigned level)
{
	struct str a = layout_words(l, c->a, false, level), b = layout_words(l, c->b, true, level);

	if (!c->b.length)
		return str_printf(&l->scratch, "%s %.*s", condition_text(c->kind), STR_ARG(a));
	return str_printf(&l->scratch, "%.*s %s %.*s", STR_ARG(a), condition_text(c->kind), STR_ARG(b));
}

struct str
layout_condition(struct layout *l, const struct condition *c, unsigned level)
{
	struct buf text = buf_new(&l->scratch);

	if (has_parentheses(l, c))
		buf_add_byte(&text, '(');
	if (c->kind == CONDITION_NOT) {
		buf_add(&text, STR("not "));
		buf_add(&text, layout_condition(l, c->left, level));
	} else if (c->right) {
		struct str between = {l->text + c->left->span.offset + c->left->span.length, 0};
		between.n = (size_t)(l->text + c->right->span.offset - between.s);
		buf_add(&text, layout_condition(l, c->left, level));
		buf_printf(&text, " %s ", condition_text(c->kind));
		if (str_find(between, '\n') < between.n) {
			buf_add_c(&text, "\\\n");
			add_spaces(&text, (level + 2) * LAYOUT_INDENT);
		}
		buf_add(&text, layout_condition(l, c->right, level));
	} else {
		buf_add(&text, condition_leaf(l, c, level));
	}
	if (has_parentheses(l, c))
		buf_add_byte(&text, ')');
	return buf_str(&text);
}

struct str
layout_comment(const struct layout *l, uint32_t at)
{
	uint32_t after;

	while (at < l->end && (char_is(l->text[at], CHAR_BLANK) || l->text[at] == ':' || scan_continuation(l->text, at, l->end))) {
		after = scan_continuation(l->text, at, l->end);
		at = after ? after : at + 1;
	}
	if (at == l->end || l->text[at] != '#')
		return (struct str){0};
	return str_trim((struct str){l->text + at, scan_until(l->text, at, l->end, CHAR_NEWLINE) - at});
}
