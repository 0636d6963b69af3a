/* The source tree to the HOST: only what is not there as it is here, in one tar. What was sent is kept there in a list of its own, so that what is gone here
 * is told from what a build has made. */
#include "remote/tree.h"
#include "remote/call.h"

#include "base/hash.h"
#include "runtime/step.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The list: "PATH\0TARGET\0" for each file; TARGET is where a link leads, empty for what is none. */
#define SENT_FOLDER ".edcc"
#define SENT_NAME "sent"
#define SENT SENT_FOLDER "/" SENT_NAME
#define LIST_LIMIT ((size_t)256 << 20)
/* tar's status where a file has changed while it was read: what came of it is held against it the next time. */
#define TAR_CHANGED 1
#define TAR_WORDS ((size_t)4096)

struct entry {
	struct str path, target;
	mode_t mode;
	int64_t size;
};

struct tree {
	struct arena arena;
	struct run *run;
	struct remote *remote;
	struct failure *failure;
	struct str root;
	struct entry *entries; /* as it is here */
	size_t count;
	struct map places; /* path → struct entry * */
	bool had; /* it was sent before */
	struct str sent; /* the list as it is there */
	struct buf list; /* and as it is to be */
	struct buf changed; /* paths, each with a NUL: what is to be sent */
	struct buf gone; /* the same: what is to be removed */
	size_t changed_count, gone_count;
	int64_t bytes;
	struct os_process tar;
	int tar_says;
};

/* --- what is here --- */

/* False where it is neither file nor link, or has gone. */
static bool
look_at(struct tree *tree, struct str path, struct entry *entry)
{
	struct stat status;
	const char *place = str_printf(&tree->arena, "%.*s/%.*s", STR_ARG(tree->root), STR_ARG(path)).s;
	if (lstat(place, &status) < 0 || !(S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)))
		return false;
	*entry = (struct entry){.path = path, .mode = status.st_mode & 0777, .size = status.st_size};
	if (!S_ISLNK(status.st_mode))
		return true;
	char *target = arena_text(&tree->arena, PATH_MAX);
	ssize_t n = readlink(place, target, PATH_MAX);
	entry->target = (struct str){target, n > 0 ? (size_t)n : 0};
	return n > 0;
}

static bool
look_here(struct tree *tree)
{
	struct words paths = {NULL, 0};
	if (!tree_list(tree->run, &tree->arena, &paths, tree->failure))
		return false;
	tree->entries = arena_array(&tree->arena, struct entry, paths.n);
	map_reserve(&tree->places, (uint32_t)paths.n);
	for (size_t i = 0; i < paths.n; i++) {
		struct entry *entry = &tree->entries[tree->count];
		/* git names a file in a conflict once for each side. */
		if (map_get(&tree->places, paths.w[i]) || !look_at(tree, paths.w[i], entry))
			continue;
		*map_at(&tree->places, paths.w[i]) = entry;
		tree->count++;
		buf_add(&tree->list, entry->path);
		buf_add_byte(&tree->list, 0);
		buf_add(&tree->list, entry->target);
		buf_add_byte(&tree->list, 0);
	}
	return true;
}

/* --- what is there --- */

static bool
ask(struct tree *tree, const char *const *words, struct str input, struct str *output)
{
	struct remote_call call = {.words = words, .input = input, .limit = LIST_LIMIT};
	return remote_make_call(tree->remote, &tree->arena, &call, output, tree->failure);
}

static bool
get_list(struct tree *tree)
{
	struct str found;
	if (!ask(tree, (const char *const[]){"exists", ".", NULL}, (struct str){SENT, sizeof SENT}, &found))
		return false;
	tree->had = found.n > 0;
	return !tree->had || ask(tree, (const char *const[]){"cat", SENT, NULL}, (struct str){NULL, 0}, &tree->sent);
}

static void
add_path(struct buf *paths, struct str path)
{
	buf_add(paths, path);
	buf_add_byte(paths, 0);
}

/* Takes the list apart: what is gone is noted, links that are as they were get into the map. */
static void
read_list(struct tree *tree, struct map *same)
{
	struct str rest = tree->sent, path, target;
	while (rest.n && str_split(&rest, 0, &path) && str_split(&rest, 0, &target)) {
		struct entry *entry = map_get(&tree->places, path);
		if (!entry) {
			add_path(&tree->gone, path);
			tree->gone_count++;
		} else if (target.n && str_eq(target, entry->target)) {
			*map_at(same, path) = entry;
		}
	}
}

static bool
is_same(struct tree *tree, const struct entry *entry, const struct remote_file *file)
{
	char hex[HASH_HEX_LENGTH + 1];
	struct str error;
	struct arena_mark mark = arena_mark(&tree->arena);
	const char *place = str_printf(&tree->arena, "%.*s/%.*s", STR_ARG(tree->root), STR_ARG(entry->path)).s;
	bool same = !entry->target.n && entry->size == file->size && entry->mode == (file->mode & 0777) &&
		    os_hash_file(&tree->arena, place, hex, &error) && str_is(file->sha256, hex);
	arena_reset(&tree->arena, mark);
	return same;
}

/* Files are held against what is there now: a build may have changed them. */
static bool
compare_files(struct tree *tree, struct map *same)
{
	struct buf paths = buf_new(&tree->arena);
	struct remote_file file;
	struct str output;
	for (size_t i = 0; i < tree->count; i++)
		if (!tree->entries[i].target.n)
			add_path(&paths, tree->entries[i].path);
	if (!ask(tree, (const char *const[]){"digest", NULL}, buf_str(&paths), &output))
		return false;
	while (remote_next_file(&output, &file)) {
		struct entry *entry = map_get(&tree->places, file.path);
		if (entry && is_same(tree, entry, &file))
			*map_at(same, file.path) = entry;
	}
	return true;
}

static bool
compare(struct tree *tree)
{
	struct map same = map_new(&tree->arena);
	if (!get_list(tree))
		return false;
	read_list(tree, &same);
	if (tree->had && !compare_files(tree, &same))
		return false;
	for (size_t i = 0; i < tree->count; i++) {
		if (map_get(&same, tree->entries[i].path))
			continue;
		add_path(&tree->changed, tree->entries[i].path);
		tree->changed_count++;
		tree->bytes += tree->entries[i].size;
	}
	return true;
}

/* --- sending --- */

/* The list comes last: what it names is there. */
static int
open_tar(void *context, struct str *error)
{
	struct tree *tree = context;
	struct str beside = str_printf(&tree->arena, "--directory=%.*s/tree", STR_ARG(tree->run->folder));
	const char *const argv[] = {"tar", "--create", "--gzip", "--format=posix", "--pax-option=delete=atime,delete=ctime",
		"--owner=0", "--group=0", "--numeric-owner", "--hard-dereference", "--no-recursion", "--null",
		"--verbatim-files-from", "--files-from=-", beside.s, SENT, NULL};
	struct os_spawn spawn = {
		.argv = (char *const *)(uintptr_t)argv,
		.env = (char *const *)tree->run->environment,
		.dir = tree->root.s,
		.input_fd = os_text_fd(buf_str(&tree->changed)),
		.capture = true,
		.output_only = true,
		.error_fd = os_text_fd(STR("")),
		.own_group = true,
	};
	tree->tar_says = spawn.error_fd;
	if (spawn.input_fd < 0 || spawn.error_fd < 0) {
		*error = str_printf(&tree->arena, "cannot keep what is to be sent: %s", strerrordesc_np(errno));
		return -1;
	}
	if (!os_start(&tree->arena, &spawn, &tree->tar, error)) {
		close(tree->tar_says);
		return -1;
	}
	int out = tree->tar.out;
	tree->tar.out = -1;
	return out;
}

static bool
close_tar(void *context, struct str *error)
{
	struct tree *tree = context;
	int status = os_wait(&tree->tar);
	char *says = arena_text(&tree->arena, TAR_WORDS);
	ssize_t n = pread(tree->tar_says, says, TAR_WORDS, 0);
	struct str words = str_trim((struct str){says, n > 0 ? (size_t)n : 0});
	close(tree->tar_says);
	*error = words.n ? str_part(words, 0, str_find(words, '\n')) : str_printf(&tree->arena, "tar ended with status %d", status);
	return status == 0 || status == TAR_CHANGED;
}

static bool
write_list(struct tree *tree)
{
	struct str error;
	const char *folder = str_printf(&tree->arena, "%.*s/tree/" SENT_FOLDER, STR_ARG(tree->run->folder)).s;
	const char *path = str_printf(&tree->arena, "%s/" SENT_NAME, folder).s;
	if (os_make_folders(&tree->arena, folder, true, &error) &&
		os_write_atomic(&tree->arena, path, buf_str(&tree->list), 0600, &error))
		return true;
	failure_set(tree->failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return false;
}

/* What is gone goes first: a folder may come in the place of a file. */
static bool
send_changes(struct tree *tree)
{
	struct str ignored;
	struct remote_input input = {tree, open_tar, close_tar};
	struct remote_call receive = {.words = (const char *const[]){"receive", NULL}, .made = &input};
	if (tree->gone_count && !ask(tree, (const char *const[]){"remove", NULL}, buf_str(&tree->gone), &ignored))
		return false;
	return write_list(tree) && remote_make_call(tree->remote, &tree->arena, &receive, NULL, tree->failure);
}

static bool
send_tree(struct tree *tree)
{
	if (!look_here(tree) || !compare(tree))
		return false;
	bool unchanged = tree->had && str_eq(tree->sent, buf_str(&tree->list)) && !tree->changed_count;
	if (!unchanged && !send_changes(tree))
		return false;
	event_note(tree->run->events, "source tree: %zu of %zu files (%lld bytes) sent to the HOST, %zu removed there",
		tree->changed_count, tree->count, (long long)tree->bytes, tree->gone_count);
	return true;
}

static bool
tree_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct tree tree = {.run = run, .remote = remote_of(run), .failure = failure, .tar = {-1, -1}};
	(void)action;
	tree.root = source_root(&tree.arena, run);
	tree.root = str_from(str_c(&tree.arena, tree.root));
	tree.places = map_new(&tree.arena);
	tree.list = buf_new(&tree.arena);
	tree.changed = buf_new(&tree.arena);
	tree.gone = buf_new(&tree.arena);
	bool done = send_tree(&tree);
	arena_free(&tree.arena);
	return done;
}

const struct action_type action_tree = {.name = "tree", .section = SECTION_SETUP, .run = tree_run};
