/* journal: what a run means to do and has done, as JSON lines on disk, intent before act. The only mutable state; enough by itself to undo everything.
 *
 * STATE/                  .edcc/ (with a .gitignore of its own)
 *   lock                  who runs now
 *   runs/RUN/journal      JSON lines
 *   runs/RUN/log/STEP.log what each step printed
 *   runs/RUN/fleet/       the machines' private folders; gone after teardown
 */
#ifndef RUNTIME_JOURNAL_H
#define RUNTIME_JOURNAL_H

#include "base/json.h"
#include "base/os.h"

/* RECORD(name, word in the file, what the line's own name stands under). Each line also has "record" and "time" (ms since 1970). */
#define RECORDS(RECORD)                                                                                           \
	RECORD(RUN, "run", "run") /* the first line: format, project, provider, dir, owner */                     \
	RECORD(INTENT, "intent", "action") /* type, needs, params: about to be created; on disk before the act */ \
	RECORD(DONE, "done", "action") /* result */                                                               \
	RECORD(FAILED, "failed", "action") /* message; it may have been half done */                              \
	RECORD(UNDONE, "undone", "action")                                                                        \
	RECORD(BEGUN, "begun", "name") /* a step runs from now on */                                              \
	RECORD(STEP, "step", "name") /* verdict, reason, status, took */                                          \
	RECORD(HOST, "host", "name") /* address, slots, state; why where that is out */                           \
	RECORD(VERDICT, "verdict", "verdict") /* reason */                                                        \
	RECORD(ARTIFACT, "artifact", "path") /* sha256, size */                                                   \
	RECORD(COMPILES, "compiles", "host") /* number, why */                                                    \
	RECORD(KEPT, "kept", "run") /* until (ms since 1970; 0: `edcc destroy`): the fleet stays on purpose */    \
	RECORD(USED, "used", "run") /* by: the run that has taken over what was kept: it is kept no longer */     \
	RECORD(END, "end", "run") /* status: nothing is left behind */

enum record {
#define RECORD(name, text, key) RECORD_##name,
	RECORDS(RECORD)
#undef RECORD
};

const char *record_name(enum record);
/* Whether a line of a journal is such a record. */
bool record_is(const struct json *line, enum record);

#define JOURNAL_FORMAT 1

struct journal;

/* --- the lock --- */
struct lock {
	int fd;
	char *path;
	bool held; /* it could not be taken because another process has it */
};
/* Takes STATE/lock, making STATE where needed. A live owner: false, *error says who, since when. A dead owner's lock is taken over and *taken_from says whose it was. */
bool lock_take(struct arena *, const char *state, struct lock *, struct str *taken_from, struct str *error);
void lock_release(struct lock *);

/* --- writing (thread safe) --- */
/* The journal of a run, new or (for destroy) to be written on: a torn last line is cut off. NULL with *error. */
struct journal *journal_new(struct arena *, const char *state, struct str run, struct str *error);
/* Appends one line; `fill` may add members to the object. Where `sync` it is on disk on return. False when it could not be written: then the act must not be done. */
bool journal_write(struct journal *, enum record, struct str name, bool sync, void (*fill)(struct json_writer *, void *),
	void *context, struct str *error);
void journal_close(struct journal *);

/* --- reading --- */
struct journal_action {
	struct str name, type;
	struct words needs; /* names of the created things that this one stands on: it goes before them */
	const struct json *params;
	const struct json *result; /* NULL: intent without an answer */
};
struct journal_state {
	struct str run, project, provider;
	struct os_owner owner;
	struct journal_action *open; /* created or meant to be, and not undone, in order of intent */
	size_t open_count;
	struct json **lines; /* all of them */
	size_t line_count;
	bool ended;
	bool kept; /* left on purpose … */
	int64_t kept_until; /* … until then, ms since 1970; 0: until it is destroyed */
	struct str used_by; /* the run that has taken over what was kept; none where it has left it again */
};
/* Reads a journal; a torn last line is passed over. */
bool journal_read(struct arena *, const char *state_folder, struct str run, struct journal_state *, struct str *error);
/* True where what is open was left on purpose and its time is not over. */
bool journal_is_kept(const struct journal_state *);
/* The ids of all runs under STATE, oldest first. */
bool journal_runs(struct arena *, const char *state, struct words *runs, struct str *error);
/* True where the run's last line says that nothing of it is left; reads no more than the end of the file. */
bool journal_ended(const char *state, struct str run);
/* Removes all but the newest `keep` ended runs. */
void journal_prune(struct arena *, const char *state, size_t keep);

#endif
