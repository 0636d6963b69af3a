/* Recipes: how they run, what they see, how they end. */
#include "engine.h"

#include <sys/stat.h>

/* Runs one recipe as the only step of a run. */
static enum exit_status
run_recipe(struct engine *engine, const char *recipe)
{
	engine_step(engine, "it", recipe, false);
	return engine_execute(engine);
}

static struct str
log_of(struct engine *engine, const char *step)
{
	return engine_file(engine, str_printf(&engine->arena, ".edcc/runs/%.*s/log/%s.log", STR_ARG(engine_run(engine)), step).s);
}

static void
a_recipe_is_plain_bash_in_one_process(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	assert_int_equal(
		run_recipe(engine,
			"x=1\ncd /\necho \"$x $PWD $0\" $((1 + 1)) {a,b}\ncat <<E\n  here $x\nE\nread -r y; echo \"in: $?\"\n"),
		0);
	assert_text(log_of(engine, "it"), "1 / it 2 a b\n  here 1\nin: 1\n");
	engine_free(engine);
}

static void
unset_variables_are_errors(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	assert_int_equal(run_recipe(engine, "echo $no_such_variable\n"), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "it: line 1: no_such_variable: unbound variable");
	assert_has(engine, "verdict it|build_failed|exit status 127|");
	engine_free(engine);
}

static void
the_environment_is_what_is_promised(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	assert_int_equal(run_recipe(engine, "echo "
					    "\"$EDCC_PROJECT/$EDCC_PROVIDER/$EDCC_REGION/$EDCC_BUCKET/$EDCC_TOPIC/$COMMIT/$CC/"
					    "$JOBS/${EDCC_RUN:0:2}\"\n"),
		0);
	assert_has(engine, "output it|test/local/////gcc/1/20\n");
	engine_free(engine);
}

static void
a_plain_command_runs_without_a_shell(void **state)
{
	(void)state;
	struct arena arena = {0};
	static const char *const plain[] = {"true", "make -j4 all", "./run --x=1 a,b", "  cc -c -o a.o a.c\n", NULL};
	static const char *const shell[] = {"", "echo x", "a=1 make", "make $x", "make | tee", "cd x", "true x", "make *.c",
		"make; make", "a\nb", "! true", "make 'a b'", "make # all", "make ~/x", "make&", "time make", "x=y", "make\ta",
		NULL};
	for (size_t i = 0; plain[i]; i++)
		if (!recipe_plain_command(&arena, str_from(plain[i])))
			fail_msg("'%s' is plain", plain[i]);
	for (size_t i = 0; shell[i]; i++)
		if (recipe_plain_command(&arena, str_from(shell[i])))
			fail_msg("'%s' is not plain", shell[i]);
	char **argv = recipe_plain_command(&arena, STR(" make  -j4 all\n"));
	assert_string_equal(argv[0], "make");
	assert_string_equal(argv[1], "-j4");
	assert_string_equal(argv[2], "all");
	assert_null(argv[3]);
	arena_free(&arena);
	struct engine *engine = engine_new();
	assert_int_equal(run_recipe(engine, "no-such-program-here"), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "it: line 1: no-such-program-here: command not found");
	assert_has(engine, "verdict it|build_failed|exit status 127|");
	engine_free(engine);
}

static void
a_long_recipe_and_one_with_its_own_interpreter(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct buf recipe = buf_new(&engine->arena);
	while (recipe.n < 200000)
		buf_add_c(&recipe, ": a line that makes this recipe too long for one argument\n");
	buf_add_c(&recipe, "echo \"long $0\"; echo $unset_here\n");
	assert_int_equal(run_recipe(engine, buf_c(&recipe)), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "/recipe/it\n");
	assert_has(engine, "unset_here: unbound variable");
	engine_free(engine);
	engine = engine_new();
	assert_int_equal(run_recipe(engine, "#!/bin/sh\necho \"sh $unset_here.\"\n"), 0);
	assert_has(engine, "output it|sh .\n");
	engine_free(engine);
}

static void
commands_give_the_verdict_from_anywhere(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	assert_int_equal(run_recipe(engine, "bash -c 'env -u EDCC_NOTHING build_success all is well'; echo after; exit 3\n"), 0);
	assert_has(engine, "verdict it|build_success|all is well|");
	assert_has(engine, "output it|after\n");
	engine_free(engine);
	engine = engine_new();
	int64_t before = os_now_ms();
	assert_int_equal(
		run_recipe(engine, "echo before\nbuild_failed 'it is broken'\necho after\nsleep 30\n"), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "output it|before\n");
	assert_has_not(engine, "after");
	assert_has(engine, "verdict it|build_failed|it is broken|");
	assert_true(os_now_ms() - before < 4000);
	engine_free(engine);
	engine = engine_new();
	assert_int_equal(run_recipe(engine, "echo build_success\n"), EXIT_STATUS_NO_VERDICT);
	assert_has(engine, "verdict it|build_failed|ended without a verdict|");
	engine_free(engine);
}

static void
output_before_a_command_is_judged_before_it(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	struct str error;
	size_t offset;
	struct test test = {.kind = TEST_OUTPUT, .regex = regex_new(STR("^FAIL"), STR(""), &error, &offset, &engine->arena)};
	struct verdict_rule rule = {.test = &test, .text = STR("output ~ /^FAIL/")};
	engine_step(engine, "it", "echo FAIL; build_success\n", false);
	engine->project.builds[0].rules = &rule;
	engine->project.builds[0].rule_count = 1;
	for (int i = 0; i < 5; i++)
		assert_int_equal(engine_execute(engine), EXIT_STATUS_BUILD_FAILED);
	assert_has_not(engine, "verdict it|build_success");
	regex_free(test.regex);
	engine_free(engine);
}

static void
a_recipe_that_ignores_term_is_killed_at_its_timeout(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	int64_t before = os_now_ms();
	engine_step(engine, "it", "trap '' TERM\nwhile :; do sleep 1; done\n", false);
	engine->project.builds[0].set.timeout = 300;
	assert_int_equal(engine_execute(engine), EXIT_STATUS_NO_VERDICT);
	assert_has(engine, "verdict it|build_failed|timed out|");
	assert_true(os_now_ms() - before < 8000);
	engine_free(engine);
}

/* A process that has ended may wait for its parent, but has no memory any more. */
static bool
lives(struct engine *engine, const char *before)
{
	char path[64], byte;
	snprintf(path, sizeof path, "/proc/%ld/environ", atol(strstr(engine_lines(engine), before) + strlen(before)));
	FILE *file = fopen(path, "r");
	bool some = file && fread(&byte, 1, 1, file) == 1;
	if (file)
		fclose(file);
	return some;
}

static void
a_daemon_left_behind_is_ended(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	int64_t before = os_now_ms();
	assert_int_equal(run_recipe(engine, "setsid sleep 3000 & echo started $!\n"), 0);
	assert_true(os_now_ms() - before < 4000);
	assert_has(engine, "warning |step 'it' left processes running; they are ended");
	assert_false(lives(engine, "started "));
	engine_free(engine);
	/* One that lets go of the output is not seen until the run's end. */
	engine = engine_new();
	assert_int_equal(run_recipe(engine, "setsid sleep 3000 >/dev/null 2>&1 & echo started $!\n"), 0);
	assert_false(lives(engine, "started "));
	engine_free(engine);
}

static void
output_is_bounded(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	/* Nobody listens: the log is looked at. */
	events_free(engine->events);
	engine->events = events_new();
	assert_int_equal(run_recipe(engine, "head -c 40000000 /dev/zero | tr '\\0' x | fold -w 99; echo the end\n"), 0);
	struct str log = log_of(engine, "it");
	assert_true(log.n > (17 << 20) && log.n < (17 << 20) + 200);
	assert_true(str_ends(log, STR("xxthe end\n")));
	struct str middle = str_part(log, (16 << 20), (16 << 20) + 60);
	assert_non_null(memmem(middle.s, middle.n, " bytes are left out here ", 25));
	engine_free(engine);
}

static void
a_line_without_end_is_passed_on_in_pieces(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	assert_int_equal(run_recipe(engine, "head -c 300000 /dev/zero | tr '\\0' y; printf 'end'\n"), 0);
	struct str log = log_of(engine, "it");
	assert_int_equal(log.n, 300003);
	assert_true(str_ends(log, STR("yend")));
	assert_has(engine, "yyend\n");
	engine_free(engine);
}

static void
it_runs_in_its_folder_and_says_where_there_is_none(void **state)
{
	(void)state;
	struct engine *engine = engine_new();
	engine_step(engine, "it", "pwd\n", false);
	engine->project.builds[0].set.dir = STR("sub");
	assert_int_equal(engine_execute(engine), EXIT_STATUS_BUILD_FAILED);
	assert_has(engine, "/sub': no such folder");
	assert_int_equal(mkdir(str_printf(&engine->arena, "%s/sub", engine->dir).s, 0755), 0);
	assert_int_equal(engine_execute(engine), 0);
	assert_has(engine, "/sub\n");
	engine_free(engine);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_recipe_is_plain_bash_in_one_process),
	cmocka_unit_test(unset_variables_are_errors),
	cmocka_unit_test(the_environment_is_what_is_promised),
	cmocka_unit_test(a_plain_command_runs_without_a_shell),
	cmocka_unit_test(a_long_recipe_and_one_with_its_own_interpreter),
	cmocka_unit_test(commands_give_the_verdict_from_anywhere),
	cmocka_unit_test(output_before_a_command_is_judged_before_it),
	cmocka_unit_test(a_recipe_that_ignores_term_is_killed_at_its_timeout),
	cmocka_unit_test(a_daemon_left_behind_is_ended),
	cmocka_unit_test(output_is_bounded),
	cmocka_unit_test(a_line_without_end_is_passed_on_in_pieces),
	cmocka_unit_test(it_runs_in_its_folder_and_says_where_there_is_none),
};

ENGINE_MAIN(tests)
