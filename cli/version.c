#include "cli/command.h"

static enum exit_status
version_run(struct cli *cli)
{
	(void)cli;
	puts("edcc " EDCC_VERSION);
	return EXIT_STATUS_SUCCESS;
}

const struct command command_version = {
	.name = "version",
	.synopsis = "",
	.doc = "print edcc's version",
	.details = "",
	.flags = FLAGS_ALL | FLAG_BIT(version),
	.run = version_run,
};
