#include "project/project.h"

#include "base/fetch.h"
#include "base/os.h"
#include "project/build.h"
#include "project/condition.h"
#include "project/eval.h"
#include "project/expand.h"
#include "project/fleet.h"
#include "project/habits.h"
#include "project/untaken.h"

#include <stdlib.h>
#include <string.h>

/* Most bytes that an include from the network may have. */
#define FETCH_LIMIT ((size_t)4 << 20)
/* Of a project's name. */
#define NAME_LIMIT 64

static bool
disk_read(void *context, struct arena *arena, const char *path, struct str *text, struct str *error)
{
	(void)context;
	return os_read(arena, path, SOURCE_LIMIT, text, error);
}

static bool
disk_glob(void *context, struct arena *arena, const char *dir, struct str pattern, struct words *found, struct str *error)
{
	(void)context;
	return os_glob(arena, dir, pattern, found, error);
}

static bool
network_fetch(void *context, struct arena *arena, const char *url, struct str *text, struct str *error)
{
	(void)context;
	return fetch_get(arena, url, FETCH_LIMIT, text, error);
}

static const struct project_files disk = {NULL, disk_read, disk_glob, network_fetch};

/* The folder of the file, absolute. */
static struct str
folder_of(struct arena *arena, const char *file)
{
	struct str path = str_from(file);
	char *real;

	while (path.n && path.s[path.n - 1] != '/')
		path.n--;
	real = realpath(path.n ? str_c(arena, path) : ".", NULL);
	struct str folder = real ? str_dup(arena, str_from(real)) : load_join(arena, STR("/"), path);
	free(real);
	return folder;
}

/* $XDG_CACHE_HOME/edcc/include; none where there is no home. */
static struct str
cache_of(struct loader *l)
{
	struct str base = load_environment(l, STR("XDG_CACHE_HOME"));

	if (base.n && *base.s == '/')
		return load_join(&l->scratch, base, STR("edcc/include"));
	base = load_environment(l, STR("HOME"));
	return base.n ? load_join(&l->scratch, base, STR(".cache/edcc/include")) : (struct str){NULL, 0};
}

static void
add_given(struct loader *l, const struct override *override)
{
	void **at = map_at(&l->givens, override->name);
	struct given *given = *at;

	/* The first kind counts, and of one kind the last. */
	if (given && given->override->origin != override->origin)
		return;
	if (!given)
		*at = given = arena_new(&l->scratch, struct given);
	given->override = override;
}

/* What the command line, variable files and the environment give, in this order of precedence. */
static void
add_givens(struct loader *l)
{
	static const struct str prefix = {"EDCC_VAR_", 9};

	l->givens = map_new(&l->scratch);
	for (size_t i = 0; i < l->options->override_count; i++)
		add_given(l, &l->options->overrides[i]);
	for (char *const *at = l->options->environment; at && *at; at++) {
		struct str entry = str_from(*at);
		size_t equals = str_find(entry, '=');
		if (!str_starts(entry, prefix) || equals <= prefix.n || equals == entry.n)
			continue;
		struct override *override = arena_new(&l->scratch, struct override);
		*override = (struct override){
			str_part(entry, prefix.n, equals), str_part(entry, equals + 1, entry.n), ORIGIN_ENVIRONMENT};
		add_given(l, override);
	}
}

/* The scopes as the rest of the program sees them. */
static void
add_scopes(struct loader *l, struct project *project)
{
	project->scope_count = l->space_count;
	project->scopes = arena_array(l->arena, struct scope, l->space_count);
	for (uint32_t i = 0; i < l->space_count; i++) {
		const struct space *space = l->spaces[i];
		project->scopes[i] = (struct scope){
			.parent = space->parent ? &project->scopes[space->parent->index] : NULL,
			.name = space->name,
			.variables = space->variables,
			.count = space->count,
		};
	}
}

static bool
may_name(char c)
{
	return c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", c);
}

/* The last component of the folder's path, with what no project may have in its name as '-': fmt-9.1.0-ds1. */
static struct str
name_of_folder(struct loader *l)
{
	struct str name = l->dir;
	while (str_find(name, '/') < name.n)
		name = str_part(name, str_find(name, '/') + 1, name.n);
	char *text = str_c(l->arena, str_part(name, 0, NAME_LIMIT));
	for (char *c = text; *c; c++)
		*c = may_name(*c) ? *c : '-';
	return str_from(text);
}

/* The variable `project`, or the name of the folder. */
static void
name_project(struct loader *l, struct project *project)
{
	const struct variable *variable = eval_find(l, l->spaces[0], STR("project"));
	struct str name = variable && !variable->value.unknown ? eval_text(l, &variable->value) : name_of_folder(l);
	bool right = name.n > 0 && name.n <= NAME_LIMIT;

	project->name = name;
	for (size_t i = 0; i < name.n && right; i++)
		right = may_name(name.s[i]);
	if (variable && variable->value.secret) {
		diag_error(l->diags, variable->span, "the project's name cannot be secret: it is shown everywhere");
		return;
	}
	if (right || (variable && variable->value.unknown))
		return;
	struct diag *diag =
		diag_error(l->diags, variable ? variable->span : SPAN_NONE, "'%.*s' cannot be a project's name", STR_ARG(name));
	diag_hint(diag, "a project's name is 1 to 64 letters, digits, dots, _ and -%s",
		variable ? "" : "; without the variable 'project' it is that of the folder");
}

static void
evaluate(struct loader *l, const struct unit *unit, struct project *project)
{
	struct merges merges = {0};

	collect_all(l, unit);
	if (l->incomplete)
		return;
	eval_variables(l);
	collect_check(l);
	add_scopes(l, project);
	name_project(l, project);
	merge_blocks(l, &merges);
	fleet_all(l, &merges, project);
	habits_of_variables(l, project);
	build_all(l, &merges, project);
	untaken_check(l);
}

struct project *
project_load(struct arena *arena, struct sources *sources, struct diags *diags, const struct project_options *options)
{
	struct loader l = {.arena = arena, .sources = sources, .diags = diags, .options = options};
	struct project *project = arena_new(arena, struct project);
	size_t errors = diags->error_count;

	l.files = options->files ? options->files : &disk;
	l.dir = folder_of(arena, options->file);
	l.cache = options->files ? (struct str){NULL, 0} : cache_of(&l);
	l.units = map_new(&l.scratch);
	l.expander = expand_new(&l);
	l.evaluator = eval_new(&l);
	add_givens(&l);
	const struct unit *unit = load_edccfile(&l);
	project->file = str_dup(arena, str_from(options->file));
	project->dir = l.dir;
	project->overrides = options->overrides;
	project->override_count = options->override_count;
	if (unit)
		evaluate(&l, unit, project);
	project->inputs = l.inputs;
	project->input_count = l.input_count;
	arena_free(&l.scratch);
	if (diags->error_count == errors)
		return project;
	project_free(project);
	return NULL;
}

void
project_free(struct project *project)
{
	for (uint32_t i = 0; i < project->build_count; i++)
		for (uint32_t j = 0; j < project->builds[i].rule_count; j++)
			condition_free(project->builds[i].rules[j].test);
}
