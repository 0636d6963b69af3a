/* run: what every action of a run shares. */
#ifndef RUNTIME_RUN_H
#define RUNTIME_RUN_H

#include "base/os.h"
#include "runtime/event.h"
#include "runtime/guard.h"
#include "runtime/journal.h"
#include "runtime/plan.h"

#include <pthread.h>

/* EXIT(name, status, meaning) */
#define EXITS(EXIT)                                                                                                 \
	EXIT(SUCCESS, 0, "success")                                                                                 \
	EXIT(USAGE, 1, "the file or the call is wrong")                                                             \
	EXIT(BUILD_FAILED, 2, "the build failed")                                                                   \
	EXIT(NO_VERDICT, 3, "the build ended without a verdict or timed out")                                       \
	EXIT(PROVIDER, 4, "the provider failed")                                                                    \
	EXIT(TEARDOWN, 5, "teardown is incomplete: the message names what is left and the command that removes it") \
	EXIT(INTERRUPTED, 130, "interrupted, and torn down")

enum exit_status {
#define EXIT(name, status, meaning) EXIT_STATUS_##name = status,
	EXITS(EXIT)
#undef EXIT
};

/* Why something could not be done. */
struct failure {
	struct arena *arena; /* where the texts live; set by the caller */
	struct str message; /* what was being done and why it failed */
	struct str hint; /* the way out */
	enum exit_status status;
};
void failure_set(struct failure *, enum exit_status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void failure_hint(struct failure *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with its texts in this arena. */
struct failure failure_copy(struct arena *, const struct failure *);
/* Removes a tree, for an undo; where it stays, the failure names it and how to remove it. */
bool failure_remove(struct failure *, struct arena *, struct str path);

/* A machine of the running fleet. */
struct host {
	struct str name;
	struct str address; /* as in distcc's list: 127.0.0.2:41001 */
	struct str rest; /* what follows its slots there: ",lzo" */
	bool apart; /* not ours: its own log cannot be read, its clients' says what it did */
	pid_t pid; /* local: its distccd, a child of ours */
	int slots;
	int distance; /* as planned */
	int64_t compile_us; /* how long a small compile took there; 0: not measured */
	bool ready; /* proved by its canary, and not taken out since */
	bool was_ready; /* at any time */
	bool pump; /* it preprocesses what it is sent */
	struct str out_reason;
};

struct provider;
struct pump;
struct remote;
struct share;

struct run {
	struct arena arena; /* of the run; under `mutex` while workers are about */
	pthread_mutex_t mutex; /* for hosts, fleet_changes, failed, arena */
	struct str id; /* 20261122-001617-4f2a0c */
	struct str mark; /* EDCC_RUN=ID: in the environment of every process of the run */
	struct str state; /* absolute: DIR/.edcc */
	struct str folder; /* STATE/runs/ID */
	const struct project *project; /* NULL in destroy */
	const struct plan *plan; /* NULL in destroy */
	struct events *events;
	struct journal *journal;
	struct os_cancel cancel; /* raised by the first Ctrl-C, by a run's time limit and by run_fail */
	struct failure failed; /* run_fail's; no message: it was not called */
	struct host *hosts; /* as many as plan->world has */
	uint32_t host_count;
	uint32_t fleet_changes; /* how often a host has become ready or gone out */
	char *const *environment; /* edcc's own, NULL-ended */
	struct words secrets;
	bool succeeded; /* the build's verdict, once it is known */
	struct cloud_link *cloud; /* cloud.c's own */
	struct recipes *recipes; /* recipe.c's own: environments, the command folder */
	struct guard guard; /* guard.c's own */
	const struct provider *provider; /* NULL where a journal names one that there is not */
	struct pump *pump; /* pump.c's own; NULL where there is none; under `mutex` */
	struct share *share; /* share.c's own; likewise */
	void *fleet; /* the provider's own; under `mutex` while workers are about */
	struct remote *remote; /* where the build runs, if that is not here; remote's own; under `mutex` while workers are about */
	struct str adopted; /* the kept run whose fleet this one uses; none mostly */
};

/* "EDCC_RUN=ID": what all that the run starts has in its environment. */
struct str run_mark(struct arena *, struct str id);
/* Sets up what every run has, for an id of its own (a new one where `id` is none): the texts, the mutex, the journal. False with the failure. */
bool run_open(struct run *, const char *state, struct str id, struct failure *);
void run_close(struct run *);
/* The project's state folder, absolute. */
const char *run_state(struct arena *, const struct project *);
/* Puts the place in the file that asks for the action before the failure's message: what is wrong stands there, or is due to it. Returns false. */
bool run_place_failure(struct run *, const struct action *, struct failure *);
/* lock_take, and a note where a dead owner's lock was taken over. */
bool run_lock(struct arena *, const char *state, struct lock *, struct events *, struct str *error);
/* The failure of a journal that cannot be written. */
void run_journal_failure(const struct run *, struct str error, struct failure *);

/* Journals the intent (on disk before it returns) that `action` is about to create something that undo needs `params` for. */
bool run_intent(struct run *, const struct action *, void (*params)(struct json_writer *, void *), void *context, struct failure *);
/* Journals its result. */
bool run_done(struct run *, const struct action *, void (*result)(struct json_writer *, void *), void *context, struct failure *);
/* Journals what is worth knowing of the run and is not needed to undo it: where that cannot be written a warning says so. */
void run_record(struct run *, enum record, struct str name, void (*fill)(struct json_writer *, void *), void *context);

/* The host is proved, or is out of the fleet (and why): distcc's list and what is started from now on go by it; emitted and journaled. */
void run_host_ready(struct run *, struct host *);
void run_host_out(struct run *, struct host *, struct str reason);

/* The build cannot succeed any more, whatever its steps do: what runs is ended, and the run fails with this. It is said at once; the first one counts. */
void run_fail(struct run *, const struct failure *);
bool run_has_failed(struct run *);

#endif
