#include "runtime/share.h"

#include "base/arena.h"
#include "distcc/host_syntax.h"
#include "runtime/distcc.h"
#include "runtime/fleet_local.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* sshd lets ten sessions in on a connection (MaxSessions), and chance says which one a compile takes. */
#define COMPILES_EACH 5
/* For so long they are waited for; afterwards compiles log in by themselves until they are there. ssh gives itself ten seconds to connect. */
#define READY_MS 20000
#define STOP_MS 2000
/* More words than this the command has not. */
#define SSH_WORDS 24

/* The user's configuration may forward ports; only one connection could. */
#define ALONE " -o ClearAllForwardings=yes"

/* $0 is the socket, the rest what makes it and ends when the connection is lost. One that was killed leaves its socket. */
static const char keep[] = "while :; do rm -f \"$0\"; \"$@\"; sleep 2; done";

/* --- the plan --- */

int
share_connections(int slots)
{
	return (slots + COMPILES_EACH - 1) / COMPILES_EACH;
}

static uint32_t
count_connections(const struct world *world)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < world->host_count; i++)
		count += (uint32_t)world->hosts[i].connections;
	return count;
}

uint32_t
share_add(struct arena *arena, struct plan *plan, uint32_t after, uint32_t *needs, uint32_t need_count)
{
	uint32_t count = count_connections(plan->world);
	if (!count)
		return need_count;
	struct action *action = plan_add(arena, plan, &action_share, STR("ssh"), &after, 1);
	action->detail = str_printf(arena, "%u connection%s, which compiles share", count, count == 1 ? "" : "s");
	action->span = plan->project->groups[0].span;
	action->why = STR("a login for each compile would cost this machine more than to preprocess it");
	needs[need_count] = plan->count - 1;
	return need_count + 1;
}

/* --- the connections --- */

static struct str
mark_of(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "EDCC_SSH=%.*s", STR_ARG(run->id));
}

static const char *
socket_of(struct arena *arena, const struct share *share, uint32_t host, int nth)
{
	return str_printf(arena, "%.*s/%u.%d", STR_ARG(share->folder), host, nth).s;
}

static struct host_spec
host_of(struct arena *arena, const struct planned_host *planned)
{
	struct host_spec host = {.kind = HOST_SSH};
	struct host_fault fault;
	host_parse(arena, planned->address, &host, &fault);
	return host;
}

static bool
start_one(struct run *run, struct arena *arena, struct share *share, uint32_t host, int nth, struct str *error)
{
	struct host_spec spec = host_of(arena, &run->plan->world->hosts[host]);
	struct str ssh = distcc_ssh_of_build(arena, run->project, run->environment);
	struct str log = str_printf(arena, "%.*s/log/@ssh.log", STR_ARG(run->folder));
	const char *socket = socket_of(arena, share, host, nth), *more[] = {mark_of(arena, run).s, NULL};
	char *argv[SSH_WORDS + 10] = {"sh", "-c", (char *)(uintptr_t)keep, (char *)(uintptr_t)socket};
	size_t n = 4;
	n += words_argv(arena, str_printf(arena, "%.*s -o ControlPersist=no" ALONE, STR_ARG(ssh)), argv + n, SSH_WORDS);
	if (spec.user.n) {
		argv[n++] = "-l";
		argv[n++] = str_c(arena, spec.user);
	}
	argv[n++] = "-MNS";
	argv[n++] = (char *)(uintptr_t)socket;
	argv[n++] = str_c(arena, spec.name);
	struct os_spawn spawn = {
		.argv = argv, .env = fleet_environment(arena, run, more), .dir = "/", .out_path = log.s, .own_group = true};
	bool started = os_start(arena, &spawn, &share->processes[share->count], error);
	share->count += started;
	return started;
}

/* What distcc calls. That a shared connection is full or gone nobody has to know; what a new one might say the probe has found out before. */
static struct str
command_text(struct run *run, struct arena *arena, const struct share *share)
{
	const struct world *world = run->plan->world;
	struct str ssh = distcc_ssh_of_build(arena, run->project, run->environment);
	struct buf text = buf_new(arena);
	buf_add_c(&text, "read -r random </proc/sys/kernel/random/uuid || random=$$\nrandom=0x${random%%-*}\ncase \"$* \" in\n");
	for (uint32_t i = 0; i < world->host_count; i++) {
		if (!world->hosts[i].connections)
			continue;
		struct host_spec spec = host_of(arena, &world->hosts[i]);
		struct str words = str_printf(arena, "%s%.*s%s%.*s ", spec.user.n ? "-l " : "", STR_ARG(spec.user),
			spec.user.n ? " " : "", STR_ARG(spec.name));
		buf_printf(&text,
			"%.*s*) exec %.*s -o LogLevel=FATAL -o ControlMaster=no" ALONE " -S %.*s/%u.$((random %% %d)) \"$@\" ;;\n",
			STR_ARG(str_shell_quote(arena, words)), STR_ARG(ssh), STR_ARG(share->folder), i,
			world->hosts[i].connections);
	}
	buf_printf(&text, "esac\nexec %.*s \"$@\"\n", STR_ARG(ssh));
	return buf_str(&text);
}

static bool
start(struct run *run, struct arena *arena, struct share *share, struct failure *failure)
{
	const struct world *world = run->plan->world;
	const char *path = str_printf(arena, "%.*s/ssh", STR_ARG(share->folder)).s;
	struct str error;
	/* Not there before: in /tmp it could be somebody else's. */
	bool started = mkdir(share->folder.s, 0700) == 0;
	if (!started)
		error = str_printf(arena, "cannot make the folder '%.*s': %s", STR_ARG(share->folder), strerrordesc_np(errno));
	started = started && os_write_atomic(arena, path, command_text(run, arena, share), 0600, &error);
	for (uint32_t i = 0; i < world->host_count; i++)
		for (int k = 0; started && k < world->hosts[i].connections; k++)
			started = start_one(run, arena, share, i, k, &error);
	if (!started)
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return started;
}

static bool
are_all_there(const struct run *run, struct arena *arena, const struct share *share)
{
	const struct world *world = run->plan->world;
	for (uint32_t i = 0; i < world->host_count; i++)
		for (int k = 0; k < world->hosts[i].connections; k++)
			if (access(socket_of(arena, share, i, k), F_OK) < 0)
				return false;
	return true;
}

static void
stop(struct run *run, struct arena *arena, const struct share *share)
{
	os_end_marked(arena, mark_of(arena, run).s, STOP_MS);
	for (uint32_t i = 0; share && i < share->count; i++)
		waitpid(share->processes[i].pid, NULL, WNOHANG);
}

/* --- the action --- */

static void
fill_intent(struct json_writer *json, void *context)
{
	const struct share *share = context;
	json_put_text(json, "folder", share->folder);
}

static bool
share_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct arena arena = {NULL};
	pthread_mutex_lock(&run->mutex);
	struct share *share = arena_new(&run->arena, struct share);
	share->folder = str_printf(&run->arena, "/tmp/edcc-ssh-%.*s", STR_ARG(run->id));
	/* By sh: nothing may be executed in some people's /tmp. */
	share->command = str_printf(&run->arena, "sh %.*s/ssh", STR_ARG(share->folder));
	share->processes = arena_array(&run->arena, struct os_process, count_connections(run->plan->world));
	pthread_mutex_unlock(&run->mutex);
	bool started = run_intent(run, action, fill_intent, share, failure) && start(run, &arena, share, failure);
	int64_t deadline = os_now_ms() + READY_MS;
	while (started && !os_cancel_raised(&run->cancel) && os_now_ms() < deadline && !are_all_there(run, &arena, share))
		poll(NULL, 0, 10);
	pthread_mutex_lock(&run->mutex);
	run->share = share;
	pthread_mutex_unlock(&run->mutex);
	started = started && run_done(run, action, NULL, NULL, failure);
	arena_free(&arena);
	return started;
}

static bool
share_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	(void)result;
	struct arena arena = {NULL};
	struct str folder = json_text(params, "folder", STR(""));
	stop(run, &arena, run->share);
	bool gone = !folder.n || failure_remove(failure, &arena, folder);
	arena_free(&arena);
	return gone;
}

const struct action_type action_share = {
	.name = "ssh",
	.section = SECTION_FLEET,
	.undo_text = "end",
	.run = share_run,
	.undo = share_undo,
};

struct str
share_command(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
	struct str command = run->share ? run->share->command : STR("");
	pthread_mutex_unlock(&run->mutex);
	return command;
}
