/* credentials: finding, renewing and forgetting them. The order and what each source needs: doc/aws.md. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct aws_config;
struct http_client;
struct os_cancel;

struct credentials {
	struct str access_key, secret, token; /* token: none for long-lived ones */
	int64_t expires; /* ms since 1970; 0: never */
	struct str source; /* "environment", "profile work (assumed role)", … */
};

/* Tries every source in order. False: *error is one text with a line per source that says why it was passed over, beginning "Unable to locate credentials" or with
 * what is wrong with the source that was meant. */
bool credentials_find(struct arena *, const struct aws_config *, struct http_client *, const struct os_cancel *,
	struct credentials *, struct str *error);
/* True where they end within `margin_ms` from now. */
bool credentials_expire_soon(const struct credentials *, int64_t now_ms, int64_t margin_ms);
/* Overwrites secret and token. */
void credentials_wipe(struct credentials *);

#endif
