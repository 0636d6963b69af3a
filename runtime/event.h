/* event: the one stream of what a run does. The executor and the steps emit, the views (terminal, lines, JSON, report) take. */
#ifndef RUNTIME_EVENT_H
#define RUNTIME_EVENT_H

#include "base/str.h"

#include <stdint.h>

/* EVENT(name, text in --json, which fields it uses) */
#define EVENTS(EVENT)                                                                                                              \
	EVENT(RUN, "run") /* a run begins: name = its id, text = the project, total = how many steps it has */                     \
	EVENT(ACTION, "action") /* an action begins: name, section */                                                              \
	EVENT(DONE, "done") /* it is done: name, text = what came of it, took */                                                   \
	EVENT(FAILED, "failed") /* name, text = why, hint = the way out, took */                                                   \
	EVENT(SKIPPED, "skipped") /* name, text = why */                                                                           \
	EVENT(OUTPUT, "output") /* whole lines that a step printed: name = the step, text ends in a newline */                     \
	EVENT(HOST, "host") /* a host's state has changed: name = the host, text = starting ready out */                           \
	EVENT(SLOTS, "slots") /* who compiles what now: name = the host, number = its jobs, total = its slots, text = the files */ \
	EVENT(NOTE, "note") /* text: worth a line */                                                                               \
	EVENT(WARNING, "warning") /* text, hint */                                                                                 \
	EVENT(VERDICT, "verdict") /* of a step (name) or the build (no name): text = build_success or build_failed, hint = why */  \
	EVENT(PROGRESS, "progress") /* of an artifact that takes a while: name = where, number = bytes, total = of how many */     \
	EVENT(ARTIFACT, "artifact") /* stored and verified: name = where, text = digest, number = bytes */                         \
	EVENT(TEARDOWN, "teardown") /* begins: number = how many things are to be removed */                                       \
	EVENT(UNDONE, "undone") /* name is gone, took */                                                                           \
	EVENT(COMPILES, "compiles") /* at the end, of each host and this machine: name, number = compiles, text = why, if local */ \
	EVENT(END, "end") /* number = the exit status, text = one line that sums it up, took */

enum event_kind {
#define EVENT(name, text) EVENT_##name,
	EVENTS(EVENT)
#undef EVENT
};

struct event {
	enum event_kind kind;
	int64_t time; /* ms since 1970, filled in by event_emit */
	struct str name, text, hint; /* valid during the call only */
	int64_t number, total;
	int64_t took; /* ms */
	int section; /* enum section */
};

/* A view: called with one event at a time, never by two threads at once. */
struct view {
	void (*take)(struct view *, const struct event *);
	void (*close)(struct view *); /* restores what it changed; may be called in any state */
};

struct events;

struct events *events_new(void);
/* The view is not owned and must outlive the events; at most 4. */
void events_add_view(struct events *, struct view *);
/* Texts that are to be blotted out (as ***) of every text that passes: the project's secrets. Not copied. */
void events_hide(struct events *, struct words secrets);
void event_emit(struct events *, struct event);
/* Shorthands. */
void event_note(struct events *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void event_warning(struct events *, struct str hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Warns that the run is interrupted: what is said here and what comes of the run are one. False, and nothing is said, where that is settled already. */
bool events_interrupt(struct events *, const char *warning);
/* What comes of the run is settled: nobody interrupts it any more. True where somebody has. */
bool events_settle(struct events *);
/* No view hears anything more, and events_free leaves the structure: for a run that is let go while its threads still work. */
void events_abandon(struct events *);
void events_free(struct events *);

const char *event_name(enum event_kind);
/* The text with every secret blotted out; the same text where there is none in it. */
struct str event_blot(struct arena *, struct words secrets, struct str text);

#endif
