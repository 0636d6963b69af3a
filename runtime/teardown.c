#include "runtime/teardown.h"
#include "base/arena.h"
#include "base/pool.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Undoes at once. */
#define TEARDOWN_LIMIT 64
/* What processes that a run left behind are given to end. */
#define TEARDOWN_GRACE_MS 2000

/* One thing that is to go. */
struct removal {
	const struct journal_action *action;
	const struct action_type *type; /* NULL: unknown to this edcc */
	uint32_t *stands_on; /* other removals, which wait for this one */
	uint32_t stands_on_count;
	uint32_t waits_for; /* removals of what stands on it */
	bool gone;
};

struct teardown {
	struct run *run;
	struct removal *removals;
	uint32_t count;
	struct pool *pool;
	pthread_mutex_t mutex; /* for waits_for, gone, running */
	uint32_t running;
	int wake; /* an eventfd: nothing runs any more */
};

static const struct action_type *
type_named(const struct action_type *const *types, struct str name)
{
	for (; types && *types; types++)
		if (str_is(name, (*types)->name))
			return *types;
	return NULL;
}

static bool
undo(struct run *run, const struct removal *removal, struct failure *failure)
{
	if (removal->type && removal->type->undo)
		return removal->type->undo(run, removal->action->params, removal->action->result, failure);
	failure_set(
		failure, EXIT_STATUS_TEARDOWN, "this edcc does not know how to remove a '%.*s'", STR_ARG(removal->action->type));
	failure_hint(failure, "use the edcc that made it");
	return false;
}

/* Undoes one thing; what it stood on may go next. */
static void
remove_one(void *context, void *item)
{
	struct teardown *teardown = context;
	struct removal *removal = item;
	struct run *run = teardown->run;
	struct arena arena = {0};
	struct failure failure = {.arena = &arena};
	struct str error = {0};
	int64_t started = os_now_ms();
	bool gone = undo(run, removal, &failure);
	struct event event = {
		.kind = gone ? EVENT_UNDONE : EVENT_FAILED, .name = removal->action->name, .section = SECTION_TEARDOWN};
	event.text = failure.message;
	event.hint = failure.hint;
	event.took = os_now_ms() - started;
	/* Where this cannot be written it is undone once more, which does no harm. */
	if (gone)
		journal_write(run->journal, RECORD_UNDONE, removal->action->name, false, NULL, NULL, &error);
	event_emit(run->events, event);
	arena_free(&arena);
	pthread_mutex_lock(&teardown->mutex);
	removal->gone = gone;
	for (uint32_t i = 0; gone && i < removal->stands_on_count; i++) {
		struct removal *below = &teardown->removals[removal->stands_on[i]];
		if (--below->waits_for == 0) {
			teardown->running++;
			pool_submit(teardown->pool, remove_one, teardown, below);
		}
	}
	if (--teardown->running == 0)
		eventfd_write(teardown->wake, 1);
	pthread_mutex_unlock(&teardown->mutex);
}

static void
prepare(struct teardown *teardown, const struct journal_state *state, const struct action_type *const *types)
{
	struct arena *arena = &teardown->run->arena;
	struct map names = map_new(arena);
	teardown->count = (uint32_t)state->open_count;
	teardown->removals = arena_array(arena, struct removal, teardown->count);
	for (uint32_t i = 0; i < teardown->count; i++) {
		const struct journal_action *action = &state->open[i];
		struct removal *removal = &teardown->removals[i];
		*removal = (struct removal){.action = action, .type = type_named(types, action->type)};
		removal->stands_on = arena_array(arena, uint32_t, action->needs.n);
		for (size_t k = 0; k < action->needs.n; k++) {
			struct removal *below = map_get(&names, action->needs.w[k]);
			if (!below)
				continue;
			below->waits_for++;
			removal->stands_on[removal->stands_on_count++] = (uint32_t)(below - teardown->removals);
		}
		*map_at(&names, action->name) = removal;
	}
}

/* True when all is done that can be; false where it was let go: its threads then go on. */
static bool
remove_all(struct teardown *teardown, struct os_cancel let_go)
{
	eventfd_t count;
	teardown->pool = pool_new(TEARDOWN_LIMIT);
	if (!teardown->pool) {
		event_warning(
			teardown->run->events, STR("the limit on processes may be reached: ulimit -u"), "cannot start a thread");
		return true;
	}
	struct pollfd waits[] = {{.fd = teardown->wake, .events = POLLIN}, {.fd = let_go.fd, .events = POLLIN}};
	pthread_mutex_lock(&teardown->mutex);
	teardown->running = 1; /* this loop */
	for (uint32_t i = teardown->count; i-- > 0;) {
		if (teardown->removals[i].waits_for)
			continue;
		teardown->running++;
		pool_submit(teardown->pool, remove_one, teardown, &teardown->removals[i]);
	}
	if (--teardown->running == 0)
		eventfd_write(teardown->wake, 1);
	pthread_mutex_unlock(&teardown->mutex);
	for (;;) {
		poll(waits, 2, -1);
		if (waits[1].revents)
			return false;
		if (waits[0].revents && eventfd_read(teardown->wake, &count) == 0)
			break;
	}
	pool_free(teardown->pool);
	return true;
}

/* Everything in the run's folder but its journal and its logs. */
static bool
remove_folders(struct run *run)
{
	static const char *const folders[] = {"fleet", "bin", "recipe"};
	bool removed = true;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		struct str path = str_printf(&run->arena, "%.*s/%s", STR_ARG(run->folder), folders[i]), error;
		if (os_remove_tree(&run->arena, path.s, &error))
			continue;
		event_emit(run->events,
			(struct event){.kind = EVENT_FAILED, .name = path, .text = error, .section = SECTION_TEARDOWN});
		removed = false;
	}
	return removed;
}

static void
fill_end(struct json_writer *writer, void *context)
{
	json_put_integer(writer, "status", *(const int *)context);
}

static bool
say_left(const struct teardown *teardown)
{
	uint32_t left = 0;
	struct buf names = buf_new(&teardown->run->arena);
	for (uint32_t i = 0; i < teardown->count; i++) {
		const struct removal *removal = &teardown->removals[i];
		if (removal->gone)
			continue;
		buf_printf(&names, left++ ? ", '%.*s'" : "'%.*s'", STR_ARG(removal->action->name));
	}
	if (left)
		event_warning(teardown->run->events, STR("edcc destroy removes it"),
			"teardown of run %.*s is incomplete, still there: %.*s", STR_ARG(teardown->run->id),
			STR_ARG(buf_str(&names)));
	return left > 0;
}

/* Without its journal a run can only be cleaned up by its mark and its folder. */
static void
say_unknown(struct run *run, struct str error)
{
	event_emit(run->events,
		(struct event){
			.kind = EVENT_FAILED,
			.name = run->id,
			.text = error,
			.hint = str_printf(&run->arena, "its processes are ended; look for what else it made, then remove '%.*s'",
				STR_ARG(run->folder)),
			.section = SECTION_TEARDOWN,
		});
}

enum teardown_end
teardown_run(struct run *run, const struct action_type *const *types, enum exit_status status, struct os_cancel let_go)
{
	struct journal_state state;
	struct str error = {0};
	struct teardown *teardown = arena_new(&run->arena, struct teardown);
	*teardown = (struct teardown){.run = run, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	pthread_mutex_init(&teardown->mutex, NULL);
	bool known = journal_read(&run->arena, run->state.s, run->id, &state, &error);
	if (known)
		prepare(teardown, &state, types);
	else
		say_unknown(run, error);
	if (teardown->count) {
		event_emit(run->events, (struct event){.kind = EVENT_TEARDOWN, .name = run->id, .number = teardown->count});
		if (!remove_all(teardown, let_go))
			return TEARDOWN_LET_GO;
	}
	close(teardown->wake);
	pthread_mutex_destroy(&teardown->mutex);
	os_end_marked(&run->arena, run->mark.s, TEARDOWN_GRACE_MS);
	bool left = say_left(teardown);
	if (left || !remove_folders(run) || !known)
		return TEARDOWN_INCOMPLETE;
	int number = (int)status;
	journal_write(run->journal, RECORD_END, run->id, false, fill_end, &number, &error);
	return TEARDOWN_CLEAN;
}
