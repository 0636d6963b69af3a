/* A file up: read once for its digests, sent, and looked at as S3 has it. */
#include "aws/s3_upload.h"
#include "base/arena.h"
#include "base/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEBIBYTE ((int64_t)1 << 20)
#define PART_LEAST (8 * MEBIBYTE)
#define MOST_PARTS 10000
#define BLOCK_SIZE ((size_t)256 << 10)

static bool
fail(struct aws_error *error, struct str message)
{
	*error = (struct aws_error){.service = STR("s3"), .action = STR("PutObject"), .message = message};
	return false;
}

static bool
fail_read(struct s3_upload *upload, struct arena *arena, struct aws_error *error, const char *why)
{
	return fail(error, str_printf(arena, "cannot read '%s': %s", upload->path, why));
}

/* --- the file as a body --- */

static void
add_moved(struct s3_upload *upload, int64_t bytes)
{
	const struct s3_watch *watch = upload->watch;
	pthread_mutex_lock(&upload->lock);
	upload->moved += bytes;
	if (watch && watch->moved)
		watch->moved(watch->context, upload->moved, upload->size);
	pthread_mutex_unlock(&upload->lock);
}

static int64_t
body_read(void *context, char *bytes, size_t n)
{
	struct s3_body *body = context;
	struct s3_upload *upload = body->upload;
	int64_t left = body->size - body->sent;
	ssize_t got;
	if (atomic_load(&upload->broken))
		return -1;
	do
		got = pread(upload->fd, bytes, (int64_t)n < left ? n : (size_t)left, body->offset + body->sent);
	while (got < 0 && errno == EINTR);
	/* A file that has become shorter would leave S3 waiting for the rest. */
	if (got < 0 || (got == 0 && left > 0))
		return -1;
	body->sent += got;
	add_moved(upload, got);
	return got;
}

static bool
body_rewind(void *context)
{
	struct s3_body *body = context;
	add_moved(body->upload, -body->sent);
	body->sent = 0;
	return true;
}

struct http_stream
s3_body_stream(struct s3_body *body)
{
	return (struct http_stream){.move = body_read, .rewind = body_rewind, .context = body};
}

/* --- its digests --- */

/* At most MOST_PARTS of whole mebibytes. */
int64_t
s3_part_size(int64_t size)
{
	int64_t least = (size + MOST_PARTS - 1) / MOST_PARTS;
	if (size < S3_MULTIPART_FROM)
		return size;
	return least <= PART_LEAST ? PART_LEAST : (least + MEBIBYTE - 1) / MEBIBYTE * MEBIBYTE;
}

static void
divide(struct s3_upload *upload, struct arena *arena)
{
	upload->part_size = s3_part_size(upload->size);
	upload->part_count = upload->size ? (size_t)((upload->size + upload->part_size - 1) / upload->part_size) : 1;
	upload->digests = arena_alloc(arena, upload->part_count * sizeof *upload->digests);
}

/* Adds bytes [offset, end) of the file to both hashes; what went wrong, or NULL. */
static const char *
hash_range(struct s3_upload *upload, char *block, int64_t offset, int64_t end, struct hash *one, struct hash *other)
{
	while (offset < end) {
		size_t most = end - offset < (int64_t)BLOCK_SIZE ? (size_t)(end - offset) : BLOCK_SIZE;
		ssize_t got = pread(upload->fd, block, most, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? strerrordesc_np(errno) : "it has become shorter";
		if (aws_cancelled(upload->aws))
			return "cancelled";
		hash_add(one, block, (size_t)got);
		if (other)
			hash_add(other, block, (size_t)got);
		offset += got;
	}
	return NULL;
}

/* One reading gives the digests of the parts and of the whole, so that they are those of the same bytes whatever happens to the file. */
static bool
hash_parts(struct s3_upload *upload, struct arena *arena, struct hash *whole, struct aws_error *error)
{
	char *block = arena_text(arena, BLOCK_SIZE);
	for (size_t i = 0; i < upload->part_count; i++) {
		int64_t offset = (int64_t)i * upload->part_size, end = offset + upload->part_size;
		struct hash *part = upload->part_count > 1 ? hash_new() : NULL;
		const char *wrong = hash_range(upload, block, offset, end < upload->size ? end : upload->size, whole, part);
		if (part)
			hash_end_raw(part, upload->digests[i]);
		if (wrong)
			return fail_read(upload, arena, error, wrong);
	}
	return true;
}

static bool
digest(struct s3_upload *upload, struct arena *arena, struct aws_error *error)
{
	struct arena scratch = {NULL};
	unsigned char raw[HASH_LENGTH];
	char hex[HASH_HEX_LENGTH + 1];
	struct hash *whole = hash_new();
	if (!whole)
		return fail(error, STR("OpenSSL's libcrypto cannot be loaded (package libssl3)"));
	divide(upload, arena);
	bool done = hash_parts(upload, &scratch, whole, error);
	if (!done)
		error->message = str_dup(arena, error->message);
	arena_free(&scratch);
	hash_end_raw(whole, raw);
	hash_hex(raw, hex);
	upload->sha256 = str_dup(arena, str_from(hex));
	if (upload->part_count == 1)
		memcpy(upload->digests[0], raw, sizeof raw);
	return done;
}

/* --- sending --- */

static bool
put_whole(struct s3_upload *upload, struct arena *arena, struct str *checksum, struct aws_error *error)
{
	struct s3_body body = {.upload = upload, .size = upload->size};
	struct http_stream stream = s3_body_stream(&body);
	*checksum = base64_encode(arena, upload->digests[0], HASH_LENGTH);
	struct http_header headers[] = {
		{STR("x-amz-checksum-sha256"), *checksum},
		{STR("x-amz-sdk-checksum-algorithm"), STR("SHA256")},
		{STR("x-amz-meta-sha256"), upload->sha256},
	};
	struct aws_s3_request request = {
		.method = "PUT",
		.bucket = upload->bucket,
		.key = upload->key,
		.headers = headers,
		.header_count = sizeof headers / sizeof *headers,
		.body_stream = upload->size ? &stream : NULL,
		.body_size = upload->size,
		.payload_hash = upload->sha256,
		.repeat = AWS_SAFE,
		.action = "PutObject",
	};
	struct http_response response;
	return aws_s3(upload->aws, arena, &request, &response, error);
}

/* S3-compatible services may keep no checksum, or leave out the number of parts at its end. */
static bool
is_checksum(struct str stored, struct str checksum)
{
	return !stored.n || str_eq(stored, checksum) || str_eq(stored, str_part(checksum, 0, str_find(checksum, '-')));
}

bool
s3_verify(struct s3_upload *upload, struct arena *arena, struct str checksum, struct s3_object *object, struct aws_error *error)
{
	struct str stored;
	if (!s3_head(upload->aws, arena, upload->bucket, upload->key, object, &stored, error))
		return false;
	if (object->size != upload->size)
		return fail(error,
			str_printf(arena, "%lld bytes are stored of %lld", (long long)object->size, (long long)upload->size));
	if (!is_checksum(stored, checksum))
		return fail(error, str_printf(arena, "what is stored has the checksum %.*s, and the file %.*s", STR_ARG(stored),
					   STR_ARG(checksum)));
	if (!str_eq(object->sha256, upload->sha256))
		return fail(error, str_printf(arena, "what is stored has the SHA-256 %.*s, and the file %.*s",
					   STR_ARG(object->sha256), STR_ARG(upload->sha256)));
	return true;
}

static bool
open_file(struct s3_upload *upload, struct arena *arena, struct aws_error *error)
{
	struct stat status;
	upload->fd = open(upload->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (upload->fd < 0 || fstat(upload->fd, &status) < 0)
		return fail_read(upload, arena, error, strerrordesc_np(errno));
	if (!S_ISREG(status.st_mode))
		return fail_read(upload, arena, error, "it is not a file");
	upload->size = status.st_size;
	return true;
}

bool
s3_put_file(struct aws *aws, struct arena *arena, const char *path, struct str bucket, struct str key, int parallel,
	const struct s3_watch *watch, struct s3_object *object, struct aws_error *error)
{
	struct s3_upload upload = {
		.aws = aws,
		.path = path,
		.bucket = bucket,
		.key = key,
		.parallel = parallel,
		.watch = watch,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct str checksum = {0};
	bool done = open_file(&upload, arena, error) && digest(&upload, arena, error);
	if (done && upload.part_count == 1)
		done = put_whole(&upload, arena, &checksum, error);
	else if (done)
		done = s3_multipart(&upload, arena, &checksum, error);
	done = done && s3_verify(&upload, arena, checksum, object, error);
	if (upload.fd >= 0)
		close(upload.fd);
	pthread_mutex_destroy(&upload.lock);
	return done;
}
