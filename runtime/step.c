#include "runtime/step.h"
#include "base/arena.h"
#include "runtime/provider.h"
#include "runtime/site.h"

#include <string.h>

bool
step_has_failed(const struct step *step)
{
	return step->judge.verdict != VERDICT_NONE && step->judge.verdict != VERDICT_SUCCESS;
}

bool
step_clock(struct step *step, int64_t elapsed)
{
	const struct build *build = step->build;
	judge_time(&step->judge, elapsed);
	bool over = step->judge.verdict == VERDICT_SUCCESS && build->set.timeout > 0 && elapsed >= build->set.timeout;
	if (over && !step->over)
		event_warning(step->run->events, STR("its verdict stays build_success"), "step '%.*s' was ended at its timeout",
			STR_ARG(build->name));
	step->over |= over;
	return over || step_has_failed(step);
}

void
step_call(struct step *step, bool success, struct str message)
{
	if (judge_command(&step->judge, success, message))
		step->judge.reason = str_dup(step->arena, message);
}

void
step_end(struct step *step, int status, bool (*exists)(void *context, struct str path), void *context)
{
	output_end(&step->output);
	if (!step->cancelled) {
		judge_time(&step->judge, step->took);
		judge_end(&step->judge, status, exists, context);
	}
	step->judge.status = status;
}

static void
fill_record(struct json_writer *writer, void *context)
{
	const struct step *step = context;
	json_put_text(writer, "verdict", str_from(verdict_name(step->judge.verdict)));
	json_put_text(writer, "reason", event_blot(step->arena, step->run->secrets, step->judge.reason));
	json_put_integer(writer, "status", step->judge.status);
	json_put_integer(writer, "took", step->took);
}

/* Says and journals what came of it. */
static bool
conclude(struct step *step, struct failure *failure)
{
	const struct judge *judge = &step->judge;
	struct str error = {0}, name = step->build->name;
	if (step->cancelled) {
		bool failed = run_has_failed(step->run);
		failure_set(failure, EXIT_STATUS_INTERRUPTED, failed ? "ended: the build has failed" : "interrupted");
		return false;
	}
	event_emit(step->run->events, (struct event){.kind = EVENT_VERDICT,
					      .name = name,
					      .text = str_from(verdict_name(judge->verdict)),
					      .hint = judge->reason});
	if (!journal_write(step->run->journal, RECORD_STEP, name, false, fill_record, step, &error)) {
		run_journal_failure(step->run, error, failure);
		return false;
	}
	if (judge->verdict == VERDICT_SUCCESS)
		return true;
	failure_set(failure, judge->verdict == VERDICT_FAILED ? EXIT_STATUS_BUILD_FAILED : EXIT_STATUS_NO_VERDICT, "%.*s",
		STR_ARG(judge->reason));
	if (!judge->reason.n)
		failure_set(failure, EXIT_STATUS_BUILD_FAILED, "the recipe called build_failed");
	if (judge->verdict == VERDICT_MISSING)
		failure_hint(failure,
			"it names a verdict and ended (exit status %d) without reaching it: call build_success, or add a rule such "
			"as "
			"'build_success when exit == 0'",
			judge->status);
	else if (judge->verdict == VERDICT_TIMEOUT)
		failure_hint(failure, "its 'timeout' is %lld s", (long long)step->build->set.timeout / 1000);
	else
		failure_hint(failure, "all that it printed: edcc logs %.*s", STR_ARG(name));
	return false;
}

bool
step_run(struct run *run, const struct build *build, struct failure *failure)
{
	struct step step = {.run = run, .build = build, .arena = failure->arena};
	judge_start(&step.judge, step.arena, build);
	output_start(&step.output, run, build->name, &step.judge);
	run_record(run, RECORD_BEGUN, build->name, NULL, NULL);
	return run->provider->site->recipe(&step, failure) && conclude(&step, failure);
}

static bool
run_step(struct run *run, const struct action *action, struct failure *failure)
{
	return step_run(run, &run->project->builds[action->index], failure);
}

const struct action_type action_step = {.name = "step", .section = SECTION_BUILD, .run = run_step};
