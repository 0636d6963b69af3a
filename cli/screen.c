#include "cli/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* What a crash must put right: the only state of the program that is not main's. */
static volatile sig_atomic_t changed_fd = -1;
static const char *volatile changed_restore;
static const struct termios *volatile changed_modes;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGSYS};

struct screen_size
screen_size(int fd)
{
	struct winsize size = {0};
	ioctl(fd, TIOCGWINSZ, &size);
	return (struct screen_size){size.ws_col ? size.ws_col : 80, size.ws_row ? size.ws_row : 24};
}

/* O_NONBLOCK is of what was opened, and that of standard output is the shell's and everybody's: this one is ours alone. */
int
screen_open(void)
{
	const int flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open("/proc/self/fd/1", flags), own;
	unsigned device, own_device;
	if (fd >= 0)
		return fd;
	/* After su it belongs to somebody else still; but a process may always open the terminal that it was started on. */
	own = open("/dev/tty", flags);
	if (own < 0)
		return -1;
	if (ioctl(STDOUT_FILENO, TIOCGDEV, &device) == 0 && ioctl(own, TIOCGDEV, &own_device) == 0 && device == own_device)
		return own;
	close(own);
	errno = EACCES;
	return -1;
}

bool
screen_is_ours(int fd)
{
	pid_t group = tcgetpgrp(fd);
	return group < 0 || group == getpgrp();
}

/* Only what is safe in a signal handler. */
static void
restore(void)
{
	int fd = (int)changed_fd;
	if (fd < 0)
		return;
	ssize_t n = (ssize_t)strlen(changed_restore), written = write(fd, changed_restore, (size_t)n);
	/* Who is in the background would be stopped by the rest. */
	if (!screen_is_ours(fd))
		return;
	if (written < n && tcflush(fd, TCOFLUSH) == 0)
		written = write(fd, changed_restore, (size_t)n);
	if (changed_modes)
		tcsetattr(fd, TCSANOW, changed_modes);
}

/* The handler is gone by now (SA_RESETHAND): the signal ends the process after all. */
static void
on_crash(int signal_number)
{
	restore();
	raise(signal_number);
}

static void
catch_crashes(void (*handler)(int))
{
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
		struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};
		sigaction(crashes[i], &action, NULL);
	}
}

void
screen_guard(void)
{
	catch_crashes(on_crash);
	(void)at_quick_exit(restore);
}

void
screen_unguard(void)
{
	catch_crashes(SIG_DFL);
}

void
screen_changed(int fd, const char *text, const struct termios *modes)
{
	changed_restore = text;
	changed_modes = modes;
	changed_fd = fd;
}

void
screen_restored(void)
{
	changed_fd = -1;
}

void
screen_restore(void)
{
	restore();
	screen_restored();
}
