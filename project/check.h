/* check: what can be said of a tree without evaluating it: kinds of blocks, settings, functions and their arguments, verdict rules. */
#ifndef PROJECT_CHECK_H
#define PROJECT_CHECK_H

#include "base/diag.h"
#include "parser/ast.h"

struct arena;

/* Checks every branch of the tree, those that will not be taken too. What is wrong is filed. */
void check_tree(struct arena *, struct diags *, const struct tree *);

#endif
