#include "runtime/kept.h"
#include "base/arena.h"
#include "runtime/provider.h"

static void
fill_kept(struct json_writer *writer, void *context)
{
	json_put_integer(writer, "until", *(const int64_t *)context);
}

static void
fill_used(struct json_writer *writer, void *context)
{
	json_put_text(writer, "by", ((const struct run *)context)->id);
}

/* In the journal of the run that made the fleet. */
static bool
record(struct run *run, enum record record, void (*fill)(struct json_writer *, void *), void *context, struct str *error)
{
	if (!run->adopted.n)
		return journal_write(run->journal, record, run->id, true, fill, context, error);
	struct journal *journal = journal_new(&run->arena, run->state.s, run->adopted, error);
	bool written = journal && journal_write(journal, record, run->adopted, true, fill, context, error);
	if (journal)
		journal_close(journal);
	return written;
}

bool
kept_take(struct run *run, struct str kept, struct failure *failure)
{
	struct str error = {0};
	pthread_mutex_lock(&run->mutex);
	run->adopted = str_dup(&run->arena, kept);
	bool taken = record(run, RECORD_USED, fill_used, run, &error);
	pthread_mutex_unlock(&run->mutex);
	if (!taken)
		run_journal_failure(run, error, failure);
	return taken;
}

bool
kept_leave(struct run *run, int64_t *until)
{
	struct failure failure = {.arena = &run->arena};
	struct str error = {0};
	int64_t time = run->provider->keep ? run->project->limits.keep : 0;
	*until = time ? os_time_ms() + time : 0;
	bool kept = !run->provider->keep || run->provider->keep(run, time, &failure);
	if (kept && !record(run, RECORD_KEPT, fill_kept, until, &error)) {
		kept = false;
		run_journal_failure(run, error, &failure);
	}
	if (!kept)
		event_warning(run->events, failure.hint, "the fleet cannot be kept: %.*s", STR_ARG(failure.message));
	return kept;
}

void
kept_say(struct run *run, int64_t until)
{
	struct str owner = run->adopted.n ? run->adopted : run->id;
	char when[25];
	os_timestamp(until, when);
	if (until)
		event_note(run->events, "the fleet of run %.*s is kept until %.19sZ: edcc destroy removes it before",
			STR_ARG(owner), when);
	else
		event_note(run->events, "the fleet of run %.*s is kept: edcc destroy removes it", STR_ARG(owner));
}
