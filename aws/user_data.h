/* user_data: what a machine does when it boots, as a script within EC2's limit. Nothing in it is worth stealing: see doc/aws.md. */
#ifndef AWS_USER_DATA_H
#define AWS_USER_DATA_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct project;
struct instances_settings;

#define USER_DATA_LIMIT ((size_t)16384)

/* What is not in the project. */
struct user_data {
	struct str run, project;
	bool first_is_host; /* the machine with launch index 0 is the HOST; else all are COOPs */
	struct words public_keys; /* who may log in as root: lines of authorized_keys */
	struct str
		host_key; /* a private key in PEM that is good for the first answer only: the machine makes its own and forgets this one */
	int64_t ttl; /* ms: the machine ends after so long, whatever happens */
	int64_t lease; /* ms: and when nobody has renewed it for so long */
	struct str subnet; /* who may use distccd: "10.0.0.0/24" */
	struct str pump; /* "no", "auto", "yes": whether the HOST feeds machines that preprocess */
	struct words packages; /* of the group and, for its machines, of the host block */
};

/* The script: settings as quoted bash, then guest/boot.sh; compressed by gzip where it would be too long as it is. False with *error where it is too long
 * even then: what makes it so (packages, keys). */
bool user_data_make(struct arena *, const struct project *, const struct user_data *, struct str *text, struct str *error);

#endif
