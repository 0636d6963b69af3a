/* xml: answers of AWS as trees; the only place that sees expat. */
#ifndef AWS_XML_H
#define AWS_XML_H

#include "base/str.h"

#include <stdint.h>

struct arena;

/* An element; names without namespace. */
struct xml {
	struct str name;
	struct str text; /* all character data directly in it */
	struct xml *first, *next; /* first child, next sibling */
};

/* Deepest nesting that is read. */
#define XML_DEPTH_LIMIT 64

/* NULL on anything that is not well-formed (HTML, truncation, entities bombs), with *error a sentence. */
struct xml *xml_read(struct arena *, struct str text, struct str *error);
/* The first child of that name, or NULL (also where xml is NULL). "a/b" goes down. */
const struct xml *xml_child(const struct xml *, const char *path);
/* Its text, or none. */
struct str xml_text(const struct xml *, const char *path);
int64_t xml_integer(const struct xml *, const char *path, int64_t fallback);
/* The next sibling of the same name, or NULL. */
const struct xml *xml_again(const struct xml *);

#endif
