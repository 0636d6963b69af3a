/* ccache: the cache in front of distcc. */
#ifndef RUNTIME_CCACHE_H
#define RUNTIME_CCACHE_H

#include "runtime/run.h"

/* Adds CCACHE_*: where the cache is, how large it may grow, that misses go over distcc. */
void ccache_environment(const struct run *, struct arena *, bool distributed, struct map *out);

/* How many compiles of the run came from the cache. */
uint64_t ccache_count_hits(struct arena *, const struct run *);

#endif
