#include "base/arena.h"
#include "parser/format.h"

#include "test/unit/unit.h"

static void
changes_stand_in_their_context(void **state)
{
	(void)state;
	static const struct {
		const char *before, *after, *diff;
	} cases[] = {
		{"a\n", "a\n", ""},
		{"", "a\n", "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n"},
		{"a\n", "", "--- f\n+++ f\n@@ -1,1 +0,0 @@\n-a\n"},
		{"a", "a\n", "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nX\n6\n7\n8\n",
			"--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n"},
		/* six equal lines between two changes: one piece; seven: two. */
		{"a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
			"--- f\n+++ f\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n"},
		{"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
			"--- f\n+++ f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n"},
		{"a\nb\nc\n", "b\nc\nd\n", "--- f\n+++ f\n@@ -1,3 +1,3 @@\n-a\n b\n c\n+d\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = {0};
		assert_text(format_diff(&arena, STR("f"), str_from(cases[i].before), str_from(cases[i].after)), cases[i].diff);
		arena_free(&arena);
	}
}

static void
texts_with_nothing_in_common_are_one_change(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct buf before = buf_new(&arena), after = buf_new(&arena);

	for (int i = 0; i < 5000; i++) {
		buf_printf(&before, "a%d\n", i);
		buf_printf(&after, "b%d\n", i);
	}
	struct str diff = format_diff(&arena, STR("f"), buf_str(&before), buf_str(&after));
	assert_true(str_starts(diff, STR("--- f\n+++ f\n@@ -1,5000 +1,5000 @@\n-a0\n")));
	assert_true(str_ends(diff, STR("\n+b4999\n")));
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_stand_in_their_context),
		cmocka_unit_test(texts_with_nothing_in_common_are_one_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
