/* step, artifact, follow: the action types of what the file itself asks for, the same on every provider that runs recipes on this machine. */
#ifndef RUNTIME_STEP_H
#define RUNTIME_STEP_H

#include "runtime/plan.h"

/* step.c: a recipe, its output, its verdict. */
extern const struct action_type action_step;
/* artifact.c: globs, copies with checksum, to a folder. */
extern const struct action_type action_artifact;
/* follow.c: an `on` block: notifications, then its recipe. */
extern const struct action_type action_follow;

#endif
