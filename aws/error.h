/* error: why a call to AWS failed, one structure for all of them. */
#ifndef AWS_ERROR_H
#define AWS_ERROR_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct http_response;

struct aws_error {
	struct str service, action; /* "ec2", "RunInstances"; none where it never came to a call */
	struct str code; /* AWS's own word, as in DependencyViolation; empty where there was no answer that has one */
	struct str message; /* AWS's sentence, or what failed on the way */
	struct str request_id;
	int status; /* HTTP's; 0 where there was no response */
	int tries;
	bool maybe_done; /* the request may have taken effect though no answer came */
	bool cancelled;
};

/* "ec2 RunInstances: InsufficientInstanceCapacity: … (request 1b2c…, 3 tries)" */
struct str aws_error_text(struct arena *, const struct aws_error *);
/* Fills in what an answer of any protocol says about the failure: status, code, message and request id. */
void aws_error_read(struct arena *, const struct http_response *, struct aws_error *);
bool aws_error_is(const struct aws_error *, const char *code);
/* Whether it is any of a NULL-ended list. */
bool aws_error_among(const struct aws_error *, const char *const *codes);
/* A "does not exist" of any kind: Invalid…NotFound, NoSuchKey, NoSuchBucket, Gateway.NotAttached … */
bool aws_error_is_missing(const struct aws_error *);

#endif
