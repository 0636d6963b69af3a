#include "cli/screen.h"

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

/* Only what is safe in a signal handler. */
static void
restore(void)
{
	int fd = (int)changed_fd;
	if (fd < 0)
		return;
	ssize_t written = write(fd, changed_restore, strlen(changed_restore));
	(void)written;
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
