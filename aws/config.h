/* config: the AWS configuration files (~/.aws/config, ~/.aws/credentials) and what of the environment belongs to them: profile, region. */
#ifndef AWS_CONFIG_H
#define AWS_CONFIG_H

#include "base/str.h"

#include <stdbool.h>

struct arena;

struct aws_config_section {
	struct str kind; /* "profile", "sso-session", "services" */
	struct str name;
	struct aws_config_value {
		struct str name, value;
		struct str parent; /* of a nested value, as under `s3 =`; none at the top */
	} * values;
	size_t count;
};

struct aws_config {
	struct aws_config_section *config, *credentials; /* of the two files */
	size_t config_count, credentials_count;
	struct str config_path, credentials_path;
	struct str profile; /* the one in use */
	bool profile_explicit; /* asked for by --profile or the Edccfile, not by AWS_PROFILE */
	char *const *environment; /* NULL-ended */
};

/* Reads what is there; a missing file is no error, a profile that was asked for and is in neither is: "The config profile (x) could not be found". */
bool aws_config_load(struct arena *, char *const *environment, struct str profile, struct aws_config *, struct str *error);
/* A value of a profile, the credentials file first; none where it is not given. */
struct str aws_config_get(const struct aws_config *, struct str profile, const char *name);
/* A value of any section of the config file, as of "services"; with a parent where it is nested. False where it is not given. */
bool aws_config_value(
	const struct aws_config *, const char *kind, struct str section, struct str parent, const char *name, struct str *value);
bool aws_config_has_profile(const struct aws_config *, struct str profile);

/* --region > the file > AWS_REGION > AWS_DEFAULT_REGION > profile; none where nothing says. */
struct str aws_config_region(const struct aws_config *, struct str given);

#endif
