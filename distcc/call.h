/* call: one call of the compiler, as distcc logs it, and why it was run here. */
#ifndef DISTCC_CALL_H
#define DISTCC_CALL_H

#include "base/str.h"

#include <stdbool.h>

/* What is said of a local compile that distcc's log does not explain. */
#define DISTCC_NO_REASON "no reason given by distcc"
/* Of a call that ran here, its arguments joined by spaces: whether a host could have done it, and *words why none was asked; else what it was in place of a compile. */
bool distcc_call_compiles(struct str arguments, struct str *words);

/* What a file is to a compiler, by its name. */
enum distcc_file {
	DISTCC_FILE_OTHER,
	DISTCC_FILE_SOURCE,
	DISTCC_FILE_ASSEMBLER,
	DISTCC_FILE_HEADER,
	DISTCC_FILE_OBJECT,
};
enum distcc_file distcc_file_of(struct str name);

/* Whether the argument, with the one after it ({NULL, 0} after the last), is of the pattern: one of kept.def's, or a word. */
bool distcc_argument_is(struct str argument, struct str next, const char *pattern);

#endif
