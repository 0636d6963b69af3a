#include "base/json.h"
#include "runtime/plan.h"
#include "runtime/provider.h"
#include "runtime/step.h"

/* Where the file asks for it; null for what the file does not name. */
static void
write_place(struct json_writer *json, const struct plan *plan, struct span span)
{
	struct source_place place = source_place(plan->sources, span);
	if (!place.line) {
		json_put_null(json, "place");
		return;
	}
	json_open_object(json, "place");
	json_put_text(json, "file", place.name);
	json_put_integer(json, "line", place.line);
	json_close(json);
}

/* What only steps have. */
static void
write_step(struct json_writer *json, struct arena *arena, const struct plan *plan, const struct build *build)
{
	json_put_text(json, "dir", plan_hide(arena, plan, build->set.dir));
	json_put_integer(json, "timeout", build->set.timeout);
	json_open_array(json, "rules");
	for (uint32_t r = 0; r < build->rule_count; r++) {
		const struct verdict_rule *rule = &build->rules[r];
		json_open_object(json, NULL);
		json_put_text(json, "verdict", rule->success ? STR("build_success") : STR("build_failed"));
		json_put_text(json, "when", plan_hide(arena, plan, rule->text));
		json_close(json);
	}
	json_close(json);
	json_put_text(json, "recipe", plan_hide(arena, plan, build->recipe));
}

static void
write_action(struct json_writer *json, struct arena *arena, const struct plan *plan, const struct action *action)
{
	json_open_object(json, NULL);
	json_put_text(json, "name", action->name);
	json_put_text(json, "type", str_from(action->type->name));
	json_put_text(json, "section", str_from(section_name(action_section(action))));
	json_put_text(json, "title", action->title);
	json_put_text(json, "detail", action->detail);
	json_open_array(json, "needs");
	for (uint32_t n = 0; n < action->need_count; n++)
		json_put_text(json, NULL, plan->actions[action->needs[n]].name);
	json_close(json);
	json_put_text(json, "when", str_from(action_when_name(action->when)));
	if (action->type->undo_text)
		json_put_text(json, "undo", str_from(action->type->undo_text));
	else
		json_put_null(json, "undo");
	write_place(json, plan, action->span);
	if (action->type == &action_step)
		write_step(json, arena, plan, &plan->project->builds[action->index]);
	json_close(json);
}

static void
write_fleet(struct json_writer *json, const struct world *world)
{
	json_open_array(json, "hosts");
	for (uint32_t h = 0; h < world->host_count; h++) {
		json_open_object(json, NULL);
		json_put_text(json, "name", world->hosts[h].name);
		json_put_integer(json, "slots", world->hosts[h].slots);
		json_close(json);
	}
	json_close(json);
	if (!world->toolchain.kind.n) {
		json_put_null(json, "toolchain");
		return;
	}
	json_open_object(json, "toolchain");
	json_put_text(json, "kind", world->toolchain.kind);
	json_put_text(json, "version", world->toolchain.version);
	json_put_text(json, "target", world->toolchain.target);
	json_put_text(json, "cc", world->toolchain.cc);
	json_put_text(json, "cxx", world->toolchain.cxx);
	json_close(json);
}

/* What runs at once where the build runs, and what people would have gone by. */
static void
write_local(struct json_writer *json, const struct plan *plan)
{
	const struct rule_of_thumb thumb = capacity_thumb(plan->world);
	if (plan->world->host_count) {
		json_put_integer(json, "local_slots", plan->local_slots);
		json_put_integer(json, "cpp_slots", plan->cpp_slots);
	} else {
		json_put_null(json, "local_slots");
		json_put_null(json, "cpp_slots");
	}
	if (!thumb.jobs) {
		json_put_null(json, "rule_of_thumb");
		return;
	}
	json_open_object(json, "rule_of_thumb");
	json_put_integer(json, "jobs", thumb.jobs);
	json_put_integer(json, "load", thumb.load);
	json_close(json);
}

static void
put_notes(struct json_writer *json, struct arena *arena, const struct plan *plan)
{
	json_open_array(json, "notes");
	for (size_t i = 0; i < plan->world->notes.n; i++)
		json_put_text(json, NULL, plan_hide(arena, plan, plan->world->notes.w[i]));
	json_close(json);
}

void
plan_write_json(struct json_writer *json, struct arena *arena, const struct plan *plan)
{
	json_put_integer(json, "format", PLAN_FORMAT);
	json_put_text(json, "edcc", STR(EDCC_VERSION));
	json_put_text(json, "project", plan_hide(arena, plan, plan->project->name));
	json_put_text(json, "provider", str_from(plan->world->provider->name));
	json_put_integer(json, "jobs", plan->jobs);
	write_local(json, plan);
	write_fleet(json, plan->world);
	json_put_truth(json, "costs", plan->world->costs);
	if (plan->world->costs && plan->world->price >= 0)
		json_put_integer(json, "price", plan->world->price);
	else
		json_put_null(json, "price");
	put_notes(json, arena, plan);
	json_open_array(json, "actions");
	for (uint32_t i = 0; i < plan->count; i++)
		write_action(json, arena, plan, &plan->actions[i]);
	json_close(json);
	json_open_object(json, "totals");
	json_put_integer(json, "hosts", plan->world->host_count);
	json_put_integer(json, "steps", plan->step_count);
	json_put_integer(json, "artifacts", plan->artifact_count);
	json_close(json);
}

struct str
plan_print_json(struct arena *arena, const struct plan *plan)
{
	struct json_writer *json = json_writer_new(arena, false);
	json_open_object(json, NULL);
	plan_write_json(json, arena, plan);
	json_close(json);
	struct buf line = buf_new(arena);
	buf_add(&line, json_writer_text(json));
	buf_add_byte(&line, '\n');
	return buf_str(&line);
}
