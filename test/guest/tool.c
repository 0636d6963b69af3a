/* tool: the user data of an Edccfile, for the tests: `tool EDCCFILE NAME=VALUE…` prints it. An error on standard error, and status 1. */
#include "aws/user_data.h"
#include "base/arena.h"
#include "project/project.h"

#include <stdio.h>
#include <stdlib.h>

extern char **environ;

/* A NAME=VALUE of the arguments. */
static struct str
argument(char **words, const char *name)
{
	for (; *words; words++) {
		struct str value = str_from(*words), key;
		if (str_split(&value, '=', &key) && str_is(key, name))
			return value;
	}
	return STR("");
}

static struct words
lines(struct arena *arena, struct str text)
{
	struct words words = {NULL, 0};
	struct str line;
	while (str_split(&text, '\n', &line))
		if (line.n)
			words_add(arena, &words, line);
	return words;
}

static int64_t
seconds(char **words, const char *name)
{
	int64_t value = 0;
	return str_integer(argument(words, name), &value) ? value * 1000 : 0;
}

int
main(int argc, char **argv)
{
	struct arena arena = {0};
	struct sources sources = {0};
	struct diags diags = {.sources = &sources};
	if (argc < 2)
		return 1;
	struct project_options options = {.file = argv[1], .environment = environ};
	struct project *project = project_load(&arena, &sources, &diags, &options);
	if (!project) {
		diag_print(&diags, stderr, false);
		return 1;
	}
	struct user_data data = {
		.run = argument(argv, "run"),
		.project = argument(argv, "project"),
		.first_is_host = str_is(argument(argv, "first_is_host"), "yes"),
		.public_keys = lines(&arena, argument(argv, "keys")),
		.host_key = argument(argv, "host_key"),
		.ttl = seconds(argv, "ttl"),
		.lease = seconds(argv, "lease"),
		.subnet = argument(argv, "subnet"),
		.pump = argument(argv, "pump"),
		.packages = lines(&arena, argument(argv, "packages")),
	};
	struct str text, error = STR("");
	bool done = user_data_make(&arena, project, &data, &text, &error);
	if (done)
		fwrite(text.s, 1, text.n, stdout);
	else
		fprintf(stderr, "%.*s\n", STR_ARG(error));
	project_free(project);
	diag_clear(&diags);
	sources_free(&sources);
	arena_free(&arena);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
