/* sweep: what runs have left in an account, as its tags tell it: which of it is certainly of no use any more, and removing it. */
#ifndef RUNTIME_SWEEP_H
#define RUNTIME_SWEEP_H

#include "runtime/provider.h"
#include "runtime/run.h"

/* REASON(name, word in --json, as it is said) why what there is of a run may go, or may not */
#define SWEEP_REASONS(REASON)                                               \
	REASON(IN_USE, "in-use", "may be in use")                           \
	REASON(EXPIRED, "expired", "its time is over")                      \
	REASON(OWNER_DEAD, "owner-dead", "the edcc that made it has ended") \
	REASON(NO_MACHINE, "no-machine", "no machine of it runs, and it is over an hour old")

enum sweep_reason {
#define REASON(name, word, text) SWEEP_##name,
	SWEEP_REASONS(REASON)
#undef REASON
};
const char *sweep_reason_word(enum sweep_reason);
const char *sweep_reason_text(enum sweep_reason);

/* When the run began, ms since 1970, as its id says; 0 where that is none of edcc's. */
int64_t sweep_began(struct str run);
/* The process that an owner's tag names. False where the tag says something else. */
bool sweep_owner(struct str tag, struct os_owner *);
/* Anything but SWEEP_IN_USE is certain. now: ms since 1970. */
enum sweep_reason sweep_judge(const struct remnant *, int64_t now);

/* An account that is swept. */
struct sweeping {
	const struct sweep *sweep;
	void *account;
	struct str project;
};
/* Removes those that are `chosen` (a flag for each), side by side; what goes and what stays has been emitted. `stuck` counts the latter. */
void sweep_remove_all(
	const struct sweeping *, const struct remnant *, const bool *chosen, size_t count, struct events *, size_t *stuck);

#endif
