#include "base/source.h"

#include "test/unit/unit.h"

static void
assert_place(const struct sources *sources, uint32_t offset, uint32_t line, uint32_t column, const char *text)
{
	struct source_place place = source_place(sources, (struct span){1, offset, 1});
	assert_int_equal(place.line, line);
	assert_int_equal(place.column, column);
	assert_text(place.line_text, text);
	assert_text(place.name, "Edccfile");
}

static uint32_t
add(struct sources *sources, struct str text)
{
	return source_add(sources, STR("Edccfile"), (struct str){NULL, 0}, text);
}

static void
places(void **state)
{
	(void)state;
	struct sources sources = {.count = 0};
	assert_int_equal(add(&sources, STR("ab\n\n日本x\r\nlast\r")), 1);
	assert_place(&sources, 0, 1, 1, "ab");
	assert_place(&sources, 2, 1, 3, "ab");
	assert_place(&sources, 3, 2, 1, "");
	assert_place(&sources, 10, 3, 3, "日本x");
	assert_place(&sources, 13, 4, 1, "last\r");
	assert_place(&sources, 18, 4, 6, "last\r");
	assert_place(&sources, UINT32_MAX, 4, 6, "last\r");
	assert_int_equal(source_place(&sources, (struct span){1, 10, 1}).line_offset, 4);
	sources_free(&sources);
}

static void
odd_texts(void **state)
{
	(void)state;
	struct sources sources = {.count = 0};
	add(&sources, (struct str){NULL, 0});
	assert_place(&sources, 0, 1, 1, "");
	sources_free(&sources);
	add(&sources, STR("\n"));
	assert_place(&sources, 0, 1, 1, "");
	assert_place(&sources, 1, 2, 1, "");
	sources_free(&sources);
	add(&sources, STR("\xFF\xC3x"));
	assert_place(&sources, 2, 1, 3, "\xFF\xC3x");
	sources_free(&sources);
}

static void
nowhere(void **state)
{
	(void)state;
	struct sources sources = {.count = 0};
	assert_int_equal(source_place(&sources, SPAN_NONE).line, 0);
	assert_null(source_get(&sources, 0));
	assert_null(source_get(&sources, 7));
	assert_null(source_text(&sources, SPAN_NONE).s);
	add(&sources, STR("abc"));
	assert_null(source_get(&sources, 0));
	assert_null(source_get(&sources, 2));
	assert_text(source_text(&sources, (struct span){1, 1, UINT32_MAX}), "bc");
	sources_free(&sources);
}

static void
many_lines(void **state)
{
	(void)state;
	struct sources sources = {.count = 0};
	struct arena arena = {NULL};
	struct buf text = buf_new(&arena);
	for (int i = 0; i < 100000; i++)
		buf_add_c(&text, "x = y\n");
	for (int i = 0; i < 100; i++)
		assert_int_equal(add(&sources, buf_str(&text)), i + 1);
	for (uint32_t line = 0; line < 100000; line += 99) {
		struct source_place place = source_place(&sources, (struct span){100, line * 6 + 4, 1});
		assert_int_equal(place.line, line + 1);
		assert_int_equal(place.column, 5);
	}
	sources_free(&sources);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(odd_texts),
		cmocka_unit_test(nowhere),
		cmocka_unit_test(many_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
