#include "parser/format.h"
#include "parser/layout.h"
#include "parser/scan.h"

#include <string.h>

static void format_items(struct layout *, const struct item *, unsigned level);

static uint32_t
span_end(struct span span)
{
	return span.offset + span.length;
}

/* Text padded with spaces to a width, on the left where that is negative. */
static struct str
pad(struct layout *l, struct str text, int width)
{
	size_t columns = utf8_columns(text), wanted = (size_t)(width < 0 ? -width : width);
	int spaces = wanted > columns ? (int)(wanted - columns) : 0;

	return width < 0 ? str_printf(&l->scratch, "%*s%.*s", spaces, "", STR_ARG(text))
			 : str_printf(&l->scratch, "%.*s%*s", STR_ARG(text), spaces, "");
}

static int
wider(struct str text, int width)
{
	int columns = (int)utf8_columns(text);

	return columns > width ? columns : width;
}

static struct str
definition_name(struct layout *l, const struct definition *d)
{
	struct str name = source_text(l->sources, d->name);

	return d->secret ? str_printf(&l->scratch, "secret %.*s", STR_ARG(name)) : name;
}

/* Definitions that follow each other: the operators in one column. */
static void
format_definitions(struct layout *l, const struct item *item, const struct item *end, unsigned level)
{
	int name_width = 0, op_width = 1;

	for (const struct item *i = item; i != end; i = i->next) {
		const struct definition *d = (const void *)i;
		name_width = wider(definition_name(l, d), name_width);
		op_width = d->op == OP_SET ? op_width : 2;
	}
	for (; item != end; item = item->next) {
		const struct definition *d = (const void *)item;
		struct str op = str_from(operator_text((enum operator)d->op));
		uint32_t from = scan_blanks(l->text, span_end(d->name), l->end, CHAR_BLANK) + (uint32_t)op.n;
		struct str name = pad(l, definition_name(l, d), name_width), padded = pad(l, op, -op_width);
		struct str head = str_printf(&l->scratch, "%.*s %.*s", STR_ARG(name), STR_ARG(padded));
		layout_value(l, head, from, d->value.length ? span_end(d->value) : from, level);
		l->rows[l->count - 1].comment = layout_comment(l, span_end(item->span));
	}
}

/* Verdict rules that follow each other: the conditions in one column. */
static void
format_rules(struct layout *l, const struct item *item, const struct item *end, unsigned level)
{
	const char *success = "build_success", *failed = "build_failed";
	bool both = false;

	for (const struct item *i = item; i != end; i = i->next)
		both |= ((const struct rule *)(const void *)i)->success != ((const struct rule *)(const void *)item)->success;
	for (; item != end; item = item->next) {
		const struct rule *rule = (const void *)item;
		struct str verdict = pad(l, str_from(rule->success ? success : failed), both ? (int)strlen(success) : 0);
		struct str condition = layout_condition(l, rule->condition, level);
		struct row *row =
			layout_row(l, level, str_printf(&l->scratch, "%.*s when %.*s", STR_ARG(verdict), STR_ARG(condition)));
		row->comment = layout_comment(l, span_end(item->span));
	}
}

/* Artifacts that follow each other: the arrows in one column, and the verdicts. */
static void
format_artifacts(struct layout *l, const struct item *item, const struct item *end, unsigned level)
{
	int patterns_width = 0, destination_width = 0;

	for (const struct item *i = item; i != end; i = i->next) {
		const struct artifact *a = (const void *)i;
		patterns_width = wider(layout_words(l, a->patterns, false, level), patterns_width);
		destination_width = wider(layout_words(l, a->destination, false, level), destination_width);
	}
	for (; item != end; item = item->next) {
		const struct artifact *a = (const void *)item;
		struct str patterns = pad(l, layout_words(l, a->patterns, false, level), patterns_width);
		struct str destination =
			pad(l, layout_words(l, a->destination, false, level), a->when.length ? destination_width : 0);
		struct str when = source_text(l->sources, a->when);
		struct str text = str_printf(&l->scratch, "%.*s -> %.*s%s%.*s", STR_ARG(patterns), STR_ARG(destination),
			when.n ? " when " : "", STR_ARG(when));
		layout_row(l, level, text)->comment = layout_comment(l, span_end(item->span));
	}
}

static struct str
include_text(struct layout *l, const struct include *include)
{
	struct str target = source_text(l->sources, include->target), hash = source_text(l->sources, include->hash),
		   as = source_text(l->sources, include->as);

	return str_printf(&l->scratch, "include %.*s%s%.*s%s%.*s%s", STR_ARG(target), hash.n ? " sha256:" : "", STR_ARG(hash),
		as.n ? " as " : "", STR_ARG(as), include->body ? ":" : "");
}

/* Includes without a body that follow each other. */
static void
format_includes(struct layout *l, const struct item *item, const struct item *end, unsigned level)
{
	for (; item != end; item = item->next)
		layout_row(l, level, include_text(l, (const void *)item))->comment = layout_comment(l, span_end(item->span));
}

/* A header and its body. */
static void
format_body(struct layout *l, struct str header, struct span span, const struct item *body, unsigned level)
{
	layout_row(l, level, header)->comment = layout_comment(l, span_end(span));
	layout_flush(l);
	format_items(l, body, level + 1);
}

static void
format_block(struct layout *l, const struct block *block, unsigned level)
{
	struct str kind = source_text(l->sources, block->kind), name = source_text(l->sources, block->name),
		   needs = layout_words(l, block->needs, true, level);
	struct str header = str_printf(&l->scratch, "%.*s%s%.*s:%s%.*s", STR_ARG(kind), name.n ? " " : "", STR_ARG(name),
		needs.n ? " " : "", STR_ARG(needs));

	format_body(l, header, block->item.span, block->body, level);
}

static void
format_conditional(struct layout *l, const struct conditional *c, unsigned level)
{
	for (const struct branch *b = c->branches; b; b = b->next) {
		struct str condition = b->condition ? layout_condition(l, b->condition, level) : (struct str){"", 0};
		const char *word = b == c->branches ? "if " : b->condition ? "else if " : "else";
		format_body(l, str_printf(&l->scratch, "%s%.*s:", word, STR_ARG(condition)), b->span, b->body, level);
	}
}

/* A comment's lines, each at the level. */
static void
format_comment(struct layout *l, const struct item *item, unsigned level)
{
	struct str text = source_text(l->sources, item->span), line;

	while (str_split(&text, '\n', &line))
		layout_row(l, level, str_trim(line));
	layout_flush(l);
}

static void
format_recipe(struct layout *l, const struct recipe *recipe, unsigned level)
{
	struct str text = recipe_text(&l->scratch, l->sources, recipe), line;

	while (str_split(&text, '\n', &line))
		layout_row(l, line.n ? level : 0, line);
	layout_flush(l);
}

static void
format_group(struct layout *l, const struct item *item, const struct item *end, unsigned level)
{
	const struct include *include = (const void *)item;

	switch ((enum item_kind)item->kind) {
	case ITEM_COMMENT:
		format_comment(l, item, level);
		break;
	case ITEM_DEFINITION:
		format_definitions(l, item, end, level);
		break;
	case ITEM_INCLUDE:
		if (include->body)
			format_body(l, include_text(l, include), item->span, include->body, level);
		else
			format_includes(l, item, end, level);
		break;
	case ITEM_BLOCK:
		format_block(l, (const void *)item, level);
		break;
	case ITEM_IF:
		format_conditional(l, (const void *)item, level);
		break;
	case ITEM_RULE:
		format_rules(l, item, end, level);
		break;
	case ITEM_ARTIFACT:
		format_artifacts(l, item, end, level);
		break;
	case ITEM_RECIPE:
		format_recipe(l, (const void *)item, level);
		break;
	}
	layout_flush(l);
}

/* Whether the item can be lined up with its neighbours. */
static bool
is_row(const struct item *item)
{
	if (item->kind == ITEM_INCLUDE)
		return !((const struct include *)(const void *)item)->body;
	return item->kind == ITEM_DEFINITION || item->kind == ITEM_RULE || item->kind == ITEM_ARTIFACT;
}

static const struct item *
group_end(const struct item *item)
{
	const struct item *end = item->next;

	if (is_row(item))
		while (end && end->kind == item->kind && is_row(end) && !end->blank_before)
			end = end->next;
	return end;
}

/* An empty line stands where the file has one, and around blocks; a comment right above a block belongs to it. */
static bool
needs_blank(const struct item *last, const struct item *item)
{
	if (!last)
		return false;
	if (item->blank_before || last->kind == ITEM_BLOCK)
		return true;
	if (item->kind == ITEM_COMMENT && item->next && item->next->kind == ITEM_BLOCK && !item->next->blank_before)
		return true;
	return item->kind == ITEM_BLOCK && last->kind != ITEM_COMMENT;
}

/* How far the line that an item stands on is indented. */
static uint32_t
indentation(const struct layout *l, const struct item *item)
{
	uint32_t at = item->span.offset;

	while (at > 0 && char_is(l->text[at - 1], CHAR_BLANK))
		at--;
	return item->span.offset - at;
}

static void
format_items(struct layout *l, const struct item *item, unsigned level)
{
	const struct item *last = NULL, *end;

	for (; item; item = end) {
		/* A comment that stands deeper than the definition above it was one of its words. */
		bool deeper = item->kind == ITEM_COMMENT && last && last->kind == ITEM_DEFINITION &&
			      indentation(l, item) > indentation(l, last);
		end = group_end(item);
		if (needs_blank(last, item))
			buf_add_byte(&l->out, '\n');
		format_group(l, item, end, level + deeper);
		for (last = item; last->next != end; last = last->next)
			;
	}
}

struct str
format_tree(struct arena *arena, const struct sources *sources, const struct tree *tree)
{
	struct str text = source_get(sources, tree->source)->text;
	struct layout l = {.arena = arena, .sources = sources, .text = text.s, .end = (uint32_t)text.n, .out = buf_new(arena)};

	arena_text(&l.scratch, 1);
	l.mark = arena_mark(&l.scratch);
	format_items(&l, tree->items, 0);
	arena_free(&l.scratch);
	return buf_str(&l.out);
}
