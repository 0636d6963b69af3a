/* expand: the words that a value's parts come to, once all the names in it have their values. */
#ifndef PROJECT_EXPAND_H
#define PROJECT_EXPAND_H

#include "parser/value.h"
#include "project/collect.h"

/* Most bytes that all values of a file may take together: what stops $(x) $(x) from doubling for ever. */
#define EXPAND_LIMIT ((size_t)256 << 20)

struct expander *expand_new(struct loader *);
/* The value of a span as seen from the space. What is wrong is filed, and the value is then unknown and has no words. */
struct value expand_value(struct loader *, struct span, const struct space *, enum value_mode);
/* Plain text, its words apart. */
struct words expand_split(struct loader *, struct str text);
/* A regex literal, compiled; to be freed with regex_free. NULL where it is none or PCRE2 refuses it (filed). */
struct regex *expand_regex(struct loader *, struct span);
/* The same where a value may stand for it: $(pattern). *value is what it came from, where it is no literal. */
struct regex *expand_pattern(struct loader *, struct span, const struct space *, struct value *);
/* Takes n bytes from the limit; false, filed once, where it is used up. */
bool expand_charge(struct loader *, struct span, size_t n);

#endif
