/* distcc_watch: what is looked at while a build compiles over its hosts: what each of them does, who has died, who fails. */
#ifndef RUNTIME_DISTCC_WATCH_H
#define RUNTIME_DISTCC_WATCH_H

#include "distcc/log.h"
#include "runtime/run.h"

/* On a thread of its own, until stopped: emits SLOTS events from the state files, takes a host out whose daemon has ended, looks after those that fail, and ends
 * the build where too much falls back. Costs nothing that a build would notice. NULL where no thread can be had. */
struct distcc_watch;
struct distcc_watch *distcc_watch_start(struct run *);
void distcc_watch_stop(struct distcc_watch *);

/* What was last said of each host, so that a SLOTS event tells what is new. */
struct distcc_job;
struct distcc_slots;
struct distcc_slots *distcc_slots_new(struct run *);
void distcc_slots_free(struct distcc_slots *);
/* Emits what has changed; puts the jobs into the order of their slots. */
void distcc_slots_tell(struct distcc_slots *, struct distcc_job *, size_t count);

/* What is held against hosts that fail. */
struct distcc_sulk;
struct distcc_sulk *distcc_sulk_new(struct run *);
/* Ends the proofs that run. */
void distcc_sulk_free(struct distcc_sulk *);
/* Looks at the back-off files, with what the log says: a host whose failure was this machine's own is forgiven; one that has failed is proved by a canary and
 * forgiven, once; one that has failed twice is out until it is proved again. Does not wait for anything. */
void distcc_sulk_look(struct distcc_sulk *, const struct local_compiles *);

#endif
