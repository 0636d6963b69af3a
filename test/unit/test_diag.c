#include "base/arena.h"
#include "base/diag.h"
#include "base/json.h"

#include "test/unit/unit.h"

#include <stdlib.h>

static struct sources sources;
static struct diags diags;

static int
begin(void **state)
{
	(void)state;
	sources = (struct sources){.count = 0};
	diags = (struct diags){.sources = &sources};
	return 0;
}

static int
end(void **state)
{
	(void)state;
	diag_clear(&diags);
	sources_free(&sources);
	return 0;
}

static uint32_t
add(struct str text)
{
	return source_add(&sources, STR("Edccfile"), (struct str){NULL, 0}, text);
}

enum form {
	PLAIN,
	COLOURED,
	AS_JSON,
};

/* What is printed; free it. */
static char *
printed(enum form form)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (form == AS_JSON)
		diag_print_json(&diags, out);
	else
		diag_print(&diags, out, form == COLOURED);
	fclose(out);
	return text;
}

#define assert_printed(form, expected)                 \
	do {                                           \
		char *text = printed(form);            \
		assert_string_equal(text, (expected)); \
		free(text);                            \
	} while (0)

/* One error at the span with a hint, in a source of this text. */
static void
file_one(struct str text, uint32_t offset, uint32_t length)
{
	struct diag *diag = diag_error(&diags, (struct span){add(text), offset, length}, "wrong");
	diag_hint(diag, "hint");
}

static void
whole_form(void **state)
{
	(void)state;
	uint32_t source = add(STR("instances = 1\n    spott = yes\n"));
	struct diag *diag = diag_error(&diags, (struct span){source, 18, 5}, "unknown setting '%s' in instances", "spott");
	diag_hint(diag, "did you mean '%s'?", "spot");
	diag_note(diag, (struct span){source, 0, 9}, "instances starts here");
	diag_note(diag, SPAN_NONE, "settings are %d", 3);
	assert_printed(PLAIN, "Edccfile:2:5: error: unknown setting 'spott' in instances\n"
			      "    2 |     spott = yes\n"
			      "      |     ^^^^^ did you mean 'spot'?\n"
			      "Edccfile:1:1: note: instances starts here\n"
			      "edcc: note: settings are 3\n");
	assert_printed(COLOURED, "\033[1mEdccfile:2:5:\033[0m \033[1;31merror:\033[0m unknown setting 'spott' in instances\n"
				 "    2 |     spott = yes\n"
				 "      | \033[1;32m    ^^^^^ did you mean 'spot'?\033[0m\n"
				 "\033[1mEdccfile:1:1:\033[0m \033[1;36mnote:\033[0m instances starts here\n"
				 "\033[1medcc:\033[0m \033[1;36mnote:\033[0m settings are 3\n");
	assert_printed(AS_JSON,
		"{\"severity\":\"error\",\"message\":\"unknown setting 'spott' in instances\","
		"\"hint\":\"did you mean 'spot'?\",\"file\":\"Edccfile\",\"line\":2,\"column\":5,\"endLine\":2,"
		"\"endColumn\":10,\"notes\":[{\"message\":\"instances starts here\",\"file\":\"Edccfile\",\"line\":1,"
		"\"column\":1,\"endLine\":1,\"endColumn\":10},{\"message\":\"settings are 3\",\"file\":null,"
		"\"line\":null,\"column\":null,\"endLine\":null,\"endColumn\":null}]}\n");
}

static void
without_place(void **state)
{
	(void)state;
	struct diag *diag = diag_error(&diags, SPAN_NONE, "no Edccfile here");
	diag_hint(diag, "edcc init writes one");
	diag_warning(&diags, SPAN_NONE, "odd");
	assert_printed(PLAIN, "edcc: error: no Edccfile here\nedcc: hint: edcc init writes one\nedcc: warning: odd\n");
	assert_printed(AS_JSON,
		"{\"severity\":\"error\",\"message\":\"no Edccfile here\",\"hint\":\"edcc init writes one\",\"file\":null,"
		"\"line\":null,\"column\":null,\"endLine\":null,\"endColumn\":null,\"notes\":[]}\n"
		"{\"severity\":\"warning\",\"message\":\"odd\",\"hint\":null,\"file\":null,"
		"\"line\":null,\"column\":null,\"endLine\":null,\"endColumn\":null,\"notes\":[]}\n");
}

static void
tabs_and_wide_characters(void **state)
{
	(void)state;
	file_one(STR("\tx\t日é = bad"), 11, 3);
	file_one(STR("a\tb = 日本"), 0, 3);
	assert_printed(PLAIN, "Edccfile:1:9: error: wrong\n"
			      "    1 | \tx\t日é = bad\n"
			      "      | \t \t      ^^^ hint\n"
			      "Edccfile:1:1: error: wrong\n"
			      "    1 | a\tb = 日本\n"
			      "      | ^^^^^^^^^ hint\n");
}

static void
odd_spans(void **state)
{
	(void)state;
	file_one(STR("ab\ncd"), 1, 100); /* over the end of the line */
	file_one(STR("ab\r\ncd"), 2, 0); /* at the end of the line */
	file_one(STR(""), 0, 0);
	file_one(STR("ab\n"), 3, 0); /* at the end of the file */
	file_one(STR("ab"), UINT32_MAX, UINT32_MAX); /* behind it */
	assert_printed(PLAIN, "Edccfile:1:2: error: wrong\n    1 | ab\n      |  ^ hint\n"
			      "Edccfile:1:3: error: wrong\n    1 | ab\n      |   ^ hint\n"
			      "Edccfile:1:1: error: wrong\n    1 | \n      | ^ hint\n"
			      "Edccfile:2:1: error: wrong\n    2 | \n      | ^ hint\n"
			      "Edccfile:1:3: error: wrong\n    1 | ab\n      |   ^ hint\n");
}

static void
hostile_text(void **state)
{
	(void)state;
	file_one(STR("\033[2Ja\xFF\xC2\x9Bz\0\xE2\x80\xAEq"), 4, 1);
	diag_error(&diags, SPAN_NONE, "odd name '\033[31m\xFF'");
	assert_printed(PLAIN, "Edccfile:1:5: error: wrong\n"
			      "    1 | \uFFFD[2Ja\uFFFD\uFFFDz\uFFFD\uFFFDq\n"
			      "      |     ^ hint\n"
			      "edcc: error: odd name '\uFFFD[31m\uFFFD'\n");
}

/* n times c. */
static struct str
repeat(struct arena *arena, char c, size_t n)
{
	char *text = arena_text(arena, n);
	memset(text, c, n);
	return (struct str){text, n};
}

static void
long_lines(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct str line = str_printf(&arena, "%.*sBAD%.*s", STR_ARG(repeat(&arena, 'x', 500)), STR_ARG(repeat(&arena, 'y', 500)));
	struct str x60 = repeat(&arena, 'x', 60), x157 = repeat(&arena, 'x', 157), y97 = repeat(&arena, 'y', 97),
		   space61 = repeat(&arena, ' ', 61);
	file_one(line, 500, 3);
	file_one(line, 0, 2);
	file_one(line, 10, 900);
	const char *expected = str_printf(&arena,
		"Edccfile:1:501: error: wrong\n"
		"    1 | \u2026%.*sBAD%.*s\u2026\n"
		"      | %.*s^^^ hint\n"
		"Edccfile:1:1: error: wrong\n"
		"    1 | xxx%.*s\u2026\n"
		"      | ^^ hint\n"
		"Edccfile:1:11: error: wrong\n"
		"    1 | xxx%.*s\u2026\n"
		"      |           %s hint\n",
		STR_ARG(x60), STR_ARG(y97), STR_ARG(space61), STR_ARG(x157), STR_ARG(x157), str_c(&arena, repeat(&arena, '^', 150)))
				       .s;
	assert_printed(PLAIN, expected);
	arena_free(&arena);
}

static void
in_file_order(void **state)
{
	(void)state;
	uint32_t first = add(STR("abc")), second = add(STR("abc"));
	diag_error(&diags, SPAN_NONE, "last");
	diag_error(&diags, (struct span){second, 0, 1}, "four");
	diag_warning(&diags, (struct span){first, 2, 1}, "three");
	diag_error(&diags, (struct span){first, 0, 1}, "one");
	diag_error(&diags, (struct span){first, 0, 1}, "two"); /* the same place: in order of time */
	diag_error(&diags, (struct span){first, 0, 1}, "one"); /* filed once */
	assert_int_equal(diags.error_count, 4);
	assert_int_equal(diags.warning_count, 1);
	assert_printed(PLAIN, "Edccfile:1:1: error: one\n    1 | abc\n      | ^\n"
			      "Edccfile:1:1: error: two\n    1 | abc\n      | ^\n"
			      "Edccfile:1:3: warning: three\n    1 | abc\n      |   ^\n"
			      "Edccfile:1:1: error: four\n    1 | abc\n      | ^\n"
			      "edcc: error: last\n");
	diag_clear(&diags);
	assert_int_equal(diags.error_count, 0);
	assert_printed(PLAIN, "");
}

/* Twenty errors, those that stand first, whichever way they come; hints go to their own. */
static void
limit(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	uint32_t source = add(repeat(&arena, 'x', 100));
	struct buf expected = buf_new(&arena);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t offset = i % 2 ? 50 + i / 2 : 49 - i / 2;
		struct diag *diag = diag_error(&diags, (struct span){source, offset, 1}, "at %u", offset);
		diag_hint(diag, "hint %u", offset);
		diag_note(diag, SPAN_NONE, "note %u", offset);
	}
	diag_warning(&diags, SPAN_NONE, "odd");
	for (int i = 0; i < DIAG_LIMIT; i++) {
		buf_printf(&expected, "Edccfile:1:%d: error: at %d\n    1 | %.*s\n", i + 1, i, STR_ARG(repeat(&arena, 'x', 100)));
		buf_printf(&expected, "      | %*s^ hint %d\nedcc: note: note %d\n", i, "", i, i);
	}
	buf_add_c(&expected, "edcc: warning: odd\n80 more errors\n");
	assert_printed(PLAIN, buf_c(&expected));
	assert_int_equal(diags.error_count, 100);
	arena_free(&arena);
}

static void
one_more(void **state)
{
	(void)state;
	for (int i = 0; i < DIAG_LIMIT + 1; i++)
		diag_error(&diags, SPAN_NONE, "error %d", i);
	char *text = printed(PLAIN), *json = printed(AS_JSON);
	assert_true(str_ends(str_from(text), STR("edcc: error: error 19\n1 more error\n")));
	assert_non_null(strstr(json, "{\"severity\":\"note\",\"message\":\"1 more error\","));
	free(text);
	free(json);
}

/* 100,000 errors, the worst order: the list stays short, and so does what it is made of. */
static void
many_use_no_memory(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	uint32_t source = add(repeat(&arena, 'x', 100000));
	for (uint32_t i = 100000; i-- > 0;) {
		struct diag *diag = diag_error(&diags, (struct span){source, i, 1}, "at %u", i);
		diag_hint(diag, "hint");
	}
	size_t listed = 0;
	for (struct diag *diag = diags.first; diag; diag = diag->next)
		assert_int_equal(diag->span.offset, listed++);
	assert_int_equal(listed, DIAG_LIMIT);
	/* One chunk holds all structs that were ever made. */
	assert_true(arena_mark(&diags.arena).used <= sizeof(struct diag) * (DIAG_LIMIT + 2));
	assert_int_equal(diags.error_count, 100000);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_form, begin, end),
		cmocka_unit_test_setup_teardown(without_place, begin, end),
		cmocka_unit_test_setup_teardown(tabs_and_wide_characters, begin, end),
		cmocka_unit_test_setup_teardown(odd_spans, begin, end),
		cmocka_unit_test_setup_teardown(hostile_text, begin, end),
		cmocka_unit_test_setup_teardown(long_lines, begin, end),
		cmocka_unit_test_setup_teardown(in_file_order, begin, end),
		cmocka_unit_test_setup_teardown(limit, begin, end),
		cmocka_unit_test_setup_teardown(one_more, begin, end),
		cmocka_unit_test_setup_teardown(many_use_no_memory, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
