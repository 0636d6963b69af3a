/* base64: bytes as text, as in RFC 4648, with its padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/str.h"

struct str base64_encode(struct arena *, const void *bytes, size_t n);
/* False on anything that base64_encode does not write. */
bool base64_decode(struct arena *, struct str text, struct str *bytes);

#endif
