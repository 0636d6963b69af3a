/* view_lines: events as lines for people. The terminal view scrolls the same lines. */
#ifndef CLI_VIEW_LINES_H
#define CLI_VIEW_LINES_H

#include "cli/view.h"

/* A step that is running. */
struct running {
	struct running *next;
	struct str name;
	int64_t since; /* ms since 1970 */
	char *tail; /* the last of its output, where that is not shown as it comes */
	size_t tail_length;
};

struct lines {
	struct arena *arena;
	struct view_options options;
	bool safe; /* output is made safe for a terminal */
	struct running *running; /* in the order of their beginning */
	struct running *spare;
	size_t running_count;
	int64_t began; /* of the run */
	uint32_t hosts_ready;
	bool hosts_told;
	struct buf compiles; /* "127.0.0.2 41, this machine 2 (2 -march=native)" */
	int64_t compile_count;
};

void lines_init(struct lines *, struct arena *, const struct view_options *);
/* Adds what the event has to say; often nothing. */
void lines_add(struct lines *, struct buf *out, const struct event *);

#endif
