#include "base/arena.h"
#include "runtime/cloud.h"
#include "runtime/execute.h"
#include "runtime/provider.h"
#include "runtime/teardown.h"

#include <stdlib.h>
#include <string.h>

/* What the processes of a dead run are given to end. */
#define REMAINS_GRACE_MS 2000

enum teardown_end
teardown_remains(const char *state, struct str id, struct events *events, const struct execute_options *options)
{
	struct run *run = calloc(1, sizeof *run);
	struct journal_state journal;
	struct str error;
	if (!run)
		os_exhausted();
	struct failure failure = {.arena = &run->arena};
	run->events = events;
	run->environment = options->environment;
	run->cloud = cloud_link_new(run, options->cloud);
	run->cancel = options->let_go;
	if (!run_open(run, state, id, &failure)) {
		event_emit(events, (struct event){.kind = EVENT_FAILED, .name = id, .text = failure.message, .hint = failure.hint});
		run_close(run);
		free(run);
		return TEARDOWN_INCOMPLETE;
	}
	if (journal_read(&run->arena, state, id, &journal, &error))
		run->provider = provider_named(options->providers, journal.provider);
	/* Its steps may have outlived it, and would go on writing where things are being removed. */
	os_end_marked(&run->arena, run->mark.s, REMAINS_GRACE_MS);
	enum teardown_end end =
		teardown_run(run, run->provider ? run->provider->types : NULL, EXIT_STATUS_SUCCESS, options->let_go);
	if (end == TEARDOWN_LET_GO)
		return end; /* its threads still use the run */
	run_close(run);
	free(run);
	return end;
}

/* Why a run is to be torn down now; false where it is kept. */
static bool
is_left(struct arena *arena, const char *state, struct str id, struct events *events)
{
	struct journal_state journal;
	struct str error;
	char until[25];
	bool known = journal_read(arena, state, id, &journal, &error);
	if (known && journal_is_kept(&journal))
		return false;
	os_timestamp(journal.kept_until, until);
	if (known && journal.kept)
		event_note(events, "the fleet of run %.*s was kept until %.19sZ: what is left of it is removed now", STR_ARG(id),
			until);
	else
		event_note(events, "run %.*s ended without its teardown, which is done now", STR_ARG(id));
	return true;
}

enum teardown_end
teardown_dead_runs(const char *state, struct events *events, const struct execute_options *options)
{
	struct arena arena = {0};
	struct words runs;
	struct str error;
	enum teardown_end worst = TEARDOWN_CLEAN;
	if (!journal_runs(&arena, state, &runs, &error))
		runs.n = 0;
	/* Nobody else can be at work here: the lock is ours. */
	for (size_t i = 0; i < runs.n && worst != TEARDOWN_LET_GO; i++) {
		if (journal_ended(state, runs.w[i]) || !is_left(&arena, state, runs.w[i], events))
			continue;
		enum teardown_end end = teardown_remains(state, runs.w[i], events, options);
		if (end > worst)
			worst = end;
	}
	arena_free(&arena);
	return worst;
}

static enum exit_status
refuse(struct events *events, struct str text, struct str hint)
{
	event_emit(events, (struct event){.kind = EVENT_FAILED, .text = text, .hint = hint});
	return EXIT_STATUS_USAGE;
}

/* Destroys the run named, or all that have not ended. */
static enum exit_status
destroy_runs(struct arena *arena, const char *state, struct str only, struct events *events, const struct execute_options *options)
{
	struct words runs;
	struct str error;
	enum teardown_end worst = TEARDOWN_CLEAN;
	if (!journal_runs(arena, state, &runs, &error))
		return refuse(events, error, (struct str){0});
	if (only.n && !words_has(runs, only))
		return refuse(events, str_printf(arena, "there is no run '%.*s' in '%s'", STR_ARG(only), state),
			runs.n ? str_printf(arena, "the newest is %.*s", STR_ARG(runs.w[runs.n - 1])) : STR("there has been none"));
	for (size_t i = 0; i < runs.n && worst != TEARDOWN_LET_GO; i++) {
		if ((only.n && !str_eq(only, runs.w[i])) || journal_ended(state, runs.w[i]))
			continue;
		enum teardown_end end = teardown_remains(state, runs.w[i], events, options);
		if (end > worst)
			worst = end;
	}
	if (worst == TEARDOWN_LET_GO)
		event_warning(events, STR("edcc destroy finishes the job"), "let go before everything was removed");
	return worst == TEARDOWN_CLEAN ? EXIT_STATUS_SUCCESS : EXIT_STATUS_TEARDOWN;
}

enum exit_status
execute_destroy(const char *state, struct str run, struct events *events, const struct execute_options *options)
{
	struct arena arena = {0};
	struct lock lock;
	struct str error;
	enum exit_status status = EXIT_STATUS_SUCCESS;
	int64_t started = os_now_ms();
	if (os_is_folder(state) && !run_lock(&arena, state, &lock, events, &error)) {
		status = refuse(events, error, lock.held ? STR("end it with Ctrl-C: it tears down what it has made") : STR(""));
	} else if (os_is_folder(state)) {
		status = destroy_runs(&arena, state, run, events, options);
		lock_release(&lock);
	}
	const char *end = status == EXIT_STATUS_SUCCESS    ? "nothing is left"
			  : status == EXIT_STATUS_TEARDOWN ? "not everything is removed"
							   : "nothing was removed";
	event_emit(events, (struct event){
				   .kind = EVENT_END,
				   .number = (int64_t)status,
				   .text = str_from(end),
				   .took = os_now_ms() - started,
			   });
	if (os_cancel_raised(&options->let_go))
		events_abandon(events);
	arena_free(&arena);
	return status;
}
