#include "base/suggest.h"
#include "runtime/plan.h"
#include "runtime/step.h"

/* The action of that name, or else the first of that title; plan->count where there is none. */
static uint32_t
find(const struct plan *plan, struct str wanted)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (str_eq(plan->actions[i].name, wanted))
			return i;
	for (uint32_t i = 0; i < plan->count; i++)
		if (str_eq(plan->actions[i].title, wanted))
			return i;
	return plan->count;
}

static void
not_found(const struct plan *plan, struct str wanted, struct diags *diags)
{
	const struct build *build = map_get(&plan->project->build_names, wanted);
	if (build) {
		struct diag *diag = diag_error(diags, build->span, "step '%.*s' is not in the plan", STR_ARG(wanted));
		diag_hint(diag, "nothing that was asked for needs it");
		return;
	}
	struct suggest suggest = suggest_for(wanted);
	for (uint32_t i = 0; i < plan->count; i++) {
		suggest_offer(&suggest, plan->actions[i].title);
		suggest_offer(&suggest, plan->actions[i].name);
	}
	struct diag *diag = diag_error(diags, SPAN_NONE, "there is no '%.*s' in the plan", STR_ARG(wanted));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "'edcc plan' shows what is in it");
}

/* The next action on the shortest way from each to one that nothing needs or that was asked for by its name; UINT32_MAX at that end. Needs point backwards, so
 * one pass from the last to the first has seen all that need an action before it comes to it. */
static uint32_t *
ways(struct arena *arena, const struct plan *plan)
{
	uint32_t *next = arena_array(arena, uint32_t, plan->count);
	uint32_t *length = arena_array(arena, uint32_t, plan->count);
	for (uint32_t i = 0; i < plan->count; i++)
		next[i] = length[i] = UINT32_MAX;
	for (uint32_t i = plan->count; i-- > 0;) {
		const struct action *action = &plan->actions[i];
		if (next[i] == UINT32_MAX || (action->type == &action_step && words_has(plan->options.builds, action->title))) {
			next[i] = UINT32_MAX;
			/* What is done beside the build explains nothing that the build needs. */
			length[i] =
				action->type->section == SECTION_FLEET || action->type->section == SECTION_SETUP ? plan->count : 0;
		}
		for (uint32_t n = 0; n < action->need_count; n++) {
			uint32_t need = action->needs[n];
			if (length[i] + 1 <= length[need]) {
				length[need] = length[i] + 1;
				next[need] = i;
			}
		}
	}
	return next;
}

/* One line of the chain: place, name and reason in columns. */
struct link {
	struct str place, name, reason;
};

static struct link
link_of(struct arena *arena, const struct sources *sources, const struct plan *plan, uint32_t index, uint32_t next)
{
	const struct action *action = &plan->actions[index];
	struct source_place place = source_place(sources, action->span);
	struct link link = {.place = STR("-"), .name = action->title, .reason = action->why};
	if (place.line)
		link.place = str_printf(arena, "%.*s:%u", STR_ARG(place.name), place.line);
	if (next != UINT32_MAX)
		link.reason = str_printf(arena, "%.*s needs it", STR_ARG(plan->actions[next].title));
	return link;
}

bool
plan_print_why(struct arena *arena, const struct sources *sources, const struct plan *plan, struct str step, struct diags *diags,
	struct str *text)
{
	uint32_t wanted = find(plan, step);
	if (wanted == plan->count) {
		not_found(plan, step, diags);
		return false;
	}
	uint32_t *next = ways(arena, plan);
	uint32_t *chain = arena_array(arena, uint32_t, plan->count);
	uint32_t count = 0;
	for (uint32_t i = wanted; i != UINT32_MAX; i = next[i])
		chain[count++] = i;
	struct link *links = arena_array(arena, struct link, count);
	size_t place_width = 0, name_width = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = chain[count - 1 - i];
		links[i] = link_of(arena, sources, plan, at, next[at]);
		if (utf8_columns(links[i].place) > place_width)
			place_width = utf8_columns(links[i].place);
		if (utf8_columns(links[i].name) > name_width)
			name_width = utf8_columns(links[i].name);
	}
	struct buf out = buf_new(arena);
	for (uint32_t i = 0; i < count; i++)
		buf_printf(&out, "%.*s%*s  %.*s%*s  %.*s\n", STR_ARG(links[i].place),
			(int)(place_width - utf8_columns(links[i].place)), "", STR_ARG(links[i].name),
			(int)(name_width - utf8_columns(links[i].name)), "", STR_ARG(links[i].reason));
	*text = buf_str(&out);
	return true;
}
