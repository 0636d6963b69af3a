/* Which fleet is meant where none is named: of the journals of this machine, else of the account's tags. */
#include "cli/account.h"

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

bool
account_fleet(struct account *account, struct cli *cli, struct remnant *fleet)
{
	struct os_cancel never = {.fd = -1};
	struct account here = {.cli = cli};
	account_locate(&here);
	bool made = run_of_journals(cli, &here, &fleet->run);
	/* To ask an account that nobody has spoken of would end in a question for its region. */
	if (!made && here.sweeping.project.n && !here.elsewhere && !cli->flags.region.n) {
		account->failure.arena = &cli->arena;
		failure_set(&account->failure, EXIT_STATUS_USAGE, "this Edccfile's machines are none that edcc has made");
		failure_hint(&account->failure,
			"one that exists is logged in to as ever: ssh MACHINE; --region REGION looks for a fleet on aws there");
		return false;
	}
	if (made) {
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

const char *
account_key(const struct account *account, struct str run)
{
	if (!account->state)
		return NULL;
	const char *key = str_printf(&account->cli->arena, "%s/runs/%.*s/fleet/key", account->state, STR_ARG(run)).s;
	return os_is_file(key) ? key : NULL;
}
