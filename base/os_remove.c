#include "base/arena.h"
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
fail(struct arena *arena, struct str *error, const char *path, const char *reason)
{
	*error = str_printf(arena, "cannot remove '%s': %s", path, reason);
	return false;
}

/* Opens the folder `name` in `parent`, making it ours to read and empty where its permissions forbid; -1 on failure. */
static int
open_folder(int parent, const char *name)
{
	int handle = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (handle < 0)
		return -1;
	struct stat status;
	if (fstat(handle, &status) == 0 && (status.st_mode & 0700) != 0700) {
		/* By way of /proc, as fchmod(2) does not take a handle of O_PATH and the name may have become a link. */
		char self[64];
		snprintf(self, sizeof self, "/proc/self/fd/%d", handle);
		(void)chmod(self, status.st_mode | 0700);
	}
	int fd = openat(handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int reason = errno;
	close(handle);
	errno = reason;
	return fd;
}

static bool remove_entry(struct arena *, int parent, const char *name, const char *path, struct str *error);

/* Removes all that is in the folder; takes fd. */
static bool
empty_folder(struct arena *arena, int fd, const char *path, struct str *error)
{
	DIR *folder = fdopendir(fd);
	if (!folder) {
		fail(arena, error, path, strerrordesc_np(errno));
		close(fd);
		return false;
	}
	bool done = true;
	struct dirent *entry;
	while (errno = 0, done && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		struct arena_mark mark = arena_mark(arena);
		const char *inner = str_printf(arena, "%s/%s", path, entry->d_name).s;
		done = remove_entry(arena, fd, entry->d_name, inner, error);
		if (done)
			arena_reset(arena, mark);
	}
	if (done && errno)
		done = fail(arena, error, path, strerrordesc_np(errno));
	closedir(folder);
	return done;
}

static bool
remove_entry(struct arena *arena, int parent, const char *name, const char *path, struct str *error)
{
	struct stat status;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || fail(arena, error, path, strerrordesc_np(errno));
	int flags = 0;
	if (S_ISDIR(status.st_mode)) {
		int fd = open_folder(parent, name);
		if (fd < 0)
			return fail(arena, error, path, strerrordesc_np(errno));
		if (!empty_folder(arena, fd, path, error))
			return false;
		flags = AT_REMOVEDIR;
	}
	return unlinkat(parent, name, flags) == 0 || errno == ENOENT || fail(arena, error, path, strerrordesc_np(errno));
}

bool
os_remove_tree(struct arena *arena, const char *path, struct str *error)
{
	struct str text = str_from(path);
	while (text.n > 1 && str_ends(text, STR("/")))
		text.n--;
	struct str name = text;
	while (str_find(name, '/') < name.n)
		name = str_part(name, str_find(name, '/') + 1, name.n);
	if (name.n == 0 || str_is(name, ".") || str_is(name, ".."))
		return fail(arena, error, path, "it is no folder of its own");
	const char *whole = str_c(arena, text);
	return remove_entry(arena, AT_FDCWD, whole, whole, error);
}
