/* plan_rows: the plan's page in the making: sections of rows in two columns, for a terminal or as a Markdown table. */
#ifndef RUNTIME_PLAN_ROWS_H
#define RUNTIME_PLAN_ROWS_H

#include "runtime/plan.h"

#define STYLES(X)              \
	X(BOLD, "\033[1m")     \
	X(DIM, "\033[2m")      \
	X(CREATED, "\033[32m") \
	X(REMOVED, "\033[31m") \
	X(PLAIN, "\033[0m")

enum style {
#define X(name, code) STYLE_##name,
	STYLES(X)
#undef X
};

struct rows {
	struct arena *arena;
	const struct plan *plan;
	struct buf out;
	size_t width; /* of the first column */
	bool colour;
	bool markdown;
	const char *section; /* that the next row begins; NULL within one */
};

void rows_style(struct rows *, enum style);
/* Text from the file, made safe: on one line, without control characters; in Markdown without its marks. */
void rows_put(struct rows *, struct str text);
void rows_put_c(struct rows *, const char *text);
/* "1 host", "4 hosts" */
void rows_put_number(struct rows *, size_t number, const char *noun);

/* The next row is the first of the section. */
void rows_section(struct rows *, enum section);
/* Begins a row and writes its first column: + for what is created, - for what is removed, else a blank. `verb` may be NULL. */
void rows_begin(struct rows *, char mark, const char *verb, struct str title);
/* Goes on in the second column, on the next line. */
void rows_break(struct rows *);
void rows_end(struct rows *);

#endif
