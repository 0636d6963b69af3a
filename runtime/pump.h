/* pump: hosts that preprocess too. distcc's include server says what a file includes, so that its headers can be sent with it; it runs for as long as the run does.
 * What it may not send, and why, is in pump.py and doc/distcc.md. */
#ifndef RUNTIME_PUMP_H
#define RUNTIME_PUMP_H

#include "runtime/run.h"

/* Starts the include server. Where it cannot be: with `pump = yes` a failure, else a warning, and hosts are sent preprocessed files. */
extern const struct action_type action_pump;

/* Decides by the file and the slots whether world's hosts are to preprocess, all or none; those that are marked already are what their list says. Whether they are. */
bool pump_decide(const struct project *, struct world *, struct diags *);
/* The same where this machine feeds them: finds the include server where they are. False with an error filed where the file insists on what is not there. */
bool pump_observe(struct arena *, const struct project *, struct world *, struct diags *);
/* Adds the action that starts it (after what it needs) where any host preprocesses: one more of the `needs` of that host's proof. */
uint32_t pump_add(struct arena *, struct plan *, const struct action_type *, uint32_t after, uint32_t *needs, uint32_t count);

/* What a client needs for it; none where it does not run. */
const char *pump_socket(struct run *);
/* Adds that to a recipe's environment; nothing where it is NULL. */
void pump_environment(const struct run *, const char *socket, struct map *out);
/* The host has passed its canary: has it preprocess from now on if it makes the same object so. False with the failure where the file insists on it; else a warning. */
bool pump_prove(struct run *, struct host *, struct failure *);
/* From now on hosts are sent preprocessed files. A warning says why, and the way out; nothing where they are already. */
void pump_off(struct run *, struct str why, const char *hint);
/* How a message names the setting that does without. */
#define PUMP_NO "'pump = no' under 'distcc:'"
/* The host, which has come back, is one of them again. */
void pump_on(struct run *, struct host *);

/* Watches it, on a thread of its own, until stopped: that it lives, that its first answers are worth it, that the hosts have the headers it relies on. NULL where no host is to preprocess. */
struct pump_watch;
struct pump_watch *pump_watch_start(struct run *);
void pump_watch_stop(struct pump_watch *);

/* The file of what the include server says: a line for each call among it. */
struct str pump_log(struct arena *, const struct run *);
/* At the end of the build: notes of that. */
void pump_report(struct run *);

/* pump.py */
extern const char pump_text[];

/* The include server of the run; pump*.c's own. */
struct pump {
	struct str folder; /* short: a socket's path may have a hundred characters */
	struct str socket;
	struct str reference; /* the object that a host must make, too */
	struct os_process process;
	bool over; /* off for all; under the run's mutex */
};

#endif
