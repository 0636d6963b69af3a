#include "base/suggest.h"
#include "cli/command.h"
#include "parser/parse.h"
#include "project/snippet.h"

/* The first line of the snippet's leading comment, without its mark. */
static struct str
first_line(struct str text)
{
	struct str line;
	if (!str_split(&text, '\n', &line) || !str_starts(line, STR("#")))
		return STR("");
	return str_trim(str_part(line, 1, line.n));
}

static enum exit_status
print_list(void)
{
	size_t widest = 0;
	for (const struct snippet *snippet = snippets; snippet->name; snippet++) {
		size_t n = str_from(snippet->name).n;
		widest = n > widest ? n : widest;
	}
	for (const struct snippet *snippet = snippets; snippet->name; snippet++)
		printf("%-*s  %.*s\n", (int)widest, snippet->name, STR_ARG(first_line(str_from(snippet->text))));
	return EXIT_STATUS_SUCCESS;
}

static enum exit_status
std_run(struct cli *cli)
{
	if (!cli->arguments.n)
		return print_list();
	struct str name = cli->arguments.w[0];
	if (!str_starts(name, STR("std/")))
		name = str_printf(&cli->arena, "std/%.*s", STR_ARG(name));
	struct suggest suggest = suggest_for(name);
	for (const struct snippet *snippet = snippets; snippet->name; snippet++) {
		if (str_is(name, snippet->name)) {
			cli_print(str_from(snippet->text));
			return EXIT_STATUS_SUCCESS;
		}
		suggest_offer(&suggest, str_from(snippet->name));
	}
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "there is no snippet '%.*s'", STR_ARG(name));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "`edcc std` lists those that there are");
	return EXIT_STATUS_USAGE;
}

const struct command command_std = {
	.name = "std",
	.synopsis = "[NAME]",
	.doc = "list the standard library, or show one snippet of it",
	.details = "`include std/NAME` takes one into an Edccfile; its ?= names are its parameters.\n",
	.flags = FLAGS_ALL,
	.most_arguments = 1,
	.run = std_run,
};
