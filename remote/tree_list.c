/* Which files a source tree has: what git sees, or all there are. */
#include "remote/tree.h"

#include "runtime/step.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS_LIMIT ((size_t)256 << 20)
#define WORDS_LIMIT ((size_t)4096)
#define GIT_TIMEOUT_MS ((int64_t)10 * 60 * 1000)

struct lister {
	struct arena *arena;
	struct run *run;
	char **env;
	struct str root;
	struct str state; /* the state folder from there; none where it is elsewhere */
	struct words paths;
	struct failure *failure;
};

static const char *
absolute(const struct lister *lister, struct str path)
{
	return str_printf(lister->arena, "%.*s/%.*s", STR_ARG(lister->root), STR_ARG(path)).s;
}

static bool
is_state(const struct lister *lister, struct str path)
{
	return lister->state.n && str_starts(path, lister->state) && (path.n == lister->state.n || path.s[lister->state.n] == '/');
}

/* --- git --- */

enum git_end {
	GIT_DONE,
	GIT_NONE, /* no git, or no work tree of its */
	GIT_FAILED, /* with the failure */
};

static struct str
words_in(struct arena *arena, int fd)
{
	char *bytes = arena_text(arena, WORDS_LIMIT);
	ssize_t n = pread(fd, bytes, WORDS_LIMIT, 0);
	return str_trim((struct str){bytes, n > 0 ? (size_t)n : 0});
}

static enum git_end
ask_git(struct lister *lister, const char *dir, struct str *output)
{
	static const char *const argv[] = {"git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", NULL};
	struct os_spawn spawn = {.argv = (char *const *)(uintptr_t)argv,
		.env = lister->env,
		.dir = dir,
		.capture = true,
		.output_only = true,
		.error_fd = os_text_fd(STR("")),
		.own_group = true};
	struct str error = {NULL, 0};
	int status = 0;
	if (!os_which(lister->arena, "git").n)
		return GIT_NONE;
	bool ended = os_run(lister->arena, &spawn, GIT_TIMEOUT_MS, PATHS_LIMIT, &lister->run->cancel, &status, output, &error);
	struct str says = words_in(lister->arena, spawn.error_fd);
	close(spawn.error_fd);
	if (ended && status == 0)
		return GIT_DONE;
	if (ended && says.n && memmem(says.s, says.n, "not a git repository", 20))
		return GIT_NONE;
	failure_set(lister->failure, EXIT_STATUS_PROVIDER, "git does not say what is in '%s': %.*s", dir,
		STR_ARG(ended ? str_part(says, 0, str_find(says, '\n')) : error));
	failure_hint(lister->failure, "try 'git -C %s ls-files'", dir);
	return GIT_FAILED;
}

/* What git names a folder is a work tree of its own: a submodule, or one that is not known to it. */
static enum git_end
list_git(struct lister *lister, struct str prefix)
{
	struct str output, path;
	enum git_end end = ask_git(lister, absolute(lister, prefix), &output);
	while (end == GIT_DONE && output.n && str_split(&output, 0, &path)) {
		struct stat status;
		struct str whole = str_printf(lister->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(path));
		if (!path.n || is_state(lister, whole) || lstat(absolute(lister, whole), &status) < 0)
			continue;
		if (!S_ISDIR(status.st_mode)) {
			words_add(lister->arena, &lister->paths, whole);
			continue;
		}
		struct str folder = str_printf(lister->arena, "%.*s%s", STR_ARG(whole), str_ends(whole, STR("/")) ? "" : "/");
		/* A submodule that was not checked out is an empty folder, where git would answer for what is around it. */
		if (access(absolute(lister, str_printf(lister->arena, "%.*s.git", STR_ARG(folder))), F_OK) == 0)
			end = list_git(lister, folder);
	}
	return end;
}

/* --- without it --- */

static bool
list_folder(struct lister *lister, struct str prefix)
{
	const char *folder = absolute(lister, prefix);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool done = dir != NULL;
	if (!dir)
		failure_set(
			lister->failure, EXIT_STATUS_PROVIDER, "cannot read the folder '%s': %s", folder, strerrordesc_np(errno));
	while (done && (entry = readdir(dir))) {
		struct stat status;
		struct str path = str_printf(lister->arena, "%.*s%s", STR_ARG(prefix), entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, ".git") == 0 ||
			is_state(lister, path) || lstat(absolute(lister, path), &status) < 0)
			continue;
		if (S_ISDIR(status.st_mode))
			done = list_folder(lister, str_printf(lister->arena, "%s/", path.s));
		else
			words_add(lister->arena, &lister->paths, path);
	}
	if (dir)
		closedir(dir);
	return done;
}

bool
tree_list(struct run *run, struct arena *arena, struct words *paths, struct failure *failure)
{
	struct lister lister = {.arena = arena, .run = run, .failure = failure, .env = source_environment(arena, run)};
	lister.root = source_root(arena, run);
	struct str inside = str_printf(arena, "%.*s/", STR_ARG(lister.root));
	if (str_starts(run->state, inside))
		lister.state = str_part(run->state, inside.n, run->state.n);
	/* An unpacked archive lies within the state folder, of which the project's own git knows nothing. */
	bool own = !source_asked(run->project) || run->project->source.git.n;
	enum git_end end = own ? list_git(&lister, STR("")) : GIT_NONE;
	bool done = end != GIT_FAILED;
	/* Where git ignores all of it, it is none of git's. */
	if (end == GIT_NONE || (done && !lister.paths.n))
		done = list_folder(&lister, STR(""));
	*paths = lister.paths;
	return done;
}
