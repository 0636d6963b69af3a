/* ccache: the cache in front of distcc. */
#ifndef RUNTIME_CCACHE_H
#define RUNTIME_CCACHE_H

#include "runtime/run.h"

/* Where the run's calls on this machine are recorded, or are brought to. */
struct str ccache_stats_log(struct arena *, const struct run *);
/* Adds CCACHE_*: where the cache is (none: ccache's own place) and its record, how large it may grow, that misses go over distcc. */
void ccache_environment(
	const struct project *, struct arena *, struct str folder, struct str stats, bool distributed, struct map *out);
/* The folder that the file asks for on this machine; none where it does not. */
struct str ccache_folder(struct arena *, const struct project *);

/* The most that it may keep, in ccache's words. */
struct str ccache_size(struct arena *, const struct project *);

/* Notes how many compiles of the run came from the cache, where some did or there is more to say. */
void ccache_say_hits(struct run *, struct str more);

#endif
