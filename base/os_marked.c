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
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Processes whose end is waited for at once; with more of them the next look comes a little late. */
#define HUNT_WAITS 64
/* The longest wait between two looks, and how long after the grace what is left is killed again: it may fork meanwhile. */
#define HUNT_STEP_MS 100
/* The wait for a process that has no environment yet. */
#define HUNT_EXEC_MS 1
#define HUNT_KILL_MS 5000

struct hunt {
	struct arena arena;
	struct str mark;
	struct buf text; /* of the file that is being looked at */
	pid_t *seen;
	size_t seen_count;
	struct pollfd waits[HUNT_WAITS];
	size_t wait_count;
	bool unsure; /* a process was in the middle of an exec, where it cannot be told whether it is marked */
};

/* Reads a file of the process; false where it is gone or not ours. */
static bool
read_proc(struct hunt *hunt, int proc, const char *pid, const char *file)
{
	char path[NAME_MAX + 16], bytes[4096];
	snprintf(path, sizeof path, "%s/%s", pid, file);
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n;
	hunt->text.n = 0;
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		buf_add(&hunt->text, (struct str){bytes, (size_t)n});
	close(fd);
	return true;
}

/* True where a process whose environment was found empty is in the middle of an exec, or just through it: fields 3, 23, 50 and 51 of its stat
 * are its state, its memory's size, and where its environment begins and ends. */
static bool
is_in_exec(struct hunt *hunt, int proc, const char *pid)
{
	struct str rest, field;
	struct str begin = {NULL, 0};
	bool alive = false, memory = false, empty = true;
	if (!read_proc(hunt, proc, pid, "stat"))
		return false;
	/* The name in field 2 may hold anything; field 3 follows the last parenthesis. */
	rest = buf_str(&hunt->text);
	const char *name_end = rest.n ? memrchr(rest.s, ')', rest.n) : NULL;
	if (!name_end)
		return false;
	rest = str_trim(str_part(rest, (size_t)(name_end - rest.s) + 1, rest.n));
	for (int number = 3; str_split(&rest, ' ', &field); number++) {
		if (number == 3)
			alive = !str_is(field, "Z") && !str_is(field, "X");
		if (number == 23)
			memory = !str_is(field, "0");
		if (number == 50)
			begin = field;
		if (number == 51)
			empty = str_eq(field, begin) && !str_is(field, "0");
	}
	return alive && memory && !empty;
}

/* True where the process is this user's (root's are all: its daemons become other users) and has the mark in its environment. */
static bool
is_marked(struct hunt *hunt, int proc, const char *pid)
{
	struct stat status;
	if (fstatat(proc, pid, &status, 0) < 0 || (geteuid() != 0 && status.st_uid != geteuid()))
		return false;
	if (!read_proc(hunt, proc, pid, "environ"))
		return false;
	struct str rest = buf_str(&hunt->text), entry;
	if (!rest.n)
		hunt->unsure |= is_in_exec(hunt, proc, pid);
	while (str_split(&rest, 0, &entry))
		if (str_eq(entry, hunt->mark))
			return true;
	return false;
}

/* True at the first sight of the process. */
static bool
is_new(struct hunt *hunt, pid_t pid)
{
	for (size_t i = 0; i < hunt->seen_count; i++)
		if (hunt->seen[i] == pid)
			return false;
	hunt->seen = arena_more(&hunt->arena, hunt->seen, hunt->seen_count, sizeof *hunt->seen);
	hunt->seen[hunt->seen_count++] = pid;
	return true;
}

/* Signals the process where it is marked; TERM only once, and with 0 not at all. */
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
	hunt->unsure = false;
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
	hunt.text = buf_new(&hunt.arena);
	int64_t now = os_now_ms(), deadline = now + grace_ms;
	for (size_t count; (count = hunt_all(&hunt, now < deadline ? SIGTERM : SIGKILL)) || hunt.unsure;) {
		int64_t left = deadline - os_now_ms(), step = count ? HUNT_STEP_MS : HUNT_EXEC_MS;
		hunt_wait(&hunt, left > 0 && left < step ? left : step);
		now = os_now_ms();
		if (now > deadline + HUNT_KILL_MS)
			break;
	}
	hunt_wait(&hunt, 0);
	size_t count = hunt.seen_count;
	arena_free(&hunt.arena);
	return count;
}

size_t
os_count_marked(const char *name_equals_value)
{
	struct hunt hunt = {.mark = str_from(name_equals_value)};
	hunt.text = buf_new(&hunt.arena);
	size_t count = hunt_all(&hunt, 0);
	hunt_wait(&hunt, 0);
	arena_free(&hunt.arena);
	return count;
}
