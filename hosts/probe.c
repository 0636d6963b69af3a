#include "hosts/probe_tcp.h"

#include "base/arena.h"
#include "base/os.h"
#include "base/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 64
/* ssh gives a connection ten seconds (distcc_ssh), and knows best what became of it. */
#define LOGIN_MS 15000
#define OUTPUT_LIMIT ((size_t)64 << 10)
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

double
probe_read_load(struct str text)
{
	char number[16] = "";
	if (!text.n || text.n >= sizeof number)
		return -1;
	memcpy(number, text.s, text.n);
	double load = strtod(number, NULL);
	return isfinite(load) && load >= 0 ? load : -1;
}

/* --- ssh --- */

/* What ssh says, the first that fits, and what to do about it; the program may be what to call for that. */
static const struct {
	const char *said, *hint, *program;
} refusals[] = {
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", "its key is not the one in known_hosts: find out why before you replace that",
		NULL},
	{"Host key verification failed", "log in once by hand and check its key: edcc never does that for you", "ssh"},
	{"Permission denied", "a key must let you in without a question: one in ssh-agent, or without a passphrase", "ssh-copy-id"},
	{"Connection timed out", "is it on, and does its firewall let ssh in?", NULL},
	{"No route to host", "is it on, and is this machine in its network?", NULL},
	{"Connection refused", "is sshd running there, on the port that ssh's configuration says?", NULL},
	{"Could not resolve hostname", "ssh must find the name: in DNS, in /etc/hosts or in ~/.ssh/config", NULL},
	{"not found", "install distcc there, or say where its distccd is: USER@HOST:/opt/bin/distccd", NULL},
	{"No such file", "install distcc there, or say where its distccd is: USER@HOST:/opt/bin/distccd", NULL},
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
		if (refusals[i].program)
			probe->fix = str_printf(&one->arena, "%s %.*s%s%.*s", refusals[i].program, STR_ARG(probe->host->user),
				probe->host->user.n ? "@" : "", STR_ARG(probe->host->name));
		break;
	}
	if (!said.n)
		said = str_printf(&one->arena, "it ended with status %d", status);
	probe->reason =
		str_printf(&one->arena, "%s: %.*s", status == 255 ? "ssh says" : "its distccd does not start", STR_ARG(said));
}

/* What a login is asked besides. Others than GNU have no nproc, others than Linux no such files: then no more is known of that machine. */
#define REPORT " && nproc && cat /proc/loadavg /proc/meminfo"

/* "16"; "0.42 0.30 0.24 1/312 4711"; "MemTotal:       24684280 kB". */
static void
read_line(struct probe *probe, struct str line)
{
	int64_t number;
	struct str word, all = line;
	while (str_split(&line, ' ', &word) && !word.n)
		;
	if (str_integer(all, &number) && number > 0 && number <= 1000) {
		probe->has.cpus = (int)number;
	} else if (str_is(word, "MemTotal:")) {
		line = str_trim(line);
		if (str_integer(str_part(line, 0, str_find(line, ' ')), &number))
			probe->has.memory = number / 1024;
	} else if (probe->has.cpus && probe->load < 0 && str_find(word, '.') < word.n) {
		probe->load = probe_read_load(word);
	}
}

char **
probe_login(struct arena *arena, const char *ssh, const struct host_spec *host, struct str script)
{
	char **argv = arena_array(arena, char *, SSH_WORDS + 5);
	size_t n = words_argv(arena, str_from(ssh), argv, SSH_WORDS);
	if (host->user.n) {
		argv[n++] = "-l";
		argv[n++] = str_c(arena, host->user);
	}
	argv[n++] = str_c(arena, host->name);
	argv[n] = str_c(arena, script);
	return argv;
}

/* What ssh itself makes of its configuration for this host; nobody is connected to. */
static bool
shares_connections(const struct probing *probing, struct one *one)
{
	struct arena *arena = &one->arena;
	struct str ssh = str_printf(arena, "%s -G", probing->ssh), output, error, line;
	struct os_spawn spawn = {.argv = probe_login(arena, ssh.s, one->probe->host, STR("true")),
		.env = probing->environment,
		.capture = true,
		.own_group = true};
	static const struct os_cancel never = {.fd = -1};
	int status = 0;
	if (!os_run(arena, &spawn, LOGIN_MS, OUTPUT_LIMIT, &never, &status, &output, &error))
		return false;
	while (str_split(&output, '\n', &line))
		if (str_starts(line, STR("controlpath ")) && !str_is(line, "controlpath none"))
			return true;
	return false;
}

static void
probe_ssh(const struct probing *probing, struct one *one)
{
	struct arena *arena = &one->arena;
	struct probe *probe = one->probe;
	const struct host_spec *host = probe->host;
	struct str output, error, line, said;
	struct str command = host->command.n ? host->command : STR("distccd");
	char **argv = probe_login(arena, probing->ssh, host, str_printf(arena, "%.*s --version" REPORT, STR_ARG(command)));
	struct os_spawn spawn = {.argv = argv, .env = probing->environment, .capture = true, .own_group = true};
	static const struct os_cancel never = {.fd = -1};
	int status = 0;
	int64_t began = os_now_ms();
	if (!os_run(arena, &spawn, LOGIN_MS, OUTPUT_LIMIT, &never, &status, &output, &error)) {
		probe->reason = error;
		probe->hint = STR("the same by hand shows more: ssh HOST distccd --version");
		return;
	}
	probe->trip_us = (os_now_ms() - began) * 1000;
	said = output;
	while (str_split(&output, '\n', &line)) {
		probe->reached |= str_starts(line, STR("distccd "));
		if (probe->reached)
			read_line(probe, str_trim(line));
	}
	if (!probe->reached)
		refuse_ssh(one, status, said);
	else if (probe->shares)
		probe->sharing = shares_connections(probing, one);
}

/* --- all --- */

static void
probe_one(void *context, void *item)
{
	struct one *one = item;
	if (one->probe->host->kind == HOST_SSH)
		probe_ssh(context, one);
	else
		probe_tcp(&one->arena, one->probe);
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
		probes[i].load = -1;
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
		probes[i].fix = str_dup(arena, probes[i].fix);
		probes[i].peer = str_dup(arena, probes[i].peer);
		arena_free(&ones[i].arena);
	}
	arena_free(&own);
}
