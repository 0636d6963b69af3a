#include "aws/call.h"
#include "aws/lookup.h"
#include "base/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* AWS's own page that says from where it was asked for. */
#define PAGE "https://checkip.amazonaws.com/"
#define PAGE_MS 10000
#define PAGE_LIMIT ((size_t)1024)

static bool
fail(struct aws_error *error, struct str message)
{
	*error = (struct aws_error){.message = message};
	return false;
}

/* "192.0.2.1" as a range of it alone; none where it is no address. */
static struct str
range_of(struct arena *arena, struct str address)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	const char *text = str_c(arena, address);
	if (inet_pton(AF_INET, text, bytes) == 1)
		return str_printf(arena, "%s/32", text);
	return inet_pton(AF_INET6, text, bytes) == 1 ? str_printf(arena, "%s/128", text) : (struct str){NULL, 0};
}

/* As AWS sees it. Not through a proxy: nothing that the address is for goes through one. */
static bool
ask_aws(struct aws *aws, struct arena *arena, struct str *range, struct aws_error *error)
{
	struct http_response response = {.status = 0};
	struct http_request request = {
		.method = "GET", .url = STR(PAGE), .limit = PAGE_LIMIT, .total_ms = PAGE_MS, .direct = true, .cancel = aws->cancel};
	if (http_send(aws->http, arena, &request, &response)) {
		*range = response.status == 200 ? range_of(arena, str_trim(response.body)) : (struct str){NULL, 0};
		response.error = str_printf(arena, "its answer, with status %d, is no address", response.status);
	}
	return range->n ||
	       fail(error, str_printf(arena, PAGE " does not say this machine's address: %.*s", STR_ARG(response.error)));
	error->cancelled = response.cancelled;
	return false;
}

/* Splits "[::1]:5000", "localhost" and the like. */
static void
split_host(struct str host, struct str *name, struct str *port)
{
	bool bracket = str_starts(host, STR("["));
	size_t end = bracket ? str_find(host, ']') : str_find(host, ':');
	*name = str_part(host, bracket, end);
	*port = str_part(host, end + 1 + bracket, host.n);
	if (!port->n)
		*port = STR("443");
}

/* The address from which something is reached, which a datagram's socket knows without one being sent. */
static const char *
towards(struct arena *arena, const struct addrinfo *to, struct str *address)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof own;
	char text[INET6_ADDRSTRLEN];
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return strerrordesc_np(errno);
	bool known = connect(fd, to->ai_addr, to->ai_addrlen) == 0 && getsockname(fd, (struct sockaddr *)&own, &length) == 0;
	int why = errno;
	close(fd);
	if (!known)
		return strerrordesc_np(why);
	int bad = getnameinfo((struct sockaddr *)&own, length, text, sizeof text, NULL, 0, NI_NUMERICHOST);
	if (bad)
		return gai_strerror(bad);
	*address = str_dup(arena, str_from(text));
	return NULL;
}

static bool
ask_route(struct arena *arena, struct str url, struct str *range, struct aws_error *error)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	struct str name, port, address = {NULL, 0};
	split_host(aws_endpoint_host(url), &name, &port);
	int bad = getaddrinfo(str_c(arena, name), str_c(arena, port), &hints, &found);
	const char *why = bad ? gai_strerror(bad) : towards(arena, found, &address);
	if (!bad)
		freeaddrinfo(found);
	if (why)
		return fail(error, str_printf(arena, "no address of this machine's leads to %.*s: %s", STR_ARG(url), why));
	*range = range_of(arena, address);
	return range->n || fail(error, str_printf(arena, "%.*s is reached from %.*s only", STR_ARG(url), STR_ARG(address)));
}

bool
aws_own_address(struct aws *aws, struct arena *arena, struct str *range, struct aws_error *error)
{
	struct aws_endpoint endpoint = aws_endpoint_of(arena, &aws->config, aws->endpoint, "ec2", aws->region);
	*range = (struct str){NULL, 0};
	return endpoint.custom ? ask_route(arena, endpoint.url, range, error) : ask_aws(aws, arena, range, error);
}
