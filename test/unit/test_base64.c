/* Base64: RFC 4648's own vectors, and texts that are none. */
#include "unit.h"

#include "base/arena.h"
#include "base/base64.h"

static void
vectors(void **state)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "+/+/"}};
	struct arena arena = {NULL};
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct str bytes;
		assert_text(base64_encode(&arena, pairs[i][0], strlen(pairs[i][0])), pairs[i][1]);
		assert_true(base64_decode(&arena, str_from(pairs[i][1]), &bytes));
		assert_text(bytes, pairs[i][0]);
	}
	arena_free(&arena);
}

static void
texts_that_are_none(void **state)
{
	static const char *const texts[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=", "Zm9v\n", "Zm-v", "Zg==Zg==", "Zm=v"};
	struct arena arena = {NULL};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct str bytes;
		if (base64_decode(&arena, str_from(texts[i]), &bytes))
			fail_msg("'%s' was read", texts[i]);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(texts_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
