#include "base/str.h"

static const struct width {
	uint32_t first, last;
	unsigned columns;
} widths[] = {
#define WIDTH(first, last, columns) {first, last, columns},
#include "base/utf8_width.def"
#undef WIDTH
};

/* What each first byte of a longer sequence calls for; the second byte's range shuts out overlong forms, surrogates and what is above U+10FFFF. */
static const struct lead {
	unsigned char first, last, length, second_low, second_high;
} leads[] = {
	{0xC2, 0xDF, 2, 0x80, 0xBF},
	{0xE0, 0xE0, 3, 0xA0, 0xBF},
	{0xE1, 0xEC, 3, 0x80, 0xBF},
	{0xED, 0xED, 3, 0x80, 0x9F},
	{0xEE, 0xEF, 3, 0x80, 0xBF},
	{0xF0, 0xF0, 4, 0x90, 0xBF},
	{0xF1, 0xF3, 4, 0x80, 0xBF},
	{0xF4, 0xF4, 4, 0x80, 0x8F},
};

size_t
utf8_length(const char *s, size_t n)
{
	const unsigned char *byte = (const unsigned char *)s;
	if (n == 0)
		return 0;
	if (byte[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
		const struct lead *lead = &leads[i];
		if (byte[0] < lead->first || byte[0] > lead->last)
			continue;
		if (n < lead->length || byte[1] < lead->second_low || byte[1] > lead->second_high)
			return 0;
		for (size_t k = 2; k < lead->length; k++)
			if ((byte[k] & 0xC0) != 0x80)
				return 0;
		return lead->length;
	}
	return 0;
}

/* The number of the character in a valid sequence of `length` bytes. */
static uint32_t
decode(const char *s, size_t length)
{
	if (length == 1)
		return (unsigned char)*s;
	uint32_t character = (unsigned char)*s & (0xFFu >> (length + 1));
	for (size_t i = 1; i < length; i++)
		character = character << 6 | ((unsigned char)s[i] & 0x3F);
	return character;
}

static unsigned
columns_of(uint32_t character)
{
	size_t low = 0, high = sizeof widths / sizeof *widths;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (character > widths[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	bool listed = low < sizeof widths / sizeof *widths && character >= widths[low].first;
	return listed ? widths[low].columns : 1;
}

size_t
utf8_columns(struct str text)
{
	size_t columns = 0;
	for (size_t i = 0, length; i < text.n; i += length ? length : 1) {
		length = utf8_length(text.s + i, text.n - i);
		columns += length < 2 ? 1 : columns_of(decode(text.s + i, length));
	}
	return columns;
}
