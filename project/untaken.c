#include "project/untaken.h"

#include "project/name.h"

struct visit {
	struct loader *l;
	const struct space *space;
};

/* Files a name that is nowhere defined, in no branch. */
static void
visit_name(void *context, const struct part *part)
{
	const struct visit *visit = context;

	for (const struct space *space = visit->space; space; space = space->parent)
		if (space->blurred || space_find(space, part->text) || map_get(&space->ghosts, part->text))
			return;
	if (!name_is_predefined(part->text))
		name_unknown(visit->l, part->span, visit->space, part->text);
}

static void
check_value(struct visit *visit, struct span value)
{
	if (value.length)
		name_walk(visit->l, value, VALUE_WORDS, visit_name, visit);
}

static void
check_condition(struct visit *visit, const struct condition *condition)
{
	for (; condition; condition = condition->left) {
		if (condition->kind != CONDITION_DEFINED)
			check_value(visit, condition->a);
		if (condition->kind != CONDITION_MATCHES && condition->kind != CONDITION_MATCHES_NOT)
			check_value(visit, condition->b);
		check_condition(visit, condition->right);
	}
}

static void
check_items(struct visit *visit, const struct item *items)
{
	for (const struct item *item = items; item; item = item->next) {
		switch ((enum item_kind)item->kind) {
		case ITEM_DEFINITION:
			check_value(visit, ((const struct definition *)item)->value);
			break;
		case ITEM_INCLUDE:
			check_items(visit, ((const struct include *)item)->body);
			break;
		case ITEM_BLOCK:
			check_value(visit, ((const struct block *)item)->needs);
			check_items(visit, ((const struct block *)item)->body);
			break;
		case ITEM_IF:
			for (const struct branch *b = ((const struct conditional *)item)->branches; b; b = b->next) {
				check_condition(visit, b->condition);
				check_items(visit, b->body);
			}
			break;
		case ITEM_RULE:
			check_condition(visit, ((const struct rule *)item)->condition);
			break;
		case ITEM_ARTIFACT:
			check_value(visit, ((const struct artifact *)item)->patterns);
			check_value(visit, ((const struct artifact *)item)->destination);
			break;
		case ITEM_RECIPE:
		case ITEM_COMMENT:
			break;
		}
	}
}

void
untaken_check(struct loader *l)
{
	for (const struct untaken *untaken = l->untaken; untaken; untaken = untaken->next) {
		struct visit visit = {l, untaken->context->space};
		check_condition(&visit, untaken->condition);
		check_items(&visit, untaken->body);
	}
}
