#include "base/base64.h"
#include "base/arena.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str
base64_encode(struct arena *arena, const void *bytes, size_t n)
{
	const unsigned char *from = bytes;
	struct buf text = buf_sized(arena, (n + 2) / 3 * 4 + 1);
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t three =
			(uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_add_byte(&text, k <= left ? digits[three >> (18 - 6 * k) & 63] : '=');
	}
	return (struct str){buf_c(&text), text.n};
}

bool
base64_decode(struct arena *arena, struct str text, struct str *bytes)
{
	struct buf out = buf_sized(arena, text.n / 4 * 3 + 1);
	size_t padding = str_ends(text, STR("==")) ? 2 : str_ends(text, STR("="));
	uint32_t four = 0;
	if (text.n % 4)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		bool pads = i >= text.n - padding;
		size_t digit = pads ? 0 : str_find((struct str){digits, 64}, text.s[i]);
		if (digit == 64)
			return false;
		four = four << 6 | (uint32_t)digit;
		size_t whole = i + 1 == text.n ? 3 - padding : 3;
		for (size_t k = 0; i % 4 == 3 && k < whole; k++)
			buf_add_byte(&out, (char)(four >> (16 - 8 * k)));
		/* Bits that no byte has are zero, so that a text has one reading and bytes one text. */
		if (i + 1 == text.n && padding && (four & (((uint32_t)1 << 8 * padding) - 1)))
			return false;
	}
	*bytes = buf_str(&out);
	return true;
}
