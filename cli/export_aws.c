#include "cli/export.h"

#include "aws/fleet.h"
#include "aws/user_data.h"
#include "cli/account.h"

bool
export_user_data(struct cli *cli, const struct project *project, struct buf *out, enum exit_status *status)
{
	struct fleet_seen seen;
	struct str text, error;
	*status = EXIT_STATUS_USAGE;
	if (!fleet_lay_out(&cli->arena, project, &seen, &cli->diags))
		return false;
	const struct fleet_launch *launch = &seen.launches[seen.launch_count - 1];
	if (!seen.subnet_range.n) {
		struct diag *diag = diag_error(&cli->diags, launch->group->span,
			"which addresses %.*s has, and so who may compile there, only its account knows", STR_ARG(seen.subnet));
		diag_hint(diag, "say it under 'network:', as in subnet = 10.0.0.0/24");
		return false;
	}
	const struct user_data data = {
		.run = STR("none"),
		.project = project->name,
		.public_keys = seen.keys,
		.ttl = launch->group->set.ttl,
		/* Nobody will renew it. */
		.lease = launch->group->set.ttl,
		.subnet = seen.subnet_range,
		.pump = STR("no"),
		.packages = launch->packages,
	};
	if (!user_data_make(&cli->arena, project, &data, &text, &error)) {
		diag_error(&cli->diags, launch->group->span, "%.*s", STR_ARG(error));
		return false;
	}
	buf_add(out, text);
	return true;
}

/* What both kinds of machines have. */
static void
add_machine(struct buf *out, struct str project, const struct remnant_machine *machine, struct str address, const char *key)
{
	buf_printf(
		out, "Host %.*s-%.*s\n\tHostName %.*s\n\tUser root\n", STR_ARG(project), STR_ARG(machine->name), STR_ARG(address));
	if (key)
		buf_printf(out, "\tIdentityFile \"%s\"\n\tIdentitiesOnly yes\n", key);
	buf_add_c(out, "\tStrictHostKeyChecking yes\n\tUserKnownHostsFile none\n\tGlobalKnownHostsFile none\n");
}

/* The HOST's key is known; those of the others the HOST says, as it finds them in its network. */
static void
add_machines(
	struct buf *out, struct str project, struct str host_key, const struct remnant_machine *list, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		const struct remnant_machine *machine = &list[i];
		struct str address = machine->public_address.n && !i ? machine->public_address : machine->private_address;
		if (!str_is(machine->state, "running"))
			continue;
		add_machine(out, project, machine, address, key);
		if (i)
			buf_printf(out,
				"\tProxyJump %.*s-host\n\tKnownHostsCommand /usr/bin/ssh %.*s-host \"curl -sf -m 5 --noproxy '*' "
				"http://%.*s/status.json | sed -n 's/.*\\\"host_key\\\":\\\"\\([^\\\"]*\\)\\\".*/%.*s \\1/p'\"\n",
				STR_ARG(project), STR_ARG(project), STR_ARG(address), STR_ARG(address));
		else
			buf_printf(out, "\tKnownHostsCommand /bin/echo %.*s %.*s\n", STR_ARG(address), STR_ARG(host_key));
	}
}

bool
export_fleet(struct cli *cli, struct buf *out, enum exit_status *status)
{
	struct account account = {.cli = cli};
	struct remnant fleet = {.run = {NULL, 0}};
	struct remnant_machine *list;
	size_t count;
	bool found = account_fleet(&account, cli, &fleet);
	const struct sweeping *sweeping = &account.sweeping;
	found = found && sweeping->sweep->machines(sweeping->account, &fleet, &list, &count, &account.failure);
	if (found && (!count || !str_is(list[0].name, "host") || !str_is(list[0].state, "running") || !fleet.host_key.n)) {
		failure_set(&account.failure, EXIT_STATUS_PROVIDER,
			"the HOST of run %.*s does not run, or nothing says which key it shows", STR_ARG(fleet.run));
		failure_hint(&account.failure, "`edcc status` says how it is");
		found = false;
	}
	if (found) {
		buf_printf(out, "# ~/.ssh/config, while the fleet of run %.*s is there\n", STR_ARG(fleet.run));
		add_machines(out, sweeping->project, fleet.host_key, list, count, account_key(&account, fleet.run));
	} else {
		*status = account_refuse(&account);
	}
	account_close(&account);
	return found;
}
