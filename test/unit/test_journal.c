/* The journal and the lock. */
#include "unit.h"

#include "base/arena.h"
#include "runtime/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;
static char folder[64], *state;

static int
set_up(void **context)
{
	(void)context;
	strcpy(folder, "/tmp/edcc-journal-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	state = str_c(&arena, str_printf(&arena, "%s/a/state", folder));
	return 0;
}

static int
tear_down(void **context)
{
	(void)context;
	struct str error;
	bool removed = os_remove_tree(&arena, folder, &error);
	arena_free(&arena);
	return removed ? 0 : -1;
}

static char *
journal_path(const char *run)
{
	return str_c(&arena, str_printf(&arena, "%s/runs/%s/journal", state, run));
}

static void
append_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
fill_type(struct json_writer *writer, void *context)
{
	json_put_text(writer, "type", STR("thing"));
	if (context) {
		json_open_array(writer, "needs");
		json_put_text(writer, NULL, str_from(context));
		json_close(writer);
	}
	json_open_object(writer, "params");
	json_put_text(writer, "path", STR("a \"b\"\n"));
	json_close(writer);
}

static void
fill_result(struct json_writer *writer, void *context)
{
	(void)context;
	json_open_object(writer, "result");
	json_put_integer(writer, "pid", 7);
	json_close(writer);
}

static void
write_three(struct journal *journal)
{
	struct str error;
	assert_true(journal_write(journal, RECORD_INTENT, STR("one"), true, fill_type, NULL, &error));
	assert_true(journal_write(journal, RECORD_DONE, STR("one"), false, fill_result, NULL, &error));
	assert_true(journal_write(journal, RECORD_INTENT, STR("two"), true, fill_type, "one", &error));
	assert_true(journal_write(journal, RECORD_INTENT, STR("three"), false, fill_type, NULL, &error));
	assert_true(journal_write(journal, RECORD_UNDONE, STR("three"), false, NULL, NULL, &error));
}

static void
what_is_open_is_read_back(void **context)
{
	(void)context;
	struct str error;
	struct journal_state read;
	struct journal *journal = journal_new(&arena, state, STR("r1"), &error);
	assert_non_null(journal);
	write_three(journal);
	journal_close(journal);
	assert_true(journal_read(&arena, state, STR("r1"), &read, &error));
	assert_int_equal(read.open_count, 2);
	assert_text(read.open[0].name, "one");
	assert_text(read.open[0].type, "thing");
	assert_text(json_text(read.open[0].params, "path", STR("")), "a \"b\"\n");
	assert_int_equal(json_integer(read.open[0].result, "pid", 0), 7);
	assert_null(read.open[1].result);
	assert_int_equal(read.open[1].needs.n, 1);
	assert_text(read.open[1].needs.w[0], "one");
	assert_int_equal(read.line_count, 5);
	assert_false(read.ended);
}

static void
a_torn_last_line_is_passed_over_and_then_cut_off(void **context)
{
	(void)context;
	struct str error;
	struct journal_state read;
	struct journal *journal = journal_new(&arena, state, STR("r1"), &error);
	write_three(journal);
	journal_close(journal);
	append_text(journal_path("r1"), "{\"record\":\"undone\",\"action\":\"on");
	assert_true(journal_read(&arena, state, STR("r1"), &read, &error));
	assert_int_equal(read.open_count, 2);
	journal = journal_new(&arena, state, STR("r1"), &error);
	assert_true(journal_write(journal, RECORD_UNDONE, STR("two"), false, NULL, NULL, &error));
	assert_true(journal_write(journal, RECORD_END, STR("r1"), false, NULL, NULL, &error));
	journal_close(journal);
	assert_true(journal_read(&arena, state, STR("r1"), &read, &error));
	assert_int_equal(read.open_count, 1);
	assert_true(read.ended);
	assert_true(journal_ended(state, STR("r1")));
	append_text(journal_path("r1"), "nonsense\n");
	assert_false(journal_read(&arena, state, STR("r1"), &read, &error));
	assert_non_null(strstr(str_c(&arena, error), "/journal', line 8: "));
}

static void
a_full_disk_refuses_the_whole_line(void **context)
{
	(void)context;
	struct str error;
	struct journal_state read;
	struct rlimit before, small = {1000, 1000};
	struct journal *journal = journal_new(&arena, state, STR("r1"), &error);
	write_three(journal);
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	small.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	size_t written = 0;
	while (journal_write(journal, RECORD_INTENT, STR("more"), true, fill_type, NULL, &error))
		written++;
	setrlimit(RLIMIT_FSIZE, &before);
	assert_text(error, "File too large");
	assert_true(journal_write(journal, RECORD_END, STR("r1"), false, NULL, NULL, &error));
	journal_close(journal);
	assert_true(journal_read(&arena, state, STR("r1"), &read, &error));
	assert_int_equal(read.line_count, 5 + written + 1);
}

static void
a_folder_that_cannot_be_made_is_an_error(void **context)
{
	(void)context;
	struct str error;
	append_text(str_printf(&arena, "%s/a", folder).s, "a file");
	assert_null(journal_new(&arena, state, STR("r1"), &error));
	assert_non_null(strstr(str_c(&arena, error), str_printf(&arena, "%s/a", folder).s));
}

static void
old_runs_are_pruned_but_not_open_ones(void **context)
{
	(void)context;
	struct str error;
	struct words runs;
	assert_true(journal_runs(&arena, state, &runs, &error));
	assert_int_equal(runs.n, 0);
	for (int i = 0; i < 6; i++) {
		struct str id = str_printf(&arena, "r%d", i);
		struct journal *journal = journal_new(&arena, state, id, &error);
		write_three(journal);
		if (i != 1)
			assert_true(journal_write(journal, RECORD_END, id, false, NULL, NULL, &error));
		journal_close(journal);
	}
	journal_prune(&arena, state, 2);
	assert_true(journal_runs(&arena, state, &runs, &error));
	assert_text(words_join(&arena, runs, STR(" ")), "r1 r4 r5");
}

/* Takes the lock in another process and says so by a byte; the process then waits or ends without release. */
static pid_t
lock_elsewhere(bool stay)
{
	int ends[2];
	char byte;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct lock lock;
		struct str from, error;
		bool taken = lock_take(&arena, state, &lock, &from, &error);
		if (write(ends[1], taken ? "y" : "n", 1) == 1 && stay)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	close(ends[0]);
	close(ends[1]);
	if (!stay)
		waitpid(pid, NULL, 0);
	return pid;
}

static void
a_live_owner_is_named_a_dead_one_followed(void **context)
{
	(void)context;
	struct lock lock;
	struct str from, error;
	pid_t pid = lock_elsewhere(true);
	assert_false(lock_take(&arena, state, &lock, &from, &error));
	char expected[80];
	snprintf(expected, sizeof expected, "/state/lock' is held by process %ld on ", (long)pid);
	assert_non_null(strstr(str_c(&arena, error), expected));
	assert_non_null(strstr(str_c(&arena, error), ", since 20"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(lock_take(&arena, state, &lock, &from, &error));
	snprintf(expected, sizeof expected, "process %ld on ", (long)pid);
	assert_non_null(strstr(str_c(&arena, from), expected));
	lock_release(&lock);
	lock_release(&lock);
	assert_int_equal(access(str_printf(&arena, "%s/lock", state).s, F_OK), -1);
	assert_true(lock_take(&arena, state, &lock, &from, &error));
	assert_int_equal(from.n, 0);
	lock_release(&lock);
	assert_true(os_is_file(str_printf(&arena, "%s/.gitignore", state).s));
}

static void
an_owner_on_another_machine_may_live(void **context)
{
	(void)context;
	struct lock lock;
	struct str from, error;
	lock_elsewhere(false);
	assert_true(os_write_atomic(&arena, str_printf(&arena, "%s/lock", state).s,
		STR("{\"host\":\"elsewhere\",\"pid\":7,\"start\":1,\"since\":\"noon\"}"), 0600, &error));
	assert_false(lock_take(&arena, state, &lock, &from, &error));
	assert_non_null(strstr(str_c(&arena, error), "process 7 on elsewhere, since noon"));
	assert_true(os_write_atomic(&arena, str_printf(&arena, "%s/lock", state).s, STR("{\"ho"), 0600, &error));
	assert_true(lock_take(&arena, state, &lock, &from, &error));
	assert_int_equal(from.n, 0);
	lock_release(&lock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_open_is_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_torn_last_line_is_passed_over_and_then_cut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_refuses_the_whole_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_runs_are_pruned_but_not_open_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_live_owner_is_named_a_dead_one_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_owner_on_another_machine_may_live, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
