/* host_list: the machines of `provider hosts:`, as the file and the hosts files that it names list them. */
#ifndef PROJECT_HOST_LIST_H
#define PROJECT_HOST_LIST_H

#include "project/merge.h"

/* Reads the words of `hosts`, each one of distcc's host syntax or the path of a file in it, into project->machines. What is wrong is filed. */
void host_list_fill(struct loader *, const struct merged *, struct project *);

#endif
