#include "base/fetch.h"
#include "base/arena.h"
#include "base/http.h"

#include <stdlib.h>

#define CONNECT_MS 15000
#define STALL_MS 20000
#define WHOLE_MS 120000

/* What is wrong; none where the answer is there. */
static struct str
get(struct arena *arena, const char *url, size_t limit, struct http_response *response)
{
	struct http_options options = {.ca_bundle = getenv("CURL_CA_BUNDLE"), .user_agent = "edcc/" EDCC_VERSION};
	struct http_request request = {.method = "GET",
		.url = str_from(url),
		.limit = limit,
		.connect_ms = CONNECT_MS,
		.first_byte_ms = STALL_MS,
		.stall_ms = STALL_MS,
		.total_ms = WHOLE_MS,
		.follow = true};
	struct str error = {NULL, 0};
	if (!str_starts(request.url, STR("https://")))
		return STR("only https:// is fetched, also where a server redirects");
	struct http_client *client = http_client_new(&options, arena, &error);
	if (!client)
		return error;
	if (!http_send(client, arena, &request, response))
		error = response->error;
	else if (response->status != 200)
		error = str_printf(arena, "the server answered with status %d", response->status);
	http_client_free(client);
	return error;
}

bool
fetch_get(struct arena *arena, const char *url, size_t limit, struct str *body, struct str *error)
{
	struct http_response response;
	struct str wrong = get(arena, url, limit, &response);
	if (wrong.n)
		*error = str_printf(arena, "cannot fetch '%s': %.*s", url, STR_ARG(wrong));
	else
		*body = response.body;
	return !wrong.n;
}
