#include "runtime/step_command.h"
#include "base/arena.h"
#include "runtime/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool
step_command_is(const char *argv0)
{
	const char *name = argv0 ? base_name(argv0) : "";
	return strcmp(name, "build_success") == 0 || strcmp(name, "build_failed") == 0;
}

int
step_command(int argc, char **argv)
{
	const char *name = base_name(argv[0]), *path = getenv(CHANNEL_VARIABLE), *step = getenv(CHANNEL_STEP);
	if (!path || !step) {
		fprintf(stderr, "%s: works only in a recipe that edcc runs\n", name);
		return 1;
	}
	struct arena arena = {0};
	struct buf message = buf_new(&arena);
	for (int i = 1; i < argc; i++)
		buf_printf(&message, i > 1 ? " %s" : "%s", argv[i]);
	bool taken = channel_make_call(path, str_from(step), strcmp(name, "build_success") == 0, buf_str(&message));
	if (!taken)
		fprintf(stderr, "%s: the step '%s' does not run any more%s%s\n", name, step, errno ? ": " : "",
			errno ? strerror(errno) : "");
	arena_free(&arena);
	return taken ? 0 : 1;
}
