#include "cli/command.h"

/* Prints the plan in the form that the flags ask for. */
static bool
print_plan(struct cli *cli, const struct plan *plan)
{
	struct str text;
	if (cli->flags.why.n) {
		if (!plan_print_why(&cli->arena, &cli->sources, plan, cli->flags.why, &cli->diags, &text))
			return false;
	} else if (cli->flags.json) {
		text = plan_print_json(&cli->arena, plan);
	} else if (cli->flags.markdown) {
		text = plan_print_markdown(&cli->arena, plan);
	} else if (cli->flags.quiet) {
		return true;
	} else {
		text = plan_print(&cli->arena, plan, cli->terminal);
	}
	cli_print(text);
	return true;
}

static enum exit_status
plan_run(struct cli *cli)
{
	enum exit_status status;
	const struct plan *plan = cli_plan_asked(cli, &status);
	if (!plan)
		return cli->flags.detailed_exitcode ? EXIT_STATUS_USAGE : status;
	if (!print_plan(cli, plan))
		return EXIT_STATUS_USAGE;
	struct str output = cli->flags.output;
	if (output.n && !plan_save(&cli->arena, plan, &cli->sources, output.s, &cli->diags))
		return EXIT_STATUS_USAGE;
	if (output.n && !cli->flags.json && !cli->flags.markdown && !cli->flags.quiet)
		cli_print(str_printf(&cli->arena, "saved: `edcc apply %.*s` does exactly that\n", STR_ARG(output)));
	/* By Terraform's convention, which scripts know: 2 is "there is something to do". */
	return cli->flags.detailed_exitcode && plan->count ? EXIT_STATUS_BUILD_FAILED : EXIT_STATUS_SUCCESS;
}

const struct command command_plan = {
	.name = "plan",
	.synopsis = "[BUILD...] [NAME=VALUE...]",
	.doc = "print what apply would do, in order",
	.details = "Changes nothing. Without BUILD: every build that no other build needs, and what those need.\n",
	.flags = FLAGS_PLAN | FLAG_BIT(json) | FLAG_BIT(quiet) | FLAG_BIT(output) | FLAG_BIT(markdown) | FLAG_BIT(why) |
		 FLAG_BIT(detailed_exitcode),
	.most_arguments = SIZE_MAX,
	.run = plan_run,
};
