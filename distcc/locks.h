/* locks: what distcc's clients have left in their lock files: which slots there are, and which host is left out for a while. */
#ifndef DISTCC_LOCKS_H
#define DISTCC_LOCKS_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct arena;

/* What distcc's lock files under DISTCC_DIR/lock say of one daemon. */
struct distcc_locks {
	char host[128]; /* as in a job: two daemons on one host differ in their ports only */
	int64_t port; /* 0: over ssh, or this machine */
	int slots; /* as many as were ever in use at once; of localhost that says nothing */
	int64_t failed; /* ms since 1970: when it last failed, 0 where it has not failed since it last compiled: it is left out for DISTCC_BACKOFF_MS */
};
#define DISTCC_BACKOFF_MS ((int64_t)60000)
/* The file that is there while a host with this address (as in host.address) is left out. */
const char *distcc_backoff_path(struct arena *, const char *distcc_dir, struct str address);
/* The same time, from that file alone. */
int64_t distcc_failed(const char *distcc_dir, struct str address);
/* Takes that file away: the host is asked again at once. */
void distcc_forgive(const char *distcc_dir, struct str address);
#define DISTCC_LOCKS_LIMIT 512
size_t distcc_locks_now(const char *distcc_dir, struct distcc_locks *, size_t limit);

#endif
