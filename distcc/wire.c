#include "distcc/wire.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Four letters and eight hexadecimal digits. */
#define DIGITS 8
#define TOKEN (4 + DIGITS)
/* What is compiled is small; whoever sends more than this is no distccd of use. */
#define ANSWER_LIMIT ((size_t)1 << 20)
#define OUTPUT_LIMIT ((size_t)64 << 10)
#define CAPTURE_MS 20000
/* For what distcc has printed by the time that it is ended. */
#define LAST_WORDS_MS 1000
/* Where the job is on the other side, by WIRE_CPP. */
#define FOLDER "/edcc"

/* --- what is sent --- */

static void
put_number(struct buf *out, const char *token, size_t number)
{
	buf_printf(out, "%s%08zx", token, number);
}

static void
put_text(struct buf *out, const char *token, struct str text)
{
	put_number(out, token, text.n);
	buf_add(out, text);
}

/* LZO1X without a search for what could be shortened: a run of literal bytes, and the mark of the end. */
static struct str
pack(struct arena *arena, struct str text)
{
	struct buf out = buf_new(arena);
	if (text.n <= 18) { /* one byte says how many, and 17 more than that where the run is the first */
		buf_add_byte(&out, (char)(text.n + 17));
	} else {
		size_t rest = text.n - 18;
		for (buf_add_byte(&out, 0); rest > 255; rest -= 255)
			buf_add_byte(&out, 0);
		buf_add_byte(&out, (char)rest);
	}
	buf_add(&out, text);
	buf_add(&out, STR("\x11\0\0"));
	return buf_str(&out);
}

struct str
wire_request(struct arena *arena, int version, const struct wire_job *job)
{
	struct buf out = buf_new(arena);
	put_number(&out, "DIST", (size_t)version);
	if (version == WIRE_CPP)
		put_text(&out, "CDIR", STR(FOLDER));
	put_number(&out, "ARGC", job->argv.n);
	for (size_t i = 0; i < job->argv.n; i++)
		put_text(&out, "ARGV", job->argv.w[i]);
	if (version == WIRE_CPP) {
		/* The file's name is the argument after -c. */
		struct str name = STR("");
		for (size_t i = 0; i + 1 < job->argv.n; i++)
			if (str_is(job->argv.w[i], "-c"))
				name = job->argv.w[i + 1];
		put_number(&out, "NFIL", 1);
		put_text(&out, "NAME", str_printf(arena, FOLDER "/%.*s", STR_ARG(name)));
	}
	put_text(&out, version == WIRE_CPP ? "FILE" : "DOTI", version == WIRE_PLAIN ? job->source : pack(arena, job->source));
	return buf_str(&out);
}

/* --- what is answered --- */

/* Takes a token off the front. */
static bool
take_number(struct str *bytes, const char *token, size_t *number)
{
	char digits[DIGITS + 1], *end;
	if (bytes->n < TOKEN || memcmp(bytes->s, token, TOKEN - DIGITS) != 0)
		return false;
	memcpy(digits, bytes->s + TOKEN - DIGITS, DIGITS);
	digits[DIGITS] = '\0';
	*number = strtoul(digits, &end, 16);
	*bytes = str_part(*bytes, TOKEN, bytes->n);
	return end == &digits[DIGITS];
}

static bool
take_text(struct str *bytes, const char *token, struct str *text)
{
	size_t n;
	if (!take_number(bytes, token, &n) || n > bytes->n)
		return false;
	*text = str_part(*bytes, 0, n);
	*bytes = str_part(*bytes, n, bytes->n);
	return true;
}

void
wire_read_answer(struct str bytes, int version, struct wire_answer *answer)
{
	struct str rest = bytes, out;
	size_t number, status;
	*answer = (struct wire_answer){.end = WIRE_STRANGER, .said = bytes};
	if (!take_number(&rest, "DONE", &number) || number != (size_t)version)
		return;
	answer->end = WIRE_CUT;
	if (!take_number(&rest, "STAT", &status) || !take_text(&rest, "SERR", &answer->error) || !take_text(&rest, "SOUT", &out) ||
		!take_text(&rest, "DOTO", &answer->object))
		return;
	answer->end = WIRE_ANSWERED;
	answer->status = (int)status;
}

/* --- over a connection --- */

/* False where the other side hung up on it. */
static bool
send_all(int fd, struct str text, int64_t deadline)
{
	while (text.n) {
		ssize_t n = send(fd, text.s, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			text = str_part(text, (size_t)n, text.n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		else if (!os_wait_ready(fd, POLLOUT, deadline))
			return true; /* then nobody answers either */
	}
	return true;
}

void
wire_ask(struct arena *arena, int fd, int version, const struct wire_job *job, int64_t deadline, struct wire_answer *answer)
{
	struct buf bytes = buf_new(arena);
	char chunk[16384];
	*answer = (struct wire_answer){.end = WIRE_UNREAD};
	if (!send_all(fd, wire_request(arena, version, job), deadline))
		return;
	/* The answer says itself where it ends; not every connection does. */
	while ((answer->end == WIRE_CUT || bytes.n < TOKEN) && bytes.n < ANSWER_LIMIT) {
		if (!os_wait_ready(fd, POLLIN, deadline)) {
			answer->end = WIRE_SILENT;
			return;
		}
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n == 0 && !bytes.n)
			answer->end = WIRE_READ;
		if (n <= 0)
			return;
		buf_add(&bytes, (struct str){chunk, (size_t)n});
		wire_read_answer(buf_str(&bytes), version, answer);
	}
}

int
wire_connect(const char *name, int port, int64_t deadline, int *unknown)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	struct arena arena = {0};
	int fd = -1, error = 0;
	socklen_t size = sizeof error;
	*unknown = getaddrinfo(name, str_printf(&arena, "%d", port).s, &hints, &list);
	arena_free(&arena);
	for (const struct addrinfo *a = *unknown ? NULL : list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		error = 0;
		if (fd < 0 || (connect(fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS))
			error = errno;
		else if (!os_wait_ready(fd, POLLOUT, deadline))
			error = ETIMEDOUT;
		else
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error && fd >= 0) {
			close(fd);
			fd = -1;
		}
	}
	if (!*unknown)
		freeaddrinfo(list);
	if (fd >= 0)
		fcntl(fd, F_SETFL, 0);
	errno = error;
	return fd;
}

/* --- what distcc sends --- */

/* Reads so many bytes. */
static bool
take(int fd, char *out, size_t n, int64_t deadline)
{
	while (n) {
		ssize_t got = os_wait_ready(fd, POLLIN, deadline) ? recv(fd, out, n, 0) : -1;
		if (got <= 0)
			return false;
		out += got;
		n -= (size_t)got;
	}
	return true;
}

static bool
receive_number(int fd, const char *token, size_t *number, int64_t deadline)
{
	char bytes[TOKEN];
	struct str text = {bytes, TOKEN};
	return take(fd, bytes, TOKEN, deadline) && take_number(&text, token, number);
}

static bool
receive_text(struct arena *arena, int fd, const char *token, struct str *text, int64_t deadline)
{
	if (!receive_number(fd, token, &text->n, deadline) || text->n > ANSWER_LIMIT)
		return false;
	char *bytes = arena_array(arena, char, text->n + 1);
	text->s = bytes;
	return take(fd, bytes, text->n, deadline);
}

static bool
receive_job(struct arena *arena, int fd, struct wire_job *job, int64_t deadline)
{
	size_t version, count = 0;
	bool good = receive_number(fd, "DIST", &version, deadline) && receive_number(fd, "ARGC", &count, deadline);
	for (size_t i = 0; good && i < count; i++) {
		struct str word;
		good = receive_text(arena, fd, "ARGV", &word, deadline);
		if (good)
			words_add(arena, &job->argv, word);
	}
	return good && receive_text(arena, fd, "DOTI", &job->source, deadline);
}

static int
listen_here(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 1) < 0 ||
			       getsockname(fd, (struct sockaddr *)&address, &size) < 0)) {
		close(fd);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

/* The first connection to it, or -1 where the process ends without one. */
static int
accept_from(int listener, const struct os_process *process, int64_t deadline)
{
	while (os_now_ms() < deadline) {
		if (os_wait_ready(listener, POLLIN, os_now_ms() + 20))
			return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (os_has_ended(process->pid))
			return -1;
	}
	return -1;
}

/* Ends it: where it has sent its job it has done what it was called for, and else it never will. Returns what it has printed. */
static struct str
end_distcc(struct arena *arena, struct os_process *process)
{
	struct buf said = buf_new(arena);
	char chunk[4096];
	ssize_t n;
	int64_t deadline = os_now_ms() + LAST_WORDS_MS;
	kill(-process->pid, SIGKILL);
	while (said.n < OUTPUT_LIMIT && os_wait_ready(process->out, POLLIN, deadline) &&
		(n = read(process->out, chunk, sizeof chunk)) > 0)
		buf_add(&said, (struct str){chunk, (size_t)n});
	os_wait(process);
	return buf_str(&said);
}

bool
wire_capture(struct arena *arena, struct os_spawn *spawn, const char **hosts, struct wire_job *job, struct str *error)
{
	struct os_process process;
	int64_t deadline = os_now_ms() + CAPTURE_MS;
	int port = 0, listener = listen_here(&port);
	*job = (struct wire_job){0};
	if (listener < 0) {
		*error = str_printf(arena, "nothing can listen on 127.0.0.1: %s", strerrordesc_np(errno));
		return false;
	}
	*hosts = str_printf(arena, "DISTCC_HOSTS=127.0.0.1:%d/1", port).s;
	spawn->capture = true;
	spawn->own_group = true;
	spawn->ends_with_us = true;
	bool captured = os_start(arena, spawn, &process, error);
	if (captured) {
		int fd = accept_from(listener, &process, deadline);
		captured = fd >= 0 && receive_job(arena, fd, job, deadline);
		*error = end_distcc(arena, &process);
		if (fd >= 0)
			close(fd);
	}
	close(listener);
	return captured;
}
