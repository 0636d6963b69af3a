/* verdict: the judgement of one step, as a state machine without effects. Tests over what has not been seen yet are undecided (Kleene's three-valued
 * logic): a rule fires as soon as its test is certain. The first verdict is final. */
#ifndef RUNTIME_VERDICT_H
#define RUNTIME_VERDICT_H

#include "project/project.h"

enum verdict {
	VERDICT_NONE,
	VERDICT_SUCCESS,
	VERDICT_FAILED,
	VERDICT_MISSING, /* ended without one though it names one */
	VERDICT_TIMEOUT,
};

struct judge {
	struct arena *arena;
	const struct build *build;
	bool *seen; /* per output test in depth-first order: a line matched */
	bool wants_output; /* some test looks at output and is still open */
	int64_t elapsed; /* ms */
	bool ended;
	int status; /* exit status, once ended */
	enum verdict verdict;
	struct str reason; /* the message given, or the rule's text, or "exit status 2" */
	bool *files; /* per file test in depth-first order: it exists */
};

void judge_start(struct judge *, struct arena *, const struct build *);
/* One line of output, without its newline. True when the verdict fell with it. */
bool judge_line(struct judge *, struct str line);
/* The clock. At the build's timeout the verdict is VERDICT_TIMEOUT where there is none yet. */
bool judge_time(struct judge *, int64_t elapsed_ms);
/* The elapsed time at which judge_time should be called next; INT64_MAX where time changes nothing. */
int64_t judge_next_time(const struct judge *);
/* `build_success [message]` or `build_failed [message]` was called. */
bool judge_command(struct judge *, bool success, struct str message);
/* The script has ended; `exists` is asked for the paths of file tests. The verdict is never VERDICT_NONE after this. */
void judge_end(struct judge *, int status, bool (*exists)(void *context, struct str path), void *context);
/* build_success or build_failed: to the outside there are two. */
const char *verdict_name(enum verdict);

#endif
