#include "remote/call.h"

#include "base/http.h"
#include "base/json.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* What a machine that cannot be reached by ssh is asked for its status page. */
#define STATUS_MS 3000
#define STATUS_LIMIT ((size_t)64 << 10)
/* How often a lease is renewed before it would be over, and how long one try may take. */
#define RENEWALS_OF_LEASE 4
#define RENEW_LEAST_MS 1000
#define RENEW_MOST_MS 60000
#define RENEW_TIMEOUT_MS 5000

/* --- one call --- */

struct remote *
remote_of(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
	struct remote *remote = run->remote;
	pthread_mutex_unlock(&run->mutex);
	return remote;
}

/* As the shell there has it. */
static const char *
command_line(struct arena *arena, const char *const *words)
{
	struct buf text = buf_new(arena);
	buf_add_c(&text, REMOTE_TOOL);
	for (; *words; words++) {
		buf_add_byte(&text, ' ');
		buf_add(&text, str_shell_quote(arena, str_from(*words)));
	}
	return buf_c(&text);
}

bool
remote_pause(struct remote *remote)
{
	struct pollfd wait = {.fd = remote->run->cancel.fd, .events = POLLIN};
	return poll(&wait, 1, REMOTE_PAUSE_MS) <= 0;
}

void
remote_give_up(struct remote *remote, struct str why, struct str way_out)
{
	pthread_mutex_lock(&remote->mutex);
	if (!remote->over.n) {
		remote->over = str_dup(&remote->arena, why);
		remote->way_out = str_dup(&remote->arena, way_out);
		pthread_cond_broadcast(&remote->changed);
	}
	pthread_mutex_unlock(&remote->mutex);
}

bool
remote_is_over(struct remote *remote, int64_t lost, struct str error, struct failure *failure)
{
	if (lost && os_now_ms() - lost >= REMOTE_AWAY_MS)
		remote_give_up(remote,
			str_printf(failure->arena, "the HOST %.*s has been away for %lld s: %.*s", STR_ARG(remote->address),
				(long long)REMOTE_AWAY_MS / 1000, STR_ARG(error)),
			STR("it has ended, or there is no way to it from here; every log so far is kept: edcc logs"));
	pthread_mutex_lock(&remote->mutex);
	struct str over = remote->over, way_out = remote->way_out;
	pthread_mutex_unlock(&remote->mutex);
	if (!over.n)
		return false;
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(over));
	failure_hint(failure, "%.*s", STR_ARG(way_out));
	return true;
}

static bool
fail_command(const struct remote_call *call, int status, struct str error, struct failure *failure)
{
	failure_set(failure, EXIT_STATUS_PROVIDER, "the HOST cannot %s: %.*s", call->words[0], STR_ARG(str_trim(error)));
	if (!error.n)
		failure_set(failure, EXIT_STATUS_PROVIDER, "the HOST cannot %s: exit status %d", call->words[0], status);
	return false;
}

static enum ssh_end
try_call(struct remote *remote, struct arena *arena, const struct remote_call *call, struct ssh_call *way, int *status,
	struct str *output, struct str *error)
{
	struct str broken = {NULL, 0};
	if (call->made) {
		way->input_fd = call->made->open(call->made->context, error);
		if (way->input_fd < 0)
			return SSH_FAILED;
	}
	enum ssh_end end = ssh_run(remote->ssh, arena, way, status, output, error);
	/* Where the way broke, what was put into it did too. */
	if (call->made && !call->made->close(call->made->context, &broken) && end == SSH_DONE) {
		*error = broken;
		return SSH_FAILED;
	}
	return end;
}

bool
remote_make_call(
	struct remote *remote, struct arena *arena, const struct remote_call *call, struct str *output, struct failure *failure)
{
	struct ssh_call way = {
		.command = command_line(arena, call->words),
		.input = call->input,
		.output_path = call->output_path,
		.limit = call->limit,
		.timeout_ms = call->timeout,
		.regardless = call->regardless,
	};
	struct str ignored;
	if (!remote) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "there is no HOST to ask");
		failure_hint(failure, "it was never reached: what is said of that comes first");
		return false;
	}
	for (int64_t lost = 0;;) {
		int status = 0;
		struct str error = {NULL, 0};
		if (remote_is_over(remote, 0, error, failure))
			return false;
		enum ssh_end end = try_call(remote, arena, call, &way, &status, output ? output : &ignored, &error);
		if (end == SSH_DONE)
			return status == 0 || fail_command(call, status, error, failure);
		if (end == SSH_LOST && !lost)
			lost = os_now_ms();
		if (end == SSH_LOST && remote_is_over(remote, lost, error, failure))
			return false;
		if (end == SSH_LOST && !call->once && remote_pause(remote))
			continue;
		if (end == SSH_CANCELLED || (end == SSH_LOST && os_cancel_raised(&remote->run->cancel)))
			failure_set(failure, EXIT_STATUS_INTERRUPTED, "interrupted");
		else
			failure_set(failure, EXIT_STATUS_PROVIDER, "cannot ask the HOST %.*s: %.*s", STR_ARG(remote->address),
				STR_ARG(error));
		return false;
	}
}

bool
remote_ask(struct remote *remote, struct arena *arena, const char *const *words, struct str input, struct str *output,
	struct failure *failure)
{
	bool late = remote && os_cancel_raised(&remote->run->cancel);
	struct remote_call call = {.words = words, .input = input, .regardless = late, .timeout = late ? REMOTE_LAST_MS : 0};
	return remote_make_call(remote, arena, &call, output, failure);
}

bool
remote_start(struct remote *remote, struct arena *arena, const char *const *words, struct str input, bool regardless,
	struct os_process *process, struct str *error)
{
	struct ssh_call way = {.command = command_line(arena, words), .input = input, .regardless = regardless};
	return ssh_start(remote->ssh, arena, &way, process, error);
}

/* --- the lease --- */

static bool
renew(struct remote *remote, struct arena *arena, int64_t ms, bool last, struct failure *failure)
{
	struct str seconds = str_printf(arena, "%lld", (long long)(ms + 999) / 1000);
	struct remote_call call = {.words = (const char *const[]){"renew", seconds.s, NULL},
		.timeout = RENEW_TIMEOUT_MS,
		.regardless = last,
		.once = last};
	return remote_make_call(remote, arena, &call, NULL, failure);
}

bool
remote_keep(struct remote *remote, int64_t ms, struct failure *failure)
{
	return renew(remote, failure->arena, ms, false, failure);
}

/* That it fails shows to those who ask for more. */
static void *
renew_again_and_again(void *context)
{
	struct remote *remote = context;
	int64_t period = remote->lease / RENEWALS_OF_LEASE;
	period = period < RENEW_LEAST_MS ? RENEW_LEAST_MS : period > RENEW_MOST_MS ? RENEW_MOST_MS : period;
	pthread_mutex_lock(&remote->mutex);
	for (;;) {
		int64_t until = os_now_ms() + period;
		while (!remote->closing && os_condition_wait(&remote->changed, &remote->mutex, until))
			;
		if (remote->closing)
			break;
		pthread_mutex_unlock(&remote->mutex);
		struct arena arena = {NULL};
		struct failure failure = {.arena = &arena};
		renew(remote, &arena, remote->lease, true, &failure);
		arena_free(&arena);
		pthread_mutex_lock(&remote->mutex);
	}
	pthread_mutex_unlock(&remote->mutex);
	return NULL;
}

/* --- opening --- */

/* What the machine's status page says of its boot, where there is one: "; its boot says: Failed in packages: …". */
static struct str
look_at_page(const struct remote *remote, struct arena *arena)
{
	struct http_options options = {.user_agent = "edcc"};
	struct http_response response;
	struct str error, none = {NULL, 0};
	struct http_request request = {
		.method = "GET",
		.url = str_printf(arena, "http://%.*s/status.json", STR_ARG(remote->address)),
		.limit = STATUS_LIMIT,
		.connect_ms = STATUS_MS,
		.total_ms = STATUS_MS,
		.direct = true,
		.cancel = &remote->run->cancel,
	};
	struct http_client *client = http_client_new(&options, arena, &error);
	bool answered = client && http_send(client, arena, &request, &response) && response.status == 200;
	if (client)
		http_client_free(client);
	const struct json *page = answered ? json_read(arena, response.body, &error) : NULL;
	struct str state = page ? json_text(page, "state", none) : none, step = page ? json_text(page, "step", none) : none;
	struct str log = page ? str_trim(json_text(page, "log", none)) : none, line;
	struct buf says = buf_new(arena);
	if (!state.n)
		return none;
	buf_printf(&says, "; its boot says: %.*s%s%.*s", STR_ARG(state), step.n ? " in " : "", STR_ARG(step));
	for (const char *between = ": "; log.n && str_split(&log, '\n', &line); between = "; ")
		buf_printf(&says, "%s%.*s", between, STR_ARG(line));
	return buf_str(&says);
}

static bool
fail_open(struct remote *remote, enum ssh_end end, struct str error, struct failure *failure)
{
	if (end == SSH_CANCELLED || os_cancel_raised(&remote->run->cancel)) {
		failure_set(failure, EXIT_STATUS_INTERRUPTED, "interrupted");
		return false;
	}
	struct str says = look_at_page(remote, failure->arena);
	failure_set(failure, EXIT_STATUS_PROVIDER, "the HOST does not let us in: %.*s%.*s", STR_ARG(error), STR_ARG(says));
	failure_hint(failure, end == SSH_REFUSED
				      ? "its boot has not come to its keys, or another machine has its address"
				      : "its port 22 must be open to this machine, and what is between must let it through");
	return false;
}

static bool
get_in(struct remote *remote, int64_t deadline, struct failure *failure)
{
	struct str error = {NULL, 0};
	enum ssh_end end = ssh_connect(remote->ssh, failure->arena, deadline, &error);
	return end == SSH_DONE || fail_open(remote, end, error, failure);
}

/* Readers see the old tool or the new. */
static bool
send_tool(struct remote *remote, struct str tool, struct failure *failure)
{
	static const char put[] =
		"umask 022; mkdir -p \"${0%/*}\" && cat >\"$0.new\" && chmod 755 \"$0.new\" && mv -f \"$0.new\" \"$0\"";
	struct arena *arena = failure->arena;
	struct ssh_call way = {
		.command = str_printf(arena, "sh -c %.*s " REMOTE_TOOL, STR_ARG(str_shell_quote(arena, str_from(put)))).s,
		.input = tool};
	for (int64_t end_by = os_now_ms() + REMOTE_AWAY_MS;;) {
		struct str output, error = {NULL, 0};
		int status = 0;
		enum ssh_end end = ssh_run(remote->ssh, arena, &way, &status, &output, &error);
		if (end == SSH_DONE && status == 0)
			return true;
		if (end != SSH_LOST || os_now_ms() >= end_by || !remote_pause(remote)) {
			if (end != SSH_DONE)
				return fail_open(remote, end, error, failure);
			failure_set(failure, EXIT_STATUS_PROVIDER, "the HOST %.*s does not take " REMOTE_TOOL ": %.*s",
				STR_ARG(remote->address), STR_ARG(str_trim(error)));
			return false;
		}
	}
}

/* The first key has been in the user data, which others may read: it is good for one answer. */
static bool
learn_key(struct remote *remote, struct failure *failure)
{
	struct str key = {NULL, 0};
	if (!remote_ask(remote, failure->arena, (const char *const[]){"forget-first-key", NULL}, STR(""), &key, failure))
		return false;
	key = str_trim(key);
	if (!str_starts(key, STR("ssh-")) || str_find(key, '\n') < key.n) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "the HOST %.*s shows no key of its own", STR_ARG(remote->address));
		return false;
	}
	remote->host_key = str_dup(&remote->arena, key);
	ssh_set_host_key(remote->ssh, remote->host_key);
	return true;
}

static struct remote *
new_remote(struct run *run, const struct remote_options *options)
{
	struct remote *remote = calloc(1, sizeof *remote);
	if (!remote)
		os_exhausted();
	remote->run = run;
	remote->lease = options->lease;
	remote->has_ended = options->has_ended;
	remote->opened = os_now_ms();
	remote->address = str_dup(&remote->arena, options->ssh.address);
	remote->ssh = ssh_new(&options->ssh);
	pthread_mutex_init(&remote->mutex, NULL);
	os_condition_init(&remote->changed);
	return remote;
}

static void
free_remote(struct remote *remote)
{
	ssh_free(remote->ssh);
	pthread_cond_destroy(&remote->changed);
	pthread_mutex_destroy(&remote->mutex);
	arena_free(&remote->arena);
	free(remote);
}

struct remote *
remote_open(struct run *run, const struct remote_options *options, int64_t deadline, struct failure *failure)
{
	struct remote *remote = new_remote(run, options);
	bool done = get_in(remote, deadline, failure) && send_tool(remote, options->tool, failure) && learn_key(remote, failure) &&
		    renew(remote, failure->arena, remote->lease, false, failure);
	if (done && pthread_create(&remote->thread, NULL, renew_again_and_again, remote) != 0) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "no thread can be started");
		done = false;
	}
	if (!done) {
		free_remote(remote);
		return NULL;
	}
	pthread_mutex_lock(&run->mutex);
	run->remote = remote;
	pthread_mutex_unlock(&run->mutex);
	return remote;
}

void
remote_close(struct remote *remote)
{
	if (!remote)
		return;
	pthread_mutex_lock(&remote->mutex);
	remote->closing = true;
	pthread_cond_broadcast(&remote->changed);
	pthread_mutex_unlock(&remote->mutex);
	pthread_join(remote->thread, NULL);
	pthread_mutex_lock(&remote->run->mutex);
	remote->run->remote = NULL;
	pthread_mutex_unlock(&remote->run->mutex);
	free_remote(remote);
}

struct str
remote_host_key(const struct remote *remote)
{
	return remote->host_key;
}
