/* commit: what git says HEAD is. */
#ifndef PROJECT_COMMIT_H
#define PROJECT_COMMIT_H

#include "base/str.h"

struct arena;

/* What HEAD of the git work tree that `dir` is in stands for; empty where there is none. */
struct str commit_of(struct arena *, const char *dir);

#endif
