/* recipe_names: a name that edcc gives to recipes, misspelt in one. Bash says so only when the build has come that far. */
#ifndef PROJECT_RECIPE_NAMES_H
#define PROJECT_RECIPE_NAMES_H

#include "project/space.h"

/* Files a warning for the first `$NAME` or `${NAME}` of the recipe that is one slip away from a name of edcc's, and that nothing else may set: no
 * variable of the file, no word of the recipe, not the operator's environment. Where a recipe may get names from elsewhere nothing is said. */
void recipe_names_check(struct loader *, const struct space *, struct span recipe);

#endif
