#include "aws/cloud_aws.h"
#include "aws/fleet.h"
#include "base/os.h"
#include "cli/command.h"
#include "hosts/provider_hosts.h"
#include "runtime/guard.h"
#include "runtime/provider.h"
#include "runtime/step_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* 64 actions at once with a few files each, 64 processes that are being ended, and what is always open. */
#define FILES_NEEDED 512

static const struct provider *const providers[] = {&provider_local, &provider_hosts, &provider_aws, NULL};

/* Where one of the three is closed, what is opened next would be taken for it: a pipe of ours be printed to. To write to these fails as before. */
static void
take_descriptors(void)
{
	int fd;
	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
}

static enum exit_status
run_command(struct cli *cli)
{
	struct str dir = cli->flags.directory;
	if (cli->flags.version)
		return command_version.run(cli);
	if (cli->flags.help || !cli->command) {
		help_command(cli, cli->command);
		return cli->flags.help ? EXIT_STATUS_SUCCESS : EXIT_STATUS_USAGE;
	}
	if (dir.n && chdir(dir.s) < 0) {
		struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "cannot go to '%.*s': %m", STR_ARG(dir));
		diag_hint(diag, "-C names a folder to go to before anything else");
		return EXIT_STATUS_USAGE;
	}
	/* Checked at the start: a run that cannot open its files half-way cannot even tear down. */
	unsigned long long most;
	if (!os_allow_files(FILES_NEEDED, &most)) {
		struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "no more than %llu files may be open at once here", most);
		diag_hint(diag, "edcc needs %d: raise the limit with `ulimit -n`", FILES_NEEDED);
		return EXIT_STATUS_USAGE;
	}
	return cli->command->run(cli);
}

int
main(int argc, char **argv)
{
	/* edcc is also the commands build_success and build_failed, under links of their names. */
	if (step_command_is(argv[0]))
		return step_command(argc, argv);
	if (guard_is(argv[0]))
		return guard_main(argv);
	take_descriptors();
	/* A view whose reader has gone away must not end a run before its teardown. */
	signal(SIGPIPE, SIG_IGN);
	struct cli cli = {.environment = environ, .cloud = &cloud_aws, .providers = providers};
	cli.diags.sources = &cli.sources;
	enum exit_status status = EXIT_STATUS_USAGE;
	if (options_read(&cli, argc, argv)) {
		cli.terminal = cli_wants_terminal(&cli, STDOUT_FILENO);
		status = run_command(&cli);
	}
	/* Taken now: what follows sets errno anew. */
	int error = ferror(stdout) ? errno : 0;
	cli_print_diags(&cli);
	if (!error && fflush(stdout) != 0)
		error = errno;
	if (error) {
		if (error != EPIPE)
			fprintf(stderr, "edcc: error: cannot write to standard output: %s\n", strerror(error));
		if (status == EXIT_STATUS_SUCCESS)
			status = EXIT_STATUS_USAGE;
	}
	/* The memory goes with the process: what was let go may still be using it. */
	return (int)status;
}
