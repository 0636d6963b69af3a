/* map: names to pointers, in an arena, keeping the order of insertion. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

#include <stdint.h>

struct arena;

struct map_entry {
	struct str key; /* not copied: must outlive the map */
	void *value;
};

/* All zero but for the arena is an empty map. entries[0..count) is in the order of insertion; there is no removal. */
struct map {
	struct arena *arena;
	struct map_entry *entries;
	uint32_t *slots; /* index of an entry + 1, open addressing */
	uint32_t count;
	uint32_t capacity; /* of entries */
	uint32_t slot_count; /* a power of two, or 0 */
};

struct map map_new(struct arena *);
/* The value under the key, or NULL. */
void *map_get(const struct map *, struct str key);
/* Makes room for `count` entries in all at once, where it is known how many will come. */
void map_reserve(struct map *, uint32_t count);
/* A place for the key's value: the one it has, or a new NULL one. Valid until the next map_at. */
void **map_at(struct map *, struct str key);

#endif
