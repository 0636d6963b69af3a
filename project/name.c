#include "project/name.h"

#include "project/function.h"

#include <string.h>

/* RESERVED(name, whether $(name) has a value in the file) */
#define RESERVED_NAMES(RESERVED)       \
	RESERVED(CC, false)            \
	RESERVED(CXX, false)           \
	RESERVED(JOBS, false)          \
	RESERVED(DISTCC_HOSTS, false)  \
	RESERVED(EDCC_HOSTS, false)    \
	RESERVED(EDCC_TARGET, false)   \
	RESERVED(EDCC_RUN, false)      \
	RESERVED(EDCC_PROJECT, false)  \
	RESERVED(EDCC_PROVIDER, false) \
	RESERVED(EDCC_REGION, false)   \
	RESERVED(EDCC_BUCKET, false)   \
	RESERVED(EDCC_TOPIC, false)    \
	RESERVED(COMMIT, true)

static const struct {
	const char *name;
	bool known;
} reserved[] = {
#define RESERVED(name, known) {#name, known},
	RESERVED_NAMES(RESERVED)
#undef RESERVED
};

bool
name_is_reserved(struct str name)
{
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (str_is(name, reserved[i].name))
			return true;
	return false;
}

void
name_offer_reserved(struct suggest *suggest)
{
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strlen(reserved[i].name) > 3)
			suggest_offer(suggest, str_from(reserved[i].name));
}

bool
name_is_predefined(struct str name)
{
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (reserved[i].known && str_is(name, reserved[i].name))
			return true;
	return false;
}

void
name_unknown(struct loader *l, struct span span, const struct space *space, struct str name)
{
	struct diag *diag = diag_error(l->diags, span, "unknown name '%.*s'", STR_ARG(name));
	struct suggest suggest = suggest_for(name);

	if (str_is(name, "DISTCC_HOSTS")) {
		diag_hint(diag,
			"distcc reads its hosts from a file that follows the fleet: a recipe sees them with 'distcc --show-hosts'");
		return;
	}
	if (name_is_reserved(name)) {
		diag_hint(diag, "'%.*s' is known to recipes only: write $%.*s there", STR_ARG(name), STR_ARG(name));
		return;
	}
	if (str_is(name, "it")) {
		diag_hint(diag, "$(it) is the word in the first argument of $(map TEXT, WORDS)");
		return;
	}
	const struct function *function = function_find(name);
	if (function) {
		diag_hint(diag, "'%.*s' is a function: %s", STR_ARG(name), function->usage);
		return;
	}
	/* Past what is shown, the nearest of many names is a search for nobody. */
	for (; space && l->diags->error_count <= DIAG_LIMIT; space = space->parent)
		for (uint32_t i = 0; i < space->count; i++)
			suggest_offer(&suggest, space->variables[i].name);
	suggest_hint(&suggest, diag);
}

uint32_t
name_look_up(struct loader *l, const struct space **space, struct str name)
{
	for (; *space; *space = (*space)->parent) {
		uint32_t place = space_find(*space, name);
		if (place)
			return place;
		if (!l->condition.length)
			continue;
		/* A later branch that defines it would change what the condition has seen. */
		void **slot = map_at((*space)->missing, name);
		if (!*slot) {
			struct span *condition = arena_new(&l->scratch, struct span);
			*condition = l->condition;
			*slot = condition;
		}
	}
	return 0;
}

struct named {
	void (*visit)(void *context, const struct part *);
	void *context;
};

static void
visit_names(const struct loader *l, struct span value, enum value_mode mode, bool in_map, const struct named *named)
{
	struct str text = load_span(l, value);
	struct value_cursor cursor;
	struct part part;

	if (!text.n || !memchr(text.s, '$', text.n))
		return;
	cursor = value_open(l->sources, value, mode);
	while (value_next(&cursor, &part) != PART_END) {
		if (part.kind == PART_NAME && !(in_map && str_is(part.text, "it")))
			named->visit(named->context, &part);
		if (part.kind != PART_CALL)
			continue;
		enum value_mode first = value_function_mode(part.text);
		bool map = str_is(part.text, "map");
		struct span rest = part.inner, argument;
		for (; value_argument(l->sources, first, &rest, &argument); first = VALUE_WORDS, map = false)
			visit_names(l, argument, first, in_map || map, named);
	}
}

void
name_walk(
	const struct loader *l, struct span value, enum value_mode mode, void (*visit)(void *, const struct part *), void *context)
{
	visit_names(l, value, mode, false, &(struct named){visit, context});
}
