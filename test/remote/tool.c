/* tool: edcc with a provider that takes its one HOST from the environment: REMOTE_ADDRESS, REMOTE_PORT, REMOTE_KEY (a file), REMOTE_HOST_KEY, REMOTE_TOOL (a file), REMOTE_DEADLINE (ms),
 * and its machines from the file: as many as there are instances, on 127.0.0.2 and on. */
#include "aws/cloud_aws.h"
#include "base/arena.h"
#include "cli/command.h"
#include "remote/remote.h"
#include "runtime/provider.h"
#include "runtime/step.h"
#include "runtime/step_command.h"
#include "runtime/toolchain.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_MS 60000
#define TOOL_LIMIT ((size_t)1 << 20)

extern char **environ;
extern const struct provider provider_here;

static const char *
setting(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

/* --- the HOST --- */

static bool
host_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct remote_options options = {
		.ssh =
			{
				.address = str_from(setting("REMOTE_ADDRESS")),
				.user = STR("root"),
				.port = atoi(setting("REMOTE_PORT")),
				.folder = str_printf(&run->arena, "%.*s/ssh", STR_ARG(run->folder)).s,
				.key = setting("REMOTE_KEY"),
				.host_key = str_from(setting("REMOTE_HOST_KEY")),
				.environment = run->environment,
				.cancel = &run->cancel,
			},
		.lease = LEASE_MS,
	};
	struct str error;
	(void)action;
	if (!os_read(&run->arena, setting("REMOTE_TOOL"), TOOL_LIMIT, &options.tool, &error)) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
		return false;
	}
	for (uint32_t i = 0; i < run->host_count; i++)
		run->hosts[i].address = str_printf(&run->arena, "127.0.0.%u", 2 + i);
	struct remote *remote = remote_open(run, &options, atoi(setting("REMOTE_DEADLINE")), failure);
	return remote && (!run->host_count || remote_tell_fleet(remote, failure));
}

static const struct action_type action_host = {.name = "host", .section = SECTION_FLEET, .run = host_run};

static bool
machine_run(struct run *run, const struct action *action, struct failure *failure)
{
	return remote_await_host(run->remote, action->index, failure);
}

static const struct action_type action_machine = {
	.name = "machine", .section = SECTION_FLEET, .optional = true, .run = machine_run};

/* --- the provider --- */

static bool
here_observe(struct arena *arena, const struct project *project, const struct observing *observing, struct world *world,
	struct diags *diags)
{
	(void)observing;
	*world = (struct world){.provider = &provider_here, .cpus = 2};
	uint32_t count = 0;
	for (uint32_t i = 0; i < project->group_count; i++)
		count += (uint32_t)project->groups[i].set.count;
	world->hosts = arena_array(arena, struct planned_host, count);
	for (; world->host_count < count; world->host_count++)
		world->hosts[world->host_count] =
			(struct planned_host){.name = str_printf(arena, "coop-%u", world->host_count + 1), .slots = 1};
	if (count)
		return toolchain_find(arena, project, &world->toolchain, diags);
	toolchain_assume(&world->toolchain);
	return true;
}

static void
here_plan(struct arena *arena, struct plan *plan, uint32_t **ready, uint32_t *ready_count)
{
	uint32_t host = plan->count, count = plan->world->host_count, source = UINT32_MAX;
	*ready = arena_array(arena, uint32_t, count + 1);
	*ready_count = 0;
	plan_add(arena, plan, &action_host, STR("host"), NULL, 0);
	for (uint32_t i = 0; i < count; i++) {
		(*ready)[(*ready_count)++] = plan->count;
		struct str name = str_printf(arena, "machine %.*s", STR_ARG(plan->world->hosts[i].name));
		plan_add(arena, plan, &action_machine, name, &host, 1)->index = i;
	}
	if (source_asked(plan->project)) {
		source = plan->count;
		plan_add(arena, plan, &action_source, STR("source"), NULL, 0);
	}
	(*ready)[(*ready_count)++] = plan->count;
	plan_add(arena, plan, &action_tree, STR("tree"), (uint32_t[]){host, source}, source == UINT32_MAX ? 1 : 2);
}

static void
here_close(struct run *run)
{
	remote_close(run->remote);
}

static const struct action_type *const types[] = {&action_source, &action_artifact, NULL};

const struct provider provider_here = {
	.name = "aws",
	.observe = here_observe,
	.plan = here_plan,
	.types = types,
	.site = &site_remote,
	.close = here_close,
};

static const struct provider *const providers[] = {&provider_here, NULL};

int
main(int argc, char **argv)
{
	if (step_command_is(argv[0]))
		return step_command(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	struct cli cli = {.environment = environ, .cloud = &cloud_aws, .providers = providers};
	cli.diags.sources = &cli.sources;
	enum exit_status status = EXIT_STATUS_USAGE;
	if (options_read(&cli, argc, argv) && cli.command)
		status = cli.command->run(&cli);
	diag_print(&cli.diags, stderr, false);
	fflush(stdout);
	return (int)status;
}
