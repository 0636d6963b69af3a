#include "base/suggest.h"

/* Longer words are no names that somebody mistyped. */
#define SUGGEST_LONGEST 64

struct suggest
suggest_for(struct str word)
{
	size_t most = word.n / 3 ? word.n / 3 : 1;
	/* `distance` is what the next candidate has to stay below. */
	return (struct suggest){.word = word, .distance = most + 1};
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits from a to b: insertions, deletions, replacements and swaps of neighbours. Case does not count. Neither is longer than SUGGEST_LONGEST. */
static size_t
edits(struct str a, struct str b)
{
	size_t rows[3][SUGGEST_LONGEST + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t k = 0; k <= b.n; k++)
		row[k] = k;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *free_row = before;
		before = above;
		above = row;
		row = free_row;
		row[0] = i;
		for (size_t k = 1; k <= b.n; k++) {
			bool same = lower(a.s[i - 1]) == lower(b.s[k - 1]);
			row[k] = least(above[k - 1] + !same, least(above[k], row[k - 1]) + 1);
			if (i > 1 && k > 1 && lower(a.s[i - 1]) == lower(b.s[k - 2]) && lower(a.s[i - 2]) == lower(b.s[k - 1]))
				row[k] = least(row[k], before[k - 2] + 1);
		}
	}
	return row[b.n];
}

void
suggest_offer(struct suggest *suggest, struct str candidate)
{
	struct str word = suggest->word;
	size_t longer = word.n > candidate.n ? word.n : candidate.n, shorter = least(word.n, candidate.n);
	if (longer > SUGGEST_LONGEST || longer - shorter >= suggest->distance)
		return;
	size_t distance = edits(word, candidate);
	/* Where every character differs the words have nothing in common. */
	if (distance >= suggest->distance || distance >= longer)
		return;
	suggest->best = candidate;
	suggest->distance = distance;
}

bool
suggest_hint(const struct suggest *suggest, struct diag *diag)
{
	if (suggest->best.s)
		diag_hint(diag, "did you mean '%.*s'?", STR_ARG(suggest->best));
	return suggest->best.s != NULL;
}
