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

struct sending {
	struct remote *remote;
	struct arena *arena;
	const struct cloud_file *file;
	struct cloud_parcel parcel;
	struct failure *failure;
	char line[LINE_LIMIT];
	size_t length, heard; /* of the line; puts that have been answered */
	int64_t moved;
	int status; /* of the first that was refused; 0: none */
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

/* Lines of tabs: OFFSET LENGTH URL HEADER… */
static struct str
puts_text(struct arena *arena, const struct cloud_parcel *parcel)
{
	struct buf text = buf_new(arena);
	for (size_t i = 0; i < parcel->part_count; i++) {
		const struct cloud_put *put = &parcel->puts[i];
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
	if (sending->heard == parcel->part_count || !str_split(&line, ' ', &status))
		return;
	struct cloud_put *put = &parcel->puts[sending->heard++];
	put->etag = str_dup(sending->arena, line);
	if (!str_integer(status, &number) || number != STATUS_OK) {
		if (!sending->status)
			sending->status = number > 0 ? (int)number : -1;
		return;
	}
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

/* Once; true where every request was answered. */
static bool
send_once(struct sending *sending, bool *lost, struct str *error)
{
	struct os_process process;
	const char *const words[] = {"store", sending->file->path, NULL};
	int cancel = sending->remote->run->cancel.fd;
	char block[LINE_LIMIT];
	sending->length = sending->heard = 0;
	sending->moved = 0;
	sending->status = 0;
	*lost = !remote_start(
		sending->remote, sending->arena, words, puts_text(sending->arena, &sending->parcel), false, &process, error);
	if (*lost)
		return false;
	for (ssize_t n = 1; n > 0;) {
		struct pollfd waits[] = {{.fd = process.out, .events = POLLIN}, {.fd = cancel, .events = POLLIN}};
		int some = poll(waits, 2, wait_left(sending));
		if (waits[1].revents || !some)
			break;
		n = read(process.out, block, sizeof block);
		if (n > 0)
			hear(sending, (struct str){block, (size_t)n});
	}
	kill(process.pid, SIGTERM);
	*lost = os_wait(&process) == 255;
	return sending->heard == sending->parcel.part_count;
}

/* The same requests again do no harm. */
static bool
send_all(struct sending *sending)
{
	struct remote *remote = sending->remote;
	for (int64_t away = 0;;) {
		struct str error = {NULL, 0};
		bool lost;
		if (send_once(sending, &lost, &error))
			break;
		if (os_cancel_raised(&remote->run->cancel)) {
			failure_set(sending->failure, EXIT_STATUS_INTERRUPTED, "interrupted");
			return false;
		}
		if (is_late(sending))
			return fail(sending, "there was no more time for it");
		if (!lost)
			return fail(sending, "the HOST does not say what came of it");
		if (!away || sending->heard)
			away = os_now_ms();
		if (remote_is_over(remote, away, error.n ? error : STR("the connection is lost"), sending->failure))
			return false;
		remote_pause(remote);
	}
	if (!sending->status)
		return true;
	failure_set(sending->failure, EXIT_STATUS_PROVIDER, "the HOST was answered with HTTP status %d when it stored it",
		sending->status);
	if (sending->status < 0)
		failure_set(sending->failure, EXIT_STATUS_PROVIDER, "the HOST cannot reach S3");
	return false;
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
	const struct cloud *cloud;
	void *account = cloud_account(run, NULL, &cloud, failure);
	if (!account || !look(&sending, &there))
		return false;
	*parcel = (struct cloud_parcel){.url = file->url, .size = there.size, .sha256 = there.sha256};
	parcel->part_size = cloud->part_size(parcel->size);
	parcel->part_count = parcel->size ? (size_t)((parcel->size + parcel->part_size - 1) / parcel->part_size) : 1;
	if (!get_digests(&sending) || !cloud->offer(account, arena, file, parcel, failure))
		return false;
	bool done = send_all(&sending) && (parcel->part_count == 1 || is_unchanged(&sending)) &&
		    cloud->accept(account, arena, parcel, stored, failure);
	if (!done && parcel->upload.n)
		cloud->drop(account, file->url, parcel->upload, &ignored);
	return done;
}
