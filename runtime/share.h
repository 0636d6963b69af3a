/* share: connections over ssh that the compiles of a run share. A login for each compile costs this machine four times what preprocessing a file does, and an sshd
 * that many come to at once turns some away (MaxStartups). Figures: doc/distcc.md. */
#ifndef RUNTIME_SHARE_H
#define RUNTIME_SHARE_H

#include "runtime/run.h"

/* Makes the connections, and has each made anew when it is lost. A host that cannot be connected to is no failure: its canary says what is wrong. */
extern const struct action_type action_share;

/* How many a host of so many slots needs. */
int share_connections(int slots);
/* Adds the action (after `after`) where a host of the plan has such connections: one more of the `needs` of the hosts' proofs, which go over them. */
uint32_t share_add(struct arena *, struct plan *, uint32_t after, uint32_t *needs, uint32_t count);

/* What distcc is to call for ssh: over one of the connections, or, where that is not there, over a new one. None where none are shared. */
struct str share_command(struct run *);

/* share.c's own. */
struct share {
	struct str folder; /* short: a socket's path may have a hundred characters */
	struct str command;
	struct os_process *processes;
	uint32_t count;
};

#endif
