#include "runtime/speed.h"

#include "base/arena.h"
#include "distcc/host_syntax.h"
#include "distcc/wire.h"
#include "runtime/canary.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Its canary has come back by now; whoever takes so long for this is slow enough to be known as that. */
#define TIMEOUT_MS 1000

/* Mostly for the optimizer, as builds are: gcc 12 takes 21 ms of processor time for it, clang 14 34 ms, half of them for the start of its programs. */
static const char program[] = "double edcc_canary_run(const double *a, double *b, int k)\n"
			      "{\n"
			      "\tdouble s = 0;\n"
			      "\tfor (int i = 0; i < k; i++) {\n"
			      "\t\tb[i] = a[i] * 1 + a[k - i] / (i + 1);\n"
			      "\t\ts += b[i] > s ? b[i] - s : s * a[i];\n"
			      "\t}\n"
			      "\tfor (int i = 0; i < k; i += 2)\n"
			      "\t\ts += a[i] * b[k - i] - b[i] * a[k - i];\n"
			      "\treturn s;\n"
			      "}\n";

static int64_t
now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
speed_measure(const struct host *host, struct str command, const struct os_cancel *cancel)
{
	struct arena arena = {NULL};
	struct wire_job job = {.source = STR(program)};
	struct wire_answer answer = {0};
	struct host_spec spec;
	struct host_fault fault;
	int64_t took = 0;
	int fd = -1, unknown;
	bool plain = host_parse(&arena, host->address, &spec, &fault) && spec.kind == HOST_TCP && !os_cancel_raised(cancel);
	plain = plain && !(host->rest.n && memmem(host->rest.s, host->rest.n, ",auth", 5));
	words_split(&arena, &job.argv, command);
	words_split(&arena, &job.argv, STR("-O2 -c " CANARY_SOURCE " -o edcc-canary.o"));
	if (plain)
		fd = wire_connect(str_c(&arena, spec.name), host_port(&spec), os_now_ms() + TIMEOUT_MS, &unknown);
	if (fd >= 0) {
		int64_t began = now_us();
		wire_ask(&arena, fd, WIRE_PLAIN, &job, os_now_ms() + TIMEOUT_MS, &answer);
		took = now_us() - began;
		close(fd);
	}
	arena_free(&arena);
	return answer.end == WIRE_SILENT || (answer.end == WIRE_ANSWERED && answer.status == 0) ? took : 0;
}

/* 0 below one and a half times what the fastest takes, 1 below three times, and so on. What has not been measured stays with the fastest. */
static int64_t
class_of(const struct host *host, int64_t fastest)
{
	return fastest ? host->compile_us * 2 / (fastest * 3) : 0;
}

static int64_t
fastest_of(const struct host *hosts, uint32_t count)
{
	int64_t fastest = 0;
	for (uint32_t i = 0; i < count; i++)
		if (hosts[i].compile_us && (!fastest || hosts[i].compile_us < fastest))
			fastest = hosts[i].compile_us;
	return fastest;
}

bool
speed_settled(const struct host *hosts, uint32_t count, const struct host *host)
{
	uint32_t known = 0;
	for (uint32_t i = 0; i < count; i++)
		known += hosts[i].compile_us > 0;
	return known > 1 && class_of(host, fastest_of(hosts, count)) == 0;
}

void
speed_order(const struct host *hosts, uint32_t count, uint32_t *order)
{
	int64_t fastest = fastest_of(hosts, count);
	/* There are few, and most are in order. */
	for (uint32_t i = 0; i < count; i++) {
		const struct host *host = &hosts[i];
		uint32_t at = i;
		for (; at > 0; at--) {
			const struct host *before = &hosts[order[at - 1]];
			if (before->distance < host->distance || class_of(before, fastest) <= class_of(host, fastest))
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
}
