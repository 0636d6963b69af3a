#include "base/arena.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* As much as a pipe holds: one read empties it. */
#define PIPE_SIZE ((size_t)64 << 10)
/* What a process that has to go is left between TERM and KILL. */
#define END_GRACE_MS 2000
/* How often to look where the kernel has no pidfd_open. */
#define NO_PIDFD_MS 10

/* A process that os_run waits for. */
struct run {
	struct os_process process;
	int pidfd; /* -1 where the kernel has none */
	int cancel;
	struct buf output;
	size_t limit;
};

/* Takes what is in the pipe; what goes beyond the limit is dropped. */
static void
run_read(struct run *run)
{
	char bytes[PIPE_SIZE];
	ssize_t n = read(run->process.out, bytes, sizeof bytes);
	if (n > 0)
		buf_add(&run->output, str_part((struct str){bytes, (size_t)n}, 0, run->limit - run->output.n));
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	close(run->process.out);
	run->process.out = -1;
}

/* Milliseconds to the deadline as poll wants them. */
static int
time_left(int64_t deadline)
{
	int64_t left = deadline - os_now_ms();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Waits for the end, the deadline (0: none) or cancellation, reading meanwhile; true where the process ended. */
static bool
run_until(struct run *run, int64_t deadline)
{
	for (;;) {
		struct pollfd waits[] = {
			{.fd = run->process.out, .events = POLLIN},
			{.fd = run->pidfd, .events = POLLIN},
			{.fd = run->cancel, .events = POLLIN},
		};
		int left = deadline ? time_left(deadline) : -1;
		if (run->pidfd < 0 && (left < 0 || left > NO_PIDFD_MS))
			left = NO_PIDFD_MS;
		poll(waits, sizeof waits / sizeof *waits, left);
		/* First whether it ended, then what it wrote: nothing that it wrote is missed. */
		bool ended = os_has_ended(run->process.pid);
		if (run->process.out >= 0)
			run_read(run);
		if (ended)
			return true;
		if ((deadline && os_now_ms() >= deadline) || os_cancel_raised(&(struct os_cancel){run->cancel}))
			return false;
	}
}

/* TERM, and KILL after a while, to the process and its group. */
static void
run_end(struct run *run, bool own_group)
{
	pid_t target = own_group ? -run->process.pid : run->process.pid;
	run->cancel = -1;
	kill(target, SIGTERM);
	bool ended = run_until(run, os_now_ms() + END_GRACE_MS);
	if (!ended || own_group)
		kill(target, SIGKILL);
}

bool
os_run(struct arena *arena, const struct os_spawn *spawn, int64_t timeout_ms, size_t limit, const struct os_cancel *cancel,
	int *status, struct str *output, struct str *error)
{
	struct run run = {.output = buf_new(arena), .limit = limit, .cancel = cancel ? cancel->fd : -1};
	struct os_spawn bound = *spawn;
	bound.ends_with_us = true;
	if (!os_start(arena, &bound, &run.process, error))
		return false;
	if (run.process.out >= 0)
		fcntl(run.process.out, F_SETFL, O_NONBLOCK);
	run.pidfd = pidfd_open(run.process.pid, 0);
	bool ended = run_until(&run, timeout_ms ? os_now_ms() + timeout_ms : 0);
	if (!ended) {
		bool cancelled = os_cancel_raised(cancel);
		run_end(&run, spawn->own_group);
		if (cancelled)
			*error = str_printf(arena, "'%s' was cancelled", spawn->argv[0]);
		else
			*error = str_printf(arena, "'%s' did not end within %g s", spawn->argv[0], (double)timeout_ms / 1000);
	}
	if (run.pidfd >= 0)
		close(run.pidfd);
	*status = os_wait(&run.process);
	if (output)
		*output = buf_str(&run.output);
	return ended;
}
