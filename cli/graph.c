#include "cli/command.h"

static enum exit_status
graph_run(struct cli *cli)
{
	enum exit_status status;
	const struct plan *plan = cli_plan_asked(cli, &status);
	if (!plan)
		return status;
	cli_print(plan_print_dot(&cli->arena, plan));
	return EXIT_STATUS_SUCCESS;
}

const struct command command_graph = {
	.name = "graph",
	.synopsis = "[BUILD...] [NAME=VALUE...]",
	.doc = "print the plan as a graph, for Graphviz",
	.details = "edcc graph | dot -Tsvg >plan.svg\n",
	.flags = FLAGS_PLAN | FLAG_BIT(dot),
	.most_arguments = SIZE_MAX,
	.run = graph_run,
};
