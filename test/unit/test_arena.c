#include "base/arena.h"

#include "test/unit/unit.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static void
zeroed_and_aligned(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	for (size_t size = 0; size < 300; size++) {
		char *text = arena_text(&arena, 3);
		memset(text, 0xFF, 3);
		char *block = arena_alloc(&arena, size);
		assert_int_equal((uintptr_t)block % _Alignof(int64_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(block[i], 0);
		memset(block, 0xFF, size);
	}
	arena_free(&arena);
	assert_null(arena.top);
}

static void
reused_memory_is_zeroed(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	arena_alloc(&arena, 16);
	struct arena_mark mark = arena_mark(&arena);
	memset(arena_text(&arena, 100), 0xFF, 100);
	arena_reset(&arena, mark);
	int *number = arena_new(&arena, int);
	assert_int_equal(*number, 0);
	arena_free(&arena);
}

static void
reset_across_chunks(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct arena_mark empty = arena_mark(&arena);
	char *kept = arena_text(&arena, 10);
	memcpy(kept, "0123456789", 10);
	struct arena_mark mark = arena_mark(&arena);
	char *next = arena_text(&arena, 1);
	for (int i = 0; i < 100; i++) {
		arena_alloc(&arena, 5000);
		arena_alloc(&arena, (size_t)1 << 19);
	}
	arena_reset(&arena, mark);
	assert_ptr_equal(arena_text(&arena, 1), next);
	assert_memory_equal(kept, "0123456789", 10);
	arena_reset(&arena, empty);
	assert_null(arena.top);
}

static void
grows_in_place_where_newest(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	char *block = arena_grow(&arena, NULL, 0, 8);
	memcpy(block, "abcdefgh", 8);
	assert_ptr_equal(arena_grow(&arena, block, 8, 100), block);
	arena_text(&arena, 1);
	char *moved = arena_grow(&arena, block, 100, 200);
	assert_ptr_not_equal(moved, block);
	assert_memory_equal(moved, "abcdefgh", 8);
	arena_free(&arena);
}

static void
big_blocks_grow_and_keep_marks_good(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	size_t size = (size_t)1 << 20;
	char *small = arena_text(&arena, 5), *big = arena_text(&arena, size);
	memcpy(small, "small", 5);
	memset(big, 'b', size);
	struct arena_mark mark = arena_mark(&arena);
	arena_text(&arena, 10);
	for (int i = 0; i < 5; i++, size *= 2) {
		big = arena_grow(&arena, big, size, size * 2);
		assert_int_equal(big[0], 'b');
		assert_int_equal(big[size - 1], 'b');
		memset(big + size, 'b', size);
	}
	arena_reset(&arena, mark);
	assert_int_equal(big[0], 'b');
	assert_memory_equal(small, "small", 5);
	arena_free(&arena);
}

static void
freed_memory_is_poisoned(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	struct arena arena = {NULL};
	char *text = arena_text(&arena, 8);
	assert_false(__asan_address_is_poisoned(text + 7));
	assert_true(__asan_address_is_poisoned(text + 8));
	struct arena_mark mark = arena_mark(&arena);
	char *more = arena_text(&arena, 8);
	arena_reset(&arena, mark);
	assert_true(__asan_address_is_poisoned(more));
	arena_free(&arena);
#else
	skip();
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_and_aligned),
		cmocka_unit_test(reused_memory_is_zeroed),
		cmocka_unit_test(reset_across_chunks),
		cmocka_unit_test(grows_in_place_where_newest),
		cmocka_unit_test(big_blocks_grow_and_keep_marks_good),
		cmocka_unit_test(freed_memory_is_poisoned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
