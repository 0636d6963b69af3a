#include "project/condition.h"

#include "project/compare.h"
#include "project/convert.h"
#include "project/eval.h"
#include "project/expand.h"
#include "project/name.h"

static enum truth decide(struct loader *, const struct condition *, const struct space *);

static enum truth
truth_of(bool b)
{
	return b ? TRUTH_TRUE : TRUTH_FALSE;
}

/* The operands of a chain of one `and` or `or`, which leans to the left and may be long: no recursion along it. */
static const struct condition **
operands_of(struct loader *l, const struct condition *condition, size_t *count)
{
	const struct condition *at = condition;
	const struct condition **operands;

	for (*count = 1; at->kind == condition->kind; at = at->left)
		++*count;
	operands = arena_array(&l->scratch, const struct condition *, *count);
	at = condition;
	for (size_t i = *count - 1; i; i--, at = at->left)
		operands[i] = at->right;
	operands[0] = at;
	return operands;
}

/* `and` and `or`: decided as soon as one operand decides them. */
static enum truth
decide_chain(struct loader *l, const struct condition *condition, const struct space *space)
{
	enum truth decisive = condition->kind == CONDITION_OR ? TRUTH_TRUE : TRUTH_FALSE;
	enum truth result = decisive == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
	const struct condition **operands;
	size_t count;

	operands = operands_of(l, condition, &count);
	for (size_t i = 0; i < count; i++) {
		enum truth truth = decide(l, operands[i], space);
		if (truth == decisive)
			return decisive;
		if (truth == TRUTH_UNKNOWN)
			result = TRUTH_UNKNOWN;
	}
	return result;
}

static bool
is_ordered(enum condition_kind kind, int order)
{
	switch (kind) {
	case CONDITION_EQUAL:
		return order == 0;
	case CONDITION_UNEQUAL:
		return order != 0;
	case CONDITION_LESS:
		return order < 0;
	case CONDITION_LESS_EQUAL:
		return order <= 0;
	case CONDITION_GREATER:
		return order > 0;
	default:
		return order >= 0;
	}
}

static enum truth
decide_order(struct loader *l, const struct condition *condition, const struct value *a, const struct value *b)
{
	struct str left = eval_text(l, a), right = eval_text(l, b);
	int order;

	if (compare_versions(left, right, &order))
		return truth_of(is_ordered(condition->kind, order));
	if (condition->kind == CONDITION_EQUAL || condition->kind == CONDITION_UNEQUAL)
		return truth_of(str_eq(left, right) == (condition->kind == CONDITION_EQUAL));
	bool left_right = compare_versions(left, left, &order);
	struct diag *diag;
	if ((left_right ? b : a)->secret)
		diag = diag_error(l->diags, left_right ? condition->b : condition->a,
			"'%s' compares numbers and versions, and this is neither", condition_text(condition->kind));
	else
		diag = diag_error(l->diags, left_right ? condition->b : condition->a,
			"'%s' compares numbers and versions, and '%.*s' is neither", condition_text(condition->kind),
			STR_ARG(left_right ? right : left));
	diag_hint(diag, "a version is digits with dots between, as in 12 or 12.2.1");
	return TRUTH_UNKNOWN;
}

static enum truth
decide_match(struct loader *l, const struct condition *condition, const struct value *subject)
{
	struct regex *regex = expand_regex(l, condition->b);
	enum truth result;

	if (!regex)
		return TRUTH_UNKNOWN;
	result = truth_of(regex_match(regex, eval_text(l, subject)) == (condition->kind == CONDITION_MATCHES));
	regex_free(regex);
	return subject->unknown ? TRUTH_UNKNOWN : result;
}

static enum truth
decide_defined(struct loader *l, const struct condition *condition, const struct space *space)
{
	struct str name = load_span(l, condition->a);
	const struct space *at = space;

	for (; at; at = at->parent)
		if (at->uncertain)
			return TRUTH_UNKNOWN;
	return truth_of(eval_find(l, space, name) != NULL || name_is_predefined(name));
}

static enum truth
decide_comparison(struct loader *l, const struct condition *condition, const struct space *space)
{
	struct value a = eval_span(l, condition->a, space, VALUE_WORDS), b;

	if (condition->kind == CONDITION_MATCHES || condition->kind == CONDITION_MATCHES_NOT)
		return decide_match(l, condition, &a);
	b = eval_span(l, condition->b, space, VALUE_WORDS);
	if (a.unknown || b.unknown)
		return TRUTH_UNKNOWN;
	if (condition->kind == CONDITION_IN)
		return truth_of(words_has(b.words, eval_text(l, &a)));
	return decide_order(l, condition, &a, &b);
}

static enum truth
decide(struct loader *l, const struct condition *condition, const struct space *space)
{
	enum truth truth;

	switch (condition->kind) {
	case CONDITION_OR:
	case CONDITION_AND:
		return decide_chain(l, condition, space);
	case CONDITION_NOT:
		truth = decide(l, condition->left, space);
		return truth == TRUTH_UNKNOWN ? truth : truth_of(truth == TRUTH_FALSE);
	case CONDITION_DEFINED:
		return decide_defined(l, condition, space);
	case CONDITION_FILE: /* of verdict rules only: the parser lets it stand nowhere else */
		return TRUTH_UNKNOWN;
	default:
		return decide_comparison(l, condition, space);
	}
}

enum truth
condition_decide(struct loader *l, const struct condition *condition, const struct context *context)
{
	enum truth truth;

	l->condition = condition->span;
	truth = decide(l, condition, context->space);
	l->condition = SPAN_NONE;
	return truth;
}

/* --- verdict rules --- */

static bool
fill_exit(struct loader *l, const struct condition *condition, const struct value *value, struct test *test)
{
	test->kind = TEST_EXIT;
	test->compare = (uint8_t)condition->kind;
	test->count = value->words.n;
	test->list = arena_array(l->arena, int64_t, test->count);
	for (size_t i = 0; i < test->count; i++) {
		if (str_integer(value->words.w[i], &test->list[i]) && test->list[i] >= 0 && test->list[i] <= 255)
			continue;
		struct diag *diag = diag_error(l->diags, condition->b, "an exit status is a number from 0 to 255");
		diag_hint(diag, "for example: exit in 0 77");
		return false;
	}
	if (test->count == 1 || (test->count && condition->kind == CONDITION_IN))
		return true;
	diag_hint(diag_error(l->diags, condition->b, "exit is compared with one number"), "several stand after in: exit in 0 77");
	return false;
}

static bool
fill_time(struct loader *l, const struct condition *condition, const struct value *value, struct test *test)
{
	test->kind = TEST_TIME;
	test->compare = (uint8_t)condition->kind;
	if (convert_duration(eval_text(l, value), &test->limit))
		return true;
	diag_hint(diag_error(l->diags, condition->b, "time is compared with a duration"), "for example: time > 10m");
	return false;
}

/* A rule's condition that is no chain and no negation. */
static bool
fill_test(struct loader *l, const struct condition *condition, const struct space *space, struct test *test)
{
	struct value value = {0};

	if (condition->kind == CONDITION_MATCHES || condition->kind == CONDITION_MATCHES_NOT) {
		test->kind = TEST_OUTPUT;
		test->negated = condition->kind == CONDITION_MATCHES_NOT;
		test->regex = expand_regex(l, condition->b);
		return test->regex != NULL;
	}
	value = eval_span(l, condition->kind == CONDITION_FILE ? condition->a : condition->b, space, VALUE_WORDS);
	if (value.unknown)
		return false;
	if (condition->kind == CONDITION_FILE) {
		test->kind = TEST_FILE;
		test->path = eval_text(l, &value);
		if (!test->path.n)
			diag_hint(diag_error(l->diags, condition->a, "file needs a path"), "for example: file build/done");
		return test->path.n > 0;
	}
	if (str_is(load_span(l, condition->a), "time"))
		return fill_time(l, condition, &value, test);
	return str_is(load_span(l, condition->a), "exit") && fill_exit(l, condition, &value, test);
}

/* Operands [from, to) of a chain as a tree that is as flat as can be. */
static struct test *
balance(struct loader *l, enum test_kind kind, struct test **tests, size_t from, size_t to)
{
	struct test *test;

	if (to - from == 1)
		return tests[from];
	test = arena_new(l->arena, struct test);
	test->kind = kind;
	test->left = balance(l, kind, tests, from, from + (to - from) / 2);
	test->right = balance(l, kind, tests, from + (to - from) / 2, to);
	return test;
}

struct test *
condition_test(struct loader *l, const struct condition *condition, const struct context *context)
{
	struct test *test = arena_new(l->arena, struct test), **tests;
	bool right = true;
	size_t count;

	if (condition->kind == CONDITION_NOT) {
		test->kind = TEST_NOT;
		test->left = condition_test(l, condition->left, context);
		return test->left ? test : NULL;
	}
	if (condition->kind != CONDITION_AND && condition->kind != CONDITION_OR)
		return condition->kind != CONDITION_DEFINED && fill_test(l, condition, context->space, test) ? test : NULL;
	const struct condition **operands = operands_of(l, condition, &count);
	tests = arena_array(&l->scratch, struct test *, count);
	for (size_t i = 0; i < count; i++) {
		tests[i] = condition_test(l, operands[i], context);
		right &= tests[i] != NULL;
	}
	for (size_t i = 0; i < count && !right; i++)
		condition_free(tests[i]);
	return right ? balance(l, condition->kind == CONDITION_AND ? TEST_AND : TEST_OR, tests, 0, count) : NULL;
}

void
condition_free(struct test *test)
{
	if (!test)
		return;
	condition_free(test->left);
	condition_free(test->right);
	if (test->regex)
		regex_free(test->regex);
}
