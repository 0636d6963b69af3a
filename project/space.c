#include "project/space.h"

const struct addition *
addition_next(const struct binding *binding, const struct addition *addition)
{
	if (!binding->additions || addition == binding->additions)
		return NULL;
	return addition ? addition->next : binding->additions->next;
}

struct str
space_qualify(struct arena *arena, const struct space *space, struct str name)
{
	return space->name.n ? str_printf(arena, "%.*s.%.*s", STR_ARG(space->name), STR_ARG(name)) : name;
}

uint32_t
space_find(const struct space *space, struct str name)
{
	return (uint32_t)(uintptr_t)map_get(&space->names, name);
}

struct space *
space_new(struct loader *l, struct space *parent)
{
	struct space *space = arena_new(&l->scratch, struct space);
	struct map empty = map_new(&l->scratch);

	*space = (struct space){.parent = parent, .index = l->space_count};
	space->names = space->included = space->instances = space->ghosts = empty;
	space->missing = arena_new(&l->scratch, struct map);
	*space->missing = empty;
	l->spaces = arena_more(&l->scratch, l->spaces, l->space_count, sizeof *l->spaces);
	l->spaces[l->space_count++] = space;
	return space;
}

void
space_reserve(struct loader *l, struct space *space, uint32_t more)
{
	uint32_t room = space->count + more;

	if (room <= space->capacity)
		return;
	space->variables =
		arena_grow(l->arena, space->variables, space->capacity * sizeof *space->variables, room * sizeof *space->variables);
	space->bindings =
		arena_grow(&l->scratch, space->bindings, space->capacity * sizeof *space->bindings, room * sizeof *space->bindings);
	map_reserve(&space->names, room);
	space->capacity = room;
}

uint32_t
space_at(struct loader *l, struct space *space, struct str name)
{
	if (space->count == space->capacity)
		space_reserve(l, space, space->count / 2 + 8);
	void **place = map_at(&space->names, name);
	if (!*place) {
		space->variables[space->count] = (struct variable){.name = name};
		space->bindings[space->count] = (struct binding){0};
		*place = (void *)(uintptr_t)++space->count;
	}
	return (uint32_t)(uintptr_t)*place;
}
