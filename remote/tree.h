/* tree: the source tree on its way to the HOST; what tree.c and tree_list.c share. */
#ifndef REMOTE_TREE_H
#define REMOTE_TREE_H

#include "base/arena.h"
#include "runtime/run.h"

/* The paths of all files of the source tree, relative to it: what git sees of it, with its submodules, or everything where it is none of git's; never what is in the
 * state folder. A path may be of what has just gone. False with the failure. */
bool tree_list(struct run *, struct arena *, struct words *paths, struct failure *);

#endif
