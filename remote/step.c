/* A recipe on the HOST: started once, followed by its output's offset, so that a lost connection loses and repeats nothing. */
#include "remote/call.h"

#include "runtime/channel.h"
#include "runtime/recipe.h"
#include "runtime/step.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_SIZE ((size_t)64 << 10)
/* A frame's first line: a call's message has at most CHANNEL_MESSAGE_LIMIT. */
#define FRAME_LIMIT ((size_t)2 * CHANNEL_MESSAGE_LIMIT)
/* What a told end may take beyond KILL before it is given up. */
#define LATE_MS 10000
/* What is left to processes that the recipe leaves behind, how often they are looked at, and for how long they are not worth a word. */
#define LEFT_BEHIND_MS 2000
#define LEFT_LOOK_MS 100
#define LINGER_MS 20
/* Of a process that TERM ended. */
#define STATUS_TERM 143

struct recipe {
	struct step *step;
	struct remote *remote;
	struct arena *arena;
	const char *name; /* unique on the machine, which may have had other runs */
	struct os_process follow; /* pid -1: not now */
	char *block;
	int64_t offset, calls; /* what has been taken in */
	int64_t out; /* bytes of the frame that are still to come */
	char frame[FRAME_LIMIT]; /* the first line of one, so far */
	size_t frame_length;
	int64_t began; /* by our clock, once the machine has said how long it runs; 0: not known since the connection was made */
	int64_t lost; /* since when there is no connection; 0: there is */
	struct str why_lost;
	const char *signal; /* to be sent as soon as that can be; NULL: none */
	int64_t kill_at; /* 0: it was not told to end */
	bool ended, killed, broken;
	int status;
};

/* --- what is asked --- */

/* What ends a step must reach it whatever else is cancelled. */
static bool
ask(struct recipe *recipe, struct arena *arena, const char *const *words, struct str input, struct str *output)
{
	struct failure failure = {.arena = arena};
	struct remote_call call = {.words = words, .input = input, .timeout = REMOTE_LAST_MS, .regardless = true};
	return remote_make_call(recipe->remote, arena, &call, output, &failure);
}

static void
send_signal(struct recipe *recipe)
{
	struct arena arena = {NULL};
	struct str ignored;
	if (recipe->signal &&
		ask(recipe, &arena, (const char *const[]){"end", recipe->name, recipe->signal, NULL}, STR(""), &ignored))
		recipe->signal = NULL;
	arena_free(&arena);
}

/* TERM now, KILL later. */
static void
tell_to_end(struct recipe *recipe)
{
	if (recipe->kill_at || recipe->ended)
		return;
	recipe->kill_at = os_now_ms() + STEP_KILL_MS;
	recipe->signal = "TERM";
}

static void
heed_verdict(struct recipe *recipe)
{
	if (step_has_failed(recipe->step))
		tell_to_end(recipe);
}

/* --- frames --- */

static bool
is_number(struct str word, int64_t *number)
{
	return str_integer(word, number) && *number >= 0;
}

/* A frame's first line; false where it is none. */
static bool
hear_frame(struct recipe *recipe, struct str line)
{
	struct str word, first = {NULL, 0}, second = {NULL, 0};
	int64_t number = 0, took;
	str_split(&line, ' ', &word);
	if (!str_split(&line, ' ', &first) || !is_number(first, &number))
		return false;
	if (str_is(word, "at")) {
		recipe->began = os_now_ms() - number;
	} else if (str_is(word, "out")) {
		recipe->out = number;
	} else if (str_is(word, "call")) {
		str_split(&line, ' ', &second);
		recipe->calls++;
		step_call(recipe->step, str_is(second, "success"), line);
	} else if (str_is(word, "end") && is_number(line, &took)) {
		recipe->ended = true;
		recipe->status = (int)number;
		recipe->step->took = took;
	} else {
		return false;
	}
	return true;
}

static void
hear(struct recipe *recipe, struct str bytes)
{
	while (bytes.n && !recipe->ended && !recipe->broken) {
		size_t n = recipe->out < (int64_t)bytes.n ? (size_t)recipe->out : bytes.n, end;
		if (n) {
			output_add(&recipe->step->output, str_part(bytes, 0, n));
			recipe->offset += (int64_t)n;
			recipe->out -= (int64_t)n;
			bytes = str_part(bytes, n, bytes.n);
			continue;
		}
		end = str_find(bytes, '\n');
		if (recipe->frame_length + end > FRAME_LIMIT) {
			recipe->broken = true;
			break;
		}
		memcpy(recipe->frame + recipe->frame_length, bytes.s, end);
		recipe->frame_length += end;
		if (end == bytes.n)
			break;
		bytes = str_part(bytes, end + 1, bytes.n);
		recipe->broken = !hear_frame(recipe, (struct str){recipe->frame, recipe->frame_length});
		recipe->frame_length = 0;
	}
	heed_verdict(recipe);
}

/* --- the connection --- */

/* The clock stands still until the machine has said again how long the recipe has been running: it may have ended meanwhile. */
static void
let_go(struct recipe *recipe)
{
	if (recipe->follow.pid > 0) {
		kill(recipe->follow.pid, SIGTERM);
		os_wait(&recipe->follow);
	}
	recipe->follow = (struct os_process){-1, -1};
	recipe->out = 0;
	recipe->frame_length = 0;
	recipe->began = 0;
	if (!recipe->lost)
		recipe->lost = os_now_ms();
}

static void
take_up(struct recipe *recipe)
{
	struct arena arena = {NULL};
	struct str offset = str_printf(&arena, "%lld", (long long)recipe->offset), error = {NULL, 0};
	struct str calls = str_printf(&arena, "%lld", (long long)recipe->calls);
	const char *const words[] = {"follow", recipe->name, offset.s, calls.s, NULL};
	if (remote_start(recipe->remote, &arena, words, (struct str){NULL, 0}, true, &recipe->follow, &error))
		fcntl(recipe->follow.out, F_SETFL, O_NONBLOCK);
	else
		let_go(recipe);
	if (error.n && !str_eq(error, recipe->why_lost))
		recipe->why_lost = str_dup(recipe->arena, error);
	arena_free(&arena);
}

/* One block: the clock and the cancellation have their turn between. */
static void
read_follow(struct recipe *recipe)
{
	ssize_t n = read(recipe->follow.out, recipe->block, BLOCK_SIZE);
	if (n > 0) {
		recipe->lost = 0;
		hear(recipe, (struct str){recipe->block, (size_t)n});
	} else if (n == 0) {
		let_go(recipe);
	}
}

/* --- the clock --- */

static void
look_at_clock(struct recipe *recipe)
{
	int64_t now = os_now_ms();
	if (recipe->began && step_clock(recipe->step, now - recipe->began))
		tell_to_end(recipe);
	if (recipe->kill_at && now >= recipe->kill_at && !recipe->killed) {
		recipe->killed = true;
		recipe->signal = "KILL";
	}
}

static int
time_left(const struct recipe *recipe)
{
	int64_t now = os_now_ms(), until = INT64_MAX, next = judge_next_time(&recipe->step->judge);
	if (recipe->kill_at)
		until = recipe->killed ? recipe->kill_at + LATE_MS : recipe->kill_at;
	else if (recipe->began && next < INT64_MAX)
		until = recipe->began + next;
	if (recipe->follow.pid < 0 || recipe->signal)
		until = until < now + REMOTE_PAUSE_MS ? until : now + REMOTE_PAUSE_MS;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > 3600000 ? 3600000 : (int)(until - now);
}

/* Whether nothing is to be hoped for any more. */
static bool
is_given_up(struct recipe *recipe, struct failure *failure)
{
	int64_t now = os_now_ms();
	bool late = recipe->kill_at && now >= recipe->kill_at + LATE_MS;
	if (recipe->broken) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "what the HOST %.*s says of the step cannot be understood",
			STR_ARG(recipe->remote->address));
	} else if (recipe->lost && remote_is_over(recipe->remote, recipe->lost,
					   recipe->why_lost.n ? recipe->why_lost : STR("no answer"), failure)) {
		return true;
	} else if (late && !recipe->step->cancelled) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "the HOST %.*s does not end the step's processes",
			STR_ARG(recipe->remote->address));
	}
	return failure->message.n || late;
}

/* Follows it to its end; false with the failure where that will not be known, without one where it does not matter any more. */
static bool
watch(struct recipe *recipe, struct failure *failure)
{
	int cancel = recipe->remote->run->cancel.fd;
	while (!recipe->ended) {
		if (is_given_up(recipe, failure))
			return false;
		if (recipe->follow.pid < 0)
			take_up(recipe);
		send_signal(recipe);
		struct pollfd waits[] = {
			{.fd = recipe->follow.out, .events = POLLIN},
			{.fd = cancel, .events = POLLIN},
		};
		poll(waits, 2, time_left(recipe));
		look_at_clock(recipe);
		if (waits[0].revents)
			read_follow(recipe);
		if (waits[1].revents) {
			recipe->step->cancelled = !step_has_failed(recipe->step) && !recipe->ended;
			cancel = -1;
			tell_to_end(recipe);
		}
	}
	return true;
}

/* --- after the end --- */

static int64_t
count_left(struct recipe *recipe)
{
	struct arena arena = {NULL};
	struct str text;
	int64_t count = 0;
	if (!ask(recipe, &arena, (const char *const[]){"left", recipe->name, NULL}, STR(""), &text) ||
		!str_integer(str_trim(text), &count))
		count = 0;
	arena_free(&arena);
	return count;
}

/* What those that were left behind still printed. */
static void
read_rest(struct recipe *recipe)
{
	struct str warned = recipe->why_lost;
	int64_t took = recipe->step->took;
	int status = recipe->status;
	recipe->ended = false;
	let_go(recipe);
	recipe->lost = 0;
	for (int64_t until = os_now_ms() + REMOTE_LAST_MS; !recipe->ended && !recipe->broken && os_now_ms() < until;) {
		if (recipe->follow.pid < 0)
			take_up(recipe);
		struct pollfd wait = {.fd = recipe->follow.out, .events = POLLIN};
		if (poll(&wait, 1, REMOTE_PAUSE_MS) > 0)
			read_follow(recipe);
	}
	recipe->why_lost = warned;
	recipe->ended = true;
	recipe->status = status;
	recipe->step->took = took;
}

/* Ends what the recipe has left running. */
static void
end_left_behind(struct recipe *recipe)
{
	int64_t left = count_left(recipe);
	/* What bash itself does not wait for, as in `cmp a <(b)`, ends a moment later. */
	if (left)
		poll(NULL, 0, LINGER_MS);
	if (!left || !(left = count_left(recipe)))
		return;
	recipe->signal = "TERM";
	send_signal(recipe);
	for (int64_t until = os_now_ms() + LEFT_BEHIND_MS; (left = count_left(recipe)) && os_now_ms() < until;)
		poll(NULL, 0, LEFT_LOOK_MS);
	recipe->signal = left ? "KILL" : NULL;
	send_signal(recipe);
	if (!recipe->kill_at)
		event_warning(recipe->step->run->events,
			STR("nothing runs on from one step to the next; a recipe waits with 'wait' for what it has started"),
			"step '%.*s' left processes running; they are ended", STR_ARG(recipe->step->build->name));
	read_rest(recipe);
}

static bool
file_exists(void *context, struct str path)
{
	struct recipe *recipe = context;
	struct arena arena = {NULL};
	struct str found = {NULL, 0}, input = {str_c(&arena, path), path.n + 1};
	const char *dir = str_c(&arena, recipe->step->build->set.dir);
	bool asked = ask(recipe, &arena, (const char *const[]){"exists", *dir ? dir : ".", NULL}, input, &found);
	arena_free(&arena);
	return asked && found.n > 0;
}

/* --- the beginning --- */

/* Our own entries are the machine's there; PATH without our command folder. */
static void
add_entry(struct recipe *recipe, struct buf *input, const char *entry)
{
	static const char *const own[] = {CHANNEL_STEP "=", CHANNEL_VARIABLE "=", "EDCC_DIR="};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strncmp(entry, own[i], strlen(own[i])) == 0)
			return;
	struct str text = str_from(entry);
	struct str ours = str_printf(recipe->arena, "PATH=%.*s/bin:", STR_ARG(recipe->step->run->folder));
	if (str_starts(text, ours)) {
		buf_add_c(input, "PATH=");
		text = str_part(text, ours.n, text.n);
	}
	buf_add(input, text);
	buf_add_byte(input, 0);
}

/* A machine that knows it already has started it although no answer came. */
static bool
start(struct recipe *recipe, struct failure *failure)
{
	const struct build *build = recipe->step->build;
	const struct environment *environment = recipe_environment(recipe->step->run, build->scope);
	struct buf input = buf_new(recipe->arena);
	struct str output;
	for (size_t i = 0; i < environment->count; i++)
		add_entry(recipe, &input, environment->entries[i]);
	buf_printf(&input, "EDCC_DIR=%.*s", STR_ARG(build->set.dir.n ? build->set.dir : STR(".")));
	buf_add(&input, (struct str){"\0", 2});
	buf_add(&input, build->recipe);
	buf_add_byte(&input, 0);
	struct remote_call call = {.words = (const char *const[]){"start", recipe->name, NULL}, .input = buf_str(&input)};
	return remote_make_call(recipe->remote, recipe->arena, &call, &output, failure);
}

/* RUN.STEP in letters that a file's name may have; the prefix makes it one. */
static const char *
name_of(struct arena *arena, const struct step *step)
{
	char *name = str_c(arena, str_printf(arena, "%.*s.%.*s", STR_ARG(step->run->id), STR_ARG(step->build->name)));
	for (char *c = name; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._-", *c)))
			*c = '-';
	return name;
}

bool
remote_recipe(struct step *step, struct failure *failure)
{
	struct recipe recipe = {
		.step = step,
		.remote = remote_of(step->run),
		.arena = step->arena,
		.name = name_of(step->arena, step),
		.follow = {-1, -1},
	};
	recipe.block = arena_text(recipe.arena, BLOCK_SIZE);
	if (!start(&recipe, failure)) {
		output_end(&step->output);
		return false;
	}
	bool known = watch(&recipe, failure);
	let_go(&recipe);
	if (!known && !step->cancelled) {
		output_end(&step->output);
		return false;
	}
	if (known)
		end_left_behind(&recipe);
	let_go(&recipe);
	step_end(step, known ? recipe.status : STATUS_TERM, file_exists, &recipe);
	return true;
}
