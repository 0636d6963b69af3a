/* compare: the order of versions and of names with numbers in them. */
#ifndef PROJECT_COMPARE_H
#define PROJECT_COMPARE_H

#include "base/str.h"

/* *order is <0, 0 or >0, part by part: 1.9 < 1.10, 12 = 12.0, 1.2-rc1 < 1.2. Whole and negative numbers are versions of one part. False where one of the texts is neither. */
bool compare_versions(struct str a, struct str b, int *order);
/* <0, 0, >0 as people sort: runs of digits by their value, the rest by its bytes. */
int compare_naturally(struct str a, struct str b);

#endif
