#include "runtime/run.h"
#include "runtime/provider.h"
#include "base/arena.h"
#include "runtime/cloud.h"
#include "runtime/recipe.h"
#include "runtime/site.h"

#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>

void
failure_set(struct failure *failure, enum exit_status status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	failure->message = str_vprintf(failure->arena, format, arguments);
	va_end(arguments);
	failure->status = status;
}

void
failure_hint(struct failure *failure, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	failure->hint = str_vprintf(failure->arena, format, arguments);
	va_end(arguments);
}

struct failure
failure_copy(struct arena *arena, const struct failure *failure)
{
	return (struct failure){arena, str_dup(arena, failure->message), str_dup(arena, failure->hint), failure->status};
}

bool
failure_remove(struct failure *failure, struct arena *arena, struct str path)
{
	struct str error;
	if (os_remove_tree(arena, str_c(arena, path), &error))
		return true;
	failure_set(failure, EXIT_STATUS_TEARDOWN, "%.*s", STR_ARG(error));
	failure_hint(failure, "rm -rf '%.*s'", STR_ARG(path));
	return false;
}

void
run_journal_failure(const struct run *run, struct str error, struct failure *failure)
{
	failure_set(
		failure, EXIT_STATUS_PROVIDER, "cannot write the journal in '%.*s': %.*s", STR_ARG(run->folder), STR_ARG(error));
	failure_hint(failure, "nothing is created that the journal does not know of; make room there, or choose another folder "
			      "with 'state: path = …'");
}

/* The second, in UTC, then the millisecond and chance in six digits: ids sort as time went, and two runs that begin in one millisecond, in an account that
 * many use, do not share one. */
static struct str
new_id(struct arena *arena)
{
	enum {
		CHANCES = 0x1000000 / 1000
	};
	char when[16];
	uint32_t chance = 0;
	struct tm tm;
	int64_t ms = os_time_ms();
	time_t now = (time_t)(ms / 1000);
	gmtime_r(&now, &tm);
	strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
	if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
		chance = (uint32_t)os_now_ms();
	return str_printf(arena, "%s-%06x", when, (unsigned)(ms % 1000 * CHANCES + chance % CHANCES));
}

struct str
run_mark(struct arena *arena, struct str id)
{
	return str_printf(arena, "EDCC_RUN=%.*s", STR_ARG(id));
}

bool
run_open(struct run *run, const char *state, struct str id, struct failure *failure)
{
	struct str error = {0};
	pthread_mutex_init(&run->mutex, NULL);
	run->id = id.s ? str_dup(&run->arena, id) : new_id(&run->arena);
	run->mark = run_mark(&run->arena, run->id);
	run->state = str_printf(&run->arena, "%s", state);
	run->folder = str_printf(&run->arena, "%s/runs/%.*s", state, STR_ARG(run->id));
	run->journal = journal_new(&run->arena, state, run->id, &error);
	if (run->journal)
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	failure_hint(failure, "edcc keeps there what it has created; make room, or choose another folder with 'state: path = …'");
	return false;
}

void
run_close(struct run *run)
{
	if (run->provider && run->provider->close)
		run->provider->close(run);
	guard_dismiss(run);
	cloud_link_free(run->cloud);
	recipes_free(run->recipes);
	journal_close(run->journal);
	pthread_mutex_destroy(&run->mutex);
	arena_free(&run->arena);
}

bool
run_place_failure(struct run *run, const struct action *action, struct failure *failure)
{
	/* Where lines begin is found when it is first asked for, and several may ask at once. */
	pthread_mutex_lock(&run->mutex);
	struct source_place at = source_place(run->plan->sources, action->span);
	pthread_mutex_unlock(&run->mutex);
	failure->message =
		str_printf(failure->arena, "%.*s:%u:%u: %.*s", STR_ARG(at.name), at.line, at.column, STR_ARG(failure->message));
	return false;
}

const char *
run_state(struct arena *arena, const struct project *project)
{
	struct str path = project->state.path.n ? project->state.path : STR(".edcc");
	if (*path.s == '/')
		return str_c(arena, path);
	return str_printf(arena, "%.*s/%.*s", STR_ARG(project->dir), STR_ARG(path)).s;
}

bool
run_lock(struct arena *arena, const char *state, struct lock *lock, struct events *events, struct str *error)
{
	struct str taken_from;
	if (!lock_take(arena, state, lock, &taken_from, error))
		return false;
	if (taken_from.n)
		event_note(events, "the lock of %.*s, which has ended, is taken over", STR_ARG(taken_from));
	return true;
}

/* What an action's intent says. */
struct intent {
	const struct run *run;
	const struct action *action;
	void (*params)(struct json_writer *, void *);
	void *context;
};

/* The created things that the action stands on: what it needs, seen through those that create nothing. */
static void
put_needs(struct json_writer *writer, const struct plan *plan, const struct action *action)
{
	for (uint32_t i = 0; i < action->need_count; i++) {
		const struct action *need = &plan->actions[action->needs[i]];
		if (need->type->undo)
			json_put_text(writer, NULL, need->name);
		else
			put_needs(writer, plan, need);
	}
}

static void
fill_intent(struct json_writer *writer, void *context)
{
	const struct intent *intent = context;
	json_put_text(writer, "type", str_from(intent->action->type->name));
	json_open_array(writer, "needs");
	put_needs(writer, intent->run->plan, intent->action);
	json_close(writer);
	json_open_object(writer, "params");
	if (intent->params)
		intent->params(writer, intent->context);
	json_close(writer);
}

static void
fill_result(struct json_writer *writer, void *context)
{
	const struct intent *intent = context;
	json_open_object(writer, "result");
	if (intent->params)
		intent->params(writer, intent->context);
	json_close(writer);
}

bool
run_intent(struct run *run, const struct action *action, void (*params)(struct json_writer *, void *), void *context,
	struct failure *failure)
{
	struct intent intent = {run, action, params, context};
	struct str error = {0};
	if (journal_write(run->journal, RECORD_INTENT, action->name, true, fill_intent, &intent, &error))
		return true;
	run_journal_failure(run, error, failure);
	return false;
}

bool
run_done(struct run *run, const struct action *action, void (*result)(struct json_writer *, void *), void *context,
	struct failure *failure)
{
	struct intent intent = {run, action, result, context};
	struct str error = {0};
	if (journal_write(run->journal, RECORD_DONE, action->name, false, fill_result, &intent, &error))
		return true;
	run_journal_failure(run, error, failure);
	return false;
}

void
run_record(struct run *run, enum record record, struct str name, void (*fill)(struct json_writer *, void *), void *context)
{
	struct str error;
	if (!journal_write(run->journal, record, name, false, fill, context, &error))
		event_warning(run->events, STR("`edcc status` will not know of it; make room there"),
			"cannot write the journal in '%.*s': %.*s", STR_ARG(run->folder), STR_ARG(error));
}

static void
fill_host(struct json_writer *json, void *context)
{
	const struct host *host = context;
	json_put_text(json, "address", host->address);
	json_put_integer(json, "slots", host->slots);
	json_put_text(json, "state", host->ready ? STR("ready") : STR("out"));
	if (!host->ready)
		json_put_text(json, "why", host->out_reason);
}

/* Takes a copy: the host may change again meanwhile. */
static void
change_host(struct run *run, struct host *host, bool ready, struct str reason)
{
	const struct site *site = run->provider->site;
	struct arena arena = {NULL};
	struct str error;
	pthread_mutex_lock(&run->mutex);
	bool back = ready && host->was_ready && !host->ready;
	host->ready = ready;
	host->was_ready |= ready;
	host->out_reason = str_dup(&run->arena, reason);
	run->fleet_changes++;
	struct host changed = *host;
	bool listed = !site->list_hosts || site->list_hosts(run, &arena, &error);
	pthread_mutex_unlock(&run->mutex);
	if (!listed)
		event_warning(run->events, STR("distcc keeps to the hosts it knew; make room there"), "%.*s", STR_ARG(error));
	arena_free(&arena);
	event_emit(run->events, (struct event){.kind = EVENT_HOST,
					.name = changed.name,
					.text = ready ? STR("ready") : STR("out"),
					.hint = changed.out_reason,
					.total = changed.slots});
	if (back)
		event_note(run->events, "%.*s is back: it compiles again", STR_ARG(changed.name));
	run_record(run, RECORD_HOST, changed.name, fill_host, &changed);
}

void
run_host_ready(struct run *run, struct host *host)
{
	change_host(run, host, true, STR(""));
}

void
run_host_out(struct run *run, struct host *host, struct str reason)
{
	struct str after = str_part(reason, host->name.n, reason.n);
	/* It stands under its name already. */
	if (str_starts(reason, host->name) && str_starts(after, STR(" ")))
		reason = str_trim(after);
	change_host(run, host, false, reason);
}

void
run_fail(struct run *run, const struct failure *failure)
{
	pthread_mutex_lock(&run->mutex);
	bool first = !run->failed.message.n;
	if (first)
		run->failed = failure_copy(&run->arena, failure);
	pthread_mutex_unlock(&run->mutex);
	if (!first)
		return;
	event_emit(run->events, (struct event){.kind = EVENT_FAILED, .text = failure->message, .hint = failure->hint});
	eventfd_write(run->cancel.fd, 1);
}

bool
run_has_failed(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
	bool failed = run->failed.message.n > 0;
	pthread_mutex_unlock(&run->mutex);
	return failed;
}
