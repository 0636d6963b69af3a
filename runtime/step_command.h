/* step_command: build_success and build_failed as programs. The run's command folder has links of these names to edcc itself. */
#ifndef RUNTIME_STEP_COMMAND_H
#define RUNTIME_STEP_COMMAND_H

#include <stdbool.h>

/* True where edcc was called by one of the two names: main then does nothing but `return step_command(argc, argv)`. */
bool step_command_is(const char *argv0);
/* `build_success [message]`, `build_failed [message]`: returns the exit status, when the verdict is taken. */
int step_command(int argc, char **argv);

#endif
