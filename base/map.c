#include "base/map.h"
#include "base/arena.h"
#include "base/os.h"

#include <string.h>

/* Up to this many names a look at each is faster than a hash, and needs no slots. */
#define MAP_SMALL 8

/* The wide product folded: every bit of either factor moves every bit of the result. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes a step; the constants are odd and random. */
static uint64_t
hash_of(struct str key)
{
	uint64_t hash = 0x9E3779B97F4A7C15u ^ key.n, word;
	for (; key.n >= sizeof word; key.s += sizeof word, key.n -= sizeof word) {
		memcpy(&word, key.s, sizeof word);
		hash = mix(hash ^ word, 0xD6E8FEB86659FD93u);
	}
	word = 0;
	if (key.n)
		memcpy(&word, key.s, key.n);
	return mix(hash ^ word, 0xA0761D6478BD642Fu);
}

struct map
map_new(struct arena *arena)
{
	return (struct map){.arena = arena};
}

/* The slot that holds the key or is free for it. */
static uint32_t *
slot_for(const struct map *map, struct str key)
{
	uint32_t mask = map->slot_count - 1;
	for (uint32_t i = (uint32_t)hash_of(key) & mask;; i = (i + 1) & mask) {
		uint32_t *slot = &map->slots[i];
		if (*slot == 0 || str_eq(map->entries[*slot - 1].key, key))
			return slot;
	}
}

static struct map_entry *
find(const struct map *map, struct str key)
{
	if (map->slot_count) {
		uint32_t *slot = slot_for(map, key);
		return *slot ? &map->entries[*slot - 1] : NULL;
	}
	for (uint32_t i = 0; i < map->count; i++)
		if (str_eq(map->entries[i].key, key))
			return &map->entries[i];
	return NULL;
}

void *
map_get(const struct map *map, struct str key)
{
	struct map_entry *entry = find(map, key);
	return entry ? entry->value : NULL;
}

/* Slots so many that the entries fill less than three quarters of them, each entry put into its own anew. */
static void
grow_slots(struct map *map, uint32_t count)
{
	uint32_t before = map->slot_count, slots = before ? before : MAP_SMALL * 4;
	while (count >= slots / 4 * 3)
		slots *= 2;
	map->slots = arena_grow(map->arena, map->slots, before * sizeof *map->slots, slots * sizeof *map->slots);
	map->slot_count = slots;
	memset(map->slots, 0, slots * sizeof *map->slots);
	for (uint32_t i = 0; i < map->count; i++)
		*slot_for(map, map->entries[i].key) = i + 1;
}

void
map_reserve(struct map *map, uint32_t count)
{
	if (count >= UINT32_MAX / 4)
		os_exhausted();
	if (count > map->capacity) {
		map->entries =
			arena_grow(map->arena, map->entries, map->capacity * sizeof *map->entries, count * sizeof *map->entries);
		map->capacity = count;
	}
	if (count > MAP_SMALL && count >= map->slot_count / 4 * 3)
		grow_slots(map, count);
}

void **
map_at(struct map *map, struct str key)
{
	struct map_entry *entry = find(map, key);
	if (entry)
		return &entry->value;
	if (map->count == map->capacity)
		map_reserve(map, map->count ? map->count * 2 : MAP_SMALL / 2);
	if (map->slot_count)
		*slot_for(map, key) = map->count + 1;
	entry = &map->entries[map->count++];
	*entry = (struct map_entry){key, NULL};
	return &entry->value;
}
