/* site_local: the parts of a build on this machine. */
#ifndef RUNTIME_SITE_LOCAL_H
#define RUNTIME_SITE_LOCAL_H

#include "runtime/site.h"

/* step_local.c */
bool site_local_recipe(struct step *, struct failure *);

#endif
