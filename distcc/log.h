/* log: what distcc's own logs say that it did: the daemon's on a host, and the clients'. Facts and their measurements: doc/distcc.md. */
#ifndef DISTCC_LOG_H
#define DISTCC_LOG_H

#include "base/map.h"
#include "base/str.h"

#include <stdint.h>

/* How many compiles a host's own log says it did, but for those of a file called so. */
uint64_t distcc_count_host(const char *log_path, const char *but);

/* What became of -march=native and its like: of so many compiles it was these flags, or it was left as it is, and why. */
struct native {
	uint64_t count;
	struct str flags, why;
};

/* Compiles that ran on this machine, with the reasons, from the client's log. */
struct local_compiles {
	uint64_t count, fallbacks; /* fallbacks: those of them that hosts should have done */
	uint64_t remote; /* compiles that hosts have answered */
	struct map answers; /* how many of these each one: its address, as in host.address → uint64_t * */
	struct map reasons; /* "-march=native" → count as uint64_t * */
	struct map natives; /* "gcc-12 -march=native", what the words were of a call that front.sh looked at → struct native * */
	struct map others; /* calls that distcc is not meant to distribute: "linking" → count */
	struct map hosts; /* for distcc_failures_of */
};
/* A client's log, read as it grows. */
struct distcc_log;
struct distcc_log *distcc_log_open(struct str path);
void distcc_log_close(struct distcc_log *);
/* Reads what has come since; the counts are the log's, good until the next call. No log is an empty one. */
const struct local_compiles *distcc_log_read(struct distcc_log *);
/* Takes whole lines of a log that is elsewhere. */
void distcc_log_take(struct distcc_log *, struct str lines);

/* How often a host was given up by a client: for what went wrong there or on the way, and for what went wrong on the client's own machine. */
struct distcc_failures {
	uint64_t theirs, ours;
};
struct distcc_failures distcc_failures_of(const struct local_compiles *, struct str address);

#endif
