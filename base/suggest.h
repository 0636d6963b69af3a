/* suggest: the nearest known name to a misspelt one. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "base/diag.h"

/* Offer candidates one by one, then read `best`: none where nothing is near enough (distance at most a third of the length, at least 1; a transposition counts 1). */
struct suggest {
	struct str word;
	struct str best;
	size_t distance;
};

struct suggest suggest_for(struct str word);
void suggest_offer(struct suggest *, struct str candidate);
/* Gives the diagnostic the hint "did you mean 'x'?"; false, without one, where nothing is near enough. */
bool suggest_hint(const struct suggest *, struct diag *);

#endif
