/* execute: runs a plan, several actions at once, then undoes in reverse what was done. */
#ifndef RUNTIME_EXECUTE_H
#define RUNTIME_EXECUTE_H

#include "runtime/run.h"

struct cloud;
struct provider;

struct execute_options {
	struct os_cancel cancel; /* the first Ctrl-C: end the steps, tear down */
	struct os_cancel let_go; /* the second: stop at once, leave it to `edcc destroy` */
	char *const *environment;
	const struct cloud *cloud; /* NULL: there is none */
	const struct provider *const *providers; /* NULL-ended: whose remains there may be */
	bool keep, keep_on_failure;
	bool require_distributed;
	bool guarded; /* where edcc is killed, what runs on this machine is ended: the caller's program heeds guard_is */
};

/* Takes the lock, runs, tears down, releases. The result is edcc's exit status; what happened has been emitted. */
enum exit_status execute_plan(const struct plan *, struct events *, const struct execute_options *);

/* Tears down everything that the journals under the state folder say is left of any run (or of the one named). */
enum exit_status execute_destroy(const char *state, struct str run, struct events *, const struct execute_options *);

#endif
