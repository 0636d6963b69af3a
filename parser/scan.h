/* scan: how far quotes, $( ), arguments and regex literals reach. Offsets into one source's text; nothing is copied. Shared by value.c and lex.c. */
#ifndef PARSER_SCAN_H
#define PARSER_SCAN_H

#include "base/diag.h"
#include "parser/value.h"

/* What can be wrong inside a value: name, message, hint. */
#define PROBLEMS(X)                                                                                                                \
	X(NONE, "", "")                                                                                                            \
	X(QUOTE, "this quote is not closed on its line",                                                                           \
		"end the text with the same quote; a quote that is meant as itself stands in quotes of the other kind")            \
	X(REGEX, "this /regex/ has no closing slash",                                                                              \
		"a regex stands between slashes: /^FAIL:/ or /warning/i; a slash inside it is written \\/")                        \
	X(REGEX_TAIL, "unexpected text after a /regex/",                                                                           \
		"after the closing slash only the flags i, m, s and x may stand; a slash inside the regex is written \\/")         \
	X(DOLLAR, "a single $ has no meaning",                                                                                     \
		"write $(name) for a value, $(env NAME) for a variable of the shell, $$ for a dollar")                             \
	X(UNCLOSED, "this $( is not closed",                                                                                       \
		"write $(name) or $(function arguments); a parenthesis that is meant as text stands in quotes")                    \
	X(UNCLOSED_BRACE, "this ${ is not closed", "write ${name}, or $$ for a dollar")                                            \
	X(EMPTY_NAME, "a name is missing here", "write $(name) for a value, $$ for a dollar")                                      \
	X(BAD_NAME, "this is not a name",                                                                                          \
		"a name is made of letters, digits and _; $(name) stands for a value, $(function arguments) for a call, $$ for a " \
		"dollar")                                                                                                          \
	X(SHELL, "this is the shell's way to look into a variable",                                                                \
		"write $(default $(name), OTHER) or $(replace /REGEX/, TEXT, $(name))")                                            \
	X(BRACE_CALL, "a call is written with parentheses", "write $(function arguments)")                                         \
	X(COMMENT, "a comment cannot stand inside $( )", "put the # in quotes where it is meant as text")                          \
	X(COMMAND, "a command in $( ) stands on one line", "join its parts with ; or put them into a script")                      \
	X(DEPTH, "$( ) is nested too deeply here", "give the inner part a name of its own")

enum problem {
#define X(name, message, hint) PROBLEM_##name,
	PROBLEMS(X)
#undef X
};

/* A text and the first problem met in it. All scan_* functions below return the offset after what they skip, or 0 after filing a problem. */
struct scan {
	const char *text;
	uint32_t end;
	unsigned depth; /* of $( ) */
	enum problem problem;
	uint32_t problem_at;
	uint32_t problem_length;
	uint32_t quote_at; /* where the quote that a cursor stands in was opened */
};

/* What a $( ) holds. */
struct dollar {
	bool call;
	uint32_t name, name_end;
	uint32_t inner, inner_end; /* of a call: its arguments */
};

enum char_class {
	CHAR_BLANK = 1, /* space, tab, carriage return */
	CHAR_NEWLINE = 2,
	CHAR_ALPHA = 4, /* letters and _ */
	CHAR_DIGIT = 8,
	CHAR_WORD_STOP = 16, /* ends a run of plain text outside quotes */
	CHAR_DOUBLE_STOP = 32, /* the same inside "…" */
	CHAR_SINGLE_STOP = 64, /* the same inside '…' */
	CHAR_VALUE_STOP = 128, /* needs a closer look in a value */
	CHAR_NAME = CHAR_ALPHA | CHAR_DIGIT,
	CHAR_WHITE = CHAR_BLANK | CHAR_NEWLINE,
};

extern const uint8_t char_classes[256];

static inline bool
char_is(char c, unsigned classes)
{
	return (char_classes[(unsigned char)c] & classes) != 0;
}

/* The first offset from `at` on whose byte is in one of the classes, or `end`. */
static inline uint32_t
scan_until(const char *text, uint32_t at, uint32_t end, unsigned classes)
{
	while (at < end && !char_is(text[at], classes))
		at++;
	return at;
}

/* The first offset from `at` on whose byte is in none of the classes, or `end`. */
static inline uint32_t
scan_over(const char *text, uint32_t at, uint32_t end, unsigned classes)
{
	while (at < end && char_is(text[at], classes))
		at++;
	return at;
}

/* The offset after a backslash and the end of its line, with more backslashes and blanks between them or not, or 0 where there is none at `at`. */
uint32_t scan_continuation(const char *text, uint32_t at, uint32_t end);
/* After the bytes of the classes, and continuations, from `at` on. */
uint32_t scan_blanks(const char *text, uint32_t at, uint32_t end, unsigned classes);
/* The offset after a quoted text that begins at `at`. */
uint32_t scan_quoted(struct scan *, uint32_t at);
/* The offset after $$, $(…) or ${…}. *found is filled for the last two, may be NULL. */
uint32_t scan_dollar(struct scan *, uint32_t at, struct dollar *found);
/* The offset of the ',' or ')' that ends an argument, or the text's end. */
uint32_t scan_argument(struct scan *, uint32_t at, enum value_mode);
/* The offset after the closing slash and the flags; *slash is where the closing slash stands. */
uint32_t scan_regex(struct scan *, uint32_t at, uint32_t *slash);
/* Files a problem; returns 0. */
uint32_t scan_fail(struct scan *, enum problem, uint32_t at, uint32_t length);

/* Reads the value to its end and files what is wrong, in nested calls too. *end, where not NULL, is the offset after the last word. */
bool value_check(struct value_cursor *, unsigned depth, struct diags *, uint32_t *end);

#endif
