/* A file of another machine up: here what it says of itself is signed, there it is sent, and here what S3 then has is held against it. */
#include "aws/s3_offer.h"
#include "aws/s3_upload.h"
#include "base/arena.h"

#include <string.h>

/* The other machine has so long to begin with what is offered; who is late gets another offer. */
#define OFFER_SECONDS 3600

static bool
fail(struct aws_error *error, struct str message)
{
	*error = (struct aws_error){.service = STR("s3"), .action = STR("PutObject"), .message = message};
	return false;
}

static int
digit_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_digest(struct str hex, unsigned char digest[HASH_LENGTH])
{
	for (size_t i = 0; hex.n == HASH_HEX_LENGTH && i < HASH_LENGTH; i++) {
		int high = digit_value(hex.s[2 * i]), low = digit_value(hex.s[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return hex.n == HASH_HEX_LENGTH;
}

/* The parcel as an upload of our own would be. */
static bool
take_parcel(
	struct aws *aws, struct arena *arena, const struct cloud_parcel *parcel, struct s3_upload *upload, struct aws_error *error)
{
	*upload = (struct s3_upload){
		.aws = aws,
		.fd = -1,
		.size = parcel->size,
		.part_size = parcel->part_size,
		.part_count = parcel->part_count,
		.sha256 = parcel->sha256,
	};
	upload->digests = arena_alloc(arena, parcel->part_count * sizeof *upload->digests);
	for (size_t i = 0; i < parcel->part_count; i++)
		if (!read_digest(parcel->digests[i], upload->digests[i]))
			return fail(error, STR("the machine gives no SHA-256"));
	return s3_parse(parcel->url, &upload->bucket, &upload->key) || fail(error, STR("there is no such place"));
}

/* The headers of an object's only request, and of one part's. */
static void
add_headers(
	struct arena *arena, const struct s3_upload *upload, const struct cloud_parcel *parcel, size_t part, struct cloud_put *put)
{
	struct http_header all[] = {
		{STR("x-amz-checksum-sha256"), s3_part_checksum(arena, upload, part)},
		{STR("x-amz-sdk-checksum-algorithm"), STR("SHA256")},
		{STR("x-amz-meta-sha256"), upload->sha256},
	};
	size_t count = parcel->upload.n ? 1 : sizeof all / sizeof *all;
	struct http_header *headers = arena_array(arena, struct http_header, count);
	memcpy(headers, all, count * sizeof *headers);
	put->headers = headers;
	put->header_count = count;
}

static bool
make_put(struct s3_upload *upload, struct arena *arena, const struct cloud_parcel *parcel, size_t part, struct aws_error *error)
{
	struct cloud_put *put = &parcel->puts[part];
	int64_t left = upload->size - (int64_t)part * upload->part_size;
	*put = (struct cloud_put){.offset = upload->size - left, .length = left < upload->part_size ? left : upload->part_size};
	add_headers(arena, upload, parcel, part, put);
	struct aws_s3_request request = {
		.method = "PUT",
		.bucket = upload->bucket,
		.key = upload->key,
		.headers = put->headers,
		.header_count = put->header_count,
	};
	if (parcel->upload.n)
		request.query = str_printf(arena, "partNumber=%zu&%.*s", part + 1, STR_ARG(s3_id_query(arena, parcel->upload)));
	return aws_s3_presign(upload->aws, arena, &request, OFFER_SECONDS, &put->url, error);
}

bool
s3_offer_begin(
	struct aws *aws, struct arena *arena, const struct s3_watch *watch, struct cloud_parcel *parcel, struct aws_error *error)
{
	struct s3_upload upload;
	struct aws_error ignored;
	parcel->upload = (struct str){NULL, 0};
	if (parcel->part_count == 1)
		return true;
	if (!take_parcel(aws, arena, parcel, &upload, error) || !s3_begin(&upload, arena, &parcel->upload, error))
		return false;
	if (watch->begun(watch->context, parcel->upload))
		return true;
	s3_abort(aws, arena, upload.bucket, upload.key, parcel->upload, &ignored);
	parcel->upload = (struct str){NULL, 0};
	return fail(error, STR("ended here"));
}

bool
s3_offer(struct aws *aws, struct arena *arena, struct cloud_parcel *parcel, struct aws_error *error)
{
	struct s3_upload upload;
	bool done = take_parcel(aws, arena, parcel, &upload, error);
	for (size_t i = 0; done && i < parcel->part_count; i++)
		done = parcel->puts[i].stored || make_put(&upload, arena, parcel, i, error);
	return done;
}

bool
s3_accept(
	struct aws *aws, struct arena *arena, const struct cloud_parcel *parcel, struct s3_object *object, struct aws_error *error)
{
	struct s3_upload upload;
	struct str checksum = {NULL, 0};
	if (!take_parcel(aws, arena, parcel, &upload, error))
		return false;
	if (!parcel->upload.n)
		return s3_verify(&upload, arena, s3_part_checksum(arena, &upload, 0), object, error);
	struct str *etags = arena_array(arena, struct str, parcel->part_count);
	for (size_t i = 0; i < parcel->part_count; i++)
		etags[i] = parcel->puts[i].etag;
	return s3_composite(&upload, arena, &checksum) && s3_complete(&upload, arena, parcel->upload, etags, error) &&
	       s3_verify(&upload, arena, checksum, object, error);
}
