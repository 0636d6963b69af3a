/* artifact: one line of an artifacts block: what its patterns match is copied to its destination, read back and compared. */
#include "runtime/run.h"
#include "runtime/step.h"

#include "base/hash.h"

#include <string.h>

/* Where one file goes. */
struct delivery {
	struct str from; /* relative to the source tree */
	struct str to; /* as the user would write it: relative to the Edccfile's folder */
};

struct store {
	struct arena arena;
	struct run *run;
	const struct artifact_line *line;
	struct str root;
	struct delivery *deliveries;
	size_t count;
	struct map targets; /* to → from, as struct delivery * by index + 1 */
	struct failure *failure;
};

bool
artifact_check(const struct project *project, struct diags *diags)
{
	bool good = true;
	for (uint32_t i = 0; i < project->artifact_count; i++) {
		const struct artifact_line *line = &project->artifacts[i];
		if (!str_starts(line->destination, STR("s3://")))
			continue;
		struct diag *diag =
			diag_error(diags, line->span, "provider local cannot store to '%.*s'", STR_ARG(line->destination));
		diag_hint(diag, "name a folder here; a bucket takes 'provider aws'");
		good = false;
	}
	return good;
}

/* --- what goes where --- */

static bool
fail(struct store *store, struct str message, const char *hint)
{
	failure_set(store->failure, EXIT_STATUS_BUILD_FAILED, "%.*s", STR_ARG(message));
	failure_hint(store->failure, "%s", hint);
	return false;
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
		return fail(store,
			str_printf(arena, "two artifacts would be stored as '%.*s': '%.*s' and '%.*s'", STR_ARG(to), STR_ARG(other),
				STR_ARG(from)),
			"with ** in the pattern they keep their folders");
	}
	size_t n = store->count, size = sizeof *store->deliveries;
	if ((n & (n - 1)) == 0)
		store->deliveries = arena_grow(arena, store->deliveries, n * size, (n ? 2 * n : 1) * size);
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
	return line->patterns.n == 1 && !has_wildcard(line->patterns.w[0]) && !str_ends(line->destination, STR("/")) &&
	       !os_is_folder(absolute(store, store->root, line->patterns.w[0])) &&
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
	if (!has_wildcard(pattern) && os_is_folder(absolute(store, store->root, pattern))) {
		pattern = str_printf(arena, "%.*s/**", STR_ARG(pattern));
		depth = depth_before_stars(pattern) - 1;
	}
	if (!os_glob(arena, str_c(arena, store->root), pattern, &found, &error))
		return fail(store, error, "patterns are relative to the source tree");
	const char *slash = str_ends(destination, STR("/")) ? "" : "/";
	for (size_t i = 0; i < found.n; i++) {
		struct str from = found.w[i], name = without_folders(from, depth);
		if (os_is_folder(absolute(store, store->root, from)))
			continue;
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

/* Copies, reads back what is on disk, says so. */
static bool
store_one(struct store *store, struct delivery delivery)
{
	struct arena *arena = &store->arena;
	struct run *run = store->run;
	const char *from = absolute(store, store->root, delivery.from), *to = absolute(store, run->project->dir, delivery.to);
	const char *slash = strrchr(to, '/');
	struct str folder = {to, (size_t)(slash - to)}, error;
	char hex[HASH_HEX_LENGTH + 1], again[HASH_HEX_LENGTH + 1];
	struct stored stored = {.hex = hex};
	if ((folder.n && !os_make_folders(arena, str_c(arena, folder), false, &error)) ||
		!os_copy_atomic(arena, from, to, hex, &stored.size, &error) || !os_hash_file(arena, to, again, &error))
		return fail(store, str_printf(arena, "cannot store '%.*s': %.*s", STR_ARG(delivery.from), STR_ARG(error)),
			"the destination must be writable and have room; what was stored before is whole");
	if (strcmp(hex, again) != 0)
		return fail(store,
			str_printf(arena, "'%.*s' was not stored as it is: what was read back differs", STR_ARG(delivery.to)),
			"the disk, or somebody who writes there at the same time");
	if (!journal_write(run->journal, RECORD_ARTIFACT, delivery.to, false, fill_stored, &stored, &error)) {
		run_journal_failure(run, error, store->failure);
		return false;
	}
	event_emit(run->events,
		(struct event){.kind = EVENT_ARTIFACT, .name = delivery.to, .text = str_from(hex), .number = (int64_t)stored.size});
	return true;
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
			return fail(store, str_printf(&store->arena, "no file matches '%.*s'", STR_ARG(patterns)),
				"patterns are relative to the source tree; a success means that every artifact is stored");
		event_warning(run->events, STR(""), "no file matches '%.*s'", STR_ARG(patterns));
	}
	for (size_t i = 0; i < store->count; i++) {
		if (os_cancel_raised(&run->cancel)) {
			failure_set(store->failure, EXIT_STATUS_INTERRUPTED, "interrupted while artifacts were stored");
			return false;
		}
		if (!store_one(store, store->deliveries[i]))
			return false;
	}
	return true;
}

static bool
artifact_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct store store = {.run = run, .line = &run->project->artifacts[action->index], .failure = failure};
	store.root = source_root(&store.arena, run);
	store.targets = map_new(&store.arena);
	bool done = store_all(&store);
	arena_free(&store.arena);
	return done;
}

const struct action_type action_artifact = {
	.name = "artifact",
	.section = SECTION_ARTIFACTS,
	.run = artifact_run,
};
