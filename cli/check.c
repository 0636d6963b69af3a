#include "cli/command.h"
#include "parser/parse.h"

/* What one stage of reading made of the file. */
static enum exit_status
print_stage(struct cli *cli, struct str stage)
{
	const char *file = cli_file(cli);
	struct str text, error;
	if (!file)
		return EXIT_STATUS_USAGE;
	if (!os_read(&cli->arena, file, SOURCE_LIMIT, &text, &error)) {
		diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return EXIT_STATUS_USAGE;
	}
	uint32_t source = source_add(&cli->sources, str_from(file), str_from(file), text);
	if (str_is(stage, "tokens"))
		cli_print(parse_print_tokens(&cli->arena, source, &cli->diags));
	else
		cli_print(parse_print_tree(&cli->arena, &cli->sources, parse_source(&cli->arena, source, &cli->diags)));
	return cli->diags.error_count ? EXIT_STATUS_USAGE : EXIT_STATUS_SUCCESS;
}

static struct str
counted(struct arena *arena, size_t n, const char *noun)
{
	return str_printf(arena, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

static enum exit_status
check_run(struct cli *cli)
{
	struct str stage = cli->flags.print;
	if (stage.n && !str_is(stage, "values"))
		return print_stage(cli, stage);
	const struct project *project = cli_project(cli, false);
	if (!project)
		return EXIT_STATUS_USAGE;
	if (stage.n)
		cli_print(project_print_values(&cli->arena, &cli->sources, project));
	else if ((cli->terminal && !cli->flags.json) || cli->flags.verbose)
		printf("%.*s is right: %.*s, %.*s\n", STR_ARG(project->file),
			STR_ARG(counted(&cli->arena, project->build_count, "build")),
			STR_ARG(counted(&cli->arena, project->input_count - 1, "include")));
	return cli->diags.error_count ? EXIT_STATUS_USAGE : EXIT_STATUS_SUCCESS;
}

const struct command command_check = {
	.name = "check",
	.synopsis = "[NAME=VALUE...]",
	.doc = "print what is wrong with the Edccfile",
	.details = "Reads the Edccfile and all it includes and prints up to 20 errors with their places.\n"
		   "Runs nothing: what $(shell) and $(git) would print is taken as unknown.\n"
		   "With --json each error is an object on a line of its own.\n",
	.flags = FLAGS_PROJECT | FLAG_BIT(json) | FLAG_BIT(verbose) | FLAG_BIT(print),
	.run = check_run,
};
