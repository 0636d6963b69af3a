#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/hash.h"

#include "test/unit/unit.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* The credentials and the time of AWS's "Signature Version 4 Test Suite". */
static const struct credentials suite = {
	.access_key = {"AKIDEXAMPLE", 11}, .secret = {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40}};
static const int64_t suite_time = 1440938160000;

/* Each stage of one request; its time is 2015-08-30T12:36:00Z. */
struct vector {
	const char *name, *method, *path, *query;
	const char *headers[4][2]; /* besides host and x-amz-date */
	const char *body;
	bool as_is; /* a path that the suite gives raw, and we encoded */
	const char *signature;
};

static const struct vector vectors[] = {
	{"get-vanilla", "GET", "/", "", {{0}}, "", false, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"post-vanilla", "POST", "/", "", {{0}}, "", false, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", {{0}}, "", false,
		"07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
	{"get-utf8", "GET", "/%E1%88%B4", "", {{0}}, "", true, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{"get-space", "GET", "/example%20space/", "", {{0}}, "", true,
		"652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{"get-relative", "GET", "/example/..", "", {{0}}, "", false,
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-relative-relative", "GET", "/example1/example2/../..", "", {{0}}, "", false,
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slash", "GET", "//", "", {{0}}, "", false, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slash-dot-slash", "GET", "/./", "", {{0}}, "", false,
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slashes", "GET", "//example//", "", {{0}}, "", false,
		"9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	{"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", {{0}}, "", false,
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"get-vanilla-query-order-value", "GET", "/", "Param1=value2&Param1=value1", {{0}}, "", false,
		"5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
	{"get-vanilla-empty-query-key", "GET", "/", "Param1=value1", {{0}}, "", false,
		"a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
	{"get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar", {{0}}, "", false,
		"2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{"get-header-key-duplicate", "GET", "/", "", {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
		"", false, "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	{"get-header-value-order", "GET", "/", "",
		{{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}}, "", false,
		"08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
	{"get-header-value-trim", "GET", "/", "", {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}, "", false,
		"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	{"post-x-www-form-urlencoded", "POST", "/", "", {{"Content-Type", "application/x-www-form-urlencoded"}}, "Param1=value1",
		false, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

static size_t
headers_of(const struct vector *vector, struct http_header headers[6])
{
	size_t n = 0;
	headers[n++] = (struct http_header){STR("Host"), STR("example.amazonaws.com")};
	headers[n++] = (struct http_header){STR("X-Amz-Date"), STR("20150830T123600Z")};
	for (size_t i = 0; i < 4 && vector->headers[i][0]; i++)
		headers[n++] = (struct http_header){str_from(vector->headers[i][0]), str_from(vector->headers[i][1])};
	return n;
}

static void
test_suite(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const struct vector *vector = &vectors[i];
		struct arena arena = {NULL};
		struct http_header headers[6];
		char hash[HASH_HEX_LENGTH + 1];
		unsigned char key[32];
		struct str names, signature;
		assert_true(hash_text(str_from(vector->body), hash));
		struct sigv4_request request = {.method = vector->method,
			.host = STR("example.amazonaws.com"),
			.path = str_from(vector->path),
			.query = str_from(vector->query),
			.payload_hash = str_from(hash),
			.service = STR("service"),
			.region = STR("us-east-1"),
			.time_ms = suite_time,
			.s3 = vector->as_is};
		struct str canonical = sigv4_canonical_request(&arena, &request, headers, headers_of(vector, headers), &names);
		assert_true(sigv4_key(&suite, &request, key));
		assert_true(sigv4_signature(&arena, key, sigv4_string_to_sign(&arena, &request, canonical), &signature));
		if (!str_is(signature, vector->signature))
			print_error("%s:\n%.*s\n", vector->name, STR_ARG(canonical));
		assert_text(signature, vector->signature);
		arena_free(&arena);
	}
}

/* The example that "Signature Version 4 signing process" goes through, stage by stage. */
static void
each_stage(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	const struct http_header headers[] = {
		{STR("Content-Type"), STR("application/x-www-form-urlencoded; charset=utf-8")},
		{STR("Host"), STR("iam.amazonaws.com")},
		{STR("X-Amz-Date"), STR("20150830T123600Z")},
	};
	struct sigv4_request request = {.method = "GET",
		.host = STR("iam.amazonaws.com"),
		.path = STR("/"),
		.query = STR("Action=ListUsers&Version=2010-05-08"),
		.payload_hash = STR(EMPTY),
		.service = STR("iam"),
		.region = STR("us-east-1"),
		.time_ms = suite_time};
	struct str names, signature;
	unsigned char key[32];
	char hex[HASH_HEX_LENGTH + 1];
	struct str canonical = sigv4_canonical_request(&arena, &request, headers, 3, &names);
	assert_text(names, "content-type;host;x-amz-date");
	assert_text(canonical, "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
			       "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
			       "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n" EMPTY);
	struct str to_sign = sigv4_string_to_sign(&arena, &request, canonical);
	assert_text(to_sign, "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
			     "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
	assert_true(sigv4_key(&suite, &request, key));
	hash_hex(key, hex);
	assert_string_equal(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
	assert_true(sigv4_signature(&arena, key, to_sign, &signature));
	assert_text(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
	arena_free(&arena);
}

/* The examples of S3's "Authenticating Requests". */
static const struct credentials s3_keys = {
	.access_key = {"AKIAIOSFODNN7EXAMPLE", 20}, .secret = {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40}};

static const struct sigv4_request s3_get = {.method = "GET",
	.host = {"examplebucket.s3.amazonaws.com", 30},
	.path = {"/test.txt", 9},
	.query = {"", 0},
	.payload_hash = {EMPTY, 64},
	.service = {"s3", 2},
	.region = {"us-east-1", 9},
	.time_ms = 1369353600000,
	.s3 = true};

static void
s3_examples(void **state)
{
	(void)state;
	static const struct {
		const char *method, *path, *query, *payload_hash, *authorization;
		struct http_header headers[2];
		size_t count;
	} cases[] = {
		{"GET", "/test.txt", "", EMPTY,
			"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
			"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
			"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
			{{{"Range", 5}, {"bytes=0-9", 9}}}, 1},
		{"PUT", "/test%24file.text", "", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
			"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
			"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			{{{"Date", 4}, {"Fri, 24 May 2013 00:00:00 GMT", 29}},
				{{"x-amz-storage-class", 19}, {"REDUCED_REDUNDANCY", 18}}},
			2},
		{"GET", "/", "lifecycle", EMPTY,
			"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
			"SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
			"Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
			{{{NULL, 0}, {NULL, 0}}}, 0},
		{"GET", "/", "max-keys=2&prefix=J", EMPTY,
			"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
			"SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
			"Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
			{{{NULL, 0}, {NULL, 0}}}, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = {NULL};
		struct http_header *headers;
		size_t count;
		struct sigv4_request request = s3_get;
		request.method = cases[i].method;
		request.path = str_from(cases[i].path);
		request.query = str_from(cases[i].query);
		request.payload_hash = str_from(cases[i].payload_hash);
		request.headers = cases[i].headers;
		request.header_count = cases[i].count;
		assert_true(sigv4_sign(&arena, &request, &s3_keys, &headers, &count));
		assert_text(headers[count - 1].name, "authorization");
		assert_text(headers[count - 1].value, cases[i].authorization);
		arena_free(&arena);
	}
}

static void
presigned(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct sigv4_request request = s3_get;
	struct str query;
	request.payload_hash = STR("UNSIGNED-PAYLOAD");
	assert_true(sigv4_presign(&arena, &request, &s3_keys, 86400, &query));
	assert_text(query,
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&"
		"X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
		"X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	arena_free(&arena);
}

/* Every byte, as the set of unreserved characters of RFC 3986 has it. */
static void
every_byte(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	for (int c = 0; c < 256; c++) {
		char byte = (char)c, expected[4] = {byte};
		bool alone = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			     c == '_' || c == '~';
		if (!alone)
			snprintf(expected, sizeof expected, "%%%02X", (unsigned)c);
		assert_text(sigv4_encode(&arena, (struct str){&byte, 1}, false), expected);
		assert_text(sigv4_encode(&arena, (struct str){&byte, 1}, true), c == '/' ? "/" : expected);
	}
	assert_int_equal(sigv4_encode(&arena, (struct str){NULL, 0}, true).n, 0);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suite),
		cmocka_unit_test(each_stage),
		cmocka_unit_test(s3_examples),
		cmocka_unit_test(presigned),
		cmocka_unit_test(every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
