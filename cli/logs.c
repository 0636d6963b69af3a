#include "base/suggest.h"
#include "cli/command.h"
#include "cli/view.h"
#include "runtime/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* Between two looks at a log that grows. */
#define FOLLOW_MS 100

struct log {
	struct cli *cli;
	const char *state;
	struct str run;
	const char *folder; /* STATE/runs/RUN/log */
	struct words files; /* NAME.log */
};

static struct str
log_name(struct str file)
{
	return str_part(file, 0, file.n - 4);
}

static enum exit_status
list_logs(struct log *log)
{
	for (size_t i = 0; i < log->files.n; i++) {
		struct stat status;
		struct str name = log_name(log->files.w[i]);
		const char *path = str_printf(&log->cli->arena, "%s/%.*s", log->folder, STR_ARG(log->files.w[i])).s;
		if (stat(path, &status) == 0)
			printf("%-24.*s  %.*s\n", STR_ARG(name), STR_ARG(text_bytes(&log->cli->arena, status.st_size)));
	}
	return EXIT_STATUS_SUCCESS;
}

/* What there is to read now. False on an error. */
static bool
print_more(int fd, bool safe)
{
	static char piece[1 << 16];
	ssize_t n;
	while ((n = read(fd, piece, sizeof piece)) > 0) {
		struct arena scratch = {NULL};
		struct buf text = buf_new(&scratch);
		if (safe)
			text_sanitise(&text, (struct str){piece, (size_t)n}, true);
		else
			buf_add(&text, (struct str){piece, (size_t)n});
		cli_print(buf_str(&text));
		arena_free(&scratch);
	}
	return n == 0 && fflush(stdout) == 0;
}

static bool
is_running(struct log *log)
{
	struct journal_state state;
	struct str error;
	struct arena scratch = {NULL};
	bool runs = journal_read(&scratch, log->state, log->run, &state, &error) && !state.ended && os_owner_alive(&state.owner);
	arena_free(&scratch);
	return runs;
}

static enum exit_status
print_log(struct log *log, struct str file)
{
	const char *path = str_printf(&log->cli->arena, "%s/%.*s", log->folder, STR_ARG(file)).s;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool safe = isatty(STDOUT_FILENO), good = fd >= 0, more = true;
	while (good && more) {
		/* Asked before reading, so that the last words are not missed. */
		more = log->cli->flags.follow && is_running(log);
		good = print_more(fd, safe);
		if (more)
			poll(NULL, 0, FOLLOW_MS);
	}
	if (!good && errno != EPIPE)
		diag_error(&log->cli->diags, SPAN_NONE, "cannot print '%s': %m", path);
	if (fd >= 0)
		close(fd);
	return good ? EXIT_STATUS_SUCCESS : EXIT_STATUS_USAGE;
}

/* Whether it is a machine of the run that exists without it: its daemon's log is not the run's. */
static bool
is_machine(const struct log *log, struct str name)
{
	struct journal_state state;
	struct str error;
	bool found = false;
	if (!journal_read(&log->cli->arena, log->state, log->run, &state, &error))
		return false;
	for (size_t i = 0; i < state.line_count; i++)
		found |= record_is(state.lines[i], RECORD_HOST) && str_eq(json_text(state.lines[i], "name", STR("")), name);
	return found && str_is(state.provider, "hosts");
}

static enum exit_status
find_log(struct log *log, struct str name)
{
	struct diags *diags = &log->cli->diags;
	struct suggest suggest = suggest_for(name);
	for (size_t i = 0; i < log->files.n; i++) {
		if (str_eq(log_name(log->files.w[i]), name))
			return print_log(log, log->files.w[i]);
		suggest_offer(&suggest, log_name(log->files.w[i]));
	}
	struct diag *diag = diag_error(diags, SPAN_NONE, "run %.*s has no log of '%.*s'", STR_ARG(log->run), STR_ARG(name));
	if (is_machine(log, name))
		diag_hint(diag, "its distccd logs where it runs; what clients saw of it is in `edcc logs @distcc`");
	else if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "`edcc logs` lists those that there are");
	return EXIT_STATUS_USAGE;
}

static enum exit_status
logs_run(struct cli *cli)
{
	struct log log = {.cli = cli, .state = cli_state(cli)};
	struct str error;
	if (!log.state || !cli_run(cli, log.state, &log.run))
		return EXIT_STATUS_USAGE;
	log.folder = str_printf(&cli->arena, "%s/runs/%.*s/log", log.state, STR_ARG(log.run)).s;
	if (os_is_folder(log.folder) && !os_glob(&cli->arena, log.folder, STR("*.log"), &log.files, &error)) {
		diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return EXIT_STATUS_USAGE;
	}
	return cli->arguments.n ? find_log(&log, cli->arguments.w[0]) : list_logs(&log);
}

const struct command command_logs = {
	.name = "logs",
	.synopsis = "[STEP|HOST]",
	.doc = "list the logs of a run, or print one",
	.details = "Of the newest run, also while it goes on; those of machines elsewhere come when the build ends.\n"
		   "@distcc is what distcc's clients have logged, @pump its include server.\n"
		   "The boot of a machine that failed is HOST.boot; of one that is there it is printed by\n"
		   "edcc ssh HOST -- cat /var/log/edcc-boot.log\n",
	.flags = FLAGS_FILE | FLAG_BIT(run) | FLAG_BIT(follow),
	.most_arguments = 1,
	.run = logs_run,
};
