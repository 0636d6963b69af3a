#include "runtime/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How long a caller may take from connecting to speaking. */
#define CALL_MS 1000

/* A socket's address has room for 108 bytes only, so the folder is reached through an open descriptor; -1 where it is not there. */
static int
open_address(const char *path, struct sockaddr_un *address)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) >= sizeof folder)
		return errno = ENAMETOOLONG, -1;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = 0;
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d%s", fd, slash);
	return fd;
}

static int
open_socket(const char *path, int flags, int (*reach)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un address;
	int folder = open_address(path, &address);
	if (folder < 0)
		return -1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	if (fd >= 0 && reach(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int reason = errno;
		close(fd);
		errno = reason;
		fd = -1;
	}
	close(folder);
	return fd;
}

int
channel_listen(const char *path)
{
	int fd = open_socket(path, SOCK_NONBLOCK, bind);
	if (fd < 0 || listen(fd, SOMAXCONN) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
read_call(int caller, struct channel_call *call)
{
	struct pollfd waiting = {.fd = caller, .events = POLLIN};
	if (poll(&waiting, 1, CALL_MS) <= 0)
		return false;
	ssize_t n = recv(caller, call->bytes, sizeof call->bytes, MSG_DONTWAIT);
	const char *end = n > 0 ? memchr(call->bytes, 0, (size_t)n) : NULL;
	if (!end)
		return false;
	call->success = *call->bytes == 'S';
	call->step = (struct str){call->bytes + 1, (size_t)(end - call->bytes) - 1};
	call->message = (struct str){end + 1, (size_t)(call->bytes + n - end) - 1};
	return true;
}

int
channel_accept(int listener, struct channel_call *call)
{
	for (;;) {
		int caller = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (caller < 0 || read_call(caller, call))
			return caller;
		close(caller);
	}
}

void
channel_answer(int caller)
{
	send(caller, "", 1, MSG_NOSIGNAL);
	close(caller);
}

bool
channel_make_call(const char *path, struct str step, bool success, struct str message)
{
	char bytes[2 * CHANNEL_MESSAGE_LIMIT];
	step = str_part(step, 0, CHANNEL_MESSAGE_LIMIT - 2);
	message = str_part(message, 0, CHANNEL_MESSAGE_LIMIT);
	int fd = open_socket(path, 0, connect);
	if (fd < 0)
		return false;
	size_t n = (size_t)snprintf(bytes, sizeof bytes, "%c%.*s", success ? 'S' : 'F', STR_ARG(step)) + 1;
	if (message.n)
		memcpy(bytes + n, message.s, message.n);
	errno = 0;
	bool answered = send(fd, bytes, n + message.n, MSG_NOSIGNAL) > 0 && recv(fd, bytes, 1, 0) == 1;
	int reason = errno == ECONNRESET ? 0 : errno;
	close(fd);
	errno = reason;
	return answered;
}
