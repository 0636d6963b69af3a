/* A recipe as a process of this machine: its output by a pipe, the calls of build_success and build_failed by a socket. */
#include "runtime/site_local.h"

#include "base/arena.h"
#include "runtime/channel.h"
#include "runtime/recipe.h"
#include "runtime/step.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long the output is read on after the recipe's own process has ended, what is left to those that it leaves behind, and for how
 * long they are not worth a word. */
#define STEP_DRAIN_MS 100
#define STEP_LEFT_BEHIND_MS 2000
#define STEP_LINGER_MS 20
/* How often to look where the kernel has no pidfd_open. */
#define STEP_NO_PIDFD_MS 10
/* Callers of build_failed that wait for the step's end at once; any more are answered. */
#define STEP_CALLERS 8
/* A variable of this size is worth a word where a step cannot be started. */
#define LARGE_VARIABLE ((size_t)64 << 10)

struct recipe {
	struct step *step;
	struct arena *arena;
	struct channel *channel;
	struct os_process process;
	char *mark; /* EDCC_STEP=RUN/NAME */
	int pidfd;
	int cancel;
	int callers[STEP_CALLERS];
	size_t caller_count;
	int64_t started;
	int64_t kill_at; /* 0: it was not told to end */
	bool ended;
	int64_t drain_until;
};

/* Puts the step's own variables behind those of its scope. */
static char **
step_environment(struct recipe *recipe, const struct environment *environment)
{
	char **entries = arena_array(recipe->arena, char *, environment->count + 3);
	size_t n = 0;
	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->entries[i], CHANNEL_STEP "=", sizeof CHANNEL_STEP) != 0 &&
			strncmp(environment->entries[i], CHANNEL_VARIABLE "=", sizeof CHANNEL_VARIABLE) != 0)
			entries[n++] = environment->entries[i];
	entries[n++] = recipe->mark;
	entries[n++] = recipe->channel->variable;
	return entries;
}

/* Where the recipe runs. */
static struct str
build_folder(const struct recipe *recipe)
{
	struct str root = source_root(recipe->arena, recipe->step->run), dir = recipe->step->build->set.dir;
	if (!dir.n || str_is(dir, "."))
		return root;
	return *dir.s == '/' ? dir : str_printf(recipe->arena, "%.*s/%.*s", STR_ARG(root), STR_ARG(dir));
}

/* A plain command is run as it is, as make does; where that cannot be started bash says why, as it would. */
static bool
start(struct recipe *recipe, struct str *error)
{
	const struct build *build = recipe->step->build;
	const struct environment *environment = recipe_environment(recipe->step->run, build->scope);
	struct os_spawn spawn = {
		.argv = environment->plain ? recipe_plain_command(recipe->arena, build->recipe) : NULL,
		.env = step_environment(recipe, environment),
		.dir = str_c(recipe->arena, build_folder(recipe)),
		.capture = true,
		.own_group = true,
	};
	if (spawn.argv && os_start(recipe->arena, &spawn, &recipe->process, error))
		return true;
	spawn.argv = recipe_command(recipe->step->run, recipe->arena, build->name, build->recipe, error);
	return spawn.argv && os_start(recipe->arena, &spawn, &recipe->process, error);
}

/* TERM now, KILL later. */
static void
tell_to_end(struct recipe *recipe)
{
	if (recipe->kill_at || recipe->ended)
		return;
	kill(-recipe->process.pid, SIGTERM);
	recipe->kill_at = os_now_ms() + STEP_KILL_MS;
}

/* After any news. */
static void
heed_verdict(struct recipe *recipe)
{
	if (step_has_failed(recipe->step))
		tell_to_end(recipe);
}

static void
read_output(struct recipe *recipe)
{
	if (recipe->process.out >= 0 && output_read(&recipe->step->output, recipe->process.out) == OUTPUT_END) {
		close(recipe->process.out);
		recipe->process.out = -1;
	}
	heed_verdict(recipe);
}

/* What was printed before a command was called is judged before it. */
static void
read_what_is_there(struct recipe *recipe)
{
	int waiting = 0;
	size_t end;
	if (recipe->process.out < 0 || ioctl(recipe->process.out, FIONREAD, &waiting) < 0)
		return;
	for (end = 0; end < (size_t)waiting && recipe->process.out >= 0; end += OUTPUT_LINE_LIMIT)
		read_output(recipe);
}

/* build_success returns to its caller; after build_failed nothing of the recipe is to run, so its caller is kept waiting for the step's end. */
static void
hear_calls(struct recipe *recipe)
{
	struct channel_call call;
	struct str own = str_from(recipe->mark + sizeof CHANNEL_STEP);
	for (int caller; (caller = channel_accept(recipe->channel->fd, &call)) >= 0;) {
		if (!str_eq(call.step, own)) {
			close(caller);
			continue;
		}
		read_what_is_there(recipe);
		step_call(recipe->step, call.success, call.message);
		heed_verdict(recipe);
		if (recipe->kill_at && recipe->caller_count < STEP_CALLERS)
			recipe->callers[recipe->caller_count++] = caller;
		else
			channel_answer(caller);
	}
}

static void
look_at_clock(struct recipe *recipe)
{
	int64_t now = os_now_ms();
	if (recipe->ended)
		return;
	if (step_clock(recipe->step, now - recipe->started))
		tell_to_end(recipe);
	if (recipe->kill_at && now >= recipe->kill_at) {
		kill(-recipe->process.pid, SIGKILL);
		recipe->kill_at = INT64_MAX;
	}
}

/* Milliseconds until the clock has something to say, for poll. */
static int
time_left(const struct recipe *recipe)
{
	int64_t now = os_now_ms(), until = INT64_MAX, next = judge_next_time(&recipe->step->judge);
	if (recipe->ended)
		until = recipe->drain_until;
	else if (recipe->kill_at)
		until = recipe->kill_at;
	else if (next < INT64_MAX)
		until = recipe->started + next;
	if (recipe->pidfd < 0 && until > now + STEP_NO_PIDFD_MS)
		until = now + STEP_NO_PIDFD_MS;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > 3600000 ? 3600000 : (int)(until - now);
}

/* Waits for the end of the recipe's process and of its output. */
static void
watch(struct recipe *recipe)
{
	while (!recipe->ended || (recipe->process.out >= 0 && os_now_ms() < recipe->drain_until)) {
		struct pollfd waits[] = {
			{.fd = recipe->process.out, .events = POLLIN},
			{.fd = recipe->channel->fd, .events = POLLIN},
			{.fd = recipe->ended ? -1 : recipe->pidfd, .events = POLLIN},
			{.fd = recipe->cancel, .events = POLLIN},
		};
		poll(waits, sizeof waits / sizeof *waits, time_left(recipe));
		look_at_clock(recipe);
		/* The calls before the output: what was printed after one must not be judged before it. */
		if (waits[1].revents)
			hear_calls(recipe);
		if (waits[0].revents)
			read_output(recipe);
		if (!recipe->ended && (waits[2].revents || recipe->pidfd < 0) && os_has_ended(recipe->process.pid)) {
			recipe->ended = true;
			recipe->step->took = os_now_ms() - recipe->started;
			recipe->drain_until = os_now_ms() + STEP_DRAIN_MS;
		}
		if (waits[3].revents) {
			recipe->step->cancelled = !step_has_failed(recipe->step);
			recipe->cancel = -1;
			tell_to_end(recipe);
		}
	}
}

/* Ends what the recipe has left running in its process group or, where that keeps the output open, anywhere. */
static void
end_left_behind(struct recipe *recipe, pid_t group)
{
	/* What bash itself does not wait for, as in `cmp a <(b)`, ends a moment later. */
	for (int64_t until = os_now_ms() + STEP_LINGER_MS; recipe->process.out < 0; poll(NULL, 0, 1)) {
		if (kill(-group, 0) < 0)
			return;
		if (os_now_ms() >= until)
			break;
	}
	/* Where nobody collects orphans, a group may be there and none of it alive. */
	bool alive = os_end_marked(recipe->arena, recipe->mark, STEP_LEFT_BEHIND_MS) > 0 || recipe->process.out >= 0;
	if (alive && !recipe->kill_at)
		event_warning(recipe->step->run->events,
			STR("nothing runs on from one step to the next; a recipe waits with 'wait' for what it has started"),
			"step '%.*s' left processes running; they are ended", STR_ARG(recipe->step->build->name));
	kill(-group, SIGKILL);
	while (recipe->process.out >= 0 && output_read(&recipe->step->output, recipe->process.out) == OUTPUT_MORE)
		;
}

struct place {
	struct arena *arena;
	struct str dir;
};

static bool
file_exists(void *context, struct str path)
{
	const struct place *place = context;
	struct str whole = path;
	if (!path.n || *path.s != '/')
		whole = str_printf(place->arena, "%.*s/%.*s", STR_ARG(place->dir), STR_ARG(path));
	return access(str_c(place->arena, whole), F_OK) == 0;
}

static void
finish(struct recipe *recipe)
{
	pid_t group = recipe->process.pid;
	int out = recipe->process.out;
	/* os_wait closes the output, which is still wanted. */
	recipe->process.out = -1;
	int status = os_wait(&recipe->process);
	recipe->process.out = out;
	end_left_behind(recipe, group);
	hear_calls(recipe);
	if (recipe->process.out >= 0)
		close(recipe->process.out);
	struct place place = {recipe->arena, build_folder(recipe)};
	step_end(recipe->step, status, file_exists, &place);
	for (size_t i = 0; i < recipe->caller_count; i++)
		close(recipe->callers[i]);
	if (recipe->pidfd >= 0)
		close(recipe->pidfd);
}

/* Linux refuses a process one of whose variables is too large, and says only that the arguments are. */
static void
hint_environment(const struct recipe *recipe, struct failure *failure)
{
	const struct environment *environment = recipe_environment(recipe->step->run, recipe->step->build->scope);
	const char *largest = "";
	for (size_t i = 0; i < environment->count; i++)
		if (strlen(environment->entries[i]) > strlen(largest))
			largest = environment->entries[i];
	int name = (int)str_find(str_from(largest), '=');
	if (strlen(largest) >= LARGE_VARIABLE)
		failure_hint(failure,
			"'%.*s' has %zu bytes, and a process may have less than 128 KiB in one variable: leave it in a file", name,
			largest, strlen(largest) - (size_t)name - 1);
}

static bool
run_recipe(struct recipe *recipe, struct failure *failure)
{
	struct str error = {0};
	recipe->channel = recipe_take_channel(recipe->step->run, &error);
	bool started = recipe->channel && start(recipe, &error);
	if (started) {
		fcntl(recipe->process.out, F_SETFL, O_NONBLOCK);
		recipe->pidfd = pidfd_open(recipe->process.pid, 0);
		watch(recipe);
		finish(recipe);
	} else {
		failure_set(failure, EXIT_STATUS_BUILD_FAILED, "%.*s", STR_ARG(error));
		if (recipe->channel)
			hint_environment(recipe, failure);
	}
	if (recipe->channel)
		recipe_give_channel(recipe->step->run, recipe->channel);
	return started;
}

bool
site_local_recipe(struct step *step, struct failure *failure)
{
	struct run *run = step->run;
	struct recipe recipe = {.step = step, .arena = step->arena, .cancel = run->cancel.fd, .started = os_now_ms()};
	struct str mark = str_printf(recipe.arena, CHANNEL_STEP "=%.*s/%.*s", STR_ARG(run->id), STR_ARG(step->build->name));
	recipe.mark = str_c(recipe.arena, mark);
	return run_recipe(&recipe, failure);
}
