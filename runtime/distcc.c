#include "runtime/distcc.h"

#include "distcc/call.h"
#include "distcc/host_syntax.h"
#include "runtime/canary.h"
#include "runtime/ccache.h"
#include "runtime/pump.h"
#include "runtime/share.h"
#include "runtime/toolchain.h"

#include <poll.h>
#include <string.h>

/* Of fewer compiles one is a large share: while a build runs the bound is asked of no less. */
#define ENOUGH_COMPILES 20
/* A daemon puts a compile down after it has answered: for so long the last ones are waited for. */
#define LATE_MS 250
/* What EVENT_COMPILES and RECORD_COMPILES call the machine that runs the build. */
#define THIS_MACHINE STR("this machine")

/* Nobody is there to be asked for a passphrase, or whether a host is the right one. */
static const char own_ssh[] = "ssh -o BatchMode=yes -o ConnectTimeout=10";

const char *
distcc_ssh(char *const *environment)
{
	struct str users = os_variable(environment, "DISTCC_SSH");
	return users.n ? users.s : own_ssh;
}

bool
distcc_ssh_is_own(char *const *environment)
{
	return distcc_ssh(environment) == own_ssh;
}

struct str
distcc_ssh_of_build(struct arena *arena, const struct project *project, char *const *environment)
{
	const char *ssh = distcc_ssh(environment);
	/* It ends when its fourth question has no answer either. */
	int64_t seconds = (project->distcc.io_timeout + 3999) / 4000;
	if (!distcc_ssh_is_own(environment))
		return str_from(ssh);
	return str_printf(arena, "%s -o ServerAliveInterval=%lld", ssh, (long long)seconds);
}

struct str
distcc_ssh_of_run(struct run *run, struct arena *arena)
{
	struct str shared = share_command(run);
	return shared.n ? shared : distcc_ssh_of_build(arena, run->project, run->environment);
}

static struct str
names_of(struct arena *arena, const struct host *hosts, uint32_t count)
{
	struct buf text = buf_new(arena);
	for (uint32_t i = 0; i < count; i++)
		if (hosts[i].ready)
			buf_printf(&text, "%s%.*s", text.n ? " " : "", STR_ARG(hosts[i].name));
	return str_from(buf_c(&text));
}

struct str
distcc_client_log(struct arena *arena, const struct run *run)
{
	/* No step can be called so. */
	return str_printf(arena, "%.*s/log/@distcc.log", STR_ARG(run->folder));
}

struct str
distcc_host_log(struct arena *arena, const struct run *run, struct str host)
{
	return str_printf(arena, "%.*s/log/%.*s.log", STR_ARG(run->folder), STR_ARG(host));
}

struct str
distcc_client_folder(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "%.*s/fleet/client", STR_ARG(run->folder));
}

struct str
distcc_temps_folder(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "%.*s/temps", STR_ARG(run->folder));
}

static void
put(struct map *out, const char *name, struct str terminated)
{
	*map_at(out, str_from(name)) = (void *)terminated.s;
}

/* What the user's own environment says of the hosts is not what the file says; with a period of 0 distcc would try a host that refuses for ever. */
static void
drop_own(struct map *out)
{
	static const char *const names[] = {"DISTCC_HOSTS", "DISTCC_BACKOFF_PERIOD"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (map_get(out, str_from(names[i])))
			*map_at(out, str_from(names[i])) = NULL;
}

/* How the client is to behave; why, see doc/distcc.md. */
static void
add_client(const struct run *run, struct arena *arena, const struct distcc_client *client, struct map *out)
{
	const struct distcc_settings *set = &run->project->distcc;
	put(out, "DISTCC_DIR", client->folder);
	put(out, "DISTCC_LOG", client->log);
	put(out, "DISTCC_PAUSE_TIME_MSEC", str_printf(arena, "%lld", (long long)set->pause));
	put(out, "DISTCC_SKIP_LOCAL_RETRY", STR("1"));
	put(out, "DISTCC_FALLBACK", set->fallback ? STR("1") : STR("0"));
	put(out, "DISTCC_IO_TIMEOUT", str_printf(arena, "%lld", (long long)(set->io_timeout + 999) / 1000));
	if (set->verbose)
		put(out, "DISTCC_VERBOSE", STR("1"));
	if (!set->save_temps)
		return;
	put(out, "DISTCC_SAVE_TEMPS", STR("1"));
	put(out, "TMPDIR", client->temps);
}

void
distcc_client_environment(struct run *run, struct arena *arena, const struct distcc_client *client, struct map *out)
{
	const struct project *project = run->project;
	const struct toolchain *toolchain = &run->plan->world->toolchain;
	pthread_mutex_lock(&run->mutex);
	struct str names = names_of(arena, run->hosts, run->host_count);
	pthread_mutex_unlock(&run->mutex);
	/* Also where every host has gone out since: then distcc says of each compile that it ran here. */
	bool distributed = run->host_count > 0;
	put(out, "CC", toolchain_call(arena, toolchain->cc, distributed, project->cached));
	put(out, "CXX", toolchain_call(arena, toolchain->cxx, distributed, project->cached));
	put(out, "JOBS", str_printf(arena, "%d", run->plan->jobs));
	put(out, "EDCC_HOSTS", names);
	put(out, "EDCC_TARGET", str_from(str_c(arena, project->compiler_set.target)));
	drop_own(out);
	if (distributed)
		add_client(run, arena, client, out);
	if (project->cached)
		ccache_environment(project, arena, client->cache, client->stats, distributed, out);
}

static bool
uses_ssh(const struct world *world)
{
	for (uint32_t i = 0; i < world->host_count; i++)
		if (str_find(world->hosts[i].address, '@') < world->hosts[i].address.n)
			return true;
	return false;
}

void
distcc_environment(struct run *run, struct arena *arena, struct map *out)
{
	const struct project *project = run->project;
	struct distcc_client client = {
		.folder = distcc_client_folder(arena, run),
		.log = distcc_client_log(arena, run),
		.temps = distcc_temps_folder(arena, run),
		.cache = ccache_folder(arena, project),
		.stats = ccache_stats_log(arena, run),
	};
	distcc_client_environment(run, arena, &client, out);
	if (uses_ssh(run->plan->world))
		put(out, "DISTCC_SSH", distcc_ssh_of_run(run, arena));
}

/* --- the report --- */

struct compiles {
	uint64_t count;
	struct str why;
};

static void
fill_compiles(struct json_writer *json, void *context)
{
	const struct compiles *compiles = context;
	json_put_integer(json, "number", (int64_t)compiles->count);
	if (compiles->why.n)
		json_put_text(json, "why", compiles->why);
}

static void
report_one(struct run *run, struct str name, struct compiles compiles, struct str others)
{
	struct event event = {
		.kind = EVENT_COMPILES, .name = name, .text = compiles.why, .hint = others, .number = (int64_t)compiles.count};
	event_emit(run->events, event);
	run_record(run, RECORD_COMPILES, name, fill_compiles, &compiles);
}

/* "3 -march=native, 1 assembler source" */
static struct str
list_counts(struct arena *arena, const struct map *counts)
{
	struct buf text = buf_new(arena);
	for (uint32_t i = 0; i < counts->count; i++)
		buf_printf(&text, "%s%llu %.*s", text.n ? ", " : "", (unsigned long long)*(uint64_t *)counts->entries[i].value,
			STR_ARG(counts->entries[i].key));
	return buf_str(&text);
}

/* Whether no greater share has fallen back than the file allows; else false with the failure. */
static bool
is_within_bound(const struct project *project, const struct local_compiles *local, struct failure *failure)
{
	int64_t allowed = project->distcc.fallback;
	uint64_t all = local->remote + local->count;
	if (allowed >= 100 || local->fallbacks * 100 <= (uint64_t)allowed * all)
		return true;
	failure_set(failure, EXIT_STATUS_BUILD_FAILED,
		"%llu of %llu compiles fell back to this machine, and the file allows %lld%%", (unsigned long long)local->fallbacks,
		(unsigned long long)all, (long long)allowed);
	failure_hint(failure, "which hosts failed, and why, is in what the clients and the hosts have logged: edcc logs");
	return false;
}

void
distcc_hold_bound(struct run *run, const struct local_compiles *local)
{
	struct arena arena = {NULL};
	struct failure failure = {.arena = &arena};
	if (local->remote + local->count >= ENOUGH_COMPILES && !is_within_bound(run->project, local, &failure))
		run_fail(run, &failure);
	arena_free(&arena);
}

/* "-march=skylake -mtune=skylake and 84 more" */
static struct str
sum_up_flags(struct arena *arena, struct str flags)
{
	struct buf text = buf_new(arena);
	struct str flag;
	size_t more = 0;
	while (str_split(&flags, ' ', &flag)) {
		bool names =
			str_starts(flag, STR("-march=")) || str_starts(flag, STR("-mtune=")) || str_starts(flag, STR("-mcpu="));
		if (names)
			buf_printf(&text, "%s%.*s", text.n ? " " : "", STR_ARG(flag));
		more += !names;
	}
	if (more)
		buf_printf(&text, " and %zu more", more);
	return buf_str(&text);
}

static void
report_natives(struct run *run, struct arena *arena, const struct map *natives)
{
	for (uint32_t i = 0; i < natives->count; i++) {
		const struct native *native = natives->entries[i].value;
		struct str name = natives->entries[i].key;
		if (native->count)
			event_note(run->events, "%llu compile%s with %.*s went out with %.*s", (unsigned long long)native->count,
				native->count == 1 ? "" : "s", STR_ARG(name), STR_ARG(sum_up_flags(arena, native->flags)));
		else if (native->why.n)
			event_warning(run->events, STR("hosts could compile it with explicit flags, such as -march=x86-64-v3"),
				"%.*s stays on the machine that runs the build: %.*s", STR_ARG(name), STR_ARG(native->why));
	}
}

/* How many the clients have had from it. Only of machines that are not ours may two have one name and different ports. */
static uint64_t
answers_of(const struct host *host, const struct local_compiles *local)
{
	uint64_t answers = 0;
	for (uint32_t i = 0; i < local->answers.count; i++) {
		struct str key = local->answers.entries[i].key;
		if (str_eq(key, host->address) || (!host->apart && str_eq(host_called(key), host_called(host->address))))
			answers += *(uint64_t *)local->answers.entries[i].value;
	}
	return answers;
}

/* How many each host's own log says it did, once that is as many as the clients have had answers. Where a host is gone, or its log is not ours to read,
 * they know how many that were. */
static void
count_hosts(const struct run *run, struct arena *arena, const struct local_compiles *local, struct compiles *hosts)
{
	for (int64_t deadline = os_now_ms() + LATE_MS;; poll(NULL, 0, 5)) {
		uint64_t all = 0;
		for (uint32_t i = 0; i < run->host_count; i++) {
			const struct host *host = &run->hosts[i];
			hosts[i].count = host->apart ? answers_of(host, local)
						     : distcc_count_host(distcc_host_log(arena, run, host->name).s, CANARY_SOURCE);
			all += hosts[i].count;
		}
		if (all >= local->remote || os_now_ms() > deadline)
			break;
	}
	for (uint32_t i = 0; i < run->host_count; i++) {
		uint64_t answers = answers_of(&run->hosts[i], local),
			 failures = distcc_failures_of(local, run->hosts[i].address).theirs;
		if (answers > hosts[i].count)
			hosts[i].count = answers;
		/* A build that waited for a host until it was given up says which one it was. */
		if (failures)
			hosts[i].why = str_printf(arena, "%llu given up", (unsigned long long)failures);
	}
}

/* Where this machine is one of the list, what it takes needs no other reason. */
static void
explain_localhost(const struct world *world, struct map *reasons)
{
	static const char here[] = "localhost";
	struct str before = world->hosts_before;
	bool listed = world->hosts_after.n || (before.n && memmem(before.s, before.n, here, sizeof here - 1));
	for (uint32_t i = 0; listed && i < reasons->count; i++)
		if (str_is(reasons->entries[i].key, DISTCC_NO_REASON))
			reasons->entries[i].key = STR("localhost is in the list");
}

/* Of the run's own, which no other run writes to and which is what was counted. */
static void
copy_log(struct run *run, struct arena *arena)
{
	struct str to = run->project->distcc.log, error;
	uint64_t size;
	if (!to.n)
		return;
	if (*to.s != '/')
		to = str_printf(arena, "%.*s/%.*s", STR_ARG(run->project->dir), STR_ARG(to));
	const char *path = str_c(arena, to), *folder = str_c(arena, str_part(to, 0, (size_t)(strrchr(path, '/') - path)));
	if (os_make_folders(arena, *folder ? folder : "/", false, &error) &&
		os_copy_atomic(arena, distcc_client_log(arena, run).s, path, NULL, &size, &error))
		return;
	event_warning(run->events, STR("'distcc: log' names a file that edcc may write"), "the clients' log is not copied: %.*s",
		STR_ARG(error));
}

/* That nothing compiled may be right, where all was there already; and it is how a makefile shows that says CC = gcc. */
static void
say_nothing_called(struct run *run)
{
	const char *advice =
		"; a step that compiles calls $CC or $CXX (make CC=\"$CC\"), or 'distcc: masquerade = yes' has it called as gcc";
	event_note(run->events, "0 compiles: no step called distcc%s", run->project->distcc.masquerade ? "" : advice);
}

uint64_t
distcc_report(struct run *run, bool well, struct failure *failure)
{
	struct arena arena = {0};
	if (!run->host_count)
		return 0;
	struct distcc_log *log = distcc_log_open(distcc_client_log(&arena, run));
	struct local_compiles local = *distcc_log_read(log);
	struct compiles *hosts = arena_array(&arena, struct compiles, run->host_count);
	count_hosts(run, &arena, &local, hosts);
	for (uint32_t i = 0; i < run->host_count; i++)
		report_one(run, run->hosts[i].name, hosts[i], STR(""));
	explain_localhost(run->plan->world, &local.reasons);
	struct compiles compiles = {local.count, list_counts(&arena, &local.reasons)};
	report_one(run, THIS_MACHINE, compiles, list_counts(&arena, &local.others));
	/* Where the cache is kept elsewhere there is more to say, later. */
	if (run->project->cached && !(run->remote && run->project->cache.keep.n))
		ccache_say_hits(run, STR(""));
	if (well && !run->project->cached && !local.remote && !local.count)
		say_nothing_called(run);
	report_natives(run, &arena, &local.natives);
	pump_report(run);
	is_within_bound(run->project, &local, failure);
	distcc_log_close(log);
	copy_log(run, &arena);
	arena_free(&arena);
	return local.count;
}
