#include "base/arena.h"
#include "base/os.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON
#endif
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(bytes, size) ((void)(bytes), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(bytes, size) ((void)(bytes), (void)(size))
#endif

/* Enough for pointers and 64-bit numbers; nothing here has a long double. */
#define ARENA_ALIGN alignof(uint64_t)
#define ARENA_FIRST ((size_t)4 << 10)
#define ARENA_MOST ((size_t)1 << 20)
/* A block from this size on has a chunk of its own, which arena_grow can realloc: the system then moves pages, not bytes. */
#define ARENA_BIG (ARENA_MOST / 4)

/* The bytes stand apart from the header so that marks stay good where a big block moves. */
struct arena_chunk {
	struct arena_chunk *below;
	char *bytes;
	size_t used;
	size_t capacity;
};

static struct arena_chunk *
chunk_push(struct arena *arena, size_t capacity)
{
	struct arena_chunk *chunk = malloc(sizeof *chunk);
	char *bytes = malloc(capacity);
	if (!chunk || !bytes)
		os_exhausted();
	*chunk = (struct arena_chunk){.below = arena->top, .bytes = bytes, .capacity = capacity};
	ASAN_POISON_MEMORY_REGION(bytes, capacity);
	arena->top = chunk;
	return chunk;
}

static void
chunk_pop(struct arena *arena)
{
	struct arena_chunk *chunk = arena->top;
	arena->top = chunk->below;
	ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->capacity);
	free(chunk->bytes);
	free(chunk);
}

/* A chunk with room for `size` bytes at its start. */
static struct arena_chunk *
chunk_for(struct arena *arena, size_t size)
{
	if (size >= ARENA_BIG)
		return chunk_push(arena, size);
	size_t capacity = arena->top ? arena->top->capacity * 2 : ARENA_FIRST;
	if (capacity > ARENA_MOST)
		capacity = ARENA_MOST;
	while (capacity < size)
		capacity *= 2;
	return chunk_push(arena, capacity);
}

static char *
take(struct arena *arena, size_t size, size_t align)
{
	struct arena_chunk *chunk = arena->top;
	size_t start = chunk ? (chunk->used + align - 1) & ~(align - 1) : 0;
	if (!chunk || start > chunk->capacity || size > chunk->capacity - start) {
		chunk = chunk_for(arena, size);
		start = 0;
	}
	chunk->used = start + size;
	ASAN_UNPOISON_MEMORY_REGION(chunk->bytes + start, size);
	return chunk->bytes + start;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	return memset(take(arena, size, ARENA_ALIGN), 0, size);
}

char *
arena_text(struct arena *arena, size_t size)
{
	return take(arena, size, 1);
}

/* Grows a block that has a chunk of its own; NULL where `old` is no such block. */
static void *
grow_big(struct arena *arena, void *old, size_t old_size, size_t new_size)
{
	struct arena_chunk *chunk = arena->top;
	while (chunk && !(chunk->bytes == old && chunk->used == old_size && chunk->capacity == old_size))
		chunk = chunk->below;
	if (!chunk)
		return NULL;
	char *bytes = realloc(chunk->bytes, new_size);
	if (!bytes)
		os_exhausted();
	chunk->bytes = bytes;
	chunk->used = chunk->capacity = new_size;
	return bytes;
}

void *
arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size)
{
	struct arena_chunk *top = arena->top;
	if (old && top && (char *)old + old_size == top->bytes + top->used && new_size - old_size <= top->capacity - top->used) {
		ASAN_UNPOISON_MEMORY_REGION(top->bytes + top->used, new_size - old_size);
		top->used += new_size - old_size;
		return old;
	}
	void *grown = old_size >= ARENA_BIG ? grow_big(arena, old, old_size, new_size) : NULL;
	if (grown)
		return grown;
	grown = take(arena, new_size, ARENA_ALIGN);
	if (old_size)
		memcpy(grown, old, old_size);
	return grown;
}

void *
arena_more(struct arena *arena, void *items, size_t n, size_t item_size)
{
	if (n & (n - 1))
		return items;
	return arena_grow(arena, items, n * item_size, (n ? 2 * n : 1) * item_size);
}

struct arena_mark
arena_mark(const struct arena *arena)
{
	return (struct arena_mark){arena->top, arena->top ? arena->top->used : 0};
}

void
arena_reset(struct arena *arena, struct arena_mark mark)
{
	while (arena->top && arena->top != mark.chunk)
		chunk_pop(arena);
	if (!arena->top)
		return;
	ASAN_POISON_MEMORY_REGION(arena->top->bytes + mark.used, arena->top->capacity - mark.used);
	arena->top->used = mark.used;
}

void
arena_free(struct arena *arena)
{
	while (arena->top)
		chunk_pop(arena);
}

void
arena_wipe(struct arena *arena)
{
	for (struct arena_chunk *chunk = arena->top; chunk; chunk = chunk->below) {
		ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->capacity);
		explicit_bzero(chunk->bytes, chunk->capacity);
	}
	arena_free(arena);
}
