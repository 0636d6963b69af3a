#include "runtime/site_local.h"

#include "base/arena.h"
#include "runtime/cloud.h"
#include "runtime/distcc.h"
#include "runtime/distcc_watch.h"
#include "runtime/front.h"
#include "runtime/pump.h"
#include "runtime/recipe.h"
#include "runtime/step.h"

/* The user's own environment, and the way to the hosts. */
static void
local_environment(struct run *run, struct arena *arena, struct map *out)
{
	recipe_add_entries(out, run->environment);
	distcc_environment(run, arena, out);
	pump_environment(run, pump_socket(run), out);
	front_environment(arena, run, front_root(arena, run), out);
}

/* The path, seen from here. */
static const char *
below_root(struct run *run, struct arena *arena, struct str path)
{
	if (path.n && *path.s == '/')
		return str_c(arena, path);
	return str_printf(arena, "%.*s/%.*s", STR_ARG(source_root(arena, run)), STR_ARG(path)).s;
}

static bool
local_glob(struct run *run, struct arena *arena, struct str pattern, struct words *found, struct str *error)
{
	if (!os_glob(arena, str_c(arena, source_root(arena, run)), pattern, found, error))
		return false;
	size_t files = 0;
	for (size_t i = 0; i < found->n; i++)
		if (!os_is_folder(below_root(run, arena, found->w[i])))
			found->w[files++] = found->w[i];
	found->n = files;
	return true;
}

static bool
local_is_folder(struct run *run, struct arena *arena, struct str path)
{
	return os_is_folder(below_root(run, arena, path));
}

static bool
local_copy(struct run *run, struct arena *arena, struct str from, const char *to, char *hex, uint64_t *size, struct str *error)
{
	return os_copy_atomic(arena, below_root(run, arena, from), to, hex, size, error);
}

static bool
local_store(
	struct run *run, struct arena *arena, const struct cloud_file *file, struct cloud_stored *stored, struct failure *failure)
{
	struct cloud_file whole = *file;
	const struct cloud *cloud;
	void *account = cloud_account(run, NULL, &cloud, failure);
	whole.path = below_root(run, arena, str_from(file->path));
	return account && cloud->store(account, arena, &whole, stored, failure);
}

static void *
local_watch(struct run *run)
{
	return distcc_watch_start(run);
}

static void
local_unwatch(void *watch)
{
	distcc_watch_stop(watch);
}

/* They are written where they belong. */
static void
local_collect(struct run *run)
{
	(void)run;
}

const struct site site_local = {
	.environment = local_environment,
	.recipe = site_local_recipe,
	.glob = local_glob,
	.is_folder = local_is_folder,
	.copy = local_copy,
	.store = local_store,
	.watch = local_watch,
	.unwatch = local_unwatch,
	.list_hosts = distcc_write_hosts,
	.collect = local_collect,
};
