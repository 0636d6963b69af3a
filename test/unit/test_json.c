#include "base/arena.h"
#include "base/json.h"

#include "test/unit/unit.h"

#include <math.h>

static void
reads_all_types(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct str error;
	struct json *json = json_read(&arena,
		STR("{\"text\":\"a\\u00e9\\u0000\\n\",\"int\":-9223372036854775808,\"big\":9223372036854775808,\"real\":1.5e1,"
		    "\"yes\":true,\"no\":false,\"null\":null,\"list\":[1,[],{}],\"\":{\"x\":7},\"int\":5}"),
		&error);
	assert_non_null(json);
	struct str text = json_text(json, "text", STR("?"));
	assert_true(str_eq(text, STR("a\xC3\xA9\0\n")));
	assert_true(json_integer(json, "int", 0) == 5); /* the last of two members counts */
	assert_int_equal(json_member(json, "big")->type, JSON_REAL);
	assert_true(fabs(json_member(json, "big")->real - 9223372036854775808.0) < 1);
	assert_true(fabs(json_member(json, "real")->real - 15) < 1e-9);
	assert_true(json_truth(json, "yes", false));
	assert_false(json_truth(json, "no", true));
	assert_int_equal(json_member(json, "null")->type, JSON_NULL);
	const struct json *list = json_member(json, "list");
	assert_int_equal(list->count, 3);
	assert_true(list->items[0]->integer == 1);
	assert_int_equal(list->items[1]->count, 0);
	assert_int_equal(list->items[2]->type, JSON_OBJECT);
	assert_true(json_integer(json_member(json, ""), "x", 0) == 7);
	assert_int_equal(json->members.count, 9);
	arena_free(&arena);
}

static void
fallbacks(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct str error;
	struct json *json = json_read(&arena, STR("{\"a\":1,\"b\":\"x\"}"), &error);
	assert_text(json_text(json, "a", STR("?")), "?");
	assert_true(json_integer(json, "b", 9) == 9);
	assert_true(json_truth(json, "a", true));
	assert_null(json_member(json, "c"));
	assert_null(json_member(NULL, "c"));
	assert_null(json_member(json_member(json, "a"), "c"));
	assert_text(json_text(NULL, "a", STR("?")), "?");
	arena_free(&arena);
}

static void
errors(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "invalid JSON at byte 0: parse error: premature EOF"},
		{"  ", "invalid JSON at byte 2: parse error: premature EOF"},
		{"{\"a\":", "invalid JSON at byte 5: parse error: premature EOF"},
		{"[1,]", "invalid JSON at byte 4: parse error: unallowed token at this point in JSON text"},
		{"[1 2]", "invalid JSON at byte 4: parse error: after array element, I expect ',' or ']'"},
		{"{'a':1}", "invalid JSON at byte 2: lexical error: invalid char in json text"},
		{"\"\xFF\"", "invalid JSON at byte 2: lexical error: invalid bytes in UTF8 string"},
		{"{} {}", "invalid JSON at byte 4: parse error: trailing garbage"},
	};
	struct arena arena = {NULL};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str error = {NULL, 0};
		assert_null(json_read(&arena, str_from(cases[i].text), &error));
		assert_text(error, cases[i].error);
	}
	struct str error;
	assert_null(json_read(&arena, (struct str){NULL, 0}, &error));
	arena_free(&arena);
}

static struct str
nested(struct arena *arena, size_t depth)
{
	struct buf text = buf_new(arena);
	for (size_t i = 0; i < depth; i++)
		buf_add_c(&text, "[");
	for (size_t i = 0; i < depth; i++)
		buf_add_c(&text, "]");
	return buf_str(&text);
}

static void
depth(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct str error;
	assert_non_null(json_read(&arena, nested(&arena, JSON_DEPTH_LIMIT), &error));
	assert_null(json_read(&arena, nested(&arena, JSON_DEPTH_LIMIT + 1), &error));
	assert_text(error, "invalid JSON at byte 101: nested deeper than 100 levels");
	assert_null(json_read(&arena, nested(&arena, 100000), &error));
	arena_free(&arena);
}

static void
large(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct str error;
	struct json_writer *writer = json_writer_new(&arena, false);
	json_open_array(writer, NULL);
	for (int i = 0; i < 20000; i++) {
		json_open_object(writer, NULL);
		json_put_integer(writer, "number", i);
		json_put_text(writer, "name", str_printf(&arena, "file \"%d\"\n", i));
		json_close(writer);
	}
	json_close(writer);
	struct json *json = json_read(&arena, json_writer_text(writer), &error);
	assert_non_null(json);
	assert_int_equal(json->count, 20000);
	for (int i = 0; i < 20000; i += 77) {
		assert_true(json_integer(json->items[i], "number", -1) == i);
		assert_text(json_text(json->items[i], "name", STR("")), str_printf(&arena, "file \"%d\"\n", i).s);
	}
	arena_free(&arena);
}

static void
write_sample(struct json_writer *writer)
{
	struct str list[] = {STR("a"), STR("")};
	json_open_object(writer, NULL);
	json_put_text(writer, "text", STR("\"\\/\n\x01\xC3\xA9\xFF|\xE6\x97"));
	json_put_integer(writer, "least", INT64_MIN);
	json_put_truth(writer, "yes", true);
	json_put_null(writer, "null");
	json_put_words(writer, "words", (struct words){list, 2});
	json_put_words(writer, "none", (struct words){NULL, 0});
	json_open_object(writer, "empty");
	json_close(writer);
	json_close(writer);
}

static void
writes(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct json_writer *writer = json_writer_new(&arena, false);
	write_sample(writer);
	assert_text(json_writer_text(writer),
		"{\"text\":\"\\\"\\\\/\\n\\u0001\xC3\xA9\uFFFD|\uFFFD\uFFFD\",\"least\":-9223372036854775808,\"yes\":true,"
		"\"null\":null,\"words\":[\"a\",\"\"],\"none\":[],\"empty\":{}}");
	writer = json_writer_new(&arena, true);
	json_open_object(writer, NULL);
	json_put_integer(writer, "a", 1);
	json_open_array(writer, "b");
	json_put_text(writer, NULL, (struct str){NULL, 0});
	json_close(writer);
	json_close(writer);
	assert_text(json_writer_text(writer), "{\n  \"a\": 1,\n  \"b\": [\n    \"\"\n  ]\n}\n");
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_types),
		cmocka_unit_test(fallbacks),
		cmocka_unit_test(errors),
		cmocka_unit_test(depth),
		cmocka_unit_test(large),
		cmocka_unit_test(writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
