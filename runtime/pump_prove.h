/* pump_prove: what a host makes of a file that it preprocesses itself, by small compiles. */
#ifndef RUNTIME_PUMP_PROVE_H
#define RUNTIME_PUMP_PROVE_H

#include "runtime/run.h"

/* Compiles the text, on the host (with or without preprocessing it there) or, where that is NULL, here. False with *why. */
bool pump_compile(struct run *, struct arena *, struct str source, const struct host *, bool pump, const struct os_cancel *,
	struct str *object, struct str *why);
/* What the hosts are proved by: compiles it here. */
bool pump_make_reference(struct run *, struct pump *, struct failure *);

#endif
