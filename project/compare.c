#include "project/compare.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes the digits at the front of *text, without leading zeros. */
static struct str
take_number(struct str *text)
{
	size_t from = 0, to = 0;

	while (to < text->n && is_digit(text->s[to]))
		to++;
	while (from < to && text->s[from] == '0')
		from++;
	struct str digits = str_part(*text, from, to);
	*text = str_part(*text, to, text->n);
	return digits;
}

/* Two numbers of any length without leading zeros. */
static int
compare_numbers(struct str a, struct str b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return str_compare(a, b);
}

int
compare_naturally(struct str a, struct str b)
{
	struct str whole_a = a, whole_b = b;

	while (a.n && b.n) {
		int order;
		if (is_digit(*a.s) && is_digit(*b.s)) {
			order = compare_numbers(take_number(&a), take_number(&b));
		} else {
			order = (unsigned char)*a.s - (unsigned char)*b.s;
			a = str_part(a, 1, a.n);
			b = str_part(b, 1, b.n);
		}
		if (order)
			return order;
	}
	if (a.n || b.n)
		return a.n ? 1 : -1;
	return str_compare(whole_a, whole_b); /* 1 and 01 */
}

/* version = [ "-" ] DIGITS { "." DIGITS } [ ( "-" | "~" | "+" ) SUFFIX ]. *numbers is the part before the suffix. */
static bool
read_version(struct str text, bool *negative, struct str *numbers, struct str *suffix)
{
	size_t i = 0;

	*negative = text.n && text.s[0] == '-';
	text = str_part(text, *negative, text.n);
	while (i < text.n && is_digit(text.s[i])) {
		while (i < text.n && is_digit(text.s[i]))
			i++;
		if (i + 1 < text.n && text.s[i] == '.' && is_digit(text.s[i + 1]))
			i++;
		else
			break;
	}
	*numbers = str_part(text, 0, i);
	*suffix = str_part(text, i, text.n);
	return i && (!suffix->n || (suffix->n > 1 && (*suffix->s == '-' || *suffix->s == '~' || *suffix->s == '+')));
}

/* 0 before a release (1.2-rc1), 1 the release, 2 after it (1.2+git). */
static int
stage(struct str suffix)
{
	return !suffix.n ? 1 : *suffix.s == '+' ? 2 : 0;
}

bool
compare_versions(struct str a, struct str b, int *order)
{
	struct str suffix_a, suffix_b;
	bool negative_a, negative_b;

	if (!read_version(a, &negative_a, &a, &suffix_a) || !read_version(b, &negative_b, &b, &suffix_b))
		return false;
	*order = 0;
	while (!*order && (a.n || b.n)) {
		*order = compare_numbers(take_number(&a), take_number(&b));
		a = str_part(a, 1, a.n);
		b = str_part(b, 1, b.n);
	}
	if (negative_a != negative_b)
		*order = negative_a ? -1 : 1;
	else if (negative_a)
		*order = -*order;
	if (!*order)
		*order = stage(suffix_a) - stage(suffix_b);
	if (!*order)
		*order = compare_naturally(suffix_a, suffix_b);
	return true;
}
