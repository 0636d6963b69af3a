/* front: small commands that compiles go through before distcc or ccache: `distcc` and `ccache`, which put explicit flags in place of -march=native and keep
 * here what distcc should not send away, and, where a build system ignores CC, the compilers' own names. What they do is in front.sh; why, in
 * doc/distcc.md. */
#ifndef RUNTIME_FRONT_H
#define RUNTIME_FRONT_H

#include "runtime/run.h"

struct front_command {
	struct str path; /* below the root */
	struct str text;
};
#define FRONT_LIMIT 16

/* What must be there before a step runs, where `root` is to be their folder; none where nothing is distributed. The same project has the
 * same ones in each run: what a build has noted of them (CMake does) stays good. */
size_t front_commands(struct arena *, const struct run *, const char *root, struct front_command[FRONT_LIMIT]);
/* Writes them on this machine. False with *error. */
bool front_install(struct arena *, const struct run *, struct str *error);
/* Their root on this machine. */
const char *front_root(struct arena *, const struct run *);
/* Puts their folders before the PATH that is there. */
void front_environment(struct arena *, const struct run *, const char *root, struct map *);

/* front.sh, without what each begins with. */
extern const char front_text[];

#endif
