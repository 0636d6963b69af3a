#include "roman.h"

#include <stddef.h>
#include <string.h>

static const struct {
	int value;
	const char *letters;
} numerals[] = {
	{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
	{40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"},
};

void
roman_write(int number, char text[ROMAN_SIZE])
{
	text[0] = '\0';
	for (size_t i = 0; number > 0; i++)
		for (; number >= numerals[i].value; number -= numerals[i].value)
			strcat(text, numerals[i].letters);
}

int
roman_read(const char *text)
{
	int number = 0;
	for (size_t i = 0; *text; i++)
		for (; strncmp(text, numerals[i].letters, strlen(numerals[i].letters)) == 0; number += numerals[i].value)
			text += strlen(numerals[i].letters);
	return number;
}
