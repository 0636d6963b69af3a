#include "project/eval.h"

#include "project/expand.h"
#include "project/name.h"

/* One variable on the way to its value. */
struct frame {
	const struct space *space;
	uint32_t place; /* from 1 */
	bool entered; /* what it needs is on the stack above it */
};

/* A variable that was evaluated for a condition. */
struct reading {
	struct reading *next;
	const struct space *space;
	uint32_t place;
	struct span condition;
};

struct evaluator {
	struct frame *frames; /* the variables that wait for others */
	size_t depth, room;
	struct reading *readings;
	bool settled; /* every variable has its value */
};

struct evaluator *
eval_new(struct loader *l)
{
	return arena_new(&l->scratch, struct evaluator);
}

bool
eval_was_read(const struct loader *l, const struct space *space, uint32_t place, struct span *condition)
{
	for (const struct reading *r = l->evaluator->readings; r; r = r->next) {
		if (r->space == space && r->place == place) {
			*condition = r->condition;
			return true;
		}
	}
	return false;
}

static void
push_frame(struct evaluator *e, struct arena *arena, const struct space *space, uint32_t place)
{
	if (e->depth == e->room) {
		size_t room = e->room ? e->room * 2 : 64;
		e->frames = arena_grow(arena, e->frames, e->room * sizeof *e->frames, room * sizeof *e->frames);
		e->room = room;
	}
	e->frames[e->depth++] = (struct frame){space, place, false};
}

/* Where the variable is defined, or where it is added to. */
static struct span
place_of(const struct binding *binding)
{
	return (binding->definition ? binding->definition : addition_next(binding, NULL)->definition)->name;
}

/* Most places of a cycle that an error names. */
#define CYCLE_NOTES 10

static void
report_cycle(struct loader *l, const struct space *space, uint32_t place)
{
	const struct evaluator *e = l->evaluator;
	const struct variable *first = &space->variables[place - 1], *before = first;
	size_t i = e->depth, shown = 0, more = 0;
	struct diag *diag;

	while (i && !(e->frames[i - 1].entered && e->frames[i - 1].space == space && e->frames[i - 1].place == place))
		i--;
	diag = diag_error(l->diags, place_of(&space->bindings[place - 1]), "'%.*s' needs itself", STR_ARG(first->name));
	for (; i < e->depth; i++) {
		const struct frame *frame = &e->frames[i];
		if (!frame->entered)
			continue;
		const struct variable *variable = &frame->space->variables[frame->place - 1];
		if (shown++ < CYCLE_NOTES)
			diag_note(diag, place_of(&frame->space->bindings[frame->place - 1]),
				"'%.*s' needs '%.*s', which is defined here", STR_ARG(before->name), STR_ARG(variable->name));
		else
			more++;
		before = variable;
	}
	if (more)
		diag_note(diag, SPAN_NONE, "and so on over %zu more", more);
	if (before == first)
		diag_hint(diag, "%.*s += WORDS adds to it", STR_ARG(first->name));
	else
		diag_note(diag, place_of(&space->bindings[place - 1]), "'%.*s' needs '%.*s'", STR_ARG(before->name),
			STR_ARG(first->name));
}

struct needs {
	struct loader *l;
	const struct space *space;
};

/* Puts a variable that is not evaluated yet on the stack, above the one that needs it. */
static void
push_need(void *context, const struct part *part)
{
	const struct needs *needs = context;
	const struct space *space = needs->space;
	uint32_t place = name_look_up(needs->l, &space, part->text);

	if (!place)
		return;
	switch ((enum binding_state)space->bindings[place - 1].state) {
	case BINDING_FRESH:
		push_frame(needs->l->evaluator, &needs->l->scratch, space, place);
		break;
	case BINDING_ACTIVE:
		report_cycle(needs->l, space, place);
		break;
	case BINDING_DONE:
		break;
	}
}

static void
push_needs(struct loader *l, struct span value, const struct space *space)
{
	struct needs needs = {l, space};

	name_walk(l, value, VALUE_WORDS, push_need, &needs);
}

static void
push_binding_needs(struct loader *l, const struct binding *binding)
{
	if (binding->definition)
		push_needs(l, binding->definition->value, binding->context->space);
	for (const struct addition *a = addition_next(binding, NULL); a; a = addition_next(binding, a))
		push_needs(l, a->definition->value, a->context->space);
}

/* The override of a variable that has a ?= and no =. */
static const struct override *
take_override(struct loader *l, const struct space *space, uint32_t place)
{
	const struct binding *binding = &space->bindings[place - 1];
	struct given *given;

	if (!l->givens.count || !binding->fallback || binding->set)
		return NULL;
	given = map_get(&l->givens, space_qualify(&l->scratch, space, space->variables[place - 1].name));
	if (!given)
		return NULL;
	given->used = true;
	return given->override;
}

/* Adds the words of every addition to the value. */
static void
add_additions(struct loader *l, const struct binding *binding, struct value *value)
{
	struct words *parts;
	size_t count = 1, words = value->words.n;

	if (!binding->additions)
		return;
	for (const struct addition *a = addition_next(binding, NULL); a; a = addition_next(binding, a))
		count++;
	parts = arena_array(&l->scratch, struct words, count);
	parts[0] = value->words;
	count = 1;
	for (const struct addition *a = addition_next(binding, NULL); a; a = addition_next(binding, a)) {
		struct value more = expand_value(l, a->definition->value, a->context->space, VALUE_WORDS);
		value->secret |= more.secret || a->definition->secret;
		value->unknown |= more.unknown;
		words += more.words.n;
		parts[count++] = more.words;
	}
	if (!expand_charge(l, place_of(binding), words * sizeof(struct str)))
		value->unknown = true;
	if (!value->unknown)
		value->words = words_concat(l->arena, parts, count);
}

/* Gives a variable its value; those it needs have theirs. */
static void
compute(struct loader *l, const struct space *space, uint32_t place)
{
	struct binding *binding = &space->bindings[place - 1];
	struct variable *variable = &space->variables[place - 1];
	const struct override *override = take_override(l, space, place);
	const struct definition *definition = binding->definition;

	if (override) {
		variable->value.words = expand_split(l, str_dup(l->arena, override->value));
		variable->value.secret = definition->secret;
		variable->origin = (uint8_t) override->origin;
	} else if (definition) {
		variable->value = expand_value(l, definition->value, binding->context->space, VALUE_WORDS);
		variable->value.secret |= definition->secret;
		variable->span = definition->name;
		variable->origin = binding->parameter ? ORIGIN_PARAMETER : binding->set ? ORIGIN_FILE : ORIGIN_DEFAULT;
	}
	if (!definition && binding->undecided)
		variable->span = ((const struct definition *)map_get(&space->ghosts, variable->name))->name;
	add_additions(l, binding, &variable->value);
	if (binding->undecided || !definition)
		variable->value.unknown = true;
	if (variable->value.unknown)
		variable->value.words = (struct words){NULL, 0};
	binding->state = BINDING_DONE;
	if (l->condition.length) {
		struct reading *reading = arena_new(&l->scratch, struct reading);
		*reading = (struct reading){l->evaluator->readings, space, place, l->condition};
		l->evaluator->readings = reading;
	}
}

/* Evaluates the variables on the stack above `base`. */
static void
run_frames(struct loader *l, size_t base)
{
	struct evaluator *e = l->evaluator;

	while (e->depth > base) {
		struct frame frame = e->frames[e->depth - 1];
		struct binding *binding = &frame.space->bindings[frame.place - 1];
		if (!frame.entered && binding->state == BINDING_FRESH) {
			binding->state = BINDING_ACTIVE;
			e->frames[e->depth - 1].entered = true;
			push_binding_needs(l, binding);
			continue;
		}
		if (frame.entered)
			compute(l, frame.space, frame.place);
		e->depth--;
	}
}

void
eval_variables(struct loader *l)
{
	for (uint32_t i = 0; i < l->space_count; i++) {
		for (uint32_t place = 1; place <= l->spaces[i]->count; place++) {
			push_frame(l->evaluator, &l->scratch, l->spaces[i], place);
			run_frames(l, 0);
		}
	}
	l->evaluator->settled = true;
}

struct value
eval_span(struct loader *l, struct span span, const struct space *space, enum value_mode mode)
{
	struct evaluator *e = l->evaluator;

	if (!e->settled && !e->depth) {
		struct needs needs = {l, space};
		name_walk(l, span, mode, push_need, &needs);
		run_frames(l, 0);
	}
	return expand_value(l, span, space, mode);
}

struct value
eval_binding(struct loader *l, const struct binding *binding)
{
	struct value value = {0};

	if (binding->definition)
		value = expand_value(l, binding->definition->value, binding->context->space, VALUE_WORDS);
	add_additions(l, binding, &value);
	if (value.unknown)
		value.words = (struct words){NULL, 0};
	return value;
}

struct str
eval_text(struct loader *l, const struct value *value)
{
	if (value->words.n == 1)
		return value->words.w[0];
	return words_join(l->arena, value->words, STR(" "));
}

const struct variable *
eval_find(struct loader *l, const struct space *space, struct str name)
{
	uint32_t place = name_look_up(l, &space, name);

	return place ? &space->variables[place - 1] : NULL;
}
