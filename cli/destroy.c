#include "cli/session.h"

static enum exit_status
destroy_run(struct cli *cli)
{
	const char *state = cli_state(cli);
	struct session *session = state ? session_open(cli) : NULL;
	if (!session)
		return EXIT_STATUS_USAGE;
	enum exit_status status = execute_destroy(state, cli->flags.run, session->events, &session->options);
	session_close(session);
	return status;
}

const struct command command_destroy = {
	.name = "destroy",
	.synopsis = "",
	.doc = "remove what is left of this project's runs",
	.details = "Goes by the journals in the state folder, also where the Edccfile is gone wrong since.\n"
		   "Where nothing is left it says so and succeeds.\n",
	.flags = FLAGS_FILE | FLAGS_RUN | FLAG_BIT(run) | FLAG_BIT(yes),
	.run = destroy_run,
};
