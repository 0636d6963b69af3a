/* untaken: the names in branches that are not taken, where nothing is evaluated and a misspelt name would else stay hidden. */
#ifndef RUNTIME_UNTAKEN_H
#define RUNTIME_UNTAKEN_H

#include "runtime/collect.h"

void untaken_check(struct loader *);

#endif
