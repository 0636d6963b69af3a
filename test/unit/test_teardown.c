/* Whole runs that are ended from outside, and what removes the rest of one: interrupts, limits, locks, destroy. */
#include "thing.h"

#include <pthread.h>
#include <sys/wait.h>

static void
what_cannot_be_removed_is_named(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	engine_action(engine, &thing, "under", UINT32_MAX, false);
	engine_action(engine, &thing, "sticky", UINT32_MAX, true);
	engine_action(engine, &thing, "other", UINT32_MAX, false);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_TEARDOWN);
	assert_has(engine, "failed sticky|it sticks|");
	assert_has(engine, "is incomplete, still there: 'under', 'sticky'|edcc destroy removes it|");
	assert_false(thing_exists(engine, "other"));
	assert_true(thing_exists(engine, "under"));
	engine_free(engine);
}

/* Raises the flag a while after the step has made the file "begun". */
struct presser {
	struct engine *engine;
	int fd;
	int64_t after_ms;
};

static void *
press(void *context)
{
	const struct presser *presser = context;
	for (int i = 0; i < 6000 && !thing_exists(presser->engine, "begun"); i++)
		usleep(10000);
	usleep((useconds_t)presser->after_ms * 1000);
	eventfd_write(presser->fd, 1);
	return NULL;
}

static void
the_first_interrupt_tears_down(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct on_block on = {.recipe = STR("echo lost"), .set.timeout = 9000};
	pthread_t thread;
	engine->project.ons = &on;
	engine->project.on_count = 1;
	engine_action(engine, &thing, "base", UINT32_MAX, false);
	engine_step(engine, "long", "touch begun; sleep 100", true);
	engine_step(engine, "next", "echo next", true);
	engine_action(engine, &action_follow, "on build_failed", 0, false)->when = ACTION_FAILED;
	struct presser presser = {engine, engine->options.cancel.fd, 0};
	int64_t before = os_now_ms();
	pthread_create(&thread, NULL, press, &presser);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_INTERRUPTED);
	pthread_join(thread, NULL);
	assert_true(os_now_ms() - before < 50000);
	assert_has(engine, "skipped step long|interrupted|");
	assert_has(engine, "undone base");
	assert_has(engine, "|interrupted, and torn down||130\n");
	assert_has_not(engine, "next|");
	assert_has_not(engine, "lost");
	assert_clean(engine);
	engine_free(engine);
}

static void
a_run_that_takes_too_long_has_failed(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct on_block on = {.recipe = STR("echo lost"), .set.timeout = 9000};
	engine->project.ons = &on;
	engine->project.on_count = 1;
	engine->project.limits.time = 300;
	engine_step(engine, "long", "sleep 100", false);
	engine_action(engine, &action_follow, "on build_failed", 0, false)->when = ACTION_FAILED;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_NO_VERDICT);
	assert_has(engine, "verdict |build_failed|timed out: ");
	assert_has(engine, "lost");
	engine_free(engine);
}

static void
a_second_run_is_refused_while_one_goes_on(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct lock lock;
	struct str from, error;
	assert_true(lock_take(&engine->arena, engine->state, &lock, &from, &error));
	engine_step(engine, "a", "echo never", false);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_USAGE);
	assert_has(engine, "another run is going on: ");
	assert_has_not(engine, "never");
	assert_int_equal(execute_destroy(engine->state, STR(""), engine->events, &engine->options), EXIT_STATUS_USAGE);
	lock_release(&lock);
	engine_free(engine);
}

static void
destroy_is_idempotent(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	assert_int_equal(execute_destroy(engine->state, STR(""), engine->events, &engine->options), EXIT_STATUS_SUCCESS);
	assert_false(os_is_folder(engine->state));
	engine_step(engine, "a", "true", false);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	assert_int_equal(execute_destroy(engine->state, STR(""), engine->events, &engine->options), EXIT_STATUS_SUCCESS);
	assert_has(engine, "end |nothing is left");
	assert_int_equal(execute_destroy(engine->state, STR("nope"), engine->events, &engine->options), EXIT_STATUS_USAGE);
	assert_has(engine, "there is no run 'nope' in ");
	engine_free(engine);
}

static void
the_second_interrupt_lets_go(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	pid_t pid = fork();
	if (pid == 0) {
		engine_action(engine, &thing, "base", UINT32_MAX, false);
		engine_step(engine, "long", "trap '' TERM; touch begun; sleep 100", true);
		struct presser first = {engine, engine->options.cancel.fd, 0}, second = {engine, engine->options.let_go.fd, 200};
		pthread_t threads[2];
		pthread_create(&threads[0], NULL, press, &first);
		pthread_create(&threads[1], NULL, press, &second);
		_exit((int)engine_execute(engine));
	}
	int status;
	eventfd_t count;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), EXIT_STATUS_TEARDOWN);
	assert_int_equal(eventfd_read(engine->options.cancel.fd, &count) + eventfd_read(engine->options.let_go.fd, &count), 0);
	assert_true(thing_exists(engine, "base"));
	/* The next run finds the dead one; a thing is not among the provider's types, so only its processes end. */
	struct str run = engine_run(engine);
	struct str mark = run_mark(&engine->arena, run);
	engine_step(engine, "a", "true", false);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_TEARDOWN);
	assert_has(engine, "note |the lock of process ");
	assert_has(engine, "ended without its teardown, which is done now");
	assert_has(engine, "failed base|this edcc does not know how to remove a 'thing'|");
	assert_int_equal(os_end_marked(&engine->arena, mark.s, 0), 0);
	engine_free(engine);
}

static void
a_broken_journal_is_said(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct str error;
	engine_step(engine, "a", "true", false);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	char *path = str_c(
		&engine->arena, str_printf(&engine->arena, "%s/runs/%.*s/journal", engine->state, STR_ARG(engine_run(engine))));
	assert_true(os_write_atomic(&engine->arena, path, STR("{\"record\":\"run\"}\nnonsense\n"), 0600, &error));
	assert_int_equal(execute_destroy(engine->state, STR(""), engine->events, &engine->options), EXIT_STATUS_TEARDOWN);
	assert_has(engine, "/journal', line 2: ");
	assert_has(engine, "look for what else it made, then remove '");
	engine_free(engine);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_cannot_be_removed_is_named),
	cmocka_unit_test(the_first_interrupt_tears_down),
	cmocka_unit_test(a_run_that_takes_too_long_has_failed),
	cmocka_unit_test(a_second_run_is_refused_while_one_goes_on),
	cmocka_unit_test(destroy_is_idempotent),
	cmocka_unit_test(the_second_interrupt_lets_go),
	cmocka_unit_test(a_broken_journal_is_said),
};

ENGINE_MAIN(tests)
