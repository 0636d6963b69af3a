/* channel: how build_success and build_failed, called anywhere below a recipe, reach the step. A socket in the run's command folder; its path and the
 * step's mark are in the environment. One message, one answer: the command returns when its verdict is taken. */
#ifndef RUNTIME_CHANNEL_H
#define RUNTIME_CHANNEL_H

#include "base/str.h"

#define CHANNEL_VARIABLE "EDCC_CHANNEL" /* the socket's path */
#define CHANNEL_STEP "EDCC_STEP" /* RUN/STEP: a process left over from another step is not heard */
#define CHANNEL_MESSAGE_LIMIT 4096

struct channel_call {
	bool success;
	struct str step, message; /* in `bytes` */
	char bytes[2 * CHANNEL_MESSAGE_LIMIT];
};

/* Listens at the path; -1 with errno. */
int channel_listen(const char *path);
/* The next call that waits, and the descriptor to answer on; -1 where there is none. */
int channel_accept(int listener, struct channel_call *);
/* Lets the caller go on, and closes. */
void channel_answer(int caller);
/* Makes a call; true when it was answered, false where it could not be made (errno) or the step ended first (errno 0). */
bool channel_make_call(const char *path, struct str step, bool success, struct str message);

#endif
