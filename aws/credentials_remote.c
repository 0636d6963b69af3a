/* Credentials that the machine's surroundings hand out over HTTP: a container's agent, an instance's metadata service. */
#include "aws/credentials_search.h"
#include "base/arena.h"

#include <arpa/inet.h>
#include <string.h>

#define ANSWER_LIMIT ((size_t)64 << 10)
#define CONTAINER_MS 2000
#define INSTANCE_MS 1000
#define CONTAINER_TRIES 3

/* Gets a small answer of status 200. False with what is wrong in *why; *status 0 where nobody answered. */
static bool
get(struct search *search, const struct http_request *request, struct str *body, int *status, struct str *why)
{
	struct http_response response;
	struct http_request whole = *request;
	whole.limit = ANSWER_LIMIT;
	whole.direct = true;
	whole.cancel = search->cancel;
	bool answered = http_send(search->http, search->arena, &whole, &response);
	*status = answered ? response.status : 0;
	*body = response.body;
	if (answered && response.status == 200)
		return true;
	*why = answered ? str_printf(search->arena, "status %d", response.status) : response.error;
	return false;
}

/* --- containers --- */

/* Where a token may go without TLS: this machine, and the addresses that ECS and EKS give their agents. */
static bool
is_trusted(struct search *search, struct str url)
{
	static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1"};
	struct str rest = str_part(url, strlen("http://"), url.n), host = str_part(rest, 0, str_find(rest, '/'));
	struct in_addr address;
	if (str_starts(url, STR("https://")))
		return true;
	if (!str_starts(url, STR("http://")) || str_find(host, '@') < host.n)
		return false;
	if (str_starts(host, STR("[")))
		host = str_part(host, 1, str_find(host, ']'));
	else
		host = str_part(host, 0, str_find(host, ':'));
	for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
		if (str_is(host, agents[i]))
			return true;
	bool numeric = inet_pton(AF_INET, str_c(search->arena, host), &address) == 1;
	return str_is(host, "localhost") || (numeric && ntohl(address.s_addr) >> 24 == 127);
}

/* The agent's token, from the file where there is one: it may have been renewed. */
static bool
container_token(struct search *search, struct str *token, struct str *error)
{
	struct str path = search_environment(search, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	*token = search_environment(search, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (path.n && !os_read(search->arena, str_c(search->arena, path), ANSWER_LIMIT, token, error))
		return false;
	*token = str_trim(*token);
	return true;
}

enum search_outcome
search_container(struct search *search)
{
	struct str relative = search_environment(search, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	struct str url = search_environment(search, "AWS_CONTAINER_CREDENTIALS_FULL_URI"), token, body, why;
	int status = 0;
	if (relative.n)
		url = str_printf(search->arena, "http://169.254.170.2%.*s", STR_ARG(relative));
	if (!url.n)
		return search_pass(
			search, "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
	if (!is_trusted(search, url))
		return search_fail(search,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI must begin with https://, or be on this machine or one of the agents' "
			"addresses: %.*s",
			STR_ARG(url));
	if (!container_token(search, &token, &why))
		return search_fail(search, "%.*s", STR_ARG(why));
	struct http_header headers[] = {{STR("accept"), STR("application/json")}, {STR("authorization"), token}};
	struct http_request request = {.method = "GET",
		.url = url,
		.headers = headers,
		.header_count = token.n ? 2 : 1,
		.connect_ms = CONTAINER_MS,
		.first_byte_ms = CONTAINER_MS,
		.total_ms = 2 * CONTAINER_MS};
	for (int i = 0; i < CONTAINER_TRIES; i++) {
		if (get(search, &request, &body, &status, &why))
			return search_take_json(search, body, "the container's credentials service");
		if ((status && status < 500) || os_cancel_raised(search->cancel))
			break;
	}
	return search_fail(search, "cannot get the container's credentials from %.*s: %.*s", STR_ARG(url), STR_ARG(why));
}

/* --- instances --- */

static struct str
metadata_url(struct search *search)
{
	struct str url = search_environment(search, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	struct str mode = search_environment(search, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	if (!url.n)
		url = aws_config_get(search->config, search->config->profile, "ec2_metadata_service_endpoint");
	if (!mode.n)
		mode = aws_config_get(search->config, search->config->profile, "ec2_metadata_service_endpoint_mode");
	if (!url.n)
		url = str_is(mode, "IPv6") || str_is(mode, "ipv6") ? STR("http://[fd00:ec2::254]") : STR("http://169.254.169.254");
	while (str_ends(url, STR("/")))
		url.n--;
	return url;
}

static bool
ask_metadata(struct search *search, const char *method, const char *path, struct http_header header, struct str *body, int *status,
	struct str *why)
{
	struct http_request request = {.method = method,
		.url = str_printf(search->arena, "%.*s%s", STR_ARG(metadata_url(search)), path),
		.headers = &header,
		.header_count = 1,
		.connect_ms = INSTANCE_MS,
		.first_byte_ms = INSTANCE_MS,
		.total_ms = 2 * INSTANCE_MS};
	return get(search, &request, body, status, why);
}

enum search_outcome
search_instance(struct search *search)
{
	static const char roles[] = "/latest/meta-data/iam/security-credentials/";
	struct http_header header = {STR("x-aws-ec2-metadata-token-ttl-seconds"), STR("21600")};
	struct str disabled = search_environment(search, "AWS_EC2_METADATA_DISABLED"), token, role, body, why;
	int status;
	if (str_is(disabled, "true"))
		return search_pass(search, "AWS_EC2_METADATA_DISABLED is true");
	if (!ask_metadata(search, "PUT", "/latest/api/token", header, &token, &status, &why))
		return search_pass(search, "%.*s gives no token: %.*s", STR_ARG(metadata_url(search)), STR_ARG(why));
	header = (struct http_header){STR("x-aws-ec2-metadata-token"), str_trim(token)};
	if (!ask_metadata(search, "GET", roles, header, &role, &status, &why)) {
		if (status == 404)
			return search_pass(search, "this instance has no role");
		return search_fail(search, "cannot get this instance's role: %.*s", STR_ARG(why));
	}
	role = str_trim(str_part(role, 0, str_find(role, '\n')));
	if (!ask_metadata(search, "GET", str_printf(search->arena, "%s%.*s", roles, STR_ARG(role)).s, header, &body, &status, &why))
		return search_fail(
			search, "cannot get the credentials of this instance's role %.*s: %.*s", STR_ARG(role), STR_ARG(why));
	return search_take_json(search, body, "the instance metadata service");
}
