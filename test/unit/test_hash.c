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

/* RFC 4231's test cases 1, 2 and 6: a key as long as the digest, a short one, one longer than a block. */
static void
known_hmacs(void **state)
{
	(void)state;
	char long_key[131], hex[HASH_HEX_LENGTH + 1];
	memset(long_key, 0xaa, sizeof long_key);
	const struct {
		struct str key, text;
		const char *hex;
	} cases[] = {
		{STR("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"), STR("Hi There"),
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{STR("Jefe"), STR("what do ya want for nothing?"),
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{{long_key, sizeof long_key}, STR("Test Using Larger Than Block-Size Key - Hash Key First"),
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned char digest[HASH_LENGTH];
		assert_true(hash_hmac(cases[i].key, cases[i].text, digest));
		hash_hex(digest, hex);
		assert_string_equal(hex, cases[i].hex);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(known_hmacs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
