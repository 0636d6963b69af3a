/* http_head: the headers of requests and responses, as text. */
#ifndef BASE_HTTP_HEAD_H
#define BASE_HTTP_HEAD_H

#include "base/http.h"

/* Takes a line of a response's head; a status line begins a new one, as after "100 Continue" or a redirect. */
void http_head_read(struct arena *, struct http_response *, struct str line);
/* A request's header as libcurl wants it: "name: value", or "name;" for an empty value. NULL where there is a control character in it. */
const char *http_head_line(struct arena *, const struct http_header *);
/* Whether the request has a header of this name, in whatever case. */
bool http_head_has(const struct http_request *, const char *name);

#endif
