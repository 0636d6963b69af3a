/* Whole runs with actions made by hand: order, failure, hosts, what is kept. */
#include "thing.h"

#include "runtime/distcc.h"
#include "runtime/teardown.h"

static bool
fail_thing(struct run *run, const struct action *action, struct failure *failure)
{
	if (!make_thing(run, action, failure))
		return false;
	failure_set(failure, EXIT_STATUS_PROVIDER, "no luck with %.*s", STR_ARG(action->name));
	failure_hint(failure, "try again");
	return false;
}

static const struct action_type bad_thing = {.name = "thing", .section = SECTION_FLEET, .run = fail_thing, .undo = remove_thing};

/* Where distcc's list is. */
static void
make_client_folder(struct run *run)
{
	struct arena arena = {0};
	struct str error;
	assert_true(os_make_folders(&arena, distcc_client_folder(&arena, run).s, true, &error));
	arena_free(&arena);
}

static bool
no_canary(struct run *run, const struct action *action, struct failure *failure)
{
	(void)action;
	make_client_folder(run);
	failure_set(failure, EXIT_STATUS_PROVIDER, "it does not answer");
	return false;
}

static bool
good_canary(struct run *run, const struct action *action, struct failure *failure)
{
	(void)failure;
	make_client_folder(run);
	run_host_ready(run, &run->hosts[action->index]);
	return true;
}

static const struct action_type canary = {.name = "canary", .section = SECTION_SETUP, .optional = true, .run = good_canary};
static const struct action_type dead_canary = {.name = "canary", .section = SECTION_SETUP, .optional = true, .run = no_canary};

static bool
store(struct run *run, const struct action *action, struct failure *failure)
{
	(void)run;
	if (!str_is(action->name, "artifact bad"))
		return true;
	failure_set(failure, EXIT_STATUS_BUILD_FAILED, "cannot store it");
	return false;
}

static const struct action_type artifact = {.name = "artifact", .section = SECTION_ARTIFACTS, .run = store};

static size_t
place_of(struct engine *engine, const char *part)
{
	const char *at = strstr(engine_lines(engine), part);
	if (!at)
		fail_msg("missing: %s in\n%s", part, engine_lines(engine));
	return (size_t)(at - engine_lines(engine));
}

static void
a_run_makes_builds_and_removes_in_reverse(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	engine_action(engine, &thing, "base", UINT32_MAX, false);
	engine_action(engine, &thing, "upper", UINT32_MAX, true);
	engine_step(engine, "compile", "test -e base -a -e upper; echo there", true);
	engine_action(engine, &artifact, "artifact 1", 0, false)->when = ACTION_SUCCESS;
	engine_action(engine, &artifact, "artifact no", 0, false)->when = ACTION_FAILED;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	assert_true(place_of(engine, "done base") < place_of(engine, "action upper"));
	assert_true(place_of(engine, "done upper") < place_of(engine, "action step compile"));
	assert_true(place_of(engine, "done artifact 1") < place_of(engine, "verdict |build_success|"));
	assert_true(place_of(engine, "undone upper") < place_of(engine, "undone base"));
	assert_has(engine, "|build_success||0\n");
	assert_has_not(engine, "artifact no");
	assert_false(thing_exists(engine, "base") || thing_exists(engine, "upper"));
	assert_clean(engine);
	engine_free(engine);
}

static void
what_needs_a_failed_step_is_skipped(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	engine_step(engine, "a", "exit 4", false);
	engine_step(engine, "b", "echo b", true);
	engine_step(engine, "c", "echo c", true);
	engine_step(engine, "d", "echo free", false);
	engine_action(engine, &artifact, "artifact logs", 0, false)->when = ACTION_ALWAYS;
	engine_action(engine, &artifact, "artifact none", 0, false)->when = ACTION_SUCCESS;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "skipped step b|it needs 'step a', which failed|");
	assert_has(engine, "skipped step c|it needs 'step a', which failed|");
	assert_has(engine, "output d|free\n");
	assert_has(engine, "done artifact logs");
	assert_has_not(engine, "artifact none");
	assert_has(engine, "verdict |build_failed|step a: exit status 4|");
	assert_has(engine, "|build_failed: step a: exit status 4||2\n");
	assert_clean(engine);
	engine_free(engine);
}

static void
a_success_that_cannot_be_stored_is_none(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct on_block ons[2] = {{.success = true, .recipe = STR("echo we won"), .set.timeout = 9000},
		{.recipe = STR("echo we lost"), .set.timeout = 9000}};
	engine->project.ons = ons;
	engine->project.on_count = 2;
	engine_step(engine, "a", "true", false);
	engine_action(engine, &artifact, "artifact bad", 0, false)->when = ACTION_SUCCESS;
	engine_action(engine, &action_follow, "on build_success", 0, false)->when = ACTION_SUCCESS;
	engine_action(engine, &action_follow, "on build_failed", 1, false)->when = ACTION_FAILED;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "verdict |build_failed|artifact bad: cannot store it|");
	assert_has(engine, "we lost");
	assert_has_not(engine, "we won");
	engine_free(engine);
}

static void
what_follows_may_fail_after_a_success(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct on_block on = {.success = true, .recipe = STR("exit 3"), .set.timeout = 9000};
	engine->project.ons = &on;
	engine->project.on_count = 1;
	engine_step(engine, "a", "true", false);
	engine_action(engine, &action_follow, "on build_success", 0, false)->when = ACTION_SUCCESS;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "verdict |build_success||");
	assert_has(engine, "|build_success, but what follows it failed: on build_success: exit status 3||2\n");
	engine_free(engine);
}

static void
a_failed_creation_is_torn_down_too(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	engine_action(engine, &thing, "base", UINT32_MAX, false);
	engine_action(engine, &bad_thing, "half", UINT32_MAX, true);
	engine_step(engine, "compile", "echo never", true);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_PROVIDER);
	assert_has(engine, "failed half|no luck with half|try again|");
	assert_has(engine, "undone half");
	assert_has_not(engine, "never");
	assert_false(thing_exists(engine, "half") || thing_exists(engine, "base"));
	assert_clean(engine);
	engine_free(engine);
}

static void
add_hosts(struct engine *engine, uint32_t good, uint32_t bad)
{
	uint32_t first = engine->plan.count, count = good + bad;
	engine->world.hosts = arena_array(&engine->arena, struct planned_host, count);
	engine->world.host_count = count;
	for (uint32_t i = 0; i < count; i++) {
		engine->world.hosts[i] = (struct planned_host){.name = str_printf(&engine->arena, "h%u", i), .slots = 1};
		engine_action(engine, i < good ? &canary : &dead_canary, str_printf(&engine->arena, "canary h%u", i).s, i, false);
	}
	struct action *step = engine_step(engine, "compile", "echo built", false);
	step->needs = arena_array(&engine->arena, uint32_t, count);
	for (uint32_t i = 0; i < count; i++)
		step->needs[step->need_count++] = first + i;
}

static void
a_host_that_fails_is_taken_out_while_enough_are_left(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	add_hosts(engine, 2, 1);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	assert_has(engine, "host h2|out|it does not answer|");
	assert_has(engine, "output compile|built\n");
	engine_free(engine);
	engine = engine_new();
	struct instance_group group = {.set = {.count = 3, .minimum = 3}};
	engine->project.groups = &group;
	engine->project.group_count = 1;
	add_hosts(engine, 2, 1);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_PROVIDER);
	assert_has(engine, "skipped step compile|it needs 'canary h2', which failed|");
	engine_free(engine);
	engine = engine_new();
	add_hosts(engine, 0, 2);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_PROVIDER);
	assert_has_not(engine, "built");
	engine_free(engine);
}

static bool
lose_host(struct run *run, const struct action *action, struct failure *failure)
{
	(void)failure;
	run_host_out(run, &run->hosts[action->index], STR("it burns"));
	return true;
}

static void
later_steps_know_of_a_host_that_is_lost(void **state)
{
	(void)state;
	static const struct action_type loss = {.name = "loss", .section = SECTION_SETUP, .run = lose_host};
	struct engine *engine = engine_new();
	setenv("DISTCC_HOSTS", "elsewhere", 1);
	add_hosts(engine, 2, 0);
	static const char show[] = "echo \"[$EDCC_HOSTS] ${DISTCC_HOSTS-none} $(cat $DISTCC_DIR/hosts)\"";
	engine->project.builds[0].recipe = str_from(show);
	engine_action(engine, &loss, "loss", 1, true);
	engine_step(engine, "later", show, true);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	assert_has(engine, "output compile|[h0 h1] none --localslots=0 --localslots_cpp=0 /1 /1\n");
	assert_has(engine, "host h1|out|it burns|");
	assert_has(engine, "output later|[h0] none --localslots=0 --localslots_cpp=0 /1\n");
	unsetenv("DISTCC_HOSTS");
	engine_free(engine);
}

static void
a_fleet_is_kept_until_destroy(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	engine_action(engine, &thing, "kept", UINT32_MAX, false);
	add_hosts(engine, 1, 0);
	engine->options.keep = true;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	assert_true(thing_exists(engine, "kept"));
	assert_has(engine, "is kept: edcc destroy removes it");
	struct str first = engine_run(engine);
	/* The next run leaves it alone. */
	engine->options.keep = false;
	unlink(str_printf(&engine->arena, "%s/kept", engine->dir).s);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	assert_false(journal_ended(engine->state, first));
	const struct action_type *const types[] = {&thing, NULL};
	struct run run = {.events = engine->events};
	struct failure failure = {.arena = &engine->arena};
	assert_true(run_open(&run, engine->state, first, &failure));
	assert_int_equal(teardown_run(&run, types, EXIT_STATUS_SUCCESS, (struct os_cancel){-1}), TEARDOWN_CLEAN);
	run_close(&run);
	assert_true(journal_ended(engine->state, first));
	engine_free(engine);
}

static void
steps_run_side_by_side_where_they_may(void **state)
{
	(void)state;
	/* Each waits for the other: only together can they end. */
	struct engine *engine = engine_new();
	engine->project.limits.parallel = 2;
	engine_step(engine, "a", "touch a; until [ -e b ]; do sleep 0.01; done", false);
	engine_step(engine, "b", "touch b; until [ -e a ]; do sleep 0.01; done", false);
	engine->project.builds[0].set.timeout = engine->project.builds[1].set.timeout = 5000;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	engine_free(engine);
	engine = engine_new();
	for (int i = 0; i < 8; i++)
		engine_step(engine, str_printf(&engine->arena, "s%d", i).s, "mkdir alone; sleep 0.01; rmdir alone", false);
	assert_int_equal(engine_execute(engine), EXIT_STATUS_SUCCESS);
	assert_true(place_of(engine, "done step s0") < place_of(engine, "action step s1"));
	assert_true(place_of(engine, "done step s6") < place_of(engine, "action step s7"));
	engine_free(engine);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_run_makes_builds_and_removes_in_reverse),
	cmocka_unit_test(what_needs_a_failed_step_is_skipped),
	cmocka_unit_test(a_success_that_cannot_be_stored_is_none),
	cmocka_unit_test(what_follows_may_fail_after_a_success),
	cmocka_unit_test(a_failed_creation_is_torn_down_too),
	cmocka_unit_test(a_host_that_fails_is_taken_out_while_enough_are_left),
	cmocka_unit_test(later_steps_know_of_a_host_that_is_lost),
	cmocka_unit_test(a_fleet_is_kept_until_destroy),
	cmocka_unit_test(steps_run_side_by_side_where_they_may),
};

ENGINE_MAIN(tests)
