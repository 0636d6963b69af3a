#include "runtime/fleet_local.h"

#include "runtime/distcc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A daemon is up after some ten milliseconds; a machine that is busy may take longer. */
#define START_TIMEOUT_MS 20000
/* Between TERM and KILL. */
#define STOP_TIMEOUT_MS 2000
/* How often a port is chosen anew when somebody takes it between our letting go and the daemon's bind. */
#define PORT_ATTEMPTS 3
/* distccd's exit status where it cannot bind. */
#define STATUS_BIND_FAILED 102

/* One daemon in the making. */
struct daemon {
	struct arena arena;
	struct run *run;
	const struct planned_host *planned;
	struct str folder, log;
	int socket; /* holds the port until the daemon listens on it */
	struct sockaddr_in address;
	struct os_process process;
	struct os_owner owner;
};

/* In the environment of this daemon and of what it runs. */
static struct str
daemon_mark(struct arena *arena, const struct run *run, struct str host)
{
	return str_printf(arena, "EDCC_HOST=%.*s/%.*s", STR_ARG(run->id), STR_ARG(host));
}

/* --- start --- */

/* Binds a free port of the host's address without listening: connections to it are refused, nobody else can bind it, and distccd, which sets
 * SO_REUSEADDR as we do, can. */
static bool
hold_port(struct daemon *daemon, struct failure *failure)
{
	int on = 1;
	socklen_t size = sizeof daemon->address;
	daemon->address = (struct sockaddr_in){.sin_family = AF_INET};
	inet_pton(AF_INET, str_c(&daemon->arena, daemon->planned->name), &daemon->address.sin_addr);
	daemon->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (daemon->socket >= 0 && setsockopt(daemon->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		bind(daemon->socket, (struct sockaddr *)&daemon->address, sizeof daemon->address) == 0 &&
		getsockname(daemon->socket, (struct sockaddr *)&daemon->address, &size) == 0)
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "cannot have a port on %.*s: %s", STR_ARG(daemon->planned->name),
		strerrordesc_np(errno));
	return false;
}

static void
let_port_go(struct daemon *daemon)
{
	if (daemon->socket >= 0)
		close(daemon->socket);
	daemon->socket = -1;
}

static int
port_of(const struct daemon *daemon)
{
	return ntohs(daemon->address.sin_port);
}

/* Its folder, which must belong to whom it becomes. */
static bool
make_folder(struct daemon *daemon, struct failure *failure)
{
	uid_t uid;
	gid_t gid;
	const char *path = daemon->folder.s;
	if ((mkdir(path, 0700) == 0 || errno == EEXIST) && (!fleet_user(&uid, &gid) || chown(path, uid, gid) == 0))
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "cannot make the folder '%s': %s", path, strerrordesc_np(errno));
	return false;
}

/* What counts compiles is logged as a notice: the log never says less. */
static const char *
log_level(struct str verbosity)
{
	return str_is(verbosity, "debug") ? "debug" : str_is(verbosity, "info") ? "info" : "notice";
}

static bool
start(struct daemon *daemon, struct failure *failure)
{
	struct arena *arena = &daemon->arena;
	struct run *run = daemon->run;
	const struct distcc_settings *set = &run->project->distcc;
	uid_t uid;
	gid_t gid;
	const char *user = fleet_user(&uid, &gid);
	char *argv[] = {
		str_c(arena, run->plan->world->distccd),
		"--daemon",
		"--no-detach",
		"--log-stderr",
		"--log-level",
		(char *)log_level(set->verbosity),
		"--listen",
		str_c(arena, daemon->planned->name),
		"--port",
		(char *)str_printf(arena, "%d", port_of(daemon)).s,
		/* Loopback only; a client that connects to 127.0.0.7 comes from 127.0.0.1. */
		"--allow",
		"127.0.0.0/8",
		/* One more than clients will ask for: a connection that is just ending must not make another wait. */
		"--jobs",
		(char *)str_printf(arena, "%d", daemon->planned->slots + 1).s,
		"--nice",
		(char *)str_printf(arena, "%d", (int)set->nice).s,
		(char *)(user ? "--user" : NULL),
		(char *)user,
		NULL,
	};
	const char *more[] = {
		daemon_mark(arena, run, daemon->planned->name).s,
		str_printf(arena, "TMPDIR=%.*s", STR_ARG(daemon->folder)).s,
		str_printf(arena, "DISTCC_CMDLIST=%.*s", STR_ARG(fleet_commands_file(arena, run))).s,
		NULL,
	};
	struct os_spawn spawn = {
		.argv = argv, .env = fleet_environment(arena, run, more), .dir = "/", .out_path = daemon->log.s, .own_group = true};
	struct str error;
	if (os_start(arena, &spawn, &daemon->process, &error)) {
		os_owner_of(daemon->process.pid, &daemon->owner);
		return true;
	}
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return false;
}

static bool
connects(const struct daemon *daemon)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = fd >= 0 && connect(fd, (const struct sockaddr *)&daemon->address, sizeof daemon->address) == 0;
	if (fd >= 0)
		close(fd);
	return connected;
}

/* Waits until it accepts connections. False where it has ended (*status) or does not come in time. */
static bool
wait_ready(struct daemon *daemon, int *status, struct failure *failure)
{
	int64_t deadline = os_now_ms() + START_TIMEOUT_MS;
	struct str name = daemon->planned->name;
	for (*status = 0; !connects(daemon); poll(NULL, 0, 1)) {
		if (os_has_ended(daemon->process.pid)) {
			*status = os_wait(&daemon->process);
			struct str tail = fleet_log_tail(&daemon->arena, daemon->log.s, 3);
			failure_set(failure, EXIT_STATUS_PROVIDER, "distccd on %.*s ended at its start with status %d%s%.*s",
				STR_ARG(name), *status, tail.n ? ": " : "", STR_ARG(tail));
			failure_hint(failure, "its log is '%.*s'", STR_ARG(daemon->log));
			return false;
		}
		if (os_cancel_raised(&daemon->run->cancel)) {
			failure_set(
				failure, EXIT_STATUS_INTERRUPTED, "interrupted while distccd on %.*s was starting", STR_ARG(name));
			return false;
		}
		if (os_now_ms() > deadline) {
			failure_set(failure, EXIT_STATUS_PROVIDER, "distccd on %.*s did not answer within %d s", STR_ARG(name),
				START_TIMEOUT_MS / 1000);
			failure_hint(failure, "its log is '%.*s'", STR_ARG(daemon->log));
			return false;
		}
	}
	return true;
}

static void
fill_intent(struct json_writer *json, void *context)
{
	struct daemon *daemon = context;
	json_put_text(json, "host", daemon->planned->name);
	json_put_text(json, "mark", daemon_mark(&daemon->arena, daemon->run, daemon->planned->name));
}

static void
fill_result(struct json_writer *json, void *context)
{
	const struct daemon *daemon = context;
	json_put_integer(json, "pid", daemon->owner.pid);
	json_put_integer(json, "start", (int64_t)daemon->owner.start);
	json_put_integer(json, "port", port_of(daemon));
}

/* Starts it on a port that is free, and again on another one where somebody was quicker. */
static bool
start_on_free_port(struct daemon *daemon, const struct action *action, struct failure *failure)
{
	int status = 0;
	for (int attempt = 1;; attempt++) {
		if (!hold_port(daemon, failure) || !start(daemon, failure))
			return false;
		/* Its pid is in the journal before anything waits for it. */
		if (!run_done(daemon->run, action, fill_result, daemon, failure))
			return false;
		if (wait_ready(daemon, &status, failure))
			return true;
		if (status != STATUS_BIND_FAILED || attempt == PORT_ATTEMPTS)
			return false;
		let_port_go(daemon);
	}
}

static void
add_host(struct daemon *daemon, uint32_t index)
{
	struct run *run = daemon->run;
	struct host *host = &run->hosts[index];
	pthread_mutex_lock(&run->mutex);
	host->pid = daemon->process.pid;
	host->address = str_printf(&run->arena, "%.*s:%d", STR_ARG(host->name), port_of(daemon));
	pthread_mutex_unlock(&run->mutex);
	event_emit(
		run->events, (struct event){.kind = EVENT_HOST, .name = host->name, .text = STR("starting"), .total = host->slots});
}

static bool
distccd_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct daemon daemon = {.run = run, .planned = &run->plan->world->hosts[action->index], .socket = -1};
	struct arena *arena = &daemon.arena;
	daemon.folder = str_printf(arena, "%.*s/%.*s", STR_ARG(fleet_daemons_folder(arena, run)), STR_ARG(daemon.planned->name));
	daemon.log = distcc_host_log(arena, run, daemon.planned->name);
	bool done = run_intent(run, action, fill_intent, &daemon, failure) && make_folder(&daemon, failure) &&
		    start_on_free_port(&daemon, action, failure);
	if (done)
		add_host(&daemon, action->index);
	let_port_go(&daemon);
	arena_free(arena);
	return done;
}

/* --- stop --- */

/* Waits for the process to end; true where it has. Ours stays to be collected. */
static bool
wait_end(pid_t pid, int64_t ms)
{
	int fd = pidfd_open(pid, 0);
	if (fd < 0)
		return errno == ESRCH;
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	bool ended = poll(&waiting, 1, (int)ms) > 0;
	close(fd);
	return ended;
}

/* TERM to its group, KILL after a while. False where it is still there. */
static bool
stop(pid_t pid)
{
	kill(-pid, SIGTERM);
	bool ended = wait_end(pid, STOP_TIMEOUT_MS);
	if (!ended) {
		kill(-pid, SIGKILL);
		ended = wait_end(pid, STOP_TIMEOUT_MS);
	}
	/* Where it is not our child, whoever it belongs to collects it. */
	if (ended)
		waitpid(pid, NULL, WNOHANG);
	return ended;
}

/* From the journal alone: the pid where it is known and still the same process, else the mark in its environment. */
static bool
distccd_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	struct arena arena = {0};
	struct os_owner owner;
	pid_t pid = (pid_t)json_integer(result, "pid", 0);
	bool same = pid > 0 && os_owner_of(pid, &owner) && (int64_t)owner.start == json_integer(result, "start", -1);
	bool done = true;
	if (!same) {
		struct str mark = json_text(params, "mark", daemon_mark(&arena, run, json_text(params, "host", STR("?"))));
		os_end_marked(&arena, str_c(&arena, mark), STOP_TIMEOUT_MS);
	} else if (!stop(pid)) {
		failure_set(failure, EXIT_STATUS_TEARDOWN, "distccd %d does not end", pid);
		failure_hint(failure, "kill -KILL -%d", pid);
		done = false;
	}
	arena_free(&arena);
	return done;
}

const struct action_type action_distccd = {
	.name = "distccd",
	.optional = true,
	.section = SECTION_FLEET,
	.undo_text = "stop",
	.run = distccd_run,
	.undo = distccd_undo,
};
