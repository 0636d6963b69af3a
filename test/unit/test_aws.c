/* The small parts of the AWS client: answers in XML, errors, and when to try again. */
#include "aws/endpoint.h"
#include "aws/error.h"
#include "aws/retry.h"
#include "aws/xml.h"
#include "base/arena.h"

#include "test/unit/unit.h"

static void
xml_is_read(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct str error;
	const struct xml *root = xml_read(&arena,
		STR("<?xml version=\"1.0\"?>\n<ns:a xmlns:ns=\"u\"><set><item id='1'>one &lt;&#228;&amp;</item><other/><item> 2 "
		    "</item></set>"
		    "<n>42</n><m>x<![CDATA[<y>]]>z</m></ns:a>"),
		&error);
	assert_non_null(root);
	assert_text(root->name, "a");
	const struct xml *item = xml_child(root, "set/item");
	assert_text(item->text, "one <\xc3\xa4&");
	item = xml_again(item);
	assert_text(item->text, " 2 ");
	assert_null(xml_again(item));
	assert_int_equal(xml_integer(root, "n", 7), 42);
	assert_int_equal(xml_integer(root, "set/item", 7), 7);
	assert_text(xml_text(root, "m"), "x<y>z");
	assert_null(xml_text(root, "set/none").s);
	assert_null(xml_child(NULL, "a"));
	arena_free(&arena);
}

static void
xml_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "it is empty"},
		{"<a><b></a>", "it is not readable XML: mismatched tag (byte 8)"},
		{"<a>", "it is not readable XML: no element found (byte 3)"},
		{"<a/><b/>", "it is not readable XML: junk after document element (byte 4)"},
		{"<a>&nbsp;</a>", "it is not readable XML: undefined entity (byte 3)"},
		{"<a>\xff</a>", "it is not readable XML: not well-formed (invalid token) (byte 3)"},
		{"<!DOCTYPE html><html/>",
			"it is not readable XML: it declares a document type, which AWS's answers never do (byte 14)"},
	};
	struct arena arena = {NULL};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str error = {NULL, 0};
		assert_null(xml_read(&arena, str_from(cases[i].text), &error));
		assert_text(error, cases[i].error);
	}
	arena_free(&arena);
}

static void
errors_are_told(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct aws_error error = {.service = STR("ec2"),
		.action = STR("RunInstances"),
		.code = STR("InsufficientInstanceCapacity"),
		.message = STR("There is none."),
		.request_id = STR("1b2c"),
		.tries = 3};
	assert_text(aws_error_text(&arena, &error),
		"ec2 RunInstances: InsufficientInstanceCapacity: There is none. (request 1b2c, 3 tries)");
	error.tries = 1;
	assert_text(
		aws_error_text(&arena, &error), "ec2 RunInstances: InsufficientInstanceCapacity: There is none. (request 1b2c)");
	error.code = error.request_id = (struct str){NULL, 0};
	assert_text(aws_error_text(&arena, &error), "ec2 RunInstances: There is none.");
	static const struct {
		const char *code;
		bool missing;
	} codes[] = {{"InvalidVpcID.NotFound", true}, {"NoSuchKey", true}, {"Gateway.NotAttached", true}, {"NotFound", true},
		{"InvalidVpcID.Malformed", false}, {"AccessDenied", false}, {"", false}};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		error.code = str_from(codes[i].code);
		assert_int_equal(aws_error_is_missing(&error), codes[i].missing);
	}
	arena_free(&arena);
}

static void
what_may_pass(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *code;
		bool sent;
		enum retry_kind kind;
		bool no_effect;
	} cases[] = {
		{0, "", false, RETRY_TRANSIENT, true},
		{0, "", true, RETRY_TRANSIENT, false},
		{200, "", true, RETRY_TRANSIENT, false}, /* an answer that nobody can read */
		{400, "InvalidParameterValue", true, RETRY_NEVER, true},
		{400, "Throttling", true, RETRY_THROTTLED, true},
		{400, "RequestTimeout", true, RETRY_TRANSIENT, true},
		{403, "", true, RETRY_NEVER, true},
		{429, "", true, RETRY_THROTTLED, true},
		{500, "InternalError", true, RETRY_TRANSIENT, false},
		{501, "NotImplemented", true, RETRY_NEVER, false},
		{502, "", true, RETRY_TRANSIENT, false},
		{503, "", true, RETRY_TRANSIENT, false},
		{503, "SlowDown", true, RETRY_THROTTLED, true},
		{503, "RequestLimitExceeded", true, RETRY_THROTTLED, true},
		{504, "", true, RETRY_TRANSIENT, false},
		{500, "InsufficientInstanceCapacity", true, RETRY_NEVER, true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct aws_error error = {.status = cases[i].status, .code = str_from(cases[i].code)};
		assert_int_equal(retry_classify(&error), cases[i].kind);
		assert_int_equal(retry_had_no_effect(&error, cases[i].sent), cases[i].no_effect);
	}
	struct aws_error cancelled = {.cancelled = true};
	assert_int_equal(retry_classify(&cancelled), RETRY_NEVER);
}

static struct http_response
with_header(struct http_header *header, const char *name, const char *value)
{
	*header = (struct http_header){str_from(name), str_from(value)};
	return (struct http_response){.headers = header, .header_count = 1};
}

static void
how_long(void **state)
{
	(void)state;
	struct http_response none = {.status = 0};
	struct http_header header;
	assert_int_equal(retry_wait(RETRY_TRANSIENT, 1, &none, 1), 50);
	assert_int_equal(retry_wait(RETRY_TRANSIENT, 2, &none, 1), 100);
	assert_int_equal(retry_wait(RETRY_TRANSIENT, 2, &none, 0.5), 50);
	assert_int_equal(retry_wait(RETRY_THROTTLED, 3, &none, 1), 4000);
	assert_int_equal(retry_wait(RETRY_THROTTLED, 99, &none, 1), 20000);
	assert_int_equal(retry_wait(RETRY_THROTTLED, 1, &none, 0), 0);
	static const struct {
		const char *name, *value;
		int64_t wait;
	} cases[] = {
		{"x-amz-retry-after", "1500", 1500},
		{"retry-after", "3", 3000},
		{"retry-after", "100000000000000000", 60000},
		{"retry-after", "Fri, 31 Dec 1999 23:59:59 GMT", 50},
		{"retry-after", "0", 50},
		{"retry-after", "-5", 50},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_response response = with_header(&header, cases[i].name, cases[i].value);
		assert_int_equal(retry_wait(RETRY_TRANSIENT, 1, &response, 1), cases[i].wait);
	}
	for (int i = 0; i < 1000; i++)
		assert_true(retry_random() >= 0 && retry_random() <= 1);
}

static void
how_often(void **state)
{
	(void)state;
	struct retry_bucket bucket = {RETRY_TOKENS};
	for (int i = 0; i < RETRY_TOKENS / 14; i++)
		assert_true(retry_take(&bucket, RETRY_TRANSIENT));
	assert_false(retry_take(&bucket, RETRY_TRANSIENT)); /* 10 are left */
	assert_true(retry_take(&bucket, RETRY_THROTTLED));
	assert_true(retry_take(&bucket, RETRY_THROTTLED));
	assert_false(retry_take(&bucket, RETRY_THROTTLED));
	retry_give(&bucket, RETRY_TRANSIENT);
	assert_true(retry_take(&bucket, RETRY_TRANSIENT));
	for (int i = 0; i < 1000; i++)
		retry_give(&bucket, RETRY_NEVER);
	assert_int_equal(bucket.tokens, RETRY_TOKENS);
}

static void
which_clock(void **state)
{
	(void)state;
	const int64_t now = 1440938160000; /* Sun, 30 Aug 2015 12:36:00 GMT */
	static const struct {
		const char *code, *date;
		int64_t ahead;
	} cases[] = {
		{"RequestExpired", "Sun, 30 Aug 2015 13:36:00 GMT", 3600000},
		{"SignatureDoesNotMatch", "Sun, 30 Aug 2015 12:31:00 GMT", -300000},
		{"RequestTimeTooSkewed", "Sun, 30 Aug 2015 12:40:00 GMT", 0}, /* 4 minutes explain nothing */
		{"InvalidParameterValue", "Sun, 30 Aug 2015 13:36:00 GMT", 0},
		{"RequestExpired", "yesterday", 0},
		{"RequestExpired", "", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_header header;
		struct http_response response = with_header(&header, "date", cases[i].date);
		struct aws_error error = {.status = 400, .code = str_from(cases[i].code)};
		assert_int_equal(retry_skew(&error, &response, now), cases[i].ahead);
	}
}

static void
parts_of_urls(void **state)
{
	(void)state;
	static const struct {
		const char *url, *host, *path;
	} cases[] = {
		{"https://ec2.eu-west-1.amazonaws.com", "ec2.eu-west-1.amazonaws.com", ""},
		{"https://host:443/a/b", "host", "/a/b"},
		{"https://host:80", "host:80", ""},
		{"http://host:80", "host", ""},
		{"http://[::1]:5000/x", "[::1]:5000", "/x"},
		{"http://host:8080", "host:8080", ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_text(aws_endpoint_host(str_from(cases[i].url)), cases[i].host);
		assert_text(aws_endpoint_path(str_from(cases[i].url)), cases[i].path);
	}
	assert_text(aws_endpoint_global(STR("arn:aws-cn:iam::1:role/r")), "cn-north-1");
	assert_text(aws_endpoint_global(STR("arn:aws:iam::1:role/r")), "us-east-1");
	assert_text(aws_endpoint_global(STR("nonsense")), "us-east-1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_is_read),
		cmocka_unit_test(xml_is_refused),
		cmocka_unit_test(errors_are_told),
		cmocka_unit_test(what_may_pass),
		cmocka_unit_test(how_long),
		cmocka_unit_test(how_often),
		cmocka_unit_test(which_clock),
		cmocka_unit_test(parts_of_urls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
