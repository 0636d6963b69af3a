#include "hosts/probe_tcp.h"

#include "base/arena.h"
#include "distcc/wire.h"
#include "runtime/canary.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* distcc's own client gives a connection four seconds. */
#define CONNECT_MS 3000
/* A machine that is busy compiles late; what it has is then not known. */
#define ANSWER_MS 2000
/* Most machines have no --stats, and a firewall may drop what asks for it: so long beyond a connection's own time. */
#define STATS_MS 200
/* More than Linux can have. */
#define MOST_CPUS 8192
/* More than this no node of memory has: whatever says so is wrong. */
#define MOST_MB ((int64_t)1 << 32)
#define STATS_LIMIT ((size_t)64 << 10)

/* --- what the compiler's assembler sees there --- */

#define ASM(text) "__asm__(" text ");\n"
#define INCLUDED(name, path) "\".ascii \\\"edcc-" name "=\\\"\\n.incbin \\\"" path "\\\"\\n.ascii \\\"\\\\n\\\"\\n\""
#define CPUS INCLUDED("cpus", "/sys/devices/system/cpu/online")
/* Each node of memory has a file, and where the kernel knows of none there is not one. */
#define MEMORY INCLUDED("nodes", "/sys/devices/system/node/online") INCLUDED("memory", "/sys/devices/system/node/node0/meminfo")

static const char *const sources[] = {ASM(CPUS MEMORY), ASM(CPUS)};

/* What stands after a word, up to the end of its line; none where the word is not there. */
static struct str
value_of(struct str text, const char *word)
{
	text = str_after(text, word);
	return str_trim(str_part(text, 0, str_find(text, '\n')));
}

int
probe_count_cpus(struct str list)
{
	struct str range;
	int64_t first, last, count = 0;
	while (str_split(&list, ',', &range)) {
		size_t dash = str_find(range, '-');
		if (!str_integer(str_part(range, 0, dash), &first))
			return 0;
		last = first;
		if (dash < range.n && !str_integer(str_part(range, dash + 1, range.n), &last))
			return 0;
		if (first < 0 || last < first || last >= MOST_CPUS)
			return 0;
		count += last - first + 1;
		if (count > MOST_CPUS)
			return 0;
	}
	return (int)count;
}

/* The number that a text begins with. */
static int64_t
leading(struct str text)
{
	int64_t number;
	return str_integer(str_part(text, 0, str_find(text, ' ')), &number) ? number : 0;
}

static bool
read_object(struct capacity *has, struct str object)
{
	int64_t node = leading(value_of(object, "MemTotal:")) / 1024; /* the others are taken to be like the first */
	has->cpus = probe_count_cpus(value_of(object, "edcc-cpus="));
	has->memory = node > 0 && node < MOST_MB ? node * probe_count_cpus(value_of(object, "edcc-nodes=")) : 0;
	return has->cpus > 0;
}

/* Has the machine compile it; false where it does that, but not this. */
static bool
ask_compiler(struct arena *arena, struct probe *probe, int fd, const char *source)
{
	struct wire_job job = {.source = str_from(source)};
	struct wire_answer answer;
	words_split(arena, &job.argv, probe->compiler);
	words_split(arena, &job.argv, STR("-c " CANARY_SOURCE " -o edcc-canary.o"));
	wire_ask(arena, fd, WIRE_PLAIN, &job, os_now_ms() + ANSWER_MS, &answer);
	return answer.end != WIRE_ANSWERED || read_object(&probe->has, answer.object);
}

/* --- what distccd --stats says --- */

/* Begins to connect to another port of the same machine: -1 where that cannot be. */
static int
begin_beside(int fd, int port)
{
	struct sockaddr_storage place;
	socklen_t size = sizeof place;
	if (!port || getpeername(fd, (struct sockaddr *)&place, &size) < 0)
		return -1;
	if (place.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&place)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)&place)->sin_port = htons((uint16_t)port);
	int beside = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (beside >= 0)
		connect(beside, (struct sockaddr *)&place, size); /* whether it can be is seen when it is asked */
	return beside;
}

/* "dcc_max_kids 4" is its --jobs, "dcc_load1 0.42" the load. */
static void
read_stats(struct probe *probe, struct str answer)
{
	int64_t kids = leading(value_of(answer, "\ndcc_max_kids "));
	if (kids > 0 && kids <= 1000)
		probe->has.jobs = (int)kids;
	probe->load = probe_read_load(value_of(answer, "\ndcc_load1 "));
}

static void
ask_stats(struct arena *arena, struct probe *probe, int fd, int64_t deadline)
{
	static const char question[] = "GET / HTTP/1.0\r\n\r\n";
	struct buf answer = buf_new(arena);
	char bytes[4096];
	ssize_t n = 0;
	if (!os_wait_ready(fd, POLLOUT, deadline) || send(fd, question, sizeof question - 1, MSG_NOSIGNAL) < 0)
		return;
	while (answer.n < STATS_LIMIT && os_wait_ready(fd, POLLIN, deadline) && (n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		buf_add(&answer, (struct str){bytes, (size_t)n});
	read_stats(probe, buf_str(&answer));
}

/* --- the machine --- */

/* As the kernel saw it while it connected, without the time that finding its address took. */
static int64_t
trip_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof info;
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_rtt : 0;
}

static struct str
peer_of(struct arena *arena, int fd)
{
	struct sockaddr_storage place;
	socklen_t size = sizeof place;
	char name[64], port[8];
	if (getpeername(fd, (struct sockaddr *)&place, &size) < 0 ||
		getnameinfo((struct sockaddr *)&place, size, name, sizeof name, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV))
		return STR("");
	return str_printf(arena, "%s:%s", name, port);
}

static void
refuse(struct arena *arena, struct probe *probe, int error, int port)
{
	probe->closed = error == ECONNREFUSED;
	if (probe->closed) {
		probe->reason = str_printf(arena, "nothing listens there on port %d", port);
		probe->hint = STR("is distccd running, and does it --listen on that address?");
	} else if (error == ETIMEDOUT) {
		probe->reason = str_printf(arena, "it did not answer on port %d within %d s", port, CONNECT_MS / 1000);
		probe->hint = STR("is it on, and does its firewall let this port in?");
	} else {
		probe->reason = str_printf(arena, "it cannot be reached: %s", strerrordesc_np(error));
		probe->hint = STR("is it on, and is this machine in its network?");
	}
}

/* Both questions; fd: a connection to the daemon, which is used up. */
static void
ask(struct arena *arena, struct probe *probe, const char *name, int port, int fd)
{
	int stats = begin_beside(fd, probe->stats_port), unknown, again;
	int64_t deadline = os_now_ms() + STATS_MS + 2 * probe->trip_us / 1000;
	if (!ask_compiler(arena, probe, fd, sources[0])) {
		again = wire_connect(name, port, os_now_ms() + ANSWER_MS, &unknown);
		if (again >= 0) {
			ask_compiler(arena, probe, again, sources[1]);
			close(again);
		}
	}
	if (stats >= 0) {
		ask_stats(arena, probe, stats, deadline);
		close(stats);
	}
}

void
probe_tcp(struct arena *arena, struct probe *probe)
{
	int port = host_port(probe->host), unknown;
	const char *name = str_c(arena, probe->host->name);
	int fd = wire_connect(name, port, os_now_ms() + CONNECT_MS, &unknown);
	probe->named = !unknown;
	probe->reached = fd >= 0;
	if (unknown) {
		probe->reason = str_printf(arena, "its address cannot be found: %s", gai_strerror(unknown));
		probe->hint = STR("`getent hosts NAME` must find it; an address will do, too");
	} else if (!probe->reached) {
		refuse(arena, probe, errno, port);
	} else {
		probe->trip_us = trip_of(fd);
		probe->peer = peer_of(arena, fd);
		if (probe->compiler.n)
			ask(arena, probe, name, port, fd);
		close(fd);
	}
}
