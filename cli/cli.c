#include "cli/command.h"
#include "runtime/cloud.h"
#include "runtime/journal.h"
#include "runtime/provider.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
environment_has(const char *name)
{
	const char *value = getenv(name);
	return value && *value;
}

bool
cli_wants_terminal(const struct cli *cli, int fd)
{
	const char *term = getenv("TERM");
	bool refused = cli->flags.no_color || environment_has("NO_COLOR") || environment_has("CI");
	return !refused && isatty(fd) && term && strcmp(term, "dumb") != 0;
}

/* What `check` finds is its output; anybody else's errors go where errors go. */
void
cli_print_diags(struct cli *cli)
{
	if (cli->flags.json)
		diag_print_json(&cli->diags, cli->command == &command_check ? stdout : stderr);
	else
		diag_print(&cli->diags, stderr, cli_wants_terminal(cli, STDERR_FILENO));
	diag_clear(&cli->diags);
}

void
cli_asking(const struct cli *cli, const char *whom)
{
	if (cli->flags.quiet || !cli_wants_terminal(cli, STDERR_FILENO))
		return;
	if (whom)
		fprintf(stderr, "edcc: asking %s ...", whom);
	else
		fprintf(stderr, "\r\033[K");
}

void
cli_print(struct str text)
{
	fwrite(text.s, 1, text.n, stdout);
}

const char *
cli_file(struct cli *cli)
{
	if (cli->flags.file.n)
		return str_c(&cli->arena, cli->flags.file);
	char here[PATH_MAX];
	struct buf path = buf_new(&cli->arena);
	const char *slash = getcwd(here, sizeof here);
	for (; slash; slash = strchr(slash + 1, '/')) {
		const char *file = str_printf(&cli->arena, "%sEdccfile", buf_c(&path)).s;
		/* A link to nowhere is an error to tell, not a reason to take another folder's. */
		if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return file;
		buf_add(&path, STR("../"));
	}
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "there is no Edccfile here or in a folder above");
	diag_hint(diag, "name one with -f FILE; `man 5 Edccfile` says how to write one");
	return NULL;
}

/* NAME=VALUE arguments, then what variable files say. */
static bool
read_overrides(struct cli *cli, struct project_options *options)
{
	size_t n = cli->override_count;
	struct override *all = cli->overrides;
	for (size_t i = 0; i < cli->flags.var_file.n; i++) {
		struct override *more;
		size_t count;
		if (!project_read_overrides(&cli->arena, &cli->sources, &cli->diags, cli->flags.var_file.w[i].s, &more, &count))
			return false;
		all = arena_grow(&cli->arena, all, n * sizeof *all, (n + count) * sizeof *all);
		if (count)
			memcpy(all + n, more, count * sizeof *all);
		n += count;
	}
	options->overrides = all;
	options->override_count = n;
	return true;
}

/* Flags that stand for settings. */
static void
override_settings(const struct cli *cli, struct project *project)
{
	for (uint32_t i = 0; i < project->group_count && cli->given & FLAG_BIT(ttl); i++)
		project->groups[i].set.ttl = cli->flags.ttl;
	if (cli->given & FLAG_BIT(max_cost))
		project->limits.cost = cli->flags.max_cost;
	if (cli->flags.strict)
		project->hosts.strict = true;
	if (cli->flags.keep)
		project->limits.keep = cli->flags.keep;
}

struct project *
cli_project(struct cli *cli, bool run_commands)
{
	struct project_options options = {
		.file = cli_file(cli),
		.provider = cli->flags.provider.n ? str_c(&cli->arena, cli->flags.provider) : NULL,
		.environment = cli->environment,
		.run_commands = run_commands,
	};
	if (!options.file || !read_overrides(cli, &options))
		return NULL;
	struct project *project = project_load(&cli->arena, &cli->sources, &cli->diags, &options);
	if (project)
		override_settings(cli, project);
	return project;
}

struct plan_options
cli_plan_options(const struct cli *cli, struct words builds)
{
	return (struct plan_options){
		.builds = builds,
		.jobs = cli->flags.jobs > INT_MAX ? INT_MAX : (int)cli->flags.jobs,
		.keep = cli->given & FLAG_BIT(keep),
		.keep_on_failure = cli->flags.keep_on_failure,
		.timeout = cli->flags.timeout,
	};
}

struct plan *
cli_plan(struct cli *cli, const struct project *project, const struct plan_options *options, enum exit_status *status)
{
	static const char *const names[] = {[PROVIDER_LOCAL] = "local", [PROVIDER_HOSTS] = "hosts", [PROVIDER_AWS] = "aws"};
	static const char *const asked[] = {
		[PROVIDER_LOCAL] = NULL, [PROVIDER_HOSTS] = "the hosts", [PROVIDER_AWS] = "the account"};
	const struct provider *provider = provider_named(cli->providers, str_from(names[project->provider]));
	*status = EXIT_STATUS_USAGE;
	struct world *world = arena_new(&cli->arena, struct world);
	struct observing observing = {
		.options = options,
		.environment = cli->environment,
		.cloud = cli->cloud,
		.state = run_state(&cli->arena, project),
		.offline = cli->flags.offline,
	};
	cli_asking(cli, cli->flags.offline ? NULL : asked[project->provider]);
	bool observed = provider->observe(&cli->arena, project, &observing, world, &cli->diags);
	cli_asking(cli, NULL);
	if (!observed) {
		*status = EXIT_STATUS_PROVIDER;
		return NULL;
	}
	cloud_observe(&cli->arena, project, cli->cloud, cli->environment, world);
	return plan_make(&cli->arena, project, world, options, &cli->diags);
}

struct plan *
cli_plan_asked(struct cli *cli, enum exit_status *status)
{
	const struct project *project = cli_project(cli, true);
	const struct plan_options options = cli_plan_options(cli, cli->arguments);
	*status = EXIT_STATUS_USAGE;
	return project ? cli_plan(cli, project, &options, status) : NULL;
}

/* The folder of the file, absolute. */
static struct str
folder_of(struct cli *cli, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *dir = slash ? str_printf(&cli->arena, "%.*s/", (int)(slash - file), file).s : ".";
	char real[PATH_MAX];
	return realpath(dir, real) ? str_dup(&cli->arena, str_from(real)) : str_from(dir);
}

const char *
cli_state(struct cli *cli)
{
	const char *file = cli_file(cli);
	if (!file)
		return NULL;
	/* What is left of a run must be found and removed whatever became of the Edccfile since. */
	struct diags quiet = {.sources = &cli->sources};
	struct project_options options = {.file = file, .environment = cli->environment, .run_commands = true};
	const struct project *project = project_load(&cli->arena, &cli->sources, &quiet, &options);
	struct str path = project ? project->state.path : STR(".edcc");
	const char *state = str_c(&cli->arena, path);
	diag_clear(&quiet);
	return *state == '/' ? state : str_printf(&cli->arena, "%.*s/%s", STR_ARG(folder_of(cli, file)), state).s;
}

bool
cli_run(struct cli *cli, const char *state, struct str *run)
{
	struct words runs = {NULL, 0};
	struct str error, asked = cli->flags.run;
	if (!journal_runs(&cli->arena, state, &runs, &error)) {
		diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return false;
	}
	if (asked.n ? words_has(runs, asked) : runs.n > 0) {
		*run = asked.n ? asked : runs.w[runs.n - 1];
		return true;
	}
	struct diag *diag =
		diag_error(&cli->diags, SPAN_NONE, asked.n ? "there is no run '%.*s'" : "there has been no run", STR_ARG(asked));
	if (asked.n && runs.n)
		diag_hint(diag, "the newest is %.*s", STR_ARG(runs.w[runs.n - 1]));
	else
		diag_hint(diag, "`edcc apply` makes one");
	return false;
}
