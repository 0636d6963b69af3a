/* speed: how fast machines that exist compile, so that the faster ones come first in distcc's list. */
#ifndef RUNTIME_SPEED_H
#define RUNTIME_SPEED_H

#include "runtime/run.h"

/* How long the host takes now for a compile of some tens of milliseconds, in microseconds, without the connection. At least so long where it
 * does not answer within a second; 0 where it cannot be seen: over ssh a connection takes longer than the compile. command: the compiler's, as clients send it. */
int64_t speed_measure(const struct host *, struct str command, const struct os_cancel *);

/* Whether measuring this one of the hosts again could put it nowhere better: it is of the fastest class, and that not for being the only one known. A machine that
 * was busy for a moment is slower once, and never faster than it is. */
bool speed_settled(const struct host *, uint32_t count, const struct host *);

/* The hosts in the order of distcc's list: as planned, but of those that are equally near the faster ones first. It goes by classes, so that equal machines stay as they are. */
void speed_order(const struct host *, uint32_t count, uint32_t *order);

#endif
