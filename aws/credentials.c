#include "aws/credentials.h"
#include "aws/config.h"
#include "base/arena.h"

#include <string.h>

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

bool
credentials_find(struct arena *arena, const struct aws_config *config, struct http_client *http, const struct os_cancel *cancel,
	struct credentials *credentials, struct str *error)
{
	(void)http, (void)cancel;
	*credentials = (struct credentials){
		.access_key = str_dup(arena, aws_config_environment(config, "AWS_ACCESS_KEY_ID")),
		.secret = str_dup(arena, aws_config_environment(config, "AWS_SECRET_ACCESS_KEY")),
		.token = str_dup(arena, aws_config_environment(config, "AWS_SESSION_TOKEN")),
		.source = STR("environment"),
	};
	if (!credentials->access_key.n || !credentials->secret.n)
		*error = STR("Unable to locate credentials");
	return credentials->access_key.n && credentials->secret.n;
}
