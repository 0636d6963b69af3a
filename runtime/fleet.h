/* fleet: all blocks of a project but its builds. */
#ifndef RUNTIME_FLEET_H
#define RUNTIME_FLEET_H

#include "runtime/merge.h"

/* Fills in provider, compiler, machines, settings, artifacts and what follows the verdict. What is wrong is filed. */
void fleet_all(struct loader *, struct merges *, struct project *);

#endif
