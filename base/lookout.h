/* lookout: a thread that looks at something again and again. */
#ifndef BASE_LOOKOUT_H
#define BASE_LOOKOUT_H

#include "base/os.h"

struct lookout;

/* Calls look(context, stop) at once, and again so many milliseconds after it has returned as it said. `stop` is raised when it is to end: what a look waits for must
 * end with that. NULL where no thread can be had. */
struct lookout *lookout_start(int (*look)(void *context, const struct os_cancel *stop), void *context);
/* Waits for the look that is under way, then frees it. NULL-safe. */
void lookout_stop(struct lookout *);

#endif
