/* A file of the HOST's tree to the cloud: it sends it by itself, by requests that are signed here, and only its digests come this way. */
#include "remote/call.h"

#include "runtime/cloud.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* "STATUS ETAG\n": no line of an answer is longer. */
#define LINE_LIMIT ((size_t)1024)
#define STATUS_OK 200
/* So many rounds one after the other that bring nothing end it: what was refused may have been too late, but not twice. */
#define IDLE_ROUNDS 2

struct sending {
	struct remote *remote;
	struct arena *arena;
	const struct cloud *cloud;
	void *account;
	const struct cloud_file *file;
	struct cloud_parcel parcel;
	struct failure *failure;
	char line[LINE_LIMIT];
	size_t length; /* of the line */
	size_t next; /* the round's next line is of this part, or of the first after it that was not stored */
	size_t stored; /* parts */
	int64_t moved;
	int status; /* of the round's first that was refused; 0: none */
};

static bool
fail(struct sending *sending, const char *what)
{
	failure_set(sending->failure, EXIT_STATUS_PROVIDER, "%s", what);
	return false;
}

/* --- its digests --- */

static bool
get_digests(struct sending *sending)
{
	struct cloud_parcel *parcel = &sending->parcel;
	struct str size = str_printf(sending->arena, "%lld", (long long)parcel->part_size), output, line;
	const char *const words[] = {"parts", sending->file->path, size.s, NULL};
	size_t count = 0;
	parcel->digests = arena_array(sending->arena, struct str, parcel->part_count);
	if (parcel->part_count == 1) {
		parcel->digests[0] = parcel->sha256;
		return true;
	}
	if (!remote_ask(sending->remote, sending->arena, words, (struct str){NULL, 0}, &output, sending->failure))
		return false;
	while (output.n && count < parcel->part_count && str_split(&output, '\n', &line))
		parcel->digests[count++] = line;
	return count == parcel->part_count || fail(sending, "it has become shorter while it was stored");
}

static bool
look(struct sending *sending, struct remote_file *file)
{
	return remote_look_at_file(sending->remote, sending->arena, str_from(sending->file->path), file, sending->failure);
}

/* --- sending --- */

/* What is not stored, in lines of tabs: OFFSET LENGTH URL HEADER… */
static struct str
puts_text(struct arena *arena, const struct cloud_parcel *parcel)
{
	struct buf text = buf_new(arena);
	for (size_t i = 0; i < parcel->part_count; i++) {
		const struct cloud_put *put = &parcel->puts[i];
		if (put->stored)
			continue;
		buf_printf(&text, "%lld\t%lld\t%.*s", (long long)put->offset, (long long)put->length, STR_ARG(put->url));
		for (size_t k = 0; k < put->header_count; k++)
			buf_printf(&text, "\t%.*s: %.*s", STR_ARG(put->headers[k].name), STR_ARG(put->headers[k].value));
		buf_add_byte(&text, '\n');
	}
	return buf_str(&text);
}

static void
hear_line(struct sending *sending, struct str line)
{
	struct cloud_parcel *parcel = &sending->parcel;
	struct str status;
	int64_t number = 0;
	while (sending->next < parcel->part_count && parcel->puts[sending->next].stored)
		sending->next++;
	if (sending->next == parcel->part_count || !str_split(&line, ' ', &status))
		return;
	struct cloud_put *put = &parcel->puts[sending->next++];
	put->stored = str_integer(status, &number) && number == STATUS_OK;
	if (!put->stored) {
		if (!sending->status)
			sending->status = number > 0 ? (int)number : -1;
		return;
	}
	put->etag = str_dup(sending->arena, line);
	sending->stored++;
	sending->moved += put->length;
	if (sending->file->moved)
		sending->file->moved(sending->file->context, sending->moved, parcel->size);
}

static void
hear(struct sending *sending, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.s[i] == '\n') {
			hear_line(sending, (struct str){sending->line, sending->length});
			sending->length = 0;
		} else if (sending->length < LINE_LIMIT) {
			sending->line[sending->length++] = bytes.s[i];
		}
	}
}

static bool
is_late(const struct sending *sending)
{
	return sending->file->until && os_now_ms() >= sending->file->until;
}

/* How long an answer is waited for, as poll has it. */
static int
wait_left(const struct sending *sending)
{
	int64_t left = sending->file->until - os_now_ms();
	return !sending->file->until ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Hears what is answered until the connection ends, the run or the time. */
static void
hear_all(struct sending *sending, const struct os_process *process)
{
	char block[LINE_LIMIT];
	for (ssize_t n = 1; n > 0;) {
		struct pollfd waits[] = {
			{.fd = process->out, .events = POLLIN}, {.fd = sending->remote->run->cancel.fd, .events = POLLIN}};
		int some = poll(waits, 2, wait_left(sending));
		if (waits[1].revents || !some)
			break;
		n = read(process->out, block, sizeof block);
		if (n > 0)
			hear(sending, (struct str){block, (size_t)n});
	}
}

/* A round: what is not stored yet is offered anew, and sent until something is refused. False where nothing can be offered; *lost: why the connection was. */
static bool
send_rest(struct sending *sending, struct str *lost)
{
	struct arena arena = {NULL};
	struct os_process process;
	const char *const words[] = {"store", sending->file->path, NULL};
	bool offered = sending->cloud->offer(sending->account, &arena, &sending->parcel, sending->failure);
	sending->length = sending->next = 0;
	sending->status = 0;
	*lost = (struct str){NULL, 0};
	if (offered &&
		remote_start(sending->remote, sending->arena, words, puts_text(&arena, &sending->parcel), false, &process, lost)) {
		hear_all(sending, &process);
		kill(process.pid, SIGTERM);
		if (os_wait(&process) == 255)
			*lost = STR("the connection is lost");
	}
	arena_free(&arena);
	return offered;
}

static bool
fail_refused(struct sending *sending)
{
	if (!sending->status)
		return fail(sending, "the HOST does not say what came of it");
	if (sending->status < 0)
		return fail(sending, "the HOST cannot reach S3");
	failure_set(sending->failure, EXIT_STATUS_PROVIDER, "the HOST was answered with HTTP status %d when it stored it",
		sending->status);
	return false;
}

/* Nothing of a round was stored, though the HOST is there. Whether it is the account whose time is over it hears where it asks by itself, and renews itself. */
static bool
go_on(struct sending *sending, int idle)
{
	struct failure ignored = {.arena = sending->arena};
	if (idle == IDLE_ROUNDS)
		return fail_refused(sending);
	sending->cloud->check(sending->account, cloud_bucket(sending->parcel.url), &ignored);
	return true;
}

static bool
send_all(struct sending *sending)
{
	struct remote *remote = sending->remote;
	int64_t away = 0;
	for (int idle = 0; sending->stored < sending->parcel.part_count;) {
		size_t before = sending->stored;
		struct str lost;
		if (!send_rest(sending, &lost))
			return false;
		if (os_cancel_raised(&remote->run->cancel)) {
			failure_set(sending->failure, EXIT_STATUS_INTERRUPTED, "interrupted");
			return false;
		}
		if (is_late(sending) && sending->stored < sending->parcel.part_count)
			return fail(sending, "there was no more time for it");
		bool moved = sending->stored > before;
		idle = moved || lost.n ? 0 : idle + 1;
		away = !lost.n ? 0 : moved || !away ? os_now_ms() : away;
		if (lost.n && remote_is_over(remote, away, lost, sending->failure))
			return false;
		if (lost.n)
			remote_pause(remote);
		else if (idle && !go_on(sending, idle))
			return false;
	}
	return true;
}

/* What has been stored is what the machine has: the same before and after. */
static bool
is_unchanged(struct sending *sending)
{
	struct remote_file again;
	if (!look(sending, &again))
		return false;
	return str_eq(again.sha256, sending->parcel.sha256) || fail(sending, "it has changed while it was stored");
}

bool
remote_store(
	struct run *run, struct arena *arena, const struct cloud_file *file, struct cloud_stored *stored, struct failure *failure)
{
	struct sending sending = {.remote = remote_of(run), .arena = arena, .file = file, .failure = failure};
	struct cloud_parcel *parcel = &sending.parcel;
	struct remote_file there;
	struct failure ignored = {.arena = arena};
	sending.account = cloud_account(run, NULL, &sending.cloud, failure);
	const struct cloud *cloud = sending.cloud;
	if (!sending.account || !look(&sending, &there))
		return false;
	*parcel = (struct cloud_parcel){.url = file->url, .size = there.size, .sha256 = there.sha256};
	parcel->part_size = cloud->part_size(parcel->size);
	parcel->part_count = parcel->size ? (size_t)((parcel->size + parcel->part_size - 1) / parcel->part_size) : 1;
	parcel->puts = arena_array(arena, struct cloud_put, parcel->part_count);
	if (!get_digests(&sending) || !cloud->begin(sending.account, arena, file, parcel, failure))
		return false;
	bool done = send_all(&sending) && (parcel->part_count == 1 || is_unchanged(&sending)) &&
		    cloud->accept(sending.account, arena, parcel, stored, failure);
	if (!done && parcel->upload.n)
		cloud->drop(sending.account, file->url, parcel->upload, &ignored);
	return done;
}
