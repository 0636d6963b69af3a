/* collect: definitions and blocks of the Edccfile and of what it includes, brought together by scope. Conditions are decided here, in file order. */
#ifndef PROJECT_COLLECT_H
#define PROJECT_COLLECT_H

#include "project/space.h"

struct placed {
	const struct block *block;
	const struct context *context;
};

/* A branch whose names are checked, for it may not have been evaluated. */
struct untaken {
	struct untaken *next;
	const struct item *body; /* NULL where it is taken: then only its condition is checked */
	const struct condition *condition;
	const struct context *context;
};

/* Collects the Edccfile and all it includes. */
void collect_all(struct loader *, const struct unit *);
/* Holds the overrides against what was collected. */
void collect_check(struct loader *);
/* Adds a definition to what gives the name its value; files an error for a second =. */
void collect_bind(struct loader *, struct binding *, const struct definition *, const struct context *);
/* The body of the branch that is taken, NULL where none is; *undecided where that cannot be said. The other branches are put down as not taken. */
const struct item *collect_branch(struct loader *, const struct conditional *, const struct context *, bool *undecided);

#endif
