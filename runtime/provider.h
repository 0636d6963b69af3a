/* provider: where machines come from. The planner and the executor know providers only through this table; which ones there are, cli/main.c says. */
#ifndef RUNTIME_PROVIDER_H
#define RUNTIME_PROVIDER_H

#include "runtime/cloud.h"
#include "runtime/plan.h"

struct site;

/* What a look at the world may use. */
struct observing {
	const struct plan_options *options;
	char *const *environment; /* NULL-ended */
	const struct cloud *cloud; /* NULL: there is none */
	const char *state; /* the state folder, absolute: kept fleets are in its journals */
	bool offline; /* nobody is asked: what would have to be looked up is left open */
};

/* What an account has of one run, found by its tags. */
struct remnant {
	struct str run, project, owner, region; /* owner: "user@host pid start" */
	int64_t expires; /* ms since 1970; 0: not said */
	uint32_t machines, running; /* how many there are, and how many of them run or begin to */
	uint32_t networks; /* of everything else */
	bool kept; /* left on purpose until it expires: that its owner has ended says nothing */
	struct str host_key; /* what its HOST shows over ssh: "ssh-ed25519 AAAA…"; none: not said */
	struct words order; /* the machines' ids, the HOST's first, where a journal has them */
	void *things; /* the provider's own */
};

struct remnant_machine {
	struct str name; /* "host", "coop-1" */
	struct str id, state, type, zone;
	struct str private_address, public_address; /* none where it has none */
};

/* What edcc may have left where no journal of this machine knows of it. The failure's arena keeps what is found. */
struct sweep {
	/* Opens the account; the result is what the others are given. NULL with the failure. */
	void *(*open)(struct cloud_place, char *const *environment, const struct os_cancel *, struct failure *);
	void (*close)(void *);
	/* Of the project (none: of all), in the account's region or in every one; the oldest run first. True with a message where nobody could look in some region:
	 * its status is a success where whoever asks has nothing to do with that region. */
	bool (*find)(void *, struct str project, bool everywhere, struct remnant **, size_t *count, struct failure *);
	/* Removes all of it, and waits until it is gone. Several may be removed at once. */
	bool (*remove)(void *, const struct remnant *, struct events *, struct failure *);
	/* The machines that are there of a run (of which no more need be known) in the account's region, the HOST first. */
	bool (*machines)(void *, const struct remnant *, struct remnant_machine **, size_t *count, struct failure *);
	/* The command line for a shell on a machine ("host", "coop-2", an address, an id; none: the HOST) of a run, or for `command` there; only the run and its host key need
	 * be known. key: the file of the run's own key, or NULL: then the user's own keys are used, which `network: keys` may have let in. It may be used until `close`. */
	char **(*shell)(void *, const struct remnant *, struct str machine, const char *key, const char *command, struct failure *);
};

struct provider {
	const char *name; /* "local" */
	/* Looks at what is there, changing nothing: the compiler of the asked version, programs, processors. False with errors filed (a missing compiler names what is there). */
	bool (*observe)(struct arena *, const struct project *, const struct observing *, struct world *, struct diags *);
	/* Adds the actions that make the fleet and prove it; *ready and *ready_count are those that the first steps need. */
	void (*plan)(struct arena *, struct plan *, uint32_t **ready, uint32_t *ready_count);
	/* Adds what it does once the verdict has been told. NULL: nothing. */
	void (*plan_late)(struct arena *, struct plan *);
	/* Every action type that may stand in this provider's journals, NULL-ended: for destroy. */
	const struct action_type *const *types;
	/* Where its builds run. */
	const struct site *site;
	/* NULL: nothing of it is ever elsewhere. */
	const struct sweep *sweep;
	/* Its machines are there before and after: there is no fleet to keep. */
	bool makes_none;
	/* The fleet lasts for so long (ms) from now, by itself and without edcc, and a later run may take it over: false with the failure. NULL: it stays until
	 * `edcc destroy`, for people. */
	bool (*keep)(struct run *, int64_t ms, struct failure *);
	/* Frees what its actions have put into run->fleet. NULL: nothing. */
	void (*close)(struct run *);
};

/* By the journal's word for it, in a NULL-ended list; NULL where it is not there. */
const struct provider *provider_named(const struct provider *const *, struct str name);

extern const struct provider provider_local;

#endif
