/* client: calls to AWS: signed, tried again where that helps, answered as a tree or an error. One client serves any number of threads. */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include "aws/config.h"
#include "aws/credentials.h"
#include "aws/error.h"
#include "aws/xml.h"
#include "base/http.h"
#include "base/json.h"

struct aws;

struct aws_options {
	struct str region, profile, endpoint; /* as given by the user; none where not */
	char *const *environment; /* NULL-ended */
	const struct os_cancel *cancel; /* raised: every call and wait ends soon with error.cancelled */
	struct aws *like; /* NULL, or a client whose credentials this one begins with: nothing is searched for or asked twice */
};

/* NULL with *error where the configuration, a region or credentials cannot be had. */
struct aws *aws_new(const struct aws_options *, struct arena *, struct str *error);
void aws_free(struct aws *); /* wipes the credentials */
struct str aws_region(const struct aws *);
struct str aws_credentials_source(const struct aws *);
int64_t aws_credentials_expire(const struct aws *); /* ms since 1970; 0: never */

/* True where the client's `cancel` is raised. */
bool aws_cancelled(const struct aws *);

/* The milliseconds by which AWS's clock was found to be ahead of this machine's, and which are allowed for; 0: none. */
int64_t aws_clock_skew(const struct aws *);

/* Parameters of a call of the Query protocol, in the order given: "Filter.1.Name", … */
struct aws_parameters {
	struct buf text; /* form-encoded */
};
struct aws_parameters aws_parameters_new(struct arena *, const char *action, const char *version);
void aws_parameter(struct aws_parameters *, const char *name, struct str value);
void aws_parameter_printf(struct aws_parameters *, struct str value, const char *name_format, ...)
	__attribute__((format(printf, 3, 4)));

/* How a call may be repeated. */
enum aws_repeat {
	AWS_SAFE, /* reading, or idempotent by token, name or nature: any failure that may pass */
	AWS_ONCE, /* creating something without a token: only where it certainly had no effect; else error.maybe_done */
};

/* EC2, STS, SNS, IAM. NULL: *error says why. */
const struct xml *aws_query(
	struct aws *, struct arena *, const char *service, const struct aws_parameters *, enum aws_repeat, struct aws_error *);
/* SSM, Pricing, Service Quotas, as in target "AmazonSSM.GetParameters". */
const struct json *aws_json(
	struct aws *, struct arena *, const char *service, const char *target, struct str body, struct aws_error *);

/* S3: path-style or virtual-host as the bucket's name and the endpoint allow. */
struct aws_s3_request {
	const char *method;
	struct str bucket, key; /* key: none for the bucket itself */
	struct str query; /* encoded */
	const struct http_header *headers;
	size_t header_count;
	struct str body;
	const struct http_stream *body_stream; /* with body_size; its payload hash is payload_hash or unsigned */
	int64_t body_size;
	struct str payload_hash;
	const struct http_stream *sink;
	enum aws_repeat repeat;
	int64_t try_ms; /* the most that a try may take; 0: as long as something comes */
	bool regardless; /* also where the client is cancelled: for what undoes */
	const char *action; /* for errors: "PutObject" */
};
bool aws_s3(struct aws *, struct arena *, const struct aws_s3_request *, struct http_response *, struct aws_error *);
/* A URL that anybody may use for `seconds`, or as long as the credentials last, to make this one request: with its headers as they are, and any body. */
bool aws_s3_presign(
	struct aws *, struct arena *, const struct aws_s3_request *, int64_t seconds, struct str *url, struct aws_error *);

#endif
