/* arena: memory that is given back all at once. One arena lives as long as the run, others are scratch. Not thread safe: one thread, one arena. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* All zero is an empty arena. */
struct arena {
	struct arena_chunk *top;
};

/* A place to go back to with arena_reset. */
struct arena_mark {
	struct arena_chunk *chunk;
	size_t used;
};

/* Zeroed memory, aligned for pointers and 64-bit numbers. Never NULL: when the system refuses memory the process ends with a message (os_exhausted). */
void *arena_alloc(struct arena *, size_t size);

/* The same without zeroing and with an alignment of one: for text. */
char *arena_text(struct arena *, size_t size);

/* Grows the block `old` from old_size to new_size bytes, in place where it is the newest, else by a copy. New bytes are not zeroed. */
void *arena_grow(struct arena *, void *old, size_t old_size, size_t new_size);

/* Room for one more item behind the n of an array that grows by this alone, from NULL on: its capacity is the power of two at or above n. */
void *arena_more(struct arena *, void *items, size_t n, size_t item_size);

struct arena_mark arena_mark(const struct arena *);

/* Gives back everything allocated since the mark; in tests the bytes are poisoned. */
void arena_reset(struct arena *, struct arena_mark);

/* Gives everything back; the arena is empty and usable again. */
void arena_free(struct arena *);
/* The same, overwriting everything first: for secrets. */
void arena_wipe(struct arena *);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))

#endif
