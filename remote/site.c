/* The table of a machine that is elsewhere, and what its recipes and logs are. */
#include "remote/call.h"

#include "runtime/distcc.h"
#include "runtime/front.h"
#include "runtime/pump.h"

#include <string.h>

#define CLIENT REMOTE_STATE "/distcc"
#define LOGS_TIMEOUT_MS 120000

/* Nothing of the operator's own environment. */
static void
remote_environment(struct run *run, struct arena *arena, struct map *out)
{
	static const char *const entries[] = {
		"HOME=/root",
		"USER=root",
		"LOGNAME=root",
		"SHELL=/bin/bash",
		"LANG=C.UTF-8",
		"PATH=" REMOTE_ROOT "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	};
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		size_t name = strcspn(entries[i], "=");
		*map_at(out, (struct str){entries[i], name}) = (void *)(uintptr_t)(entries[i] + name + 1);
	}
	struct distcc_client client = {
		.folder = STR(CLIENT),
		.log = STR(CLIENT "/client.log"),
		.temps = STR(CLIENT "/temps"),
		.cache = STR(REMOTE_STATE "/ccache"),
		.stats = STR(CLIENT "/ccache.stats"),
	};
	distcc_client_environment(run, arena, &client, out);
	remote_pump_environment(run, out);
	front_environment(arena, run, REMOTE_ROOT, out);
}

bool
remote_send_front(struct remote *remote, struct failure *failure)
{
	struct arena *arena = failure->arena;
	struct front_command list[FRONT_LIMIT + 1];
	struct buf input = buf_new(arena);
	size_t count = front_commands(arena, remote->run, REMOTE_ROOT, list);
	if (!str_is(remote_pump_word(remote->run), "no"))
		list[count++] = (struct front_command){STR("pump.py"), str_from(pump_text)};
	for (size_t i = 0; i < count; i++) {
		buf_add(&input, list[i].path);
		buf_add_byte(&input, 0);
		buf_add(&input, list[i].text);
		buf_add_byte(&input, 0);
	}
	return !count || remote_ask(remote, arena, (const char *const[]){"front", NULL}, buf_str(&input), NULL, failure);
}

/* --- logs --- */

/* "--transform=s,^client\.log$,@distcc.log,": the name that the file has here. */
static const char *
renaming(struct arena *arena, const char *name, struct str path)
{
	return str_printf(arena, "--transform=s,^%s\\.log$,%s,", name, strrchr(str_c(arena, path), '/') + 1).s;
}

/* Unpacks what came, and gives the clients' log and the include server's their names. */
static bool
unpack_logs(struct run *run, struct arena *arena, const char *archive, struct str *error)
{
	struct str folder = str_printf(arena, "%.*s/log", STR_ARG(run->folder));
	const char *const argv[] = {"tar", "--extract", "--no-same-owner", "--file", archive,
		renaming(arena, "client", distcc_client_log(arena, run)), renaming(arena, "pump", pump_log(arena, run)), NULL};
	struct os_spawn spawn = {.argv = (char *const *)argv,
		.env = (char *const *)run->environment,
		.dir = folder.s,
		.capture = true,
		.own_group = true};
	struct str output;
	int status = 0;
	if (!os_make_folders(arena, folder.s, true, error) ||
		!os_run(arena, &spawn, LOGS_TIMEOUT_MS, 4096, NULL, &status, &output, error))
		return false;
	*error = str_trim(output);
	return status == 0;
}

static void
remote_collect(struct run *run)
{
	struct arena arena = {NULL};
	struct failure failure = {.arena = &arena};
	struct remote *remote = remote_of(run);
	struct str archive = str_printf(&arena, "%.*s/logs.tar", STR_ARG(run->folder)), error = {NULL, 0};
	struct remote_call call = {.words = (const char *const[]){"logs", NULL},
		.output_path = archive.s,
		.timeout = LOGS_TIMEOUT_MS,
		.regardless = true};
	bool brought = remote && remote_make_call(remote, &arena, &call, NULL, &failure);
	if (!brought)
		error = failure.message;
	else
		brought = unpack_logs(run, &arena, archive.s, &error);
	if (remote && !brought)
		event_warning(run->events, STR("what compiled where is not known"), "cannot bring the logs of the fleet: %.*s",
			STR_ARG(error));
	os_remove_tree(&arena, archive.s, &error);
	arena_free(&arena);
}

const struct site site_remote = {
	.environment = remote_environment,
	.recipe = remote_recipe,
	.glob = remote_glob,
	.is_folder = remote_is_folder,
	.copy = remote_copy,
	.store = remote_store,
	.watch = remote_watch,
	.unwatch = remote_unwatch,
	.collect = remote_collect,
};
