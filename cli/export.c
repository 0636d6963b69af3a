#include "cli/export.h"

#include "base/suggest.h"
#include "hosts/export.h"
#include "hosts/provider_hosts.h"
#include "project/convert.h"
#include "runtime/provider.h"

#include <stdint.h>

#define USER_DATA "user-data"
#define USER_DATA_DOC "what a machine of aws is told at its boot, to start one by other means"

const struct export_kind export_kinds[] = {
#define EXPORT(id, word, each, doc) {word, doc},
	EXPORTS(EXPORT)
#undef EXPORT
		{USER_DATA, USER_DATA_DOC},
	{NULL, NULL},
};

/* Of the list of `provider hosts:`, in the same order. */
static const struct {
	bool each; /* a file for each machine, and machines may be named */
	bool (*add)(struct exporting *);
} of_list[] = {
#define EXPORT(id, word, each, doc) {each, export_##id},
	EXPORTS(EXPORT)
#undef EXPORT
};
#define LIST_COUNT (sizeof of_list / sizeof *of_list)

/* The index of what is asked for; false where there is no such thing (filed). */
static bool
find_kind(struct cli *cli, size_t *kind)
{
	struct str asked = cli->arguments.n ? cli->arguments.w[0] : STR("");
	struct suggest suggest = suggest_for(asked);
	struct words names = {NULL, 0};
	for (*kind = 0; export_kinds[*kind].name; ++*kind) {
		struct str name = str_from(export_kinds[*kind].name);
		if (str_eq(asked, name))
			return true;
		suggest_offer(&suggest, name);
		words_add(&cli->arena, &names, name);
	}
	struct diag *diag = asked.n ? diag_error(&cli->diags, SPAN_NONE, "there is no export '%.*s'", STR_ARG(asked))
				    : diag_error(&cli->diags, SPAN_NONE, "what is to be exported?");
	if (!asked.n || !suggest_hint(&suggest, diag))
		diag_hint(diag, "there are %.*s", STR_ARG(words_join(&cli->arena, names, STR(", "))));
	return false;
}

/* Machines and --allow are for what is a file for each machine; --allow has addresses and ranges, but not everybody's. */
static bool
check_call(struct cli *cli, size_t kind)
{
	const char *name = export_kinds[kind].name;
	bool each = kind < LIST_COUNT && of_list[kind].each;
	if (cli->arguments.n > 1 && !each) {
		struct str more = cli->arguments.w[1];
		struct diag *diag =
			diag_error(&cli->diags, SPAN_NONE, "'%.*s' is more than edcc export %s takes", STR_ARG(more), name);
		diag_hint(diag, "it is one file for all machines");
	}
	if (cli->flags.allow.n && !each) {
		struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "edcc export %s takes no --allow", name);
		diag_hint(diag, "the machines' daemons go by that: debian, openrc, systemd");
	}
	const struct setting_schema schema = {.type = SETTING_RANGES};
	struct words checked;
	for (size_t i = 0; i < cli->flags.allow.n; i++) {
		struct str asked = cli->flags.allow.w[i], advice = {NULL, 0};
		struct diag *diag;
		int64_t bits;
		if (!convert_setting(&cli->arena, &schema, (struct words){&asked, 1}, &checked, &advice)) {
			diag = diag_error(
				&cli->diags, SPAN_NONE, "--allow takes an address or a range, not '%.*s'", STR_ARG(asked));
			diag_hint(diag, "%.*s", STR_ARG(advice.n ? advice : STR("--allow=192.0.2.0/24")));
		} else if (str_integer(str_behind(asked, '/'), &bits) && bits == 0) {
			diag = diag_error(
				&cli->diags, SPAN_NONE, "--allow=%.*s would let everybody run programs there", STR_ARG(asked));
			diag_hint(diag, "name the network that the machines are in: --allow=192.0.2.0/24");
		}
	}
	return !cli->diags.error_count;
}

/* The files of the machines that the project lists. */
static bool
export_list(struct cli *cli, const struct project *project, size_t kind, struct buf *out)
{
	struct plan_options options = {.jobs = 0};
	struct observing observing = {.options = &options, .environment = cli->environment, .offline = true};
	struct world world;
	struct exporting exporting = {
		.arena = &cli->arena,
		.project = project,
		.world = &world,
		.names = {cli->arguments.w + 1, cli->arguments.n - 1},
		.allow = cli->flags.allow,
		.offline = cli->flags.offline,
		.environment = cli->environment,
		.diags = &cli->diags,
		.out = out,
	};
	if (!provider_hosts.observe(&cli->arena, project, &observing, &world, &cli->diags))
		return false;
	cli_asking(cli, cli->flags.offline ? NULL : "the hosts");
	if (of_list[kind].add != export_ssh_config)
		export_ask(&exporting, of_list[kind].each);
	cli_asking(cli, NULL);
	return of_list[kind].add(&exporting);
}

/* What there is depends on where the machines come from. */
static bool
refuse(struct cli *cli, const struct project *project, size_t kind)
{
	const char *name = export_kinds[kind].name;
	struct diag *diag;
	if (project->provider == PROVIDER_HOSTS) {
		diag = diag_error(&cli->diags, project->provider_span, "%s is for the machines of provider aws", name);
		diag_hint(diag, "`edcc export debian` has what these need");
	} else if (project->provider == PROVIDER_AWS) {
		diag = diag_error(
			&cli->diags, project->provider_span, "%s is for machines that stay, and those of aws do not", name);
		diag_hint(diag, "for those there are `edcc export ssh-config` and `edcc export " USER_DATA "`");
	} else {
		diag = diag_error(
			&cli->diags, project->provider_span, "provider local starts its daemons for a run and ends them with it");
		diag_hint(diag, "list machines under 'provider hosts:', and --provider hosts exports what they need");
	}
	return false;
}

static enum exit_status
export_run(struct cli *cli)
{
	enum exit_status status = EXIT_STATUS_USAGE;
	struct buf out = buf_new(&cli->arena);
	size_t kind;
	if (!find_kind(cli, &kind) || !check_call(cli, kind))
		return status;
	bool ssh = kind < LIST_COUNT && of_list[kind].add == export_ssh_config, done;
	const struct project *project = cli_project(cli, true);
	if (!project)
		return status;
	if (project->provider == PROVIDER_HOSTS && kind < LIST_COUNT)
		done = export_list(cli, project, kind, &out);
	else if (project->provider == PROVIDER_AWS && kind == LIST_COUNT)
		done = export_user_data(cli, project, &out, &status);
	else if (project->provider == PROVIDER_AWS && ssh)
		done = export_fleet(cli, &out, &status);
	else
		done = refuse(cli, project, kind);
	if (!done)
		return status;
	/* All of it, or nothing: it goes into a file. */
	cli_print(buf_str(&out));
	return EXIT_STATUS_SUCCESS;
}

const struct command command_export = {
	.name = "export",
	.synopsis = "WHAT [MACHINE...] [NAME=VALUE...]",
	.doc = "print the fleet's configuration for use without edcc",
	.details = "WHAT is\n"
#define EXPORT(id, word, each, doc) "  " word ": " doc "\n"
	EXPORTS(EXPORT)
#undef EXPORT
		"  " USER_DATA ": " USER_DATA_DOC "\n"
		"Goes by the list of machines in the Edccfile; one whose slots that does not say is asked, and where\n"
		"it does not answer a comment says what was assumed. Of what there is for each machine, MACHINE\n"
		"chooses: edcc export debian red | ssh root@red 'cat >/etc/default/distcc'\n",
	.flags = FLAGS_PROJECT | FLAG_BIT(offline) | FLAG_BIT(allow) | FLAG_BIT(run) | FLAG_BIT(region),
	.most_arguments = SIZE_MAX,
	.run = export_run,
};
