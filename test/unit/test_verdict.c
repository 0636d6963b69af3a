/* Each sentence of "Builds and verdicts" in the language page that is about judging. */
#include "unit.h"

#include "base/arena.h"
#include "parser/ast.h"
#include "runtime/verdict.h"

static struct arena arena;
static struct regex *regexes[32];
static size_t regex_count;
static const char *files_there;

static bool
exists(void *context, struct str path)
{
	(void)context;
	return files_there && str_is(path, files_there);
}

static struct test *
test_new(struct test test)
{
	struct test *copy = arena_new(&arena, struct test);
	*copy = test;
	return copy;
}

static struct test *
exit_in(int64_t a, int64_t b)
{
	int64_t *list = arena_array(&arena, int64_t, 2);
	list[0] = a;
	list[1] = b;
	return test_new((struct test){.kind = TEST_EXIT, .compare = CONDITION_IN, .list = list, .count = 2});
}

static struct test *
exit_is(uint8_t compare, int64_t a)
{
	struct test *test = exit_in(a, a);
	test->compare = compare;
	test->count = 1;
	return test;
}

static struct test *
output(const char *pattern, bool negated)
{
	struct str error;
	size_t offset;
	struct regex *regex = regex_new(str_from(pattern), STR(""), &error, &offset, &arena);
	assert_non_null(regex);
	regexes[regex_count++] = regex;
	return test_new((struct test){.kind = TEST_OUTPUT, .regex = regex, .negated = negated});
}

static struct test *
file(const char *path)
{
	return test_new((struct test){.kind = TEST_FILE, .path = str_from(path)});
}

static struct test *
took(uint8_t compare, int64_t limit)
{
	return test_new((struct test){.kind = TEST_TIME, .compare = compare, .limit = limit});
}

static struct test *
pair(enum test_kind kind, struct test *left, struct test *right)
{
	return test_new((struct test){.kind = kind, .left = left, .right = right});
}

static struct test * not(struct test * test)
{
	return pair(TEST_NOT, test, NULL);
}

/* A build of up to three rules; a test of NULL ends them. */
struct rule_text {
	bool success;
	struct test *test;
};

static struct judge
judge_of(struct rule_text a, struct rule_text b, bool calls_verdict, int64_t timeout)
{
	struct build *build = arena_new(&arena, struct build);
	build->rules = arena_array(&arena, struct verdict_rule, 2);
	struct rule_text rules[] = {a, b};
	for (size_t i = 0; i < 2 && rules[i].test; i++)
		build->rules[build->rule_count++] = (struct verdict_rule){
			.success = rules[i].success, .test = rules[i].test, .text = i ? STR("rule 2") : STR("rule 1")};
	build->calls_verdict = calls_verdict || build->rule_count;
	build->set.timeout = timeout;
	struct judge judge;
	judge_start(&judge, &arena, build);
	return judge;
}

#define NO_RULE ((struct rule_text){false, NULL})
#define SUCCESS_WHEN(test) ((struct rule_text){true, (test)})
#define FAILED_WHEN(test) ((struct rule_text){false, (test)})

static void
ends(struct judge *judge, int status, enum verdict verdict, const char *reason)
{
	judge_end(judge, status, exists, NULL);
	assert_int_equal(judge->verdict, verdict);
	assert_text(judge->reason, reason);
}

static void
exit_status_judges_a_step_that_names_no_verdict(void **state)
{
	(void)state;
	struct judge judge = judge_of(NO_RULE, NO_RULE, false, 0);
	ends(&judge, 0, VERDICT_SUCCESS, "");
	judge = judge_of(NO_RULE, NO_RULE, false, 0);
	ends(&judge, 2, VERDICT_FAILED, "exit status 2");
	judge = judge_of(NO_RULE, NO_RULE, false, 0);
	ends(&judge, 139, VERDICT_FAILED, "exit status 139 (SIGSEGV)");
}

static void
ending_without_the_verdict_that_is_named_is_a_failure(void **state)
{
	(void)state;
	struct judge judge = judge_of(NO_RULE, NO_RULE, true, 0);
	ends(&judge, 0, VERDICT_MISSING, "ended without a verdict");
	judge = judge_of(FAILED_WHEN(output("^FAIL:", false)), NO_RULE, false, 0);
	assert_false(judge_line(&judge, STR("ok")));
	ends(&judge, 0, VERDICT_MISSING, "ended without a verdict");
	judge = judge_of(SUCCESS_WHEN(exit_in(0, 77)), NO_RULE, false, 0);
	ends(&judge, 1, VERDICT_MISSING, "ended without a verdict");
	assert_string_equal(verdict_name(judge.verdict), "build_failed");
}

static void
first_verdict_is_final(void **state)
{
	(void)state;
	struct judge judge = judge_of(NO_RULE, NO_RULE, true, 1000);
	assert_true(judge_command(&judge, true, STR("done")));
	assert_false(judge_command(&judge, false, STR("too late")));
	assert_false(judge_time(&judge, 5000));
	ends(&judge, 1, VERDICT_SUCCESS, "done");
	judge = judge_of(FAILED_WHEN(output("bad", false)), SUCCESS_WHEN(exit_is(CONDITION_EQUAL, 0)), false, 0);
	assert_true(judge_line(&judge, STR("a bad line")));
	assert_false(judge_line(&judge, STR("a bad line")));
	assert_false(judge_command(&judge, true, STR("")));
	ends(&judge, 0, VERDICT_FAILED, "rule 1");
}

static void
exit_rules(void **state)
{
	(void)state;
	struct judge judge = judge_of(SUCCESS_WHEN(exit_in(0, 77)), NO_RULE, false, 0);
	ends(&judge, 77, VERDICT_SUCCESS, "rule 1");
	judge = judge_of(SUCCESS_WHEN(exit_is(CONDITION_LESS, 4)), FAILED_WHEN(exit_is(CONDITION_GREATER_EQUAL, 4)), false, 0);
	ends(&judge, 3, VERDICT_SUCCESS, "rule 1");
	judge = judge_of(SUCCESS_WHEN(exit_is(CONDITION_LESS, 4)), FAILED_WHEN(exit_is(CONDITION_GREATER_EQUAL, 4)), false, 0);
	ends(&judge, 4, VERDICT_FAILED, "rule 2");
	judge = judge_of(SUCCESS_WHEN(exit_is(CONDITION_UNEQUAL, 4)), NO_RULE, false, 0);
	ends(&judge, 4, VERDICT_MISSING, "ended without a verdict");
}

static void
rules_that_hold_together_fall_in_file_order(void **state)
{
	(void)state;
	struct judge judge = judge_of(SUCCESS_WHEN(output("x", false)), FAILED_WHEN(output("x", false)), false, 0);
	assert_true(judge_line(&judge, STR("x")));
	assert_int_equal(judge.verdict, VERDICT_SUCCESS);
	judge = judge_of(SUCCESS_WHEN(exit_in(0, 0)), FAILED_WHEN(exit_in(0, 0)), false, 0);
	ends(&judge, 0, VERDICT_SUCCESS, "rule 1");
}

static void
output_rules_look_at_each_line_while_it_runs(void **state)
{
	(void)state;
	struct judge judge = judge_of(FAILED_WHEN(pair(TEST_AND, output("a", false), output("b", false))), NO_RULE, false, 0);
	assert_true(judge.wants_output);
	assert_false(judge_line(&judge, STR("only a")));
	assert_true(judge_line(&judge, STR("b")));
	assert_false(judge.wants_output);
	judge = judge_of(FAILED_WHEN(output("^ok", true)), NO_RULE, false, 0);
	assert_false(judge_line(&judge, STR("ok 1")));
	assert_true(judge_line(&judge, STR("not ok")));
}

static void
what_is_not_certain_waits_for_the_end(void **state)
{
	(void)state;
	/* `not output` is certain only when no line can come any more. */
	struct judge judge = judge_of(SUCCESS_WHEN(not(output("error", false))), NO_RULE, false, 0);
	assert_false(judge_line(&judge, STR("fine")));
	ends(&judge, 1, VERDICT_SUCCESS, "rule 1");
	judge = judge_of(SUCCESS_WHEN(not(output("error", false))), NO_RULE, false, 0);
	assert_false(judge_line(&judge, STR("error")));
	assert_false(judge.wants_output);
	ends(&judge, 0, VERDICT_MISSING, "ended without a verdict");
	/* An `or` is certain as soon as one side is, an `and` false as soon as one side is. */
	judge = judge_of(FAILED_WHEN(pair(TEST_OR, exit_in(1, 1), output("bad", false))), NO_RULE, false, 0);
	assert_true(judge_line(&judge, STR("bad")));
	judge = judge_of(FAILED_WHEN(not(pair(TEST_AND, exit_in(0, 0), not(output("bad", false))))), NO_RULE, false, 0);
	assert_true(judge_line(&judge, STR("bad")));
}

static void
file_rules_are_asked_at_the_end(void **state)
{
	(void)state;
	struct judge judge = judge_of(SUCCESS_WHEN(pair(TEST_AND, not(file("a")), file("b"))), NO_RULE, false, 0);
	files_there = "b";
	ends(&judge, 5, VERDICT_SUCCESS, "rule 1");
	judge = judge_of(SUCCESS_WHEN(file("a")), FAILED_WHEN(file("b")), false, 0);
	ends(&judge, 0, VERDICT_FAILED, "rule 2");
	files_there = NULL;
}

static void
time_rules_fire_when_they_are_certain(void **state)
{
	(void)state;
	struct judge judge = judge_of(FAILED_WHEN(took(CONDITION_GREATER, 1000)), NO_RULE, false, 0);
	assert_int_equal(judge_next_time(&judge), 1000);
	assert_false(judge_time(&judge, 1000));
	assert_int_equal(judge_next_time(&judge), 1001);
	assert_true(judge_time(&judge, 1001));
	judge = judge_of(SUCCESS_WHEN(took(CONDITION_LESS, 1000)), NO_RULE, false, 0);
	assert_false(judge_time(&judge, 10));
	ends(&judge, 0, VERDICT_SUCCESS, "rule 1");
	judge = judge_of(SUCCESS_WHEN(took(CONDITION_LESS, 1000)), NO_RULE, false, 0);
	assert_false(judge_time(&judge, 1000));
	ends(&judge, 0, VERDICT_MISSING, "ended without a verdict");
	judge = judge_of(FAILED_WHEN(took(CONDITION_GREATER_EQUAL, 1000)), NO_RULE, false, 0);
	assert_true(judge_time(&judge, 1000));
}

static void
a_timeout_is_a_failure(void **state)
{
	(void)state;
	struct judge judge = judge_of(SUCCESS_WHEN(exit_in(0, 0)), NO_RULE, false, 1000);
	assert_int_equal(judge_next_time(&judge), 1000);
	assert_false(judge_time(&judge, 999));
	assert_true(judge_time(&judge, 1000));
	ends(&judge, 0, VERDICT_TIMEOUT, "timed out");
	assert_string_equal(verdict_name(judge.verdict), "build_failed");
	judge = judge_of(NO_RULE, NO_RULE, false, 0);
	assert_false(judge_time(&judge, INT64_MAX / 2));
	assert_true(judge_next_time(&judge) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_status_judges_a_step_that_names_no_verdict),
		cmocka_unit_test(ending_without_the_verdict_that_is_named_is_a_failure),
		cmocka_unit_test(first_verdict_is_final),
		cmocka_unit_test(exit_rules),
		cmocka_unit_test(rules_that_hold_together_fall_in_file_order),
		cmocka_unit_test(output_rules_look_at_each_line_while_it_runs),
		cmocka_unit_test(what_is_not_certain_waits_for_the_end),
		cmocka_unit_test(file_rules_are_asked_at_the_end),
		cmocka_unit_test(time_rules_fire_when_they_are_certain),
		cmocka_unit_test(a_timeout_is_a_failure),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	while (regex_count)
		regex_free(regexes[--regex_count]);
	arena_free(&arena);
	return failed;
}
