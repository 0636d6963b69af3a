/* provider_hosts: machines that exist. */
#ifndef HOSTS_PROVIDER_HOSTS_H
#define HOSTS_PROVIDER_HOSTS_H

#include "runtime/provider.h"

extern const struct provider provider_hosts;

/* What `distcc:` says of all hosts is said of this one of its list: transport, port, compression. */
void hosts_complete(const struct project *, struct host_spec *);

#endif
