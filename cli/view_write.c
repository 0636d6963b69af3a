#include "base/os.h"
#include "cli/screen.h"
#include "cli/view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is given to somebody who reads slowly, once the run is to end. */
#define PATIENCE_MS 2000

/* As screen_open does it: O_NONBLOCK of standard output would be everybody's. A file is never waited for, and opened anew begins at its beginning. */
int
view_open(void)
{
	struct stat status;
	int fd = -1;
	if (isatty(STDOUT_FILENO))
		fd = screen_open();
	else if (fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 ? fd : STDOUT_FILENO;
}

/* Until more can be written. */
static bool
wait_for_room(const struct view_options *options)
{
	struct pollfd waits[] = {{.fd = options->fd, .events = POLLOUT}, {.fd = options->cancel->fd, .events = POLLIN}};
	while (poll(waits, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return waits[0].revents || poll(waits, 1, PATIENCE_MS) > 0;
}

bool
view_write(const struct view_options *options, struct str text)
{
	while (text.n) {
		ssize_t n = write(options->fd, text.s, text.n);
		if (n >= 0)
			text = str_part(text, (size_t)n, text.n);
		else if (errno != EINTR && (errno != EAGAIN || !wait_for_room(options)))
			return false;
	}
	return true;
}
