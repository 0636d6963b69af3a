/* guard: a process beside edcc that waits for its end, and then ends what a run has left on this machine: for a kill -9, a crash, no memory. It is edcc's own
 * program under another name; doc/style.md says why it is a process. */
#ifndef RUNTIME_GUARD_H
#define RUNTIME_GUARD_H

#include "base/os.h"

#include <stdbool.h>

struct failure;
struct run;

struct guard {
	struct os_process process; /* pid 0: there is none */
	int lifeline; /* the end of a pipe that nobody writes to: closed as edcc ends, however it ends */
};

/* Before anything of the run's is started. What carries run->mark is ended when this process has ended, unless guard_dismiss came first. */
bool guard_start(struct run *, struct failure *);
/* Nothing is to be ended any more, or what is left is to stay. The guard is gone when this returns; that there is none is no error. */
void guard_dismiss(struct run *);

/* True where edcc was started as a guard: main then does nothing but `return guard_main(argv)`. */
bool guard_is(const char *argv0);
int guard_main(char **argv);

#endif
