/* project: an Edccfile in memory, loaded; other files may stand beside it. */
#ifndef TEST_PROJECT_H
#define TEST_PROJECT_H

#include "base/arena.h"
#include "project/project.h"

#include "test/unit/unit.h"

struct memory {
	struct arena arena;
	struct sources sources;
	struct diags diags;
	struct map files; /* path → struct str * */
	struct project *project;
};

static inline bool
memory_read(void *context, struct arena *arena, const char *path, struct str *text, struct str *error)
{
	const struct memory *memory = context;
	const struct str *file = map_get(&memory->files, str_from(path));

	if (file)
		*text = *file;
	else
		*error = str_printf(arena, "cannot read '%s'", path);
	return file != NULL;
}

static inline void
memory_add(struct memory *memory, const char *path, const char *text)
{
	struct str *file = arena_new(&memory->arena, struct str);

	memory->files.arena = &memory->arena;
	*file = str_from(text);
	*map_at(&memory->files, str_from(path)) = file;
}

/* Loads the text as the Edccfile; NULL where there are errors, which memory->diags has. */
static inline struct project *
memory_load(struct memory *memory, const char *text)
{
	struct project_files files = {memory, memory_read, NULL, NULL};
	struct project_options options = {.file = "Edccfile", .files = &files};

	memory->diags.sources = &memory->sources;
	memory_add(memory, "Edccfile", text);
	memory->project = project_load(&memory->arena, &memory->sources, &memory->diags, &options);
	return memory->project;
}

static inline void
memory_free(struct memory *memory)
{
	if (memory->project)
		project_free(memory->project);
	diag_clear(&memory->diags);
	sources_free(&memory->sources);
	arena_free(&memory->arena);
}

#endif
