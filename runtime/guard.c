#include "runtime/guard.h"

#include "base/arena.h"
#include "runtime/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As `ps` shows it, before the mark; no path is called so. */
#define GUARD_NAME "edcc guard"
/* What they are given to end: less than a step has, for nobody waits for what they still have to say. */
#define GUARD_GRACE_MS 1000

/* It has nothing of edcc's: no descriptor that others wait for the end of, no terminal and no group whose signals it would get, no folder that could not
 * be unmounted, and none of the variables by which a build around this one would find it and end it first. */
bool
guard_start(struct run *run, struct failure *failure)
{
	struct str error;
	int ends[2];
	const char *const argv[] = {GUARD_NAME, run->mark.s, NULL};
	char *const no_variables[] = {NULL};
	struct os_spawn spawn = {
		.program = "/proc/self/exe",
		.argv = (char *const *)(uintptr_t)argv,
		.env = no_variables,
		.dir = "/",
		.out_path = "/dev/null",
		.own_session = true,
	};
	if (pipe2(ends, O_CLOEXEC) < 0) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "cannot make a pipe: %s", strerrordesc_np(errno));
		return false;
	}
	spawn.input_fd = ends[0];
	run->guard.lifeline = ends[1];
	if (os_start(&run->arena, &spawn, &run->guard.process, &error))
		return true;
	close(ends[1]);
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	failure_hint(failure, "it ends the build if edcc is killed; the limit on processes may be reached: ulimit -u");
	return false;
}

/* It has to be told nothing: it has done nothing yet, and needs no time to end. */
void
guard_dismiss(struct run *run)
{
	if (run->guard.process.pid <= 0)
		return;
	kill(run->guard.process.pid, SIGKILL);
	os_wait(&run->guard.process);
	close(run->guard.lifeline);
}

bool
guard_is(const char *argv0)
{
	return argv0 && strcmp(argv0, GUARD_NAME) == 0;
}

int
guard_main(char **argv)
{
	struct arena arena = {NULL};
	char byte;
	ssize_t n;
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, GUARD_NAME);
	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0 && argv[1])
		os_end_marked(&arena, argv[1], GUARD_GRACE_MS);
	arena_free(&arena);
	return 0;
}
