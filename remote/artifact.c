/* Files of the HOST's tree, as artifacts see them. */
#include "remote/call.h"

#include "base/hash.h"

#include <signal.h>
#include <string.h>

/* All paths of a large tree. */
#define LIST_LIMIT ((size_t)256 << 20)

/* --- which files there are --- */

struct listing {
	struct remote *remote;
	struct arena *arena;
};

/* "SIZE PATH\0…" */
static bool
list_there(void *context, struct str prefix, struct words *all, struct str *error)
{
	const struct listing *listing = context;
	struct failure failure = {.arena = listing->arena};
	struct remote_call call = {
		.words = (const char *const[]){"list", str_c(listing->arena, prefix), NULL}, .limit = LIST_LIMIT};
	struct str text, entry;
	if (!remote_make_call(listing->remote, listing->arena, &call, &text, &failure)) {
		*error = failure.message;
		return false;
	}
	while (text.n && str_split(&text, 0, &entry))
		words_add(listing->arena, all, str_part(entry, str_find(entry, ' ') + 1, entry.n));
	return true;
}

bool
remote_glob(struct run *run, struct arena *arena, struct str pattern, struct words *found, struct str *error)
{
	struct listing listing = {remote_of(run), arena};
	return os_glob_listed(arena, pattern, list_there, &listing, found, error);
}

bool
remote_is_folder(struct run *run, struct arena *arena, struct str path)
{
	struct failure failure = {.arena = arena};
	struct str found = {NULL, 0}, input = str_printf(arena, "%.*s/", STR_ARG(path));
	input.n++;
	return remote_ask(remote_of(run), arena, (const char *const[]){"exists", ".", NULL}, input, &found, &failure) && found.n;
}

/* --- one file --- */

bool
remote_next_file(struct str *list, struct remote_file *file)
{
	struct str entry, size, mode;
	if (!list->n || !str_split(list, 0, &entry) || !str_split(&entry, ' ', &file->sha256) || !str_split(&entry, ' ', &size) ||
		!str_split(&entry, ' ', &mode) || file->sha256.n != HASH_HEX_LENGTH || !str_integer(size, &file->size))
		return false;
	file->mode = 0;
	for (size_t i = 0; i < mode.n; i++)
		file->mode = file->mode << 3 | (mode_t)(mode.s[i] & 7);
	file->path = entry;
	return true;
}

bool
remote_look_at_file(struct remote *remote, struct arena *arena, struct str path, struct remote_file *file, struct failure *failure)
{
	struct str input = {str_c(arena, path), path.n + 1}, list;
	if (!remote_ask(remote, arena, (const char *const[]){"digest", NULL}, input, &list, failure))
		return false;
	if (remote_next_file(&list, file))
		return true;
	failure_set(failure, EXIT_STATUS_BUILD_FAILED, "cannot read '%.*s' on the HOST: it is no file", STR_ARG(path));
	return false;
}

/* Once, over one connection; *lost where another may do better. */
static bool
pour(struct remote *remote, struct arena *arena, const struct remote_file *file, const char *to, bool *lost, struct str *error)
{
	struct os_process process;
	const char *const words[] = {"cat", str_c(arena, file->path), NULL};
	*lost = !remote_start(remote, arena, words, (struct str){NULL, 0}, false, &process, error);
	if (*lost)
		return false;
	bool done = os_pour_atomic(arena, process.out, to, file->mode & 0777, file->sha256, error);
	if (!done)
		kill(process.pid, SIGTERM);
	*lost = os_wait(&process) == 255;
	return done;
}

bool
remote_copy(struct run *run, struct arena *arena, struct str from, const char *to, char *hex, uint64_t *size, struct str *error)
{
	struct remote *remote = remote_of(run);
	struct failure failure = {.arena = arena};
	struct remote_file file;
	if (!remote_look_at_file(remote, arena, from, &file, &failure)) {
		*error = failure.message;
		return false;
	}
	memcpy(hex, file.sha256.s, HASH_HEX_LENGTH);
	hex[HASH_HEX_LENGTH] = 0;
	*size = (uint64_t)file.size;
	for (int64_t until = os_now_ms() + REMOTE_AWAY_MS;;) {
		bool lost;
		if (pour(remote, arena, &file, to, &lost, error))
			return true;
		if (!lost || os_now_ms() >= until || !remote_pause(remote))
			return false;
	}
}
