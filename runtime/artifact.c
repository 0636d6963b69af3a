/* artifact: one line of an artifacts block: what its patterns match is stored at its destination, a folder or a cloud, and compared with what is there. */
#include "runtime/cloud.h"
#include "runtime/provider.h"
#include "runtime/site.h"
#include "runtime/step.h"

#include "base/hash.h"
#include "base/pool.h"

#include <string.h>

/* To a cloud: files at once, and how often it is told how far one has got. */
#define STORES_AT_ONCE 8
#define PROGRESS_MS 200

/* Where one file goes. */
struct delivery {
	struct str from; /* relative to the source tree */
	struct str to; /* as the user would write it: relative to the Edccfile's folder, or a URL */
};

struct store {
	struct arena arena;
	struct run *run;
	const struct artifact_line *line;
	const struct site *site;
	struct delivery *deliveries;
	size_t count;
	struct map targets; /* to → from */
	struct failure *failure;
	pthread_mutex_t mutex; /* for the failure, where several go up at once */
	bool failed;
	bool misasked; /* what is wrong stands in the line: its place is told */
};

/* --- what goes where --- */

static bool
fail(struct store *store, struct str message, const char *hint)
{
	failure_set(store->failure, EXIT_STATUS_BUILD_FAILED, "%.*s", STR_ARG(message));
	failure_hint(store->failure, "%s", hint);
	return false;
}

static bool
fail_line(struct store *store, struct str message, const char *hint)
{
	store->misasked = true;
	return fail(store, message, hint);
}

static bool
has_wildcard(struct str pattern)
{
	for (size_t i = 0; i < pattern.n; i++)
		if (pattern.s[i] && strchr("*?[\\", pattern.s[i]))
			return true;
	return false;
}

/* How many folders a match loses in front: those before `**`, SIZE_MAX for all. */
static size_t
depth_before_stars(struct str pattern)
{
	size_t depth = 0;
	struct str part;
	while (str_split(&pattern, '/', &part)) {
		if (str_is(part, "**"))
			return depth;
		depth += part.n > 0;
	}
	return SIZE_MAX;
}

static struct str
without_folders(struct str path, size_t depth)
{
	for (size_t slash; depth && (slash = str_find(path, '/')) < path.n; depth--)
		path = str_part(path, slash + 1, path.n);
	return path;
}

static const char *
absolute(struct store *store, struct str folder, struct str path)
{
	if (path.n && *path.s == '/')
		return str_c(&store->arena, path);
	return str_printf(&store->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(path)).s;
}

static bool
add_delivery(struct store *store, struct str from, struct str to)
{
	struct arena *arena = &store->arena;
	void **known = map_at(&store->targets, to);
	if (*known) {
		struct str other = *(struct str *)*known;
		if (str_eq(other, from))
			return true;
		return fail_line(store,
			str_printf(arena, "two artifacts would be stored as '%.*s': '%.*s' and '%.*s'", STR_ARG(to), STR_ARG(other),
				STR_ARG(from)),
			"with ** in the pattern they keep their folders");
	}
	store->deliveries = arena_more(arena, store->deliveries, store->count, sizeof *store->deliveries);
	store->deliveries[store->count++] = (struct delivery){from, to};
	struct str *kept = arena_new(arena, struct str);
	*kept = from;
	*known = kept;
	return true;
}

/* The destination is a file only where one plain file is meant and no folder has its name. */
static bool
is_file_destination(struct store *store)
{
	const struct artifact_line *line = store->line;
	bool bucket = cloud_is_url(line->destination) && cloud_bucket(line->destination).n + strlen("s3://") == line->destination.n;
	return line->patterns.n == 1 && !has_wildcard(line->patterns.w[0]) && !str_ends(line->destination, STR("/")) && !bucket &&
	       !store->site->is_folder(store->run, &store->arena, line->patterns.w[0]) &&
	       !os_is_folder(absolute(store, store->run->project->dir, line->destination));
}

/* Adds what a pattern matches. A folder named without wildcards goes whole and keeps its name, as with cp -r. */
static bool
add_pattern(struct store *store, struct str pattern)
{
	struct arena *arena = &store->arena;
	struct str destination = store->line->destination, error;
	struct words found = {NULL, 0};
	bool file = is_file_destination(store);
	while (pattern.n > 1 && pattern.s[pattern.n - 1] == '/')
		pattern.n--;
	size_t depth = depth_before_stars(pattern);
	if (!has_wildcard(pattern) && store->site->is_folder(store->run, arena, pattern)) {
		pattern = str_printf(arena, "%.*s/**", STR_ARG(pattern));
		depth = depth_before_stars(pattern) - 1;
	}
	if (!store->site->glob(store->run, arena, pattern, &found, &error))
		return fail(store, error, "patterns are relative to the source tree");
	const char *slash = str_ends(destination, STR("/")) ? "" : "/";
	for (size_t i = 0; i < found.n; i++) {
		struct str from = found.w[i], name = without_folders(from, depth);
		struct str to = file ? destination : str_printf(arena, "%.*s%s%.*s", STR_ARG(destination), slash, STR_ARG(name));
		if (!add_delivery(store, from, to))
			return false;
	}
	return true;
}

/* --- storing --- */

struct stored {
	const char *hex;
	uint64_t size;
};

static void
fill_stored(struct json_writer *json, void *context)
{
	const struct stored *stored = context;
	json_put_text(json, "sha256", str_from(stored->hex));
	json_put_integer(json, "size", (int64_t)stored->size);
}

/* What is stored and verified is in the journal, and told. */
static bool
say_stored(struct run *run, struct str to, struct stored stored, struct failure *failure)
{
	struct str error;
	if (!journal_write(run->journal, RECORD_ARTIFACT, to, false, fill_stored, &stored, &error)) {
		run_journal_failure(run, error, failure);
		return false;
	}
	event_emit(run->events,
		(struct event){.kind = EVENT_ARTIFACT, .name = to, .text = str_from(stored.hex), .number = (int64_t)stored.size});
	return true;
}

/* Copies, reads back what is on disk, says so. */
static bool
store_here(struct store *store, struct delivery delivery)
{
	struct arena *arena = &store->arena;
	const char *to = absolute(store, store->run->project->dir, delivery.to);
	const char *slash = strrchr(to, '/');
	struct str folder = {to, (size_t)(slash - to)}, error;
	char hex[HASH_HEX_LENGTH + 1], again[HASH_HEX_LENGTH + 1];
	struct stored stored = {.hex = hex};
	if ((folder.n && !os_make_folders(arena, str_c(arena, folder), false, &error)) ||
		!store->site->copy(store->run, arena, delivery.from, to, hex, &stored.size, &error) ||
		!os_hash_file(arena, to, again, &error))
		return fail(store, str_printf(arena, "cannot store '%.*s': %.*s", STR_ARG(delivery.from), STR_ARG(error)),
			"the destination must be writable and have room; what was stored before is whole");
	if (strcmp(hex, again) != 0)
		return fail(store,
			str_printf(arena, "'%.*s' was not stored as it is: what was read back differs", STR_ARG(delivery.to)),
			"the disk, or somebody who writes there at the same time");
	return say_stored(store->run, delivery.to, stored, store->failure);
}

/* --- storing in a cloud --- */

/* One file on its way. What was begun of it is in the journal until it is known to be whole, under an action of its own. */
struct ascent {
	struct run *run;
	struct str to;
	struct action action;
	struct str upload;
	int64_t told; /* when, by os_now_ms */
	bool begun;
	struct failure *failure;
};

static void
fill_upload(struct json_writer *json, void *context)
{
	const struct ascent *ascent = context;
	struct cloud_place place = cloud_place(ascent->run->project);
	json_put_text(json, "url", ascent->to);
	json_put_text(json, "upload", ascent->upload);
	json_put_text(json, "region", place.region);
	json_put_text(json, "profile", place.profile);
	json_put_text(json, "endpoint", place.endpoint);
}

static bool
on_begun(void *context, struct str upload)
{
	struct ascent *ascent = context;
	ascent->upload = upload;
	ascent->begun = run_intent(ascent->run, &ascent->action, fill_upload, ascent, ascent->failure);
	return ascent->begun;
}

static void
on_moved(void *context, int64_t done, int64_t total)
{
	struct ascent *ascent = context;
	int64_t now = os_now_ms();
	if (now - ascent->told < PROGRESS_MS)
		return;
	ascent->told = now;
	event_emit(ascent->run->events, (struct event){.kind = EVENT_PROGRESS, .name = ascent->to, .number = done, .total = total});
}

bool
artifact_upload(struct run *run, struct arena *arena, struct str from, struct str to, int64_t until, struct cloud_stored *stored,
	struct failure *failure)
{
	struct ascent ascent = {.run = run, .to = to, .told = os_now_ms(), .failure = failure};
	struct str error;
	struct cloud_file file = {
		.path = str_c(arena, from),
		.url = to,
		.until = until,
		.context = &ascent,
		.moved = on_moved,
		.begun = on_begun,
	};
	ascent.action.type = &action_artifact;
	ascent.action.name = str_printf(arena, "upload %.*s", STR_ARG(to));
	if (!run->provider->site->store(run, arena, &file, stored, failure))
		return false;
	if (ascent.begun)
		journal_write(run->journal, RECORD_UNDONE, ascent.action.name, false, NULL, NULL, &error);
	return true;
}

static bool
ascend(struct run *run, struct arena *arena, const struct delivery *delivery, struct failure *failure)
{
	struct cloud_stored result;
	if (!artifact_upload(run, arena, delivery->from, delivery->to, 0, &result, failure))
		return false;
	struct stored stored = {.hex = str_c(arena, result.sha256), .size = (uint64_t)result.size};
	return say_stored(run, delivery->to, stored, failure);
}

static void
store_there(void *context, void *item)
{
	struct store *store = context;
	const struct delivery *delivery = item;
	struct run *run = store->run;
	struct arena arena = {NULL};
	struct failure failure = {.arena = &arena};
	pthread_mutex_lock(&store->mutex);
	bool ended = store->failed || os_cancel_raised(&run->cancel);
	pthread_mutex_unlock(&store->mutex);
	bool done = !ended && ascend(run, &arena, delivery, &failure);
	pthread_mutex_lock(&store->mutex);
	if (!done && !ended && !store->failed) {
		store->failed = true;
		fail(store,
			str_printf(&store->arena, "cannot store '%.*s': %.*s", STR_ARG(delivery->from), STR_ARG(failure.message)),
			"");
		store->failure->hint = str_dup(store->failure->arena, failure.hint);
	}
	pthread_mutex_unlock(&store->mutex);
	arena_free(&arena);
}

/* Several files at once: most of them are small, and each waits for answers more than for bytes. */
static bool
store_all_there(struct store *store)
{
	const struct cloud *cloud;
	bool open = cloud_account(store->run, NULL, &cloud, store->failure) != NULL;
	store->failure->status = EXIT_STATUS_BUILD_FAILED;
	if (!open)
		return false;
	struct pool *pool = pool_new(STORES_AT_ONCE);
	if (!pool)
		return fail(store, STR("no thread can be started"), "something here has used them up");
	for (size_t i = 0; i < store->count; i++)
		pool_submit(pool, store_there, store, &store->deliveries[i]);
	pool_free(pool);
	return !store->failed;
}

/* Drops what was begun and not finished. */
static bool
artifact_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	const struct str none = {NULL, 0};
	struct cloud_place place = {
		json_text(params, "region", none), json_text(params, "profile", none), json_text(params, "endpoint", none)};
	const struct cloud *cloud;
	void *account = cloud_account(run, &place, &cloud, failure);
	(void)result;
	return account && cloud->drop(account, json_text(params, "url", none), json_text(params, "upload", none), failure);
}

/* --- a line --- */

static bool
interrupted(struct store *store)
{
	failure_set(store->failure, EXIT_STATUS_INTERRUPTED, "interrupted while artifacts were stored");
	store->failure->hint = (struct str){NULL, 0};
	return false;
}

static bool
store_all(struct store *store)
{
	const struct artifact_line *line = store->line;
	struct run *run = store->run;
	for (size_t i = 0; i < line->patterns.n; i++)
		if (!add_pattern(store, line->patterns.w[i]))
			return false;
	if (!store->count) {
		struct str patterns = words_join(&store->arena, line->patterns, STR(" "));
		/* A build that failed may well not have made it. */
		if (run->succeeded)
			return fail_line(store, str_printf(&store->arena, "no file matches '%.*s'", STR_ARG(patterns)),
				"patterns are relative to the source tree; a build that lacks an artifact is no success");
		event_warning(run->events, STR(""), "no file matches '%.*s'", STR_ARG(patterns));
	}
	if (store->count && cloud_is_url(line->destination)) {
		bool done = store_all_there(store);
		return os_cancel_raised(&run->cancel) ? interrupted(store) : done;
	}
	for (size_t i = 0; i < store->count; i++) {
		if (os_cancel_raised(&run->cancel))
			return interrupted(store);
		if (!store_here(store, store->deliveries[i]))
			return false;
	}
	return true;
}

static bool
artifact_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct store store = {.run = run,
		.line = &run->project->artifacts[action->index],
		.failure = failure,
		.mutex = PTHREAD_MUTEX_INITIALIZER};
	store.site = run->provider->site;
	store.targets = map_new(&store.arena);
	bool done = store_all(&store);
	if (store.misasked && action->span.source)
		run_place_failure(run, action, failure);
	arena_free(&store.arena);
	return done;
}

const struct action_type action_artifact = {
	.name = "artifact",
	.section = SECTION_ARTIFACTS,
	.run = artifact_run,
	.undo = artifact_undo,
};
