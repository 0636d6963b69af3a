#include "runtime/verdict.h"
#include "base/arena.h"
#include "parser/ast.h"

#include <string.h>

enum truth {
	FALSE,
	OPEN, /* what it asks has not been seen yet */
	TRUE,
};

/* A walk over the tests of a build in depth-first order; it counts those of each kind, which is how judge.seen and judge.files are numbered. */
struct walk {
	const struct judge *judge;
	size_t outputs, files;
	size_t open_outputs;
};

static size_t
count_tests(const struct test *test, enum test_kind kind)
{
	if (!test)
		return 0;
	return (test->kind == kind) + count_tests(test->left, kind) + count_tests(test->right, kind);
}

void
judge_start(struct judge *judge, struct arena *arena, const struct build *build)
{
	size_t outputs = 0, files = 0;
	for (uint32_t i = 0; i < build->rule_count; i++) {
		outputs += count_tests(build->rules[i].test, TEST_OUTPUT);
		files += count_tests(build->rules[i].test, TEST_FILE);
	}
	*judge = (struct judge){.arena = arena, .build = build, .wants_output = outputs > 0};
	judge->seen = outputs ? arena_array(arena, bool, outputs) : NULL;
	judge->files = files ? arena_array(arena, bool, files) : NULL;
}

static bool
compares(uint8_t compare, int64_t a, int64_t b)
{
	switch (compare) {
	case CONDITION_EQUAL:
		return a == b;
	case CONDITION_UNEQUAL:
		return a != b;
	case CONDITION_LESS:
		return a < b;
	case CONDITION_LESS_EQUAL:
		return a <= b;
	case CONDITION_GREATER:
		return a > b;
	case CONDITION_GREATER_EQUAL:
		return a >= b;
	default:
		return false;
	}
}

static enum truth
exit_truth(const struct judge *judge, const struct test *test)
{
	if (!judge->ended)
		return OPEN;
	if (test->compare != CONDITION_IN)
		return test->count && compares(test->compare, judge->status, test->list[0]) ? TRUE : FALSE;
	for (size_t i = 0; i < test->count; i++)
		if (test->list[i] == judge->status)
			return TRUE;
	return FALSE;
}

/* Time only grows: once past the limit, what it compares as stays. */
static enum truth
time_truth(const struct judge *judge, const struct test *test)
{
	bool now = compares(test->compare, judge->elapsed, test->limit);
	if (judge->ended || judge->elapsed > test->limit)
		return now ? TRUE : FALSE;
	if (judge->elapsed == test->limit && test->compare == CONDITION_GREATER_EQUAL)
		return TRUE;
	if (judge->elapsed == test->limit && test->compare == CONDITION_LESS)
		return FALSE;
	return OPEN;
}

static enum truth test_truth(struct walk *, const struct test *);

/* Both sides are always walked, so that the numbering holds. */
static enum truth
pair_truth(struct walk *walk, const struct test *test)
{
	enum truth left = test_truth(walk, test->left), right = test_truth(walk, test->right);
	if (test->kind == TEST_OR)
		return left > right ? left : right;
	return left < right ? left : right;
}

static enum truth
test_truth(struct walk *walk, const struct test *test)
{
	const struct judge *judge = walk->judge;
	size_t index;
	switch (test->kind) {
	case TEST_OR:
	case TEST_AND:
		return pair_truth(walk, test);
	case TEST_NOT:
		return TRUE - test_truth(walk, test->left);
	case TEST_EXIT:
		return exit_truth(judge, test);
	case TEST_TIME:
		return time_truth(judge, test);
	case TEST_OUTPUT:
		index = walk->outputs++;
		walk->open_outputs += !judge->seen[index];
		return judge->seen[index] ? TRUE : judge->ended ? FALSE : OPEN;
	case TEST_FILE:
		index = walk->files++;
		return !judge->ended ? OPEN : judge->files[index] ? TRUE : FALSE;
	}
	return FALSE;
}

static bool
decide(struct judge *judge, enum verdict verdict, struct str reason)
{
	judge->verdict = verdict;
	judge->reason = reason;
	judge->wants_output = false;
	return true;
}

/* The first rule, in file order, that is certain now. */
static bool
apply_rules(struct judge *judge)
{
	struct walk walk = {.judge = judge};
	if (judge->verdict != VERDICT_NONE)
		return false;
	for (uint32_t i = 0; i < judge->build->rule_count; i++) {
		const struct verdict_rule *rule = &judge->build->rules[i];
		if (test_truth(&walk, rule->test) == TRUE)
			return decide(judge, rule->success ? VERDICT_SUCCESS : VERDICT_FAILED, rule->text);
	}
	judge->wants_output = walk.open_outputs > 0;
	return false;
}

/* Marks the output tests that the line makes true; *index counts through them. True where there was one. */
static bool
mark_seen(struct judge *judge, const struct test *test, struct str line, size_t *index)
{
	if (!test)
		return false;
	if (test->kind == TEST_OUTPUT) {
		bool *seen = &judge->seen[(*index)++];
		if (*seen || regex_match(test->regex, line) == test->negated)
			return false;
		return *seen = true;
	}
	bool left = mark_seen(judge, test->left, line, index);
	return mark_seen(judge, test->right, line, index) || left;
}

bool
judge_line(struct judge *judge, struct str line)
{
	if (!judge->wants_output)
		return false;
	size_t index = 0;
	bool news = false;
	for (uint32_t i = 0; i < judge->build->rule_count; i++)
		news |= mark_seen(judge, judge->build->rules[i].test, line, &index);
	return news && apply_rules(judge);
}

bool
judge_time(struct judge *judge, int64_t elapsed_ms)
{
	judge->elapsed = elapsed_ms;
	if (judge->verdict != VERDICT_NONE)
		return false;
	if (apply_rules(judge))
		return true;
	if (judge->build->set.timeout > 0 && elapsed_ms >= judge->build->set.timeout)
		return decide(judge, VERDICT_TIMEOUT, STR("timed out"));
	return false;
}

/* Where a comparison becomes certain: at its limit, or a millisecond later. */
static void
next_limit(const struct test *test, int64_t elapsed, int64_t *next)
{
	if (!test)
		return;
	if (test->kind == TEST_TIME && elapsed <= test->limit && test->limit < *next)
		*next = elapsed < test->limit ? test->limit : test->limit + 1;
	next_limit(test->left, elapsed, next);
	next_limit(test->right, elapsed, next);
}

int64_t
judge_next_time(const struct judge *judge)
{
	int64_t next = judge->build->set.timeout > 0 ? judge->build->set.timeout : INT64_MAX;
	for (uint32_t i = 0; i < judge->build->rule_count && judge->verdict == VERDICT_NONE; i++)
		next_limit(judge->build->rules[i].test, judge->elapsed, &next);
	return next;
}

bool
judge_command(struct judge *judge, bool success, struct str message)
{
	if (judge->verdict != VERDICT_NONE)
		return false;
	return decide(judge, success ? VERDICT_SUCCESS : VERDICT_FAILED, message);
}

static void
ask_files(struct judge *judge, const struct test *test, size_t *index, bool (*exists)(void *, struct str), void *context)
{
	if (!test)
		return;
	if (test->kind == TEST_FILE)
		judge->files[(*index)++] = exists(context, test->path);
	ask_files(judge, test->left, index, exists, context);
	ask_files(judge, test->right, index, exists, context);
}

/* A shell says 128 and the signal for a command that a signal has ended. */
static struct str
exit_text(struct arena *arena, int status)
{
	const char *name = status > 128 ? sigabbrev_np(status - 128) : NULL;
	if (status == 0)
		return (struct str){0};
	if (name)
		return str_printf(arena, "exit status %d (SIG%s)", status, name);
	return str_printf(arena, "exit status %d", status);
}

void
judge_end(struct judge *judge, int status, bool (*exists)(void *, struct str), void *context)
{
	judge->ended = true;
	judge->status = status;
	if (judge->verdict != VERDICT_NONE)
		return;
	size_t index = 0;
	for (uint32_t i = 0; i < judge->build->rule_count; i++)
		ask_files(judge, judge->build->rules[i].test, &index, exists, context);
	if (apply_rules(judge))
		return;
	if (judge->build->calls_verdict)
		decide(judge, VERDICT_MISSING, STR("ended without a verdict"));
	else
		decide(judge, status ? VERDICT_FAILED : VERDICT_SUCCESS, exit_text(judge->arena, status));
}

const char *
verdict_name(enum verdict verdict)
{
	return verdict == VERDICT_SUCCESS ? "build_success" : "build_failed";
}
