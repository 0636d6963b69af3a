/* template: the template variables of the 2018 edcc, {{.Region}} and its like, in the file of `script =`. */
#ifndef PROJECT_TEMPLATE_H
#define PROJECT_TEMPLATE_H

#include "project/load.h"

/* The text of the source with its template variables replaced; the text itself where it has none. What is wrong is filed at its place in the script. */
struct str template_expand(struct loader *, uint32_t source, const struct project *);

#endif
