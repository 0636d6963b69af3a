/* The order of versions, and of names with numbers in them. */
#include "project/compare.h"

#include "test/unit/unit.h"

/* Each text is before the next. */
static void
holds_order(const char *const *texts, size_t count, bool naturally)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			struct str a = str_from(texts[i]), b = str_from(texts[j]);
			int order = 0;
			if (naturally)
				order = compare_naturally(a, b);
			else
				assert_true(compare_versions(a, b, &order));
			if ((order > 0) - (order < 0) != (i > j) - (i < j))
				fail_msg("'%s' and '%s' compare as %d", texts[i], texts[j], order);
		}
	}
}

static void
versions_in_order(void **state)
{
	static const char *const texts[] = {"-2", "-1.5", "0", "1.2-rc1", "1.2-rc2", "1.2-rc10", "1.2", "1.2+git", "1.9", "1.10",
		"12", "12.0.1", "99999999999999999999", "100000000000000000000"};
	(void)state;
	holds_order(texts, sizeof texts / sizeof *texts, false);
}

static void
versions_that_are_equal(void **state)
{
	static const char *const pairs[][2] = {{"12", "12.0"}, {"1.0.0", "1"}, {"08", "8"}, {"1.2~rc1", "1.2~rc1"}};
	int order;

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		assert_true(compare_versions(str_from(pairs[i][0]), str_from(pairs[i][1]), &order));
		assert_int_equal(order, 0);
	}
}

static void
what_is_no_version(void **state)
{
	static const char *const texts[] = {"", "-", "a", "1.", ".1", "1..2", "1.2-", "1 2", "v1", "1x", "1.x"};
	int order;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (compare_versions(str_from(texts[i]), STR("1"), &order) ||
			compare_versions(STR("1"), str_from(texts[i]), &order))
			fail_msg("'%s' was taken for a version", texts[i]);
	}
}

static void
names_in_order(void **state)
{
	static const char *const texts[] = {"", "1", "2", "10", "a", "a01", "a1", "a2", "a2b", "a10", "a10.2", "a10.10", "b"};
	(void)state;
	holds_order(texts, sizeof texts / sizeof *texts, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_in_order),
		cmocka_unit_test(versions_that_are_equal),
		cmocka_unit_test(what_is_no_version),
		cmocka_unit_test(names_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
