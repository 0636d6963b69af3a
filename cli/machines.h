/* machines: those of a run whose fleet is elsewhere, for `edcc status`. */
#ifndef CLI_MACHINES_H
#define CLI_MACHINES_H

#include "cli/command.h"
#include "runtime/journal.h"

struct machines {
	struct remnant_machine *list;
	size_t count;
	bool known; /* by the account; else by the journal, and `why` says why */
	struct str why;
};

/* Asks the account, for a second at most; then the journal says it. None where the run's fleet is not elsewhere. */
struct machines machines_find(struct cli *, const struct journal_state *);

#endif
