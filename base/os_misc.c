#include "base/os.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void
os_exhausted(void)
{
	static const char message[] = "edcc: out of memory\n";
	ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
	(void)written;
	quick_exit(4);
}

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t
os_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void
os_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool
os_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until)
{
	struct timespec time = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	return pthread_cond_timedwait(condition, mutex, &time) == 0;
}

bool
os_wait_ready(int fd, short events, int64_t until)
{
	struct pollfd waiting = {.fd = fd, .events = events};
	int ready;
	do {
		int64_t left = until - os_now_ms();
		ready = poll(&waiting, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	return ready > 0;
}

int64_t
os_time_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

void
os_timestamp(int64_t time_ms, char out[25])
{
	int64_t part = ((time_ms % 1000) + 1000) % 1000;
	time_t seconds = (time_t)((time_ms - part) / 1000);
	struct tm tm;
	if (gmtime_r(&seconds, &tm) && strftime(out, 25, "%Y-%m-%dT%H:%M:%S", &tm) == 19)
		snprintf(out + 19, 6, ".%03uZ", (unsigned)part % 1000);
	else
		*out = 0; /* not in the years 0 to 9999 */
}

int
os_cpu_count(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return CPU_COUNT(&set);
	/* More processors than a cpu_set_t has room for. */
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	return count > 0 ? (int)count : 1;
}

/* What the control group allows, in MB; 0 where there is no limit. */
static int64_t
group_limit_mb(void)
{
	/* In a container its own group is at the top of what it sees. */
	static const char *const paths[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	long long bytes = 0;
	for (size_t i = 0; i < sizeof paths / sizeof *paths && !bytes; i++) {
		FILE *file = fopen(paths[i], "re");
		if (!file)
			continue;
		if (fscanf(file, "%lld", &bytes) != 1)
			bytes = 0; /* "max" */
		fclose(file);
	}
	return bytes / (1 << 20);
}

int64_t
os_memory_mb(void)
{
	int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE), limit = group_limit_mb();
	int64_t all = pages > 0 && page > 0 ? pages / ((1 << 20) / page) : 0;
	return limit && limit < all ? limit : all;
}

bool
os_allow_files(unsigned long long count, unsigned long long *most)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= count)
		return true;
	*most = limit.rlim_max;
	limit.rlim_cur = count;
	return limit.rlim_max >= count && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

bool
os_cancel_raised(const struct os_cancel *cancel)
{
	if (!cancel || cancel->fd < 0)
		return false;
	struct pollfd poller = {.fd = cancel->fd, .events = POLLIN};
	return poll(&poller, 1, 0) > 0;
}

/* State and start time of a process, from /proc/PID/stat; false where there is no such process (or no /proc: errno tells). */
static bool
process_stat(pid_t pid, char *state, uint64_t *start)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	size_t n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = 0;
	/* The name in field 2 may hold anything, a parenthesis too; field 3 follows the last one. */
	char *field = strrchr(text, ')');
	if (!field || field[1] != ' ')
		return errno = ESRCH, false;
	*state = field[2];
	for (int i = 2; i < 22 && field; i++)
		field = strchr(field + 1, ' ');
	*start = field ? strtoull(field, NULL, 10) : 0;
	return true;
}

bool
os_owner_of(pid_t pid, struct os_owner *owner)
{
	char state;
	*owner = (struct os_owner){.pid = pid};
	gethostname(owner->host, sizeof owner->host - 1);
	return process_stat(pid, &state, &owner->start);
}

void
os_owner_self(struct os_owner *owner)
{
	os_owner_of(getpid(), owner);
}

bool
os_owner_alive(const struct os_owner *owner)
{
	struct os_owner self;
	uint64_t start;
	char state;
	os_owner_self(&self);
	if (strcmp(owner->host, self.host) != 0)
		return true;
	if (owner->pid <= 0 || (kill(owner->pid, 0) < 0 && errno == ESRCH))
		return false;
	if (!process_stat(owner->pid, &state, &start))
		return true;
	return start == owner->start && state != 'Z' && state != 'X';
}
