/* snippet: the standard library, built into the binary (the table is made from stdlib/ by tools/embed). */
#ifndef PROJECT_SNIPPET_H
#define PROJECT_SNIPPET_H

struct snippet {
	const char *name; /* "std/gcc"; NULL ends the table */
	const char *text;
};

extern const struct snippet snippets[];

#endif
