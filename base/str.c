#include "base/str.h"
#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct str
str_from(const char *c_string)
{
	return (struct str){c_string, c_string ? strlen(c_string) : 0};
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

bool
str_is(struct str text, const char *c_string)
{
	return str_eq(text, str_from(c_string));
}

int
str_compare(struct str a, struct str b)
{
	size_t common = a.n < b.n ? a.n : b.n;
	int order = common ? memcmp(a.s, b.s, common) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool
str_starts(struct str text, struct str prefix)
{
	return text.n >= prefix.n && str_eq(str_part(text, 0, prefix.n), prefix);
}

bool
str_ends(struct str text, struct str suffix)
{
	return text.n >= suffix.n && str_eq(str_part(text, text.n - suffix.n, text.n), suffix);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str text)
{
	while (text.n && is_space(text.s[text.n - 1]))
		text.n--;
	while (text.n && is_space(*text.s)) {
		text.s++;
		text.n--;
	}
	return text;
}

struct str
str_part(struct str text, size_t from, size_t to)
{
	if (to > text.n)
		to = text.n;
	if (from > to)
		from = to;
	return (struct str){text.s ? text.s + from : NULL, to - from};
}

size_t
str_find(struct str text, char c)
{
	const char *at = text.n ? memchr(text.s, c, text.n) : NULL;
	return at ? (size_t)(at - text.s) : text.n;
}

struct str
str_after(struct str text, const char *words)
{
	size_t n = strlen(words);
	const char *at = text.n ? memmem(text.s, text.n, words, n) : NULL;
	return at ? str_part(text, (size_t)(at - text.s) + n, text.n) : (struct str){NULL, 0};
}

struct str
str_behind(struct str text, char c)
{
	const char *at = text.n ? memrchr(text.s, c, text.n) : NULL;
	return at ? str_part(text, (size_t)(at + 1 - text.s), text.n) : text;
}

bool
str_split(struct str *rest, char c, struct str *piece)
{
	if (!rest->s)
		return false;
	size_t at = str_find(*rest, c);
	*piece = (struct str){rest->s, at};
	*rest = at < rest->n ? str_part(*rest, at + 1, rest->n) : (struct str){NULL, 0};
	return true;
}

struct str
str_dup(struct arena *arena, struct str text)
{
	if (!text.s)
		return text;
	char *copy = arena_text(arena, text.n);
	memcpy(copy, text.s, text.n);
	return (struct str){copy, text.n};
}

char *
str_c(struct arena *arena, struct str text)
{
	char *copy = arena_text(arena, text.n + 1);
	if (text.n)
		memcpy(copy, text.s, text.n);
	copy[text.n] = 0;
	return copy;
}

struct str
str_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int reason = errno; /* for %m, which the arena may touch */
	int length = vsnprintf(NULL, 0, format, arguments);
	size_t size = length > 0 ? (size_t)length + 1 : 1;
	char *text = arena_text(arena, size);
	*text = 0;
	errno = reason;
	vsnprintf(text, size, format, again);
	va_end(again);
	return (struct str){text, size - 1};
}

struct str
str_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct str text = str_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

struct str
str_shell_quote(struct arena *arena, struct str text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%+,-./:=@_";
	struct buf quoted = buf_new(arena);
	size_t i = 0;
	while (i < text.n && memchr(plain, text.s[i], sizeof plain - 1))
		i++;
	if (text.n && i == text.n)
		return text;
	buf_add_byte(&quoted, '\'');
	for (i = 0; i < text.n; i++)
		if (text.s[i] == '\'')
			buf_add_c(&quoted, "'\\''");
		else
			buf_add_byte(&quoted, text.s[i]);
	buf_add_byte(&quoted, '\'');
	return buf_str(&quoted);
}

bool
str_integer(struct str text, int64_t *value)
{
	bool negative = text.n && *text.s == '-';
	int64_t sum = 0;
	if (text.n == negative)
		return false;
	/* Summed below zero, where the range is one wider. */
	for (size_t i = negative; i < text.n; i++) {
		if (text.s[i] < '0' || text.s[i] > '9')
			return false;
		if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, text.s[i] - '0', &sum))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, sum, &sum))
		return false;
	*value = sum;
	return true;
}

struct str
words_join(struct arena *arena, struct words words, struct str separator)
{
	size_t size = words.n ? separator.n * (words.n - 1) : 0;
	for (size_t i = 0; i < words.n; i++)
		size += words.w[i].n;
	struct buf buf = {arena, arena_text(arena, size), 0, size};
	for (size_t i = 0; i < words.n; i++) {
		if (i)
			buf_add(&buf, separator);
		buf_add(&buf, words.w[i]);
	}
	return buf_str(&buf);
}

bool
words_has(struct words words, struct str word)
{
	for (size_t i = 0; i < words.n; i++)
		if (str_eq(words.w[i], word))
			return true;
	return false;
}

void
words_add(struct arena *arena, struct words *words, struct str word)
{
	words->w = arena_more(arena, words->w, words->n, sizeof *words->w);
	words->w[words->n++] = word;
}

void
words_split(struct arena *arena, struct words *words, struct str text)
{
	struct str word;
	while (str_split(&text, ' ', &word))
		if (word.n)
			words_add(arena, words, word);
}

size_t
words_argv(struct arena *arena, struct str text, char **argv, size_t limit)
{
	struct str word;
	size_t n = 0;
	while (n < limit && str_split(&text, ' ', &word))
		if (word.n)
			argv[n++] = str_c(arena, word);
	return n;
}

struct words
words_concat(struct arena *arena, const struct words *lists, size_t count)
{
	struct words all = {NULL, 0};
	for (size_t i = 0; i < count; i++)
		all.n += lists[i].n;
	struct str *end = all.w = arena_array(arena, struct str, all.n);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < lists[i].n; k++)
			*end++ = lists[i].w[k];
	return all;
}
