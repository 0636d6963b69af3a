/* provider_hosts: machines that exist. */
#ifndef HOSTS_PROVIDER_HOSTS_H
#define HOSTS_PROVIDER_HOSTS_H

#include "runtime/provider.h"

extern const struct provider provider_hosts;

#endif
