/* host_list: the machines of `provider hosts:`, as the file and the hosts files that it names list them. */
#ifndef PROJECT_HOST_LIST_H
#define PROJECT_HOST_LIST_H

#include "project/merge.h"

/* Reads the words of `hosts`, each one of distcc's host syntax or the path of a file in it, into project->machines. What is wrong is filed. */
void host_list_fill(struct loader *, const struct merged *, struct project *);

/* The same of texts in the form of distcc's own hosts files, by their numbers among the sources. False on an error (filed). */
bool host_list_read(struct arena *, struct sources *, struct diags *, const uint32_t *texts, size_t count, struct host_list *);

#endif
