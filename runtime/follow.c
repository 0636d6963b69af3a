#include "runtime/step.h"
#include "runtime/run.h"

/* An `on` block's recipe is a step that no other needs and that only its exit status judges. */
static bool
run_follow(struct run *run, const struct action *action, struct failure *failure)
{
	const struct on_block *on = &run->project->ons[action->index];
	struct build build = {
		.name = action->name,
		.span = on->span,
		.set = {.dir = STR("."), .timeout = on->set.timeout},
		.recipe = on->recipe,
		.scope = on->scope,
	};
	notify_send(run, on);
	return on->recipe.n == 0 || step_run(run, &build, failure);
}

const struct action_type action_follow = {.name = "follow", .section = SECTION_BUILD, .late = true, .run = run_follow};
