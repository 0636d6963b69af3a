/* shell: commands on the operator's machine while the file is read. */
#ifndef PROJECT_SHELL_H
#define PROJECT_SHELL_H

#include "project/load.h"

/* What a command prints in the Edccfile's folder, its lines as words. Unknown where commands are not run, and, filed at the span, where it fails. */
struct value shell_run(struct loader *, struct span, const char *command);

#endif
