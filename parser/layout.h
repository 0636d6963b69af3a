/* layout: rows of text that are lined up before they are written. What the formatter's parts share. */
#ifndef PARSER_LAYOUT_H
#define PARSER_LAYOUT_H

#include "parser/ast.h"

#define LAYOUT_INDENT 4

/* One line: its text without indentation, and the comment at its end. */
struct row {
	struct str text, comment;
	unsigned level;
};

struct layout {
	struct arena *arena, scratch; /* of the result; of the rows */
	struct arena_mark mark; /* of the empty scratch */
	const struct sources *sources;
	const char *text; /* of the source */
	uint32_t end;
	struct buf out;
	struct row *rows; /* not yet written */
	size_t count, capacity;
};

struct row *layout_row(struct layout *, unsigned level, struct str text);
/* Writes the rows, their comments in one column. */
void layout_flush(struct layout *);
/* Makes rows of the head and the value between two offsets: its words stay on their lines, those after the first one level deeper; comments stay too. */
void layout_value(struct layout *, struct str head, uint32_t from, uint32_t to, unsigned level);
/* A value's words with one space between them; where lines is true, what stood on lines of its own still does, after a backslash. */
struct str layout_words(struct layout *, struct span value, bool lines, unsigned level);
struct str layout_condition(struct layout *, const struct condition *, unsigned level);
/* The comment behind an item that ends at the offset; none where there is none. */
struct str layout_comment(const struct layout *, uint32_t at);

#endif
