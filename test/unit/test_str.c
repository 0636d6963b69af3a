#include "base/arena.h"
#include "base/str.h"

#include "test/unit/unit.h"

#include <errno.h>

static const struct str none = {NULL, 0};

static void
comparing(void **state)
{
	(void)state;
	assert_true(str_eq(none, STR("")));
	assert_false(str_eq(STR("a"), STR("b")));
	assert_false(str_eq(STR("a"), STR("a\0")));
	assert_true(str_compare(STR("a"), STR("ab")) < 0);
	assert_true(str_compare(STR("b"), STR("ab")) > 0);
	assert_true(str_compare(STR("\xFF"), STR("a")) > 0);
	assert_int_equal(str_compare(none, STR("")), 0);
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_true(str_starts(none, none));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_false(str_ends(STR("c"), STR("bc")));
}

static void
slicing(void **state)
{
	(void)state;
	assert_text(str_trim(STR(" \t\r\n a b \r\n")), "a b");
	assert_text(str_trim(STR(" \v ")), "\v");
	assert_text(str_trim(STR(" ")), "");
	assert_text(str_part(STR("abc"), 1, 2), "b");
	assert_text(str_part(STR("abc"), 2, SIZE_MAX), "c");
	assert_text(str_part(STR("abc"), 9, 1), "");
	assert_null(str_part(none, 0, 1).s);
	assert_int_equal(str_find(STR("abc"), 'c'), 2);
	assert_int_equal(str_find(STR("abc"), 'x'), 3);
	assert_text(str_after(STR("a: b: c"), ": "), "b: c");
	assert_int_equal(str_after(STR("a: b"), ": b").n, 0);
	assert_null(str_after(STR("a: b"), ":b").s);
	assert_null(str_after((struct str){NULL, 0}, ":").s);
	assert_text(str_behind(STR("a/b/c.d"), '/'), "c.d");
	assert_text(str_behind(STR("abc"), '/'), "abc");
	assert_text(str_behind(STR("a/"), '/'), "");
	assert_int_equal(str_behind((struct str){NULL, 0}, '/').n, 0);
	assert_int_equal(str_find(none, 'x'), 0);
}

static void
splitting(void **state)
{
	(void)state;
	struct str rest = STR("a,,b,"), piece;
	const char *const pieces[] = {"a", "", "b", ""};
	for (size_t i = 0; i < 4; i++) {
		assert_true(str_split(&rest, ',', &piece));
		assert_text(piece, pieces[i]);
	}
	assert_false(str_split(&rest, ',', &piece));
	rest = STR("");
	assert_true(str_split(&rest, ',', &piece));
	assert_false(str_split(&rest, ',', &piece));
}

static void
integers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool valid;
		int64_t value;
	} cases[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"007", true, 7},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"99999999999999999999", false, 0},
		{"", false, 0},
		{"-", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1 ", false, 0},
		{"1x", false, 0},
		{"0x10", false, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t value = 0;
		assert_int_equal(str_integer(str_from(cases[i].text), &value), cases[i].valid);
		assert_true(value == cases[i].value);
	}
	int64_t value;
	assert_false(str_integer(none, &value));
}

static void
building(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct buf buf = buf_new(&arena);
	assert_text(buf_str(&buf), "");
	assert_string_equal(buf_c(&buf), "");
	for (int i = 0; i < 1000; i++) {
		buf_add_byte(&buf, 'a');
		buf_printf(&buf, "%03d", i);
		buf_add_c(&buf, ";");
	}
	buf_add(&buf, none);
	assert_int_equal(buf.n, 5000);
	assert_memory_equal(buf.s + 4990, "a998;a999;", 10);
	assert_int_equal(strlen(buf_c(&buf)), 5000);
	struct str text = str_printf(&arena, "%s %d", "x", 5);
	assert_text(text, "x 5");
	assert_int_equal(text.s[text.n], 0);
	errno = ENOENT;
	assert_text(str_printf(&arena, "%m"), "No such file or directory");
	assert_string_equal(str_c(&arena, none), "");
	assert_null(str_dup(&arena, none).s);
	assert_non_null(str_dup(&arena, STR("")).s);
	struct str list[] = {STR("a"), STR(""), STR("b")};
	assert_text(words_join(&arena, (struct words){list, 3}, STR(", ")), "a, , b");
	assert_text(words_join(&arena, (struct words){NULL, 0}, STR(", ")), "");
	assert_true(words_has((struct words){list, 3}, STR("b")));
	assert_false(words_has((struct words){list, 3}, STR("c")));
	struct words grown = {NULL, 0}, lists[3];
	for (int i = 0; i < 9; i++) {
		words_add(&arena, &grown, str_printf(&arena, "%d", i));
		arena_text(&arena, 1); /* so that the list cannot grow in its place */
	}
	lists[0] = grown;
	lists[1] = (struct words){NULL, 0};
	lists[2] = (struct words){list, 3};
	assert_text(words_join(&arena, words_concat(&arena, lists, 3), STR(" ")), "0 1 2 3 4 5 6 7 8 a  b");
	assert_int_equal(words_concat(&arena, NULL, 0).n, 0);
	arena_free(&arena);
}

static void
utf8_sequences(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length;
	} cases[] = {
		{"a", 1},
		{"\xC3\xA9", 2},
		{"\xE6\x97\xA5", 3},
		{"\xF0\x9F\x98\x80", 4},
		{"\xF4\x8F\xBF\xBF", 4},
		{"\x80", 0},
		{"\xC3", 0},
		{"\xC3x", 0},
		{"\xC0\x80", 0}, /* overlong */
		{"\xC1\xBF", 0}, /* overlong */
		{"\xE0\x80\x80", 0}, /* overlong */
		{"\xF0\x8F\xBF\xBF", 0}, /* overlong */
		{"\xED\xA0\x80", 0}, /* surrogate */
		{"\xF4\x90\x80\x80", 0}, /* above U+10FFFF */
		{"\xF5\x80\x80\x80", 0},
		{"\xE6\x97", 0},
		{"\xFF", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].length);
	assert_int_equal(utf8_length("", 0), 0);
}

static void
utf8_widths(void **state)
{
	(void)state;
	assert_int_equal(utf8_columns(STR("abc\t")), 4);
	assert_int_equal(utf8_columns(STR("日本")), 4);
	assert_int_equal(utf8_columns(STR("e\xCC\x81")), 1); /* e and a combining acute */
	assert_int_equal(utf8_columns(STR("é")), 1);
	assert_int_equal(utf8_columns(STR("😀")), 2);
	assert_int_equal(utf8_columns(STR("\xFF\xFE")), 2);
	assert_int_equal(utf8_columns(STR("\xE2\x80\x8D")), 0); /* zero width joiner */
	assert_int_equal(utf8_columns(STR("\xF4\x8F\xBF\xBF")), 1);
	assert_int_equal(utf8_columns(none), 0);
}

static void
words_between_blanks(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct words words = {NULL, 0};
	char *argv[3] = {NULL, NULL, NULL};
	words_split(&arena, &words, STR(" gcc  -m32 -g "));
	assert_text(words_join(&arena, words, STR("|")), "gcc|-m32|-g");
	assert_int_equal(words_argv(&arena, STR(" gcc  -m32 -g "), argv, 2), 2);
	assert_string_equal(argv[0], "gcc");
	assert_string_equal(argv[1], "-m32");
	assert_null(argv[2]);
	assert_int_equal(words_argv(&arena, STR("  "), argv, 2), 0);
	arena_free(&arena);
}

static void
shell_words(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	assert_text(str_shell_quote(&arena, STR("CC=gcc-12,/usr/bin:a@b+50%")), "CC=gcc-12,/usr/bin:a@b+50%");
	assert_text(str_shell_quote(&arena, none), "''");
	assert_text(str_shell_quote(&arena, STR("a b")), "'a b'");
	assert_true(str_eq(str_shell_quote(&arena, STR("a\0b")), STR("'a\0b'")));
	assert_text(str_shell_quote(&arena, STR("~")), "'~'");
	assert_text(str_shell_quote(&arena, STR("it's")), "'it'\\''s'");
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_between_blanks),
		cmocka_unit_test(shell_words),
		cmocka_unit_test(comparing),
		cmocka_unit_test(slicing),
		cmocka_unit_test(splitting),
		cmocka_unit_test(integers),
		cmocka_unit_test(building),
		cmocka_unit_test(utf8_sequences),
		cmocka_unit_test(utf8_widths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
