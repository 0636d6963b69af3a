#include "cli/account.h"

static const struct sweep *
first_sweep(const struct provider *const *providers)
{
	for (; *providers; providers++)
		if ((*providers)->sweep)
			return (*providers)->sweep;
	return NULL;
}

struct cloud_place
account_locate(struct account *account)
{
	struct cli *cli = account->cli;
	struct cloud_place place = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
	struct diags own = cli->diags;
	cli->diags = (struct diags){.sources = own.sources};
	const struct project *project = cli_file(cli) ? cli_project(cli, true) : NULL;
	account->state = cli_file(cli) ? cli_state(cli) : NULL;
	if (project) {
		place = cloud_place(project);
		account->sweeping.project = project->name;
		account->elsewhere = project->provider == PROVIDER_AWS && first_sweep(cli->providers);
	}
	diag_clear(&cli->diags);
	cli->diags = own;
	return place;
}

/* The newest value that the journal has in what it means to make, or has made. */
static struct str
recalled(const struct journal_state *journal, const char *name)
{
	struct str value = {NULL, 0};
	for (size_t i = 0; i < journal->open_count; i++) {
		value = json_text(journal->open[i].params, name, value);
		value = json_text(journal->open[i].result, name, value);
	}
	return value;
}

/* Where a run of this machine is, whatever became of the Edccfile since. */
static void
recall_place(const struct account *account, struct str run, struct cloud_place *place)
{
	struct journal_state journal;
	struct str error;
	if (!run.n || !account->state || !journal_read(&account->cli->arena, account->state, run, &journal, &error))
		return;
	if (recalled(&journal, "region").n)
		*place = (struct cloud_place){
			recalled(&journal, "region"), recalled(&journal, "profile"), recalled(&journal, "endpoint")};
}

bool
account_open(struct cli *cli, struct account *account, struct str run, struct os_cancel cancel)
{
	*account = (struct account){.cli = cli, .cancel = cancel, .failure = {.arena = &cli->arena}};
	account->sweeping.sweep = first_sweep(cli->providers);
	struct cloud_place place = account_locate(account);
	recall_place(account, run, &place);
	if (cli->flags.region.n)
		place.region = cli->flags.region;
	if (account->sweeping.sweep)
		account->sweeping.account =
			account->sweeping.sweep->open(place, cli->environment, &account->cancel, &account->failure);
	else
		failure_set(&account->failure, EXIT_STATUS_PROVIDER, "this edcc knows no provider that leaves anything elsewhere");
	return account->sweeping.account;
}

void
account_close(struct account *account)
{
	if (account->sweeping.account)
		account->sweeping.sweep->close(account->sweeping.account);
	account->sweeping.account = NULL;
}

const struct json *
account_machines(const struct journal_state *journal)
{
	const struct json *list = NULL;
	for (size_t i = 0; i < journal->open_count; i++)
		if (json_member(journal->open[i].result, "machines"))
			list = json_member(journal->open[i].result, "machines");
	return list && list->type == JSON_ARRAY ? list : NULL;
}

void
account_recall(const struct account *account, struct remnant *remnant)
{
	struct journal_state journal;
	struct str error;
	if (!account->state || !journal_read(&account->cli->arena, account->state, remnant->run, &journal, &error))
		return;
	struct str key = recalled(&journal, "host_key");
	remnant->kept = remnant->kept || journal_is_kept(&journal);
	remnant->host_key = key.n ? key : remnant->host_key;
	const struct json *machines = account_machines(&journal);
	for (size_t i = 0; machines && i < machines->count; i++)
		words_add(&account->cli->arena, &remnant->order, json_text(machines->items[i], "id", STR("")));
}

bool
account_find(struct account *account, struct str project, bool everywhere)
{
	const struct sweeping *sweeping = &account->sweeping;
	if (!sweeping->sweep->find(sweeping->account, project, everywhere, &account->remnants, &account->count, &account->failure))
		return false;
	for (size_t i = 0; i < account->count; i++)
		account_recall(account, &account->remnants[i]);
	return true;
}

enum exit_status
account_refuse(struct account *account)
{
	struct diag *diag = diag_error(&account->cli->diags, SPAN_NONE, "%.*s", STR_ARG(account->failure.message));
	if (account->failure.hint.n)
		diag_hint(diag, "%.*s", STR_ARG(account->failure.hint));
	return account->failure.status;
}
