/* Credentials of a role: by those of another source, or by a token from somebody whom AWS trusts. */
#include "aws/client.h"
#include "aws/credentials_search.h"
#include "aws/endpoint.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/hash.h"

#include <string.h>

#define STS_VERSION "2011-06-15"
#define TRIES 3
#define TOKEN_LIMIT ((size_t)64 << 10)

/* --- STS --- */

/* One try; signed where there are credentials to sign with. */
static const struct xml *
ask_once(struct search *search, struct str region, struct str body, const struct credentials *source,
	struct http_response *response, struct aws_error *error)
{
	struct aws_endpoint endpoint = aws_endpoint_of(search->arena, search->config, (struct str){NULL, 0}, "sts", region);
	struct http_header type[] = {{STR("content-type"), STR("application/x-www-form-urlencoded; charset=utf-8")}},
			   *headers = type;
	struct http_request request = {.method = "POST",
		.url = str_printf(search->arena, "%.*s/", STR_ARG(endpoint.url)),
		.body = body,
		.header_count = 1,
		.cancel = search->cancel};
	char hash[HASH_HEX_LENGTH + 1];
	if (source) {
		struct sigv4_request what = {.method = "POST",
			.host = aws_endpoint_host(endpoint.url),
			.path = str_printf(search->arena, "%.*s/", STR_ARG(aws_endpoint_path(endpoint.url))),
			.headers = type,
			.header_count = 1,
			.service = STR("sts"),
			.region = region,
			.time_ms = os_time_ms()};
		bool hashed = hash_text(body, hash);
		what.payload_hash = str_from(hash);
		if (!hashed || !sigv4_sign(search->arena, &what, source, &headers, &request.header_count)) {
			error->message = STR("OpenSSL's libcrypto cannot be loaded (package libssl3)");
			return NULL;
		}
	}
	request.headers = headers;
	if (!http_send(search->http, search->arena, &request, response)) {
		error->message = response->error;
		error->cancelled = response->cancelled;
		return NULL;
	}
	const struct xml *xml = response->status == 200 ? xml_read(search->arena, response->body, &error->message) : NULL;
	if (!xml)
		aws_error_read(search->arena, response, error);
	return xml;
}

/* Asks, up to three times, and takes what the answer has under "…Result/Credentials". */
static enum search_outcome
ask(struct search *search, const struct aws_parameters *parameters, const char *action, struct str role,
	const struct credentials *source)
{
	struct str region = aws_config_region(search->config, (struct str){NULL, 0});
	struct aws_error error = {.service = STR("sts"), .action = str_from(action)};
	struct http_response response = {.status = 0};
	const struct xml *xml;
	if (!region.n)
		region = aws_endpoint_global(role);
	while (!(xml = ask_once(search, region, buf_str(&parameters->text), source, &response, &error))) {
		enum retry_kind kind = retry_classify(&error);
		if (++error.tries == TRIES || kind == RETRY_NEVER ||
			!retry_pause(retry_wait(kind, error.tries, &response, retry_random()), search->cancel))
			return search_fail(search, "profile %.*s cannot take the role %.*s: %.*s", STR_ARG(search->profile),
				STR_ARG(role), STR_ARG(aws_error_text(search->arena, &error)));
	}
	const struct xml *found = xml_child(xml, str_printf(search->arena, "%sResult/Credentials", action).s);
	return search_take(search, xml_text(found, "AccessKeyId"), xml_text(found, "SecretAccessKey"),
		xml_text(found, "SessionToken"), xml_text(found, "Expiration"), "STS");
}

static struct aws_parameters
role_parameters(struct search *search, const char *action, struct str role, struct str session)
{
	struct aws_parameters parameters = aws_parameters_new(search->arena, action, STS_VERSION);
	struct str seconds = search_value(search, "duration_seconds");
	aws_parameter(&parameters, "RoleArn", role);
	aws_parameter(&parameters, "RoleSessionName",
		session.n ? session : str_printf(search->arena, "edcc-%lld", (long long)os_time_ms() / 1000));
	if (seconds.n)
		aws_parameter(&parameters, "DurationSeconds", seconds);
	return parameters;
}

/* --- a role by other credentials --- */

/* Credentials of this process's surroundings, by their name in a profile. */
static enum search_outcome
named_source(struct search *search, struct str name)
{
	static const struct {
		const char *name;
		enum search_outcome (*look)(struct search *);
	} sources[] = {
		{"Environment", search_environment_keys},
		{"Ec2InstanceMetadata", search_instance},
		{"EcsContainer", search_container},
	};
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
		if (str_is(name, sources[i].name))
			return sources[i].look(search);
	return search_fail(search,
		"profile %.*s has a credential_source that is none of Environment, Ec2InstanceMetadata, EcsContainer: %.*s",
		STR_ARG(search->profile), STR_ARG(name));
}

/* The credentials that may take the role. */
static enum search_outcome
source_of_role(struct search *search, struct str profile, struct str named)
{
	enum search_outcome outcome;
	struct str keys = {NULL, 0};
	if (named.n) {
		outcome = named_source(search, named);
	} else if (!aws_config_has_profile(search->config, profile)) {
		return search_fail(search, "The source profile \"%.*s\" referenced in the profile \"%.*s\" does not exist",
			STR_ARG(profile), STR_ARG(search->profile));
	} else {
		keys = aws_config_get(search->config, profile, "aws_access_key_id");
		/* One with keys may name itself: then these keys are meant. */
		if (words_has(search->visited, profile) && !(str_eq(profile, search->profile) && keys.n))
			return search_fail(search,
				"Infinite loop in credential configuration detected: profile %.*s leans on itself through "
				"source_profile",
				STR_ARG(profile));
		outcome = search_profile(search, profile);
	}
	if (outcome != SEARCH_PASSED)
		return outcome;
	return search_fail(search, "profile %.*s has a role_arn, but its %s %.*s has no credentials: %.*s",
		STR_ARG(search->profile), named.n ? "credential_source" : "source_profile", STR_ARG(named.n ? named : profile),
		STR_ARG(search->why));
}

static void
visit(struct search *search)
{
	struct words *visited = &search->visited;
	size_t size = sizeof *visited->w;
	visited->w = arena_grow(search->arena, visited->w, visited->n * size, (visited->n + 1) * size);
	visited->w[visited->n++] = search->profile;
}

enum search_outcome
search_role(struct search *search)
{
	struct str role = search_value(search, "role_arn"), profile = search_value(search, "source_profile");
	struct str named = search_value(search, "credential_source"), external = search_value(search, "external_id");
	bool again = words_has(search->visited, search->profile); /* it named itself, for its keys */
	if (!role.n || again)
		return search_pass(search, "profile %.*s has no role_arn", STR_ARG(search->profile));
	if (search_value(search, "web_identity_token_file").n)
		return search_pass(search, "the role of profile %.*s is taken by web identity", STR_ARG(search->profile));
	if (!profile.n == !named.n)
		return search_fail(search,
			"profile %.*s has a role_arn and %s source_profile %s credential_source; it needs one of them",
			STR_ARG(search->profile), profile.n ? "both" : "neither", profile.n ? "and" : "nor");
	if (search_value(search, "mfa_serial").n)
		return search_fail(search,
			"profile %.*s asks for a code of an MFA device, which edcc cannot; put the session's credentials into the "
			"environment: "
			"eval \"$(aws configure export-credentials --profile %.*s --format env)\"",
			STR_ARG(search->profile), STR_ARG(search->profile));
	visit(search);
	enum search_outcome outcome = source_of_role(search, profile, named);
	if (outcome != SEARCH_FOUND)
		return outcome;
	struct credentials source = search->found;
	struct aws_parameters parameters = role_parameters(search, "AssumeRole", role, search_value(search, "role_session_name"));
	if (external.n)
		aws_parameter(&parameters, "ExternalId", external);
	return ask(search, &parameters, "AssumeRole", role, &source);
}

/* --- a role by a token --- */

enum search_outcome
search_web_identity(struct search *search)
{
	struct str path = search_value(search, "web_identity_token_file"), role = search_value(search, "role_arn");
	struct str session = search_value(search, "role_session_name"), token, error;
	struct str given = search_environment(search, "AWS_WEB_IDENTITY_TOKEN_FILE");
	/* The environment's, where no profile was asked for and none leads here. */
	if (given.n && !search->config->profile_explicit && !search->visited.n) {
		path = given;
		role = search_environment(search, "AWS_ROLE_ARN");
		session = search_environment(search, "AWS_ROLE_SESSION_NAME");
	}
	if (!path.n)
		return search_pass(search, "neither AWS_WEB_IDENTITY_TOKEN_FILE nor profile %.*s's web_identity_token_file is set",
			STR_ARG(search->profile));
	if (!role.n)
		return search_fail(search,
			"there is a web identity token (%.*s) but no role for it: set AWS_ROLE_ARN, or role_arn in the profile",
			STR_ARG(path));
	if (!os_read(search->arena, str_c(search->arena, path), TOKEN_LIMIT, &token, &error))
		return search_fail(search, "%.*s", STR_ARG(error));
	struct aws_parameters parameters = role_parameters(search, "AssumeRoleWithWebIdentity", role, session);
	aws_parameter(&parameters, "WebIdentityToken", str_trim(token));
	return ask(search, &parameters, "AssumeRoleWithWebIdentity", role, NULL);
}
