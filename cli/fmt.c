#include "cli/command.h"
#include "parser/format.h"
#include "parser/parse.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard input to its end, as far as a source may be long. */
static bool
read_input(struct cli *cli, struct str *text)
{
	struct buf in = buf_new(&cli->arena);
	char piece[1 << 16];
	ssize_t n;
	while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0 && in.n <= SOURCE_LIMIT)
		buf_add(&in, (struct str){piece, (size_t)n});
	*text = buf_str(&in);
	if (n < 0)
		diag_error(&cli->diags, SPAN_NONE, "cannot read standard input: %m");
	else if (in.n > SOURCE_LIMIT)
		diag_error(&cli->diags, SPAN_NONE, "standard input is larger than %zu MiB", SOURCE_LIMIT >> 20);
	return n >= 0 && in.n <= SOURCE_LIMIT;
}

/* Writes the new text in place of the file, or of what a symbolic link points to, keeping its mode. */
static bool
write_back(struct cli *cli, const char *file, struct str text)
{
	char real[PATH_MAX];
	struct stat status;
	struct str error;
	if (!realpath(file, real) || stat(real, &status) < 0) {
		diag_error(&cli->diags, SPAN_NONE, "cannot write '%s': %m", file);
		return false;
	}
	if (!os_write_atomic(&cli->arena, real, text, status.st_mode & 07777, &error)) {
		diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return false;
	}
	return true;
}

/* Lays one file out; *changed where that makes a difference. */
static bool
format_one(struct cli *cli, const char *file, bool *changed)
{
	bool input = str_is(str_from(file), "-");
	struct str text, error, name = input ? STR("<standard input>") : str_from(file);
	if (input && !read_input(cli, &text))
		return false;
	if (!input && !os_read(&cli->arena, file, SOURCE_LIMIT, &text, &error)) {
		diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return false;
	}
	size_t errors = cli->diags.error_count;
	uint32_t source = source_add(&cli->sources, name, input ? STR("") : name, text);
	const struct tree *tree = parse_source(&cli->arena, source, &cli->diags);
	if (cli->diags.error_count != errors)
		return false;
	struct str formatted = format_tree(&cli->arena, &cli->sources, tree);
	bool differs = !str_eq(text, formatted);
	*changed = *changed || differs;
	if (cli->flags.diff)
		cli_print(format_diff(&cli->arena, name, text, formatted));
	else if (cli->flags.check && differs)
		printf("%.*s\n", STR_ARG(name));
	else if (!cli->flags.check && input)
		cli_print(formatted);
	else if (!cli->flags.check && differs)
		return write_back(cli, file, formatted);
	return true;
}

static enum exit_status
fmt_run(struct cli *cli)
{
	bool right = true, changed = false;
	const char *file = cli->arguments.n ? NULL : cli_file(cli);
	if (!cli->arguments.n && !file)
		return EXIT_STATUS_USAGE;
	if (file)
		right = format_one(cli, file, &changed);
	for (size_t i = 0; i < cli->arguments.n; i++)
		right = format_one(cli, cli->arguments.w[i].s, &changed) && right;
	return right && !(changed && cli->flags.check) ? EXIT_STATUS_SUCCESS : EXIT_STATUS_USAGE;
}

const struct command command_fmt = {
	.name = "fmt",
	.synopsis = "[FILE...|-]",
	.doc = "lay Edccfiles out in the one canonical way",
	.details = "Writes files in place, and only those that change; - reads standard input and prints.\n"
		   "Recipes and comments keep their text. A file with errors is left as it is.\n",
	.flags = FLAGS_FILE | FLAG_BIT(check) | FLAG_BIT(diff),
	.most_arguments = SIZE_MAX,
	.run = fmt_run,
};
