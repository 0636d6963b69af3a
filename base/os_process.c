#include "base/arena.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* As much as a pipe holds: one read empties it. */
#define PIPE_SIZE ((size_t)64 << 10)
/* What a process that has to go is left between TERM and KILL. */
#define END_GRACE_MS 2000
/* How often to look where the kernel has no pidfd_open. */
#define NO_PIDFD_MS 10

extern char **environ;

static bool
is_program(const char *path)
{
	return access(path, X_OK) == 0 && os_is_file(path);
}

/* Looks the program up in the folders of `path`. */
static struct str
which_in(struct arena *arena, const char *path, const char *program)
{
	struct str none = {NULL, 0}, rest = str_from(path), folder;
	if (strchr(program, '/'))
		return is_program(program) ? str_from(program) : none;
	while (*program && str_split(&rest, ':', &folder)) {
		struct arena_mark mark = arena_mark(arena);
		struct str whole =
			folder.n ? str_printf(arena, "%.*s/%s", STR_ARG(folder), program) : str_printf(arena, "./%s", program);
		if (is_program(whole.s))
			return whole;
		arena_reset(arena, mark);
	}
	return none;
}

struct str
os_which(struct arena *arena, const char *program)
{
	return which_in(arena, getenv("PATH"), program);
}

/* The program's file; none where PATH has it not. */
static const char *
program_of(struct arena *arena, const struct os_spawn *spawn)
{
	const char *path = spawn->env ? NULL : getenv("PATH");
	if (strchr(spawn->argv[0], '/'))
		return spawn->argv[0];
	for (char *const *entry = spawn->env; entry && *entry && !path; entry++)
		if (strncmp(*entry, "PATH=", 5) == 0)
			path = *entry + 5;
	return which_in(arena, path, spawn->argv[0]).s;
}

/* posix_spawn with all that a clean start takes; `out` (where not -1) becomes standard output and error. Returns an errno. */
static int
spawn_clean(const struct os_spawn *spawn, const char *program, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	if (spawn->own_group)
		flags |= POSIX_SPAWN_SETPGROUP;
	posix_spawnattr_setflags(&attributes, flags);
	posix_spawn_file_actions_init(&actions);
	int failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!failed && out >= 0)
		failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!failed && out >= 0 && !spawn->output_only)
		failed = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (!failed && spawn->error_fd)
		failed = posix_spawn_file_actions_adddup2(&actions, spawn->error_fd, STDERR_FILENO);
	if (!failed && spawn->dir)
		failed = posix_spawn_file_actions_addchdir_np(&actions, spawn->dir);
	if (!failed)
		failed = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	for (int attempt = 0; !failed; attempt++) {
		failed = posix_spawn(pid, program, &actions, &attributes, spawn->argv, spawn->env ? spawn->env : environ);
		/* A program just written may still be open for writing in another thread's child, until that one's exec. */
		if (failed != ETXTBSY || attempt == 10)
			break;
		failed = 0;
		poll(NULL, 0, 10);
	}
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

/* Why the program did not start. */
static bool
fail_start(struct arena *arena, const struct os_spawn *spawn, int reason, struct str *error)
{
	if (spawn->dir && !os_is_folder(spawn->dir))
		*error = str_printf(arena, "cannot run '%s' in '%s': no such folder", spawn->argv[0], spawn->dir);
	else
		*error = str_printf(arena, "cannot run '%s': %s", spawn->argv[0], strerrordesc_np(reason));
	return false;
}

/* Opens what the output goes to: ends[1] for the child, ends[0] for us; -1 where there is none. */
static bool
open_output(struct arena *arena, const struct os_spawn *spawn, int ends[2], struct str *error)
{
	ends[0] = ends[1] = -1;
	if (spawn->capture && pipe2(ends, O_CLOEXEC) < 0)
		return fail_start(arena, spawn, errno, error);
	if (spawn->capture || !spawn->out_path)
		return true;
	ends[1] = open(spawn->out_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (ends[1] < 0)
		*error = str_printf(arena, "cannot write '%s': %s", spawn->out_path, strerrordesc_np(errno));
	return ends[1] >= 0;
}

bool
os_start(struct arena *arena, const struct os_spawn *spawn, struct os_process *process, struct str *error)
{
	int ends[2];
	*process = (struct os_process){-1, -1};
	const char *program = program_of(arena, spawn);
	if (!program) {
		*error = str_printf(arena, "cannot run '%s': there is no such program on PATH", spawn->argv[0]);
		return false;
	}
	if (!open_output(arena, spawn, ends, error))
		return false;
	int failed = spawn_clean(spawn, program, ends[1], &process->pid);
	if (ends[1] >= 0)
		close(ends[1]);
	if (!failed) {
		process->out = ends[0];
		return true;
	}
	process->pid = -1;
	if (ends[0] >= 0)
		close(ends[0]);
	return fail_start(arena, spawn, failed, error);
}

bool
os_has_ended(pid_t child)
{
	siginfo_t info = {.si_pid = 0};
	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

int
os_wait(struct os_process *process)
{
	int status;
	pid_t ended;
	if (process->out >= 0)
		close(process->out);
	process->out = -1;
	do
		ended = waitpid(process->pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	process->pid = -1;
	if (ended < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

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
	if (!os_start(arena, spawn, &run.process, error))
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
