#include "cli/account.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ssh has the terminal, and Ctrl-C is its own. */
static enum exit_status
run_ssh(struct cli *cli, char **argv)
{
	struct os_spawn spawn = {.argv = argv, .env = cli->environment, .input_fd = dup(STDIN_FILENO)};
	struct os_process process;
	struct str error;
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	fflush(stdout);
	if (os_start(&cli->arena, &spawn, &process, &error))
		return (enum exit_status)os_wait(&process);
	diag_hint(diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error)),
		"edcc uses OpenSSH's ssh (on Debian: apt-get install openssh-client)");
	return EXIT_STATUS_USAGE;
}

static enum exit_status
ssh_run_command(struct cli *cli)
{
	struct account account = {.cli = cli};
	struct remnant fleet = {.run = {NULL, 0}};
	struct words words = {cli->arguments.w + cli->own_count, cli->arguments.n - cli->own_count};
	struct str machine = cli->own_count ? cli->arguments.w[0] : (struct str){NULL, 0};
	const char *command = words.n ? str_c(&cli->arena, words_join(&cli->arena, words, STR(" "))) : NULL;
	enum exit_status status = EXIT_STATUS_USAGE;
	if (cli->own_count > 1) {
		struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "'%.*s' is more than the one machine that edcc ssh takes",
			STR_ARG(cli->arguments.w[1]));
		diag_hint(diag, "a command stands after --: edcc ssh %.*s -- %.*s", STR_ARG(machine), STR_ARG(cli->arguments.w[1]));
		return status;
	}
	char **argv = NULL;
	if (account_fleet(&account, cli, &fleet))
		argv = account.sweeping.sweep->shell(
			account.sweeping.account, &fleet, machine, account_key(&account, fleet.run), command, &account.failure);
	status = argv ? run_ssh(cli, argv) : account_refuse(&account);
	account_close(&account);
	return status;
}

const struct command command_ssh = {
	.name = "ssh",
	.synopsis = "[MACHINE] [-- COMMAND...]",
	.doc = "open a shell on a machine of the fleet, or run a command there",
	.details = "Of the newest fleet that runs or is kept; MACHINE: host (the default), coop-1, an address.\n"
		   "With the run's own key where the state folder has it, else with your own, which\n"
		   "`network: keys` lets in. The machine must show the key that the journal or its tag says.\n"
		   "COMMAND's words are joined as ssh joins them. The exit status is that of the command, or 255.\n",
	.flags = FLAGS_FILE | FLAG_BIT(run) | FLAG_BIT(region),
	.most_arguments = SIZE_MAX,
	.run = ssh_run_command,
};
