#include "aws/s3.h"
#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What asks for little has an answer by then, or none. */
#define TRY_MS 10000
/* The region whose buckets are made without naming it. */
#define FIRST_REGION "us-east-1"

bool
s3_parse(struct str url, struct str *bucket, struct str *key)
{
	struct str rest = str_part(url, 5, url.n);
	size_t slash = str_find(rest, '/');
	*bucket = str_part(rest, 0, slash);
	*key = str_part(rest, slash + 1, rest.n);
	return str_starts(url, STR("s3://")) && bucket->n > 0;
}

static bool
fail(struct aws_error *error, struct str action, struct str message)
{
	*error = (struct aws_error){.service = STR("s3"), .action = action, .message = message};
	return false;
}

/* --- buckets --- */

/* Asks for none of its objects: a HEAD would not say why it is refused. */
static bool
look_into(struct aws *aws, struct arena *arena, struct str bucket, struct aws_error *error)
{
	struct http_response response;
	struct aws_s3_request request = {
		.method = "GET",
		.bucket = bucket,
		.query = STR("list-type=2&max-keys=0"),
		.repeat = AWS_SAFE,
		.action = "ListObjectsV2",
	};
	return aws_s3(aws, arena, &request, &response, error);
}

/* New buckets are private, and block public access, by S3's own default. */
static bool
create_bucket(struct aws *aws, struct arena *arena, struct str bucket, struct aws_error *error)
{
	struct http_response response;
	struct str region = aws_region(aws);
	struct aws_s3_request request = {.method = "PUT", .bucket = bucket, .repeat = AWS_SAFE, .action = "CreateBucket"};
	if (!str_is(region, FIRST_REGION))
		request.body = str_printf(arena,
			"<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			"<LocationConstraint>%.*s</LocationConstraint></CreateBucketConfiguration>",
			STR_ARG(region));
	return aws_s3(aws, arena, &request, &response, error) || aws_error_is(error, "BucketAlreadyOwnedByYou");
}

bool
s3_ensure_bucket(struct aws *aws, struct arena *arena, struct str bucket, bool create, struct aws_error *error)
{
	if (look_into(aws, arena, bucket, error))
		return true;
	return create && aws_error_is(error, "NoSuchBucket") && create_bucket(aws, arena, bucket, error);
}

/* --- objects --- */

/* What the headers of an answer say about an object; the names must outlive it. */
static void
read_object(struct arena *arena, struct str bucket, struct str key, const struct http_response *response, struct s3_object *object)
{
	struct str checksum = http_header(response, "x-amz-checksum-sha256"), raw;
	char hex[HASH_HEX_LENGTH + 1];
	*object = (struct s3_object){.bucket = bucket, .key = key, .etag = http_header(response, "etag")};
	object->sha256 = http_header(response, "x-amz-meta-sha256");
	if (!object->sha256.n && base64_decode(arena, checksum, &raw) && raw.n == HASH_LENGTH) {
		hash_hex((const unsigned char *)raw.s, hex);
		object->sha256 = str_dup(arena, str_from(hex));
	}
	str_integer(http_header(response, "content-length"), &object->size);
}

bool
s3_put(struct aws *aws, struct arena *arena, struct str bucket, struct str key, struct str body, bool if_none_match,
	struct str if_match, struct s3_object *object, struct aws_error *error)
{
	char hex[HASH_HEX_LENGTH + 1];
	unsigned char raw[HASH_LENGTH];
	struct hash *hash = hash_new();
	if (!hash)
		return fail(error, STR("PutObject"), STR("OpenSSL's libcrypto cannot be loaded (package libssl3)"));
	hash_add(hash, body.s, body.n);
	hash_end_raw(hash, raw);
	hash_hex(raw, hex);
	struct http_header headers[4] = {
		{STR("x-amz-checksum-sha256"), base64_encode(arena, raw, sizeof raw)},
		{STR("x-amz-sdk-checksum-algorithm"), STR("SHA256")},
		{STR("x-amz-meta-sha256"), str_dup(arena, str_from(hex))},
	};
	struct aws_s3_request request = {
		.method = "PUT",
		.bucket = bucket,
		.key = key,
		.headers = headers,
		.header_count = 3,
		.body = body,
		/* Tried again after it was done, a conditional one would meet itself. */
		.repeat = if_none_match || if_match.n ? AWS_ONCE : AWS_SAFE,
		.action = "PutObject",
	};
	if (if_none_match)
		headers[request.header_count++] = (struct http_header){STR("if-none-match"), STR("*")};
	else if (if_match.n)
		headers[request.header_count++] = (struct http_header){STR("if-match"), if_match};
	struct http_response response;
	if (!aws_s3(aws, arena, &request, &response, error))
		return false;
	read_object(arena, bucket, key, &response, object);
	object->size = (int64_t)body.n;
	object->sha256 = headers[2].value;
	return true;
}

bool
s3_head(struct aws *aws, struct arena *arena, struct str bucket, struct str key, struct s3_object *object, struct str *checksum,
	struct aws_error *error)
{
	struct http_header headers[] = {{STR("x-amz-checksum-mode"), STR("ENABLED")}};
	struct http_response response;
	struct aws_s3_request request = {.method = "HEAD",
		.bucket = bucket,
		.key = key,
		.headers = headers,
		.header_count = 1,
		.repeat = AWS_SAFE,
		.try_ms = TRY_MS,
		.action = "HeadObject"};
	if (!aws_s3(aws, arena, &request, &response, error))
		return false;
	read_object(arena, bucket, key, &response, object);
	if (checksum)
		*checksum = http_header(&response, "x-amz-checksum-sha256");
	return true;
}

/* --- down --- */

/* Where an object's bytes go: into memory up to a limit, or into a file. */
struct target {
	struct buf text;
	size_t limit;
	int fd; /* -1: into memory */
	struct hash *hash;
	int64_t size;
	const char *broken; /* why it took no more */
};

static int64_t
target_take(void *context, char *bytes, size_t n)
{
	struct target *target = context;
	struct str piece = {bytes, n};
	if (target->fd < 0 && n > target->limit - target->text.n)
		target->broken = "it is larger than was allowed for";
	else if (target->fd >= 0 && !os_write_all(target->fd, piece))
		target->broken = strerrordesc_np(errno);
	if (target->broken)
		return -1;
	if (target->fd < 0)
		buf_add(&target->text, piece);
	hash_add(target->hash, bytes, n);
	target->size += (int64_t)n;
	return (int64_t)n;
}

static bool
target_rewind(void *context)
{
	struct target *target = context;
	char hex[HASH_HEX_LENGTH + 1];
	hash_end(target->hash, hex);
	target->hash = hash_new();
	target->text.n = 0;
	target->size = 0;
	return target->hash && !target->broken &&
	       (target->fd < 0 || (ftruncate(target->fd, 0) == 0 && lseek(target->fd, 0, SEEK_SET) == 0));
}

/* Gets it into the target and holds its digest against what S3 says; ends the target's hash. */
static bool
get(struct aws *aws, struct arena *arena, struct str bucket, struct str key, struct target *target, struct s3_object *object,
	struct aws_error *error)
{
	struct http_header headers[] = {{STR("x-amz-checksum-mode"), STR("ENABLED")}};
	struct http_stream sink = {.move = target_take, .rewind = target_rewind, .context = target};
	struct http_response response;
	struct aws_s3_request request = {.method = "GET",
		.bucket = bucket,
		.key = key,
		.headers = headers,
		.header_count = 1,
		.sink = &sink,
		.repeat = AWS_SAFE,
		.action = "GetObject"};
	char hex[HASH_HEX_LENGTH + 1] = "";
	target->hash = hash_new();
	if (!target->hash)
		return fail(error, STR("GetObject"), STR("OpenSSL's libcrypto cannot be loaded (package libssl3)"));
	bool done = aws_s3(aws, arena, &request, &response, error);
	if (target->hash)
		hash_end(target->hash, hex);
	if (target->broken)
		error->message = str_from(target->broken);
	if (!done)
		return false;
	read_object(arena, bucket, key, &response, object);
	object->size = target->size;
	if (object->sha256.n && !str_is(object->sha256, hex))
		return fail(error, STR("GetObject"),
			str_printf(arena, "what came has the checksum %s, and the object %.*s", hex, STR_ARG(object->sha256)));
	object->sha256 = str_dup(arena, str_from(hex));
	return true;
}

bool
s3_get(struct aws *aws, struct arena *arena, struct str bucket, struct str key, size_t limit, struct str *body,
	struct s3_object *object, struct aws_error *error)
{
	struct target target = {.text = buf_new(arena), .limit = limit, .fd = -1};
	bool done = get(aws, arena, bucket, key, &target, object, error);
	*body = buf_str(&target.text);
	return done;
}

bool
s3_get_file(struct aws *aws, struct arena *arena, struct str bucket, struct str key, const char *path, struct s3_object *object,
	struct aws_error *error)
{
	char *beside = str_c(arena, str_printf(arena, "%s.%ld.part", path, (long)getpid()));
	struct target target = {.fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
	if (target.fd < 0)
		return fail(error, STR("GetObject"), str_printf(arena, "cannot write '%s': %s", beside, strerrordesc_np(errno)));
	bool got = get(aws, arena, bucket, key, &target, object, error);
	bool kept = got && fsync(target.fd) == 0 && rename(beside, path) == 0;
	if (got && !kept)
		fail(error, STR("GetObject"), str_printf(arena, "cannot write '%s': %s", path, strerrordesc_np(errno)));
	close(target.fd);
	if (!kept)
		unlink(beside);
	return kept;
}

/* --- listing and deleting --- */

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A key as S3 lists it where it is asked to encode: XML has no room for some bytes that a key may have. */
static struct str
decode_key(struct arena *arena, struct str text)
{
	struct buf key = buf_sized(arena, text.n + 1);
	for (size_t i = 0; i < text.n; i++) {
		int high = text.s[i] == '%' && i + 2 < text.n ? hex_value(text.s[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text.s[i + 2]) : -1;
		char byte = text.s[i] == '+' ? ' ' : text.s[i];
		if (low >= 0)
			byte = (char)(high << 4 | low);
		buf_add_byte(&key, byte);
		i += low >= 0 ? 2 : 0;
	}
	return buf_str(&key);
}

static const struct xml *
list_page(struct aws *aws, struct arena *arena, struct str bucket, struct str prefix, struct str after, struct aws_error *error)
{
	struct http_response response;
	struct str why = {NULL, 0};
	struct aws_s3_request request = {
		.method = "GET", .bucket = bucket, .repeat = AWS_SAFE, .try_ms = TRY_MS, .action = "ListObjectsV2"};
	/* In the order of their names, as they are signed. */
	struct buf query = buf_new(arena);
	if (after.n)
		buf_printf(&query, "continuation-token=%.*s&", STR_ARG(sigv4_encode(arena, after, false)));
	buf_printf(&query, "encoding-type=url&list-type=2&prefix=%.*s", STR_ARG(sigv4_encode(arena, prefix, false)));
	request.query = buf_str(&query);
	if (!aws_s3(aws, arena, &request, &response, error))
		return NULL;
	const struct xml *page = xml_read(arena, response.body, &why);
	if (!page)
		fail(error, STR("ListObjectsV2"), str_printf(arena, "the answer cannot be read: %.*s", STR_ARG(why)));
	return page;
}

bool
s3_list(struct aws *aws, struct arena *arena, struct str bucket, struct str prefix, struct s3_object **objects, size_t *count,
	struct aws_error *error)
{
	struct str after = {NULL, 0};
	size_t capacity = 0, size = sizeof **objects;
	*objects = NULL;
	*count = 0;
	do {
		const struct xml *page = list_page(aws, arena, bucket, prefix, after, error);
		if (!page)
			return false;
		for (const struct xml *entry = xml_child(page, "Contents"); entry; entry = xml_again(entry)) {
			if (*count == capacity) {
				size_t more = capacity ? 2 * capacity : 64;
				*objects = arena_grow(arena, *objects, capacity * size, more * size);
				capacity = more;
			}
			(*objects)[(*count)++] = (struct s3_object){
				.bucket = bucket,
				.key = decode_key(arena, xml_text(entry, "Key")),
				.size = xml_integer(entry, "Size", 0),
				.etag = xml_text(entry, "ETag"),
			};
		}
		after = str_is(xml_text(page, "IsTruncated"), "true") ? xml_text(page, "NextContinuationToken") : STR("");
	} while (after.n);
	return true;
}

bool
s3_delete(struct aws *aws, struct arena *arena, struct str bucket, struct str key, struct aws_error *error)
{
	struct http_response response;
	struct aws_s3_request request = {
		.method = "DELETE", .bucket = bucket, .key = key, .repeat = AWS_SAFE, .try_ms = TRY_MS, .action = "DeleteObject"};
	return aws_s3(aws, arena, &request, &response, error) || aws_error_is_missing(error);
}
