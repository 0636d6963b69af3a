/* fetch: one HTTPS GET into memory, for includes. libcurl is loaded at the first use: a process that never fetches does not pay for it at start. */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H

#include "base/str.h"

#include <stdbool.h>

struct arena;

/* Fetches the URL (https only, TLS verified against the system's or $CURL_CA_BUNDLE's authorities, redirects to https only, at most `limit` bytes, timeouts on connect, stall and whole). False with *error a sentence. */
bool fetch_get(struct arena *, const char *url, size_t limit, struct str *body, struct str *error);

#endif
