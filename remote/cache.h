/* cache: ccache's cache of a fleet that does not stay, kept in S3 from run to run (`cache: keep`). What is stored are archives that nobody ever changes: doc/aws.md
 * says what is in them, and why it can never take longer than compiling. Nothing here fails a run. */
#ifndef REMOTE_CACHE_H
#define REMOTE_CACHE_H

#include "runtime/plan.h"

/* Whether the file wants it. */
bool remote_cache_is_kept(const struct project *);
/* Adds the fetching, which `boot` comes before; the action's index. */
uint32_t remote_plan_fetch(struct arena *, struct plan *, uint32_t boot);
/* Adds the storing of what is new. */
void remote_plan_save(struct arena *, struct plan *);

#endif
