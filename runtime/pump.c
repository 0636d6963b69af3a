#include "runtime/pump.h"

#include "base/arena.h"
#include "runtime/capacity.h"
#include "runtime/distcc.h"
#include "runtime/fleet_local.h"
#include "runtime/provider.h"
#include "runtime/pump_prove.h"
#include "runtime/site.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Python, its modules, and the first look at the extension: some 0.2 s. */
#define START_TIMEOUT_MS 20000
#define STOP_TIMEOUT_MS 2000
#define SCRIPT_LIMIT ((size_t)1 << 20)
/* With fewer slots for each processor here, `auto` has nothing to gain: this machine keeps them all in preprocessed files. */
#define WORTH_SLOTS 8

/* --- before the plan --- */

/* What distcc's own script calls: "NAME=VALUE" or "NAME='VALUE'" at the start of a line. */
static struct str
value_in_script(struct str script, const char *name)
{
	struct str line;
	while (str_split(&script, '\n', &line)) {
		if (!str_starts(line, str_from(name)))
			continue;
		line = str_part(line, strlen(name), line.n);
		if (line.n > 1 && *line.s == '\'')
			line = str_part(line, 1, line.n - 1);
		return line;
	}
	return STR("");
}

/* Its include server and the Python that it is for, as distcc's own script names them. */
static bool
find_program(struct arena *arena, struct world *world)
{
	static const char *const scripts[] = {"distcc-pump", "pump"};
	struct str text, error;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		struct str path = os_which(arena, scripts[i]);
		if (!path.n || !os_read(arena, str_c(arena, path), SCRIPT_LIMIT, &text, &error))
			continue;
		world->include_server = value_in_script(text, "include_server=");
		world->python = value_in_script(text, "PYTHON=");
		if (world->include_server.n && world->python.n && os_is_file(str_c(arena, world->include_server)))
			return true;
	}
	world->include_server = world->python = STR("");
	return false;
}

static void
mark_all(struct world *world, bool pump)
{
	for (uint32_t i = 0; i < world->host_count; i++)
		world->hosts[i].pump = pump;
}

static uint32_t
count_marked(const struct world *world)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < world->host_count; i++)
		count += world->hosts[i].pump;
	return count;
}

/* Whether there are more slots than this machine preprocesses for. On machines that are parts of this one it is the same processors that preprocess. */
static bool
is_worth_it(const struct world *world)
{
	return !world->distccd.n && capacity_all_slots(world) > WORTH_SLOTS * world->cpus;
}

/* None of them, then; where that is not what was asked for, a warning. */
static void
leave_out(struct world *world, bool asked, struct diags *diags, const char *message, const char *hint)
{
	mark_all(world, false);
	if (asked)
		diag_hint(diag_warning(diags, SPAN_NONE, "%s", message), "%s", hint);
}

bool
pump_decide(const struct project *project, struct world *world, struct diags *diags)
{
	bool yes = str_is(project->distcc.pump, "yes"), marked = count_marked(world) > 0;
	if (str_is(project->distcc.pump, "no") || !world->host_count || (!yes && !marked && !is_worth_it(world)))
		leave_out(world, false, diags, "", "");
	else if (project->cached)
		leave_out(world, yes || marked, diags,
			"hosts only compile: with a cache, the machine that runs the build preprocesses, to look files up",
			"take out 'pump = yes' (or ',cpp'), or the 'cache:' block; files are distributed either way");
	else if (!yes && marked && count_marked(world) < world->host_count)
		leave_out(world, true, diags,
			"hosts only compile, and this machine preprocesses: not all of them are marked ',cpp'",
			"distcc's client crashes where one with it fails and one without comes next: mark all of them, or say "
			"'pump = yes' under 'distcc:'");
	else
		mark_all(world, true);
	return count_marked(world) > 0;
}

bool
pump_observe(struct arena *arena, const struct project *project, struct world *world, struct diags *diags)
{
	bool listed = count_marked(world) > 0;
	if (!pump_decide(project, world, diags) || find_program(arena, world))
		return true;
	static const char *const install = "install it (on Debian: apt-get install distcc-pump)";
	if (str_is(project->distcc.pump, "yes")) {
		diag_hint(diag_error(diags, SPAN_NONE, "there is no 'distcc-pump' here, which 'pump = yes' needs"), "%s", install);
		return false;
	}
	leave_out(world, listed, diags,
		"hosts only compile, and this machine preprocesses: there is no 'distcc-pump' here, which ',cpp' needs", install);
	return true;
}

uint32_t
pump_add(struct arena *arena, struct plan *plan, const struct action_type *type, uint32_t after, uint32_t *needs, uint32_t count)
{
	if (!count_marked(plan->world))
		return count;
	struct action *action = plan_add(arena, plan, type, STR("pump"), &after, 1);
	action->detail = STR("distcc's include server: hosts preprocess, too");
	action->span = plan->project->groups[0].span;
	action->why = str_is(plan->project->distcc.pump, "yes")
			      ? STR("the file says 'pump = yes'")
			      : STR("the list says ',cpp', or the hosts have more slots than this machine preprocesses for");
	needs[count] = plan->count - 1;
	return count + 1;
}

/* --- the action --- */

struct str
pump_log(struct arena *arena, const struct run *run)
{
	/* No step can be called so. */
	return str_printf(arena, "%.*s/log/@pump.log", STR_ARG(run->folder));
}

static struct str
mark_of(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "EDCC_PUMP=%.*s", STR_ARG(run->id));
}

static void
fill_intent(struct json_writer *json, void *context)
{
	const struct pump *pump = context;
	json_put_text(json, "folder", pump->folder);
}

static void
fill_result(struct json_writer *json, void *context)
{
	const struct pump *pump = context;
	json_put_integer(json, "pid", pump->process.pid);
}

static bool
fail(struct failure *failure, struct str error)
{
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return false;
}

/* Not there before: in /tmp it could be somebody else's. */
static bool
start(struct run *run, struct arena *arena, struct pump *pump, struct failure *failure)
{
	const struct world *world = run->plan->world;
	const char *text = str_printf(arena, "%.*s/pump.py", STR_ARG(pump->folder)).s, *log = pump_log(arena, run).s;
	struct str error;
	if (mkdir(pump->folder.s, 0700) < 0)
		return fail(failure, str_printf(arena, "cannot make the folder '%s': %s", pump->folder.s, strerrordesc_np(errno)));
	if (!os_write_atomic(arena, text, str_from(pump_text), 0600, &error))
		return fail(failure, error);
	char *argv[] = {
		str_c(arena, world->python), "-O", (char *)text, str_c(arena, world->include_server), (char *)pump->folder.s, NULL};
	const char *more[] = {mark_of(arena, run).s, NULL};
	struct os_spawn spawn = {
		.argv = argv, .env = fleet_environment(arena, run, more), .dir = "/", .out_path = log, .own_group = true};
	return os_start(arena, &spawn, &pump->process, &error) || fail(failure, error);
}

/* Its socket is there once it listens. */
static bool
wait_ready(struct run *run, struct arena *arena, const struct pump *pump, struct failure *failure)
{
	int64_t deadline = os_now_ms() + START_TIMEOUT_MS;
	for (; access(pump->socket.s, F_OK) < 0; poll(NULL, 0, 5)) {
		if (os_cancel_raised(&run->cancel)) {
			failure_set(failure, EXIT_STATUS_INTERRUPTED, "interrupted while distcc's include server was starting");
			return false;
		}
		bool ended = os_has_ended(pump->process.pid);
		if (!ended && os_now_ms() < deadline)
			continue;
		struct str tail = fleet_log_tail(arena, pump_log(arena, run).s, 1);
		failure_set(failure, EXIT_STATUS_PROVIDER, "distcc's include server %s%s%.*s",
			ended ? "does not start" : "did not listen in time", tail.n ? ": " : "", STR_ARG(tail));
		failure_hint(failure, PUMP_NO " has this machine preprocess");
		return false;
	}
	return true;
}

static void
stop(struct run *run, struct arena *arena, struct pump *pump)
{
	os_end_marked(arena, mark_of(arena, run).s, STOP_TIMEOUT_MS);
	if (pump && pump->process.pid > 0)
		waitpid(pump->process.pid, NULL, WNOHANG);
}

/* distcc's clients do not even ask where the environment has these. */
static bool
clients_ask(const struct run *run, struct failure *failure)
{
	static const char *const names[] = {"CPATH=", "C_INCLUDE_PATH=", "CPLUS_INCLUDE_PATH="};
	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		for (size_t i = 0; run->environment && run->environment[i]; i++)
			if (str_starts(str_from(run->environment[i]), str_from(names[k]))) {
				failure_set(failure, EXIT_STATUS_PROVIDER, "distcc's pump mode does not work where %.*s is set",
					(int)strlen(names[k]) - 1, names[k]);
				failure_hint(failure, "unset it, and say -I or -isystem; " PUMP_NO " does without");
				return false;
			}
	return true;
}

static bool
pump_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct arena arena = {NULL};
	pthread_mutex_lock(&run->mutex);
	struct pump *pump = arena_new(&run->arena, struct pump);
	pump->folder = str_printf(&run->arena, "/tmp/edcc-pump-%.*s", STR_ARG(run->id));
	pump->socket = str_printf(&run->arena, "%.*s/socket", STR_ARG(pump->folder));
	pthread_mutex_unlock(&run->mutex);
	if (!run_intent(run, action, fill_intent, pump, failure))
		return false;
	/* It takes longer to start than that. */
	bool started = clients_ask(run, failure) && start(run, &arena, pump, failure) && pump_make_reference(run, pump, failure) &&
		       wait_ready(run, &arena, pump, failure);
	if (started) {
		pthread_mutex_lock(&run->mutex);
		run->pump = pump;
		pthread_mutex_unlock(&run->mutex);
		started = run_done(run, action, fill_result, pump, failure);
	} else {
		stop(run, &arena, pump);
	}
	arena_free(&arena);
	if (started || str_is(run->project->distcc.pump, "yes") || failure->status == EXIT_STATUS_INTERRUPTED)
		return started;
	event_warning(run->events, STR(PUMP_NO " does so without trying"),
		"hosts only compile, and this machine preprocesses: %.*s", STR_ARG(failure->message));
	failure->message = failure->hint = STR("");
	return true;
}

static bool
pump_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	(void)result;
	struct arena arena = {NULL};
	struct str folder = json_text(params, "folder", STR(""));
	stop(run, &arena, run->pump);
	bool gone = !folder.n || failure_remove(failure, &arena, folder);
	arena_free(&arena);
	return gone;
}

const struct action_type action_pump = {
	.name = "pump",
	.section = SECTION_FLEET,
	.undo_text = "stop",
	.run = pump_run,
	.undo = pump_undo,
};

/* --- while the run lasts --- */

const char *
pump_socket(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
	const char *socket = run->pump && !run->pump->over ? run->pump->socket.s : NULL;
	pthread_mutex_unlock(&run->mutex);
	return socket;
}

void
pump_environment(const struct run *run, const char *socket, struct map *out)
{
	if (!socket)
		return;
	*map_at(out, STR("INCLUDE_SERVER_PORT")) = (void *)(uintptr_t)socket;
	/* distcc's own way to do without is not for clients in mid-compile (doc/distcc.md). */
	*map_at(out, STR("DISTCC_MAX_DISCREPANCY")) = "1000000";
	/* What a host could not compile because a header was missing there must be tried here. */
	if (run->project->distcc.fallback)
		*map_at(out, STR("DISTCC_SKIP_LOCAL_RETRY")) = NULL;
}

/* With the run's mutex held. */
static bool
list_hosts(struct run *run, struct arena *arena, struct str *error)
{
	const struct site *site = run->provider->site;
	return !site->list_hosts || site->list_hosts(run, arena, error);
}

static void
warn_of_list(struct run *run, struct str error)
{
	event_warning(run->events, STR("distcc keeps to the list it knew; make room there"), "%.*s", STR_ARG(error));
}

void
pump_off(struct run *run, struct str why, const char *hint)
{
	struct arena arena = {NULL};
	struct str error;
	pthread_mutex_lock(&run->mutex);
	bool was = !run->pump->over;
	run->pump->over = true;
	for (uint32_t i = 0; i < run->host_count; i++)
		run->hosts[i].pump = false;
	bool listed = !was || list_hosts(run, &arena, &error);
	pthread_mutex_unlock(&run->mutex);
	if (was)
		event_warning(run->events, str_from(hint), "from now on hosts only compile, and this machine preprocesses: %.*s",
			STR_ARG(why));
	if (!listed)
		warn_of_list(run, error);
	arena_free(&arena);
}

void
pump_on(struct run *run, struct host *host)
{
	struct arena arena = {NULL};
	struct str error;
	pthread_mutex_lock(&run->mutex);
	host->pump = !run->pump->over;
	bool listed = list_hosts(run, &arena, &error);
	pthread_mutex_unlock(&run->mutex);
	if (!listed)
		warn_of_list(run, error);
	arena_free(&arena);
}
