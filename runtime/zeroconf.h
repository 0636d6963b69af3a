/* zeroconf: the distccd's that announce themselves on the network now, as distcc itself finds them for +zeroconf. */
#ifndef RUNTIME_ZEROCONF_H
#define RUNTIME_ZEROCONF_H

#include "base/str.h"

struct arena;

/* Words of a host list, "192.0.2.7:3632/18" (the slots being its --jobs), in order. distcc: the path of its client. It takes a second or two, and nothing is left
 * running or lying about. False with why; to find none is no failure. */
bool zeroconf_find(struct arena *, struct str distcc, char *const *environment, struct words *found, struct str *why);

#endif
