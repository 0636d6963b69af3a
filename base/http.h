/* http: requests over libcurl, the only place that sees it. Loaded at the first use: a process that never asks does not pay for it at start.
 * One client serves any number of threads; connections are kept and used again. */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include "base/os.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct http_client;

struct http_header {
	struct str name, value;
};

/* Where a request's body comes from where it is not in memory, or a response's goes to. Returns how many bytes it took or gave; -1 ends the transfer. */
struct http_stream {
	int64_t (*move)(void *context, char *bytes, size_t n);
	bool (*rewind)(void *context); /* begin again, for a repeated try; NULL where it cannot */
	void *context;
};

struct http_request {
	const char *method; /* "GET" */
	struct str url;
	const struct http_header *headers;
	size_t header_count;
	struct str body; /* in memory … */
	const struct http_stream *body_stream; /* … or not; then body_size bytes */
	int64_t body_size;
	const struct http_stream *sink; /* takes a successful (2xx) response's body; NULL: into memory */
	size_t limit; /* most bytes of a response in memory: more is an error; 0: 64 MiB */
	int64_t connect_ms, first_byte_ms, stall_ms, total_ms; /* 0: 10 s, 60 s, 30 s, none */
	bool follow; /* redirects, to https only; never where there are headers of one's own, which may hold credentials */
	bool once; /* over a connection of its own: on a kept one that proves dead curl would silently send it again */
	bool direct; /* never through a proxy (instance metadata) */
	const struct os_cancel *cancel; /* NULL: nothing ends it early */
};

/* What became of it. */
struct http_response {
	int status; /* 0 where there was none */
	struct http_header *headers; /* names in lower case */
	size_t header_count;
	struct str body;
	bool sent; /* some of the request went out (or of its way through a proxy): the act may have happened */
	bool cancelled;
	struct str error; /* what failed on the way, as a sentence; none where there is a whole response, whatever its status */
};

struct http_options {
	const char *ca_bundle; /* a PEM file; NULL: the system's. TLS is always verified */
	const char *user_agent;
};

/* NULL with *error where libcurl cannot be loaded. Proxies come from the environment as curl has it (https_proxy, no_proxy). */
struct http_client *http_client_new(const struct http_options *, struct arena *, struct str *error);
/* Blocks. True where there is a whole response, of any status. */
bool http_send(struct http_client *, struct arena *, const struct http_request *, struct http_response *);
/* A response's header, or none. */
struct str http_header(const struct http_response *, const char *lower_case_name);
void http_client_free(struct http_client *);

#endif
