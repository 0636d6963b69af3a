/* signals: what the outside tells a run: to end, to let go, to stop for a while, that the window has another size. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "base/os.h"

struct signals;

/* What happens is told to these, on a thread of its own; each may be NULL. */
struct signal_calls {
	void *context;
	bool (*interrupted)(void *context); /* the first INT, TERM or HUP; false where it comes too late to be heeded */
	void (*resized)(void *context);
	void (*stopping)(void *context); /* before the process is stopped by ^Z … */
	void (*continued)(void *context); /* … and when it goes on */
};

/* From now on INT, TERM and HUP raise *cancel, and the second one *let_go. Call it before any other thread is there. NULL on failure, errno says why. */
struct signals *signals_start(const struct signal_calls *, struct os_cancel *cancel, struct os_cancel *let_go);
/* Ends the thread. The signals stay without effect: there is nothing left that they could end. The flags stay, raised or not. */
void signals_end(struct signals *);

#endif
