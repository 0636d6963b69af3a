/* credentials_search: what the files that find credentials share. A search has an arena of its own, which is overwritten at its end. */
#ifndef AWS_CREDENTIALS_SEARCH_H
#define AWS_CREDENTIALS_SEARCH_H

#include "aws/config.h"
#include "aws/credentials.h"
#include "base/http.h"
#include "base/json.h"

enum search_outcome {
	SEARCH_PASSED, /* not meant, or not there; why says so; the next source is looked at */
	SEARCH_FOUND,
	SEARCH_FAILED, /* meant, but wrong: why says what; the search is over */
};

struct search {
	struct arena *arena;
	const struct aws_config *config;
	struct http_client *http;
	const struct os_cancel *cancel;
	struct str profile; /* the one looked at */
	struct words visited; /* the profiles whose roles led here */
	struct credentials found;
	struct str why;
};

/* PASSED or FAILED, with why. */
enum search_outcome search_pass(struct search *, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum search_outcome search_fail(struct search *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A value of the profile that is looked at. */
struct str search_value(const struct search *, const char *name);
struct str search_environment(const struct search *, const char *name);
/* All sources that a profile can name, on another profile; for roles. */
enum search_outcome search_profile(struct search *, struct str profile);

/* Credentials as programs and metadata services print them, and as XML has them; FAILED where something is missing. `from` says where the text is from. */
enum search_outcome search_take(
	struct search *, struct str access_key, struct str secret, struct str token, struct str expiration, const char *from);
enum search_outcome search_take_json(struct search *, struct str text, const char *from);

/* The sources. */
enum search_outcome search_environment_keys(struct search *);
enum search_outcome search_role(struct search *);
enum search_outcome search_web_identity(struct search *);
enum search_outcome search_sso(struct search *);
enum search_outcome search_process(struct search *);
enum search_outcome search_container(struct search *);
enum search_outcome search_instance(struct search *);

#endif
