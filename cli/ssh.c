#include "cli/account.h"
#include "runtime/journal.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* The newest run of this folder whose fleet may be there: running or kept; or the one that --run names. False where there is none here. */
static bool
run_of_journals(struct cli *cli, const struct account *account, struct str *run)
{
	struct words runs = {NULL, 0};
	struct str error;
	if (!account->state || !journal_runs(&cli->arena, account->state, &runs, &error))
		return false;
	for (size_t i = runs.n; i-- > 0;) {
		struct journal_state journal;
		bool asked = !cli->flags.run.n || str_eq(cli->flags.run, runs.w[i]);
		if (!asked || !journal_read(&cli->arena, account->state, runs.w[i], &journal, &error) || journal.ended)
			continue;
		const struct provider *provider = provider_named(cli->providers, journal.provider);
		*run = runs.w[i];
		if (provider && provider->sweep)
			return true;
	}
	return false;
}

/* The newest with a running machine: of this project, or the only one where no Edccfile says which. False with the failure. */
static bool
choose_found(struct account *account, struct remnant *chosen)
{
	struct str asked = account->cli->flags.run, project = account->sweeping.project;
	size_t running = 0;
	for (size_t i = 0; i < account->count; i++)
		if (account->remnants[i].running && (!asked.n || str_eq(asked, account->remnants[i].run))) {
			*chosen = account->remnants[i];
			running++;
		}
	if (running == 1 || (running && project.n))
		return true;
	if (running)
		failure_set(&account->failure, EXIT_STATUS_USAGE, "%zu fleets run there, and no Edccfile here says which", running);
	else if (asked.n)
		failure_set(&account->failure, EXIT_STATUS_USAGE, "no machine of a run '%.*s' is running", STR_ARG(asked));
	else
		failure_set(&account->failure, EXIT_STATUS_USAGE, "no fleet is running");
	failure_hint(&account->failure, "%s",
		running ? "name a run with --run ID; `edcc gc --dry-run` lists them"
			: "`edcc gc --dry-run` lists what there is in every region; --region NAME chooses another");
	return false;
}

/* Which fleet: by the journals here, else by the tags. */
static bool
find_fleet(struct cli *cli, struct account *account, struct remnant *fleet)
{
	struct os_cancel never = {.fd = -1};
	struct account here = {.cli = cli};
	account_locate(&here);
	if (run_of_journals(cli, &here, &fleet->run)) {
		if (!account_open(cli, account, fleet->run, never))
			return false;
		account_recall(account, fleet);
		if (fleet->host_key.n)
			return true;
	} else if (!account_open(cli, account, (struct str){NULL, 0}, never)) {
		return false;
	}
	return account_find(account, account->sweeping.project, false) && choose_found(account, fleet);
}

/* The file of the run's own key, where this folder has it; else NULL. */
static const char *
own_key(const struct account *account, struct str run)
{
	if (!account->state)
		return NULL;
	const char *key = str_printf(&account->cli->arena, "%s/runs/%.*s/fleet/key", account->state, STR_ARG(run)).s;
	return os_is_file(key) ? key : NULL;
}

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
	if (find_fleet(cli, &account, &fleet))
		argv = account.sweeping.sweep->shell(
			account.sweeping.account, &fleet, machine, own_key(&account, fleet.run), command, &account.failure);
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
