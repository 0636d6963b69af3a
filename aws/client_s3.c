#include "aws/call.h"
#include "base/arena.h"
#include "base/hash.h"

#include <pthread.h>
#include <string.h>

/* --- where a bucket is --- */

/* One that can be a label of a host's name and have a certificate: 3 to 63 of a-z 0-9 and hyphens within. */
static bool
is_host_label(struct str bucket)
{
	for (size_t i = 0; i < bucket.n; i++) {
		char c = bucket.s[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!plain && !(c == '-' && i > 0 && i + 1 < bucket.n))
			return false;
	}
	return bucket.n >= 3 && bucket.n <= 63;
}

/* Sets endpoint and path: virtual-host style where the bucket's name and the endpoint allow, else path-style. */
static void
address(struct aws *aws, struct arena *arena, struct call *call, struct str bucket, struct str key, struct str region)
{
	struct aws_endpoint endpoint = aws_endpoint_of(arena, &aws->config, aws->endpoint, "s3", region);
	struct str path = sigv4_encode(arena, key, true);
	call->endpoint = endpoint;
	if (bucket.n && !endpoint.custom && is_host_label(bucket)) {
		call->endpoint.url = str_printf(arena, "https://%.*s.%.*s", STR_ARG(bucket),
			STR_ARG(str_part(endpoint.url, strlen("https://"), endpoint.url.n)));
		call->path = str_printf(arena, "/%.*s", STR_ARG(path));
	} else {
		call->path = str_printf(
			arena, "/%.*s%s%.*s", STR_ARG(sigv4_encode(arena, bucket, false)), key.n ? "/" : "", STR_ARG(path));
	}
}

/* The region that the bucket proved to be in, or the client's. */
static struct str
region_of(struct aws *aws, struct str bucket)
{
	pthread_mutex_lock(&aws->lock);
	struct str region = bucket.n && str_eq(bucket, aws->bucket_name) ? aws->bucket_region : aws->region;
	pthread_mutex_unlock(&aws->lock);
	return region;
}

/* A call with what it is about. */
struct s3_call {
	struct call call; /* first: an amended call is one of these */
	struct str bucket, key;
};

/* S3 says where the bucket is: from then on it is asked for there. */
static bool
go_where_bucket_is(struct aws *aws, struct arena *arena, struct call *call, const struct http_response *response)
{
	struct s3_call *s3 = (struct s3_call *)call;
	struct str region = http_header(response, "x-amz-bucket-region");
	bool refused = response->status == 301 || response->status == 307 || response->status == 400;
	if (!refused || call->amended || !region.n || str_eq(region, call->endpoint.region) || call->endpoint.custom)
		return false;
	pthread_mutex_lock(&aws->lock);
	aws->bucket_name = str_dup(&aws->arena, s3->bucket);
	aws->bucket_region = str_dup(&aws->arena, region);
	pthread_mutex_unlock(&aws->lock);
	address(aws, arena, call, s3->bucket, s3->key, region);
	call->amended = true;
	return true;
}

/* --- calls --- */

/* A POST may begin to answer 200 before it knows: then the body is an error. */
static bool
accept_post(struct arena *arena, struct call *call, const struct http_response *response, struct aws_error *error)
{
	struct str why;
	const struct xml *root = response->body.n ? xml_read(arena, response->body, &why) : NULL;
	(void)call;
	if (root && str_is(root->name, "Error"))
		aws_error_read(arena, response, error);
	else if (!root)
		error->message = STR("the answer cannot be read");
	return root && !error->code.n;
}

bool
aws_s3(struct aws *aws, struct arena *arena, const struct aws_s3_request *request, struct http_response *response,
	struct aws_error *error)
{
	char hex[HASH_HEX_LENGTH + 1];
	struct http_header *headers = arena_array(arena, struct http_header, request->header_count + 1);
	for (size_t i = 0; i < request->header_count; i++)
		headers[i] = request->headers[i];
	struct s3_call s3 = {
		.call = {.service = "s3",
			.action = str_from(request->action),
			.query = request->query,
			.method = request->method,
			.headers = headers,
			.header_count = request->header_count,
			.body = request->body,
			.body_stream = request->body_stream,
			.body_size = request->body_size,
			.sink = request->sink,
			.repeat = request->repeat,
			.try_ms = request->try_ms,
			.regardless = request->regardless,
			.payload_hash = request->payload_hash,
			.amend = go_where_bucket_is},
		.bucket = request->bucket,
		.key = request->key,
	};
	if (strcmp(request->method, "POST") == 0 && !request->sink)
		s3.call.accept = accept_post;
	if (request->body_stream && !request->payload_hash.n)
		s3.call.payload_hash = STR("UNSIGNED-PAYLOAD");
	else if (!request->payload_hash.n)
		s3.call.payload_hash = hash_text(request->body, hex) ? str_dup(arena, str_from(hex)) : (struct str){NULL, 0};
	address(aws, arena, &s3.call, request->bucket, request->key, region_of(aws, request->bucket));
	return aws_call(aws, arena, &s3.call, response, error);
}

bool
aws_s3_presign(struct aws *aws, struct arena *arena, const struct aws_s3_request *request, int64_t seconds, struct str *url,
	struct aws_error *error)
{
	struct str query;
	struct call call = {.service = "s3",
		.method = request->method,
		.query = request->query,
		.headers = (struct http_header *)(uintptr_t)request->headers,
		.header_count = request->header_count,
		.payload_hash = STR("UNSIGNED-PAYLOAD")};
	address(aws, arena, &call, request->bucket, request->key, region_of(aws, request->bucket));
	*error = (struct aws_error){.service = STR("s3"),
		.action = STR("presign"),
		.message = STR("OpenSSL's libcrypto cannot be loaded (package libssl3)")};
	/* First the credentials: to find others may take as long as the URL is to last. */
	bool done = aws_credentials_lock(aws, arena, &error->message);
	struct sigv4_request what = aws_call_signing(aws, arena, &call);
	done = done && sigv4_presign(arena, &what, &aws->credentials, seconds, &query);
	pthread_mutex_unlock(&aws->lock);
	if (done)
		*url = str_printf(arena, "%.*s%.*s?%.*s", STR_ARG(call.endpoint.url), STR_ARG(call.path), STR_ARG(query));
	return done;
}
