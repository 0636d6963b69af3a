#include "runtime/step.h"
#include "base/arena.h"
#include "runtime/channel.h"
#include "runtime/output.h"
#include "runtime/recipe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is left between TERM and KILL. */
#define STEP_KILL_MS 5000
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

struct step {
	struct run *run;
	const struct build *build;
	struct arena *arena;
	struct judge judge;
	struct output output;
	struct channel *channel;
	struct os_process process;
	char *mark; /* EDCC_STEP=RUN/NAME */
	int pidfd;
	int cancel;
	int callers[STEP_CALLERS];
	size_t caller_count;
	int64_t started;
	int64_t kill_at; /* 0: it was not told to end */
	bool ended, cancelled;
	int64_t took; /* until it ended */
	int64_t drain_until;
};

/* Puts the step's own variables behind those of its scope. */
static char **
step_environment(struct step *step, const struct environment *environment)
{
	char **entries = arena_array(step->arena, char *, environment->count + 3);
	size_t n = 0;
	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->entries[i], CHANNEL_STEP "=", sizeof CHANNEL_STEP) != 0 &&
			strncmp(environment->entries[i], CHANNEL_VARIABLE "=", sizeof CHANNEL_VARIABLE) != 0)
			entries[n++] = environment->entries[i];
	entries[n++] = step->mark;
	entries[n++] = step->channel->variable;
	return entries;
}

/* Where the recipe runs. */
static struct str
build_folder(const struct step *step)
{
	struct str root = source_root(step->arena, step->run), dir = step->build->set.dir;
	if (!dir.n || str_is(dir, "."))
		return root;
	return *dir.s == '/' ? dir : str_printf(step->arena, "%.*s/%.*s", STR_ARG(root), STR_ARG(dir));
}

/* A plain command is run as it is, as make does; where that cannot be started bash says why, as it would. */
static bool
start(struct step *step, struct str *error)
{
	const struct build *build = step->build;
	const struct environment *environment = recipe_environment(step->run, build->scope);
	struct os_spawn spawn = {
		.argv = environment->plain ? recipe_plain_command(step->arena, build->recipe) : NULL,
		.env = step_environment(step, environment),
		.dir = str_c(step->arena, build_folder(step)),
		.capture = true,
		.own_group = true,
	};
	if (spawn.argv && os_start(step->arena, &spawn, &step->process, error))
		return true;
	spawn.argv = recipe_command(step->run, step->arena, build->name, build->recipe, error);
	return spawn.argv && os_start(step->arena, &spawn, &step->process, error);
}

/* TERM now, KILL later. */
static void
tell_to_end(struct step *step)
{
	if (step->kill_at || step->ended)
		return;
	kill(-step->process.pid, SIGTERM);
	step->kill_at = os_now_ms() + STEP_KILL_MS;
}

/* After any news: a verdict of failure ends the step, one of success lets it run on. */
static void
heed_verdict(struct step *step)
{
	if (step->judge.verdict != VERDICT_NONE && step->judge.verdict != VERDICT_SUCCESS)
		tell_to_end(step);
}

static void
read_output(struct step *step)
{
	if (step->process.out >= 0 && output_read(&step->output, step->process.out) == OUTPUT_END) {
		close(step->process.out);
		step->process.out = -1;
	}
	heed_verdict(step);
}

/* What was printed before a command was called is judged before it. */
static void
read_what_is_there(struct step *step)
{
	int waiting = 0;
	size_t end;
	if (step->process.out < 0 || ioctl(step->process.out, FIONREAD, &waiting) < 0)
		return;
	for (end = 0; end < (size_t)waiting && step->process.out >= 0; end += OUTPUT_LINE_LIMIT)
		read_output(step);
}

/* build_success returns to its caller; after build_failed nothing of the recipe is to run, so its caller is kept waiting for the step's end. */
static void
hear_calls(struct step *step)
{
	struct channel_call call;
	struct str own = str_from(step->mark + sizeof CHANNEL_STEP);
	for (int caller; (caller = channel_accept(step->channel->fd, &call)) >= 0;) {
		if (!str_eq(call.step, own)) {
			close(caller);
			continue;
		}
		read_what_is_there(step);
		if (judge_command(&step->judge, call.success, call.message))
			step->judge.reason = str_dup(step->arena, call.message);
		heed_verdict(step);
		if (step->kill_at && step->caller_count < STEP_CALLERS)
			step->callers[step->caller_count++] = caller;
		else
			channel_answer(caller);
	}
}

static void
look_at_clock(struct step *step)
{
	int64_t now = os_now_ms();
	if (step->ended)
		return;
	judge_time(&step->judge, now - step->started);
	heed_verdict(step);
	if (step->judge.verdict == VERDICT_SUCCESS && !step->kill_at && step->build->set.timeout > 0 &&
		now - step->started >= step->build->set.timeout) {
		event_warning(step->run->events, STR("its verdict stays build_success"), "step '%.*s' was ended at its timeout",
			STR_ARG(step->build->name));
		tell_to_end(step);
	}
	if (step->kill_at && now >= step->kill_at) {
		kill(-step->process.pid, SIGKILL);
		step->kill_at = INT64_MAX;
	}
}

/* Milliseconds until the clock has something to say, for poll. */
static int
time_left(const struct step *step)
{
	int64_t now = os_now_ms(), until = INT64_MAX, next = judge_next_time(&step->judge);
	if (step->ended)
		until = step->drain_until;
	else if (step->kill_at)
		until = step->kill_at;
	else if (next < INT64_MAX)
		until = step->started + next;
	if (step->pidfd < 0 && until > now + STEP_NO_PIDFD_MS)
		until = now + STEP_NO_PIDFD_MS;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > 3600000 ? 3600000 : (int)(until - now);
}

/* Waits for the end of the recipe's process and of its output. */
static void
watch(struct step *step)
{
	while (!step->ended || (step->process.out >= 0 && os_now_ms() < step->drain_until)) {
		struct pollfd waits[] = {
			{.fd = step->process.out, .events = POLLIN},
			{.fd = step->channel->fd, .events = POLLIN},
			{.fd = step->ended ? -1 : step->pidfd, .events = POLLIN},
			{.fd = step->cancel, .events = POLLIN},
		};
		poll(waits, sizeof waits / sizeof *waits, time_left(step));
		look_at_clock(step);
		/* The calls before the output: what was printed after one must not be judged before it. */
		if (waits[1].revents)
			hear_calls(step);
		if (waits[0].revents)
			read_output(step);
		if (!step->ended && (waits[2].revents || step->pidfd < 0) && os_has_ended(step->process.pid)) {
			step->ended = true;
			step->took = os_now_ms() - step->started;
			step->drain_until = os_now_ms() + STEP_DRAIN_MS;
		}
		if (waits[3].revents) {
			step->cancelled = step->judge.verdict == VERDICT_NONE || step->judge.verdict == VERDICT_SUCCESS;
			step->cancel = -1;
			tell_to_end(step);
		}
	}
}

/* Ends what the recipe has left running in its process group or, where that keeps the output open, anywhere. */
static void
end_left_behind(struct step *step, pid_t group)
{
	/* What bash itself does not wait for, as in `cmp a <(b)`, ends a moment later. */
	for (int64_t until = os_now_ms() + STEP_LINGER_MS; step->process.out < 0; poll(NULL, 0, 1)) {
		if (kill(-group, 0) < 0)
			return;
		if (os_now_ms() >= until)
			break;
	}
	/* Where nobody collects orphans, a group may be there and none of it alive. */
	bool alive = os_end_marked(step->arena, step->mark, STEP_LEFT_BEHIND_MS) > 0 || step->process.out >= 0;
	if (alive && !step->kill_at)
		event_warning(step->run->events,
			STR("nothing runs on from one step to the next; a recipe waits with 'wait' for what it has started"),
			"step '%.*s' left processes running; they are ended", STR_ARG(step->build->name));
	kill(-group, SIGKILL);
	while (step->process.out >= 0 && output_read(&step->output, step->process.out) == OUTPUT_MORE)
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
finish(struct step *step)
{
	pid_t group = step->process.pid;
	int out = step->process.out;
	/* os_wait closes the output, which is still wanted. */
	step->process.out = -1;
	int status = os_wait(&step->process);
	step->process.out = out;
	end_left_behind(step, group);
	hear_calls(step);
	if (step->process.out >= 0)
		close(step->process.out);
	output_end(&step->output);
	struct place place = {step->arena, build_folder(step)};
	if (!step->cancelled) {
		judge_time(&step->judge, step->took);
		judge_end(&step->judge, status, file_exists, &place);
	}
	step->judge.status = status;
	for (size_t i = 0; i < step->caller_count; i++)
		close(step->callers[i]);
	if (step->pidfd >= 0)
		close(step->pidfd);
}

static void
fill_record(struct json_writer *writer, void *context)
{
	const struct step *step = context;
	json_put_text(writer, "verdict", str_from(verdict_name(step->judge.verdict)));
	json_put_text(writer, "reason", event_blot(step->arena, step->run->secrets, step->judge.reason));
	json_put_integer(writer, "status", step->judge.status);
	json_put_integer(writer, "took", step->took);
}

/* Says and journals what came of it. */
static bool
conclude(struct step *step, struct failure *failure)
{
	const struct judge *judge = &step->judge;
	struct str error = {0}, name = step->build->name;
	if (step->cancelled) {
		failure_set(failure, EXIT_STATUS_INTERRUPTED, "interrupted");
		return false;
	}
	event_emit(step->run->events, (struct event){.kind = EVENT_VERDICT,
					      .name = name,
					      .text = str_from(verdict_name(judge->verdict)),
					      .hint = judge->reason});
	if (!journal_write(step->run->journal, RECORD_STEP, name, false, fill_record, step, &error)) {
		run_journal_failure(step->run, error, failure);
		return false;
	}
	if (judge->verdict == VERDICT_SUCCESS)
		return true;
	failure_set(failure, judge->verdict == VERDICT_FAILED ? EXIT_STATUS_BUILD_FAILED : EXIT_STATUS_NO_VERDICT, "%.*s",
		STR_ARG(judge->reason));
	if (!judge->reason.n)
		failure_set(failure, EXIT_STATUS_BUILD_FAILED, "the recipe called build_failed");
	if (judge->verdict == VERDICT_MISSING)
		failure_hint(failure,
			"it names a verdict and ended (exit status %d) without reaching it: call build_success, or add a rule such "
			"as "
			"'build_success when exit == 0'",
			judge->status);
	else if (judge->verdict == VERDICT_TIMEOUT)
		failure_hint(failure, "its 'timeout' is %lld s", (long long)step->build->set.timeout / 1000);
	else
		failure_hint(failure, "all that it printed: edcc logs %.*s", STR_ARG(name));
	return false;
}

/* Linux refuses a process one of whose variables is too large, and says only that the arguments are. */
static void
hint_environment(const struct step *step, struct failure *failure)
{
	const struct environment *environment = recipe_environment(step->run, step->build->scope);
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

bool
step_run(struct run *run, const struct build *build, struct failure *failure)
{
	struct str error = {0};
	struct step step = {.run = run, .build = build, .arena = failure->arena, .cancel = run->cancel.fd, .started = os_now_ms()};
	step.mark = str_c(step.arena, str_printf(step.arena, CHANNEL_STEP "=%.*s/%.*s", STR_ARG(run->id), STR_ARG(build->name)));
	judge_start(&step.judge, step.arena, build);
	output_start(&step.output, run, build->name, &step.judge);
	step.channel = recipe_take_channel(run, &error);
	bool started = step.channel && start(&step, &error);
	if (started) {
		fcntl(step.process.out, F_SETFL, O_NONBLOCK);
		step.pidfd = pidfd_open(step.process.pid, 0);
		watch(&step);
		finish(&step);
	}
	if (step.channel)
		recipe_give_channel(run, step.channel);
	if (started)
		return conclude(&step, failure);
	failure_set(failure, EXIT_STATUS_BUILD_FAILED, "%.*s", STR_ARG(error));
	if (step.channel)
		hint_environment(&step, failure);
	return false;
}

static bool
run_step(struct run *run, const struct action *action, struct failure *failure)
{
	return step_run(run, &run->project->builds[action->index], failure);
}

const struct action_type action_step = {.name = "step", .section = SECTION_BUILD, .run = run_step};
