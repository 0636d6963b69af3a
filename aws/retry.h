/* retry: whether a failed call is worth another try, when, and how many a client may still afford. Figures and sources: doc/aws.md. */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include "aws/error.h"
#include "base/http.h"
#include "base/os.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RETRY_TOKENS 500

enum retry_kind {
	RETRY_NEVER, /* the same call would fail the same way */
	RETRY_TRANSIENT, /* a fault of the server's or of the way there */
	RETRY_THROTTLED, /* refused for being one too many, without effect */
};

/* From the error's code and status; status 0: there was no response. */
enum retry_kind retry_classify(const struct aws_error *);
/* True where a failed call cannot have had an effect: nothing was sent, or it was refused in as many words. */
bool retry_had_no_effect(const struct aws_error *, bool sent);

/* What one client may spend on retries: where everything fails, it soon tries once only. All zero but for tokens = RETRY_TOKENS is full. */
struct retry_bucket {
	atomic_int tokens;
};
/* Takes what a retry costs; false where there is not that much left. */
bool retry_take(struct retry_bucket *, enum retry_kind);
/* After a success: what its last retry took (RETRY_NEVER: it needed none) comes back. */
void retry_give(struct retry_bucket *, enum retry_kind);

/* Milliseconds to wait before the try after `tries` of them; `random` from 0 to 1. What the response asks for comes first. */
int64_t retry_wait(enum retry_kind, int tries, const struct http_response *, double random);
/* A random number from 0 to 1. */
double retry_random(void);
/* Sleeps; false where it was cancelled. */
bool retry_pause(int64_t ms, const struct os_cancel *);

/* The milliseconds by which the server's clock is ahead of ours, where the error is one that a wrong clock explains and they are over 4 minutes apart; else 0. */
int64_t retry_skew(const struct aws_error *, const struct http_response *, int64_t now_ms);

#endif
