/* mirror: what the HOST's clients of distcc do, in state files of this machine: in the run's own DISTCC_DIR, for whoever looks there (`edcc monitor`,
 * distccmon-text). A file is written when its job has changed, so its age is that of the job's phase. Each says that it is of this process: once that
 * has ended nobody believes it any more. */
#ifndef REMOTE_MIRROR_H
#define REMOTE_MIRROR_H

#include "runtime/run.h"

struct mirror;

/* NULL where there is no memory. */
struct mirror *mirror_new(const struct run *);
/* The state files as the HOST has them, one behind the other. What cannot be written is left out. */
void mirror_show(struct mirror *, struct str states);
/* Removes the files; NULL-safe. */
void mirror_free(struct mirror *);

#endif
