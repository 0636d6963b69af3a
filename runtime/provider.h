/* provider: where machines come from. The planner and the executor know providers only through this table. */
#ifndef RUNTIME_PROVIDER_H
#define RUNTIME_PROVIDER_H

#include "runtime/plan.h"

struct provider {
	const char *name; /* "local" */
	/* Looks at what is there, changing nothing: the compiler of the asked version, programs, processors. False with errors filed (a missing compiler names what is there). */
	bool (*observe)(struct arena *, const struct project *, const struct plan_options *, struct world *, struct diags *);
	/* Adds the actions that make the fleet and prove it; *ready and *ready_count are those that the first steps need. */
	void (*plan)(struct arena *, struct plan *, uint32_t **ready, uint32_t *ready_count);
	/* Every action type that may stand in this provider's journals, NULL-ended: for destroy. */
	const struct action_type *const *types;
};

/* NULL where this build of edcc has none of that kind yet. */
const struct provider *provider_get(enum provider_kind);
/* By the journal's word for it. */
const struct provider *provider_named(struct str name);

extern const struct provider provider_local;

#endif
