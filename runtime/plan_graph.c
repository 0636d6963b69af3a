#include "runtime/plan.h"

/* A quoted DOT string: quotes and backslashes escaped, anything that is not printable a space. */
static void
put_quoted(struct buf *out, struct str text)
{
	buf_add_byte(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.s[i] == '"' || text.s[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, (unsigned char)text.s[i] < ' ' || text.s[i] == 127 ? ' ' : text.s[i]);
	}
	buf_add_byte(out, '"');
}

static void
put_cluster(struct buf *out, const struct plan *plan, enum section section)
{
	bool begun = false;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct action *action = &plan->actions[i];
		if (action_section(action) != section)
			continue;
		if (!begun)
			buf_printf(out, "\tsubgraph \"cluster_%s\" {\n\t\tlabel=\"%s\";\n", section_name(section),
				section_name(section));
		begun = true;
		buf_printf(out, "\t\ta%u [label=", i);
		put_quoted(out, section == SECTION_BUILD ? action->title : action->name);
		buf_add_c(out, "];\n");
	}
	if (begun)
		buf_add_c(out, "\t}\n");
}

/* An action that follows the verdict is drawn after the steps that no other needs. */
static void
put_verdict_edges(struct buf *out, const struct plan *plan, const bool *needed)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->actions[i].when == ACTION_NEEDS)
			continue;
		for (uint32_t step = 0; step < plan->count; step++)
			if (plan->actions[step].type->section == SECTION_BUILD && plan->actions[step].when == ACTION_NEEDS &&
				!needed[step])
				buf_printf(out, "\ta%u -> a%u [style=dashed];\n", step, i);
	}
}

struct str
plan_print_dot(struct arena *arena, const struct plan *plan)
{
	struct buf out = buf_new(arena);
	bool *needed = arena_array(arena, bool, plan->count);
	buf_add_c(&out, "digraph ");
	put_quoted(&out, plan_hide(arena, plan, plan->project->name));
	buf_add_c(&out, " {\n\trankdir=LR;\n\tnode [shape=box];\n");
	for (enum section section = SECTION_FLEET; section < SECTION_TEARDOWN; section++)
		put_cluster(&out, plan, section);
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct action *action = &plan->actions[i];
		for (uint32_t n = 0; n < action->need_count; n++) {
			buf_printf(&out, "\ta%u -> a%u;\n", action->needs[n], i);
			needed[action->needs[n]] = true;
		}
	}
	put_verdict_edges(&out, plan, needed);
	buf_add_c(&out, "}\n");
	return buf_str(&out);
}
