/* need: which builds need which, cycles among them, and what a name on the command line stands for. */
#ifndef PROJECT_NEED_H
#define PROJECT_NEED_H

#include "project/merge.h"

/* Resolves the prerequisites of all builds; `list` has the blocks that each was made of. Unknown ones and cycles are filed. */
void need_all(struct loader *, const struct merged *list, struct project *);

#endif
