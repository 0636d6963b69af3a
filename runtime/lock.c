/* The lock: flock for those on this machine, and the owner's name in the file for those on others that share the folder, and for people. */
#include "runtime/journal.h"
#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_SIZE_LIMIT 4096
/* How long what an owner that was killed had just begun to start may hold the lock: until it is another program. */
#define HEIR_MS 2000
#define HEIR_LOOK_MS 10

struct lock_text {
	struct os_owner owner; /* pid 0: nobody */
	struct str since;
};

static struct lock_text
read_owner(struct arena *arena, int fd)
{
	struct lock_text text = {0};
	struct str problem, host;
	char *bytes = arena_text(arena, LOCK_SIZE_LIMIT);
	ssize_t n = pread(fd, bytes, LOCK_SIZE_LIMIT, 0);
	const struct json *json = n > 0 ? json_read(arena, (struct str){bytes, (size_t)n}, &problem) : NULL;
	host = json_text(json, "host", (struct str){0});
	snprintf(text.owner.host, sizeof text.owner.host, "%.*s", STR_ARG(host));
	text.owner.pid = (pid_t)json_integer(json, "pid", 0);
	text.owner.start = (uint64_t)json_integer(json, "start", 0);
	text.since = json_text(json, "since", STR("an unknown time"));
	return text;
}

static void
write_owner(struct arena *arena, int fd)
{
	struct os_owner self;
	char since[25];
	os_owner_self(&self);
	os_timestamp(os_time_ms(), since);
	struct json_writer *writer = json_writer_new(arena, false);
	json_open_object(writer, NULL);
	json_put_text(writer, "host", str_from(self.host));
	json_put_integer(writer, "pid", self.pid);
	json_put_integer(writer, "start", (int64_t)self.start);
	json_put_text(writer, "since", str_from(since));
	json_close(writer);
	struct str text = json_writer_text(writer);
	if (pwrite(fd, text.s, text.n, 0) != (ssize_t)text.n || ftruncate(fd, (off_t)text.n) < 0)
		(void)!ftruncate(fd, 0);
}

/* The file that `fd` has open is still the one at `path`: its last owner may have removed it while we waited to open it. */
static bool
is_current(int fd, const char *path)
{
	struct stat open_one, named;
	return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_ino == named.st_ino &&
	       open_one.st_dev == named.st_dev;
}

/* Opens and locks the file. False with errno; where another process of this machine holds it that is EWOULDBLOCK, and *fd is open. */
static bool
open_locked(const char *path, int *fd)
{
	for (;;) {
		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (*fd < 0)
			return false;
		if (flock(*fd, LOCK_EX | LOCK_NB) < 0)
			return false;
		if (is_current(*fd, path))
			return true;
		close(*fd);
	}
}

static struct str
owner_text(struct arena *arena, const struct lock_text *text)
{
	return str_printf(arena, "process %ld on %s, since %.*s", (long)text->owner.pid, text->owner.host, STR_ARG(text->since));
}

/* Held on another machine, where flock does not reach from here. */
static bool
is_elsewhere(const struct lock_text *text)
{
	struct os_owner self;
	os_owner_self(&self);
	return text->owner.pid && strcmp(text->owner.host, self.host) != 0;
}

/* Whoever has this file locked is no longer its owner, but a child of that which will let go of it. */
static bool
is_heir(struct arena *arena, int fd)
{
	struct lock_text text = read_owner(arena, fd);
	return text.owner.pid && !os_owner_alive(&text.owner);
}

static bool
refuse(struct arena *arena, struct lock *lock, const char *path, int fd, int reason, struct str *error)
{
	lock->held = fd >= 0 && reason == EWOULDBLOCK;
	if (lock->held) {
		struct lock_text text = read_owner(arena, fd);
		*error = str_printf(arena, "another run is going on: '%s' is held by %.*s%s", path,
			STR_ARG(owner_text(arena, &text)),
			is_elsewhere(&text) ? " (where that machine is gone, remove the file)" : "");
	} else {
		*error = str_printf(arena, "cannot take the lock '%s': %s", path, strerrordesc_np(reason));
	}
	if (fd >= 0)
		close(fd);
	return false;
}

bool
lock_take(struct arena *arena, const char *state, struct lock *lock, struct str *taken_from, struct str *error)
{
	int fd;
	*lock = (struct lock){.fd = -1};
	*taken_from = (struct str){0};
	if (!os_make_folders(arena, state, true, error))
		return false;
	/* On a full disk the lock holds all the same, so that destroy works there; a run then fails at its journal. */
	struct str unwritten;
	char *ignore = str_c(arena, str_printf(arena, "%s/.gitignore", state));
	if (!os_is_file(ignore))
		os_write_atomic(arena, ignore, STR("*\n"), 0644, &unwritten);
	char *path = str_c(arena, str_printf(arena, "%s/lock", state));
	for (int64_t until = os_now_ms() + HEIR_MS; !open_locked(path, &fd);) {
		int reason = errno;
		if (fd < 0 || reason != EWOULDBLOCK || os_now_ms() >= until || !is_heir(arena, fd))
			return refuse(arena, lock, path, fd, reason, error);
		close(fd);
		poll(NULL, 0, HEIR_LOOK_MS);
	}
	struct lock_text before = read_owner(arena, fd);
	if (is_elsewhere(&before))
		return refuse(arena, lock, path, fd, EWOULDBLOCK, error);
	if (before.owner.pid)
		*taken_from = owner_text(arena, &before);
	write_owner(arena, fd);
	*lock = (struct lock){.fd = fd, .path = path};
	return true;
}

void
lock_release(struct lock *lock)
{
	if (lock->fd < 0)
		return;
	unlink(lock->path);
	close(lock->fd);
	lock->fd = -1;
}
