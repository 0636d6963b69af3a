/* untaken: the names in branches that are not taken, where nothing is evaluated and a misspelt name would else stay hidden. */
#ifndef PROJECT_UNTAKEN_H
#define PROJECT_UNTAKEN_H

#include "project/collect.h"

void untaken_check(struct loader *);

#endif
