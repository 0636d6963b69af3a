/* canary_hint: the way out where a machine lacks the compiler that it is asked for, or has under its name one for another architecture. */
#ifndef RUNTIME_CANARY_HINT_H
#define RUNTIME_CANARY_HINT_H

#include "runtime/plan.h"

/* The compiler that a client asked its host for, from its log: distcc may have made `x86_64-linux-gnu-gcc` of `gcc`. Empty where it did not come to that. */
struct str canary_name_sent(struct str client_log);

/* Where Debian has a compiler that was asked for by its full name: a machine of another architecture has it too, in another package. Empty for other names. */
struct str canary_package_hint(struct arena *, const struct project *, const struct toolchain *, struct str name);

/* How to have a machine of another architecture compile for this one; empty where the file says already what to compile for, or what to call. */
struct str canary_target_hint(struct arena *, const struct project *, const struct toolchain *);

#endif
