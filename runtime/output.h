/* output: what a step prints: cut into lines for its judge, blotted, passed on as events, kept in its log. Bounded, whatever a recipe prints. */
#ifndef RUNTIME_OUTPUT_H
#define RUNTIME_OUTPUT_H

#include "runtime/run.h"
#include "runtime/verdict.h"

/* A line longer than this is passed on in pieces. */
#define OUTPUT_LINE_LIMIT ((size_t)64 << 10)
/* The log keeps this much from the start and this much from the end. */
#define OUTPUT_LOG_HEAD ((uint64_t)16 << 20)
#define OUTPUT_LOG_TAIL ((size_t)1 << 20)

struct output {
	struct run *run;
	struct str step;
	struct judge *judge;
	char *bytes; /* what was read and is not passed on yet; room for 2 * OUTPUT_LINE_LIMIT */
	size_t n;
	size_t longest_secret;
	int log; /* -1 until something is printed */
	bool log_failed;
	uint64_t log_size; /* of all that went to the log, kept or not */
	char *tail; /* the end of it, once the head is full: a ring */
};

enum output_read {
	OUTPUT_MORE, /* something was read */
	OUTPUT_NOTHING, /* nothing is there now */
	OUTPUT_END,
};

void output_start(struct output *, struct run *, struct str step, struct judge *);
/* Reads once from the descriptor, which does not block, and passes on what lines are whole. The judge may have its verdict after this. */
enum output_read output_read(struct output *, int fd);
/* The same of bytes that have been read. */
void output_add(struct output *, struct str);
/* Passes on what is left, finishes the log, gives back the memory. */
void output_end(struct output *);

#endif
