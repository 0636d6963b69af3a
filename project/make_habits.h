/* make_habits: $(JOBS) in a recipe, which make would replace and bash calls as a command. */
#ifndef PROJECT_MAKE_HABITS_H
#define PROJECT_MAKE_HABITS_H

#include "project/load.h"

/* Files a warning for each in a word of a recipe, of the names that edcc itself puts into a recipe's environment: no program is called so. */
void make_habits_of_word(struct loader *, struct span word);

#endif
