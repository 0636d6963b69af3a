#include "aws/call.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/os.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 3
#define MOST_TRIES 100
/* Credentials are renewed when they last no longer than this … */
#define RENEW_MS ((int64_t)5 * 60 * 1000)
/* … and where that fails, while they still last, not again for so long. */
#define RENEW_AGAIN_MS ((int64_t)30 * 1000)

/* --- the client --- */

static int
tries_allowed(const struct aws_config *config)
{
	int64_t tries;
	struct str text = os_variable(config->environment, "AWS_MAX_ATTEMPTS");
	if (!text.n)
		text = aws_config_get(config, config->profile, "max_attempts");
	return str_integer(text, &tries) && tries >= 1 ? (int)(tries < MOST_TRIES ? tries : MOST_TRIES) : TRIES;
}

static struct str
ca_bundle(const struct aws_config *config)
{
	struct str path = os_variable(config->environment, "AWS_CA_BUNDLE");
	return path.n ? path : aws_config_get(config, config->profile, "ca_bundle");
}

/* Those of another client. */
static void
take_credentials(struct aws *aws, struct aws *like)
{
	pthread_mutex_lock(&like->lock);
	const struct credentials *from = &like->credentials;
	aws->credentials = (struct credentials){
		.access_key = str_dup(&aws->secrets, from->access_key),
		.secret = str_dup(&aws->secrets, from->secret),
		.token = str_dup(&aws->secrets, from->token),
		.expires = from->expires,
		.source = str_dup(&aws->secrets, from->source),
	};
	pthread_mutex_unlock(&like->lock);
}

static bool
set_up(struct aws *aws, const struct aws_options *options, struct arena *arena, struct str *error)
{
	if (!aws_config_load(&aws->arena, options->environment, options->profile, &aws->config, error))
		return false;
	aws->region = str_dup(&aws->arena, aws_config_region(&aws->config, options->region));
	if (!aws->region.n) {
		*error = str_printf(arena,
			"You must specify a region: in the Edccfile (provider aws: region = …), in AWS_REGION, or for profile %.*s "
			"in %.*s",
			STR_ARG(aws->config.profile), STR_ARG(aws->config.config_path));
		return false;
	}
	aws->endpoint = str_dup(&aws->arena, options->endpoint);
	aws->most_tries = tries_allowed(&aws->config);
	struct str bundle = ca_bundle(&aws->config);
	struct http_options http = {.ca_bundle = bundle.n ? str_c(&aws->arena, bundle) : NULL, .user_agent = "edcc/" EDCC_VERSION};
	aws->http = http_client_new(&http, arena, error);
	if (aws->http && options->like)
		take_credentials(aws, options->like);
	else if (!aws->http || !credentials_find(&aws->secrets, &aws->config, aws->http, aws->cancel, &aws->credentials, error))
		return false;
	aws->source = str_dup(&aws->arena, aws->credentials.source);
	return true;
}

struct aws *
aws_new(const struct aws_options *options, struct arena *arena, struct str *error)
{
	struct aws *aws = calloc(1, sizeof *aws);
	struct str why = {NULL, 0};
	if (!aws)
		os_exhausted();
	aws->cancel = options->cancel;
	atomic_init(&aws->bucket.tokens, RETRY_TOKENS);
	pthread_mutex_init(&aws->lock, NULL);
	if (set_up(aws, options, arena, &why))
		return aws;
	*error = str_dup(arena, why);
	aws_free(aws);
	return NULL;
}

void
aws_free(struct aws *aws)
{
	if (!aws)
		return;
	credentials_wipe(&aws->credentials);
	arena_wipe(&aws->secrets);
	arena_wipe(&aws->arena); /* the configuration files are in it */
	http_client_free(aws->http);
	pthread_mutex_destroy(&aws->lock);
	free(aws);
}

struct str
aws_region(const struct aws *aws)
{
	return aws->region;
}

struct str
aws_credentials_source(const struct aws *aws)
{
	return aws->source;
}

int64_t
aws_credentials_expire(const struct aws *aws)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&aws->lock;
	pthread_mutex_lock(lock);
	int64_t expires = aws->credentials.expires;
	pthread_mutex_unlock(lock);
	return expires;
}

int64_t
aws_clock_skew(const struct aws *aws)
{
	return atomic_load(&aws->skew);
}

/* --- signing --- */

bool
aws_cancelled(const struct aws *aws)
{
	return os_cancel_raised(aws->cancel);
}

/* The files are read again: who logs in anew may have written what is new into them. */
static bool
find_anew(const struct aws *aws, struct arena *arena, struct credentials *found, struct str *why)
{
	struct arena files = {NULL};
	struct aws_config config;
	struct str asked = aws->config.profile_explicit ? aws->config.profile : (struct str){NULL, 0};
	bool done = aws_config_load(&files, aws->config.environment, asked, &config, why);
	if (done)
		done = credentials_find(arena, &config, aws->http, aws->cancel, found, why);
	else
		*why = str_dup(arena, *why);
	arena_wipe(&files);
	return done;
}

bool
aws_credentials_lock(struct aws *aws, struct arena *arena, struct str *why)
{
	struct arena fresh = {NULL};
	struct credentials found;
	pthread_mutex_lock(&aws->lock);
	int64_t now = os_time_ms() + atomic_load(&aws->skew);
	if (!credentials_expire_soon(&aws->credentials, now, RENEW_MS))
		return true;
	bool over = credentials_expire_soon(&aws->credentials, now, 0);
	if (!over && os_now_ms() < aws->renew_after)
		return true;
	if (find_anew(aws, &fresh, &found, why)) {
		credentials_wipe(&aws->credentials);
		arena_wipe(&aws->secrets);
		aws->secrets = fresh;
		aws->credentials = found;
		aws->renewals++;
		return true;
	}
	*why = str_printf(
		arena, "the credentials from %.*s have expired and cannot be renewed: %.*s", STR_ARG(aws->source), STR_ARG(*why));
	arena_wipe(&fresh);
	aws->renew_after = os_now_ms() + RENEW_AGAIN_MS;
	return !over;
}

struct sigv4_request
aws_call_signing(struct aws *aws, struct arena *arena, struct call *call)
{
	call->skew = atomic_load(&aws->skew);
	return (struct sigv4_request){
		.method = call->method,
		.host = aws_endpoint_host(call->endpoint.url),
		.path = str_printf(arena, "%.*s%.*s", STR_ARG(aws_endpoint_path(call->endpoint.url)), STR_ARG(call->path)),
		.query = call->query,
		.headers = call->headers,
		.header_count = call->header_count,
		.payload_hash = call->payload_hash,
		.service = str_from(call->service),
		.region = call->endpoint.region,
		.time_ms = os_time_ms() + call->skew,
		.s3 = strcmp(call->service, "s3") == 0,
	};
}

static bool
sign(struct aws *aws, struct arena *arena, struct call *call, struct http_request *request, struct aws_error *error)
{
	struct http_header *headers = NULL;
	bool ready = aws_credentials_lock(aws, arena, &error->message);
	struct sigv4_request what = aws_call_signing(aws, arena, call);
	bool done = ready && sigv4_sign(arena, &what, &aws->credentials, &headers, &request->header_count);
	call->renewals = aws->renewals;
	pthread_mutex_unlock(&aws->lock);
	request->headers = headers;
	if (ready && !done)
		error->message = STR("OpenSSL's libcrypto cannot be loaded (package libssl3)");
	return done;
}

/* --- a try --- */

static bool
attempt(struct aws *aws, struct arena *arena, struct call *call, struct http_response *response, struct aws_error *error)
{
	bool query = call->query.n > 0;
	struct http_request request = {
		.method = call->method,
		.url = str_printf(arena, "%.*s%.*s%s%.*s", STR_ARG(call->endpoint.url), STR_ARG(call->path), query ? "?" : "",
			STR_ARG(call->query)),
		.body = call->body,
		.body_stream = call->body_stream,
		.body_size = call->body_size,
		.sink = call->sink,
		.once = call->repeat == AWS_ONCE,
		.total_ms = call->try_ms,
		.cancel = call->regardless ? NULL : aws->cancel,
	};
	*response = (struct http_response){.status = 0};
	error->status = 0;
	error->code = error->message = error->request_id = (struct str){NULL, 0};
	call->unsignable = !sign(aws, arena, call, &request, error);
	if (call->unsignable) {
		error->cancelled = os_cancel_raised(aws->cancel);
		return false;
	}
	if (!http_send(aws->http, arena, &request, response)) {
		error->message = response->error;
		error->cancelled = response->cancelled;
		return false;
	}
	if (response->status >= 200 && response->status < 300) {
		error->status = response->status;
		return !call->accept || call->accept(arena, call, response, error);
	}
	aws_error_read(arena, response, error);
	return false;
}

/* Bodies that come from or go to elsewhere begin again; false where they cannot. */
static bool
rewind_streams(const struct call *call)
{
	const struct http_stream *streams[] = {call->body_stream, call->sink};
	for (size_t i = 0; i < 2; i++)
		if (streams[i] && !(streams[i]->rewind && streams[i]->rewind(streams[i]->context)))
			return false;
	return true;
}

/* Sets our clock by the server's where that is what was wrong; once a call. */
static bool
correct_clock(struct aws *aws, struct call *call, const struct http_response *response, const struct aws_error *error)
{
	int64_t used = call->skew, ahead = call->clock_corrected ? 0 : retry_skew(error, response, os_time_ms() + used);
	if (!ahead)
		return false;
	/* Where it fails another call has just done the same. */
	atomic_compare_exchange_strong(&aws->skew, &used, used + ahead);
	return call->clock_corrected = true;
}

/* Looks for others where the credentials that it was signed with have ended, which not all of them say before; once a call. S3 answers a HEAD without saying
 * why: BadRequest is what that comes as. */
static bool
drop_credentials(struct aws *aws, struct call *call, const struct aws_error *error)
{
	static const char *const codes[] = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "BadRequest", NULL};
	if (call->renewed || !aws_error_among(error, codes))
		return false;
	pthread_mutex_lock(&aws->lock);
	/* Else another call has just done the same. */
	if (call->renewals == aws->renewals)
		aws->credentials.expires = 1;
	pthread_mutex_unlock(&aws->lock);
	return call->renewed = true;
}

/* Whether to try again; waits where it is so. */
static bool
again(struct aws *aws, struct arena *arena, struct call *call, const struct http_response *response, struct aws_error *error,
	enum retry_kind *kind)
{
	bool no_effect = retry_had_no_effect(error, response->sent);
	error->maybe_done = error->maybe_done || !no_effect;
	*kind = retry_classify(error);
	if (error->tries >= aws->most_tries || error->cancelled || call->unsignable || (call->repeat == AWS_ONCE && !no_effect))
		return false;
	bool other = correct_clock(aws, call, response, error) || (call->amend && call->amend(aws, arena, call, response)) ||
		     drop_credentials(aws, call, error);
	if (other)
		return rewind_streams(call);
	if (*kind == RETRY_NEVER || !rewind_streams(call) || !retry_take(&aws->bucket, *kind))
		return false;
	error->cancelled =
		!retry_pause(retry_wait(*kind, error->tries, response, retry_random()), call->regardless ? NULL : aws->cancel);
	return !error->cancelled;
}

bool
aws_call(struct aws *aws, struct arena *arena, struct call *call, struct http_response *response, struct aws_error *error)
{
	enum retry_kind kind = RETRY_NEVER;
	*error = (struct aws_error){.service = str_from(call->service), .action = call->action};
	do {
		error->tries++;
		if (attempt(aws, arena, call, response, error)) {
			retry_give(&aws->bucket, kind);
			return true;
		}
	} while (again(aws, arena, call, response, error, &kind));
	if (call->clock_corrected)
		error->message = str_printf(arena, "%.*s (this machine's clock is %lld s off AWS's; that was allowed for)",
			STR_ARG(error->message), (long long)atomic_load(&aws->skew) / 1000);
	return false;
}

/* --- the protocols --- */

static bool
prepare(struct aws *aws, struct arena *arena, struct call *call, struct aws_error *error)
{
	char hex[HASH_HEX_LENGTH + 1];
	call->method = "POST";
	call->path = STR("/");
	call->endpoint = aws_endpoint_of(arena, &aws->config, aws->endpoint, call->service, aws->region);
	if (hash_text(call->body, hex)) {
		call->payload_hash = str_dup(arena, str_from(hex));
		return true;
	}
	*error = (struct aws_error){.service = str_from(call->service),
		.action = call->action,
		.message = STR("OpenSSL's libcrypto cannot be loaded (package libssl3)")};
	return false;
}

static bool
accept_xml(struct arena *arena, struct call *call, const struct http_response *response, struct aws_error *error)
{
	struct str why;
	call->answer = xml_read(arena, response->body, &why);
	if (!call->answer)
		error->message = str_printf(arena, "the answer cannot be read: %.*s", STR_ARG(why));
	return call->answer != NULL;
}

const struct xml *
aws_query(struct aws *aws, struct arena *arena, const char *service, const struct aws_parameters *parameters,
	enum aws_repeat repeat, struct aws_error *error)
{
	struct str text = buf_str(&parameters->text), name = str_part(text, strlen("Action="), text.n);
	struct http_header headers[] = {{STR("content-type"), STR("application/x-www-form-urlencoded; charset=utf-8")}};
	struct call call = {.service = service,
		.action = str_dup(arena, str_part(name, 0, str_find(name, '&'))),
		.headers = headers,
		.header_count = 1,
		.body = text,
		.repeat = repeat,
		.accept = accept_xml};
	struct http_response response;
	return prepare(aws, arena, &call, error) && aws_call(aws, arena, &call, &response, error) ? call.answer : NULL;
}

static bool
accept_json(struct arena *arena, struct call *call, const struct http_response *response, struct aws_error *error)
{
	struct str why;
	call->answer = json_read(arena, response->body, &why);
	if (!call->answer)
		error->message = str_printf(arena, "the answer cannot be read: %.*s", STR_ARG(why));
	return call->answer != NULL;
}

const struct json *
aws_json(struct aws *aws, struct arena *arena, const char *service, const char *target, struct str body, struct aws_error *error)
{
	struct str name = str_from(target);
	size_t dot = str_find(name, '.');
	struct http_header headers[] = {
		{STR("content-type"), STR("application/x-amz-json-1.1")},
		{STR("x-amz-target"), name},
	};
	struct call call = {.service = service,
		.action = str_part(name, dot < name.n ? dot + 1 : 0, name.n),
		.headers = headers,
		.header_count = 2,
		.body = body,
		.repeat = AWS_SAFE,
		.accept = accept_json};
	struct http_response response;
	return prepare(aws, arena, &call, error) && aws_call(aws, arena, &call, &response, error) ? call.answer : NULL;
}
