/* regex: PCRE2 behind a small face. The only place that sees pcre2.h. */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/str.h"

#include <stdbool.h>

struct arena;
struct regex;

/* Compiles pattern under flags (of "imsx"). NULL on an error: *error says what PCRE2 says, *offset is where in the pattern. Free with regex_free. */
struct regex *regex_new(struct str pattern, struct str flags, struct str *error, size_t *offset, struct arena *);
/* True where it matches; a match that needs too many steps is no match. Thread safe: one regex may be used by several threads. */
bool regex_match(const struct regex *, struct str subject);
/* The first match: the whole, or its first group where the pattern has one; false where there is none. */
bool regex_find(const struct regex *, struct str subject, struct str *found);
/* All matches replaced; $1 … $9, ${1} and $0 in the replacement stand for groups. */
struct str regex_replace(const struct regex *, struct str subject, struct str replacement, struct arena *);
void regex_free(struct regex *);

#endif
