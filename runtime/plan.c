#include "runtime/plan.h"
#include "runtime/cloud.h"
#include "runtime/distcc.h"
#include "runtime/event.h"
#include "runtime/provider.h"
#include "runtime/step.h"

#include <string.h>

const char *
section_name(enum section section)
{
	static const char *const names[] = {
#define X(name, text) text,
		SECTIONS(X)
#undef X
	};
	return names[section];
}

enum section
action_section(const struct action *action)
{
	return action->when == ACTION_NEEDS ? action->type->section : SECTION_ARTIFACTS;
}

const char *
action_when_name(enum action_when when)
{
	static const char *const names[] = {
#define WHEN(name, text) text,
		ACTION_WHENS(WHEN)
#undef WHEN
	};
	return names[when];
}

struct str
plan_hide(struct arena *arena, const struct plan *plan, struct str text)
{
	return event_blot(arena, plan->secrets, text);
}

static void
reserve(struct arena *arena, struct plan *plan, uint32_t capacity)
{
	if (capacity <= plan->capacity)
		return;
	plan->actions = arena_grow(arena, plan->actions, plan->capacity * sizeof *plan->actions, capacity * sizeof *plan->actions);
	plan->capacity = capacity;
}

static uint32_t *
copy_needs(struct arena *arena, const uint32_t *needs, uint32_t count)
{
	uint32_t *copy = arena_array(arena, uint32_t, count);
	if (count)
		memcpy(copy, needs, count * sizeof *needs);
	return copy;
}

struct action *
plan_add(struct arena *arena, struct plan *plan, const struct action_type *type, struct str name, const uint32_t *needs,
	uint32_t need_count)
{
	if (plan->count == plan->capacity)
		reserve(arena, plan, plan->capacity ? plan->capacity * 2 : 16);
	struct action *action = &plan->actions[plan->count++];
	*action = (struct action){.type = type, .name = name, .title = name, .index = UINT32_MAX};
	action->needs = copy_needs(arena, needs, need_count);
	action->need_count = need_count;
	return action;
}

/* --- the order of the steps: prerequisites first, and among those that could come next the first in the file --- */

/* Which builds need which, the other way round: those that need `b` are list[first[b]..first[b+1]). */
struct dependents {
	uint32_t *first, *list;
};

static struct dependents
dependents_of(struct arena *arena, const struct project *project, const bool *selected)
{
	uint32_t count = project->build_count;
	uint32_t *first = arena_array(arena, uint32_t, count + 2);
	for (uint32_t b = 0; b < count; b++)
		for (uint32_t n = 0; selected[b] && n < project->builds[b].need_count; n++)
			first[project->builds[b].needs[n] + 2]++;
	for (uint32_t b = 1; b < count + 2; b++)
		first[b] += first[b - 1];
	uint32_t *list = arena_array(arena, uint32_t, first[count + 1]);
	/* Filling moves each start in first[b+1] to its end, which is where the next one's start belongs. */
	for (uint32_t b = 0; b < count; b++)
		for (uint32_t n = 0; selected[b] && n < project->builds[b].need_count; n++)
			list[first[project->builds[b].needs[n] + 1]++] = b;
	return (struct dependents){first, list};
}

/* The builds that could come next: a heap with the first in the file on top. */
struct ready {
	uint32_t *heap;
	uint32_t count;
};

static void
ready_push(struct ready *ready, uint32_t build)
{
	uint32_t at = ready->count++;
	for (; at && build < ready->heap[(at - 1) / 2]; at = (at - 1) / 2)
		ready->heap[at] = ready->heap[(at - 1) / 2];
	ready->heap[at] = build;
}

static uint32_t
ready_pop(struct ready *ready)
{
	uint32_t top = ready->heap[0], last = ready->heap[--ready->count];
	uint32_t at = 0;
	for (uint32_t child; (child = 2 * at + 1) < ready->count; at = child) {
		if (child + 1 < ready->count && ready->heap[child + 1] < ready->heap[child])
			child++;
		if (last <= ready->heap[child])
			break;
		ready->heap[at] = ready->heap[child];
	}
	ready->heap[at] = last;
	return top;
}

/* Writes the selected builds in order and returns how many there are. There is no cycle: project_load refuses it. */
static uint32_t
order_builds(struct arena *scratch, const struct project *project, const bool *selected, uint32_t *order)
{
	struct dependents dependents = dependents_of(scratch, project, selected);
	uint32_t *waits_for = arena_array(scratch, uint32_t, project->build_count);
	struct ready ready = {arena_array(scratch, uint32_t, project->build_count), 0};
	for (uint32_t b = 0; b < project->build_count; b++) {
		waits_for[b] = project->builds[b].need_count;
		if (selected[b] && !waits_for[b])
			ready_push(&ready, b);
	}
	uint32_t count = 0;
	while (ready.count) {
		uint32_t b = order[count++] = ready_pop(&ready);
		for (uint32_t i = dependents.first[b]; i < dependents.first[b + 1]; i++)
			if (!--waits_for[dependents.list[i]])
				ready_push(&ready, dependents.list[i]);
	}
	return count;
}

/* --- the actions that the file itself asks for --- */

/* What the making of a plan shares. */
struct making {
	struct arena *arena;
	struct plan *plan;
	uint32_t *ready; /* what the first steps need */
	uint32_t ready_count;
};

static struct str
prefixed(struct arena *arena, struct str prefix, struct str name)
{
	char *text = arena_text(arena, prefix.n + name.n);
	memcpy(text, prefix.s, prefix.n);
	memcpy(text + prefix.n, name.s, name.n);
	return (struct str){text, prefix.n + name.n};
}

/* The recipe's first line that is not a comment. */
static struct str
first_line(struct str recipe)
{
	struct str line;
	while (str_split(&recipe, '\n', &line)) {
		line = str_trim(line);
		if (line.n && *line.s != '#')
			return line;
	}
	return STR("");
}

static void
add_step(struct making *making, uint32_t index, uint32_t *action_of, uint32_t *needs)
{
	struct plan *plan = making->plan;
	const struct build *build = &plan->project->builds[index];
	for (uint32_t n = 0; n < build->need_count; n++)
		needs[n] = action_of[build->needs[n]];
	bool first = build->need_count == 0;
	action_of[index] = plan->count;
	struct action *action = plan_add(making->arena, plan, &action_step, prefixed(making->arena, STR("step "), build->name),
		first ? making->ready : needs, first ? making->ready_count : build->need_count);
	action->title = build->name;
	action->detail =
		plan_hide(making->arena, making->plan, build->set.script.n ? build->set.script : first_line(build->recipe));
	action->index = index;
	action->span = build->span;
	action->why = plan->options.builds.n ? STR("was asked for") : STR("no other step needs it, so it is built");
	plan->step_count++;
}

static void
add_steps(struct making *making)
{
	const struct project *project = making->plan->project;
	struct arena scratch = {NULL};
	uint32_t *order = arena_array(&scratch, uint32_t, project->build_count);
	uint32_t *action_of = arena_array(&scratch, uint32_t, project->build_count);
	uint32_t *needs = arena_array(&scratch, uint32_t, project->build_count);
	uint32_t count = order_builds(&scratch, project, making->plan->selected, order);
	reserve(making->arena, making->plan, making->plan->count + count + project->artifact_count + project->on_count);
	for (uint32_t i = 0; i < count; i++)
		add_step(making, order[i], action_of, needs);
	arena_free(&scratch);
}

static void
add_artifacts(struct making *making)
{
	static const enum action_when whens[] = {
		[WHEN_SUCCESS] = ACTION_SUCCESS, [WHEN_FAILED] = ACTION_FAILED, [WHEN_ALWAYS] = ACTION_ALWAYS};
	struct arena *arena = making->arena;
	struct plan *plan = making->plan;
	for (uint32_t i = 0; i < plan->project->artifact_count; i++) {
		const struct artifact_line *line = &plan->project->artifacts[i];
		struct action *action = plan_add(arena, plan, &action_artifact, str_printf(arena, "artifact %u", i + 1), NULL, 0);
		action->title = plan_hide(arena, plan, words_join(arena, line->patterns, STR(" ")));
		action->detail = plan_hide(arena, plan, prefixed(arena, STR("-> "), line->destination));
		action->when = whens[line->when];
		action->index = i;
		action->span = line->span;
		action->why = STR("the file says 'artifacts'");
		plan->artifact_count++;
	}
}

/* "on build_failed", and for a second block of the kind "on build_failed 2". */
static struct str
follow_name(struct arena *arena, const struct project *project, uint32_t index)
{
	bool success = project->ons[index].success;
	unsigned number = 1;
	for (uint32_t i = 0; i < index; i++)
		number += project->ons[i].success == success;
	struct str name = success ? STR("on build_success") : STR("on build_failed");
	return number == 1 ? name : str_printf(arena, "%.*s %u", STR_ARG(name), number);
}

static void
add_follows(struct making *making)
{
	struct arena *arena = making->arena;
	struct plan *plan = making->plan;
	for (uint32_t i = 0; i < plan->project->on_count; i++) {
		const struct on_block *on = &plan->project->ons[i];
		struct action *action = plan_add(arena, plan, &action_follow, follow_name(arena, plan->project, i), NULL, 0);
		if (on->set.notify.n)
			action->detail = prefixed(arena, STR("notify "), words_join(arena, on->set.notify, STR(" ")));
		else
			action->detail = first_line(on->recipe);
		action->detail = plan_hide(arena, plan, action->detail);
		action->when = on->success ? ACTION_SUCCESS : ACTION_FAILED;
		action->index = i;
		action->span = on->span;
		action->why = STR("the file says 'on'");
	}
}

/* How many compiles at once: here, and in all. */
static void
set_jobs(struct plan *plan)
{
	const struct world *world = plan->world;
	plan->local_slots = capacity_local_slots(plan->project, world);
	plan->cpp_slots = capacity_cpp_slots(plan->project, world);
	if (world->host_count)
		plan->jobs = capacity_jobs(plan->project, world, plan->local_slots, plan->options.jobs);
	else
		plan->jobs = plan->options.jobs ? plan->options.jobs : world->cpus;
}

struct plan *
plan_make(struct arena *arena, const struct project *project, const struct world *world, const struct plan_options *options,
	struct diags *diags)
{
	struct plan *plan = arena_new(arena, struct plan);
	*plan = (struct plan){.project = project, .world = world, .sources = diags->sources, .options = *options};
	plan->selected = arena_array(arena, bool, project->build_count);
	if (!project_select(project, options->builds, plan->selected, diags))
		return NULL;
	if (!project->build_count)
		diag_hint(diag_warning(diags, SPAN_NONE, "nothing is built: the file has no step"),
			"a step is 'build NAME:' and, below it, what bash is to run");
	plan->secrets = project_secrets(arena, project);
	set_jobs(plan);
	struct making making = {.arena = arena, .plan = plan};
	world->provider->plan(arena, plan, &making.ready, &making.ready_count);
	cloud_plan(arena, plan, &making.ready, &making.ready_count);
	add_steps(&making);
	add_artifacts(&making);
	add_follows(&making);
	if (world->provider->plan_late)
		world->provider->plan_late(arena, plan);
	return plan;
}
