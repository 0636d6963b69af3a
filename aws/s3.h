/* s3: objects: put (whole or in parts, several at once), get, head, list, delete; each verified. */
#ifndef AWS_S3_H
#define AWS_S3_H

#include "aws/client.h"

/* From this size on an object goes up in parts; parts are at least 8 MiB and at most 10,000. */
#define S3_MULTIPART_FROM ((int64_t)64 << 20)

struct s3_object {
	struct str bucket, key;
	int64_t size;
	struct str etag;
	struct str sha256; /* hexadecimal; from x-amz-checksum-sha256 or our own metadata; none where S3 does not say */
};

/* What is told of a file's way up. The calls come from several threads, one at a time; each may be NULL. */
struct s3_watch {
	void *context;
	void (*moved)(void *context, int64_t done, int64_t total);
	/* An upload in parts has begun and is still empty: this is what s3_abort needs. False ends it. */
	bool (*begun)(void *context, struct str upload);
};

/* "s3://bucket/prefix" taken apart; false on anything else. */
bool s3_parse(struct str url, struct str *bucket, struct str *key);
/* Makes sure that a bucket exists and may be looked into; creates it (private, in the client's region) where `create`. */
bool s3_ensure_bucket(struct aws *, struct arena *, struct str bucket, bool create, struct aws_error *);
/* A file up, in constant memory; afterwards its size and checksum have been compared with what is stored. `watch` may be NULL. Where it fails, nothing is
 * left but for what cannot be aborted. */
bool s3_put_file(struct aws *, struct arena *, const char *path, struct str bucket, struct str key, int parallel,
	const struct s3_watch *, struct s3_object *, struct aws_error *);
/* Of how many bytes the parts of an object of that size are, but for the last; of as many as it has where it goes up whole. */
int64_t s3_part_size(int64_t size);
/* Drops an upload in parts that was not completed, also where the client is cancelled. One that is not there is a success. */
bool s3_abort(struct aws *, struct arena *, struct str bucket, struct str key, struct str upload, struct aws_error *);
/* Bytes; with if_none_match only where there is no such object yet, with if_match only over that etag (error code PreconditionFailed). */
bool s3_put(struct aws *, struct arena *, struct str bucket, struct str key, struct str body, bool if_none_match,
	struct str if_match, struct s3_object *, struct aws_error *);
bool s3_get(struct aws *, struct arena *, struct str bucket, struct str key, size_t limit, struct str *body, struct s3_object *,
	struct aws_error *);
/* Into a file, which appears whole or not at all. */
bool s3_get_file(
	struct aws *, struct arena *, struct str bucket, struct str key, const char *path, struct s3_object *, struct aws_error *);
/* What S3 knows of it; *checksum (may be NULL) is its x-amz-checksum-sha256 as it is, of an object in parts a composite. */
bool s3_head(struct aws *, struct arena *, struct str bucket, struct str key, struct s3_object *, struct str *checksum,
	struct aws_error *);
/* All objects under the prefix, page by page. */
bool s3_list(
	struct aws *, struct arena *, struct str bucket, struct str prefix, struct s3_object **, size_t *count, struct aws_error *);
bool s3_delete(struct aws *, struct arena *, struct str bucket, struct str key, struct aws_error *);

#endif
