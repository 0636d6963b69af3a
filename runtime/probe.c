#include "runtime/probe.h"

#include "base/arena.h"
#include "base/os.h"
#include "base/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS 64
/* distcc's own client gives a connection four seconds. */
#define CONNECT_MS 3000
#define LOGIN_MS 10000
#define OUTPUT_LIMIT ((size_t)64 << 10)
#define DEFAULT_PORT 3632
/* More words than this DISTCC_SSH does not have. */
#define SSH_WORDS 24

/* What the probes of one call share. */
struct probing {
	const char *ssh;
	char *const *environment;
};

/* One of them, with an arena that no other thread has. */
struct one {
	struct probe *probe;
	struct arena arena;
};

static int64_t
now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- tcp --- */

/* 0, or the errno of why not. */
static int
connect_to(const struct addrinfo *address, int64_t deadline)
{
	int error = 0, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof error;
	if (fd < 0)
		return errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		struct pollfd waiting = {.fd = fd, .events = POLLOUT};
		int64_t left = deadline - os_now_ms();
		if (errno != EINPROGRESS)
			error = errno;
		else if (poll(&waiting, 1, left > 0 ? (int)left : 0) < 1)
			error = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
			error = errno;
	}
	close(fd);
	return error;
}

static void
refuse_tcp(struct one *one, int error, int port)
{
	struct probe *probe = one->probe;
	if (error == ECONNREFUSED) {
		probe->reason = str_printf(&one->arena, "nothing listens there on port %d", port);
		probe->hint = STR("is distccd running, and does it --listen on that address?");
	} else if (error == ETIMEDOUT) {
		probe->reason = str_printf(&one->arena, "it did not answer on port %d within %d s", port, CONNECT_MS / 1000);
		probe->hint = STR("is it on, and does its firewall let this port in?");
	} else {
		probe->reason = str_printf(&one->arena, "it cannot be reached: %s", strerrordesc_np(error));
		probe->hint = STR("is this machine in its network?");
	}
}

static void
probe_tcp(struct one *one)
{
	struct probe *probe = one->probe;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	int port = probe->host->port ? probe->host->port : DEFAULT_PORT, error = 0;
	int failed = getaddrinfo(str_c(&one->arena, probe->host->name), str_printf(&one->arena, "%d", port).s, &hints, &list);
	if (failed) {
		probe->reason = str_printf(&one->arena, "its address cannot be found: %s", gai_strerror(failed));
		probe->hint = STR("`getent hosts NAME` must find it; an address will do, too");
		return;
	}
	int64_t deadline = os_now_ms() + CONNECT_MS;
	for (const struct addrinfo *address = list; address && !probe->reached; address = address->ai_next) {
		int64_t began = now_us();
		error = connect_to(address, deadline);
		probe->trip_us = now_us() - began;
		probe->reached = error == 0;
	}
	freeaddrinfo(list);
	if (!probe->reached)
		refuse_tcp(one, error, port);
}

/* --- ssh --- */

/* What ssh says, and what to do about it. */
static const struct {
	const char *said, *hint;
} refusals[] = {
	{"Host key verification failed", "log in once by hand and check its key: edcc never does that for you"},
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", "its key is not the one in known_hosts: find out why before you replace that"},
	{"Permission denied", "a key must let you in without a question: one in ssh-agent, or without a passphrase"},
	{"not found", "install distcc there, or say where its distccd is: USER@HOST:/opt/bin/distccd"},
	{"No such file", "install distcc there, or say where its distccd is: USER@HOST:/opt/bin/distccd"},
};

/* The line that says most: the last that is not empty. */
static struct str
last_line(struct str text)
{
	struct str line, last = STR("");
	while (str_split(&text, '\n', &line))
		if (str_trim(line).n)
			last = str_trim(line);
	return last;
}

static void
refuse_ssh(struct one *one, int status, struct str output)
{
	struct probe *probe = one->probe;
	struct str said = last_line(output);
	probe->hint = STR("the same by hand shows more: ssh HOST distccd --version");
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		if (!output.n || !memmem(output.s, output.n, refusals[i].said, strlen(refusals[i].said)))
			continue;
		probe->hint = str_from(refusals[i].hint);
		break;
	}
	if (!said.n)
		said = str_printf(&one->arena, "it ended with status %d", status);
	probe->reason =
		str_printf(&one->arena, "%s: %.*s", status == 255 ? "ssh says" : "its distccd does not start", STR_ARG(said));
}

static void
probe_ssh(const struct probing *probing, struct one *one)
{
	struct arena *arena = &one->arena;
	struct probe *probe = one->probe;
	const struct host_spec *host = probe->host;
	struct str words = str_from(probing->ssh), word, output, error, line;
	struct str command = host->command.n ? host->command : STR("distccd");
	char *argv[SSH_WORDS + 5];
	size_t n = 0;
	while (n < SSH_WORDS && str_split(&words, ' ', &word))
		if (word.n)
			argv[n++] = str_c(arena, word);
	if (host->user.n) {
		argv[n++] = "-l";
		argv[n++] = str_c(arena, host->user);
	}
	argv[n++] = str_c(arena, host->name);
	argv[n++] = (char *)str_printf(arena, "%.*s --version && nproc", STR_ARG(command)).s;
	argv[n] = NULL;
	struct os_spawn spawn = {.argv = argv, .env = probing->environment, .capture = true, .own_group = true};
	static const struct os_cancel never = {.fd = -1};
	int status = 0;
	int64_t began = now_us();
	if (!os_run(arena, &spawn, LOGIN_MS, OUTPUT_LIMIT, &never, &status, &output, &error)) {
		probe->reason = error;
		probe->hint = STR("the same by hand shows more: ssh HOST distccd --version");
		return;
	}
	probe->trip_us = now_us() - began;
	struct str text = output;
	int64_t number;
	/* Others than GNU have no nproc: then its slots are as many as distcc would give it. */
	while (str_split(&text, '\n', &line)) {
		probe->reached |= str_starts(line, STR("distccd "));
		if (probe->reached && str_integer(str_trim(line), &number) && number > 0 && number <= 1000)
			probe->cpus = (int)number;
	}
	if (!probe->reached)
		refuse_ssh(one, status, output);
}

/* --- all --- */

static void
probe_one(void *context, void *item)
{
	struct one *one = item;
	if (one->probe->host->kind == HOST_SSH)
		probe_ssh(context, one);
	else
		probe_tcp(one);
}

void
probe_all(struct arena *arena, struct probe *probes, size_t count, const char *ssh, char *const *environment)
{
	struct probing probing = {ssh, environment};
	struct arena own = {0};
	struct one *ones = arena_array(&own, struct one, count);
	struct pool *pool = pool_new(count < THREADS ? (count ? count : 1) : THREADS);
	for (size_t i = 0; i < count; i++) {
		ones[i].probe = &probes[i];
		if (pool)
			pool_submit(pool, probe_one, &probing, &ones[i]);
		else
			probe_one(&probing, &ones[i]);
	}
	if (pool)
		pool_free(pool);
	for (size_t i = 0; i < count; i++) {
		probes[i].reason = str_dup(arena, probes[i].reason);
		probes[i].hint = str_dup(arena, probes[i].hint);
		arena_free(&ones[i].arena);
	}
	arena_free(&own);
}
