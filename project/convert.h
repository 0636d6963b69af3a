/* convert: a value's words become a setting of its type. */
#ifndef PROJECT_CONVERT_H
#define PROJECT_CONVERT_H

#include "base/arena.h"
#include "project/schema.h"

/* Writes the words as the setting into its block's structure. False where they do not fit its type; *advice is then a hint of its own, where there is a better one than the
 * type's example. */
bool convert_setting(struct arena *, const struct setting_schema *, struct words, void *block, struct str *advice);

/* 90s, 20m, 1h30m, 500ms, in milliseconds. */
bool convert_duration(struct str, int64_t *milliseconds);

#endif
