/* Preloaded into edcc, not into what it starts: at the FAULT_LINEth line that is written to a journal, or of what it prints, it does what FAULT says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int line, target;
static char fault[16];

__attribute__((constructor)) static void
begin(void)
{
	target = atoi(getenv("FAULT_LINE") ? getenv("FAULT_LINE") : "0");
	snprintf(fault, sizeof fault, "%s", getenv("FAULT") ? getenv("FAULT") : "");
	unsetenv("LD_PRELOAD");
	unsetenv("FAULT_LINE");
	unsetenv("FAULT");
}

/* What is to be heard is heard by then. */
#define HEARD_US 100000

static int
is_journal(int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path);
	return n > 8 && memcmp(path + n - 8, "/journal", 8) == 0;
}

static int
is(const char *what)
{
	return strcmp(fault, what) == 0;
}

static void
end(void)
{
	kill(getpid(), SIGKILL);
}

static void
interrupt(void)
{
	kill(getpid(), SIGINT);
	usleep(HEARD_US);
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	ssize_t (*next)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	if (target && is("late") && fd == STDOUT_FILENO && __atomic_load_n(&line, __ATOMIC_SEQ_CST) >= target)
		interrupt();
	if (!target || !is_journal(fd))
		return next(fd, bytes, n);
	int at = __atomic_add_fetch(&line, 1, __ATOMIC_SEQ_CST);
	if (is("full") && at >= target)
		return errno = ENOSPC, -1;
	if (at != target)
		return next(fd, bytes, n);
	if (is("interrupt"))
		kill(getpid(), SIGINT);
	if (is("heard"))
		interrupt();
	if (is("before"))
		end();
	ssize_t written = next(fd, bytes, is("torn") ? n / 2 : n);
	if (is("torn") || is("written"))
		end();
	return written;
}

int
fdatasync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	int status = next(fd);
	if (target && is("synced") && is_journal(fd) && __atomic_load_n(&line, __ATOMIC_SEQ_CST) >= target)
		end();
	return status;
}
