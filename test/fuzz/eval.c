/* Any text as an Edccfile, to the end: a project comes out, or an error is filed. Nothing is run, read or fetched but the text itself: it may include itself as ./again. */
#include "base/arena.h"
#include "project/project.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool
memory_read(void *context, struct arena *arena, const char *path, struct str *text, struct str *error)
{
	if (strcmp(path, "Edccfile") == 0 || strcmp(path, "again") == 0) {
		*text = *(const struct str *)context;
		return true;
	}
	*error = str_printf(arena, "cannot read '%s'", path);
	return false;
}

static bool
memory_glob(void *context, struct arena *arena, const char *dir, struct str pattern, struct words *found, struct str *error)
{
	(void)context, (void)dir, (void)error;
	*found = (struct words){arena_array(arena, struct str, 1), 1};
	found->w[0] = pattern;
	return true;
}

static bool
memory_fetch(void *context, struct arena *arena, const char *url, struct str *text, struct str *error)
{
	(void)context, (void)arena, (void)url, (void)text;
	*error = STR("there is no network");
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str text = {(const char *)bytes, n};
	struct project_files files = {&text, memory_read, memory_glob, memory_fetch};
	char *environment[] = {(char[]){"EDCC_VAR_given=1 2"}, NULL};
	struct override override = {STR("x"), STR("a b"), ORIGIN_COMMAND_LINE};
	struct project_options options = {.file = "Edccfile",
		.overrides = &override,
		.override_count = n % 2,
		.environment = n % 3 ? NULL : environment,
		.files = &files};
	struct arena arena = {0};
	struct sources sources = {0};
	struct diags diags = {.sources = &sources};
	struct project *project = project_load(&arena, &sources, &diags, &options);

	if (!project != (diags.error_count > 0))
		abort();
	if (project) {
		bool *selected = arena_array(&arena, bool, project->build_count);
		if (!project_select(project, (struct words){NULL, 0}, selected, &diags))
			abort();
		for (uint32_t i = 0; i < project->scope_count; i++)
			project_environment(&arena, &project->scopes[i]);
		project_secrets(&arena, project);
		project_print_values(&arena, &sources, project);
		project_free(project);
	}
	diag_clear(&diags);
	sources_free(&sources);
	arena_free(&arena);
	return 0;
}
