/* fleet: all blocks of a project but its builds. */
#ifndef PROJECT_FLEET_H
#define PROJECT_FLEET_H

#include "project/merge.h"

/* Fills in provider, compiler, machines, settings, artifacts and what follows the verdict. What is wrong is filed. */
void fleet_all(struct loader *, struct merges *, struct project *);

#endif
