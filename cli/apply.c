#include "cli/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a saved plan says itself; variables may still be given, for those that are secret are not in it. */
#define FLAGS_SAVED (FLAGS_PLAN & ~FLAGS_ALL & ~FLAG_BIT(var_file))

/* A saved plan is JSON, and no build is called as a file that begins so. */
static bool
is_saved_plan(struct str name)
{
	char first = 0;
	int fd = open(name.s, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	bool is = read(fd, &first, 1) == 1 && first == '{';
	close(fd);
	return is;
}

/* Takes over what the saved plan was made with. */
static bool
open_saved(struct cli *cli, struct saved_plan *saved)
{
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (FLAGS_SAVED >> i & cli->given >> i & 1) {
			struct diag *diag =
				diag_error(&cli->diags, SPAN_NONE, "a saved plan says itself what --%s would", flag_table[i].word);
			diag_hint(diag, "`edcc plan --%s=... -o %s` makes it anew", flag_table[i].word, cli->arguments.w[0].s);
			return false;
		}
	if (cli->arguments.n > 1) {
		struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "a saved plan says itself what to build");
		diag_hint(diag, "`edcc plan %s -o %s` makes it anew", cli->arguments.w[1].s, cli->arguments.w[0].s);
		return false;
	}
	if (!plan_open(&cli->arena, cli->arguments.w[0].s, saved, &cli->diags))
		return false;
	size_t size = sizeof *cli->overrides, n = cli->override_count;
	cli->overrides = arena_grow(&cli->arena, cli->overrides, n * size, (n + saved->override_count) * size);
	if (saved->override_count)
		memcpy(cli->overrides + n, saved->overrides, saved->override_count * size);
	cli->override_count += saved->override_count;
	cli->flags.file = saved->file;
	cli->flags.provider = saved->provider;
	return true;
}

/* What costs money is asked for, where somebody can answer. */
static bool
asked(struct cli *cli, const struct plan *plan)
{
	char answer[8] = "";
	if (!plan->world->costs || cli->flags.yes || !isatty(STDIN_FILENO))
		return true;
	fprintf(stderr, "%s\nApply this? [y/N] ", str_c(&cli->arena, plan_print(&cli->arena, plan, cli->terminal)));
	if (fgets(answer, sizeof answer, stdin) && strchr("yY", *answer) && *answer)
		return true;
	diag_error(&cli->diags, SPAN_NONE, "nothing was done");
	return false;
}

static enum exit_status
execute(struct cli *cli, const struct plan *plan)
{
	struct session *session = session_open(cli);
	if (!session)
		return EXIT_STATUS_USAGE;
	session->options.keep |= plan->options.keep;
	session->options.keep_on_failure |= plan->options.keep_on_failure;
	enum exit_status status = execute_plan(plan, session->events, &session->options);
	session_close(session);
	return status;
}

static enum exit_status
apply_run(struct cli *cli)
{
	struct saved_plan saved;
	bool is_saved = cli->arguments.n && is_saved_plan(cli->arguments.w[0]);
	if (is_saved && !open_saved(cli, &saved))
		return EXIT_STATUS_USAGE;
	const struct project *project = cli_project(cli, true);
	if (!project)
		return EXIT_STATUS_USAGE;
	enum exit_status status;
	struct plan_options options = is_saved ? saved.options : cli_plan_options(cli, cli->arguments);
	const struct plan *plan = cli_plan(cli, project, &options, &status);
	if (!plan)
		return status;
	if (is_saved && !plan_same(&cli->arena, &saved, plan, &cli->sources, &cli->diags))
		return EXIT_STATUS_USAGE;
	/* Who waits for a build knows by now which hosts are left out. */
	cli_print_diags(cli);
	return asked(cli, plan) ? execute(cli, plan) : EXIT_STATUS_USAGE;
}

const struct command command_apply = {
	.name = "apply",
	.synopsis = "[PLANFILE] [BUILD...] [NAME=VALUE...]",
	.doc = "run the plan, and leave nothing behind",
	.details = "Makes the fleet, builds, keeps the artifacts and removes the fleet, whatever happens.\n"
		   "Without BUILD: every build that no other build needs, and what those need.\n"
		   "PLANFILE comes from `edcc plan -o`; it is refused where anything it stands on has changed.\n"
		   "Ctrl-C ends the build and tears down; a second one lets go and leaves that to `edcc destroy`.\n",
	.flags = FLAGS_PLAN | FLAGS_RUN | FLAG_BIT(yes) | FLAG_BIT(require_distributed),
	.most_arguments = SIZE_MAX,
	.run = apply_run,
};
