/* str: a slice of text that somebody else owns, and buf: text being built in an arena. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Not terminated; may hold any byte. {NULL, 0} is "none" where that differs from empty. */
struct str {
	const char *s;
	size_t n;
};

/* A list of slices; what an Edccfile calls words. */
struct words {
	struct str *w;
	size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(str) (int)(str).n, (str).s

struct str str_from(const char *c_string);
bool str_eq(struct str, struct str);
bool str_is(struct str, const char *c_string);
/* <0, 0, >0 like memcmp, a shorter prefix first. */
int str_compare(struct str, struct str);
bool str_starts(struct str, struct str prefix);
bool str_ends(struct str, struct str suffix);
/* Without white space (blanks, tabs and ends of lines, as in an Edccfile) at either end. */
struct str str_trim(struct str);
/* The part from byte `from` to before byte `to`, both clipped to the length. */
struct str str_part(struct str, size_t from, size_t to);
/* The index of the first c, or n where there is none. */
size_t str_find(struct str, char c);
/* What follows the first of these words; none where they are not there. */
struct str str_after(struct str, const char *words);
/* What stands behind the last c; all of the text where there is none. */
struct str str_behind(struct str, char c);
/* Takes and returns the text up to the first c (dropping c) from the front of *rest; false when *rest is none ({NULL,0}). */
bool str_split(struct str *rest, char c, struct str *piece);
/* Copies into the arena. */
struct str str_dup(struct arena *, struct str);
/* A terminated copy in the arena. */
char *str_c(struct arena *, struct str);
/* printf into the arena; the result is terminated too (the terminator is not counted). */
struct str str_printf(struct arena *, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str str_vprintf(struct arena *, const char *format, va_list);
/* The text as one word of a shell command: as it is where a shell reads it so, in single quotes otherwise. */
struct str str_shell_quote(struct arena *, struct str);
/* A decimal number that fills the whole text; false on anything else, and on overflow. */
bool str_integer(struct str, int64_t *value);
/* The words joined by one separator. */
struct str words_join(struct arena *, struct words, struct str separator);
bool words_has(struct words, struct str);
/* Adds a word to a list that grows by this alone, from an empty one on. */
void words_add(struct arena *, struct words *, struct str);
/* Appends the words of a text that stand between blanks, as parts of it. */
void words_split(struct arena *, struct words *, struct str text);
/* The same words, `limit` of them at most, as an argv has them; returns how many. */
size_t words_argv(struct arena *, struct str text, char **argv, size_t limit);
/* The words of all the lists, one list's after the other's. */
struct words words_concat(struct arena *, const struct words *lists, size_t count);

/* Text that grows in an arena. */
struct buf {
	struct arena *arena;
	char *s;
	size_t n;
	size_t capacity;
};

struct buf buf_new(struct arena *);
/* One with room for so many bytes, where it is known how many will come at most. */
struct buf buf_sized(struct arena *, size_t capacity);
void buf_add(struct buf *, struct str);
void buf_add_c(struct buf *, const char *c_string);
void buf_add_byte(struct buf *, char);
void buf_printf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What has been built; valid until the buffer grows again. */
struct str buf_str(const struct buf *);
/* The same, terminated. */
const char *buf_c(struct buf *);

/* How many bytes the UTF-8 sequence at s (n bytes left) has: 1 to 4, or 0 where it is not valid UTF-8. */
size_t utf8_length(const char *s, size_t n);
/* Columns that the text takes on a terminal: wide characters 2, combining ones 0, a tab 1. */
size_t utf8_columns(struct str);

#endif
