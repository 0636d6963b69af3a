/* gzip: text made smaller, as gzip(1) does it. */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

#include "base/str.h"

struct arena;

/* The text as a gzip file without a name or a time: the same text gives the same bytes. */
struct str gzip_text(struct arena *, struct str);

#endif
