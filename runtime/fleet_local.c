#include "runtime/fleet_local.h"

#include "runtime/distcc.h"
#include "runtime/toolchain.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the compilers may have between TERM and KILL. */
#define GRACE_MS 2000
/* Largest part of a log that is looked at for its last lines. */
#define TAIL_LIMIT ((size_t)64 << 20)

struct str
fleet_canary_folder(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "%.*s/fleet/canary", STR_ARG(run->folder));
}

/* In the environment of all that the fleet consists of: daemons, canaries, and what they run. */
static struct str
mark(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "EDCC_FLEET=%.*s", STR_ARG(run->id));
}

char **
fleet_environment(struct arena *arena, const struct run *run, const char *const *more)
{
	static const char *const kept[] = {"PATH=", "HOME=", "LANG=", "LC_", "TZ=", "SSH_AUTH_SOCK="};
	size_t n = 0, count = 0;
	while (run->environment && run->environment[n])
		n++;
	while (more && more[count])
		count++;
	char **env = arena_array(arena, char *, n + count + 3);
	count = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
			if (strncmp(run->environment[i], kept[k], strlen(kept[k])) == 0)
				env[count++] = run->environment[i];
	env[count++] = str_c(arena, run->mark);
	env[count++] = str_c(arena, mark(arena, run));
	while (more && *more)
		env[count++] = (char *)*more++;
	return env;
}

struct str
fleet_log_tail(struct arena *arena, const char *path, size_t lines)
{
	struct str text, error;
	if (!os_read(arena, path, TAIL_LIMIT, &text, &error))
		return STR("");
	text = str_trim(text);
	size_t from = text.n;
	while (from > 0 && (text.s[from - 1] != '\n' || --lines))
		from--;
	struct str rest = str_part(text, from, text.n), line;
	struct buf tail = buf_new(arena);
	while (str_split(&rest, '\n', &line))
		buf_printf(&tail, "%s%.*s", tail.n ? "; " : "", STR_ARG(line));
	return buf_str(&tail);
}

const char *
fleet_user(uid_t *uid, gid_t *gid)
{
	static const char *const users[] = {"distccd", "nobody"};
	struct passwd entry, *found = NULL;
	char text[4096];
	for (size_t i = 0; geteuid() == 0 && i < sizeof users / sizeof *users; i++) {
		if (getpwnam_r(users[i], &entry, text, sizeof text, &found) != 0 || !found)
			continue;
		*uid = found->pw_uid;
		*gid = found->pw_gid;
		return users[i];
	}
	return NULL;
}

/* Whether any user may go through every folder on the way to the path. */
static bool
open_to_all(struct arena *arena, struct str path)
{
	struct stat status;
	for (size_t i = 1; i <= path.n; i++)
		if ((i == path.n || path.s[i] == '/') &&
			(stat(str_c(arena, str_part(path, 0, i)), &status) < 0 || !(status.st_mode & S_IXOTH)))
			return false;
	return true;
}

struct str
fleet_daemons_folder(struct arena *arena, const struct run *run)
{
	uid_t uid;
	gid_t gid;
	if (fleet_user(&uid, &gid) && !open_to_all(arena, run->folder))
		return str_printf(arena, "/tmp/edcc-%.*s", STR_ARG(run->id));
	return str_printf(arena, "%.*s/fleet", STR_ARG(run->folder));
}

struct str
fleet_commands_file(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "%.*s/compilers", STR_ARG(fleet_daemons_folder(arena, run)));
}

/* --- the folders --- */

struct folders {
	struct str run, daemons;
	struct str client; /* where DISTCC_DIR is not in the run's; none mostly */
};

static void
fill_folders(struct json_writer *json, void *context)
{
	const struct folders *folders = context;
	json_put_text(json, "folder", folders->run);
	json_put_text(json, "daemons", folders->daemons);
	if (folders->client.n)
		json_put_text(json, "client", folders->client);
}

/* What each daemon may run: one absolute path a line. Without a readable list distccd runs anything. */
static struct str
commands_text(struct arena *arena, const struct toolchain *toolchain)
{
	struct words paths = toolchain_paths(arena, toolchain);
	return str_printf(arena, "%.*s\n", STR_ARG(words_join(arena, paths, STR("\n"))));
}

static bool
make_folder(struct str path, mode_t mode, struct failure *failure)
{
	/* Not there before: in /tmp it could be somebody else's. */
	if (mkdir(path.s, mode) == 0 && chmod(path.s, mode) == 0)
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "cannot make the folder '%.*s': %s", STR_ARG(path), strerrordesc_np(errno));
	failure_hint(failure, "edcc needs a place that it may write to and that is not full");
	return false;
}

/* DISTCC_DIR: in the run's folder, or elsewhere with a link to it there, so that it has one name for everybody. */
static bool
make_client(struct arena *arena, const struct run *run, const struct folders *folders, struct failure *failure)
{
	struct str link = distcc_client_folder(arena, run), error;
	if (!folders->client.n)
		return make_folder(link, 0700, failure);
	struct str parent = str_part(folders->client, 0, (size_t)(strrchr(folders->client.s, '/') - folders->client.s));
	if (!os_make_folders(arena, str_c(arena, parent), false, &error)) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
		failure_hint(failure, "'distcc: dir' names a folder that edcc may write to");
		return false;
	}
	if (!make_folder(folders->client, 0700, failure))
		return false;
	if (symlink(folders->client.s, link.s) == 0)
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "cannot make '%.*s': %s", STR_ARG(link), strerrordesc_np(errno));
	return false;
}

static bool
make_folders(struct arena *arena, struct run *run, const struct folders *folders, struct failure *failure)
{
	struct str error, log = str_printf(arena, "%.*s/log", STR_ARG(run->folder)), commands = fleet_commands_file(arena, run);
	struct str canary = fleet_canary_folder(arena, run), temps = distcc_temps_folder(arena, run);
	mode_t mode = geteuid() == 0 ? 0711 : 0700;
	bool apart = !str_eq(folders->run, folders->daemons), daemons = run->plan->world->distccd.n > 0;
	if (!make_folder(folders->run, mode, failure) || (apart && !make_folder(folders->daemons, mode, failure)) ||
		!make_client(arena, run, folders, failure) || !make_folder(canary, 0700, failure) ||
		(run->project->distcc.save_temps && !make_folder(temps, 0700, failure)))
		return false;
	if (os_make_folders(arena, log.s, false, &error) &&
		(!daemons || os_write_atomic(arena, commands.s, commands_text(arena, &run->plan->world->toolchain), 0644, &error)))
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return false;
}

/* With `distcc: dir`: no two runs have one folder, whatever they share. */
static struct str
client_elsewhere(struct arena *arena, const struct run *run)
{
	struct str dir = run->project->distcc.dir;
	if (!dir.n)
		return dir;
	bool absolute = *dir.s == '/';
	return str_printf(arena, "%.*s%s%.*s/edcc-%.*s", STR_ARG(absolute ? STR("") : run->project->dir), absolute ? "" : "/",
		STR_ARG(dir), STR_ARG(run->id));
}

static bool
fleet_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct arena arena = {0};
	struct folders folders = {.run = str_printf(&arena, "%.*s/fleet", STR_ARG(run->folder))};
	folders.client = client_elsewhere(&arena, run);
	folders.daemons = run->plan->world->distccd.n ? fleet_daemons_folder(&arena, run) : folders.run;
	bool done = run_intent(run, action, fill_folders, &folders, failure) && make_folders(&arena, run, &folders, failure);
	arena_free(&arena);
	return done;
}

/* Ends what may still write there (a canary's compile, what a daemon that is gone has left), then removes both folders. */
static bool
fleet_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	(void)result;
	struct arena arena = {0};
	static const char *const names[] = {"client", "folder", "daemons"};
	bool done = true;
	os_end_marked(&arena, mark(&arena, run).s, GRACE_MS);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct str path = json_text(params, names[i], STR(""));
		if (path.n)
			done = failure_remove(failure, &arena, path) && done;
	}
	arena_free(&arena);
	return done;
}

const struct action_type action_fleet = {
	.name = "fleet",
	.section = SECTION_FLEET,
	.undo_text = "remove",
	.run = fleet_run,
	.undo = fleet_undo,
};
