#include "base/arena.h"
#include "base/os.h"

#include "test/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static int
end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* Runs sh -c and returns its status; its output is in *output, the error (where it could not run) too. */
static int
shell(const char *script, struct os_spawn spawn, struct str *output)
{
	int status = -1;
	char *const argv[] = {"sh", "-c", (char *)script, NULL};
	spawn.argv = argv;
	spawn.capture = !spawn.out_path;
	struct str error;
	if (!os_run(&arena, &spawn, 10000, 1 << 20, NULL, &status, output, &error))
		*output = error;
	return status;
}

static void
statuses_and_output(void **state)
{
	(void)state;
	struct str output;
	assert_int_equal(shell("echo out; echo err >&2; exit 7", (struct os_spawn){.argv = NULL}, &output), 7);
	assert_text(output, "out\nerr\n");
	assert_int_equal(shell("kill -KILL $$", (struct os_spawn){.argv = NULL}, &output), 128 + SIGKILL);
	assert_int_equal(shell("pwd", (struct os_spawn){.dir = "/usr"}, &output), 0);
	assert_text(output, "/usr\n");
	char *const env[] = {"A=b", "PATH=/usr/bin:/bin", NULL};
	assert_int_equal(shell("echo $A $HOME", (struct os_spawn){.env = env}, &output), 0);
	assert_text(output, "b\n");
	/* Standard input is empty. */
	assert_int_equal(shell("cat", (struct os_spawn){.argv = NULL}, &output), 0);
	assert_text(output, "");
}

static void
clean_start(void **state)
{
	(void)state;
	struct str output;
	int leaked = dup(STDOUT_FILENO); /* without FD_CLOEXEC */
	sigset_t blocked, before;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(
		shell("ls /proc/self/fd; while read name value; do"
		      "  case $name in SigBlk:|SigIgn:) echo $name $((0x$value & 0x7FFFFFFF));; esac; done </proc/self/status",
			(struct os_spawn){.own_group = true}, &output),
		0);
	/* 3 is ls's own; signals 32 and 33 are glibc's. */
	assert_text(output, "0\n1\n2\n3\nSigBlk: 0\nSigIgn: 0\n");
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(leaked);
}

static pid_t handler_owner;
static volatile sig_atomic_t handled_elsewhere;

static void
handle(int number)
{
	(void)number;
	if (getpid() != handler_owner)
		handled_elsewhere = 1;
}

static void *
signal_group(void *context)
{
	atomic_bool *over = context;
	while (!atomic_load(over))
		kill(0, SIGUSR1);
	return NULL;
}

/* A child that is sent a signal before its exec does not run our handler on our memory. */
static void
handlers_stay_ours(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();
	if (child == 0) {
		atomic_bool over = false;
		pthread_t thread;
		char *const argv[] = {"/bin/true", NULL};
		setpgid(0, 0);
		handler_owner = getpid();
		sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, NULL);
		pthread_create(&thread, NULL, signal_group, &over);
		for (int i = 0; i < 100; i++) {
			struct os_process process;
			struct str error;
			if (os_start(&arena, &(struct os_spawn){.argv = argv}, &process, &error))
				os_wait(&process);
		}
		atomic_store(&over, true);
		pthread_join(thread, NULL);
		_exit(handled_elsewhere);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* Megabytes each way at once, and a program that does not read its input. */
static void
input(void **state)
{
	(void)state;
	struct str output, text = {malloc(3 << 20), 3 << 20};
	memset((char *)(uintptr_t)text.s, 'x', text.n);
	assert_int_equal(shell("tr x y | tee /dev/stderr", (struct os_spawn){.input_fd = os_text_fd(text)}, &output), 0);
	assert_int_equal(output.n, 1 << 20);
	assert_int_equal(output.s[0], 'y');
	assert_int_equal(shell("wc -c", (struct os_spawn){.input_fd = os_text_fd(text)}, &output), 0);
	assert_text(output, "3145728\n");
	assert_int_equal(shell("exit 3", (struct os_spawn){.input_fd = os_text_fd(text)}, &output), 3);
	assert_int_equal(shell("cat; echo end", (struct os_spawn){.input_fd = os_text_fd(STR(""))}, &output), 0);
	assert_text(output, "end\n");
	free((char *)(uintptr_t)text.s);
	/* It is closed here, even where nothing was started. */
	int fd = os_text_fd(STR("text"));
	assert_int_equal(shell("cat", (struct os_spawn){.input_fd = fd, .dir = "/no/such"}, &output), -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void
groups(void **state)
{
	(void)state;
	char *const argv[] = {"sleep", "100", NULL};
	struct os_process own, ours;
	struct str error;
	assert_true(os_start(&arena, &(struct os_spawn){.argv = argv, .own_group = true}, &own, &error));
	assert_true(os_start(&arena, &(struct os_spawn){.argv = argv}, &ours, &error));
	assert_int_equal(getpgid(own.pid), own.pid);
	assert_int_equal(getpgid(ours.pid), getpgid(0));
	assert_int_equal(own.out, -1);
	kill(-own.pid, SIGTERM);
	kill(ours.pid, SIGTERM);
	assert_int_equal(os_wait(&own), 128 + SIGTERM);
	assert_int_equal(os_wait(&ours), 128 + SIGTERM);
}

static void
output_to_a_file(void **state)
{
	(void)state;
	struct str output, error;
	char path[] = "/tmp/edcc-unit-XXXXXX";
	close(mkstemp(path));
	assert_int_equal(shell("echo one", (struct os_spawn){.out_path = path}, &output), 0);
	assert_int_equal(shell("echo two >&2", (struct os_spawn){.out_path = path}, &output), 0);
	assert_true(os_read(&arena, path, 100, &output, &error));
	assert_text(output, "one\ntwo\n");
	unlink(path);
	assert_int_equal(shell("echo x 2>/dev/null", (struct os_spawn){.out_path = "/dev/full"}, &output), 1);
}

static void
failed_starts(void **state)
{
	(void)state;
	char *const empty_path[] = {"PATH=", NULL};
	static const struct {
		const char *program, *dir, *out, *error;
	} cases[] = {
		{"edcc-no-such", NULL, NULL, "cannot run 'edcc-no-such': there is no such program on PATH"},
		{"/no/such", NULL, NULL, "cannot run '/no/such': No such file or directory"},
		{"/etc/passwd", NULL, NULL, "cannot run '/etc/passwd': Permission denied"},
		{"true", "/no/such", NULL, "cannot run 'true' in '/no/such': no such folder"},
		{"true", NULL, "/no/such/out", "cannot write '/no/such/out': No such file or directory"},
		{"", NULL, NULL, "cannot run '': there is no such program on PATH"},
	};
	struct os_process process;
	struct str error;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *const argv[] = {(char *)cases[i].program, NULL};
		struct os_spawn spawn = {.argv = argv, .dir = cases[i].dir, .out_path = cases[i].out};
		assert_false(os_start(&arena, &spawn, &process, &error));
		assert_text(error, cases[i].error);
	}
	char *const argv[] = {"true", NULL};
	assert_false(os_start(&arena, &(struct os_spawn){.argv = argv, .env = empty_path}, &process, &error));
}

static void
which(void **state)
{
	(void)state;
	assert_true(str_ends(os_which(&arena, "sh"), STR("/sh")));
	assert_text(os_which(&arena, "/bin/sh"), "/bin/sh");
	assert_null(os_which(&arena, "/etc/passwd").s);
	assert_null(os_which(&arena, "/etc").s);
	assert_null(os_which(&arena, "edcc-no-such").s);
	assert_null(os_which(&arena, "").s);
}

static bool
run(const char *script, int64_t timeout_ms, const struct os_cancel *cancel, int *status, struct str *output, struct str *error)
{
	char *const argv[] = {"sh", "-c", (char *)script, NULL};
	struct os_spawn spawn = {.argv = argv, .capture = true, .own_group = true};
	return os_run(&arena, &spawn, timeout_ms, 10, cancel, status, output, error);
}

static void
deadlines(void **state)
{
	(void)state;
	int status;
	struct str output, error;
	int64_t start = os_now_ms();
	assert_false(run("echo before; sleep 100", 1000, NULL, &status, &output, &error));
	assert_text(error, "'sh' did not end within 1 s");
	assert_text(output, "before\n");
	assert_int_equal(status, 128 + SIGTERM);
	assert_true(os_now_ms() - start < 20000);
	/* One that will not hear. */
	assert_false(run("trap '' TERM; sleep 100 & wait; sleep 100", 1000, NULL, &status, &output, &error));
	assert_int_equal(status, 128 + SIGKILL);
}

/* A daemon that keeps the pipe open does not keep os_run; output beyond the limit is read and dropped. */
static void
stubborn_output(void **state)
{
	(void)state;
	int status;
	struct str output, error;
	int64_t start = os_now_ms();
	assert_true(run("sleep 10 & echo done", 0, NULL, &status, &output, &error));
	assert_text(output, "done\n");
	assert_true(os_now_ms() - start < 9000);
	assert_true(run("head -c 1000000 /dev/zero | tr '\\0' x; exit 3", 10000, NULL, &status, &output, &error));
	assert_text(output, "xxxxxxxxxx");
	assert_int_equal(status, 3);
}

static void
cancelling(void **state)
{
	(void)state;
	int ends[2], status;
	struct str output, error;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	struct os_cancel cancel = {ends[0]};
	assert_false(os_cancel_raised(&cancel));
	assert_false(os_cancel_raised(NULL));
	assert_false(os_cancel_raised(&(struct os_cancel){-1}));
	assert_true(run("true", 0, &cancel, &status, &output, &error));
	assert_int_equal(write(ends[1], "", 1), 1);
	assert_true(os_cancel_raised(&cancel));
	assert_false(run("sleep 100", 0, &cancel, &status, &output, &error));
	assert_text(error, "'sh' was cancelled");
	assert_int_equal(status, 128 + SIGTERM);
	close(ends[0]);
	close(ends[1]);
}

/* Waits until there have been so many processes with the mark for a while. */
static void
await_marked(const char *mark, int wanted)
{
	char script[100];
	snprintf(script, sizeof script, "grep -lzx '%s' /proc/[0-9]*/environ 2>/dev/null | wc -l", mark);
	for (int looks = 0, good = 0; looks < 200 && good < 3; looks++) {
		struct str output;
		shell(script, (struct os_spawn){.argv = NULL}, &output);
		good = output.n && atoi(str_c(&arena, output)) == wanted ? good + 1 : 0;
		poll(NULL, 0, 50);
	}
}

/* A child, a daemon in a session of its own, and one that ignores TERM: all end; one with another mark stays. */
static void
marked(void **state)
{
	(void)state;
	char *const env[] = {"PATH=/usr/bin:/bin", "EDCC_TEST_RUN=7", NULL};
	char *const other_env[] = {"PATH=/usr/bin:/bin", "EDCC_TEST_RUN=77", NULL};
	char *const tree[] = {
		"sh", "-c", "setsid -f sh -c 'trap \"\" TERM; while :; do sleep 1; done'; setsid -f sleep 100; sleep 100", NULL};
	char *const other_argv[] = {"sleep", "100", NULL};
	struct os_process process, other;
	struct str error;
	assert_true(os_start(&arena, &(struct os_spawn){.argv = tree, .env = env}, &process, &error));
	assert_true(os_start(&arena, &(struct os_spawn){.argv = other_argv, .env = other_env}, &other, &error));
	/* sh, its sleep, the daemon's sh and sleep, the lone sleep; the daemon may start another meanwhile. */
	await_marked("EDCC_TEST_RUN=7", 5);
	assert_true(os_count_marked("EDCC_TEST_RUN=7") >= 5);
	int64_t start = os_now_ms();
	size_t count = os_end_marked(&arena, "EDCC_TEST_RUN=7", 300);
	assert_true(count >= 5);
	assert_true(os_now_ms() - start < 5000);
	assert_int_equal(os_end_marked(&arena, "EDCC_TEST_RUN=7", 1000), 0);
	assert_int_equal(os_wait(&process), 128 + SIGTERM);
	assert_int_equal(os_count_marked("EDCC_TEST_RUN=7"), 0);
	assert_int_equal(os_count_marked("EDCC_TEST_RUN=77"), 1);
	assert_int_equal(waitpid(other.pid, NULL, WNOHANG), 0);
	assert_int_equal(os_end_marked(&arena, "EDCC_TEST_RUN=77", 1000), 1);
	assert_int_equal(os_wait(&other), 128 + SIGTERM);
}

static void *
start_many(void *context)
{
	struct arena own = {NULL};
	atomic_int *count = context;
	for (int i = 0; i < 50; i++) {
		char *const argv[] = {"/bin/sh", "-c", "exit 5", NULL};
		struct os_process process;
		struct str error;
		if (os_start(&own, &(struct os_spawn){.argv = argv, .capture = true}, &process, &error) && os_wait(&process) == 5)
			atomic_fetch_add(count, 1);
	}
	arena_free(&own);
	return NULL;
}

static void
from_many_threads(void **state)
{
	(void)state;
	atomic_int count = 0;
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, start_many, &count), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(count, 200);
}

static void
owners(void **state)
{
	(void)state;
	struct os_owner self, other;
	os_owner_self(&self);
	assert_int_equal(self.pid, getpid());
	assert_true(self.start > 0);
	assert_true(os_owner_alive(&self));
	other = self;
	other.start--;
	assert_false(os_owner_alive(&other));
	strcpy(other.host, "elsewhere.invalid");
	assert_true(os_owner_alive(&other));
	/* A child that has ended, before and after it was waited for. */
	other = self;
	other.pid = fork();
	if (other.pid == 0)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, (id_t)other.pid, &info, WEXITED | WNOWAIT);
	assert_false(os_owner_alive(&other));
	waitpid(other.pid, NULL, 0);
	assert_false(os_owner_alive(&other));
	assert_false(os_owner_of(other.pid, &other));
	other.pid = 0;
	assert_false(os_owner_alive(&other));
	assert_true(os_owner_of(getppid(), &other));
	assert_true(os_owner_alive(&other));
}

static void
clocks(void **state)
{
	(void)state;
	char text[25];
	os_timestamp(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	os_timestamp(1795306577123, text);
	assert_string_equal(text, "2026-11-22T00:16:17.123Z");
	os_timestamp(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	os_timestamp(INT64_MAX, text);
	assert_string_equal(text, "");
	int64_t before = os_now_ms();
	poll(NULL, 0, 5);
	assert_true(os_now_ms() >= before + 4);
	assert_true(os_time_ms() > 1700000000000);
	assert_in_range(os_cpu_count(), 1, 100000);
}

static void
exhausted(void **state)
{
	(void)state;
	int ends[2], status;
	char text[64];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		os_exhausted();
	}
	close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof text);
	assert_true(str_is((struct str){text, (size_t)n}, "edcc: out of memory\n"));
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 4);
	close(ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(statuses_and_output, end),
		cmocka_unit_test_teardown(clean_start, end),
		cmocka_unit_test_teardown(handlers_stay_ours, end),
		cmocka_unit_test_teardown(input, end),
		cmocka_unit_test_teardown(groups, end),
		cmocka_unit_test_teardown(output_to_a_file, end),
		cmocka_unit_test_teardown(failed_starts, end),
		cmocka_unit_test_teardown(which, end),
		cmocka_unit_test_teardown(deadlines, end),
		cmocka_unit_test_teardown(stubborn_output, end),
		cmocka_unit_test_teardown(cancelling, end),
		cmocka_unit_test_teardown(marked, end),
		cmocka_unit_test_teardown(from_many_threads, end),
		cmocka_unit_test_teardown(owners, end),
		cmocka_unit_test_teardown(clocks, end),
		cmocka_unit_test_teardown(exhausted, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
