#include "base/hash.h"
#include "base/json.h"
#include "runtime/plan.h"

/* Two saved plans side by side: the one from the file and one of the plan as it would be made now. */
struct comparison {
	struct arena *arena;
	struct str path; /* of the saved one */
	const struct json *was, *is;
	struct diags *diags;
	struct diag *diag; /* filed with the first difference, which it has as notes; NULL: none yet */
};

static void
differs(struct comparison *comparison, struct str what)
{
	if (!comparison->diag) {
		comparison->diag = diag_error(comparison->diags, SPAN_NONE, "the saved plan is no longer what would be done");
		diag_hint(comparison->diag, "run 'edcc plan -o %.*s' again", STR_ARG(comparison->path));
	}
	diag_note(comparison->diag, SPAN_NONE, "%.*s", STR_ARG(what));
}

/* A list of named things that both plans have, and how the user calls one. */
struct list {
	const char *member;
	const char *noun; /* before the name: "variable " */
	const char *value; /* what is compared and shown; NULL where only the digest is */
	const char *digest;
};

static struct str
shown(struct str value)
{
	return value.n ? value : STR("empty");
}

static void
compare_one(struct comparison *comparison, const struct list *list, const struct json *was, const struct json *is)
{
	struct arena *arena = comparison->arena;
	struct str name = json_text(is, "name", STR("")), none = {NULL, 0};
	struct str old = json_text(was, list->value, none), new = json_text(is, list->value, none);
	if (old.s && new.s) {
		if (!str_eq(old, new))
			differs(comparison, str_printf(arena, "%s%.*s was %.*s and is %.*s", list->noun, STR_ARG(name),
						    STR_ARG(shown(old)), STR_ARG(shown(new))));
		return;
	}
	if (!str_eq(json_text(was, list->digest, none), json_text(is, list->digest, none)))
		differs(comparison, str_printf(arena, "%s%.*s has changed since the plan was saved", list->noun, STR_ARG(name)));
}

/* The list's things by name. */
static struct map
by_name(struct arena *arena, const struct json *list)
{
	struct map map = map_new(arena);
	for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->count; i++)
		*map_at(&map, json_text(list->items[i], "name", STR(""))) = list->items[i];
	return map;
}

static void
compare_list(struct comparison *comparison, const struct list *list)
{
	struct map was = by_name(comparison->arena, json_member(comparison->was, list->member));
	struct map is = by_name(comparison->arena, json_member(comparison->is, list->member));
	for (uint32_t i = 0; i < is.count; i++) {
		const struct json *old = map_get(&was, is.entries[i].key);
		if (old)
			compare_one(comparison, list, old, is.entries[i].value);
		else
			differs(comparison, str_printf(comparison->arena, "%s%.*s was not there when the plan was saved",
						    list->noun, STR_ARG(is.entries[i].key)));
	}
	for (uint32_t i = 0; i < was.count; i++)
		if (!map_get(&is, was.entries[i].key))
			differs(comparison, str_printf(comparison->arena, "%s%.*s is there no longer", list->noun,
						    STR_ARG(was.entries[i].key)));
}

/* Deep equality; what was read is at most JSON_DEPTH_LIMIT deep. */
static bool
same(const struct json *a, const struct json *b)
{
	if (!a || !b || a->type != b->type || a->integer != b->integer || a->count != b->count ||
		a->members.count != b->members.count || !str_eq(a->string, b->string))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same(a->items[i], b->items[i]))
			return false;
	for (uint32_t i = 0; i < a->members.count; i++)
		if (!same(a->members.entries[i].value, map_get(&b->members, a->members.entries[i].key)))
			return false;
	return true;
}

/* What a change of none of the lists explains: a script's text, a glob's result, an edited file. */
static void
compare_rest(struct comparison *comparison)
{
	static const char *const fleet[] = {"project", "provider", "jobs", "hosts", "toolchain", "totals"};
	for (size_t i = 0; i < sizeof fleet / sizeof *fleet; i++)
		if (!same(json_member(comparison->was, fleet[i]), json_member(comparison->is, fleet[i])))
			differs(comparison, str_printf(comparison->arena, "'%s' has changed since the plan was saved", fleet[i]));
	const struct json *was = json_member(comparison->was, "actions"), *is = json_member(comparison->is, "actions");
	if (same(was, is))
		return;
	for (size_t i = 0; was && was->type == JSON_ARRAY && i < was->count && i < is->count; i++)
		if (!same(was->items[i], is->items[i])) {
			struct str name = json_text(is->items[i], "name", STR(""));
			differs(comparison,
				str_printf(comparison->arena, "'%.*s' has changed since the plan was saved", STR_ARG(name)));
			return;
		}
	differs(comparison, STR("there are other actions than when the plan was saved"));
}

bool
plan_same(struct arena *arena, const struct saved_plan *saved, const struct plan *plan, const struct sources *sources,
	struct diags *diags)
{
	static const struct list lists[] = {
		{"inputs", "", NULL, "sha256"}, {"variables", "variable ", "value", "digest"}, {"facts", "", "value", NULL}};
	struct str salt = json_text(saved->json, "salt", STR("")), error;
	struct json *now = json_read(arena, plan_save_text(arena, plan, sources, salt), &error);
	struct comparison comparison = {arena, saved->path, saved->json, now, diags, NULL};
	struct str version = json_text(saved->json, "edcc", STR("?"));
	if (!str_is(version, EDCC_VERSION))
		differs(&comparison, str_printf(arena, "edcc was %.*s and is %s", STR_ARG(version), EDCC_VERSION));
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		compare_list(&comparison, &lists[i]);
	if (!comparison.diag)
		compare_rest(&comparison);
	return !comparison.diag;
}
