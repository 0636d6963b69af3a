#include "base/hash.h"

#include "test/unit/unit.h"

/* FIPS 180-2's examples. */
static void
known_digests(void **state)
{
	(void)state;
	char hex[HASH_HEX_LENGTH + 1];
	assert_true(hash_text((struct str){NULL, 0}, hex));
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_true(hash_text(STR("abc"), hex));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
in_pieces(void **state)
{
	(void)state;
	char hex[HASH_HEX_LENGTH + 1];
	struct hash *hash = hash_new(), *other = hash_new();
	assert_non_null(hash);
	assert_non_null(other);
	for (int i = 0; i < 1000000; i += 1000) {
		char piece[1000];
		memset(piece, 'a', sizeof piece);
		hash_add(hash, piece, sizeof piece);
		hash_add(other, "", 0);
	}
	hash_end(hash, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	hash_end(other, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests),
		cmocka_unit_test(in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
