#include "distcc/log.h"

#include "base/arena.h"
#include "base/os.h"
#include "distcc/call.h"
#include "distcc/host_syntax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the host's log --- */

uint64_t
distcc_count_host(const char *log_path, const char *but)
{
	uint64_t count = 0;
	size_t size = 0;
	ssize_t n;
	char *line = NULL;
	FILE *file = fopen(log_path, "re");
	if (!file)
		return 0;
	while ((n = getline(&line, &size, file)) > 0) {
		bool compiled =
			strstr(line, "(dcc_job_summary)") && (strstr(line, " COMPILE_OK ") || strstr(line, " COMPILE_ERROR "));
		count += compiled && !str_is(str_behind(str_trim((struct str){line, (size_t)n}), ' '), but);
	}
	free(line);
	fclose(file);
	return count;
}

/* --- the client's log --- */

/* A host as clients have it: how often one failed there. */
struct asked {
	struct str address;
	struct distcc_failures failures;
};

/* A client that has not ended. */
struct client {
	struct client *next;
	int64_t pid;
	struct asked *host; /* where its compile is; NULL: nowhere yet, or it is answered */
	bool unsent; /* its preprocessor failed: the host had nothing to answer */
	bool ours; /* what went wrong went wrong on this machine */
	bool failing; /* it will try here */
	struct str failed; /* the host that failed it last, as distcc calls it; none where none was asked */
};

struct reader {
	struct arena *arena;
	struct local_compiles *compiles;
	struct client *clients, *spare;
};

static void
count(struct reader *reader, struct map *counts, struct str words)
{
	uint64_t *old = map_get(counts, words);
	if (!old) {
		old = arena_new(reader->arena, uint64_t);
		*map_at(counts, str_dup(reader->arena, words)) = old;
	}
	++*old;
}

static struct client *
client_of(struct reader *reader, int64_t pid)
{
	struct client *client = reader->clients;
	while (client && client->pid != pid)
		client = client->next;
	if (client)
		return client;
	client = reader->spare;
	if (client)
		reader->spare = client->next;
	else
		client = arena_new(reader->arena, struct client);
	*client = (struct client){.next = reader->clients, .pid = pid};
	return reader->clients = client;
}

static void
forget_client(struct reader *reader, int64_t pid)
{
	for (struct client **at = &reader->clients; *at; at = &(*at)->next) {
		struct client *client = *at;
		if (client->pid != pid)
			continue;
		*at = client->next;
		client->next = reader->spare;
		reader->spare = client;
		return;
	}
}

/* distcc holds it against the host, whoever's fault it was. */
static void
blame_host(struct client *client)
{
	if (client->host)
		++*(client->ours ? &client->host->failures.ours : &client->host->failures.theirs);
	client->host = NULL;
	client->ours = client->unsent = false;
}

/* "127.0.0.2:41001/2: gcc -c a.c": where it was before has failed it. */
static void
read_attempt(struct reader *reader, int64_t pid, struct str text)
{
	struct map *hosts = &reader->compiles->hosts;
	struct client *client = client_of(reader, pid);
	struct str address = str_part(text, 0, str_find(text, ' '));
	address = str_part(address, 0, str_find(address, '/'));
	blame_host(client);
	client->host = map_get(hosts, address);
	if (client->host)
		return;
	client->host = arena_new(reader->arena, struct asked);
	client->host->address = str_dup(reader->arena, address);
	*map_at(hosts, client->host->address) = client->host;
}

/* " a.c to 127.0.0.2:41001/2, running locally instead": the host without its port, none where no host was asked. */
static void
read_failure(struct reader *reader, int64_t pid, struct str text)
{
	struct client *client = client_of(reader, pid);
	blame_host(client);
	client->failing = true;
	client->failed = STR("");
	const char *to = text.n ? memmem(text.s, text.n, " to ", 4) : NULL;
	if (!to)
		return;
	struct str host = str_part(text, (size_t)(to + 4 - text.s), text.n);
	host = str_part(host, 0, str_find(host, ','));
	client->failed = str_dup(reader->arena, host_called(str_part(host, 0, str_find(host, '/'))));
}

static void
read_call(struct reader *reader, int64_t pid, struct str arguments)
{
	const struct client client = *client_of(reader, pid);
	struct str why;
	forget_client(reader, pid);
	if (!distcc_call_compiles(arguments, &why)) {
		count(reader, &reader->compiles->others, why);
		return;
	}
	reader->compiles->count++;
	if (!client.failing) {
		count(reader, &reader->compiles->reasons, why);
		return;
	}
	reader->compiles->fallbacks++;
	struct str words = STR("with no host to ask");
	if (client.failed.n)
		words = str_printf(reader->arena, "given up at %.*s", STR_ARG(client.failed));
	count(reader, &reader->compiles->reasons, words);
}

/* "compile a.c on 127.0.0.2:41001/2 completed ok", "ERROR: compile a.c on 127.0.0.2:41001/2 failed …": a host has answered. */
static void
read_answer(struct reader *reader, int64_t pid, struct str text)
{
	struct str rest = str_starts(text, STR("ERROR: ")) ? str_part(text, 7, text.n) : text;
	const char *on = memmem(rest.s, rest.n, " on ", 4);
	if (!on || !str_starts(rest, STR("compile ")) ||
		!(memmem(rest.s, rest.n, " completed ok", 13) || memmem(rest.s, rest.n, " failed", 7)))
		return;
	struct str host = str_part(rest, (size_t)(on + 4 - rest.s), rest.n);
	host = str_part(host, 0, str_find(host, ' '));
	if (str_is(host, "localhost"))
		return;
	bool unsent = client_of(reader, pid)->unsent;
	/* Not all logs that are read say when a client ends. */
	forget_client(reader, pid);
	if (unsent)
		return;
	reader->compiles->remote++;
	count(reader, &reader->compiles->answers, str_part(host, 0, str_find(host, '/')));
}

/* What goes wrong on the client's own machine, for which distcc blames the host all the same. */
static const struct str own_faults[] = {
	{"failed to write: No space left on device", 40},
	{"failed to write: Disk quota exceeded", 36},
	{"failed to write: File too large", 31},
	{"failed to create ", 17},
	{"failed to open ", 15},
	{"failed to fork: ", 16},
	{"fork failed: ", 13},
	{"failed to allocate ", 19},
};

static void
read_error(struct reader *reader, int64_t pid, struct str text)
{
	static const struct str disabled = {"failed to distribute and", 24};
	if (str_starts(text, disabled))
		blame_host(client_of(reader, pid));
	for (size_t i = 0; i < sizeof own_faults / sizeof *own_faults; i++)
		if (str_starts(text, own_faults[i]))
			client_of(reader, pid)->ours = true;
}

/* "resolved gcc-12 -march=native", "gcc-12 -march=native is -march=skylake …", "gcc-12 -march=native stays here: why": what front.sh writes. */
static void
read_native(struct reader *reader, struct str text)
{
	static const struct str resolved = {"resolved ", 9}, is = {" is ", 4}, stays = {" stays here: ", 13};
	bool counts = str_starts(text, resolved);
	const char *flags = counts ? NULL : memmem(text.s, text.n, is.s, is.n);
	const char *why = counts || flags ? NULL : memmem(text.s, text.n, stays.s, stays.n);
	size_t end = text.n;
	if (flags)
		end = (size_t)(flags - text.s);
	else if (why)
		end = (size_t)(why - text.s);
	else if (!counts)
		return;
	struct str name = str_part(text, counts ? resolved.n : 0, end);
	struct native **native = (struct native **)map_at(&reader->compiles->natives, str_dup(reader->arena, name));
	if (!*native)
		*native = arena_new(reader->arena, struct native);
	(*native)->count += counts;
	if (flags)
		(*native)->flags = str_dup(reader->arena, str_part(text, name.n + is.n, text.n));
	if (why)
		(*native)->why = str_dup(reader->arena, str_part(text, name.n + stays.n, text.n));
}

static void
read_line(struct reader *reader, struct str line)
{
	static const struct str start = {"distcc[", 7}, attempt = {"exec on ", 8}, local = {"exec on localhost: ", 19},
				failed = {"Warning: failed to distribute", 29}, cpp = {" on localhost", 13}, error = {"ERROR: ", 7};
	int64_t pid;
	size_t end = str_find(line, ']');
	if (!str_starts(line, start) || !str_integer(str_part(line, start.n, end), &pid))
		return;
	struct str text = str_part(line, end + 2, line.n);
	const char *says = memmem(text.s, text.n, error.s, error.n);
	if (says)
		read_error(reader, pid, str_part(text, (size_t)(says + error.n - text.s), text.n));
	const char *falls = memmem(text.s, text.n, failed.s, failed.n);
	if (falls)
		read_failure(reader, pid, str_part(text, (size_t)(falls + failed.n - text.s), text.n));
	else if (str_starts(text, local))
		read_call(reader, pid, str_part(text, local.n, text.n));
	else if (str_starts(text, attempt))
		read_attempt(reader, pid, str_part(text, attempt.n, text.n));
	else if (str_starts(text, STR("(dcc_exit)")))
		forget_client(reader, pid);
	else if (str_starts(text, STR("cpp ")) && memmem(text.s, text.n, cpp.s, cpp.n) && !str_ends(text, STR(" completed ok")))
		client_of(reader, pid)->unsent = client_of(reader, pid)->ours = true;
	else if (str_starts(text, STR("(edcc) ")))
		read_native(reader, str_part(text, 7, text.n));
	else
		read_answer(reader, pid, text);
}

struct distcc_log {
	struct arena arena;
	struct local_compiles compiles;
	struct reader reader;
	const char *path;
	FILE *file;
	char *line;
	size_t size;
};

struct distcc_log *
distcc_log_open(struct str path)
{
	struct distcc_log *log = calloc(1, sizeof *log);
	if (!log)
		os_exhausted();
	struct arena *arena = &log->arena;
	log->compiles = (struct local_compiles){.answers = map_new(arena),
		.reasons = map_new(arena),
		.natives = map_new(arena),
		.others = map_new(arena),
		.hosts = map_new(arena)};
	log->reader = (struct reader){.arena = arena, .compiles = &log->compiles};
	log->path = str_c(arena, path);
	return log;
}

void
distcc_log_close(struct distcc_log *log)
{
	if (!log)
		return;
	if (log->file)
		fclose(log->file);
	free(log->line);
	arena_free(&log->arena);
	free(log);
}

void
distcc_log_take(struct distcc_log *log, struct str lines)
{
	struct str line;
	while (str_split(&lines, '\n', &line))
		read_line(&log->reader, str_trim(line));
}

const struct local_compiles *
distcc_log_read(struct distcc_log *log)
{
	ssize_t n;
	if (!log->file)
		log->file = fopen(log->path, "re");
	while (log->file && (n = getline(&log->line, &log->size, log->file)) > 0) {
		/* The rest of one that is being written comes later. */
		if (log->line[n - 1] != '\n') {
			fseeko(log->file, -n, SEEK_CUR);
			break;
		}
		read_line(&log->reader, str_trim((struct str){log->line, (size_t)n}));
	}
	if (log->file)
		clearerr(log->file);
	return &log->compiles;
}

struct distcc_failures
distcc_failures_of(const struct local_compiles *compiles, struct str address)
{
	const struct asked *asked = map_get(&compiles->hosts, address);
	return asked ? asked->failures : (struct distcc_failures){0, 0};
}
