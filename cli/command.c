#include "cli/command.h"

const struct command *const command_table[] = {
#define COMMAND(name) &command_##name,
	COMMANDS(COMMAND)
#undef COMMAND
		NULL,
};

const struct command *
command_find(struct str name)
{
	for (const struct command *const *command = command_table; *command; command++)
		if (str_is(name, (*command)->name))
			return *command;
	return NULL;
}
