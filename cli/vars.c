#include "cli/command.h"

static void
put_variable(struct cli *cli, struct json_writer *json, const struct scope *scope, const struct variable *variable)
{
	struct source_place place = source_place(&cli->sources, variable->span);
	struct str name = variable->name;
	if (scope->name.n)
		name = str_printf(&cli->arena, "%.*s.%.*s", STR_ARG(scope->name), STR_ARG(name));
	json_open_object(json, NULL);
	json_put_text(json, "name", name);
	json_put_truth(json, "secret", variable->value.secret);
	if (variable->value.secret)
		json_put_null(json, "value");
	else
		json_put_words(json, "value", variable->value.words);
	json_put_text(json, "origin", str_from(origin_name(variable->origin)));
	if (place.line) {
		json_put_text(json, "file", place.name);
		json_put_integer(json, "line", place.line);
		json_put_integer(json, "column", place.column);
	}
	json_close(json);
}

static enum exit_status
vars_run(struct cli *cli)
{
	const struct project *project = cli_project(cli, true);
	if (!project)
		return EXIT_STATUS_USAGE;
	if (!cli->flags.json) {
		cli_print(project_print_values(&cli->arena, &cli->sources, project));
		return EXIT_STATUS_SUCCESS;
	}
	struct json_writer *json = json_writer_new(&cli->arena, true);
	json_open_array(json, NULL);
	for (uint32_t i = 0; i < project->scope_count; i++)
		for (uint32_t k = 0; k < project->scopes[i].count; k++)
			put_variable(cli, json, &project->scopes[i], &project->scopes[i].variables[k]);
	json_close(json);
	cli_print(json_writer_text(json));
	return EXIT_STATUS_SUCCESS;
}

const struct command command_vars = {
	.name = "vars",
	.synopsis = "[NAME=VALUE...]",
	.doc = "list every variable, its value and where it comes from",
	.details = "Values that are secret are not shown.\n",
	.flags = FLAGS_PROJECT | FLAG_BIT(json),
	.run = vars_run,
};
