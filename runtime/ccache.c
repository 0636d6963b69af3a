#include "runtime/ccache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str
ccache_stats_log(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "%.*s/log/ccache.stats", STR_ARG(run->folder));
}

struct str
ccache_folder(struct arena *arena, const struct project *project)
{
	struct str dir = project->cache.dir;
	if (!dir.n || *dir.s == '/')
		return dir;
	return str_printf(arena, "%.*s/%.*s", STR_ARG(project->dir), STR_ARG(dir));
}

static void
put(struct map *out, const char *name, const char *value)
{
	*map_at(out, str_from(name)) = (void *)value;
}

/* ccache takes what follows a '$' for a variable, and knows no other way to write one. */
static void
put_path(struct map *out, const char *name, const char *reference, const char *path)
{
	bool plain = !strchr(path, '$');
	put(out, name, plain ? path : reference);
	if (!plain)
		put(out, reference + 1, path);
}

/* A number alone would be taken as gigabytes. */
struct str
ccache_size(struct arena *arena, const struct project *project)
{
	return str_printf(arena, "%lldKi", (long long)(project->cache.size + 1023) / 1024);
}

void
ccache_environment(
	const struct project *project, struct arena *arena, struct str folder, struct str stats, bool distributed, struct map *out)
{
	if (distributed)
		put(out, "CCACHE_PREFIX", "distcc");
	if (folder.n)
		put_path(out, "CCACHE_DIR", "$EDCC_CACHE", str_c(arena, folder));
	put(out, "CCACHE_MAXSIZE", ccache_size(arena, project).s);
	put_path(out, "CCACHE_STATSLOG", "$EDCC_CACHE_LOG", str_c(arena, stats));
}

static uint64_t
count_hits(struct arena *arena, const struct run *run)
{
	uint64_t count = 0;
	size_t size = 0;
	char *line = NULL;
	FILE *file = fopen(ccache_stats_log(arena, run).s, "re");
	if (!file)
		return 0;
	while (getline(&line, &size, file) > 0)
		count += strcmp(line, "direct_cache_hit\n") == 0 || strcmp(line, "preprocessed_cache_hit\n") == 0;
	free(line);
	fclose(file);
	return count;
}

void
ccache_say_hits(struct run *run, struct str more)
{
	struct arena arena = {NULL};
	unsigned long long hits = count_hits(&arena, run);
	const char *noun = hits == 1 ? "compile" : "compiles";
	if (more.n)
		event_note(run->events, "%llu %s came from ccache (%.*s)", hits, noun, STR_ARG(more));
	else if (hits)
		event_note(run->events, "%llu %s came from ccache", hits, noun);
	arena_free(&arena);
}
