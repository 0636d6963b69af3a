#include "base/arena.h"
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A walk: the pattern's parts between slashes, and what was found. */
struct walk {
	struct arena *arena; /* for what is found and the error */
	struct arena scratch;
	struct str base;
	const char **parts;
	size_t part_count;
	bool only_folders; /* the pattern ends with a slash */
	struct words found;
	struct str *error;
};

/* The path from where the process stands: `path` is relative to the base unless it is absolute. */
static const char *
place_of(struct walk *walk, struct str path)
{
	if (str_starts(path, STR("/")) || walk->base.n == 0)
		return path.n ? str_c(&walk->scratch, path) : ".";
	return str_printf(&walk->scratch, "%.*s/%.*s", STR_ARG(walk->base), STR_ARG(path)).s;
}

static void
add_found(struct walk *walk, struct str path)
{
	if (!walk->only_folders || os_is_folder(place_of(walk, path)))
		words_add(&walk->scratch, &walk->found, str_dup(walk->arena, path));
}

struct name {
	struct name *next;
	struct str text;
	bool is_folder; /* itself, not by way of a link */
};

static struct name *
name_new(struct walk *walk, DIR *folder, const struct dirent *entry, struct name *next)
{
	struct stat status;
	struct name *name = arena_new(&walk->scratch, struct name);
	*name = (struct name){next, str_dup(&walk->scratch, str_from(entry->d_name)), entry->d_type == DT_DIR};
	if (entry->d_type == DT_UNKNOWN && fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		name->is_folder = S_ISDIR(status.st_mode);
	return name;
}

/* The names in a folder that match. A folder that is not there has none; one that cannot be read is an error. */
static bool
names_in(struct walk *walk, struct str path, const char *pattern, struct name **names)
{
	const char *place = place_of(walk, path);
	DIR *folder = opendir(place);
	int reason = folder ? 0 : errno;
	*names = NULL;
	if (reason == ENOENT || reason == ENOTDIR || reason == ELOOP)
		return true;
	if (folder) {
		struct dirent *entry;
		while (errno = 0, entry = readdir(folder))
			if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0)
				*names = name_new(walk, folder, entry, *names);
		reason = errno;
		closedir(folder);
	}
	if (reason)
		*walk->error = str_printf(walk->arena, "cannot read the folder '%s': %s", place, strerrordesc_np(reason));
	return reason == 0;
}

static bool
has_meta(const char *part)
{
	return strpbrk(part, "*?[\\") != NULL;
}

/* Walks on from `path` (empty, or with a slash at its end) with the part `index`. */
static bool
walk_part(struct walk *walk, struct str path, size_t index)
{
	const char *part = walk->parts[index];
	bool last = index + 1 == walk->part_count, any_depth = strcmp(part, "**") == 0;
	if (!has_meta(part)) {
		struct stat status;
		struct str inner = str_printf(&walk->scratch, "%.*s%s", STR_ARG(path), part);
		if (!last)
			return walk_part(walk, str_printf(&walk->scratch, "%s/", inner.s), index + 1);
		if (fstatat(AT_FDCWD, place_of(walk, inner), &status, AT_SYMLINK_NOFOLLOW) == 0)
			add_found(walk, inner);
		return true;
	}
	struct name *name;
	if (any_depth && !walk_part(walk, path, index + 1))
		return false;
	if (!names_in(walk, path, any_depth ? "*" : part, &name))
		return false;
	for (; name; name = name->next) {
		struct str inner = str_printf(&walk->scratch, "%.*s%.*s", STR_ARG(path), STR_ARG(name->text));
		struct str folder = str_printf(&walk->scratch, "%s/", inner.s);
		if (any_depth ? name->is_folder && !walk_part(walk, folder, index) : !last && !walk_part(walk, folder, index + 1))
			return false;
		if (last)
			add_found(walk, inner);
	}
	return true;
}

/* True where each [ of the part has its ]. */
static bool
brackets_closed(const char *part)
{
	for (; *part; part++) {
		if (*part == '\\' && part[1]) {
			part++;
		} else if (*part == '[') {
			part += part[1] == '!' || part[1] == '^' ? 2 : 1;
			/* A ] that comes first stands for itself. */
			part = *part ? strchr(part + 1, ']') : NULL;
			if (!part)
				return false;
		}
	}
	return true;
}

static bool
fail_pattern(struct walk *walk, struct str pattern, const char *reason)
{
	*walk->error = str_printf(walk->arena, "cannot read the pattern '%.*s': %s", STR_ARG(pattern), reason);
	return false;
}

static bool
split_pattern(struct walk *walk, struct str pattern)
{
	struct str rest = pattern, piece;
	if (pattern.n == 0 || str_find(pattern, 0) < pattern.n)
		return fail_pattern(walk, pattern, pattern.n ? "it has a NUL byte" : "it is empty");
	walk->parts = arena_array(&walk->scratch, const char *, pattern.n + 2);
	walk->only_folders = str_ends(pattern, STR("/"));
	while (str_split(&rest, '/', &piece)) {
		const char *before = walk->part_count ? walk->parts[walk->part_count - 1] : "";
		if (piece.n == 0 || (str_is(piece, "**") && strcmp(before, "**") == 0))
			continue;
		walk->parts[walk->part_count++] = str_c(&walk->scratch, piece);
		if (!brackets_closed(walk->parts[walk->part_count - 1]))
			return fail_pattern(walk, pattern, "a '[' has no ']'");
	}
	if (walk->part_count == 0)
		return fail_pattern(walk, pattern, "it names no file");
	/* At the end, any number of folders and a name in the last. */
	if (strcmp(walk->parts[walk->part_count - 1], "**") == 0)
		walk->parts[walk->part_count++] = "*";
	return true;
}

static int
compare(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* What was found, sorted; two ways through ** may lead to one path. */
static struct words
sort_found(struct arena *arena, struct words all)
{
	struct words found = {arena_array(arena, struct str, all.n), 0};
	if (all.n)
		qsort(all.w, all.n, sizeof *all.w, compare);
	for (size_t i = 0; i < all.n; i++)
		if (i == 0 || !str_eq(all.w[i], all.w[i - 1]))
			found.w[found.n++] = all.w[i];
	return found;
}

bool
os_glob(struct arena *arena, const char *base, struct str pattern, struct words *found, struct str *error)
{
	struct walk walk = {.arena = arena, .base = str_from(base), .error = error};
	struct str root = str_starts(pattern, STR("/")) ? STR("/") : STR("");
	bool done = split_pattern(&walk, pattern) && walk_part(&walk, root, 0);
	if (done)
		*found = sort_found(arena, walk.found);
	arena_free(&walk.scratch);
	return done;
}

/* --- without a file system --- */

/* Whether the names of a path are what the parts from `index` on ask for. */
static bool
names_fit(const struct walk *walk, size_t index, const char *const *names, size_t count)
{
	for (; index < walk->part_count; index++, names++, count--) {
		const char *part = walk->parts[index];
		if (strcmp(part, "**") == 0) {
			while (!names_fit(walk, index + 1, names, count)) {
				if (count == 0 || **names == '.')
					return false;
				names++;
				count--;
			}
			return true;
		}
		if (count == 0 || (has_meta(part) ? fnmatch(part, *names, FNM_PERIOD) : strcmp(part, *names)) != 0)
			return false;
	}
	return count == 0;
}

static bool
path_fits(struct walk *walk, struct str path)
{
	struct arena_mark mark = arena_mark(&walk->scratch);
	const char **names = arena_array(&walk->scratch, const char *, path.n + 1);
	size_t count = 0;
	struct str piece;
	while (str_split(&path, '/', &piece))
		if (piece.n)
			names[count++] = str_c(&walk->scratch, piece);
	bool fits = names_fit(walk, 0, names, count);
	arena_reset(&walk->scratch, mark);
	return fits;
}

/* The parts in front that have no wildcard. */
static struct str
plain_prefix(struct walk *walk, struct str root)
{
	struct buf prefix = buf_new(walk->arena);
	buf_add(&prefix, root);
	for (size_t i = 0; i < walk->part_count && !has_meta(walk->parts[i]); i++)
		buf_printf(&prefix, "%s%s", i ? "/" : "", walk->parts[i]);
	return buf_str(&prefix);
}

bool
os_glob_listed(struct arena *arena, struct str pattern,
	bool (*list)(void *context, struct str prefix, struct words *all, struct str *error), void *context, struct words *found,
	struct str *error)
{
	struct walk walk = {.arena = arena, .error = error};
	struct str root = str_starts(pattern, STR("/")) ? STR("/") : STR("");
	struct words all = {NULL, 0};
	bool done = split_pattern(&walk, pattern) && list(context, plain_prefix(&walk, root), &all, error);
	for (size_t i = 0; done && i < all.n && !walk.only_folders; i++)
		if (path_fits(&walk, all.w[i]))
			words_add(arena, &walk.found, all.w[i]);
	if (done)
		*found = sort_found(arena, walk.found);
	arena_free(&walk.scratch);
	return done;
}
