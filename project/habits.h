/* habits: flags and calls that keep compiles from being distributed, where they can be seen: in the file's own variables and recipes. */
#ifndef PROJECT_HABITS_H
#define PROJECT_HABITS_H

#include "project/space.h"

/* Each files a warning for the first place of each habit, under the word itself, where the project has machines that could compile. */
void habits_of_variables(struct loader *, const struct project *);
/* Of a setting's value that begins each call of the compiler; SPAN_NONE where it is not given. */
void habits_of_compiler(struct loader *, const struct project *, struct span);
/* Of a recipe, or a whole script: shell commands. */
void habits_of_commands(struct loader *, const struct project *, struct span);

#endif
