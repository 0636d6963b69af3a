#include "remote/cache.h"
#include "remote/call.h"

#include "base/arena.h"
#include "base/hash.h"
#include "runtime/ccache.h"
#include "runtime/cloud.h"
#include "runtime/step.h"

#include <stdlib.h>
#include <string.h>

/* Both ways may take as long as compiling what is in the archives took, by JOBS at once; but less than this is not worth a thought. */
#define LEAST_MS 5000
/* What a call may take beyond that until it is no longer waited for. */
#define GRACE_MS 10000
/* What is refused may have been too late, but not twice. */
#define FETCH_TRIES 2
/* Where the HOST puts what goes up; aws/guest/host.sh. */
#define PACKED ".edcc/cache.tar"
#define SUFFIX ".tar"

bool
remote_cache_is_kept(const struct project *project)
{
	return project->cached && project->cache.keep.n;
}

/* "s3://bucket/prefix/PROJECT/gcc-12/": what is compiled by another compiler is of no use. */
static struct str
place(struct arena *arena, const struct project *project)
{
	const struct compiler_settings *set = &project->compiler_set;
	struct str keep = project->cache.keep;
	struct buf text = buf_new(arena);
	while (str_ends(keep, STR("/")))
		keep.n--;
	buf_printf(
		&text, "%.*s/%.*s/%s", STR_ARG(keep), STR_ARG(project->name), str_is(project->compiler, "clang") ? "clang" : "gcc");
	const struct str traits[] = {set->version, set->target};
	for (size_t i = 0; i < sizeof traits / sizeof *traits; i++)
		if (traits[i].n)
			buf_printf(&text, "-%.*s", STR_ARG(traits[i]));
	buf_add_byte(&text, '/');
	return buf_str(&text);
}

static int64_t
bound(const struct run *run, int64_t compile_ms)
{
	int jobs = run->plan->jobs > 0 ? run->plan->jobs : 1;
	return compile_ms / jobs > LEAST_MS ? compile_ms / jobs : LEAST_MS;
}

static struct str
megabytes(struct arena *arena, int64_t bytes)
{
	return str_printf(arena, "%.1f MB", (double)bytes / 1e6);
}

static struct str
seconds(struct arena *arena, int64_t ms)
{
	return str_printf(arena, "%.1f s", (double)ms / 1e3);
}

/* --- archives --- */

/* "RUN-48210ms-SHA256": who made it, what its compiles took, and its digest. */
struct archive {
	struct str name, url, sha256;
	int64_t size, compile_ms;
	bool settled; /* it is known what came of it */
};

static bool
read_name(struct str url, struct str folder, struct archive *archive)
{
	if (!str_starts(url, folder) || !str_ends(url, STR(SUFFIX)) || url.n < folder.n + HASH_HEX_LENGTH + strlen("-0ms-" SUFFIX))
		return false;
	struct str name = str_part(url, folder.n, url.n - strlen(SUFFIX)), rest = str_part(name, 0, name.n - HASH_HEX_LENGTH - 1);
	const char *dash = rest.n ? memrchr(rest.s, '-', rest.n) : NULL;
	*archive = (struct archive){.name = name, .url = url, .sha256 = str_part(name, rest.n + 1, name.n)};
	return dash && str_ends(rest, STR("ms")) &&
	       str_integer(str_part(rest, (size_t)(dash - rest.s) + 1, rest.n - 2), &archive->compile_ms);
}

struct archives {
	struct archive *list;
	size_t count, left; /* left: not settled */
	int64_t size, compile_ms;
};

static bool
list_archives(void *account, const struct cloud *cloud, struct arena *arena, struct str folder, struct archives *archives,
	struct failure *failure)
{
	struct cloud_object *objects;
	size_t count;
	*archives = (struct archives){.count = 0};
	if (!cloud->list(account, arena, folder, &objects, &count, failure))
		return false;
	archives->list = arena_array(arena, struct archive, count);
	for (size_t i = 0; i < count; i++) {
		struct archive *archive = &archives->list[archives->count];
		if (!read_name(objects[i].url, folder, archive))
			continue;
		archive->size = objects[i].size;
		archives->size += archive->size;
		archives->compile_ms += archive->compile_ms;
		archives->count++;
	}
	archives->left = archives->count;
	return true;
}

/* --- fetching --- */

static void
say_cold(struct run *run, const struct failure *failure)
{
	if (!os_cancel_raised(&run->cancel))
		event_warning(run->events,
			failure->hint.n ? failure->hint : STR("what is missing is compiled, as without 'cache: keep'"),
			"the cache is not fetched: %.*s", STR_ARG(failure->message));
}

/* Lines of tabs: NAME SIZE SHA256 URL; of those of which it is not known what came of them. */
static bool
fetch_lines(void *account, const struct cloud *cloud, struct arena *arena, const struct archives *archives, struct str *text,
	struct failure *failure)
{
	struct buf lines = buf_new(arena);
	for (size_t i = 0; i < archives->count; i++) {
		const struct archive *archive = &archives->list[i];
		struct str get;
		if (archive->settled)
			continue;
		if (!cloud->lend(account, arena, archive->url, &get, failure))
			return false;
		buf_printf(&lines, "%.*s\t%lld\t%.*s\t%.*s\n", STR_ARG(archive->name), (long long)archive->size,
			STR_ARG(archive->sha256), STR_ARG(get));
	}
	*text = buf_str(&lines);
	return true;
}

/* Others are none the worse for one that is broken. */
static void
say_missing(struct run *run, struct str name, struct str why)
{
	event_warning(run->events, STR("what was in it is compiled, as without 'cache: keep'"),
		"a part of the cache is not fetched: %.*s: %.*s", STR_ARG(name), STR_ARG(why));
}

/* What came of each: "NAME fetched", "NAME there", "NAME gone", "NAME failed WHY"; not yet: "NAME refused". How much was fetched. */
static int64_t
hear(struct run *run, struct archives *archives, struct str output)
{
	int64_t fetched = 0;
	struct str line, name, word;
	while (output.n && str_split(&output, '\n', &line)) {
		if (!str_split(&line, ' ', &name) || !str_split(&line, ' ', &word) || str_is(word, "refused"))
			continue;
		for (size_t i = 0; i < archives->count; i++) {
			struct archive *archive = &archives->list[i];
			if (archive->settled || !str_eq(archive->name, name))
				continue;
			archive->settled = true;
			archives->left--;
			fetched += str_is(word, "fetched") ? archive->size : 0;
		}
		if (str_is(word, "failed"))
			say_missing(run, name, line);
	}
	return fetched;
}

/* Has the HOST get what is not settled, by requests that are made for it now. */
static bool
fetch_rest(struct run *run, void *account, const struct cloud *cloud, struct arena *arena, struct archives *archives,
	int64_t *fetched, struct failure *failure)
{
	struct str input, output;
	int64_t limit = bound(run, archives->compile_ms);
	struct str most = str_printf(arena, "%lld", (long long)(limit + 999) / 1000);
	struct remote_call call = {
		.words = (const char *const[]){"cache-fetch", most.s, NULL}, .timeout = limit + GRACE_MS, .once = true};
	if (!fetch_lines(account, cloud, arena, archives, &input, failure))
		return false;
	call.input = input;
	if (!remote_make_call(remote_of(run), arena, &call, &output, failure))
		return false;
	*fetched += hear(run, archives, output);
	return true;
}

static bool
fetch(struct run *run, struct arena *arena, struct failure *failure)
{
	struct remote *remote = remote_of(run);
	struct str folder = place(arena, run->project);
	struct archives archives;
	struct failure ignored = {.arena = arena};
	const struct cloud *cloud;
	int64_t began = os_now_ms(), fetched = 0;
	void *account = cloud_account(run, NULL, &cloud, failure);
	if (!account || !list_archives(account, cloud, arena, folder, &archives, failure))
		return false;
	for (int tries = 0; archives.left && tries < FETCH_TRIES; tries++) {
		/* Whether it is the account whose time is over it hears where it asks by itself, and renews itself. */
		if (tries)
			cloud->check(account, cloud_bucket(folder), &ignored);
		if (!fetch_rest(run, account, cloud, arena, &archives, &fetched, failure))
			return false;
	}
	for (size_t i = 0; archives.left && i < archives.count; i++)
		if (!archives.list[i].settled)
			say_missing(run, archives.list[i].name, STR("S3 refuses it"));
	struct str took = seconds(arena, os_now_ms() - began);
	pthread_mutex_lock(&remote->mutex);
	if (fetched)
		remote->fetched =
			str_printf(&remote->arena, "restored %.*s in %.*s", STR_ARG(megabytes(arena, fetched)), STR_ARG(took));
	pthread_mutex_unlock(&remote->mutex);
	return true;
}

static bool
fetch_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct arena arena = {NULL};
	struct failure why = {.arena = &arena};
	(void)action;
	(void)failure;
	if (!fetch(run, &arena, &why))
		say_cold(run, &why);
	arena_free(&arena);
	return true;
}

static const struct action_type action_fetch = {.name = "fetch-cache", .section = SECTION_SETUP, .run = fetch_run};

uint32_t
remote_plan_fetch(struct arena *arena, struct plan *plan, uint32_t boot)
{
	struct str from = plan_hide(arena, plan, place(arena, plan->project));
	struct action *action = plan_add(arena, plan, &action_fetch, STR("fetch-cache"), &boot, 1);
	action->title = STR("cache");
	action->detail = str_printf(arena, "from %.*s, as far as that is faster than compiling", STR_ARG(from));
	action->span = plan->project->cache_span;
	action->why = STR("the file says 'cache: keep'");
	return plan->count - 1;
}

/* --- storing --- */

/* "NEW MS SHA256 ABSORBED…" of the HOST; none where nothing is new. */
struct packed {
	int64_t fresh, compile_ms;
	struct str sha256, absorbed;
};

static bool
pack(struct run *run, struct arena *arena, struct packed *packed, struct failure *failure)
{
	struct str size = ccache_size(arena, run->project), output, fresh, ms;
	struct remote_call call = {.words = (const char *const[]){"cache-pack", size.s, NULL},
		.timeout = bound(run, 0) + GRACE_MS + run->project->cache.size / (100 << 20) * 1000,
		.once = true};
	*packed = (struct packed){.fresh = 0};
	if (!remote_make_call(remote_of(run), arena, &call, &output, failure))
		return false;
	packed->absorbed = str_trim(output);
	if (!packed->absorbed.n)
		return true;
	if (str_split(&packed->absorbed, ' ', &fresh) && str_split(&packed->absorbed, ' ', &ms) &&
		str_split(&packed->absorbed, ' ', &packed->sha256) && str_integer(fresh, &packed->fresh) &&
		str_integer(ms, &packed->compile_ms) && packed->sha256.n == HASH_HEX_LENGTH)
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "the HOST does not say what it has packed");
	return false;
}

/* What is stored is good also where this fails: then the HOST has a file too many, or S3 has something twice. */
static void
settle(struct run *run, struct arena *arena, const struct packed *packed, struct str folder, struct str name)
{
	const char *words[64] = {"cache-packed"};
	struct str rest = packed->absorbed, other;
	size_t count = 1;
	struct failure ignored = {.arena = arena}, why = {.arena = arena};
	const struct cloud *cloud;
	void *account = cloud_account(run, NULL, &cloud, &ignored);
	if (name.n)
		words[count++] = str_c(arena, name);
	while (name.n && account && rest.n && str_split(&rest, ' ', &other) && count + 1 < sizeof words / sizeof *words) {
		words[count++] = str_c(arena, other);
		if (!why.message.n)
			cloud->remove(account, str_printf(arena, "%.*s%.*s" SUFFIX, STR_ARG(folder), STR_ARG(other)), &why);
	}
	words[count] = NULL;
	remote_ask(remote_of(run), arena, words, (struct str){NULL, 0}, NULL, &ignored);
	if (why.message.n && !os_cancel_raised(&run->cancel))
		event_warning(run->events, STR("what is kept grows: it takes s3:DeleteObject to put parts together"),
			"a part of the cache is kept twice: %.*s", STR_ARG(why.message));
}

/* *stored: the bytes; 0 where there was nothing to store. */
static bool
save(struct run *run, struct arena *arena, int64_t began, int64_t *stored, struct failure *failure)
{
	struct packed packed;
	struct cloud_stored result;
	struct str folder = place(arena, run->project), name = {NULL, 0};
	*stored = 0;
	if (!pack(run, arena, &packed, failure))
		return false;
	if (packed.fresh) {
		name = str_printf(
			arena, "%.*s-%lldms-%.*s", STR_ARG(run->id), (long long)packed.compile_ms, STR_ARG(packed.sha256));
		struct str url = str_printf(arena, "%.*s%.*s" SUFFIX, STR_ARG(folder), STR_ARG(name));
		if (artifact_upload(run, arena, STR(PACKED), url, began + bound(run, packed.compile_ms), &result, failure))
			*stored = result.size;
		else
			name.n = 0;
	}
	settle(run, arena, &packed, folder, name);
	return !packed.fresh || *stored;
}

/* "214 compiles came from ccache (restored 31.0 MB in 0.4 s, saved 2.0 MB in 0.1 s)" */
static void
say(struct run *run, struct arena *arena, int64_t stored, int64_t took)
{
	struct buf more = buf_new(arena);
	pthread_mutex_lock(&remote_of(run)->mutex);
	buf_add(&more, remote_of(run)->fetched);
	pthread_mutex_unlock(&remote_of(run)->mutex);
	if (stored)
		buf_printf(&more, "%ssaved %.*s in %.*s", more.n ? ", " : "", STR_ARG(megabytes(arena, stored)),
			STR_ARG(seconds(arena, took)));
	ccache_say_hits(run, buf_str(&more));
}

static bool
save_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct arena arena = {NULL};
	struct failure why = {.arena = &arena};
	int64_t began = os_now_ms(), stored;
	(void)action;
	(void)failure;
	if (!remote_of(run))
		return true;
	if (!save(run, &arena, began, &stored, &why) && !os_cancel_raised(&run->cancel))
		event_warning(run->events, why.hint.n ? why.hint : STR("the next run compiles again what is new in this one"),
			"the cache is not saved: %.*s", STR_ARG(why.message));
	say(run, &arena, stored, os_now_ms() - began);
	arena_free(&arena);
	return true;
}

static const struct action_type action_save = {.name = "save-cache", .section = SECTION_ARTIFACTS, .late = true, .run = save_run};

void
remote_plan_save(struct arena *arena, struct plan *plan)
{
	struct str to = plan_hide(arena, plan, place(arena, plan->project));
	struct action *action = plan_add(arena, plan, &action_save, STR("save-cache"), NULL, 0);
	action->title = STR("cache");
	action->detail = str_printf(arena, "-> %.*s, what is new in it", STR_ARG(to));
	action->when = ACTION_ALWAYS;
	action->span = plan->project->cache_span;
	action->why = STR("the file says 'cache: keep'");
}
