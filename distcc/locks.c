#include "distcc/locks.h"

#include "base/arena.h"
#include "distcc/host_syntax.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* cpu_tcp_HOST_PORT_SLOT, cpu_ssh_HOST_SLOT, cpu_localhost_SLOT; backoff_… likewise. */
struct lock_name {
	bool backoff;
	struct str host;
	int64_t port, slot;
};

/* Cuts "_NUMBER" off the end; what stands before the number is `mark`. */
static bool
cut_number(struct str *text, char mark, int64_t *number)
{
	const char *bar = text->n ? memrchr(text->s, mark, text->n) : NULL;
	if (!bar || !str_integer(str_part(*text, (size_t)(bar + 1 - text->s), text->n), number))
		return false;
	*text = str_part(*text, 0, (size_t)(bar - text->s));
	return true;
}

static bool
cut_front(struct str *text, struct str front)
{
	if (!str_starts(*text, front))
		return false;
	*text = str_part(*text, front.n, text->n);
	return true;
}

static bool
read_name(struct str text, struct lock_name *name)
{
	name->port = 0;
	name->backoff = cut_front(&text, STR("backoff_"));
	if ((!name->backoff && !cut_front(&text, STR("cpu_"))) || !cut_number(&text, '_', &name->slot))
		return false;
	if (cut_front(&text, STR("tcp_"))) {
		if (!cut_number(&text, '_', &name->port))
			return false;
	} else {
		cut_front(&text, STR("ssh_"));
	}
	name->host = text;
	return text.n > 0;
}

static int64_t
milliseconds(const struct stat *status)
{
	return (int64_t)status->st_mtim.tv_sec * 1000 + status->st_mtim.tv_nsec / 1000000;
}

static struct distcc_locks *
locks_of(struct distcc_locks *locks, size_t *count, size_t limit, const struct lock_name *name)
{
	for (size_t i = 0; i < *count; i++)
		if (str_is(name->host, locks[i].host) && locks[i].port == name->port)
			return &locks[i];
	if (*count == limit || name->host.n >= sizeof locks->host)
		return NULL;
	struct distcc_locks *new = &locks[(*count)++];
	*new = (struct distcc_locks){.port = name->port};
	memcpy(new->host, name->host.s, name->host.n);
	return new;
}

size_t
distcc_locks_now(const char *distcc_dir, struct distcc_locks *locks, size_t limit)
{
	struct arena arena = {NULL};
	size_t count = 0;
	struct dirent *entry;
	DIR *dir = opendir(str_printf(&arena, "%s/lock", distcc_dir).s);
	while (dir && (entry = readdir(dir))) {
		struct lock_name name;
		struct stat status;
		struct distcc_locks *host =
			read_name(str_from(entry->d_name), &name) ? locks_of(locks, &count, limit, &name) : NULL;
		if (host && !name.backoff)
			host->slots++;
		else if (host && fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			host->failed = milliseconds(&status);
	}
	if (dir)
		closedir(dir);
	arena_free(&arena);
	return count;
}

/* The port of one that says none is distccd's own. */
const char *
distcc_backoff_path(struct arena *arena, const char *distcc_dir, struct str address)
{
	struct str host = host_called(address);
	int64_t port = DISTCC_PORT;
	if (str_find(address, '@') < address.n)
		return str_printf(arena, "%s/lock/backoff_ssh_%.*s_0", distcc_dir, STR_ARG(host)).s;
	cut_number(&address, ':', &port);
	return str_printf(arena, "%s/lock/backoff_tcp_%.*s_%lld_0", distcc_dir, STR_ARG(host), (long long)port).s;
}

int64_t
distcc_failed(const char *distcc_dir, struct str address)
{
	struct arena arena = {NULL};
	struct stat status;
	bool failed = stat(distcc_backoff_path(&arena, distcc_dir, address), &status) == 0;
	arena_free(&arena);
	return failed ? milliseconds(&status) : 0;
}

void
distcc_forgive(const char *distcc_dir, struct str address)
{
	struct arena arena = {NULL};
	unlink(distcc_backoff_path(&arena, distcc_dir, address));
	arena_free(&arena);
}
