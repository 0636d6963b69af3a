/* s3_upload: a file on its way up; what s3_put.c, s3_multipart.c and s3_offer.c share. */
#ifndef AWS_S3_UPLOAD_H
#define AWS_S3_UPLOAD_H

#include "aws/s3.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdatomic.h>

struct s3_upload {
	struct aws *aws;
	const char *path; /* where it is ours */
	int fd;
	int64_t size, part_size;
	size_t part_count; /* 1: as a whole */
	unsigned char (*digests)[HASH_LENGTH]; /* of each part */
	struct str sha256; /* of the whole, hexadecimal */
	struct str bucket, key;
	int parallel;
	const struct s3_watch *watch;
	pthread_mutex_t lock; /* of what follows */
	int64_t moved;
	atomic_bool broken; /* a part has failed: the others end */
};

/* A part of the file as a request's body. */
struct s3_body {
	struct s3_upload *upload;
	int64_t offset, size, sent;
};

/* The stream that reads it; the body must live as long. */
struct http_stream s3_body_stream(struct s3_body *);
/* All the parts up, and made into one; *checksum is what S3 must say that the object's is. */
bool s3_multipart(struct s3_upload *, struct arena *, struct str *checksum, struct aws_error *);

/* A part's digest as S3 wants it. */
struct str s3_part_checksum(struct arena *, const struct s3_upload *, size_t part);
/* The same of an object in parts: the digest of the parts' digests, and their number. */
bool s3_composite(struct s3_upload *, struct arena *, struct str *checksum);
/* "uploadId=…", encoded. */
struct str s3_id_query(struct arena *, struct str id);
bool s3_begin(struct s3_upload *, struct arena *, struct str *id, struct aws_error *);
bool s3_complete(struct s3_upload *, struct arena *, struct str id, const struct str *etags, struct aws_error *);
/* Holds what S3 says of the object against the file. */
bool s3_verify(struct s3_upload *, struct arena *, struct str checksum, struct s3_object *, struct aws_error *);

#endif
