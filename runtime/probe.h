/* probe: whether machines that exist can be reached, all of them asked side by side and each with a deadline; nothing is changed anywhere. */
#ifndef RUNTIME_PROBE_H
#define RUNTIME_PROBE_H

#include "project/host_syntax.h"

#include <stdint.h>

struct arena;

struct probe {
	const struct host_spec *host; /* of tcp or ssh */
	bool reached;
	int64_t trip_us; /* of a connection by tcp; of a whole login by ssh */
	int cpus; /* by ssh: what it says it has; 0 where it does not */
	struct str reason, hint; /* where it was not reached */
};

/* ssh: the command to reach hosts over ssh by, as DISTCC_SSH has it. environment: of that, NULL-ended. */
void probe_all(struct arena *, struct probe *, size_t count, const char *ssh, char *const *environment);

#endif
