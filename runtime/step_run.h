/* step_run: a recipe while it runs; what step.c and the machines that run recipes share. */
#ifndef RUNTIME_STEP_RUN_H
#define RUNTIME_STEP_RUN_H

#include "runtime/output.h"
#include "runtime/run.h"
#include "runtime/verdict.h"

/* What is left between TERM and KILL. */
#define STEP_KILL_MS 5000

struct step {
	struct run *run;
	const struct build *build;
	struct arena *arena;
	struct judge judge;
	struct output output; /* where what it prints goes */
	int64_t took; /* ms until the recipe ended */
	bool cancelled; /* by the user or the run's time limit, before it had failed by itself */
	bool over; /* it had its success, and more time than it may take */
};

/* After any news for the judge: it is to be ended, for it has failed. */
bool step_has_failed(const struct step *);
/* At each look at the clock, `elapsed` ms after its start: true where it is to be ended. judge_next_time says when to look next. */
bool step_clock(struct step *, int64_t elapsed);
/* It has called build_success or build_failed; what it printed before has been read. */
void step_call(struct step *, bool success, struct str message);
/* It has ended, `took` is set, and nothing comes any more. `exists` answers for paths as its rules have them. */
void step_end(struct step *, int status, bool (*exists)(void *context, struct str path), void *context);

#endif
