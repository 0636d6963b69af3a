/* source: what is built, where the file names it: a git reference or an archive, put into the run's folder. */
#include "runtime/run.h"
#include "runtime/step.h"

#include "base/fetch.h"
#include "base/hash.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CLONE_TIMEOUT_MS ((int64_t)60 * 60 * 1000)
#define OUTPUT_LIMIT ((size_t)64 << 10)
#define ARCHIVE_LIMIT ((size_t)1 << 30)

bool
source_asked(const struct project *project)
{
	return project->source.git.n || project->source.archive.n;
}

struct str
source_root(struct arena *arena, const struct run *run)
{
	if (source_asked(run->project))
		return str_printf(arena, "%.*s/source", STR_ARG(run->folder));
	return run->project->dir;
}

/* One source in the making. */
struct fetching {
	struct arena arena;
	struct run *run;
	struct str root;
	char **env;
	struct failure *failure;
};

/* Runs a program; false with *says its last line of output. */
static bool
run_program(struct fetching *fetching, const char *dir, const char *const *argv, struct str *says)
{
	struct arena *arena = &fetching->arena;
	struct os_spawn spawn = {.argv = (char *const *)argv, .env = fetching->env, .dir = dir, .capture = true, .own_group = true};
	struct str output, error;
	int status = 0;
	if (!os_run(arena, &spawn, CLONE_TIMEOUT_MS, OUTPUT_LIMIT, &fetching->run->cancel, &status, &output, &error)) {
		*says = error;
		return false;
	}
	output = str_trim(output);
	const char *newline = output.n ? memrchr(output.s, '\n', output.n) : NULL;
	*says = newline ? str_part(output, (size_t)(newline + 1 - output.s), output.n) : output;
	return status == 0;
}

char **
source_environment(struct arena *arena, const struct run *run)
{
	static const char *const added[] = {
		"GIT_TERMINAL_PROMPT=0", "GIT_SSH_COMMAND=ssh -oBatchMode=yes", "GIT_ASKPASS=true", "LC_ALL=C"};
	const size_t added_count = sizeof added / sizeof *added;
	size_t n = 0, count = 0;
	while (run->environment && run->environment[n])
		n++;
	char **env = arena_array(arena, char *, n + added_count + 2);
	for (size_t i = 0; i < n; i++)
		/* A hook's GIT_DIR would lead elsewhere. */
		if (strncmp(run->environment[i], "GIT_DIR=", 8) != 0 && strncmp(run->environment[i], "GIT_WORK_TREE=", 14) != 0 &&
			strncmp(run->environment[i], "GIT_INDEX_FILE=", 15) != 0 &&
			strncmp(run->environment[i], "LC_ALL=", 7) != 0 && strncmp(run->environment[i], "EDCC_RUN=", 9) != 0)
			env[count++] = run->environment[i];
	for (size_t a = 0; a < added_count; a++) {
		size_t length = strcspn(added[a], "=") + 1;
		bool given = false;
		for (size_t i = 0; i < count; i++)
			given |= strncmp(env[i], added[a], length) == 0;
		if (!given)
			env[count++] = (char *)added[a];
	}
	env[count] = str_c(arena, run->mark);
	return env;
}

/* --- git --- */

static bool
fail_git(struct fetching *fetching, struct str says)
{
	const struct source_settings *set = &fetching->run->project->source;
	failure_set(fetching->failure, EXIT_STATUS_PROVIDER, "cannot get %.*s of '%.*s': %.*s", STR_ARG(set->ref),
		STR_ARG(set->git), STR_ARG(says));
	failure_hint(
		fetching->failure, "try 'git ls-remote %.*s'; git must get there without asking for a password", STR_ARG(set->git));
	return false;
}

/* One commit deep where the server lets have it by that name, else all of it. */
static bool
fetch_commit(struct fetching *fetching)
{
	struct arena *arena = &fetching->arena;
	const struct project *project = fetching->run->project;
	struct str says = STR(""), beside = str_printf(arena, "%.*s/%.*s", STR_ARG(project->dir), STR_ARG(project->source.git));
	const char *dir = fetching->root.s, *ref = str_c(arena, project->source.ref);
	/* A repository beside the Edccfile, which git would look for below the new one. */
	const char *url = os_is_folder(beside.s) ? beside.s : str_c(arena, project->source.git);
	if (*ref == '-' || *url == '-')
		return fail_git(fetching, STR("neither may begin with '-'"));
	if (!run_program(fetching, dir, (const char *const[]){"git", "init", "--quiet", NULL}, &says) ||
		!run_program(fetching, dir, (const char *const[]){"git", "remote", "add", "origin", url, NULL}, &says))
		return fail_git(fetching, says);
	const char *found = "FETCH_HEAD";
	if (!run_program(
		    fetching, dir, (const char *const[]){"git", "fetch", "--quiet", "--depth=1", "origin", ref, NULL}, &says)) {
		if (os_cancel_raised(&fetching->run->cancel))
			return fail_git(fetching, says);
		struct str ignored;
		/* Only for the abbreviated or unadvertised commit is this of use; what it says is worse than what was said. */
		if (!run_program(
			    fetching, dir, (const char *const[]){"git", "fetch", "--quiet", "--tags", "origin", NULL}, &ignored))
			return fail_git(fetching, says);
		found = ref;
	}
	if (!run_program(fetching, dir, (const char *const[]){"git", "checkout", "--quiet", "--detach", found, NULL}, &says))
		return fail_git(fetching, says);
	struct str modules = str_printf(arena, "%s/.gitmodules", dir);
	if (os_is_file(modules.s) &&
		!run_program(fetching, dir,
			(const char *const[]){"git", "submodule", "--quiet", "update", "--init", "--recursive", "--depth=1", NULL},
			&says))
		return fail_git(fetching, says);
	return true;
}

/* --- archive --- */

static bool
fail_archive(struct fetching *fetching, struct str says, const char *hint)
{
	failure_set(fetching->failure, EXIT_STATUS_PROVIDER, "cannot unpack '%.*s': %.*s",
		STR_ARG(fetching->run->project->source.archive), STR_ARG(says));
	failure_hint(fetching->failure, "%s", hint);
	return false;
}

/* The archive as a file: fetched where it is a URL. */
static bool
get_archive(struct fetching *fetching, const char **path)
{
	struct arena *arena = &fetching->arena;
	const struct project *project = fetching->run->project;
	struct str archive = project->source.archive, body, error;
	if (!str_starts(archive, STR("https://"))) {
		*path = *archive.s == '/' ? str_c(arena, archive)
					  : str_printf(arena, "%.*s/%.*s", STR_ARG(project->dir), STR_ARG(archive)).s;
		return os_is_file(*path) ||
		       fail_archive(fetching, STR("there is no such file"), "paths are relative to the Edccfile's folder");
	}
	*path = str_printf(arena, "%.*s.archive", STR_ARG(fetching->root)).s;
	if (!fetch_get(arena, str_c(arena, archive), ARCHIVE_LIMIT, &body, &error) ||
		!os_write_atomic(arena, *path, body, 0600, &error))
		return fail_archive(fetching, error, "the archive must be there without a password");
	return true;
}

static bool
check_digest(struct fetching *fetching, const char *path)
{
	struct arena *arena = &fetching->arena;
	struct str asked = fetching->run->project->source.sha256, error;
	char hex[HASH_HEX_LENGTH + 1];
	bool fetched = str_starts(fetching->run->project->source.archive, STR("https://"));
	if (!asked.n && !fetched)
		return true;
	if (!os_hash_file(arena, path, hex, &error))
		return fail_archive(fetching, error, "");
	if (asked.n == HASH_HEX_LENGTH && strncasecmp(asked.s, hex, HASH_HEX_LENGTH) == 0)
		return true;
	if (!asked.n)
		return fail_archive(fetching, STR("it has no 'sha256' in the file, so anything could be in it"),
			str_printf(arena, "if this is the right one, write: sha256 = %s", hex).s);
	return fail_archive(fetching, str_printf(arena, "its sha256 is %s, not %.*s", hex, STR_ARG(asked)),
		"it is another file than the one that was meant: look at it before changing the digest");
}

/* The one folder that archives of releases have at their top, where there is nothing beside it. */
static struct str
only_folder(struct arena *arena, struct str root)
{
	struct str only = {NULL, 0};
	size_t count = 0;
	DIR *dir = opendir(root.s);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		only = str_printf(arena, "%.*s/%s", STR_ARG(root), entry->d_name);
	}
	if (dir)
		closedir(dir);
	struct stat status;
	return count == 1 && lstat(only.s, &status) == 0 && S_ISDIR(status.st_mode) ? only : (struct str){NULL, 0};
}

/* Unpacks beside the place and moves the tree there: releases have it one folder down. */
static bool
unpack(struct fetching *fetching)
{
	struct arena *arena = &fetching->arena;
	struct str beside = str_printf(arena, "%.*s.unpacked", STR_ARG(fetching->root)), says;
	const char *path = NULL;
	if (!get_archive(fetching, &path) || !check_digest(fetching, path))
		return false;
	if (!os_make_folders(arena, beside.s, false, &says))
		return fail_archive(fetching, says, "");
	if (!run_program(
		    fetching, beside.s, (const char *const[]){"tar", "--extract", "--no-same-owner", "--file", path, NULL}, &says))
		return fail_archive(fetching, says, "it must be a tar archive, compressed as tar knows it");
	struct str only = only_folder(arena, beside);
	if (rename(only.n ? only.s : beside.s, fetching->root.s) < 0)
		return fail_archive(fetching, STR("the unpacked tree cannot be moved"), "");
	return os_remove_tree(arena, beside.s, &says) || fail_archive(fetching, says, "");
}

/* --- the action --- */

static void
fill_folder(struct json_writer *json, void *context)
{
	const struct fetching *fetching = context;
	json_put_text(json, "folder", fetching->root);
}

static bool
source_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct fetching fetching = {.run = run, .failure = failure};
	struct str error;
	fetching.root = source_root(&fetching.arena, run);
	fetching.env = source_environment(&fetching.arena, run);
	bool done = run_intent(run, action, fill_folder, &fetching, failure);
	if (done && !os_make_folders(&fetching.arena, fetching.root.s, false, &error)) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
		done = false;
	}
	done = done && (run->project->source.git.n ? fetch_commit(&fetching) : unpack(&fetching)) &&
	       run_done(run, action, NULL, NULL, failure);
	arena_free(&fetching.arena);
	return done;
}

static bool
source_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	(void)run;
	(void)result;
	static const char *const parts[] = {"", ".archive", ".unpacked"};
	struct arena arena = {0};
	struct str folder = json_text(params, "folder", STR(""));
	bool done = true;
	for (size_t i = 0; folder.n && i < sizeof parts / sizeof *parts; i++)
		done = failure_remove(failure, &arena, str_printf(&arena, "%.*s%s", STR_ARG(folder), parts[i])) && done;
	arena_free(&arena);
	return done;
}

const struct action_type action_source = {
	.name = "source",
	.section = SECTION_SETUP,
	.undo_text = "remove",
	.run = source_run,
	.undo = source_undo,
};
