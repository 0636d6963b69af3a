#include "hosts/zeroconf.h"

#include "base/arena.h"
#include "base/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first call starts a process that listens, and sleeps for a second; what that process knows by then it shows, and more a moment later. */
#define CALLS 2
#define CALL_MS 5000
#define GRACE_MS 500
#define OUTPUT_LIMIT ((size_t)64 << 10)

/* What is called for one search: a folder of its own, and a mark in the environment to find distcc's process by, which would listen for twenty seconds more. */
struct search {
	struct arena *arena;
	struct str distcc;
	char folder[32];
	char **environment;
	struct str mark;
};

static void
set_environment(struct search *search, char *const *environment)
{
	struct arena *arena = search->arena;
	size_t n = 0, count = 0;
	while (environment[count])
		count++;
	search->environment = arena_array(arena, char *, count + 4);
	for (size_t i = 0; i < count; i++)
		if (strncmp(environment[i], "DISTCC_", 7) != 0)
			search->environment[n++] = environment[i];
	search->mark = str_printf(arena, "EDCC_ZEROCONF=%s", search->folder);
	search->environment[n++] = str_c(arena, search->mark);
	search->environment[n++] = str_c(arena, str_printf(arena, "DISTCC_DIR=%s", search->folder));
	search->environment[n++] = "DISTCC_HOSTS=+zeroconf";
	search->environment[n] = NULL;
}

/* One call's words. False with why. */
static bool
call(struct search *search, struct words *found, struct str *why)
{
	static const struct os_cancel never = {.fd = -1};
	char *argv[] = {str_c(search->arena, search->distcc), "--show-hosts", NULL};
	struct os_spawn spawn = {.argv = argv, .env = search->environment, .capture = true, .own_group = true};
	struct str output, line;
	int status = 0;
	*found = (struct words){0};
	if (!os_run(search->arena, &spawn, CALL_MS, OUTPUT_LIMIT, &never, &status, &output, why))
		return false;
	while (str_split(&output, '\n', &line)) {
		line = str_trim(line);
		/* One that does not know the word takes it for a machine's name. */
		if (str_starts(line, STR("+zeroconf"))) {
			*why = STR("this distcc was built without avahi");
			return false;
		}
		if (line.n && !str_starts(line, STR("distcc[")))
			words_add(search->arena, found, line);
	}
	return true;
}

static int
compare(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* All calls of one search. False with why. */
static bool
ask(struct search *search, struct words *found, struct str *why)
{
	*why = STR("nothing announces itself on the network now");
	for (int i = 0; i < CALLS; i++) {
		if (i)
			usleep(500 * 1000);
		if (!call(search, found, why))
			return false;
		if (found->n)
			return true;
	}
	return false;
}

bool
zeroconf_find(
	struct arena *arena, struct str distcc, char *const *environment, struct host_spec **hosts, size_t *count, struct str *why)
{
	struct search search = {.arena = arena, .distcc = distcc, .folder = "/tmp/edcc-zeroconf-XXXXXX"};
	struct words found = {0};
	struct host_fault fault;
	struct str error;
	*count = 0;
	if (!mkdtemp(search.folder)) {
		*why = str_printf(arena, "cannot make a folder in /tmp: %s", strerrordesc_np(errno));
		return false;
	}
	set_environment(&search, environment);
	bool some = ask(&search, &found, why);
	os_end_marked(arena, search.mark.s, GRACE_MS);
	os_remove_tree(arena, search.folder, &error);
	if (!some)
		return false;
	qsort(found.w, found.n, sizeof *found.w, compare);
	*hosts = arena_array(arena, struct host_spec, found.n);
	for (size_t i = 0; i < found.n; i++)
		*count += host_parse(arena, found.w[i], &(*hosts)[*count], &fault);
	return *count > 0;
}
