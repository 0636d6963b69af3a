/* object: what an object file says of the compiler that made it. */
#ifndef RUNTIME_OBJECT_H
#define RUNTIME_OBJECT_H

#include "base/arena.h"
#include "base/str.h"

/* "GCC: (Debian 12.2.0-14) 12.2.0": what its compiler calls itself; none where it does not say. A part of the object. */
struct str object_maker(struct str object);
/* What it is for, as triplets begin: "aarch64"; none where it is no ELF file. */
struct str object_architecture(struct arena *, struct str object);
/* How `theirs` differs from `ours`, as what one says of their compiler: "its compiler is another one: …". */
struct str object_differs(struct arena *, struct str theirs, struct str ours);

#endif
