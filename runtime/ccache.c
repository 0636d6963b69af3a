#include "runtime/ccache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ccache's own record of what came of each call. */
static const char *
stats_log(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "%.*s/log/ccache.stats", STR_ARG(run->folder)).s;
}

static void
put(struct map *out, const char *name, const char *value)
{
	*map_at(out, str_from(name)) = (void *)value;
}

void
ccache_environment(const struct run *run, struct arena *arena, bool distributed, struct map *out)
{
	const struct project *project = run->project;
	const struct cache_settings *set = &project->cache;
	if (distributed)
		put(out, "CCACHE_PREFIX", "distcc");
	if (set->dir.n)
		put(out, "CCACHE_DIR",
			str_printf(arena, "%.*s%s%.*s", *set->dir.s == '/' ? 0 : (int)project->dir.n, project->dir.s,
				*set->dir.s == '/' ? "" : "/", STR_ARG(set->dir))
				.s);
	/* A number alone would be taken as gigabytes. */
	put(out, "CCACHE_MAXSIZE", str_printf(arena, "%lldKi", (long long)(set->size + 1023) / 1024).s);
	put(out, "CCACHE_STATSLOG", stats_log(arena, run));
}

uint64_t
ccache_count_hits(struct arena *arena, const struct run *run)
{
	uint64_t count = 0;
	size_t size = 0;
	char *line = NULL;
	FILE *file = fopen(stats_log(arena, run), "re");
	if (!file)
		return 0;
	while (getline(&line, &size, file) > 0)
		count += strcmp(line, "direct_cache_hit\n") == 0 || strcmp(line, "preprocessed_cache_hit\n") == 0;
	free(line);
	fclose(file);
	return count;
}
