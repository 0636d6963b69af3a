#include "project/collect.h"

#include "project/condition.h"
#include "project/eval.h"

#include <stdlib.h>

/* A conditional that waits for its turn. */
struct pending {
	struct pending *next;
	const struct conditional *conditional;
	const struct context *context;
	struct space *instance; /* whose parameters it gives; NULL where it stands among the items of a file */
};

static void collect_items(struct loader *, const struct context *, const struct item *);

/* Whether a in context ca stands before b in cb, in the order of the files as if each were written out at its include. */
static bool
context_before(const struct context *ca, uint32_t a, const struct context *cb, uint32_t b)
{
	for (; ca->depth > cb->depth; ca = ca->parent)
		a = ca->offset;
	for (; cb->depth > ca->depth; cb = cb->parent)
		b = cb->offset;
	for (; ca != cb; ca = ca->parent, cb = cb->parent) {
		a = ca->offset;
		b = cb->offset;
	}
	return a < b;
}

static void
report_second(struct loader *l, const struct binding *binding, const struct definition *again, const struct context *context)
{
	const struct definition *first = binding->definition;
	struct str name = load_span(l, again->name);
	if (binding->parameter && context->depth > binding->context->depth)
		return; /* no parameter at all: check_bindings says so */
	bool swap = !binding->parameter && context_before(context, again->name.offset, binding->context, first->name.offset);
	struct diag *diag = diag_error(l->diags, swap ? first->name : again->name, "'%.*s' is defined twice", STR_ARG(name));

	diag_note(diag, swap ? again->name : first->name, "the first definition is here");
	if (context->depth || binding->context->depth)
		diag_hint(diag, "a snippet gives with ?= what a file may set with =");
	else
		diag_hint(diag, "+= adds to a value, ?= gives a default");
}

static void
add_addition(struct loader *l, struct binding *binding, const struct definition *definition, const struct context *context)
{
	struct addition *addition = arena_new(&l->scratch, struct addition), *last = binding->additions, *before = last;

	*addition = (struct addition){addition, definition, context};
	/* Nearly always the new one is the last. */
	if (last && context_before(context, definition->name.offset, last->context, last->definition->name.offset))
		while (before->next != last && context_before(before->next->context, before->next->definition->name.offset, context,
						       definition->name.offset))
			before = before->next;
	else
		binding->additions = addition;
	if (!last)
		return;
	addition->next = before->next;
	before->next = addition;
}

/* Whether this default counts before the one that is there: the including file's own before a snippet's, else the first. */
static bool
default_counts(const struct binding *binding, const struct definition *definition, const struct context *context)
{
	if (binding->set)
		return false;
	if (!binding->definition || context->depth != binding->context->depth)
		return !binding->definition || context->depth < binding->context->depth;
	return context_before(context, definition->name.offset, binding->context, binding->definition->name.offset);
}

void
collect_bind(struct loader *l, struct binding *binding, const struct definition *definition, const struct context *context)
{
	switch ((enum operator)definition->op) {
	case OP_SET:
		if (binding->set) {
			report_second(l, binding, definition, context);
			return;
		}
		binding->set = true;
		break;
	case OP_DEFAULT:
		binding->fallback = true;
		if (!default_counts(binding, definition, context))
			return;
		break;
	case OP_ADD:
		add_addition(l, binding, definition, context);
		return;
	}
	binding->definition = definition;
	binding->context = context;
}

/* Files that a definition in a branch comes too late: a condition has already seen what it changes. */
static void
report_late(struct loader *l, const struct definition *definition, struct span condition)
{
	struct str name = load_span(l, definition->name);
	struct diag *diag =
		diag_error(l->diags, definition->name, "'%.*s' changes after a condition has asked for it", STR_ARG(name));

	diag_hint(diag, "conditions are decided in file order: define it before that one, or outside of every if");
	diag_note(diag, condition, "it was asked for here");
}

static void
define(struct loader *l, struct space *space, const struct definition *definition, const struct context *context, bool parameter)
{
	struct str name = load_span(l, definition->name);
	const struct span *missed = l->deciding ? map_get(space->missing, name) : NULL;
	uint32_t place = space_at(l, space, name);
	struct binding *binding = &space->bindings[place - 1];
	struct binding before = *binding;
	struct span condition;

	collect_bind(l, binding, definition, context);
	if (parameter && binding->definition == definition)
		binding->parameter = true;
	if (missed)
		report_late(l, definition, *missed);
	else if (before.state == BINDING_DONE && (before.definition != binding->definition || definition->op == OP_ADD) &&
		 eval_was_read(l, space, place, &condition))
		report_late(l, definition, condition);
}

static void
add_pending(struct loader *l, const struct item *item, const struct context *context, struct space *instance)
{
	struct pending *pending = arena_new(&l->scratch, struct pending), **end = &l->pending;

	*pending = (struct pending){NULL, (const struct conditional *)item, context, instance};
	if (l->pending_end)
		end = l->pending_end;
	*end = pending;
	l->pending_end = &pending->next;
}

static void
collect_parameters(struct loader *l, struct space *instance, const struct context *context, const struct item *items)
{
	for (const struct item *item = items; item; item = item->next) {
		const struct definition *definition = (const struct definition *)item;
		if (item->kind == ITEM_IF) {
			add_pending(l, item, context, instance);
		} else if (item->kind == ITEM_DEFINITION && definition->op == OP_DEFAULT) {
			struct diag *diag = diag_error(l->diags, definition->name, "a parameter is given with =");
			diag_hint(diag, "?= is how the snippet gives its default");
		} else if (item->kind == ITEM_DEFINITION) {
			define(l, instance, definition, context, true);
		}
	}
}

/* Files an include that leads back to itself, with the chain. */
static bool
is_cycle(struct loader *l, const struct context *context, const struct include *include, const struct unit *unit)
{
	const struct context *at = context;

	while (at && at->unit != unit)
		at = at->parent;
	if (!at)
		return false;
	struct diag *diag = diag_error(l->diags, include->target, "'%.*s' includes itself", STR_ARG(unit->name));
	for (const struct context *link = context; link != at; link = link->parent)
		diag_note(diag, (struct span){link->parent->unit->tree->source, link->offset, link->length},
			"'%.*s' is included here", STR_ARG(link->unit->name));
	return true;
}

/* The space of `include … as NAME`; NULL, filed, where the name is taken. */
static struct space *
instance_new(struct loader *l, const struct context *context, const struct include *include)
{
	struct str name = load_span(l, include->as);
	void **place = map_at(&context->space->instances, name);

	if (*place) {
		struct space *first = *place;
		struct diag *diag = diag_error(l->diags, include->as, "there is an instance '%.*s' already", STR_ARG(name));
		diag_note(diag, first->include->as, "it is made here");
		return NULL;
	}
	struct space *space = space_new(l, context->space);
	*place = space;
	space->name = space_qualify(l->arena, context->space, name);
	space->include = include;
	return space;
}

static void
collect_include(struct loader *l, const struct context *context, const struct include *include)
{
	const struct unit *unit = load_include(l, include, context->unit);
	struct context *inner = arena_new(&l->scratch, struct context);
	struct space *space = context->space;

	if (!unit) {
		l->incomplete = true;
		return;
	}
	if (is_cycle(l, context, include, unit))
		return;
	if (context->depth == INCLUDE_DEPTH_LIMIT) {
		diag_error(l->diags, include->target, "includes are nested more than %d deep", INCLUDE_DEPTH_LIMIT);
		return;
	}
	if (include->as.length) {
		if ((space = instance_new(l, context, include)) == NULL)
			return;
		collect_parameters(l, space, context, include->body);
	} else {
		void **seen = map_at(&space->included, unit->name);
		if (*seen)
			return;
		*seen = space;
	}
	*inner = (struct context){context, include->item.span.offset, include->item.span.length, context->depth + 1, unit, space};
	collect_items(l, inner, unit->tree->items);
}

static void
collect_block(struct loader *l, const struct context *context, const struct block *block)
{
	l->blocks = arena_more(&l->scratch, l->blocks, l->block_count, sizeof *l->blocks);
	l->blocks[l->block_count++] = (struct placed){block, context};
}

static void
collect_items(struct loader *l, const struct context *context, const struct item *items)
{
	uint32_t definitions = 0;

	for (const struct item *item = items; item; item = item->next)
		definitions += item->kind == ITEM_DEFINITION;
	if (definitions > 8)
		space_reserve(l, context->space, definitions);
	for (const struct item *item = items; item; item = item->next) {
		if (item->kind == ITEM_DEFINITION)
			define(l, context->space, (const struct definition *)item, context, false);
		else if (item->kind == ITEM_INCLUDE)
			collect_include(l, context, (const struct include *)item);
		else if (item->kind == ITEM_BLOCK)
			collect_block(l, context, (const struct block *)item);
		else if (item->kind == ITEM_IF)
			add_pending(l, item, context, NULL);
	}
}

static void
put_untaken(struct loader *l, const struct condition *condition, const struct item *body, const struct context *context)
{
	struct untaken *untaken = arena_new(&l->scratch, struct untaken);

	*untaken = (struct untaken){l->untaken, body, condition, context};
	l->untaken = untaken;
}

const struct item *
collect_branch(struct loader *l, const struct conditional *conditional, const struct context *context, bool *undecided)
{
	const struct branch *branch = conditional->branches;
	const struct item *taken = NULL;

	*undecided = false;
	for (; branch; branch = branch->next) {
		bool open = !taken && !*undecided;
		enum truth truth = !open                ? TRUTH_FALSE
				   : !branch->condition ? TRUTH_TRUE
							: condition_decide(l, branch->condition, context);
		put_untaken(l, branch->condition, truth == TRUTH_TRUE ? NULL : branch->body, context);
		if (truth == TRUTH_TRUE)
			taken = branch->body ? branch->body : &conditional->item; /* an empty body is taken too */
		*undecided |= truth == TRUTH_UNKNOWN;
	}
	return taken == &conditional->item ? NULL : taken;
}

/* Puts down the names that a body which is not taken would define. */
static void
collect_ghosts(struct loader *l, struct space *space, const struct item *items, bool undecided)
{
	for (const struct item *item = items; item; item = item->next) {
		if (item->kind == ITEM_DEFINITION) {
			struct str name = load_span(l, ((const struct definition *)item)->name);
			uint32_t place = undecided ? space_at(l, space, name) : 0;
			*map_at(&space->ghosts, name) = (void *)(uintptr_t)item;
			if (undecided)
				space->bindings[place - 1].undecided = true;
		} else if (item->kind == ITEM_INCLUDE) {
			space->blurred = true;
			space->uncertain |= undecided;
			l->vague |= undecided;
		} else if (item->kind == ITEM_BLOCK) {
			l->vague |= undecided;
		} else if (item->kind == ITEM_IF) {
			for (const struct branch *b = ((const struct conditional *)item)->branches; b; b = b->next)
				collect_ghosts(l, space, b->body, undecided);
		}
	}
}

/* Decides one conditional and collects the branch that is taken; what is conditional in there comes next. */
static void
decide(struct loader *l, const struct pending *pending)
{
	struct space *space = pending->instance ? pending->instance : pending->context->space;
	struct pending *rest = l->pending, **rest_end = l->pending_end;
	bool undecided;
	const struct item *taken = collect_branch(l, pending->conditional, pending->context, &undecided);

	for (const struct branch *branch = pending->conditional->branches; branch; branch = branch->next)
		if (branch->body != taken)
			collect_ghosts(l, space, branch->body, undecided);
	l->pending = NULL;
	l->pending_end = NULL;
	if (pending->instance)
		collect_parameters(l, pending->instance, pending->context, taken);
	else
		collect_items(l, pending->context, taken);
	if (!l->pending_end) {
		l->pending = rest;
		l->pending_end = rest_end;
	} else if (rest) {
		*l->pending_end = rest;
		l->pending_end = rest_end;
	}
}

static int
compare_placed(const void *a, const void *b)
{
	const struct placed *pa = a, *pb = b;

	if (context_before(pa->context, pa->block->item.span.offset, pb->context, pb->block->item.span.offset))
		return -1;
	return pa->block != pb->block || pa->context != pb->context;
}

void
collect_all(struct loader *l, const struct unit *unit)
{
	struct context *context = arena_new(&l->scratch, struct context);

	*context = (struct context){.unit = unit, .space = space_new(l, NULL)};
	collect_items(l, context, unit->tree->items);
	if (l->incomplete)
		return;
	l->deciding = true;
	if (!l->pending)
		return;
	while (l->pending && !l->incomplete) {
		struct pending *pending = l->pending;
		l->pending = pending->next;
		if (!l->pending)
			l->pending_end = NULL;
		decide(l, pending);
	}
	if (l->block_count)
		qsort(l->blocks, l->block_count, sizeof *l->blocks, compare_placed);
}

/* Whether any branch that was not taken gives the name a default. */
static bool
is_ghost_default(const struct space *space, struct str name)
{
	const struct definition *ghost = map_get(&space->ghosts, name);

	return ghost != NULL && ghost->op == OP_DEFAULT;
}

/* The space and the name in it that "zstd.flags" stands for. */
static const struct space *
find_given(const struct loader *l, struct str *name)
{
	const struct space *space = l->spaces[0];

	for (size_t dot; space && (dot = str_find(*name, '.')) < name->n; *name = str_part(*name, dot + 1, name->n))
		space = map_get(&space->instances, str_part(*name, 0, dot));
	return space;
}

static void
report_given(struct loader *l, const struct override *override)
{
	struct str name = override->name;
	const struct space *space = find_given(l, &name);
	uint32_t place = space ? space_find(space, name) : 0;
	const char *prefix = override->origin == ORIGIN_ENVIRONMENT ? "EDCC_VAR_" : "";
	struct diag *diag;

	if (place && space->bindings[place - 1].parameter) {
		diag = diag_error(l->diags, SPAN_NONE,
			"'%s%.*s' cannot be given from outside: it is a parameter that the file gives", prefix,
			STR_ARG(override->name));
		diag_note(diag, space->bindings[place - 1].definition->name, "it is given here");
		diag_hint(diag, "give it a variable that has a ?= in the file");
		return;
	}
	if (place && space->bindings[place - 1].set) {
		diag = diag_error(l->diags, SPAN_NONE, "'%s%.*s' cannot be given from outside: the file sets it with =", prefix,
			STR_ARG(override->name));
		diag_note(diag, space->bindings[place - 1].definition->name, "it is set here");
		diag_hint(diag, "declare it with ?= in the file: %.*s ?= …", STR_ARG(name));
		return;
	}
	struct suggest suggest = suggest_for(override->name);
	for (uint32_t i = 0; i < l->space_count; i++)
		for (uint32_t j = 0; j < l->spaces[i]->count; j++)
			if (l->spaces[i]->bindings[j].fallback)
				suggest_offer(&suggest, space_qualify(&l->scratch, l->spaces[i], l->spaces[i]->variables[j].name));
	diag = diag_error(l->diags, SPAN_NONE, "there is no variable '%s%.*s' to give a value", prefix, STR_ARG(override->name));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "declare it with ?= in the file: %.*s ?= …", STR_ARG(override->name));
}

/* The hint where no parameter's name is near. */
static void
hint_parameters(const struct space *space, struct diag *diag)
{
	struct arena scratch = {0};
	struct buf names = buf_new(&scratch);

	for (uint32_t i = 0; i < space->count; i++)
		if (space->bindings[i].fallback)
			buf_printf(&names, "%s%.*s", names.n ? ", " : "", STR_ARG(space->variables[i].name));
	if (names.n)
		diag_hint(diag, "its parameters are %.*s", STR_ARG(buf_str(&names)));
	arena_free(&scratch);
}

/* The parameters that the instance's snippet does not have, and additions to nothing. */
static void
check_bindings(struct loader *l, const struct space *space)
{
	for (uint32_t i = 0; i < space->count; i++) {
		const struct binding *binding = &space->bindings[i];
		struct str name = space->variables[i].name;
		struct diag *diag;
		if (binding->parameter && !binding->fallback && !is_ghost_default(space, name)) {
			struct suggest suggest = suggest_for(name);
			for (uint32_t j = 0; j < space->count; j++)
				if (space->bindings[j].fallback)
					suggest_offer(&suggest, space->variables[j].name);
			diag = diag_error(l->diags, binding->definition->name, "'%.*s' has no parameter '%.*s'",
				STR_ARG(load_span(l, space->include->target)), STR_ARG(name));
			if (!suggest_hint(&suggest, diag))
				hint_parameters(space, diag);
		} else if (binding->additions && !binding->definition && !binding->undecided) {
			diag = diag_error(l->diags, addition_next(binding, NULL)->definition->name,
				"+= adds to '%.*s', which has no value yet", STR_ARG(name));
			diag_hint(diag, "define it with = or ?= (the order does not matter)");
		}
	}
}

void
collect_check(struct loader *l)
{
	for (uint32_t i = 0; i < l->givens.count; i++) {
		const struct given *given = l->givens.entries[i].value;
		struct str name = given->override->name;
		const struct space *space = find_given(l, &name);
		if (!given->used && !(space && is_ghost_default(space, name)) && !(space && space->uncertain))
			report_given(l, given->override);
	}
	for (uint32_t i = 0; i < l->space_count; i++)
		check_bindings(l, l->spaces[i]);
}
