/* source: the texts that were read, and places in them. A span is 12 bytes; its line and column are worked out only when it is printed. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "base/arena.h"
#include "base/str.h"

#include <stdint.h>

/* Where something stands: bytes [offset, offset+length) of a source. Source 0 is "nowhere". */
struct span {
	uint32_t source;
	uint32_t offset;
	uint32_t length;
};

#define SPAN_NONE ((struct span){0, 0, 0})

/* From the first one's beginning to the second one's end. */
struct span span_join(struct span, struct span);

struct source {
	struct str name; /* as the user would write it: "Edccfile", "std/gcc", "<command line>" */
	struct str path; /* where it was read from; none for the standard library and the command line */
	struct str text;
	uint32_t *lines; /* offsets of the line starts, made at the first use */
	uint32_t line_count;
};

/* All the texts of a run. All zero is empty; list[0] is never used. */
struct sources {
	struct arena arena;
	struct source *list;
	uint32_t count;
	uint32_t capacity;
};

/* The most bytes one source may have; a longer file is an error before it is read. */
#define SOURCE_LIMIT ((size_t)64 << 20)

/* Files the text (not copied) under the name and returns its number. */
uint32_t source_add(struct sources *, struct str name, struct str path, struct str text);
struct source *source_get(const struct sources *, uint32_t number);
/* The text that the span covers. */
struct str source_text(const struct sources *, struct span);

struct source_place {
	struct str name;
	uint32_t line; /* from 1 */
	uint32_t column; /* from 1, in characters */
	struct str line_text; /* without its end of line */
	uint32_t line_offset; /* of the line's first byte in the source */
};

struct source_place source_place(const struct sources *, struct span);
void sources_free(struct sources *);

#endif
