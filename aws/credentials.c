#include "aws/credentials_search.h"
#include "base/arena.h"
#include "base/os.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

bool
credentials_expire_soon(const struct credentials *credentials, int64_t now_ms, int64_t margin_ms)
{
	return credentials->expires && credentials->expires - now_ms < margin_ms;
}

static void
wipe(struct str *secret)
{
	if (secret->n)
		explicit_bzero((char *)secret->s, secret->n);
	*secret = (struct str){NULL, 0};
}

void
credentials_wipe(struct credentials *credentials)
{
	wipe(&credentials->secret);
	wipe(&credentials->token);
}

/* --- what the sources share --- */

enum search_outcome
search_pass(struct search *search, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	search->why = str_vprintf(search->arena, format, arguments);
	va_end(arguments);
	return SEARCH_PASSED;
}

enum search_outcome
search_fail(struct search *search, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	search->why = str_vprintf(search->arena, format, arguments);
	va_end(arguments);
	return SEARCH_FAILED;
}

struct str
search_value(const struct search *search, const char *name)
{
	return aws_config_get(search->config, search->profile, name);
}

struct str
search_environment(const struct search *search, const char *name)
{
	return os_variable(search->config->environment, name);
}

/* 2026-11-22T12:00:00Z, also with a fraction and with +01:00. False on anything else. */
static bool
read_time(struct arena *arena, struct str text, int64_t *ms)
{
	struct tm tm = {0};
	const char *rest = strptime(str_c(arena, text), "%Y-%m-%dT%H:%M:%S", &tm);
	int hours = 0, minutes = 0;
	if (!rest)
		return false;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0 && *rest && sscanf(rest, "%3d:%2d", &hours, &minutes) != 2)
		return false;
	if (*rest == '-')
		minutes = -minutes;
	*ms = ((int64_t)timegm(&tm) - hours * 3600 - minutes * 60) * 1000;
	return true;
}

enum search_outcome
search_take(
	struct search *search, struct str access_key, struct str secret, struct str token, struct str expiration, const char *from)
{
	struct credentials found = {.access_key = access_key, .secret = secret, .token = token};
	if (!access_key.n || !secret.n)
		return search_fail(search, "%s gave no %s", from, access_key.n ? "secret access key" : "access key");
	if (expiration.n && !read_time(search->arena, expiration, &found.expires))
		return search_fail(search, "%s gave an expiration that is no time: '%.*s'", from, STR_ARG(expiration));
	search->found = found;
	return SEARCH_FOUND;
}

enum search_outcome
search_take_json(struct search *search, struct str text, const char *from)
{
	struct str none = {NULL, 0}, error;
	const struct json *json = json_read(search->arena, text, &error);
	struct str code = json_text(json, "Code", STR("Success"));
	if (!json)
		return search_fail(search, "%s gave no JSON", from);
	if (!str_is(code, "Success"))
		return search_fail(search, "%s says %.*s: %.*s", from, STR_ARG(code), STR_ARG(json_text(json, "Message", none)));
	return search_take(search, json_text(json, "AccessKeyId", none), json_text(json, "SecretAccessKey", none),
		json_text(json, "SessionToken", json_text(json, "Token", none)), json_text(json, "Expiration", none), from);
}

/* --- the sources that are just read --- */

enum search_outcome
search_environment_keys(struct search *search)
{
	struct str key = search_environment(search, "AWS_ACCESS_KEY_ID");
	struct str secret = search_environment(search, "AWS_SECRET_ACCESS_KEY"), none = {NULL, 0};
	if (!key.n && !secret.n)
		return search_pass(search, "AWS_ACCESS_KEY_ID is not set");
	if (!key.n || !secret.n)
		return search_fail(search, "Partial credentials found in the environment: %s is not set",
			key.n ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	return search_take(search, key, secret, search_environment(search, "AWS_SESSION_TOKEN"), none, "the environment");
}

static enum search_outcome
environment(struct search *search)
{
	if (search->config->profile_explicit)
		return search_pass(search, "not looked at: profile %.*s was asked for", STR_ARG(search->profile));
	return search_environment_keys(search);
}

/* The keys of the profile in one of the two files. */
static enum search_outcome
keys_in(struct search *search, const struct aws_config *file, struct str path)
{
	struct str key = aws_config_get(file, search->profile, "aws_access_key_id"), none = {NULL, 0};
	struct str secret = aws_config_get(file, search->profile, "aws_secret_access_key");
	const char *name = path.n ? str_c(search->arena, path) : "~/.aws";
	if (!aws_config_has_profile(file, search->profile))
		return search_pass(search, "%s has no profile %.*s", name, STR_ARG(search->profile));
	if (!key.n && !secret.n)
		return search_pass(search, "profile %.*s has no aws_access_key_id in %s", STR_ARG(search->profile), name);
	if (!key.n || !secret.n)
		return search_fail(search, "Partial credentials found in %s: profile %.*s has no %s", name,
			STR_ARG(search->profile), key.n ? "aws_secret_access_key" : "aws_access_key_id");
	return search_take(search, key, secret, aws_config_get(file, search->profile, "aws_session_token"), none, name);
}

static enum search_outcome
credentials_file(struct search *search)
{
	struct aws_config file = *search->config;
	file.config_count = 0;
	return keys_in(search, &file, file.credentials_path);
}

static enum search_outcome
config_file(struct search *search)
{
	struct aws_config file = *search->config;
	file.credentials_count = 0;
	return keys_in(search, &file, file.config_path);
}

/* --- the order --- */

static const struct source {
	const char *name;
	bool of_profile; /* named by a profile, so that a role may lean on it */
	enum search_outcome (*look)(struct search *);
} sources[] = {
	{"environment", false, environment},
	{"assumed role", true, search_role},
	{"web identity", true, search_web_identity},
	{"SSO", true, search_sso},
	{"credentials file", true, credentials_file},
	{"credential process", true, search_process},
	{"config file", true, config_file},
	{"container", false, search_container},
	{"instance metadata", false, search_instance},
};

/* "profile work (assumed role)", or the bare name of what no profile names. */
static struct str
source_name(const struct search *search, const struct source *source)
{
	if (!source->of_profile)
		return str_from(source->name);
	return str_printf(search->arena, "profile %.*s (%s)", STR_ARG(search->profile), source->name);
}

enum search_outcome
search_profile(struct search *search, struct str profile)
{
	struct str before = search->profile;
	enum search_outcome outcome = SEARCH_PASSED;
	search->profile = profile;
	for (size_t i = 0; i < sizeof sources / sizeof *sources && outcome == SEARCH_PASSED; i++)
		if (sources[i].of_profile)
			outcome = sources[i].look(search);
	search->profile = before;
	return outcome;
}

/* Looks at all of them; *error gets a line from each that was passed over. */
static bool
look_everywhere(struct search *search, struct str *error)
{
	struct buf tried = buf_new(search->arena);
	buf_add_c(&tried, "Unable to locate credentials");
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		enum search_outcome outcome = sources[i].look(search);
		if (outcome == SEARCH_FOUND)
			search->found.source = source_name(search, &sources[i]);
		if (outcome == SEARCH_FAILED)
			*error = search->why;
		if (outcome != SEARCH_PASSED)
			return outcome == SEARCH_FOUND;
		buf_printf(&tried, "\n  %s: %.*s", sources[i].name, STR_ARG(search->why));
	}
	buf_add_c(&tried, "\nset AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run 'aws configure'");
	*error = buf_str(&tried);
	return false;
}

bool
credentials_find(struct arena *arena, const struct aws_config *config, struct http_client *http, const struct os_cancel *cancel,
	struct credentials *credentials, struct str *error)
{
	struct arena scratch = {NULL};
	struct search search = {.arena = &scratch, .config = config, .http = http, .cancel = cancel, .profile = config->profile};
	struct str why = {NULL, 0};
	bool done = look_everywhere(&search, &why);
	*credentials = (struct credentials){.expires = search.found.expires};
	if (done) {
		credentials->access_key = str_dup(arena, search.found.access_key);
		credentials->secret = str_dup(arena, search.found.secret);
		credentials->token = str_dup(arena, search.found.token);
		credentials->source = str_dup(arena, search.found.source);
	} else {
		*error = str_dup(arena, why);
	}
	arena_wipe(&scratch);
	return done;
}
