/* object: what an object file says of the compiler that made it. */
#ifndef RUNTIME_OBJECT_H
#define RUNTIME_OBJECT_H

#include "base/arena.h"
#include "base/str.h"

/* How `theirs` differs from `ours`, as what one says of their compiler: "its compiler is another one: …". */
struct str object_differs(struct arena *, struct str theirs, struct str ours);

#endif
