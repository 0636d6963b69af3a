/* What the HOST says of its fleet, line by line for as long as somebody wants to know: hosts that come and go, and what each compiles. */
#include "remote/call.h"

#include "base/base64.h"
#include "base/lookout.h"
#include "distcc/jobs.h"
#include "remote/mirror.h"
#include "runtime/distcc.h"
#include "runtime/distcc_watch.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one read takes, and the longest line: of a thousand jobs, in base64. */
#define BLOCK_SIZE ((size_t)64 << 10)
#define LINE_LIMIT ((size_t)1 << 20)
/* How often to look whether there is a HOST yet. */
#define LOOK_MS 50
/* Once enough hosts are ready the others are waited for as long again as half of what that took, and at least so long. */
#define GRACE_MS 15000
#define AWAIT_LOOK_MS 100
/* How long the HOST may be away before it is asked whether it has ended, and how long one is content with the answer. */
#define ASK_FIRST_MS 2000
#define ASK_AGAIN_MS 5000

struct watch {
	struct run *run;
	struct remote *remote; /* once there is one */
	struct lookout *lookout;
	int64_t asked; /* when it was last asked whether the HOST has ended */
	struct distcc_slots *slots;
	struct distcc_job *jobs;
	struct mirror *mirror;
	struct distcc_log *log; /* of the HOST's clients, from its beginning; NULL: nothing is to be told by it */
	char *line; /* what has come of one; LINE_LIMIT */
	size_t length;
};

/* --- hosts --- */

static struct host *
host_named(struct run *run, struct str name)
{
	for (uint32_t i = 0; i < run->host_count; i++)
		if (str_eq(run->hosts[i].name, name))
			return &run->hosts[i];
	return NULL;
}

static void
tell_waiting(struct remote *remote)
{
	pthread_mutex_lock(&remote->mutex);
	pthread_cond_broadcast(&remote->changed);
	pthread_mutex_unlock(&remote->mutex);
}

/* "NAME STATE SLOTS TEXT". After a lost connection everything is said again. */
static void
hear_host(struct watch *watch, struct str rest)
{
	struct run *run = watch->run;
	struct str name, state, slots;
	int64_t count = 0;
	bool whole = str_split(&rest, ' ', &name) && str_split(&rest, ' ', &state) && str_split(&rest, ' ', &slots);
	struct host *host = whole ? host_named(run, name) : NULL;
	if (!host)
		return;
	bool comes = str_is(state, "Ready"), goes = str_is(state, "Out") || str_is(state, "Failed");
	struct str reason = str_trim(rest);
	if (!reason.n)
		reason = STR("the HOST gives no reason");
	pthread_mutex_lock(&run->mutex);
	bool known = comes ? host->ready : !host->ready && str_eq(host->out_reason, reason);
	if (comes && str_integer(slots, &count) && count > 0)
		host->slots = (int)count;
	pthread_mutex_unlock(&run->mutex);
	if (known || (!comes && !goes))
		return;
	if (comes)
		run_host_ready(run, host);
	else
		run_host_out(run, host, reason);
	tell_waiting(watch->remote);
}

/* The clients' state files, one behind the other, in base64. */
static void
hear_jobs(struct watch *watch, struct str text)
{
	struct arena arena = {NULL};
	struct str bytes = {NULL, 0};
	size_t count = 0;
	pid_t pid;
	if (base64_decode(&arena, text, &bytes))
		for (size_t at = 0; bytes.n - at >= DISTCC_STATE_SIZE && count < DISTCC_JOB_LIMIT; at += DISTCC_STATE_SIZE)
			count += distcc_job_read(bytes.s + at, &watch->jobs[count], &pid);
	distcc_slots_tell(watch->slots, watch->jobs, count);
	mirror_show(watch->mirror, bytes);
	arena_free(&arena);
}

/* Lines of the clients' log, in base64. */
static void
hear_log(struct watch *watch, struct str text)
{
	struct arena arena = {NULL};
	struct str lines = {NULL, 0};
	if (watch->log && base64_decode(&arena, text, &lines)) {
		distcc_log_take(watch->log, lines);
		distcc_hold_bound(watch->run, distcc_log_read(watch->log));
	}
	arena_free(&arena);
}

static void
hear_line(struct watch *watch, struct str line)
{
	struct str word;
	str_split(&line, ' ', &word);
	if (str_is(word, "host"))
		hear_host(watch, line);
	else if (str_is(word, "jobs"))
		hear_jobs(watch, line);
	else if (str_is(word, "pump"))
		remote_hear_pump(watch->remote, line);
	else if (str_is(word, "log"))
		hear_log(watch, line);
}

/* A line that is too long is cut, and then none that is understood. */
static void
hear(struct watch *watch, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.s[i] == '\n') {
			hear_line(watch, (struct str){watch->line, watch->length});
			watch->length = 0;
		} else if (watch->length < LINE_LIMIT) {
			watch->line[watch->length++] = bytes.s[i];
		}
	}
}

/* --- the thread --- */

/* Waits until there is something to read, or (false) the watch is to end. */
static bool
wait_for(int fd, const struct os_cancel *stop)
{
	struct pollfd waits[] = {{.fd = stop->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	poll(waits, 2, -1);
	return !waits[0].revents && waits[1].revents;
}

static void
set_away(struct remote *remote, bool away)
{
	pthread_mutex_lock(&remote->mutex);
	remote->away = !away ? 0 : remote->away ? remote->away : os_now_ms();
	pthread_mutex_unlock(&remote->mutex);
}

/* One connection, as long as it lasts. */
static void
listen_once(struct watch *watch, const struct os_cancel *stop)
{
	struct arena arena = {NULL};
	struct os_process process;
	struct str error;
	char *block = arena_text(&arena, BLOCK_SIZE);
	bool bounded = watch->run->project->distcc.fallback < 100;
	watch->length = 0;
	distcc_log_close(watch->log);
	watch->log = bounded ? distcc_log_open(STR("")) : NULL;
	const char *const words[] = {"watch", bounded ? "log" : NULL, NULL};
	if (remote_start(watch->remote, &arena, words, (struct str){NULL, 0}, true, &process, &error)) {
		ssize_t n = 1;
		while (n > 0 && wait_for(process.out, stop) && (n = read(process.out, block, BLOCK_SIZE)) > 0) {
			set_away(watch->remote, false);
			hear(watch, (struct str){block, (size_t)n});
		}
		kill(process.pid, SIGTERM);
		os_wait(&process);
	}
	set_away(watch->remote, true);
	arena_free(&arena);
}

/* Whoever gave the machine may know that it will not come back. */
static void
ask_for_end(struct watch *watch)
{
	struct remote *remote = watch->remote;
	int64_t now = os_now_ms();
	pthread_mutex_lock(&remote->mutex);
	bool due = remote->away && now - remote->away >= ASK_FIRST_MS && now - watch->asked >= ASK_AGAIN_MS && !remote->over.n;
	pthread_mutex_unlock(&remote->mutex);
	if (!due || !remote->has_ended)
		return;
	struct arena arena = {NULL};
	struct failure failure = {.arena = &arena};
	if (remote->has_ended(watch->run, &failure))
		remote_give_up(remote, failure.message, failure.hint);
	watch->asked = os_now_ms();
	arena_free(&arena);
}

static bool
is_told(struct watch *watch)
{
	watch->remote = remote_of(watch->run);
	if (!watch->remote)
		return false;
	pthread_mutex_lock(&watch->remote->mutex);
	bool told = watch->remote->told;
	pthread_mutex_unlock(&watch->remote->mutex);
	return told;
}

static int
look(void *context, const struct os_cancel *stop)
{
	struct watch *watch = context;
	if (is_told(watch)) {
		listen_once(watch, stop);
		ask_for_end(watch);
	}
	return watch->remote ? REMOTE_PAUSE_MS : LOOK_MS;
}

static void
watch_free(struct watch *watch)
{
	distcc_slots_free(watch->slots);
	mirror_free(watch->mirror);
	distcc_log_close(watch->log);
	free(watch->jobs);
	free(watch->line);
	free(watch);
}

void *
remote_watch(struct run *run)
{
	struct watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		os_exhausted();
	watch->run = run;
	watch->slots = distcc_slots_new(run);
	watch->jobs = calloc(DISTCC_JOB_LIMIT, sizeof *watch->jobs);
	watch->mirror = mirror_new(run);
	watch->line = malloc(LINE_LIMIT);
	watch->lookout = watch->jobs && watch->mirror && watch->line ? lookout_start(look, watch) : NULL;
	if (watch->lookout)
		return watch;
	watch_free(watch);
	return NULL;
}

void
remote_unwatch(void *context)
{
	struct watch *watch = context;
	if (!watch)
		return;
	lookout_stop(watch->lookout);
	watch_free(watch);
}

/* --- who waits for a host --- */

bool
remote_tell_fleet(struct remote *remote, struct failure *failure)
{
	struct run *run = remote->run;
	struct buf lines = buf_new(failure->arena);
	bool compressed = str_is(run->project->distcc.compression, "yes");
	int asked = (int)run->project->distcc.slots;
	const char *local = str_printf(failure->arena, "%d", run->plan->local_slots).s;
	const char *pump = str_c(failure->arena, remote_pump_word(run));
	pthread_mutex_lock(&run->mutex);
	for (uint32_t i = 0; i < run->host_count; i++) {
		const struct host *host = &run->hosts[i];
		if (!host->address.n)
			continue;
		buf_printf(&lines, "%.*s %.*s ", STR_ARG(host->name), STR_ARG(host->address));
		if (asked > 0)
			buf_printf(&lines, "%d", asked);
		buf_printf(&lines, "%s\n", compressed ? ",lzo" : "");
	}
	pthread_mutex_unlock(&run->mutex);
	if (!remote_send_front(remote, failure) ||
		!remote_ask(remote, failure->arena,
			(const char *const[]){"fleet", local, str_c(failure->arena, run->id), pump, NULL}, buf_str(&lines), NULL,
			failure))
		return false;
	pthread_mutex_lock(&remote->mutex);
	remote->told = true;
	pthread_mutex_unlock(&remote->mutex);
	return true;
}

/* How many hosts of each group must be ready before anything begins; the sum over the groups. */
static uint32_t
enough_hosts(const struct project *project)
{
	uint32_t sum = 0;
	for (uint32_t i = 0; i < project->group_count; i++)
		sum += project->groups[i].set.minimum > 0 ? (uint32_t)project->groups[i].set.minimum : 1;
	return sum;
}

enum prospect {
	PROSPECT_OPEN,
	PROSPECT_READY,
	PROSPECT_OUT, /* with the failure */
};

static enum prospect
look_at_host(struct remote *remote, uint32_t index, uint32_t *ready, struct failure *failure)
{
	struct run *run = remote->run;
	const struct host *host = &run->hosts[index];
	enum prospect prospect = PROSPECT_OPEN;
	*ready = 0;
	pthread_mutex_lock(&run->mutex);
	for (uint32_t i = 0; i < run->host_count; i++)
		*ready += run->hosts[i].ready;
	if (host->ready) {
		prospect = PROSPECT_READY;
	} else if (host->out_reason.n) {
		prospect = PROSPECT_OUT;
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(host->out_reason));
	}
	pthread_mutex_unlock(&run->mutex);
	return prospect;
}

/* Whether it is waited for no longer; with the remote's mutex. */
static bool
is_given_up(struct remote *remote, uint32_t ready, struct failure *failure)
{
	int64_t now = os_now_ms();
	if (os_cancel_raised(&remote->run->cancel)) {
		failure_set(failure, EXIT_STATUS_INTERRUPTED, "interrupted");
		return true;
	}
	if (!remote->enough && ready >= enough_hosts(remote->run->project))
		remote->enough = now;
	int64_t half = (remote->enough - remote->opened) / 2, grace = half > GRACE_MS ? half : GRACE_MS;
	if (!remote->enough || now - remote->enough < grace)
		return false;
	failure_set(failure, EXIT_STATUS_PROVIDER, "it was not ready %lld s after others were; where it comes later it joins",
		(long long)grace / 1000);
	return true;
}

static bool
is_away_for_good(struct remote *remote, struct failure *failure)
{
	pthread_mutex_lock(&remote->mutex);
	int64_t away = remote->away;
	pthread_mutex_unlock(&remote->mutex);
	return away && remote_is_over(remote, away, STR("it says nothing of its fleet"), failure);
}

bool
remote_await_host(struct remote *remote, uint32_t host, struct failure *failure)
{
	for (;;) {
		uint32_t ready;
		if (is_away_for_good(remote, failure))
			return false;
		enum prospect prospect = look_at_host(remote, host, &ready, failure);
		if (prospect != PROSPECT_OPEN)
			return prospect == PROSPECT_READY;
		pthread_mutex_lock(&remote->mutex);
		bool given_up = is_given_up(remote, ready, failure);
		if (!given_up)
			os_condition_wait(&remote->changed, &remote->mutex, os_now_ms() + AWAIT_LOOK_MS);
		pthread_mutex_unlock(&remote->mutex);
		if (given_up)
			return false;
	}
}
