#include "base/http_head.h"
#include "base/arena.h"

#include <string.h>

void
http_head_read(struct arena *arena, struct http_response *response, struct str line)
{
	size_t colon = str_find(line, ':');
	bool status = str_starts(line, STR("HTTP/"));
	if (status) {
		response->headers = NULL;
		response->header_count = 0;
	}
	if (status || colon == line.n)
		return;
	char *name = str_c(arena, str_part(line, 0, colon));
	for (char *c = name; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	response->headers = arena_more(arena, response->headers, response->header_count, sizeof *response->headers);
	response->headers[response->header_count++] =
		(struct http_header){str_from(name), str_dup(arena, str_trim(str_part(line, colon + 1, line.n)))};
}

struct str
http_header(const struct http_response *response, const char *lower_case_name)
{
	for (size_t i = 0; i < response->header_count; i++)
		if (str_is(response->headers[i].name, lower_case_name))
			return response->headers[i].value;
	return (struct str){NULL, 0};
}

static bool
is_plain(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.s[i] < ' ' && text.s[i] != '\t')
			return false;
	return true;
}

const char *
http_head_line(struct arena *arena, const struct http_header *header)
{
	if (!header->name.n || !is_plain(header->name) || !is_plain(header->value))
		return NULL;
	struct str line = header->value.n ? str_printf(arena, "%.*s: %.*s", STR_ARG(header->name), STR_ARG(header->value))
					  : str_printf(arena, "%.*s;", STR_ARG(header->name));
	return line.s;
}

bool
http_head_has(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (request->headers[i].name.n == strlen(name) && strncasecmp(request->headers[i].name.s, name, strlen(name)) == 0)
			return true;
	return false;
}
