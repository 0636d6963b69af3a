#include "base/arena.h"
#include "base/regex.h"

#include "test/unit/unit.h"

#include <pthread.h>

static struct arena arena;

static int
end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct regex *
compiled(const char *pattern, const char *flags)
{
	struct str error;
	size_t offset;
	struct regex *regex = regex_new(str_from(pattern), str_from(flags), &error, &offset, &arena);
	if (!regex)
		print_error("%s: %.*s\n", pattern, STR_ARG(error));
	assert_non_null(regex);
	return regex;
}

static void
matching(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *flags;
		struct str subject;
		bool matches;
	} cases[] = {
		{"^a.c$", "", STR("abc"), true},
		{"^a.c$", "", STR("aéc"), true}, /* a character, not a byte */
		{"^a.c$", "", STR("a\nc"), false},
		{"^a.c$", "s", STR("a\nc"), true},
		{"ABC", "i", STR("xabcx"), true},
		{"É", "i", STR("é"), true},
		{"^b", "", STR("a\nb"), false},
		{"^b", "m", STR("a\nb"), true},
		{"a b # c", "x", STR("ab"), true},
		{"", "", {NULL, 0}, true},
		{"x", "", {NULL, 0}, false},
		{"b$", "", STR("\xFF\xFE b"), true}, /* bytes that are not UTF-8 match nothing, the rest is searched */
		{"a\\0b", "", STR("a\0b"), true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct regex *regex = compiled(cases[i].pattern, cases[i].flags);
		assert_int_equal(regex_match(regex, cases[i].subject), cases[i].matches);
		regex_free(regex);
	}
	regex_free(NULL);
}

static void
errors(void **state)
{
	(void)state;
	static const struct {
		struct str pattern;
		const char *flags, *error;
		size_t offset;
	} cases[] = {
		{STR("a(b"), "", "missing closing parenthesis", 3},
		{STR("a[b"), "", "missing terminating ] for character class", 3},
		{STR("ab**"), "", "quantifier does not follow a repeatable item", 3},
		{STR("a"), "iq", "unknown flag 'q'; flags are i, m, s and x", 0},
		{STR("a\xFF"), "", "UTF-8 error: illegal byte (0xfe or 0xff)", 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str error;
		size_t offset;
		assert_null(regex_new(cases[i].pattern, str_from(cases[i].flags), &error, &offset, &arena));
		assert_text(error, cases[i].error);
		assert_int_equal(offset, cases[i].offset);
	}
}

static void
finding(void **state)
{
	(void)state;
	struct str found = STR("before");
	struct regex *whole = compiled("[0-9]+\\.[0-9]+", ""), *group = compiled("gcc ([0-9]+)(\\.[0-9]+)?", ""),
		     *unset = compiled("a(b)?", "");
	assert_true(regex_find(whole, STR("version 12.2 or 13.1"), &found));
	assert_text(found, "12.2");
	assert_true(regex_find(group, STR("gcc 12.2"), &found));
	assert_text(found, "12");
	assert_false(regex_find(group, STR("clang"), &found));
	assert_text(found, "12");
	assert_true(regex_find(unset, STR("a"), &found));
	assert_text(found, "");
	regex_free(whole);
	regex_free(group);
	regex_free(unset);
}

static void
replacing(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *subject, *replacement, *result;
	} cases[] = {
		{"\\.c$", "a.c", ".o", "a.o"},
		{"a", "banana", "<$0>", "b<a>n<a>n<a>"},
		{"(\\w+)@(\\w+)", "x@y, z@w", "$2 at ${1}0", "y at x0, w at z0"},
		{"x*", "axb", "-", "-a--b-"},
		{"", "日é", "-", "-日-é-"},
		{"^", "", "x", "x"},
		{"a(b)?", "a", "[$1$2]", "[]"}, /* groups that took no part are empty */
		{"a", "a", "$ $x ${ ${1 ${x} $", "$ $x ${ ${1 ${x} $"},
		{"z", "abc", "x", "abc"},
		{"(?<=a)b", "abab", "x", "axax"},
		{"a\\Kb", "abab", "x", "axax"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct regex *regex = compiled(cases[i].pattern, "");
		assert_text(
			regex_replace(regex, str_from(cases[i].subject), str_from(cases[i].replacement), &arena), cases[i].result);
		regex_free(regex);
	}
	struct regex *regex = compiled("b", "");
	assert_true(str_eq(regex_replace(regex, STR("a\xFF\0b"), STR("c"), &arena), STR("a\xFF\0c")));
	regex_free(regex);
}

/* Catastrophic backtracking ends, as no match. */
static void
limits(void **state)
{
	(void)state;
	struct regex *regex = compiled("^(a+)+$", "");
	char subject[64];
	memset(subject, 'a', sizeof subject);
	subject[63] = 'b';
	assert_false(regex_match(regex, (struct str){subject, sizeof subject}));
	assert_true(regex_match(regex, (struct str){subject, 63}));
	assert_int_equal(regex_replace(regex, (struct str){subject, sizeof subject}, STR("x"), &arena).n, sizeof subject);
	regex_free(regex);
}

static void *
match_often(void *regex)
{
	size_t count = 0;
	for (int i = 0; i < 2000; i++)
		count += regex_match(regex, STR("src/main.c"));
	return (void *)count;
}

static void
threads(void **state)
{
	(void)state;
	struct regex *regex = compiled("^src/(.*)\\.c$", "");
	pthread_t ids[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, match_often, regex), 0);
	for (int i = 0; i < 4; i++) {
		void *count;
		pthread_join(ids[i], &count);
		assert_int_equal((size_t)count, 2000);
	}
	regex_free(regex);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(matching, end),
		cmocka_unit_test_teardown(errors, end),
		cmocka_unit_test_teardown(finding, end),
		cmocka_unit_test_teardown(replacing, end),
		cmocka_unit_test_teardown(limits, end),
		cmocka_unit_test_teardown(threads, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
