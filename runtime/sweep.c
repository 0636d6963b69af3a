#include "runtime/sweep.h"
#include "base/arena.h"
#include "base/pool.h"

#include <string.h>
#include <time.h>

/* What is as old as this, without a machine, has been forgotten. */
#define HOUR_MS ((int64_t)3600 * 1000)
/* Runs at once. */
#define AT_ONCE 8

static const struct {
	const char *word, *text;
} reasons[] = {
#define REASON(name, word, text) [SWEEP_##name] = {word, text},
	SWEEP_REASONS(REASON)
#undef REASON
};

const char *
sweep_reason_word(enum sweep_reason reason)
{
	return reasons[reason].word;
}

const char *
sweep_reason_text(enum sweep_reason reason)
{
	return reasons[reason].text;
}

/* --- which --- */

int64_t
sweep_began(struct str run)
{
	char front[16] = "";
	struct tm tm = {.tm_year = 0};
	if (run.n < sizeof front || run.s[sizeof front - 1] != '-')
		return 0;
	memcpy(front, run.s, sizeof front - 1);
	const char *end = strptime(front, "%Y%m%d-%H%M%S", &tm);
	return end && !*end ? (int64_t)timegm(&tm) * 1000 : 0;
}

bool
sweep_owner(struct str tag, struct os_owner *owner)
{
	struct str rest = tag, user, pid, start;
	int64_t numbers[2];
	*owner = (struct os_owner){.pid = 0};
	if (!tag.s || !str_split(&rest, ' ', &user) || !str_split(&rest, ' ', &pid) || !str_split(&rest, ' ', &start) || rest.s)
		return false;
	struct str host = str_part(user, str_find(user, '@') + 1, user.n);
	if (!host.n || host.n >= sizeof owner->host || !str_integer(pid, &numbers[0]) || !str_integer(start, &numbers[1]))
		return false;
	memcpy(owner->host, host.s, host.n);
	owner->pid = (pid_t)numbers[0];
	owner->start = (uint64_t)numbers[1];
	return true;
}

/* The owner, where it is or was a process of this machine. */
static bool
is_from_here(const struct remnant *remnant, struct os_owner *owner)
{
	struct os_owner self;
	os_owner_self(&self);
	return sweep_owner(remnant->owner, owner) && strcmp(owner->host, self.host) == 0;
}

enum sweep_reason
sweep_judge(const struct remnant *remnant, int64_t now)
{
	struct os_owner owner;
	bool here = is_from_here(remnant, &owner), alive = here && os_owner_alive(&owner);
	int64_t began = sweep_began(remnant->run);
	if (remnant->expires && remnant->expires <= now)
		return SWEEP_EXPIRED;
	if (here && !alive && !remnant->kept)
		return SWEEP_OWNER_DEAD;
	if (!alive && !remnant->running && began && began + HOUR_MS <= now)
		return SWEEP_NO_MACHINE;
	return SWEEP_IN_USE;
}

/* --- removing --- */

struct task {
	const struct sweeping *sweeping;
	const struct remnant *remnant;
	struct events *events;
	bool done;
};

static void
remove_one(void *context, void *item)
{
	struct task *task = item;
	struct arena arena = {NULL};
	struct failure failure = {.arena = &arena};
	const struct remnant *remnant = task->remnant;
	int64_t began = os_now_ms();
	(void)context;
	task->done = task->sweeping->sweep->remove(task->sweeping->account, remnant, task->events, &failure);
	if (task->done)
		event_note(task->events, "run %.*s of %.*s in %.*s is gone", STR_ARG(remnant->run), STR_ARG(remnant->project),
			STR_ARG(remnant->region));
	else
		event_emit(
			task->events, (struct event){
					      .kind = EVENT_FAILED,
					      .name = remnant->run,
					      .text = failure.message,
					      .hint = failure.hint.n ? failure.hint
								     : str_printf(&arena, "edcc gc %.*s --region %.*s tries again",
									       STR_ARG(remnant->run), STR_ARG(remnant->region)),
					      .took = os_now_ms() - began,
				      });
	arena_free(&arena);
}

void
sweep_remove_all(const struct sweeping *sweeping, const struct remnant *remnants, const bool *chosen, size_t count,
	struct events *events, size_t *stuck)
{
	struct arena arena = {NULL};
	struct task *tasks = arena_array(&arena, struct task, count + 1);
	struct pool *pool = pool_new(AT_ONCE);
	int64_t things = 0;
	for (size_t i = 0; i < count; i++)
		if (chosen[i])
			things += (int64_t)remnants[i].machines + remnants[i].networks;
	if (things)
		event_emit(events, (struct event){.kind = EVENT_TEARDOWN, .number = things});
	for (size_t i = 0; i < count; i++) {
		tasks[i] = (struct task){.sweeping = sweeping, .remnant = &remnants[i], .events = events, .done = !chosen[i]};
		if (chosen[i] && pool)
			pool_submit(pool, remove_one, NULL, &tasks[i]);
		else if (chosen[i])
			remove_one(NULL, &tasks[i]);
	}
	if (pool)
		pool_free(pool);
	*stuck = 0;
	for (size_t i = 0; i < count; i++)
		*stuck += !tasks[i].done;
	arena_free(&arena);
}
