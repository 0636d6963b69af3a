/* call: one request to AWS with all of its tries; what client.c and client_s3.c share. */
#ifndef AWS_CALL_H
#define AWS_CALL_H

#include "aws/client.h"
#include "aws/endpoint.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "base/arena.h"

#include <pthread.h>

struct aws {
	struct arena arena;
	struct aws_config config;
	struct str region, endpoint, source;
	struct http_client *http;
	const struct os_cancel *cancel;
	int most_tries;
	struct retry_bucket bucket;
	_Atomic int64_t skew; /* ms to add to our clock */
	pthread_mutex_t lock; /* of what follows, and of the arena */
	struct arena secrets; /* what the credentials are in */
	struct credentials credentials;
	int64_t renew_after; /* os_now_ms() from which on to try again to renew them, where that failed */
	int renewals; /* how often they were */
	struct str bucket_name, bucket_region; /* the last bucket that proved to be in another region */
};

struct call {
	const char *service;
	struct str action, path, query;
	const char *method;
	struct aws_endpoint endpoint;
	struct http_header *headers; /* to be signed and sent */
	size_t header_count;
	struct str body, payload_hash;
	const struct http_stream *body_stream, *sink;
	int64_t body_size;
	enum aws_repeat repeat;
	int64_t try_ms; /* the most that a try may take; 0: as long as something comes */
	bool regardless; /* of the client's `cancel` */
	/* Looks at a successful answer; false with the error's message set where it cannot be what was asked for. NULL: any will do. */
	bool (*accept)(struct arena *, struct call *, const struct http_response *, struct aws_error *);
	const void *answer; /* what `accept` made of it */
	/* May change the call so that another try makes sense where this one's error says how; NULL: never. */
	bool (*amend)(struct aws *, struct arena *, struct call *, const struct http_response *);
	bool amended, clock_corrected, renewed, unsignable; /* the last: where the last try had no credentials */
	int64_t skew; /* that the last try was signed with */
	int renewals; /* of the credentials that it was signed with */
};

/* True where there is an acceptable answer; else *error says why not. */
bool aws_call(struct aws *, struct arena *, struct call *, struct http_response *, struct aws_error *);
/* What is to be signed, at this moment; the texts are the call's. */
struct sigv4_request aws_call_signing(struct aws *, struct arena *, struct call *);
/* Locks; looks to it that the credentials last a while. False with *why, and the lock held in either case. */
bool aws_credentials_lock(struct aws *, struct arena *, struct str *why);

#endif
