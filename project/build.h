/* build: the steps of a project, what each needs, its rules and its recipe. */
#ifndef PROJECT_BUILD_H
#define PROJECT_BUILD_H

#include "project/merge.h"

/* Fills in the builds of the project, whose scopes and fleet are there. */
void build_all(struct loader *, struct merges *, struct project *);
/* The only recipe among the items; NULL where there is none. A second one is an error. */
const struct recipe *build_only_recipe(struct loader *, const struct kept *);

#endif
