/* kept: a fleet that stays after its run, and the run that takes it over. Whose it is, the journal of the run that made it says. */
#ifndef RUNTIME_KEPT_H
#define RUNTIME_KEPT_H

#include "runtime/run.h"

/* The run takes over what `kept` has left: from here on it is as if this one had made it, and goes with it. False with the failure. */
bool kept_take(struct run *, struct str kept, struct failure *);
/* Leaves the run's fleet, own or taken over, as it is, until *until (ms since 1970; 0: until it is destroyed). False, said, where that cannot be: then it is
 * to be torn down. */
bool kept_leave(struct run *, int64_t *until);
/* Says so. */
void kept_say(struct run *, int64_t until);

#endif
