#include "cli/view.h"

#include "base/arena.h"

#include "test/unit/unit.h"

static struct arena arena;

static struct str
sanitised(const char *text, bool colours)
{
	struct buf out = buf_new(&arena);
	text_sanitise(&out, str_from(text), colours);
	return buf_str(&out);
}

static void
sanitise(void **state)
{
	(void)state;
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"", ""},
		{"plain\n", "plain\n"},
		{"no end", "no end"},
		{"\n\n", "\n\n"},
		{"tab\there\n", "tab\there\n"},
		{"\033[31mred\033[0m\n", "\033[31mred\033[0m\033[0m\n"},
		{"\033[1;38:5:9mx\n", "\033[1;38:5:9mx\033[0m\n"},
		{"a\033[2Jb\033[5;5Hc\n", "abc\n"}, /* CSI */
		{"\033[?25lx\n", "x\n"},
		{"\033[>4;2mx\n", "x\n"}, /* ends in m, and is no colour */
		{"\033]0;title\007x\n", "x\n"}, /* OSC, by BEL and by ST */
		{"\033]8;;http://x\033\\y\n", "y\n"},
		{"\033]0;never ended\nnext\n", "\nnext\n"},
		{"\033P1;2q\033\\x\n", "x\n"}, /* DCS */
		{"\033cx\033(0y\n", "xy\n"},
		{"\033", ""},
		{"x\033\n", "x\n"},
		{"\033[", ""},
		{"\033[31", ""},
		{"a\007b\010c\177\n", "abc\n"},
		{"\302\2332Jx\n", "2Jx\n"}, /* CSI as one C1 character */
		{"\233x\n", "\357\277\275x\n"}, /* bytes that are no UTF-8 */
		{"\346\227\245\n", "\346\227\245\n"},
		{"10%\r20%\r30%\n", "30%\n"},
		{"dos\r\n", "dos\n"},
		{"\r\r\n", "\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_text(sanitised(cases[i].text, true), cases[i].shown);
	assert_text(sanitised("\033[31mred\033[0m\n", false), "red\n");
	struct buf line = buf_new(&arena);
	text_sanitise_line(&line, STR("a\nb\tc\rd\033[2Je"));
	assert_text(buf_str(&line), "a b c de");
	arena_free(&arena);
}

static void
clip(void **state)
{
	(void)state;
	assert_text(text_clip(STR("abc"), 0), "");
	assert_text(text_clip(STR("abc"), 2), "ab");
	assert_text(text_clip(STR("abc"), 9), "abc");
	assert_text(text_clip(STR("\346\227\245\346\234\254"), 3), "\346\227\245"); /* half a wide character does not fit */
	assert_text(text_clip(STR("e\314\201x"), 1), "e\314\201"); /* a combining one takes no column */
}

static void
units(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = {{0, "0 ms"}, {999, "999 ms"}, {1000, "1.0 s"}, {59999, "59.9 s"}, {60000, "1 min 0 s"},
		{3599999, "59 min 59 s"}, {3660000, "1 h 1 min"}};
	static const struct {
		int64_t bytes;
		const char *text;
	} sizes[] = {{0, "0 bytes"}, {999, "999 bytes"}, {1000, "1.0 KB"}, {999949, "999.9 KB"}, {999999, "1.0 MB"},
		{12400000000, "12.4 GB"}};
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		assert_text(text_took(&arena, times[i].ms), times[i].text);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		assert_text(text_bytes(&arena, sizes[i].bytes), sizes[i].text);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sanitise),
		cmocka_unit_test(clip),
		cmocka_unit_test(units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
