/* schedule: runs actions that are ready on worker threads, steps at most `step_limit` at once, and says when there is nothing left to run. */
#ifndef RUNTIME_SCHEDULE_H
#define RUNTIME_SCHEDULE_H

#include "runtime/run.h"

enum action_state {
	ACTION_IDLE, /* not of this phase, or its needs are not done */
	ACTION_READY,
	ACTION_RUNNING,
	ACTION_DONE,
	ACTION_OUT, /* it failed, and its host is out of the fleet: the run goes on without */
	ACTION_BROKEN,
	ACTION_SKIPPED,
};

enum wait_end {
	WAIT_FINISHED,
	WAIT_LET_GO,
};

struct schedule;

/* In the run's arena. When `time_limit` (ms from now, 0: none) is over, what runs is cancelled as if by the user. */
/* NULL where no thread can be had. */
struct schedule *schedule_new(struct run *, struct os_cancel cancel, struct os_cancel let_go, int64_t time_limit);
/* Runs the actions that `due` picks, each after those of its needs that are picked too, until none runs or can run. */
enum wait_end schedule_run(struct schedule *, bool (*due)(void *context, const struct action *), void *context);
void schedule_free(struct schedule *);

bool schedule_cancelled(const struct schedule *);
bool schedule_timed_out(const struct schedule *);
/* After this the time limit does not count any more, and a cancellation by it or by run_fail is over. */
void schedule_lift_limit(struct schedule *);
enum action_state schedule_state(const struct schedule *, uint32_t action);
/* The first failure that ended what depended on it, and whose it is; NULL where there was none. */
const struct failure *schedule_failure(const struct schedule *, const struct action **);

#endif
