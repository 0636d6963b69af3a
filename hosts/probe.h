/* probe: whether machines that exist can be reached and what they have, all of them asked side by side and each with a deadline; nothing is changed anywhere. */
#ifndef HOSTS_PROBE_H
#define HOSTS_PROBE_H

#include "distcc/host_syntax.h"
#include "runtime/capacity.h"

struct arena;

struct probe {
	const struct host_spec *host; /* of tcp or ssh */
	/* Of tcp: a compiler's command that its distccd may be asked to run, so that the object says what the machine has; none: it is not asked. */
	struct str compiler;
	int stats_port; /* of tcp: where distccd --stats would answer; 0: it is not asked */
	bool shares; /* of ssh: whether connections may be shared matters: `sharing` is looked for */

	bool reached;
	bool named; /* of tcp: its name has an address; looking for one may take as long as the resolver likes */
	bool sharing; /* of ssh: its configuration here says that connections are shared (ControlPath) */
	bool closed; /* where it was not, of tcp: the machine is there, and nobody listens */
	int64_t trip_us; /* of a connection by tcp; of a whole login by ssh */
	struct str peer; /* of tcp: the address that was reached, "192.0.2.7:3632", whatever the list calls it */
	struct capacity has; /* as far as it says */
	double load; /* of its last minute; -1 where it does not say */
	struct str reason, hint; /* where it was not reached */
	struct str fix; /* and what to call here about it; none where there is nothing */
};

/* A load as a machine says it; -1 for what is none. */
double probe_read_load(struct str);

/* The command line that runs a shell's script on a host over ssh, NULL-ended; ssh as below. */
char **probe_login(struct arena *, const char *ssh, const struct host_spec *, struct str script);

/* ssh: the command to reach hosts over ssh by, as DISTCC_SSH has it. environment: of that, NULL-ended. */
void probe_all(struct arena *, struct probe *, size_t count, const char *ssh, char *const *environment);

#endif
