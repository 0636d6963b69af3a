#include "base/arena.h"
#include "base/hash.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SIZE ((size_t)1 << 20)

/* Files the sentence "cannot VERB 'PATH': REASON" and returns false. */
static bool
fail(struct arena *arena, struct str *error, const char *verb, const char *path, const char *reason)
{
	*error = str_printf(arena, "cannot %s '%s': %s", verb, path, reason);
	return false;
}

static bool
fail_errno(struct arena *arena, struct str *error, const char *verb, const char *path)
{
	return fail(arena, error, verb, path, strerrordesc_np(errno));
}

/* What stands at the path instead of a regular file, or NULL. */
static const char *
not_regular(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "it is a folder";
	case S_IFIFO:
		return "it is a named pipe, not a file";
	case S_IFSOCK:
		return "it is a socket, not a file";
	default:
		return "it is a device, not a file";
	}
}

/* Opens a regular file for reading, never blocking on what is none; -1 on failure. */
static int
open_regular(struct arena *arena, const char *path, struct stat *status, struct str *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		int reason = errno;
		const char *what = NULL;
		/* A socket cannot be opened at all. */
		if (reason == ENXIO && stat(path, status) == 0)
			what = not_regular(status->st_mode);
		if (reason == ENOENT && lstat(path, status) == 0 && S_ISLNK(status->st_mode))
			what = "it is a link to what is not there";
		fail(arena, error, "read", path, what ? what : strerrordesc_np(reason));
		return -1;
	}
	if (fstat(fd, status) < 0) {
		fail_errno(arena, error, "read", path);
	} else if (not_regular(status->st_mode)) {
		fail(arena, error, "read", path, not_regular(status->st_mode));
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

/* read(2) past interruptions. */
static ssize_t
read_some(int fd, char *bytes, size_t size)
{
	ssize_t n;
	do
		n = read(fd, bytes, size);
	while (n < 0 && errno == EINTR);
	return n;
}

bool
os_write_all(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.s, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text = str_part(text, (size_t)n, text.n);
	}
	return true;
}

/* "1 MiB" where it is whole, else bytes. */
static struct str
size_text(struct arena *arena, size_t size)
{
	size_t mebibyte = (size_t)1 << 20;
	if (size && size % mebibyte == 0)
		return str_printf(arena, "%zu MiB", size / mebibyte);
	return str_printf(arena, "%zu bytes", size);
}

static bool
fail_size(struct arena *arena, const char *path, size_t limit, struct str *error)
{
	return fail(arena, error, "read", path, str_printf(arena, "it is larger than %s", size_text(arena, limit).s).s);
}

static bool
read_all(struct arena *arena, int fd, const char *path, size_t expected, size_t limit, struct str *text, struct str *error)
{
	if (expected > limit)
		return fail_size(arena, path, limit, error);
	size_t capacity = expected + 1, n = 0;
	char *bytes = arena_text(arena, capacity);
	for (;;) {
		/* One byte more than expected tells the end of the file, or that it is too large. */
		ssize_t got = read_some(fd, bytes + n, capacity - n);
		if (got < 0)
			return fail_errno(arena, error, "read", path);
		n += (size_t)got;
		if (n > limit)
			return fail_size(arena, path, limit, error);
		if (got == 0)
			break;
		if (n == capacity) {
			size_t larger = capacity * 2 < 4096 ? 4096 : capacity * 2;
			bytes = arena_grow(arena, bytes, capacity, larger);
			capacity = larger;
		}
	}
	*text = (struct str){bytes, n};
	return true;
}

bool
os_read(struct arena *arena, const char *path, size_t limit, struct str *text, struct str *error)
{
	struct stat status;
	int fd = open_regular(arena, path, &status, error);
	if (fd < 0)
		return false;
	bool done = read_all(arena, fd, path, (size_t)status.st_size, limit, text, error);
	close(fd);
	return done;
}

/* A file that is being written for its target. Where the file system can do that it has no name meanwhile: whoever is killed leaves nothing. */
struct draft {
	const char *target;
	char *path; /* beside the target; NULL: no name yet */
	int fd;
};

/* The folder part of a path, with its slash; empty where there is none. */
static struct str
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return (struct str){path, slash ? (size_t)(slash - path) + 1 : 0};
}

/* A name beside the target that nobody has. */
static char *
new_name(struct arena *arena, const char *target)
{
	uint64_t random;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = (uint64_t)os_now_ms() ^ (uint64_t)getpid() << 32;
	return (char *)str_printf(arena, "%.*s.new-%016llx", STR_ARG(folder_of(target)), (unsigned long long)random).s;
}

static bool
draft_open(struct arena *arena, struct draft *draft, const char *target, mode_t mode, struct str *error)
{
	struct stat status;
	if (lstat(target, &status) == 0 && !S_ISLNK(status.st_mode) && not_regular(status.st_mode))
		return fail(arena, error, "write", target, not_regular(status.st_mode));
	*draft = (struct draft){.target = target};
	struct str folder = folder_of(target);
	draft->fd = open(folder.n ? str_c(arena, folder) : ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
	while (draft->fd < 0) {
		draft->path = new_name(arena, target);
		draft->fd = open(draft->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (draft->fd < 0 && errno != EEXIST)
			return fail_errno(arena, error, "write", target);
	}
	return true;
}

/* Takes the draft away; errno stays. */
static void
draft_drop(struct draft *draft)
{
	int reason = errno;
	if (draft->fd >= 0)
		close(draft->fd);
	if (draft->path)
		unlink(draft->path);
	errno = reason;
}

/* Gives a draft without a name that of its target or, where that is taken, one beside it. */
static bool
draft_name(struct arena *arena, struct draft *draft)
{
	char self[64];
	const char *name = draft->target;
	snprintf(self, sizeof self, "/proc/self/fd/%d", draft->fd);
	while (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0) {
		if (errno != EEXIST)
			return false;
		name = draft->path = new_name(arena, draft->target);
	}
	return true;
}

/* Puts the draft in its target's place. */
static bool
draft_finish(struct arena *arena, struct draft *draft, struct str *error)
{
	bool done = fsync(draft->fd) == 0 && (draft->path || draft_name(arena, draft));
	if (close(draft->fd) < 0)
		done = false;
	draft->fd = -1;
	if (done && (!draft->path || rename(draft->path, draft->target) == 0))
		return true;
	draft_drop(draft);
	return fail_errno(arena, error, "write", draft->target);
}

bool
os_write_atomic(struct arena *arena, const char *path, struct str text, mode_t mode, struct str *error)
{
	struct draft draft;
	if (!draft_open(arena, &draft, path, mode, error))
		return false;
	if (os_write_all(draft.fd, text))
		return draft_finish(arena, &draft, error);
	draft_drop(&draft);
	return fail_errno(arena, error, "write", path);
}

/* Reads fd to its end, writing each block to `out` (where not -1) and hashing it (where hash is not NULL). What failed is in *verb and errno. */
static bool
pump(struct arena *arena, int fd, int out, struct hash *hash, uint64_t *size, const char **verb)
{
	struct arena_mark mark = arena_mark(arena);
	char *block = arena_text(arena, BLOCK_SIZE);
	ssize_t n;
	*size = 0;
	*verb = NULL;
	while ((n = read_some(fd, block, BLOCK_SIZE)) > 0) {
		struct str bytes = {block, (size_t)n};
		if (hash)
			hash_add(hash, bytes.s, bytes.n);
		*size += bytes.n;
		if (out >= 0 && !os_write_all(out, bytes)) {
			*verb = "write";
			break;
		}
	}
	if (n < 0)
		*verb = "read";
	int reason = errno;
	arena_reset(arena, mark);
	errno = reason;
	return !*verb;
}

/* pump, with the digest in hex (where not NULL) at the end. */
static bool
pump_hashed(struct arena *arena, int fd, int out, const char *from, const char *to, char *hex, uint64_t *size, struct str *error)
{
	struct hash *hash = hex ? hash_new() : NULL;
	if (hex && !hash)
		return fail(arena, error, "hash", from, "OpenSSL's libcrypto.so.3 is not installed");
	const char *verb;
	bool done = pump(arena, fd, out, hash, size, &verb);
	if (!done)
		fail_errno(arena, error, verb, *verb == 'w' ? to : from);
	if (hash)
		hash_end(hash, hex);
	return done;
}

bool
os_copy_atomic(struct arena *arena, const char *from, const char *to, char *hex, uint64_t *size, struct str *error)
{
	struct stat status;
	struct draft draft;
	uint64_t copied;
	int fd = open_regular(arena, from, &status, error);
	if (fd < 0)
		return false;
	bool done = draft_open(arena, &draft, to, 0600, error);
	if (done) {
		done = pump_hashed(arena, fd, draft.fd, from, to, hex, &copied, error);
		if (done && fchmod(draft.fd, status.st_mode & 0777) < 0)
			done = fail_errno(arena, error, "write", to);
		if (done)
			done = draft_finish(arena, &draft, error);
		else
			draft_drop(&draft);
	}
	close(fd);
	if (done && size)
		*size = copied;
	return done;
}

bool
os_pour_atomic(struct arena *arena, int fd, const char *to, mode_t mode, struct str sha256, struct str *error)
{
	struct draft draft;
	uint64_t size;
	char hex[HASH_HEX_LENGTH + 1] = "";
	if (!draft_open(arena, &draft, to, 0600, error))
		return false;
	bool done = pump_hashed(arena, fd, draft.fd, "what comes", to, hex, &size, error);
	if (done && !str_is(sha256, hex))
		done = fail(arena, error, "write", to, "what came is not what was to come");
	if (done && fchmod(draft.fd, mode) < 0)
		done = fail_errno(arena, error, "write", to);
	if (done)
		return draft_finish(arena, &draft, error);
	draft_drop(&draft);
	return false;
}

bool
os_hash_file(struct arena *arena, const char *path, char *hex, struct str *error)
{
	struct stat status;
	uint64_t size;
	int fd = open_regular(arena, path, &status, error);
	if (fd < 0)
		return false;
	bool done = pump_hashed(arena, fd, -1, path, NULL, hex, &size, error);
	close(fd);
	return done;
}

bool
os_is_file(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

bool
os_is_folder(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool
os_make_folders(struct arena *arena, const char *path, bool private_to_user, struct str *error)
{
	char *part = str_c(arena, str_from(path));
	mode_t mode = private_to_user ? 0700 : 0777;
	if (!*path)
		return fail(arena, error, "create the folder", path, "it has no name");
	for (char *end = part + 1;; end++) {
		char c = *end;
		if (c != '/' && c != 0)
			continue;
		*end = 0;
		int reason = mkdir(part, mode) < 0 ? errno : 0;
		if (reason && !os_is_folder(part))
			return fail(arena, error, "create the folder", part,
				reason == EEXIST ? "something else has its name" : strerrordesc_np(reason));
		if (c == 0)
			return true;
		*end = c;
	}
}
