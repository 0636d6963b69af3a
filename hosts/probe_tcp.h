/* probe_tcp: whether a distccd answers, and what can be learned of its machine from outside. */
#ifndef HOSTS_PROBE_TCP_H
#define HOSTS_PROBE_TCP_H

#include "hosts/probe.h"

/* The arena keeps the reason. */
void probe_tcp(struct arena *, struct probe *);

/* How many processors "0-3,8" are; 0 for what is no such list. */
int probe_count_cpus(struct str list);

#endif
