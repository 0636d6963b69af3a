/* value: reading a value part by part, in place. The parser has been over it once and filed what is wrong, so reading it again cannot fail.
 *
 * A value is a list of words; PART_SPACE separates them. What stands in "…" or '…' is part of one word. */
#ifndef PARSER_VALUE_H
#define PARSER_VALUE_H

#include "base/source.h"

#include <stdbool.h>
#include <stdint.h>

#define PART_KINDS(X)                                                                                 \
	X(END, "end")                                                                                 \
	X(TEXT, "text") /* literal; `$$` comes as the text "$", an empty "" as an empty text */       \
	X(SPACE, "space") /* between words: blanks, a continuation, a comment in a continued value */ \
	X(NAME, "name") /* $(name) or ${name}; text is the name */                                    \
	X(CALL, "call") /* $(function …); text is the function's name, inner its arguments */       \
	X(REGEX, "regex") /* /…/flags; text is the pattern (with \/ as it stands), inner its flags */

enum part_kind {
#define X(name, text) PART_##name,
	PART_KINDS(X)
#undef X
};

/* How a value is to be read. */
enum value_mode {
	VALUE_WORDS, /* blanks separate, quotes keep together */
	VALUE_REGEX_FIRST, /* the same, but where it begins with a slash that a second one closes, that is a regex literal */
	VALUE_RAW, /* quotes and blanks are text; only $ is special: a shell command */
};

struct part {
	enum part_kind kind;
	char quote; /* the quote it stands in: 0, '"' or '\''; in VALUE_RAW too (by the shell's rules), so that what is put in there can be quoted to fit */
	struct span span;
	struct str text;
	struct span inner;
};

/* A reading position. Copy it to look ahead. */
struct value_cursor {
	const char *text; /* of the whole source */
	uint32_t source;
	uint32_t at, end; /* offsets */
	uint8_t mode; /* enum value_mode */
	char quote;
	uint8_t comments; /* enum value_comments */
};

/* Whether `#` after white space begins a comment. */
enum value_comments {
	VALUE_COMMENTS_INSIDE, /* where a line of the value follows; a value that was read ends before a trailing comment */
	VALUE_COMMENTS_ALL, /* the reader of whole lines */
	VALUE_COMMENTS_NONE,
};

struct value_cursor value_open(const struct sources *, struct span value, enum value_mode);
/* The next part; PART_END at the end, again and again. */
enum part_kind value_next(struct value_cursor *, struct part *);

/* How the first argument of a function is read; VALUE_WORDS for one that is not in function.def. All other arguments are VALUE_WORDS. */
enum value_mode value_function_mode(struct str function);

/* The next argument of a call, blanks around it left off: false when there is none left. Start with *rest = part.inner. The mode is the one this argument
 * is to be read in: value_function_mode for the first; a VALUE_RAW argument is all there is, commas too. */
bool value_argument(const struct sources *, enum value_mode, struct span *rest, struct span *argument);

#endif
