#include "cli/monitor.h"

#include "base/arena.h"
#include "base/map.h"
#include "distcc/host_syntax.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* How often to look whether a run has begun or ended, what its journal says, and at distcc's locks. */
#define SELDOM_MS 1000

static const struct str none = {NULL, 0};

/* --- what changes seldom --- */

/* Reads the newest run's journal where it is another or has grown. */
static void
read_journal(struct monitor *monitor)
{
	struct arena scratch = {NULL};
	struct words runs = {NULL, 0};
	struct str error;
	struct stat status;
	bool there = journal_runs(&scratch, monitor->state, &runs, &error) && runs.n > 0;
	struct str run = there ? runs.w[runs.n - 1] : none;
	if (!there || stat(str_printf(&scratch, "%s/runs/%.*s/journal", monitor->state, STR_ARG(run)).s, &status) < 0) {
		monitor->running = false;
	} else if (!str_eq(run, monitor->journal.run) || status.st_size != monitor->journal_size) {
		arena_free(&monitor->journal_arena);
		monitor->journal = (struct journal_state){.line_count = 0};
		monitor->journal_size = status.st_size;
		run = str_dup(&monitor->journal_arena, run);
		monitor->running = journal_read(&monitor->journal_arena, monitor->state, run, &monitor->journal, &error);
	}
	arena_free(&scratch);
	monitor->running = monitor->running && !monitor->journal.ended && os_owner_alive(&monitor->journal.owner);
}

static const char *
folder_now(const struct monitor *monitor, struct arena *arena)
{
	if (!monitor->running)
		return monitor->folder;
	struct str folder = str_printf(arena, "%s/runs/%.*s", monitor->state, STR_ARG(monitor->journal.run));
	return distcc_client_folder(arena, &(struct run){.folder = folder}).s;
}

static void
forget_seen(struct monitor *monitor, const char *folder)
{
	if (monitor->seen_in && strcmp(monitor->seen_in, folder) == 0)
		return;
	arena_free(&monitor->seen_arena);
	monitor->seen = (struct words){NULL, 0};
	monitor->seen_in = str_c(&monitor->seen_arena, str_from(folder));
	monitor->lock_count = 0;
}

/* --- the run --- */

/* The newest line of each name. */
static struct map
lines_of(const struct monitor *monitor, struct arena *arena, enum record record)
{
	struct map map = map_new(arena);
	for (size_t i = 0; i < monitor->journal.line_count; i++) {
		struct json *line = monitor->journal.lines[i];
		if (record_is(line, record))
			*map_at(&map, json_text(line, "name", none)) = line;
	}
	return map;
}

static void
look_at_steps(const struct monitor *monitor, struct arena *arena, struct picture *picture)
{
	struct map begun = lines_of(monitor, arena, RECORD_BEGUN), ended = lines_of(monitor, arena, RECORD_STEP);
	picture->steps = arena_array(arena, struct monitor_step, begun.count);
	for (uint32_t i = 0; i < begun.count; i++)
		if (!map_get(&ended, begun.entries[i].key))
			picture->steps[picture->step_count++] = (struct monitor_step){
				begun.entries[i].key, json_integer(begun.entries[i].value, "time", picture->now)};
}

/* 127.0.0.10 after 127.0.0.9. */
static int
by_name(const void *a, const void *b)
{
	struct str left = ((const struct monitor_host *)a)->name, right = ((const struct monitor_host *)b)->name;
	return left.n != right.n ? (left.n > right.n) - (left.n < right.n) : str_compare(left, right);
}

static struct monitor_host *
add_host(struct arena *arena, struct picture *picture, struct str name, struct str called)
{
	picture->hosts = arena_more(arena, picture->hosts, picture->host_count, sizeof *picture->hosts);
	picture->hosts[picture->host_count] = (struct monitor_host){.name = name, .called = called};
	return &picture->hosts[picture->host_count++];
}

static struct monitor_host *
find_called(const struct picture *picture, struct str called)
{
	for (size_t i = 0; i < picture->host_count; i++)
		if (str_eq(picture->hosts[i].called, called))
			return &picture->hosts[i];
	return NULL;
}

/* Two daemons on one host are one to distcc's clients: they do not say which they use. */
static void
merge(struct monitor_host *host, const struct monitor_host *more)
{
	host->name = host->called;
	if (more->why.n)
		return;
	host->slots = host->why.n ? more->slots : host->slots + more->slots;
	host->why = none;
}

/* A host as its newest line in the journal has it. */
static void
look_at_host(struct arena *arena, struct picture *picture, struct str name, const struct json *line)
{
	struct str address = json_text(line, "address", none);
	struct monitor_host host = {
		.name = name, .called = address.n ? host_called(address) : name, .slots = (int)json_integer(line, "slots", 0)};
	if (str_is(json_text(line, "state", none), "out"))
		host.why = json_text(line, "why", STR("the journal does not say why"));
	struct monitor_host *known = find_called(picture, host.called);
	if (known)
		merge(known, &host);
	else
		*add_host(arena, picture, name, host.called) = host;
}

static void
look_at_run(const struct monitor *monitor, struct arena *arena, struct picture *picture)
{
	const struct journal_state *journal = &monitor->journal;
	struct map hosts = lines_of(monitor, arena, RECORD_HOST);
	picture->awaited = false;
	picture->run = journal->run;
	picture->project = journal->project;
	picture->provider = journal->provider;
	picture->began = journal->line_count ? json_integer(journal->lines[0], "time", picture->now) : picture->now;
	look_at_steps(monitor, arena, picture);
	for (uint32_t i = 0; i < hosts.count; i++)
		look_at_host(arena, picture, hosts.entries[i].key, hosts.entries[i].value);
	if (picture->host_count)
		qsort(picture->hosts, picture->host_count, sizeof *picture->hosts, by_name);
}

/* --- distcc's own files --- */

static bool
is_localhost(struct str called)
{
	return str_is(called, "localhost");
}

/* Says that a host is there which no journal knows. */
static void
see(struct monitor *monitor, const struct picture *picture, const char *called)
{
	struct str name = str_from(called);
	if (name.n && !find_called(picture, name) && !words_has(monitor->seen, name))
		words_add(&monitor->seen_arena, &monitor->seen, str_dup(&monitor->seen_arena, name));
}

static int64_t
left_out_for(const struct distcc_locks *locks, int64_t now)
{
	int64_t left = locks->failed ? locks->failed + DISTCC_BACKOFF_MS - now : 0;
	return left > 0 && left <= DISTCC_BACKOFF_MS ? left : 0;
}

static void
add_seen(struct monitor *monitor, struct arena *arena, struct picture *picture)
{
	size_t first = picture->host_count;
	for (size_t i = 0; i < picture->job_count; i++)
		see(monitor, picture, picture->jobs[i].host);
	for (size_t i = 0; i < monitor->lock_count; i++)
		if (left_out_for(&monitor->locks[i], picture->now))
			see(monitor, picture, monitor->locks[i].host);
	for (size_t i = 0; i < monitor->seen.n; i++)
		add_host(arena, picture, monitor->seen.w[i], monitor->seen.w[i]);
	if (picture->host_count > first)
		qsort(picture->hosts + first, picture->host_count - first, sizeof *picture->hosts, by_name);
}

/* What the locks know: the slots where nobody else does, and whether distcc goes round the host: round all of its daemons. */
static void
apply_locks(const struct monitor *monitor, struct arena *arena, const struct picture *picture, struct monitor_host *host)
{
	int slots = 0;
	int64_t least = DISTCC_BACKOFF_MS;
	for (size_t i = 0; i < monitor->lock_count; i++) {
		const struct distcc_locks *locks = &monitor->locks[i];
		if (!str_is(host->called, locks->host))
			continue;
		int64_t left = left_out_for(locks, picture->now);
		slots += locks->slots;
		least = left < least ? left : least;
	}
	if (!slots || is_localhost(host->called))
		return;
	if (!host->slots)
		host->slots = slots;
	if (least && !host->why.n)
		host->why = str_printf(arena, "it failed: distcc leaves it out for another %" PRId64 " s", (least + 999) / 1000);
}

static int
by_host(const void *a, const void *b)
{
	const struct distcc_job *left = a, *right = b;
	int hosts = strcmp(left->host, right->host);
	if (hosts != 0)
		return hosts;
	return left->slot != right->slot ? (left->slot > right->slot) - (left->slot < right->slot)
					 : strcmp(left->file, right->file);
}

/* The jobs stand by host. */
static void
share_jobs(struct picture *picture)
{
	for (size_t i = 0, n; i < picture->job_count; i += n) {
		const struct distcc_job *jobs = &picture->jobs[i];
		for (n = 1; i + n < picture->job_count && strcmp(jobs[n].host, jobs->host) == 0; n++)
			continue;
		struct monitor_host *host = find_called(picture, str_from(jobs->host));
		host->jobs = jobs;
		host->job_count = n;
		/* A limit that has become lower since, or was never known. */
		if (jobs[n - 1].slot >= host->slots && !is_localhost(host->called) && host->called.n)
			host->slots = jobs[n - 1].slot < DISTCC_JOB_LIMIT ? jobs[n - 1].slot + 1 : host->slots;
	}
}

struct picture
monitor_look(struct monitor *monitor, struct arena *arena)
{
	int64_t now = os_now_ms();
	bool seldom = !monitor->looked || now - monitor->looked >= SELDOM_MS;
	struct picture picture = {.now = os_time_ms(), .awaited = monitor->state};
	if (seldom && monitor->state)
		read_journal(monitor);
	const char *folder = folder_now(monitor, arena);
	forget_seen(monitor, folder);
	if (seldom) {
		monitor->lock_count = distcc_locks_now(folder, monitor->locks, DISTCC_LOCKS_LIMIT);
		monitor->looked = now;
	}
	picture.folder = str_from(folder);
	picture.jobs = arena_array(arena, struct distcc_job, DISTCC_JOB_LIMIT);
	picture.job_count = distcc_jobs_now(folder, picture.jobs, DISTCC_JOB_LIMIT);
	if (picture.job_count)
		qsort(picture.jobs, picture.job_count, sizeof *picture.jobs, by_host);
	if (monitor->running)
		look_at_run(monitor, arena, &picture);
	add_seen(monitor, arena, &picture);
	if (picture.job_count && !*picture.jobs->host)
		add_host(arena, &picture, none, none);
	for (size_t i = 0; i < picture.host_count; i++)
		apply_locks(monitor, arena, &picture, &picture.hosts[i]);
	share_jobs(&picture);
	return picture;
}
