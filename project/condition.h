/* condition: what an `if` asks, and what a verdict rule will ask of a step. */
#ifndef PROJECT_CONDITION_H
#define PROJECT_CONDITION_H

#include "project/collect.h"

enum truth {
	TRUTH_FALSE,
	TRUTH_TRUE,
	TRUTH_UNKNOWN, /* it needs a command that was not run, or something wrong that has been filed */
};

/* Decides an if's condition. */
enum truth condition_decide(struct loader *, const struct condition *, const struct context *);
/* The condition of a verdict rule, evaluated as far as it can be; NULL where something in it is wrong (filed). */
struct test *condition_test(struct loader *, const struct condition *, const struct context *);
/* Frees the compiled expressions of a test, which may be NULL. */
void condition_free(struct test *);

#endif
