#include "cli/monitor.h"

#include "base/arena.h"
#include "base/os.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside a build of edcc the project is known; without one that is no error. */
static const char *
find_state(struct cli *cli)
{
	if (cli->flags.distcc_dir.n)
		return NULL;
	const char *state = cli_state(cli);
	if (!state)
		diag_clear(&cli->diags);
	return state;
}

/* Where distcc itself would look. */
static const char *
find_folder(struct cli *cli)
{
	const char *dir = getenv("DISTCC_DIR"), *home = getenv("HOME");
	if (cli->flags.distcc_dir.n)
		return str_c(&cli->arena, cli->flags.distcc_dir);
	if (dir && *dir)
		return dir;
	return str_printf(&cli->arena, "%s/.distcc", home && *home ? home : "").s;
}

/* distcc makes ~/.distcc when it is first called, and no folder that it is told. */
static bool
check_folder(struct cli *cli, const char *folder)
{
	if (!cli->flags.distcc_dir.n || os_is_folder(folder))
		return true;
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "there is no folder '%s'", folder);
	diag_hint(diag, "--distcc-dir names the DISTCC_DIR of the build that is to be watched");
	return false;
}

static void
print_once(struct cli *cli, struct monitor *monitor)
{
	struct picture picture = monitor_look(monitor, &cli->arena);
	if (cli->flags.json) {
		cli_print(monitor_json(&cli->arena, &picture));
		return;
	}
	struct monitor_lines lines = monitor_draw(&cli->arena, &picture, MONITOR_SLOTS, SIZE_MAX);
	for (size_t i = 0; i < lines.n; i++) {
		cli_print(lines.list[i].text);
		cli_print(STR("\n"));
	}
}

static bool
has_screen(void)
{
	const char *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static enum exit_status
monitor_run(struct cli *cli)
{
	struct monitor *monitor = arena_new(&cli->arena, struct monitor);
	monitor->folder = find_folder(cli);
	if (!check_folder(cli, monitor->folder))
		return EXIT_STATUS_USAGE;
	monitor->state = find_state(cli);
	if (cli->flags.once || cli->flags.json) {
		print_once(cli, monitor);
		return EXIT_STATUS_SUCCESS;
	}
	if (has_screen())
		return monitor_screen(cli, monitor) ? EXIT_STATUS_SUCCESS : EXIT_STATUS_USAGE;
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "standard output is no terminal that could be drawn on");
	diag_hint(diag, "--once prints what is now as lines, --json as JSON");
	return EXIT_STATUS_USAGE;
}

const struct command command_monitor = {
	.name = "monitor",
	.synopsis = "",
	.doc = "watch who compiles what, slot by slot",
	.details = "Beside the project's run that goes on; else beside whatever calls distcc with the same\n"
		   "DISTCC_DIR (~/.distcc where that is not set). Reads distcc's own state files.\n"
		   "SECONDS: for so long the compile has been in its phase.\n"
		   "q ends it, space freezes it, s changes between slots and hosts, arrows scroll.\n",
	.flags = FLAGS_FILE | FLAG_BIT(json) | FLAG_BIT(once) | FLAG_BIT(distcc_dir),
	.run = monitor_run,
};
