/* s3_upload: a file on its way up; what s3_put.c and s3_multipart.c share. */
#ifndef AWS_S3_UPLOAD_H
#define AWS_S3_UPLOAD_H

#include "aws/s3.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdatomic.h>

struct s3_upload {
	struct aws *aws;
	const char *path;
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

#endif
