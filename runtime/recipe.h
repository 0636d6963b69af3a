/* recipe: what a recipe is given: its environment, its command line, the commands build_success and build_failed. */
#ifndef RUNTIME_RECIPE_H
#define RUNTIME_RECIPE_H

#include "runtime/run.h"

struct recipes;

/* Makes the run's command folder (RUN/bin). NULL with the failure. */
struct recipes *recipes_new(struct run *, struct failure *);
void recipes_free(struct recipes *);

/* NAME=VALUE of everything that the documentation promises, without what differs from step to step. */
struct environment {
	char **entries; /* NULL-ended */
	size_t count;
	bool plain; /* bash would start up as it is: no function, no start-up file */
	uint32_t fleet_changes; /* the run's, when it was built */
};
/* Built once per scope, and again when hosts have become ready or gone out. Valid as long as the run. */
const struct environment *recipe_environment(struct run *, const struct scope *);

/* Adds NAME=VALUE entries; a later one takes the place of an earlier. */
void recipe_add_entries(struct map *, char *const *entries);

/* A socket that the commands reach the step by; one step has it at a time. */
struct channel {
	struct channel *next;
	int fd;
	char *variable; /* EDCC_CHANNEL=PATH */
};
/* NULL with *error. */
struct channel *recipe_take_channel(struct run *, struct str *error);
void recipe_give_channel(struct run *, struct channel *);

/* The command line that runs the text: bash, or the interpreter that its first line names. NULL with *error. */
char **recipe_command(struct run *, struct arena *, struct str name, struct str text, struct str *error);
/* The command line of a text that is one plain command, which needs no shell; NULL where it is anything else. */
char **recipe_plain_command(struct arena *, struct str text);

#endif
