/* canary: a small file compiled on each host before the build, and held against the same compile here. */
#ifndef RUNTIME_CANARY_H
#define RUNTIME_CANARY_H

#include "runtime/plan.h"
#include "runtime/run.h"

/* Its name in the hosts' logs: what they did for the build is without it. */
#define CANARY_SOURCE "edcc-canary.c"
/* What is in it. */
extern const char canary_program[];

/* The reference: the compile on this machine. */
extern const struct action_type action_compiler;
/* One host's proof; action->index is the host. */
extern const struct action_type action_canary;
/* The same where a host that fails it fails the run. */
extern const struct action_type action_canary_strict;

/* Compiles it on the host alone and holds the object against the reference; the host's own log must show it. Several hosts may be proved at once. */
bool canary_prove(struct run *, struct host *, const struct os_cancel *, struct failure *);
/* Whether this machine itself can compile it now: where it cannot, a host's proof says nothing. */
bool canary_prove_here(struct run *, const struct os_cancel *);

#endif
