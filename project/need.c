#include "project/need.h"

#include "project/eval.h"

#include <string.h>

/* How many names a hint shows. */
#define HINT_BUILDS 12

/* A prerequisite is a build's index; or build_count and an instance's index, which stands for its last steps until all others are resolved. */
struct needs {
	struct loader *l;
	struct project *project;
	const struct merged *list;
	struct lasts {
		uint32_t *builds; /* the last steps of each instance */
		uint32_t count;
	} * lasts;
	uint32_t *found; /* the prerequisites of the build that is looked at */
	uint32_t count, room;
	bool *wanted; /* the instances that some build needs */
	bool *needed; /* of find_lasts: a flag for each build */
	bool instances; /* some build needs an instance */
	bool strange; /* the header has words that are near no build's name: one error is enough */
};

static const struct space *
space_of(const struct needs *n, uint32_t build)
{
	return n->list[build].first.placed->context->space;
}

static bool
is_inside(const struct space *space, const struct space *instance)
{
	while (space && space != instance)
		space = space->parent;
	return space != NULL;
}

/* The instance "a.b" as seen from the space; NULL where there is none. */
static const struct space *
find_instance(const struct space *space, struct str name)
{
	struct str piece;

	while (space && str_split(&name, '.', &piece))
		space = map_get(&space->instances, piece);
	return space;
}

/* What the word names, looked up from the space outwards. */
static bool
resolve(const struct needs *n, const struct space *space, struct str word, uint32_t *need)
{
	for (; space; space = space->parent) {
		const struct build *build = map_get(&n->project->build_names, space_qualify(&n->l->scratch, space, word));
		if (build) {
			*need = (uint32_t)(build - n->project->builds);
			return true;
		}
		const struct space *instance = find_instance(space, word);
		if (instance) {
			*need = n->project->build_count + instance->index;
			return true;
		}
	}
	return false;
}

/* The hint where no name is near. */
static void
hint_builds(const struct project *project, struct diag *diag, const char *more)
{
	struct arena scratch = {0};
	struct buf names = buf_new(&scratch);

	for (uint32_t i = 0; i < project->build_count && i < HINT_BUILDS; i++)
		buf_printf(&names, "%s%.*s", i ? ", " : "", STR_ARG(project->builds[i].name));
	if (names.n)
		diag_hint(diag, "the builds are %.*s%s%s", STR_ARG(buf_str(&names)),
			project->build_count > HINT_BUILDS ? ", …" : "", more);
	arena_free(&scratch);
}

static void
report_unknown(struct needs *n, struct span span, struct str word)
{
	struct suggest suggest = suggest_for(word);
	struct diag *diag;

	if (n->l->vague || n->strange)
		return; /* it may stand in a branch that cannot be decided */
	diag = diag_error(n->l->diags, span, "there is no build '%.*s'", STR_ARG(word));
	for (uint32_t i = 0; i < n->project->build_count && n->l->diags->error_count <= DIAG_LIMIT; i++)
		suggest_offer(&suggest, n->project->builds[i].name);
	for (uint32_t i = 1; i < n->l->space_count; i++)
		suggest_offer(&suggest, n->l->spaces[i]->name);
	n->strange = !suggest_hint(&suggest, diag);
	if (n->strange)
		hint_builds(n->project, diag, "; commands stand on lines of their own, below the header");
}

static void
add_need(struct needs *n, const struct space *space, struct str word, struct span span)
{
	uint32_t need;

	if (!resolve(n, space, word, &need)) {
		report_unknown(n, span, word);
		return;
	}
	if (n->count == n->room) {
		uint32_t room = n->room * 2 + 16;
		n->found = arena_grow(&n->l->scratch, n->found, n->room * sizeof *n->found, room * sizeof *n->found);
		n->room = room;
	}
	n->found[n->count++] = need;
	if (need >= n->project->build_count)
		n->instances = n->wanted[need - n->project->build_count] = true;
}

/* The words of a header: where nothing is interpolated each with its own place. */
static void
add_needs(struct needs *n, const struct placed *placed)
{
	struct span span = placed->block->needs, word = SPAN_NONE;
	struct str text = load_span(n->l, span);
	const struct space *space = placed->context->space;
	struct value_cursor cursor;
	struct part part;

	if (!text.n)
		return;
	n->strange = false;
	if (memchr(text.s, '$', text.n) || memchr(text.s, '"', text.n) || memchr(text.s, '\'', text.n)) {
		struct value value = eval_span(n->l, span, space, VALUE_WORDS);
		if (value.secret) {
			struct diag *diag =
				diag_error(n->l->diags, span, "a secret cannot stand among the prerequisites: they are shown");
			diag_hint(diag, "write the builds' names, or a variable that is not secret");
			return;
		}
		for (size_t i = 0; i < value.words.n; i++)
			add_need(n, space, value.words.w[i], span);
		return;
	}
	cursor = value_open(n->l->sources, span, VALUE_WORDS);
	do {
		value_next(&cursor, &part);
		if (part.kind == PART_TEXT) {
			if (!word.length)
				word = part.span;
			word.length = part.span.offset + part.span.length - word.offset;
		} else if (word.length) {
			add_need(n, space, load_span(n->l, word), word);
			word.length = 0;
		}
	} while (part.kind != PART_END);
}

/* Marks what a build needs, an instance's last steps for the instance. */
static void
mark_needed(const struct needs *n, const struct build *build, bool *needed)
{
	uint32_t count = n->project->build_count;

	for (uint32_t i = 0; i < build->need_count; i++) {
		if (build->needs[i] < count) {
			needed[build->needs[i]] = true;
			continue;
		}
		const struct lasts *lasts = &n->lasts[build->needs[i] - count];
		for (uint32_t j = 0; j < lasts->count; j++)
			needed[lasts->builds[j]] = true;
	}
}

/* The builds of an instance that no other build of it needs. Those of the instances in it are known. */
static void
find_lasts(const struct needs *n, const struct space *instance)
{
	uint32_t count = n->project->build_count, most = 0;
	struct lasts *lasts = &n->lasts[instance->index];
	bool *needed = n->needed;

	memset(needed, 0, count * sizeof *needed);
	for (uint32_t i = 0; i < count; i++) {
		if (!is_inside(space_of(n, i), instance))
			continue;
		most++;
		mark_needed(n, &n->project->builds[i], needed);
	}
	lasts->builds = arena_array(&n->l->scratch, uint32_t, most);
	for (uint32_t i = 0; i < count; i++)
		if (!needed[i] && is_inside(space_of(n, i), instance))
			lasts->builds[lasts->count++] = i;
}

/* Puts the last steps in the place of each instance. */
static void
replace_instances(const struct needs *n, struct build *build)
{
	uint32_t count = n->project->build_count, most = 0;
	uint32_t *needs;

	for (uint32_t i = 0; i < build->need_count; i++)
		most += build->needs[i] < count ? 1 : n->lasts[build->needs[i] - count].count;
	needs = arena_array(n->l->arena, uint32_t, most);
	most = 0;
	for (uint32_t i = 0; i < build->need_count; i++) {
		const struct lasts *lasts = build->needs[i] < count ? NULL : &n->lasts[build->needs[i] - count];
		if (!lasts)
			needs[most++] = build->needs[i];
		for (uint32_t j = 0; lasts && j < lasts->count; j++)
			needs[most++] = lasts->builds[j];
	}
	build->needs = needs;
	build->need_count = most;
}

/* Leaves each prerequisite in once; `seen` has for each build the last one, from 1, that was seen to need it. */
static void
drop_doubles(struct build *build, uint32_t number, uint32_t *seen)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < build->need_count; i++) {
		uint32_t need = build->needs[i];
		if (seen[need] != number)
			build->needs[kept++] = need;
		seen[need] = number;
	}
	build->need_count = kept;
}

/* Most places of a cycle that an error names. */
#define CYCLE_NOTES 10

/* One build on the way through what it needs. */
struct step {
	uint32_t build;
	uint32_t next; /* of its needs */
};

static void
report_cycle(const struct needs *n, const struct step *path, uint32_t depth, uint32_t build)
{
	const struct build *builds = n->project->builds;
	uint32_t from = depth;
	struct diag *diag;

	while (path[from - 1].build != build)
		from--;
	diag = diag_error(n->l->diags, builds[build].span, "build '%.*s' needs itself", STR_ARG(builds[build].name));
	for (uint32_t i = from; i < depth && i - from < CYCLE_NOTES; i++)
		diag_note(diag, builds[path[i].build].span, "'%.*s' needs '%.*s', which starts here",
			STR_ARG(builds[path[i - 1].build].name), STR_ARG(builds[path[i].build].name));
	if (depth - from > CYCLE_NOTES)
		diag_note(diag, SPAN_NONE, "and so on over %u more", (unsigned)(depth - from - CYCLE_NOTES));
	diag_note(diag, builds[build].span, "'%.*s' needs '%.*s'", STR_ARG(builds[path[depth - 1].build].name),
		STR_ARG(builds[build].name));
}

/* Files every cycle, without recursion: a chain may be as long as the file. */
static void
find_cycles(const struct needs *n)
{
	uint32_t count = n->project->build_count, depth = 0;
	enum {
		FRESH,
		ACTIVE,
		DONE
	};
	uint8_t *states = arena_array(&n->l->scratch, uint8_t, count);
	struct step *path = arena_array(&n->l->scratch, struct step, count);

	for (uint32_t first = 0; first < count; first++) {
		if (states[first] != FRESH)
			continue;
		states[first] = ACTIVE;
		path[depth++] = (struct step){first, 0};
		while (depth) {
			struct step *step = &path[depth - 1];
			const struct build *build = &n->project->builds[step->build];
			if (step->next == build->need_count) {
				states[step->build] = DONE;
				depth--;
				continue;
			}
			uint32_t need = build->needs[step->next++];
			if (states[need] == ACTIVE) {
				report_cycle(n, path, depth, need);
			} else if (states[need] == FRESH) {
				states[need] = ACTIVE;
				path[depth++] = (struct step){need, 0};
			}
		}
	}
}

/* The prerequisites as written, instances among them. */
static void
find_needs(struct needs *n, uint32_t index)
{
	struct build *build = &n->project->builds[index];

	n->count = 0;
	for (const struct part_of *part = &n->list[index].first; part; part = part->next)
		add_needs(n, part->placed);
	build->need_count = n->count;
	if (!n->count)
		return;
	build->needs = arena_array(n->l->arena, uint32_t, n->count);
	memcpy(build->needs, n->found, n->count * sizeof *n->found);
}

void
need_all(struct loader *l, const struct merged *list, struct project *project)
{
	struct needs n = {.l = l, .project = project, .list = list};
	uint32_t *seen = arena_array(&l->scratch, uint32_t, project->build_count);

	n.lasts = arena_array(&l->scratch, struct lasts, l->space_count);
	n.wanted = arena_array(&l->scratch, bool, l->space_count);
	n.needed = arena_array(&l->scratch, bool, project->build_count);
	for (uint32_t i = 0; i < project->build_count; i++)
		find_needs(&n, i);
	for (uint32_t i = l->space_count; n.instances && i-- > 1;)
		if (n.wanted[i])
			find_lasts(&n, l->spaces[i]);
	for (uint32_t i = 0; i < project->build_count; i++) {
		if (n.instances)
			replace_instances(&n, &project->builds[i]);
		drop_doubles(&project->builds[i], i + 1, seen);
	}
	find_cycles(&n);
}

/* --- what a name on the command line stands for --- */

/* Selects the builds of an instance that no other build of it needs; false where it has none. */
static bool
select_instance(const struct project *project, struct str name, bool *selected, bool *needed)
{
	bool any = false;

	memset(needed, 0, project->build_count);
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < project->build_count; i++) {
			const struct build *build = &project->builds[i];
			if (build->name.n <= name.n || build->name.s[name.n] != '.' || !str_starts(build->name, name))
				continue;
			any = true;
			for (uint32_t j = 0; pass == 0 && j < build->need_count; j++)
				needed[build->needs[j]] = true;
			if (pass == 1 && !needed[i])
				selected[i] = true;
		}
	}
	return any;
}

/* Adds all that the selected builds need. */
static void
select_needs(const struct project *project, bool *selected, uint32_t *stack)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i < project->build_count; i++)
		if (selected[i])
			stack[depth++] = i;
	while (depth) {
		const struct build *build = &project->builds[stack[--depth]];
		for (uint32_t i = 0; i < build->need_count; i++) {
			if (!selected[build->needs[i]])
				stack[depth++] = build->needs[i];
			selected[build->needs[i]] = true;
		}
	}
}

static void
report_selected(const struct project *project, struct str name, struct diags *diags)
{
	struct diag *diag = diag_error(diags, SPAN_NONE, "there is no build '%.*s'", STR_ARG(name));
	struct suggest suggest = suggest_for(name);

	for (uint32_t i = 0; i < project->build_count; i++)
		suggest_offer(&suggest, project->builds[i].name);
	for (uint32_t i = 1; i < project->scope_count; i++)
		suggest_offer(&suggest, project->scopes[i].name);
	if (!suggest_hint(&suggest, diag))
		hint_builds(project, diag, "");
}

bool
project_select(const struct project *project, struct words names, bool *selected, struct diags *diags)
{
	size_t count = project->build_count;
	struct arena scratch = {0};
	bool *needed = arena_array(&scratch, bool, count);
	uint32_t *stack = arena_array(&scratch, uint32_t, count);
	bool right = true;

	for (size_t i = 0; i < count; i++)
		selected[i] = names.n == 0;
	for (size_t i = 0; i < names.n; i++) {
		const struct build *build = map_get(&project->build_names, names.w[i]);
		if (build) {
			selected[build - project->builds] = true;
		} else if (!select_instance(project, names.w[i], selected, needed)) {
			report_selected(project, names.w[i], diags);
			right = false;
		}
	}
	select_needs(project, selected, stack);
	arena_free(&scratch);
	return right;
}
