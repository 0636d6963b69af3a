/* zeroconf: the distccd's that announce themselves on the network now, as distcc itself finds them for +zeroconf. */
#ifndef HOSTS_ZEROCONF_H
#define HOSTS_ZEROCONF_H

#include "distcc/host_syntax.h"

struct arena;

/* Hosts by their addresses, in order; a limit is a machine's --jobs. distcc: the path of its client. It takes a second or two, and nothing is left running or lying about.
 * False with why where there is none. */
bool zeroconf_find(
	struct arena *, struct str distcc, char *const *environment, struct host_spec **, size_t *count, struct str *why);
#define ZEROCONF_HINT "it needs avahi-daemon here, and on each machine, with the same version of gcc, distccd --zeroconf"

#endif
