/* sigv4: AWS Signature Version 4. Each stage is a function of its own, so that it can be held against published test vectors.
 * Source: "Signature Version 4 signing process" of the AWS General Reference. */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "aws/credentials.h"
#include "base/http.h"

/* What is signed. */
struct sigv4_request {
	const char *method;
	struct str host; /* with a port that is not the scheme's own */
	struct str path; /* as it goes out, each segment percent-encoded once: "/", "/key%20with%20space" */
	struct str query; /* as it goes out, encoded, without "?" */
	const struct http_header *headers; /* to be signed besides host and x-amz-*: names in any case */
	size_t header_count;
	struct str payload_hash; /* 64 hexadecimal digits, or UNSIGNED-PAYLOAD */
	struct str service, region;
	int64_t time_ms; /* since 1970 */
	bool s3; /* the path is signed as it is; other services' paths are encoded once more */
};

struct str sigv4_canonical_request(struct arena *, const struct sigv4_request *, const struct http_header *signed_headers,
	size_t count, struct str *signed_names);
struct str sigv4_string_to_sign(struct arena *, const struct sigv4_request *, struct str canonical_request);
/* HMAC(HMAC(HMAC(HMAC("AWS4" secret, date), region), service), "aws4_request"). The caller wipes it. */
bool sigv4_key(const struct credentials *, const struct sigv4_request *, unsigned char key[32]);
bool sigv4_signature(struct arena *, const unsigned char key[32], struct str string_to_sign, struct str *hex);

/* The headers to send: those given and host, x-amz-date, x-amz-security-token, x-amz-content-sha256 (S3), authorization. False where libcrypto cannot be loaded. */
bool sigv4_sign(
	struct arena *, const struct sigv4_request *, const struct credentials *, struct http_header **headers, size_t *count);
/* The query string of a URL that is valid for `seconds` (1 to 604800) without further credentials. */
bool sigv4_presign(struct arena *, const struct sigv4_request *, const struct credentials *, int64_t seconds, struct str *query);

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ (and '/' where it is to be kept). */
struct str sigv4_encode(struct arena *, struct str, bool keep_slash);

#endif
