/* s3: objects: put (whole or in parts, several at once), get, head, list, delete; each verified. */
#ifndef AWS_S3_H
#define AWS_S3_H

#include "aws/client.h"

/* From this size on an object goes up in parts; parts are at least this large and at most 10,000. */
#define S3_MULTIPART_FROM ((int64_t)64 << 20)

struct s3_object {
	struct str bucket, key;
	int64_t size;
	struct str etag;
	struct str sha256; /* hexadecimal; from x-amz-checksum-sha256 or our own metadata; none where S3 does not say */
};

/* "s3://bucket/prefix" taken apart; false on anything else. */
bool s3_parse(struct str url, struct str *bucket, struct str *key);
/* Makes sure that a bucket exists and is ours to write; creates it (private, in the client's region) where `create`. */
bool s3_ensure_bucket(struct aws *, struct arena *, struct str bucket, bool create, struct aws_error *);
/* A file up, in constant memory; afterwards its size and checksum have been compared with what is stored. `moved` (may be NULL) is told of progress. */
bool s3_put_file(struct aws *, struct arena *, const char *path, struct str bucket, struct str key, int parallel,
	void (*moved)(void *context, int64_t done, int64_t total), void *context, struct s3_object *, struct aws_error *);
/* Bytes; with if_none_match only where there is no such object yet, with if_match only over that etag (error code PreconditionFailed). */
bool s3_put(struct aws *, struct arena *, struct str bucket, struct str key, struct str body, bool if_none_match,
	struct str if_match, struct s3_object *, struct aws_error *);
bool s3_get(struct aws *, struct arena *, struct str bucket, struct str key, size_t limit, struct str *body, struct s3_object *,
	struct aws_error *);
bool s3_get_file(
	struct aws *, struct arena *, struct str bucket, struct str key, const char *path, struct s3_object *, struct aws_error *);
bool s3_head(struct aws *, struct arena *, struct str bucket, struct str key, struct s3_object *, struct aws_error *);
/* All objects under the prefix, page by page. */
bool s3_list(
	struct aws *, struct arena *, struct str bucket, struct str prefix, struct s3_object **, size_t *count, struct aws_error *);
bool s3_delete(struct aws *, struct arena *, struct str bucket, struct str key, struct aws_error *);

#endif
