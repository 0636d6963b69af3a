#include "base/arena.h"
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Processes whose end is waited for at once; with more of them the next look comes a little late. */
#define HUNT_WAITS 64
/* The longest wait between two looks, and how long after the grace what is left is killed again: it may fork meanwhile. */
#define HUNT_STEP_MS 100
#define HUNT_KILL_MS 5000

struct hunt {
	struct arena arena;
	struct str mark;
	struct buf environment;
	pid_t *seen;
	size_t seen_count;
	struct pollfd waits[HUNT_WAITS];
	size_t wait_count;
};

/* True where the process is this user's (root's are all: its daemons become other users) and has the mark in its environment. */
static bool
is_marked(struct hunt *hunt, int proc, const char *pid)
{
	char path[NAME_MAX + 16], bytes[4096];
	struct stat status;
	if (fstatat(proc, pid, &status, 0) < 0 || (geteuid() != 0 && status.st_uid != geteuid()))
		return false;
	snprintf(path, sizeof path, "%s/environ", pid);
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n;
	hunt->environment.n = 0;
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		buf_add(&hunt->environment, (struct str){bytes, (size_t)n});
	close(fd);
	struct str rest = buf_str(&hunt->environment), entry;
	while (str_split(&rest, 0, &entry))
		if (str_eq(entry, hunt->mark))
			return true;
	return false;
}

/* True at the first sight of the process. */
static bool
is_new(struct hunt *hunt, pid_t pid)
{
	size_t n = hunt->seen_count, size = sizeof *hunt->seen;
	for (size_t i = 0; i < n; i++)
		if (hunt->seen[i] == pid)
			return false;
	if ((n & (n - 1)) == 0)
		hunt->seen = arena_grow(&hunt->arena, hunt->seen, n * size, (n ? 2 * n : 1) * size);
	hunt->seen[hunt->seen_count++] = pid;
	return true;
}

/* Signals the process where it is marked; TERM only once. */
static bool
hunt_one(struct hunt *hunt, int proc, const char *name, int signal)
{
	pid_t pid = (pid_t)atol(name);
	/* Opened before the look at its environment: a signal through it never reaches a later process with the same number. */
	int pidfd = pidfd_open(pid, 0);
	bool marked = (pidfd >= 0 || errno != ESRCH) && is_marked(hunt, proc, name);
	if (marked && (is_new(hunt, pid) || signal == SIGKILL)) {
		if (pidfd < 0)
			kill(pid, signal);
		else
			pidfd_send_signal(pidfd, signal, NULL, 0);
	}
	if (marked && pidfd >= 0 && hunt->wait_count < HUNT_WAITS)
		hunt->waits[hunt->wait_count++] = (struct pollfd){.fd = pidfd, .events = POLLIN};
	else if (pidfd >= 0)
		close(pidfd);
	return marked;
}

/* Signals all that are marked; returns how many there are. */
static size_t
hunt_all(struct hunt *hunt, int signal)
{
	size_t count = 0;
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	while (proc && (entry = readdir(proc))) {
		const char *name = entry->d_name;
		if (*name >= '1' && *name <= '9' && atol(name) != getpid())
			count += hunt_one(hunt, dirfd(proc), name, signal);
	}
	if (proc)
		closedir(proc);
	return count;
}

/* Waits until what was found has ended, or for `ms`. */
static void
hunt_wait(struct hunt *hunt, int64_t ms)
{
	int64_t until = os_now_ms() + ms, left;
	for (size_t i = 0; i < hunt->wait_count; i++) {
		left = until - os_now_ms();
		poll(&hunt->waits[i], 1, left > 0 ? (int)left : 0);
		close(hunt->waits[i].fd);
	}
	if (hunt->wait_count == 0)
		poll(NULL, 0, (int)ms);
	hunt->wait_count = 0;
}

size_t
os_end_marked(struct arena *arena, const char *name_equals_value, int64_t grace_ms)
{
	(void)arena;
	struct hunt hunt = {.mark = str_from(name_equals_value)};
	hunt.environment = buf_new(&hunt.arena);
	int64_t now = os_now_ms(), deadline = now + grace_ms;
	while (hunt_all(&hunt, now < deadline ? SIGTERM : SIGKILL)) {
		int64_t left = deadline - os_now_ms();
		hunt_wait(&hunt, left > 0 && left < HUNT_STEP_MS ? left : HUNT_STEP_MS);
		now = os_now_ms();
		if (now > deadline + HUNT_KILL_MS)
			break;
	}
	hunt_wait(&hunt, 0);
	size_t count = hunt.seen_count;
	arena_free(&hunt.arena);
	return count;
}
