/* The tree as text: one item a line, two spaces a level. Values stand between ‹ ›, their lines joined by \n. */
#include "parser/parse.h"

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

static void
print_text(struct printer *p, const char *label, struct span span)
{
	struct str text = source_text(p->sources, span);

	buf_printf(&p->out, "%s‹", label);
	for (size_t i = 0; i < text.n; i++) {
		if (text.s[i] == '\n')
			buf_add(&p->out, STR("\\n"));
		else if (text.s[i] != '\r')
			buf_add_byte(&p->out, text.s[i]);
	}
	buf_add(&p->out, STR("›"));
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
		print_text(p, " ", c->a);
	if (c->b.length)
		print_text(p, " ", c->b);
	buf_add_byte(&p->out, ')');
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
		print_text(p, label, span);
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
	case ITEM_RECIPE:
		print_text(p, item->kind == ITEM_COMMENT ? "comment " : "recipe ", item->span);
		break;
	case ITEM_DEFINITION:
		buf_add_c(&p->out, d->secret ? "secret " : "");
		print_text(p, "definition ", d->name);
		buf_printf(&p->out, " %s", operator_text((enum operator)d->op));
		print_text(p, " ", d->value);
		break;
	case ITEM_INCLUDE:
		print_text(p, "include ", include->target);
		print_optional(p, " sha256 ", include->hash);
		print_optional(p, " as ", include->as);
		body = include->body;
		break;
	case ITEM_BLOCK:
		print_text(p, "block ", block->kind);
		print_optional(p, " ", block->name);
		print_optional(p, " needs ", block->needs);
		body = block->body;
		break;
	case ITEM_RULE:
		buf_add_c(&p->out, rule->success ? "rule success " : "rule failed ");
		print_condition(p, rule->condition);
		break;
	case ITEM_ARTIFACT:
		print_text(p, "artifact ", artifact->patterns);
		print_text(p, " -> ", artifact->destination);
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
