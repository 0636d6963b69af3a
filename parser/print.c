/* The tree as text: one item a line, two spaces a level. Values stand between ‹ ›, laid out so that formatting a file leaves its tree as it is. */
#include "parser/parse.h"
#include "parser/value.h"

struct printer {
	struct buf out;
	const struct sources *sources;
};

static void print_items(struct printer *, const struct item *, unsigned depth);

static void
print_indent(struct printer *p, unsigned depth)
{
	while (depth--)
		buf_add(&p->out, STR("  "));
}

/* Text with the end of each line, and the white space and backslash around it, as `end`. */
static void
print_lines(struct printer *p, struct str text, const char *end)
{
	struct str line;
	bool first = true;

	for (; str_split(&text, '\n', &line); first = false) {
		bool last = !text.s;
		line = first && last ? line : str_trim(line);
		if (!last && str_ends(line, STR("\\")))
			line = str_trim(str_part(line, 0, line.n - 1));
		if (first || line.n)
			buf_printf(&p->out, "%s%.*s", first ? "" : end, STR_ARG(line));
	}
}

/* A value, its words with one space between them. */
static void
print_value(struct printer *p, const char *label, struct span span)
{
	struct value_cursor c = value_open(p->sources, span, VALUE_WORDS);
	struct str text = source_text(p->sources, span);
	uint32_t from = 0;
	struct part part;

	buf_printf(&p->out, "%s‹", label);
	do {
		value_next(&c, &part);
		if (part.kind != PART_SPACE && part.kind != PART_END)
			continue;
		print_lines(p, str_part(text, from, part.span.offset - span.offset), " ");
		buf_add(&p->out, part.kind == PART_SPACE ? STR(" ") : STR("›"));
		from = c.at - span.offset;
	} while (part.kind != PART_END);
}

static void
print_condition(struct printer *p, const struct condition *c)
{
	if (!c) {
		buf_add(&p->out, STR("?"));
		return;
	}
	buf_printf(&p->out, "(%s", condition_text(c->kind));
	if (c->left) {
		buf_add_byte(&p->out, ' ');
		print_condition(p, c->left);
	}
	if (c->right) {
		buf_add_byte(&p->out, ' ');
		print_condition(p, c->right);
	}
	if (c->a.length)
		print_value(p, " ", c->a);
	if (c->b.length)
		print_value(p, " ", c->b);
	buf_add_byte(&p->out, ')');
}

/* A script, its ends of lines as \\n. */
static void
print_recipe(struct printer *p, const struct recipe *recipe)
{
	struct str text = recipe_text(p->out.arena, p->sources, recipe), line;

	buf_add(&p->out, STR("recipe ‹"));
	while (str_split(&text, '\n', &line))
		buf_printf(&p->out, "%.*s\\n", STR_ARG(line));
	buf_add(&p->out, STR("›"));
}

static void
print_conditional(struct printer *p, const struct conditional *c, unsigned depth)
{
	for (const struct branch *b = c->branches; b; b = b->next) {
		if (b != c->branches)
			print_indent(p, depth);
		buf_add_c(&p->out, b == c->branches ? "if" : b->condition ? "else if" : "else");
		if (b->condition) {
			buf_add_byte(&p->out, ' ');
			print_condition(p, b->condition);
		}
		buf_add_byte(&p->out, '\n');
		print_items(p, b->body, depth + 1);
	}
}

static void
print_optional(struct printer *p, const char *label, struct span span)
{
	if (span.length)
		print_value(p, label, span);
}

static void
print_item(struct printer *p, const struct item *item, unsigned depth)
{
	const struct definition *d = (const void *)item;
	const struct include *include = (const void *)item;
	const struct block *block = (const void *)item;
	const struct rule *rule = (const void *)item;
	const struct artifact *artifact = (const void *)item;
	const struct item *body = NULL;

	print_indent(p, depth);
	switch ((enum item_kind)item->kind) {
	case ITEM_IF:
		print_conditional(p, (const void *)item, depth);
		return;
	case ITEM_COMMENT:
		buf_add(&p->out, STR("comment ‹"));
		print_lines(p, source_text(p->sources, item->span), "\\n");
		buf_add(&p->out, STR("›"));
		break;
	case ITEM_RECIPE:
		print_recipe(p, (const void *)item);
		break;
	case ITEM_DEFINITION:
		buf_add_c(&p->out, d->secret ? "secret " : "");
		print_value(p, "definition ", d->name);
		buf_printf(&p->out, " %s", operator_text((enum operator)d->op));
		print_value(p, " ", d->value);
		break;
	case ITEM_INCLUDE:
		print_value(p, "include ", include->target);
		print_optional(p, " sha256 ", include->hash);
		print_optional(p, " as ", include->as);
		body = include->body;
		break;
	case ITEM_BLOCK:
		print_value(p, "block ", block->kind);
		print_optional(p, " ", block->name);
		print_optional(p, " needs ", block->needs);
		body = block->body;
		break;
	case ITEM_RULE:
		buf_add_c(&p->out, rule->success ? "rule success " : "rule failed ");
		print_condition(p, rule->condition);
		break;
	case ITEM_ARTIFACT:
		print_value(p, "artifact ", artifact->patterns);
		print_value(p, " -> ", artifact->destination);
		print_optional(p, " when ", artifact->when);
		break;
	}
	buf_add_byte(&p->out, '\n');
	print_items(p, body, depth + 1);
}

static void
print_items(struct printer *p, const struct item *items, unsigned depth)
{
	for (; items; items = items->next)
		print_item(p, items, depth);
}

struct str
parse_print_tree(struct arena *arena, const struct sources *sources, const struct tree *tree)
{
	struct printer p = {buf_new(arena), sources};

	print_items(&p, tree->items, 0);
	return buf_str(&p.out);
}
