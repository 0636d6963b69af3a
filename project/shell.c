#include "project/shell.h"

#include "base/os.h"
#include "project/expand.h"

/* How long a command may take at plan time, and the most it may print. */
#define COMMAND_TIMEOUT_MS 60000
#define COMMAND_LIMIT ((size_t)16 << 20)

/* The lines of a text that are not empty. */
static struct words
lines_of(struct arena *arena, struct str text)
{
	struct str rest = text, line;
	struct words lines = {NULL, 0};
	size_t count = 1;

	for (size_t i = 0; i < text.n; i++)
		count += text.s[i] == '\n';
	lines.w = arena_array(arena, struct str, count);
	while (str_split(&rest, '\n', &line))
		if (str_trim(line).n)
			lines.w[lines.n++] = str_trim(line);
	return lines;
}

struct value
shell_run(struct loader *l, struct span span, const char *command)
{
	char *argv[] = {"bash", "-c", str_c(&l->scratch, str_from(command)), NULL};
	struct os_spawn spawn = {.argv = argv,
		.env = l->options->environment,
		.dir = str_c(&l->scratch, l->dir),
		.capture = true,
		.output_only = true,
		.own_group = true};
	struct value value = {.unknown = true};
	struct str output, error;
	int status;

	if (!l->options->run_commands)
		return value;
	if (!os_run(l->arena, &spawn, COMMAND_TIMEOUT_MS, COMMAND_LIMIT, NULL, &status, &output, &error)) {
		diag_error(l->diags, span, "%.*s", STR_ARG(error));
		return value;
	}
	if (status) {
		struct diag *diag = diag_error(l->diags, span, "this command ended with status %d", status);
		diag_hint(diag, "add '|| true' where that is no error");
		return value;
	}
	value.unknown = false;
	value.words = lines_of(l->arena, output);
	if (!expand_charge(l, span, output.n))
		value.unknown = true;
	return value;
}
