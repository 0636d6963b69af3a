#include "runtime/execute.h"
#include "base/arena.h"
#include "runtime/cloud.h"
#include "runtime/distcc.h"
#include "runtime/kept.h"
#include "runtime/provider.h"
#include "runtime/recipe.h"
#include "runtime/schedule.h"
#include "runtime/site.h"
#include "runtime/step.h"
#include "runtime/teardown.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How many ended runs keep their journal and logs. */
#define EXECUTE_KEEP_RUNS 10

/* On the heap: where the run is let go, its threads still use it. */
struct execution {
	struct run run;
	const struct execute_options *options;
	struct schedule *schedule;
	struct lock lock;
	int64_t started;
	enum exit_status status;
	struct str reason; /* of a status that is not success */
	bool let_go; /* threads still use all this */
};

/* The first reason stays. */
static void
fail_run(struct execution *execution, enum exit_status status, struct str reason)
{
	if (execution->status != EXIT_STATUS_SUCCESS)
		return;
	execution->status = status;
	execution->reason = reason;
}

static enum exit_status
end(struct execution *execution, struct str text)
{
	events_settle(execution->run.events);
	event_emit(execution->run.events, (struct event){
						  .kind = EVENT_END,
						  .name = execution->run.id,
						  .number = (int64_t)execution->status,
						  .text = text,
						  .took = os_now_ms() - execution->started,
					  });
	return execution->status;
}

/* Ends before anything was created. */
static enum exit_status
refuse(struct execution *execution, enum exit_status status, struct str text, struct str hint)
{
	event_emit(execution->run.events, (struct event){.kind = EVENT_FAILED, .text = text, .hint = hint});
	fail_run(execution, status, text);
	return end(execution, STR("nothing was built"));
}

static int
longest_first(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	return (x->n < y->n) - (x->n > y->n);
}

/* The lines of a secret that has several count each by itself, as output goes by lines. Longer ones first: one that is part of another must not hide it by halves. */
static struct words
hidden_texts(struct arena *arena, const struct project *project)
{
	struct words secrets = project_secrets(arena, project), all = {0};
	size_t lines = 0;
	for (size_t i = 0; i < secrets.n; i++)
		for (size_t k = 0; k < secrets.w[i].n; k++)
			lines += secrets.w[i].s[k] == '\n';
	all.w = arena_array(arena, struct str, secrets.n + 2 * lines);
	for (size_t i = 0; i < secrets.n; i++) {
		struct str rest = secrets.w[i], line;
		all.w[all.n++] = rest;
		bool several = str_find(rest, '\n') < rest.n;
		while (several && str_split(&rest, '\n', &line))
			if (line.n >= 4 && all.n < secrets.n + 2 * lines)
				all.w[all.n++] = line;
	}
	if (all.n)
		qsort(all.w, all.n, sizeof *all.w, longest_first);
	return all;
}

static void
fill_run(struct json_writer *writer, void *context)
{
	const struct run *run = context;
	struct os_owner owner;
	char started[25];
	os_owner_self(&owner);
	os_timestamp(os_time_ms(), started);
	json_put_integer(writer, "format", JOURNAL_FORMAT);
	json_put_text(writer, "project", run->project->name);
	json_put_text(writer, "provider", str_from(run->provider->name));
	json_put_text(writer, "dir", run->project->dir);
	json_put_text(writer, "started", str_from(started));
	json_open_object(writer, "owner");
	json_put_text(writer, "host", str_from(owner.host));
	json_put_integer(writer, "pid", owner.pid);
	json_put_integer(writer, "start", (int64_t)owner.start);
	json_close(writer);
}

static void
add_hosts(struct run *run)
{
	const struct world *world = run->plan->world;
	run->host_count = world->host_count;
	run->hosts = arena_array(&run->arena, struct host, world->host_count);
	for (uint32_t i = 0; i < world->host_count; i++)
		run->hosts[i] = (struct host){.name = world->hosts[i].name, .slots = world->hosts[i].slots};
}

static bool
open_run(struct execution *execution, const char *state, struct failure *failure)
{
	struct run *run = &execution->run;
	struct str error = {0};
	run->cancel.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!run_open(run, state, (struct str){0}, failure))
		return false;
	run->environment = execution->options->environment;
	run->cloud = cloud_link_new(run, execution->options->cloud);
	run->secrets = hidden_texts(&run->arena, run->project);
	events_hide(run->events, run->secrets);
	add_hosts(run);
	if (!journal_write(run->journal, RECORD_RUN, run->id, false, fill_run, run, &error)) {
		run_journal_failure(run, error, failure);
		return false;
	}
	run->recipes = recipes_new(run, failure);
	bool guarded = execution->options->guarded && run->provider->site == &site_local;
	return run->recipes && (!guarded || guard_start(run, failure));
}

static bool
due_now(void *context, const struct action *action)
{
	(void)context;
	return action->when == ACTION_NEEDS;
}

static bool
follows(const struct run *run, const struct action *action)
{
	if (action->when == ACTION_NEEDS)
		return false;
	return action->when == ACTION_ALWAYS || action->when == (run->succeeded ? ACTION_SUCCESS : ACTION_FAILED);
}

static bool
due_artifact(void *context, const struct action *action)
{
	return !action->type->late && follows(context, action);
}

static bool
due_late(void *context, const struct action *action)
{
	return action->type->late && follows(context, action);
}

/* Takes over what the schedule says went wrong; true where something newly did. */
static bool
heed_failure(struct execution *execution)
{
	const struct action *action;
	const struct failure *failure = schedule_failure(execution->schedule, &action);
	if (!failure || execution->status != EXIT_STATUS_SUCCESS)
		return false;
	struct str reason = str_printf(&execution->run.arena, "%.*s: %.*s", STR_ARG(action->name), STR_ARG(failure->message));
	fail_run(execution, failure->status, reason);
	return true;
}

static void
fill_verdict(struct json_writer *writer, void *context)
{
	const struct execution *execution = context;
	struct arena arena = {0};
	json_put_text(writer, "reason", event_blot(&arena, execution->run.secrets, execution->reason));
	arena_free(&arena);
}

static void
pronounce(struct execution *execution)
{
	struct run *run = &execution->run;
	struct str verdict = run->succeeded ? STR("build_success") : STR("build_failed");
	event_emit(run->events, (struct event){.kind = EVENT_VERDICT, .text = verdict, .hint = execution->reason});
	run_record(run, RECORD_VERDICT, verdict, fill_verdict, execution);
}

static bool
any_step_ran(const struct execution *execution)
{
	const struct plan *plan = execution->run.plan;
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->actions[i].type == &action_step && (schedule_state(execution->schedule, i) == ACTION_DONE ||
								     schedule_state(execution->schedule, i) == ACTION_BROKEN))
			return true;
	return false;
}

/* The fleet, the set-up and the steps, and what they compiled where. */
static enum wait_end
run_build(struct execution *execution)
{
	struct run *run = &execution->run;
	const struct site *site = run->provider->site;
	void *watch = run->host_count ? site->watch(run) : NULL;
	if (schedule_run(execution->schedule, due_now, NULL) == WAIT_LET_GO)
		return WAIT_LET_GO;
	if (watch)
		site->unwatch(watch);
	if (schedule_cancelled(execution->schedule))
		fail_run(execution, EXIT_STATUS_INTERRUPTED, STR("interrupted"));
	else if (schedule_timed_out(execution->schedule))
		fail_run(execution, EXIT_STATUS_NO_VERDICT,
			STR("timed out: the run took longer than 'limits: time', 'limits: cost' or their flags allow"));
	else if (run->failed.message.n)
		fail_run(execution, run->failed.status, run->failed.message);
	heed_failure(execution);
	schedule_lift_limit(execution->schedule);
	if (!run->host_count || execution->status == EXIT_STATUS_INTERRUPTED || !any_step_ran(execution))
		return WAIT_FINISHED;
	site->collect(run);
	struct failure over = {.arena = &run->arena};
	uint64_t here = distcc_report(run, execution->status == EXIT_STATUS_SUCCESS, &over);
	if (over.message.n && execution->status == EXIT_STATUS_SUCCESS) {
		event_emit(run->events, (struct event){.kind = EVENT_FAILED, .text = over.message, .hint = over.hint});
		fail_run(execution, over.status, over.message);
	}
	if (here && execution->options->require_distributed)
		fail_run(execution, EXIT_STATUS_BUILD_FAILED,
			str_printf(&run->arena, "--require-distributed: %llu compile%s ran on this machine",
				(unsigned long long)here, here == 1 ? "" : "s"));
	return WAIT_FINISHED;
}

/* Artifacts, the verdict, and what follows it. */
static enum wait_end
run_followers(struct execution *execution)
{
	struct run *run = &execution->run;
	run->succeeded = execution->status == EXIT_STATUS_SUCCESS;
	if (schedule_run(execution->schedule, due_artifact, run) == WAIT_LET_GO)
		return WAIT_LET_GO;
	/* A success that cannot be stored is none: what is due on failure is due now. */
	if (heed_failure(execution)) {
		run->succeeded = false;
		if (schedule_run(execution->schedule, due_artifact, run) == WAIT_LET_GO)
			return WAIT_LET_GO;
	}
	if (schedule_cancelled(execution->schedule)) {
		run->succeeded = false;
		fail_run(execution, EXIT_STATUS_INTERRUPTED, STR("interrupted"));
		return WAIT_FINISHED;
	}
	pronounce(execution);
	if (schedule_run(execution->schedule, due_late, run) == WAIT_LET_GO)
		return WAIT_LET_GO;
	heed_failure(execution);
	if (schedule_cancelled(execution->schedule))
		fail_run(execution, EXIT_STATUS_INTERRUPTED, STR("interrupted"));
	return WAIT_FINISHED;
}

/* The types of the plan's actions, each once, NULL-ended. */
static const struct action_type **
plan_types(struct arena *arena, const struct plan *plan)
{
	size_t n = 0, capacity = 8;
	const struct action_type **types = arena_array(arena, const struct action_type *, capacity);
	for (uint32_t i = 0; i < plan->count; i++) {
		size_t k = 0;
		while (k < n && types[k] != plan->actions[i].type)
			k++;
		if (k < n)
			continue;
		if (n + 1 == capacity) {
			types = arena_grow(arena, types, capacity * sizeof *types, 2 * capacity * sizeof *types);
			capacity *= 2;
		}
		types[n++] = plan->actions[i].type;
	}
	types[n] = NULL;
	return types;
}

static bool
is_to_keep(const struct execution *execution)
{
	const struct execute_options *options = execution->options;
	const struct plan_options *planned = &execution->run.plan->options;
	if (execution->status == EXIT_STATUS_INTERRUPTED || !execution->run.host_count)
		return false;
	bool asked = options->keep || planned->keep ||
		     ((options->keep_on_failure || planned->keep_on_failure) && execution->status != EXIT_STATUS_SUCCESS);
	if (!execution->run.provider->makes_none)
		return asked || execution->run.project->limits.keep > 0;
	if (asked)
		event_note(execution->run.events, "there is no fleet to keep: its machines stay as they are");
	return false;
}

static enum exit_status
let_go(struct execution *execution)
{
	struct run *run = &execution->run;
	execution->let_go = true;
	execution->status = EXIT_STATUS_TEARDOWN;
	event_warning(run->events, STR("edcc destroy finishes the job"), "let go: run %.*s is not torn down", STR_ARG(run->id));
	end(execution, STR("let go, not torn down: edcc destroy finishes the job"));
	events_abandon(run->events);
	return EXIT_STATUS_TEARDOWN;
}

/* One line that sums it up. */
static struct str
summary(struct execution *execution)
{
	switch (execution->status) {
	case EXIT_STATUS_SUCCESS:
		return STR("build_success");
	case EXIT_STATUS_INTERRUPTED:
		return STR("interrupted, and torn down");
	case EXIT_STATUS_TEARDOWN:
		return STR("teardown is incomplete: edcc destroy removes what is left");
	default:
		if (execution->run.succeeded)
			return str_printf(&execution->run.arena, "build_success, but what follows it failed: %.*s",
				STR_ARG(execution->reason));
		return str_printf(&execution->run.arena, "build_failed: %.*s", STR_ARG(execution->reason));
	}
}

/* Whether what is kept stays so; who has interrupted until now wants it gone. */
static bool
stays(struct run *run, bool kept, int64_t until)
{
	if (!kept || events_settle(run->events))
		return false;
	kept_say(run, until);
	return true;
}

static enum teardown_end
tear_down(struct execution *execution)
{
	struct run *run = &execution->run;
	const struct execute_options *options = execution->options;
	int64_t until = 0;
	bool keep = is_to_keep(execution);
	/* Before it is kept: from then on it is to stay, whatever becomes of us. */
	if (keep)
		guard_dismiss(run);
	bool kept = keep && kept_leave(run, &until);
	if (!run->adopted.n && stays(run, kept, until))
		return TEARDOWN_CLEAN;
	close(run->cancel.fd);
	run->cancel = options->let_go;
	enum teardown_end end = teardown_run(run, plan_types(&run->arena, run->plan), execution->status, options->let_go);
	if (end == TEARDOWN_CLEAN && run->adopted.n && !stays(run, kept, until))
		end = teardown_remains(run->state.s, run->adopted, run->events, options);
	return end;
}

/* Everything from the first action on. */
static enum exit_status
run_all(struct execution *execution)
{
	struct run *run = &execution->run;
	if (run_build(execution) == WAIT_LET_GO)
		return let_go(execution);
	if (execution->status != EXIT_STATUS_INTERRUPTED && run_followers(execution) == WAIT_LET_GO)
		return let_go(execution);
	schedule_free(execution->schedule);
	enum teardown_end torn = tear_down(execution);
	if (torn == TEARDOWN_LET_GO)
		return let_go(execution);
	if (torn == TEARDOWN_INCOMPLETE)
		execution->status = EXIT_STATUS_TEARDOWN;
	journal_prune(&run->arena, run->state.s, EXECUTE_KEEP_RUNS);
	/* Who interrupts the teardown wants nothing to follow it; who does so later comes too late: all is done. */
	if (events_settle(run->events))
		fail_run(execution, EXIT_STATUS_INTERRUPTED, STR("interrupted"));
	return end(execution, summary(execution));
}

/* The longest that the run may take, ms: what was asked for, or what the money lasts for. */
static int64_t
time_limit(const struct plan *plan)
{
	int64_t limit = plan->options.timeout > 0 ? plan->options.timeout : plan->project->limits.time;
	int64_t cost = plan->project->limits.cost, price = plan->world->price;
	if (cost <= 0 || price <= 0)
		return limit;
	double lasts = (double)cost / (double)price * 3600000;
	return limit > 0 && (double)limit < lasts ? limit : (int64_t)lasts;
}

/* With the lock held. */
static enum exit_status
run_locked(struct execution *execution, const char *state)
{
	struct run *run = &execution->run;
	const struct execute_options *options = execution->options;
	struct failure failure = {.arena = &run->arena};
	int64_t limit = time_limit(run->plan);
	enum teardown_end remains = teardown_dead_runs(state, run->events, options);
	for (size_t i = 0; remains == TEARDOWN_CLEAN && i < run->plan->world->unused.n; i++)
		remains = teardown_remains(state, run->plan->world->unused.w[i], run->events, options);
	if (remains != TEARDOWN_CLEAN)
		refuse(execution, EXIT_STATUS_TEARDOWN, STR("what an earlier run left could not be removed"),
			STR("edcc destroy removes it"));
	/* The threads of a teardown that was let go still have something to say. */
	if (remains == TEARDOWN_LET_GO)
		events_abandon(run->events);
	if (remains != TEARDOWN_CLEAN)
		return execution->status;
	if (options->require_distributed && !run->plan->world->host_count)
		return refuse(execution, EXIT_STATUS_USAGE, STR("--require-distributed: there is no machine to distribute to"),
			STR("'instances:' or 'provider hosts:' says which there are"));
	if (!open_run(execution, state, &failure))
		return refuse(execution, failure.status, failure.message, failure.hint);
	execution->schedule = schedule_new(run, options->cancel, options->let_go, limit);
	if (!execution->schedule)
		return refuse(execution, EXIT_STATUS_PROVIDER, STR("cannot start a thread"),
			STR("the limit on processes may be reached: ulimit -u"));
	event_emit(run->events,
		(struct event){.kind = EVENT_RUN, .name = run->id, .text = run->project->name, .total = run->plan->step_count});
	return run_all(execution);
}

static enum exit_status
refuse_lock(struct execution *execution, struct str error)
{
	if (execution->lock.held)
		return refuse(execution, EXIT_STATUS_USAGE, error, STR("wait for it, or end it with Ctrl-C"));
	return refuse(execution, EXIT_STATUS_PROVIDER, error,
		STR("edcc keeps its journal there; 'state: path = …' chooses another folder"));
}

enum exit_status
execute_plan(const struct plan *plan, struct events *events, const struct execute_options *options)
{
	struct execution *execution = calloc(1, sizeof *execution);
	struct str error;
	if (!execution)
		os_exhausted();
	struct run *run = &execution->run;
	execution->options = options;
	execution->started = os_now_ms();
	run->plan = plan;
	run->project = plan->project;
	run->provider = plan->world->provider;
	run->events = events;
	const char *state = run_state(&run->arena, plan->project);
	bool locked = run_lock(&run->arena, state, &execution->lock, events, &error);
	enum exit_status status = locked ? run_locked(execution, state) : refuse_lock(execution, error);
	if (execution->let_go)
		return status;
	lock_release(&execution->lock);
	events_hide(events, (struct words){0});
	run_close(run);
	free(execution);
	return status;
}
