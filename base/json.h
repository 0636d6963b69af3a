/* json: reading and writing JSON. The only place that sees yajl. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_INTEGER,
	JSON_REAL,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_type type;
	int64_t integer;
	double real;
	struct str string;
	struct json **items; /* of an array */
	size_t count;
	struct map members; /* of an object: struct json * */
};

/* Deepest nesting that is read. */
#define JSON_DEPTH_LIMIT 100

/* Reads one JSON text into the arena. NULL on an error, with *error a sentence that names the offset. */
struct json *json_read(struct arena *, struct str text, struct str *error);
/* The member of an object, or NULL (also where `json` is NULL or no object). */
const struct json *json_member(const struct json *, const char *name);
/* The member's text, integer, truth; the fallback where it is missing or of another type. */
struct str json_text(const struct json *, const char *name, struct str fallback);
int64_t json_integer(const struct json *, const char *name, int64_t fallback);
bool json_truth(const struct json *, const char *name, bool fallback);

/* A writer; text ends in `out`. In an object pass each member's name, in an array NULL. */
struct json_writer;
struct json_writer *json_writer_new(struct arena *, bool indented);
void json_open_object(struct json_writer *, const char *name);
void json_open_array(struct json_writer *, const char *name);
void json_close(struct json_writer *);
void json_put_text(struct json_writer *, const char *name, struct str);
void json_put_integer(struct json_writer *, const char *name, int64_t);
void json_put_truth(struct json_writer *, const char *name, bool);
void json_put_null(struct json_writer *, const char *name);
void json_put_words(struct json_writer *, const char *name, struct words);
/* What was written, in the writer's arena; bytes that are not UTF-8 were replaced by U+FFFD. */
struct str json_writer_text(struct json_writer *);

#endif
