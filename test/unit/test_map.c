#include "base/arena.h"
#include "base/map.h"

#include "test/unit/unit.h"

static void
empty(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct map map = map_new(&arena);
	assert_null(map_get(&map, STR("a")));
	assert_null(map_get(&(struct map){.count = 0}, STR("")));
	assert_int_equal(map.count, 0);
}

static void
keeps_values_and_order(void **state)
{
	(void)state;
	enum {
		COUNT = 20000
	};
	struct arena arena = {NULL}, names = {NULL};
	struct map map = map_new(&arena);
	for (size_t i = 0; i < COUNT; i++) {
		void **value = map_at(&map, str_printf(&names, "src/file-%zu.c", i));
		assert_null(*value);
		*value = &map.count + i;
		/* Each name is found at every size: the small ones, and around each growth. */
		if (i < 100)
			for (size_t k = 0; k <= i; k++)
				assert_ptr_equal(map_get(&map, str_printf(&names, "src/file-%zu.c", k)), &map.count + k);
	}
	for (size_t i = 0; i < COUNT; i++) {
		struct str name = str_printf(&names, "src/file-%zu.c", i);
		assert_ptr_equal(*map_at(&map, name), &map.count + i);
		assert_true(str_eq(map.entries[i].key, name));
	}
	assert_int_equal(map.count, COUNT);
	assert_true(map.count < map.slot_count / 4 * 3);
	assert_null(map_get(&map, STR("src/file-20000.c")));
	arena_free(&arena);
	arena_free(&names);
}

static void
odd_keys(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct map map = map_new(&arena);
	int values[4];
	for (size_t i = 0; i < 20; i++)
		map_at(&map, str_printf(&arena, "%zu", i));
	*map_at(&map, STR("")) = &values[0];
	*map_at(&map, STR("a")) = &values[1];
	*map_at(&map, STR("a\0")) = &values[2];
	*map_at(&map, STR("a\0\0\0\0\0\0\0\0")) = &values[3];
	assert_ptr_equal(map_get(&map, (struct str){NULL, 0}), &values[0]);
	assert_ptr_equal(map_get(&map, STR("a")), &values[1]);
	assert_ptr_equal(map_get(&map, STR("a\0")), &values[2]);
	assert_ptr_equal(map_get(&map, STR("a\0\0\0\0\0\0\0\0")), &values[3]);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(keeps_values_and_order),
		cmocka_unit_test(odd_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
