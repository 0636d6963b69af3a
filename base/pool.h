/* pool: worker threads that run blocking functions. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

/* One thread now, more as work comes, at most `threads` (from 1). NULL where not even one can be had. */
struct pool *pool_new(size_t threads);
/* Queues run(context, item); first in, first out. */
void pool_submit(struct pool *, void (*run)(void *context, void *item), void *context, void *item);
/* Waits for all that was submitted, ends the threads, frees the pool. */
void pool_free(struct pool *);

#endif
