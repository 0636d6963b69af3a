/* A file up in parts, several at once, each straight from the file: memory does not grow with either. */
#include "aws/s3_upload.h"
#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/pool.h"

#include <stdlib.h>

/* What all the parts share. */
struct parts {
	struct s3_upload *upload;
	struct str id;
	struct str *etags; /* in `arena`, under the upload's lock */
	struct arena *arena;
	struct aws_error *error; /* the first part's that failed */
};

struct str
s3_part_checksum(struct arena *arena, const struct s3_upload *upload, size_t part)
{
	return base64_encode(arena, upload->digests[part], HASH_LENGTH);
}

struct str
s3_id_query(struct arena *arena, struct str id)
{
	return str_printf(arena, "uploadId=%.*s", STR_ARG(sigv4_encode(arena, id, false)));
}

bool
s3_begin(struct s3_upload *upload, struct arena *arena, struct str *id, struct aws_error *error)
{
	struct http_header headers[] = {
		{STR("x-amz-checksum-algorithm"), STR("SHA256")},
		{STR("x-amz-checksum-type"), STR("COMPOSITE")},
		{STR("x-amz-meta-sha256"), upload->sha256},
	};
	struct aws_s3_request request = {
		.method = "POST",
		.bucket = upload->bucket,
		.key = upload->key,
		.query = STR("uploads="),
		.headers = headers,
		.header_count = sizeof headers / sizeof *headers,
		.repeat = AWS_SAFE, /* one that was begun twice is empty, and costs nothing */
		.action = "CreateMultipartUpload",
	};
	struct http_response response;
	struct str why = {NULL, 0};
	if (!aws_s3(upload->aws, arena, &request, &response, error))
		return false;
	*id = xml_text(xml_read(arena, response.body, &why), "UploadId");
	if (!id->n)
		*error = (struct aws_error){
			.service = STR("s3"), .action = STR("CreateMultipartUpload"), .message = STR("the answer has no UploadId")};
	return id->n > 0;
}

static bool
put_part(struct parts *parts, struct arena *arena, size_t index, struct str *etag, struct aws_error *error)
{
	struct s3_upload *upload = parts->upload;
	struct s3_body body = {.upload = upload, .offset = (int64_t)index * upload->part_size, .size = upload->part_size};
	struct http_stream stream = s3_body_stream(&body);
	char hex[HASH_HEX_LENGTH + 1];
	hash_hex(upload->digests[index], hex);
	if (body.size > upload->size - body.offset)
		body.size = upload->size - body.offset;
	struct http_header headers[] = {{STR("x-amz-checksum-sha256"), s3_part_checksum(arena, upload, index)}};
	struct aws_s3_request request = {
		.method = "PUT",
		.bucket = upload->bucket,
		.key = upload->key,
		.query = str_printf(arena, "partNumber=%zu&%.*s", index + 1, STR_ARG(s3_id_query(arena, parts->id))),
		.headers = headers,
		.header_count = 1,
		.body_stream = &stream,
		.body_size = body.size,
		.payload_hash = str_from(hex),
		.repeat = AWS_SAFE,
		.action = "UploadPart",
	};
	struct http_response response;
	if (!aws_s3(upload->aws, arena, &request, &response, error))
		return false;
	*etag = http_header(&response, "etag");
	return true;
}

static struct aws_error
keep_error(struct arena *arena, const struct aws_error *error)
{
	struct aws_error kept = *error;
	kept.code = str_dup(arena, error->code);
	kept.message = str_dup(arena, error->message);
	kept.request_id = str_dup(arena, error->request_id);
	kept.action = str_dup(arena, error->action);
	return kept;
}

static void
work(void *context, void *item)
{
	struct parts *parts = context;
	struct s3_upload *upload = parts->upload;
	struct arena arena = {NULL};
	size_t index = (size_t)(uintptr_t)item;
	struct str etag;
	struct aws_error error;
	if (atomic_load(&upload->broken))
		return;
	bool done = put_part(parts, &arena, index, &etag, &error);
	pthread_mutex_lock(&upload->lock);
	if (done)
		parts->etags[index] = str_dup(parts->arena, etag);
	else if (!atomic_exchange(&upload->broken, true))
		*parts->error = keep_error(parts->arena, &error);
	pthread_mutex_unlock(&upload->lock);
	arena_free(&arena);
}

static bool
put_parts(struct parts *parts)
{
	struct s3_upload *upload = parts->upload;
	struct pool *pool = pool_new((size_t)upload->parallel);
	if (!pool) {
		*parts->error = (struct aws_error){
			.service = STR("s3"), .action = STR("UploadPart"), .message = STR("no thread can be started")};
		return false;
	}
	for (size_t i = 0; i < upload->part_count; i++)
		pool_submit(pool, work, parts, (void *)(uintptr_t)i);
	pool_free(pool);
	return !atomic_load(&upload->broken);
}

bool
s3_complete(struct s3_upload *upload, struct arena *arena, struct str id, const struct str *etags, struct aws_error *error)
{
	struct buf body = buf_new(arena);
	buf_add_c(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < upload->part_count; i++)
		buf_printf(&body, "<Part><ETag>%.*s</ETag><ChecksumSHA256>%.*s</ChecksumSHA256><PartNumber>%zu</PartNumber></Part>",
			STR_ARG(etags[i]), STR_ARG(s3_part_checksum(arena, upload, i)), i + 1);
	buf_add_c(&body, "</CompleteMultipartUpload>");
	struct aws_s3_request request = {
		.method = "POST",
		.bucket = upload->bucket,
		.key = upload->key,
		.query = s3_id_query(arena, id),
		.body = buf_str(&body),
		.repeat = AWS_SAFE,
		.action = "CompleteMultipartUpload",
	};
	struct http_response response;
	if (aws_s3(upload->aws, arena, &request, &response, error))
		return true;
	/* An earlier try may have done it although no answer came; whether it has shows when the object is looked at. */
	return error->tries > 1 && aws_error_is(error, "NoSuchUpload");
}

bool
s3_composite(struct s3_upload *upload, struct arena *arena, struct str *checksum)
{
	unsigned char digest[HASH_LENGTH];
	struct hash *hash = hash_new();
	if (!hash)
		return false;
	hash_add(hash, upload->digests, upload->part_count * sizeof *upload->digests);
	hash_end_raw(hash, digest);
	*checksum = str_printf(arena, "%.*s-%zu", STR_ARG(base64_encode(arena, digest, sizeof digest)), upload->part_count);
	return true;
}

bool
s3_multipart(struct s3_upload *upload, struct arena *arena, struct str *checksum, struct aws_error *error)
{
	const struct s3_watch *watch = upload->watch;
	struct parts parts = {
		.upload = upload, .arena = arena, .error = error, .etags = arena_array(arena, struct str, upload->part_count)};
	struct aws_error ignored;
	if (!s3_composite(upload, arena, checksum) || !s3_begin(upload, arena, &parts.id, error))
		return false;
	bool done = !watch || !watch->begun || watch->begun(watch->context, parts.id);
	if (!done)
		*error = (struct aws_error){
			.service = STR("s3"), .action = STR("CreateMultipartUpload"), .message = STR("ended here")};
	done = done && put_parts(&parts) && s3_complete(upload, arena, parts.id, parts.etags, error);
	if (!done)
		s3_abort(upload->aws, arena, upload->bucket, upload->key, parts.id, &ignored);
	return done;
}

bool
s3_abort(struct aws *aws, struct arena *arena, struct str bucket, struct str key, struct str upload, struct aws_error *error)
{
	struct aws_s3_request request = {
		.method = "DELETE",
		.bucket = bucket,
		.key = key,
		.query = s3_id_query(arena, upload),
		.repeat = AWS_SAFE,
		.regardless = true,
		.action = "AbortMultipartUpload",
	};
	struct http_response response;
	return aws_s3(aws, arena, &request, &response, error) || aws_error_is_missing(error);
}
