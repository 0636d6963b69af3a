#include "project/merge.h"

#include "project/convert.h"
#include "project/eval.h"
#include "project/expand.h"

#include <stddef.h>
#include <string.h>

/* A body being read: what gives each setting its value, in the order of the schema, and the rest. */
struct body {
	const struct block_schema *schema;
	struct binding bindings[MERGE_SETTINGS];
	struct kept *kept, **kept_end;
};

/* Puts a block with those of its kind and name. */
static void
add_block(struct loader *l, struct merges *merges, const struct block_schema *schema, struct str name, const struct placed *placed)
{
	struct merged **list = &merges->list[schema->id];
	uint32_t *count = &merges->count[schema->id];
	void **place = schema->merges ? map_at(&merges->names[schema->id], name) : NULL;

	if (place && *place) {
		struct merged *merged = &(*list)[(uintptr_t)*place - 1];
		struct part_of *part = arena_new(&l->scratch, struct part_of);
		part->placed = placed;
		if (merged->last)
			merged->last->next = part;
		else
			merged->first.next = part;
		merged->last = part;
		return;
	}
	(*list)[(*count)++] = (struct merged){name, {NULL, placed}, NULL};
	if (place)
		*place = (void *)(uintptr_t)*count;
}

static const struct block_schema *
schema_of(const struct loader *l, const struct placed *placed)
{
	return schema_block(load_span(l, placed->block->kind), load_span(l, placed->block->name));
}

void
merge_blocks(struct loader *l, struct merges *merges)
{
	uint32_t most[BLOCK_COUNT] = {0};

	for (uint32_t i = 0; i < l->block_count; i++) {
		const struct block_schema *schema = schema_of(l, &l->blocks[i]);
		if (schema)
			most[schema->id]++;
	}
	for (size_t i = 0; i < BLOCK_COUNT; i++) {
		merges->list[i] = arena_array(&l->scratch, struct merged, most[i]);
		merges->names[i] = map_new(i == BLOCK_build ? l->arena : &l->scratch);
		map_reserve(&merges->names[i], most[i]);
	}
	for (uint32_t i = 0; i < l->block_count; i++) {
		const struct placed *placed = &l->blocks[i];
		const struct block_schema *schema = schema_of(l, placed);
		struct str name = load_span(l, placed->block->name);
		if (!schema || (schema->naming == BLOCK_NAME_REQUIRED && !name.n))
			continue; /* the checker has filed it */
		if (schema->id == BLOCK_build)
			name = space_qualify(l->arena, placed->context->space, name);
		if (!merges->provider && str_is(str_from(schema->word), "provider"))
			merges->provider = placed;
		add_block(l, merges, schema, name, placed);
	}
}

struct span
merge_header(const struct merged *merged)
{
	return merged->first.placed->block->item.span;
}

const struct merged *
merge_only(const struct merges *merges, enum block_id id)
{
	return merges->count[id] ? &merges->list[id][0] : NULL;
}

/* Reads the items of a body, those of the branches that are taken in their place. */
static void
read_body(struct loader *l, struct body *body, const struct item *items, const struct context *context)
{
	for (const struct item *item = items; item; item = item->next) {
		const struct definition *definition = (const struct definition *)item;
		const struct setting_schema *setting;
		bool undecided;
		switch ((enum item_kind)item->kind) {
		case ITEM_DEFINITION:
			setting = schema_setting(body->schema, load_span(l, definition->name));
			if (setting)
				collect_bind(l, &body->bindings[setting - body->schema->settings], definition, context);
			break;
		case ITEM_IF:
			read_body(l, body, collect_branch(l, (const struct conditional *)item, context, &undecided), context);
			break;
		case ITEM_RULE:
		case ITEM_ARTIFACT:
		case ITEM_RECIPE: {
			struct kept *kept = arena_new(&l->scratch, struct kept);
			*kept = (struct kept){NULL, item, context};
			*body->kept_end = kept;
			body->kept_end = &kept->next;
			break;
		}
		default:
			break;
		}
	}
}

/* The definition that a setting's error stands at. */
static const struct definition *
first_of(const struct binding *binding)
{
	return binding->definition ? binding->definition : addition_next(binding, NULL)->definition;
}

/* Notes the variable that a value comes from, where it is one and no more. */
static void
note_variable(struct loader *l, struct diag *diag, const struct binding *binding)
{
	const struct context *context = binding->definition ? binding->context : addition_next(binding, NULL)->context;
	const struct definition *definition = first_of(binding);
	struct value_cursor cursor = value_open(l->sources, definition->value, VALUE_WORDS);
	const struct variable *variable;
	struct part part;

	if (value_next(&cursor, &part) != PART_NAME || cursor.at != cursor.end)
		return;
	variable = eval_find(l, context->space, part.text);
	if (variable && variable->span.length)
		diag_note(diag, variable->span, "'%.*s' is defined here", STR_ARG(part.text));
	else if (variable && variable->origin == ORIGIN_COMMAND_LINE)
		diag_note(diag, SPAN_NONE, "'%.*s' is given on the command line", STR_ARG(part.text));
	else if (variable && variable->origin == ORIGIN_ENVIRONMENT)
		diag_note(diag, SPAN_NONE, "'%.*s' is given by EDCC_VAR_%.*s", STR_ARG(part.text), STR_ARG(part.text));
}

static void
report_type(struct loader *l, const struct setting_schema *setting, const struct binding *binding, struct words words,
	struct str advice)
{
	struct str text = words_join(&l->scratch, words, STR(" "));
	struct str expects = schema_expects(&l->scratch, setting);
	struct diag *diag = diag_error(
		l->diags, first_of(binding)->value, "%s expects %.*s, not '%.*s'", setting->name, STR_ARG(expects), STR_ARG(text));

	if (advice.s)
		diag_hint(diag, "%.*s", STR_ARG(advice));
	else if (*schema_example(setting))
		diag_hint(diag, "for example: %s = %s", setting->name, schema_example(setting));
	note_variable(l, diag, binding);
}

static struct words
default_words(struct loader *l, const struct setting_schema *setting)
{
	return expand_split(l, str_from(setting->fallback));
}

/* What the file gives, converted into the structure; false where that is nothing. */
static bool
give(struct loader *l, const struct setting_schema *setting, const struct binding *binding, void *settings)
{
	struct value value = eval_binding(l, binding);
	struct str advice = {NULL, 0};

	if (value.secret) {
		struct diag *diag = diag_error(
			l->diags, first_of(binding)->value, "a secret cannot be the value of a setting: settings are shown");
		diag_hint(diag, "a recipe has it as a shell variable");
		return true;
	}
	if (!binding->definition && value.words.n && *setting->fallback) {
		struct words both[] = {default_words(l, setting), value.words};
		value.words = words_concat(l->arena, both, 2);
	}
	if (!value.words.n)
		return false;
	if (!convert_setting(l->arena, setting, value.words, settings, &advice))
		report_type(l, setting, binding, value.words, advice);
	return true;
}

/* The block's structure where the file gives nothing. */
static const void *
defaults_of(struct loader *l, struct merges *merges, const struct block_schema *schema)
{
	const void **defaults = &merges->defaults[schema->id];
	struct str advice;

	if (!*defaults) {
		void *made = arena_alloc(&l->scratch, schema->size);
		for (const struct setting_schema *setting = schema->settings; setting->name; setting++)
			if (*setting->fallback)
				convert_setting(l->arena, setting, default_words(l, setting), made, &advice);
		*defaults = made;
	}
	return *defaults;
}

void
merge_settings(struct loader *l, struct merges *merges, const struct block_schema *schema, const struct merged *merged,
	void *settings, struct kept **kept)
{
	struct body body = {.schema = schema};
	uint64_t given = 0;

	memcpy(settings, defaults_of(l, merges, schema), schema->size);
	body.kept_end = &body.kept;
	for (const struct part_of *part = merged ? &merged->first : NULL; part; part = part->next)
		read_body(l, &body, part->placed->block->body, part->placed->context);
	for (size_t i = 0; schema->settings[i].name; i++) {
		const struct binding *binding = &body.bindings[i];
		if ((binding->definition || binding->additions) && give(l, &schema->settings[i], binding, settings))
			given |= (uint64_t)1 << i;
	}
	*(uint64_t *)settings = given; /* the first member of every block's structure */
	if (kept)
		*kept = body.kept;
}

/* The setting among the items, in any branch. */
static struct span
find_setting(const struct loader *l, const struct item *items, const char *setting)
{
	for (const struct item *item = items; item; item = item->next) {
		const struct definition *definition = (const struct definition *)item;
		if (item->kind == ITEM_DEFINITION && str_is(load_span(l, definition->name), setting))
			return definition->value.length ? definition->value : definition->name;
		if (item->kind != ITEM_IF)
			continue;
		for (const struct branch *b = ((const struct conditional *)item)->branches; b; b = b->next) {
			struct span span = find_setting(l, b->body, setting);
			if (span.source)
				return span;
		}
	}
	return SPAN_NONE;
}

struct span
merge_span(const struct loader *l, const struct merged *merged, const char *setting)
{
	struct span span = SPAN_NONE;

	for (const struct part_of *part = merged ? &merged->first : NULL; part && !span.source; part = part->next)
		span = find_setting(l, part->placed->block->body, setting);
	return span;
}
