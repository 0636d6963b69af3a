#include "base/arena.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Beyond it are those that have no meaning but what programs agree on. */
#define LAST_SIGNAL SIGSYS

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
os_variable(char *const *environment, const char *name)
{
	size_t n = strlen(name);
	for (char *const *entry = environment; entry && *entry; entry++)
		if (strncmp(*entry, name, n) == 0 && (*entry)[n] == '=')
			return str_from(*entry + n + 1);
	return (struct str){NULL, 0};
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
	if (spawn->program || strchr(spawn->argv[0], '/'))
		return spawn->program ? spawn->program : spawn->argv[0];
	return which_in(arena, spawn->env ? os_variable(spawn->env, "PATH").s : getenv("PATH"), spawn->argv[0]).s;
}

/* What a child makes of itself; in memory that it shares with us until its exec. */
struct child {
	const struct os_spawn *spawn;
	const char *program;
	int out; /* becomes standard output and error; -1: none */
	volatile int failed; /* the errno of what kept it from its exec */
};

/* With every signal blocked: a handler of ours would run on our memory. */
static void
reset_signals(void)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};
	for (int number = 1; number <= LAST_SIGNAL; number++)
		sigaction(number, &standard, NULL);
}

/* Where we were started without one of the three, a descriptor may be in its place already. */
static bool
put(int from, int to)
{
	return from == to ? fcntl(to, F_SETFD, 0) == 0 : dup2(from, to) >= 0;
}

static bool
take_descriptors(const struct child *child)
{
	const struct os_spawn *spawn = child->spawn;
	int in = spawn->input_fd > 0 ? spawn->input_fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in < 0 || !put(in, STDIN_FILENO))
		return false;
	if (child->out >= 0 && !put(child->out, STDOUT_FILENO))
		return false;
	if (child->out >= 0 && !spawn->output_only && !put(child->out, STDERR_FILENO))
		return false;
	return !spawn->error_fd || put(spawn->error_fd, STDERR_FILENO);
}

/* By the exec itself, where the kernel can: whoever waits for us to end, by a pipe that we hold open, then finds what was just being started, too. */
static void
leave_descriptors(void)
{
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		closefrom(STDERR_FILENO + 1);
}

/* Between vfork and exec: nothing here may lock, allocate or return. */
static void __attribute__((noreturn, noinline)) become(struct child *child)
{
	const struct os_spawn *spawn = child->spawn;
	sigset_t none;
	sigemptyset(&none);
	reset_signals();
	if (spawn->ends_with_us)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	if ((!spawn->own_session || setsid() > 0) && (!spawn->own_group || setpgid(0, 0) == 0) && take_descriptors(child) &&
		(!spawn->dir || chdir(spawn->dir) == 0)) {
		leave_descriptors();
		pthread_sigmask(SIG_SETMASK, &none, NULL);
		execve(child->program, spawn->argv, spawn->env ? spawn->env : environ);
	}
	child->failed = errno;
	_exit(127);
}

/* Not posix_spawn: glibc's resets 64 signals, maps a stack and asks seven times for the limit of open files, 4 % of what it takes to run
 * `true`. Returns the child, or -1 with the errno in child->failed. */
static pid_t
spawn_child(struct child *child)
{
	sigset_t all, before;
	sigfillset(&all);
	child->failed = 0;
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid_t pid = vfork();
	if (pid == 0)
		become(child);
	if (pid < 0)
		child->failed = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && child->failed) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		pid = -1;
	}
	return pid;
}

/* Returns the child, or -1 with the errno in child->failed. */
static pid_t
spawn_program(struct child *child)
{
	pid_t pid;
	/* A program just written may still be open for writing in another thread's child, until that one's exec. */
	for (int attempt = 0; (pid = spawn_child(child)) < 0 && child->failed == ETXTBSY && attempt < 10; attempt++)
		poll(NULL, 0, 10);
	return pid;
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

static bool
start(struct arena *arena, const struct os_spawn *spawn, struct os_process *process, struct str *error)
{
	int ends[2];
	const char *program = program_of(arena, spawn);
	if (!program) {
		*error = str_printf(arena, "cannot run '%s': there is no such program on PATH", spawn->argv[0]);
		return false;
	}
	if (!open_output(arena, spawn, ends, error))
		return false;
	struct child child = {.spawn = spawn, .program = program, .out = ends[1]};
	process->pid = spawn_program(&child);
	if (ends[1] >= 0)
		close(ends[1]);
	if (process->pid > 0) {
		process->out = ends[0];
		return true;
	}
	if (ends[0] >= 0)
		close(ends[0]);
	return fail_start(arena, spawn, child.failed, error);
}

bool
os_start(struct arena *arena, const struct os_spawn *spawn, struct os_process *process, struct str *error)
{
	*process = (struct os_process){-1, -1};
	bool started = start(arena, spawn, process, error);
	if (spawn->input_fd > 0)
		close(spawn->input_fd);
	return started;
}

int
os_text_fd(struct str text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	if (fd < 0 || (os_write_all(fd, text) && lseek(fd, 0, SEEK_SET) == 0))
		return fd;
	int reason = errno;
	close(fd);
	errno = reason;
	return -1;
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
