#include "cli/command.h"
#include "cli/doctor.h"
#include "hosts/zeroconf.h"
#include "project/host_list.h"
#include "runtime/provider.h"
#include "runtime/provider_here.h"
#include "runtime/pump.h"

/* What `distcc: stats` is where no file says. */
#define STATS_PORT 3633
#define TEXT_LIMIT ((size_t)1 << 20)

/* --- whose list --- */

/* A word of the command line that no host is called by: a file of hosts. */
static bool
is_path(struct str word)
{
	return word.n && (*word.s == '/' || *word.s == '.');
}

static bool
read_file(struct cli *cli, struct str path, uint32_t *source)
{
	struct str text, error;
	if (os_read(&cli->arena, str_c(&cli->arena, path), TEXT_LIMIT, &text, &error)) {
		*source = source_add(&cli->sources, path, path, text);
		return true;
	}
	diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error));
	return false;
}

/* The list that the words of the command line are, each a host or a file of hosts; without any, distcc's own, and where that is. False with an error filed. */
static bool
read_list(struct cli *cli, struct host_list *list, struct str *where)
{
	struct words given = cli->arguments;
	uint32_t *texts = arena_array(&cli->arena, uint32_t, given.n + 1);
	struct words hosts = {NULL, 0};
	struct str text, path;
	size_t count = 0;
	for (size_t i = 0; i < given.n; i++) {
		if (!is_path(given.w[i]))
			words_add(&cli->arena, &hosts, given.w[i]);
		else if (!read_file(cli, given.w[i], &texts[count++]))
			return false;
	}
	if (hosts.n)
		texts[count++] = source_add(&cli->sources, STR("arguments"), STR(""), words_join(&cli->arena, hosts, STR(" ")));
	if (!given.n && !doctor_list(&cli->arena, cli->environment, &text, &path)) {
		struct diag *diag =
			diag_error(&cli->diags, SPAN_NONE, "there is no Edccfile here, and distcc has no list of hosts");
		diag_hint(diag, "name hosts as distcc does: edcc doctor red blue/8,lzo ann@green");
		return false;
	}
	if (!given.n)
		*where = path.n ? path : STR("DISTCC_HOSTS");
	if (!given.n && path.n && !read_file(cli, path, &texts[count++]))
		return false;
	if (!given.n && !path.n)
		texts[count++] = source_add(&cli->sources, STR("DISTCC_HOSTS"), STR(""), text);
	return host_list_read(&cli->arena, &cli->sources, &cli->diags, texts, count, list);
}

/* The Edccfile's project, or one without a file; its list is replaced where the command line has one. NULL with an error filed. */
static struct project *
project_of(struct cli *cli, struct doctor *doctor)
{
	doctor->by_edcc = cli_file(cli) != NULL;
	struct project *project = NULL;
	if (doctor->by_edcc) {
		project = cli_project(cli, true);
	} else {
		diag_clear(&cli->diags);
		project = arena_new(&cli->arena, struct project);
		*project = (struct project){.name = STR(""), .provider = PROVIDER_HOSTS, .distcc.stats_port = STATS_PORT};
	}
	if (!project || (doctor->by_edcc && !cli->arguments.n))
		return project;
	project->provider = PROVIDER_HOSTS;
	if (!project->group_count) {
		project->groups = arena_new(&cli->arena, struct instance_group);
		project->group_count = 1;
	}
	return read_list(cli, &project->machines, &doctor->list) ? project : NULL;
}

/* --- the look --- */

/* This machine, for hosts that are looked at one by one, and closer than a plan would. */
static void
look_here(struct cli *cli, const struct project *project, const struct provider *provider, struct world *world, struct diags *diags)
{
	here_observe(&cli->arena, project, provider, world, diags);
	world->host_count = project->machines.count;
	world->hosts = arena_array(&cli->arena, struct planned_host, world->host_count);
	for (uint32_t i = 0; i < world->host_count; i++)
		world->hosts[i].pump = HOST_HAS(&project->machines.hosts[i], cpp);
	pump_observe(&cli->arena, project, world, diags);
}

/* What is asked for and not here is a finding, as is what a cloud's account has against it. */
static void
look(struct cli *cli, struct doctor *doctor, struct world *world)
{
	static const char *const names[] = {[PROVIDER_LOCAL] = "local", [PROVIDER_HOSTS] = "hosts", [PROVIDER_AWS] = "aws"};
	const struct provider *provider = provider_named(cli->providers, str_from(names[doctor->project->provider]));
	struct diags diags = {.sources = &cli->sources};
	const struct plan_options options = cli_plan_options(cli, (struct words){NULL, 0});
	const struct observing observing = {
		.options = &options,
		.environment = cli->environment,
		.cloud = cli->cloud,
		.state = run_state(&cli->arena, doctor->project),
	};
	if (doctor->project->provider == PROVIDER_HOSTS)
		look_here(cli, doctor->project, provider, world, &diags);
	else
		provider->observe(&cli->arena, doctor->project, &observing, world, &diags);
	findings_take(&doctor->found, &diags);
	doctor->toolchain = world->toolchain.cc.n && world->toolchain.version.n ? &world->toolchain : NULL;
	doctor->distcc = world->distcc;
}

/* What +zeroconf finds now is looked at like the others. */
static void
add_announced(struct cli *cli, struct doctor *doctor, struct host_list *list)
{
	struct host_spec *found, *all;
	size_t count;
	struct str why, distcc = os_which(&cli->arena, "distcc");
	if (!list->zeroconf.source || !distcc.n)
		return;
	if (!zeroconf_find(&cli->arena, distcc, cli->environment, &found, &count, &why)) {
		find_fault(&doctor->found, STR("+zeroconf"), "%.*s", STR_ARG(why));
		finding_hint(&doctor->found, ZEROCONF_HINT);
		return;
	}
	all = arena_array(&cli->arena, struct host_spec, list->count + count);
	for (uint32_t i = 0; i < list->count; i++)
		all[i] = list->hosts[i];
	for (size_t i = 0; i < count; i++)
		all[list->count++] = found[i];
	list->hosts = all;
}

static enum exit_status
doctor_run(struct cli *cli)
{
	struct world world = {0};
	struct doctor doctor = {.arena = &cli->arena, .environment = cli->environment, .found = {.arena = &cli->arena}};
	size_t faults, notes;
	struct project *project = project_of(cli, &doctor);
	doctor.project = project;
	if (!project)
		return EXIT_STATUS_USAGE;
	cli_asking(cli, doctor.project->provider == PROVIDER_AWS ? "the account" : "the hosts");
	add_announced(cli, &doctor, &project->machines);
	look(cli, &doctor, &world);
	if (doctor.project->provider != PROVIDER_AWS) {
		doctor_admit(&doctor);
		doctor_hosts(&doctor);
		doctor_client(&doctor);
		doctor_portage(&doctor);
	}
	if (doctor.project->provider == PROVIDER_HOSTS)
		doctor_daemon(&doctor);
	cli_asking(cli, NULL);
	cli_print(cli->flags.json ? doctor_print_json(&cli->arena, &doctor, &world) : doctor_print(&cli->arena, &doctor, &world));
	doctor_count(&doctor, &faults, &notes);
	doctor_close(&doctor);
	return faults ? EXIT_STATUS_PROVIDER : EXIT_STATUS_SUCCESS;
}

const struct command command_doctor = {
	.name = "doctor",
	.synopsis = "[HOST...]",
	.doc = "find what keeps hosts from compiling, and how to mend it",
	.details = "Looks at this machine and, all at once, at each host: of the command line, else of the Edccfile, else of\n"
		   "distcc's own list. Nothing is changed; each fault comes with the way out, where it can be as a command.\n"
		   "Exits with 0 where there is none, else with 4.\n",
	.flags = FLAGS_PROJECT | FLAG_BIT(json),
	.most_arguments = SIZE_MAX,
	.run = doctor_run,
};
