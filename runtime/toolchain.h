/* toolchain: the compiler that a project asks for, as it is on this machine. */
#ifndef RUNTIME_TOOLCHAIN_H
#define RUNTIME_TOOLCHAIN_H

#include "runtime/plan.h"

/* Finds it and asks it for its version and target (one process start, about a millisecond; clang's start takes 20). False with an error filed at what
 * asks for it, which names the compilers that are there and the way out. */
bool toolchain_find(struct arena *, const struct project *, struct toolchain *, struct diags *);

/* The commands without a look at what is there: for a file that asks for neither machines nor a compiler. */
void toolchain_assume(struct toolchain *);

/* Every path by which its programs may be called (gcc-12, gcc, x86_64-linux-gnu-gcc-12, …), absolute: what a distccd has to run, and nothing else. */
struct words toolchain_paths(struct arena *, const struct toolchain *);

/* What to call: `distcc gcc-12`, and with ccache in front `ccache gcc-12`. */
struct str toolchain_call(struct arena *, struct str command, bool distributed, bool cached);

/* How a command says what it compiles for: gcc has a program of its own for each target (`aarch64-linux-gnu-gcc-12`), clang takes an option, in the two words
 * that distcc understands (`clang-14 -target aarch64-linux-gnu`). Empty where it is the machine's own. */
struct str toolchain_before(struct arena *, struct str kind, struct str target);
struct str toolchain_after(struct arena *, struct str kind, struct str target);

/* Debian's package of a compiler: gcc-13, gcc-13-aarch64-linux-gnu, clang-15. */
struct str toolchain_package(struct arena *, struct str kind, struct str version, struct str target);

/* Whether `12.2.0` is what `12.2` asks for. */
bool toolchain_version_fits(struct str version, struct str asked);

/* Version and target from what `gcc -v` or `clang -v` prints; false where the compiler is none of that kind. */
bool toolchain_read(struct str kind, struct str output, struct str *version, struct str *target);

#endif
