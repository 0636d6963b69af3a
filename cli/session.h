/* session: what surrounds a run: its events, the view that the flags ask for, the signals that may end it. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/command.h"
#include "cli/signals.h"
#include "runtime/execute.h"

struct session {
	struct events *events;
	struct view *view;
	bool redraws; /* the view is a terminal's */
	struct signals *signals;
	struct execute_options options;
};

/* In cli's arena; NULL on an error (filed). */
struct session *session_open(struct cli *);
void session_close(struct session *);

#endif
