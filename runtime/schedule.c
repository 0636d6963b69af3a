#include "runtime/schedule.h"
#include "base/arena.h"
#include "base/pool.h"
#include "runtime/queue.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NONE UINT32_MAX
/* Actions other than steps wait for machines more than they work. */
#define OTHERS_LIMIT 64

/* Why no action starts any more. */
enum stop {
	STOP_NOT,
	STOP_CANCELLED,
	STOP_TIMED_OUT,
	STOP_FAILED, /* run_fail */
};

struct schedule {
	struct run *run;
	const struct plan *plan;
	struct pool *pool;
	pthread_mutex_t mutex; /* for all below */
	uint8_t *states;
	bool *due;
	uint32_t *open_needs;
	uint32_t *blocked_by; /* the failed action that keeps it from running, or NONE */
	uint32_t *dependents, *dependents_from; /* of i: dependents[dependents_from[i]] to before [dependents_from[i + 1]] */
	struct queue steps, others; /* that are ready */
	uint32_t running_steps, running_others, step_limit;
	struct os_cancel cancel, let_go;
	int64_t deadline;
	int wake; /* an eventfd: nothing runs any more */
	enum stop stopping;
	struct failure failure;
	uint32_t failed;
	struct held {
		struct failure failure;
		int64_t took;
	} * held; /* of each action; without a message: nothing is held */
};

static bool
is_step(const struct action *action)
{
	return action->type->section == SECTION_BUILD;
}

/* Artifacts are stored side by side. What the file has wrong is told in its order all the same: when nothing runs any more. */
static bool
is_told_last(const struct action *action)
{
	return action->type->section == SECTION_ARTIFACTS;
}

static void
link_dependents(struct schedule *schedule, struct arena *arena)
{
	const struct plan *plan = schedule->plan;
	uint32_t *from = schedule->dependents_from = arena_array(arena, uint32_t, plan->count + 2);
	/* Counted two places on, summed up, then filled in so that from[i + 1] ends where i's begin to i + 1's. */
	for (uint32_t i = 0; i < plan->count; i++)
		for (uint32_t k = 0; k < plan->actions[i].need_count; k++)
			from[plan->actions[i].needs[k] + 2]++;
	for (uint32_t i = 2; i < plan->count + 2; i++)
		from[i] += from[i - 1];
	schedule->dependents = arena_array(arena, uint32_t, from[plan->count + 1]);
	for (uint32_t i = 0; i < plan->count; i++)
		for (uint32_t k = 0; k < plan->actions[i].need_count; k++)
			schedule->dependents[from[plan->actions[i].needs[k] + 1]++] = i;
}

struct schedule *
schedule_new(struct run *run, struct os_cancel cancel, struct os_cancel let_go, int64_t time_limit)
{
	struct arena *arena = &run->arena;
	struct schedule *schedule = arena_new(arena, struct schedule);
	uint32_t count = run->plan->count;
	int64_t parallel = run->project->limits.parallel;
	uint32_t step_limit = parallel > 0 && parallel < 1024 ? (uint32_t)parallel : parallel > 0 ? 1024 : 1;
	struct pool *pool = pool_new(OTHERS_LIMIT + step_limit);
	if (!pool)
		return NULL;
	*schedule = (struct schedule){.run = run,
		.plan = run->plan,
		.pool = pool,
		.step_limit = step_limit,
		.cancel = cancel,
		.let_go = let_go,
		.failed = NONE};
	schedule->failure.arena = arena;
	schedule->deadline = time_limit > 0 ? os_now_ms() + time_limit : INT64_MAX;
	schedule->states = arena_array(arena, uint8_t, count);
	schedule->due = arena_array(arena, bool, count);
	schedule->open_needs = arena_array(arena, uint32_t, count);
	schedule->blocked_by = arena_array(arena, uint32_t, count);
	memset(schedule->blocked_by, 0xff, count * sizeof *schedule->blocked_by);
	schedule->steps.heap = arena_array(arena, uint32_t, count);
	schedule->others.heap = arena_array(arena, uint32_t, count);
	schedule->held = arena_array(arena, struct held, count);
	link_dependents(schedule, arena);
	schedule->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&schedule->mutex, NULL);
	return schedule;
}

void
schedule_free(struct schedule *schedule)
{
	pool_free(schedule->pool);
	close(schedule->wake);
	pthread_mutex_destroy(&schedule->mutex);
}

/* The least that the group of host `index` may be left with. */
static uint32_t
group_of(const struct project *project, uint32_t count, uint32_t index, uint32_t *from, uint32_t *to)
{
	uint32_t at = 0;
	for (uint32_t i = 0; i < project->group_count; i++) {
		const struct instances_settings *set = &project->groups[i].set;
		*from = at;
		*to = at += (uint32_t)set->count;
		if (index < at && at <= count)
			return set->minimum > 0 ? (uint32_t)set->minimum : 1;
	}
	*from = 0;
	*to = count;
	return 1;
}

/* Takes the host out of the fleet; false where too few would be left. Called with the schedule's mutex held. */
static bool
take_out(struct schedule *schedule, const struct action *action, const struct failure *failure)
{
	struct run *run = schedule->run;
	uint32_t from, to, left = 0;
	if (!action->type->optional || action->index >= run->host_count)
		return false;
	uint32_t minimum = group_of(run->project, run->host_count, action->index, &from, &to);
	run_host_out(run, &run->hosts[action->index], failure->message.n ? failure->message : STR("it cannot be used"));
	pthread_mutex_lock(&run->mutex);
	for (uint32_t i = from; i < to; i++)
		left += !run->hosts[i].out_reason.n;
	pthread_mutex_unlock(&run->mutex);
	return left >= minimum;
}

/* Lets those that waited for the action be ready, and tells them where they cannot run. */
static void
settle(struct schedule *schedule, uint32_t index, enum action_state state)
{
	const struct action *action = &schedule->plan->actions[index];
	uint32_t root = schedule->blocked_by[index] == NONE ? index : schedule->blocked_by[index];
	schedule->states[index] = (uint8_t)state;
	for (uint32_t i = schedule->dependents_from[index]; i < schedule->dependents_from[index + 1]; i++) {
		uint32_t next = schedule->dependents[i];
		const struct action *dependent = &schedule->plan->actions[next];
		if (!schedule->due[next])
			continue;
		bool of_host = dependent->type->optional && dependent->index == action->index;
		if (state == ACTION_BROKEN || state == ACTION_SKIPPED || (state == ACTION_OUT && of_host))
			schedule->blocked_by[next] = root;
		if (--schedule->open_needs[next] == 0) {
			schedule->states[next] = ACTION_READY;
			queue_push(is_step(dependent) ? &schedule->steps : &schedule->others, next);
		}
	}
}

static void
skip(struct schedule *schedule, uint32_t index)
{
	struct arena arena = {0};
	const struct action *action = &schedule->plan->actions[index],
			    *cause = &schedule->plan->actions[schedule->blocked_by[index]];
	event_emit(schedule->run->events, (struct event){
						  .kind = EVENT_SKIPPED,
						  .name = action->name,
						  .text = str_printf(&arena, "it needs '%.*s', which failed", STR_ARG(cause->name)),
						  .section = (int)action->type->section,
					  });
	arena_free(&arena);
	bool out = schedule->states[schedule->blocked_by[index]] == ACTION_OUT;
	settle(schedule, index, out ? ACTION_OUT : ACTION_SKIPPED);
}

/* The next action that may run now; NONE where there is none. */
static uint32_t
pick(struct schedule *schedule)
{
	uint32_t index;
	while (!schedule->stopping) {
		if (schedule->others.count && schedule->running_others < OTHERS_LIMIT)
			index = queue_pop(&schedule->others);
		else if (schedule->steps.count && schedule->running_steps < schedule->step_limit)
			index = queue_pop(&schedule->steps);
		else
			return NONE;
		if (schedule->blocked_by[index] == NONE)
			return index;
		skip(schedule, index);
	}
	return NONE;
}

static void work(void *, void *);

/* Starts all that can run but for one, which is the caller's; NONE where there is none. */
static uint32_t
dispatch(struct schedule *schedule)
{
	uint32_t mine = NONE;
	for (uint32_t index; (index = pick(schedule)) != NONE;) {
		schedule->states[index] = ACTION_RUNNING;
		if (is_step(&schedule->plan->actions[index]))
			schedule->running_steps++;
		else
			schedule->running_others++;
		if (mine != NONE)
			pool_submit(schedule->pool, work, schedule, (void *)(uintptr_t)index);
		else
			mine = index;
	}
	if (mine == NONE && schedule->running_steps + schedule->running_others == 0)
		eventfd_write(schedule->wake, 1);
	return mine;
}

static void
keep_failure(struct schedule *schedule, uint32_t index, const struct failure *failure)
{
	if (schedule->failed != NONE)
		return;
	struct run *run = schedule->run;
	schedule->failed = index;
	pthread_mutex_lock(&run->mutex);
	schedule->failure = failure_copy(&run->arena, failure);
	pthread_mutex_unlock(&run->mutex);
	if (!failure->status)
		schedule->failure.status = EXIT_STATUS_PROVIDER;
}

/* Keeps a failure that is to be told later; false where it is to be told now. */
static bool
hold(struct schedule *schedule, uint32_t index, const struct failure *failure, int64_t took)
{
	struct run *run = schedule->run;
	pthread_mutex_lock(&schedule->mutex);
	bool held = is_told_last(&schedule->plan->actions[index]) && failure->message.n && !schedule->stopping &&
		    !os_cancel_raised(&run->cancel);
	if (held) {
		pthread_mutex_lock(&run->mutex);
		schedule->held[index] = (struct held){failure_copy(&run->arena, failure), took};
		pthread_mutex_unlock(&run->mutex);
	}
	pthread_mutex_unlock(&schedule->mutex);
	return held;
}

/* Tells what is held. Nothing runs. */
static void
tell_held(struct schedule *schedule)
{
	pthread_mutex_lock(&schedule->mutex);
	for (uint32_t i = 0; i < schedule->plan->count; i++) {
		const struct action *action = &schedule->plan->actions[i];
		struct failure *failure = &schedule->held[i].failure;
		if (!failure->message.n)
			continue;
		event_emit(schedule->run->events, (struct event){.kind = EVENT_FAILED,
							  .name = action->name,
							  .text = failure->message,
							  .hint = failure->hint,
							  .took = schedule->held[i].took,
							  .section = (int)action->type->section});
		keep_failure(schedule, i, failure);
		failure->message.n = 0;
	}
	pthread_mutex_unlock(&schedule->mutex);
}

static void
fill_failure(struct json_writer *writer, void *context)
{
	const struct failure *failure = context;
	json_put_text(writer, "message", failure->message);
}

static enum action_state
run_action(struct schedule *schedule, uint32_t index, struct arena *arena)
{
	struct run *run = schedule->run;
	const struct action *action = &schedule->plan->actions[index];
	struct failure failure = {.arena = arena};
	struct str error = {0};
	int64_t started = os_now_ms();
	struct event event = {.kind = EVENT_ACTION, .name = action->name, .section = (int)action->type->section};
	event_emit(run->events, event);
	bool done = action->type->run(run, action, &failure);
	event.took = os_now_ms() - started;
	event.kind = done ? EVENT_DONE : EVENT_FAILED;
	event.text = failure.message;
	event.hint = failure.hint;
	if (!done && action->type->undo) {
		failure.message = event_blot(arena, run->secrets, failure.message);
		journal_write(run->journal, RECORD_FAILED, action->name, false, fill_failure, &failure, &error);
	}
	if (!done && hold(schedule, index, &failure, event.took))
		return ACTION_BROKEN;
	if (!done && os_cancel_raised(&run->cancel))
		event.kind = EVENT_SKIPPED;
	event_emit(run->events, event);
	if (done)
		return ACTION_DONE;
	pthread_mutex_lock(&schedule->mutex);
	/* While everything ends, a failure says nothing of the action or its host. */
	bool counts = !schedule->stopping && !os_cancel_raised(&run->cancel);
	enum action_state state = counts && take_out(schedule, action, &failure) ? ACTION_OUT : ACTION_BROKEN;
	if (counts && state == ACTION_BROKEN)
		keep_failure(schedule, index, &failure);
	pthread_mutex_unlock(&schedule->mutex);
	return state;
}

/* A worker goes on with what its action has made ready: a chain of steps stays on one thread. */
static void
work(void *context, void *item)
{
	struct schedule *schedule = context;
	struct arena arena = {0};
	for (uint32_t index = (uint32_t)(uintptr_t)item; index != NONE;) {
		struct arena_mark mark = arena_mark(&arena);
		enum action_state state = run_action(schedule, index, &arena);
		arena_reset(&arena, mark);
		pthread_mutex_lock(&schedule->mutex);
		if (is_step(&schedule->plan->actions[index]))
			schedule->running_steps--;
		else
			schedule->running_others--;
		settle(schedule, index, state);
		index = dispatch(schedule);
		pthread_mutex_unlock(&schedule->mutex);
	}
	arena_free(&arena);
}

static void
begin(struct schedule *schedule, bool (*due)(void *, const struct action *), void *context)
{
	const struct plan *plan = schedule->plan;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct action *action = &plan->actions[i];
		schedule->open_needs[i] = 0;
		schedule->due[i] = schedule->states[i] == ACTION_IDLE && due(context, action);
		if (!schedule->due[i])
			continue;
		for (uint32_t k = 0; k < action->need_count; k++)
			schedule->open_needs[i] += schedule->due[action->needs[k]];
		if (schedule->open_needs[i] == 0) {
			schedule->states[i] = ACTION_READY;
			queue_push(is_step(action) ? &schedule->steps : &schedule->others, i);
		}
	}
	uint32_t first = dispatch(schedule);
	if (first != NONE)
		pool_submit(schedule->pool, work, schedule, (void *)(uintptr_t)first);
}

/* No action starts any more, those that run are told. */
static void
stop(struct schedule *schedule, enum stop why)
{
	pthread_mutex_lock(&schedule->mutex);
	schedule->stopping = why;
	if (schedule->running_steps + schedule->running_others == 0)
		eventfd_write(schedule->wake, 1);
	pthread_mutex_unlock(&schedule->mutex);
	eventfd_write(schedule->run->cancel.fd, 1);
}

static int
time_left(const struct schedule *schedule)
{
	int64_t left = schedule->deadline - os_now_ms();
	if (schedule->stopping || schedule->deadline == INT64_MAX)
		return -1;
	return left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

enum wait_end
schedule_run(struct schedule *schedule, bool (*due)(void *, const struct action *), void *context)
{
	/* Who has interrupted what went before wants nothing of this. */
	if (!schedule->stopping && os_cancel_raised(&schedule->cancel))
		stop(schedule, STOP_CANCELLED);
	pthread_mutex_lock(&schedule->mutex);
	begin(schedule, due, context);
	pthread_mutex_unlock(&schedule->mutex);
	for (;;) {
		eventfd_t count;
		struct pollfd waits[] = {
			{.fd = schedule->wake, .events = POLLIN},
			{.fd = schedule->stopping ? -1 : schedule->cancel.fd, .events = POLLIN},
			{.fd = schedule->let_go.fd, .events = POLLIN},
			{.fd = schedule->stopping ? -1 : schedule->run->cancel.fd, .events = POLLIN},
		};
		poll(waits, sizeof waits / sizeof *waits, time_left(schedule));
		if (waits[2].revents)
			return WAIT_LET_GO;
		/* Also where it comes with the end of the last action: more is to follow. */
		if (waits[1].revents)
			stop(schedule, STOP_CANCELLED);
		if (waits[0].revents && eventfd_read(schedule->wake, &count) == 0) {
			tell_held(schedule);
			return WAIT_FINISHED;
		}
		if (!schedule->stopping && waits[3].revents)
			stop(schedule, STOP_FAILED);
		else if (!schedule->stopping && os_now_ms() >= schedule->deadline)
			stop(schedule, STOP_TIMED_OUT);
	}
}

bool
schedule_cancelled(const struct schedule *schedule)
{
	return schedule->stopping == STOP_CANCELLED;
}

bool
schedule_timed_out(const struct schedule *schedule)
{
	return schedule->stopping == STOP_TIMED_OUT;
}

void
schedule_lift_limit(struct schedule *schedule)
{
	eventfd_t count;
	schedule->deadline = INT64_MAX;
	if (schedule_cancelled(schedule))
		return;
	eventfd_read(schedule->run->cancel.fd, &count);
	schedule->stopping = STOP_NOT;
	schedule->steps.count = schedule->others.count = 0;
}

enum action_state
schedule_state(const struct schedule *schedule, uint32_t action)
{
	return schedule->states[action];
}

const struct failure *
schedule_failure(const struct schedule *schedule, const struct action **action)
{
	if (schedule->failed == NONE)
		return NULL;
	*action = &schedule->plan->actions[schedule->failed];
	return &schedule->failure;
}
