/* teardown: undoes what a run's journal says it has created. The same after a run as from `edcc destroy`: the journal is enough. */
#ifndef RUNTIME_TEARDOWN_H
#define RUNTIME_TEARDOWN_H

#include "runtime/execute.h"

enum teardown_end {
	TEARDOWN_CLEAN,
	TEARDOWN_INCOMPLETE, /* what is left has been emitted */
	TEARDOWN_LET_GO,
};

/* Undoes in reverse, side by side where nothing stands on another; ends every process that bears the run's mark; removes its folders but for journal and
 * logs; journals the end with `status`. `types` are those that the journal may name, NULL-ended. The run must live on where it is let go. */
enum teardown_end teardown_run(
	struct run *, const struct action_type *const *types, enum exit_status status, struct os_cancel let_go);

/* Tears down another run, by its journal; NULL-safe about a journal that is not there. destroy.c */
enum teardown_end teardown_remains(const char *state, struct str id, struct events *, const struct execute_options *);
/* Tears down each run whose owner died. */
enum teardown_end teardown_dead_runs(const char *state, struct events *, const struct execute_options *);

#endif
