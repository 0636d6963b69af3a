/* provider local: distccd daemons on loopback addresses of this machine. */
#include "runtime/canary.h"
#include "runtime/distcc.h"
#include "runtime/fleet_local.h"
#include "runtime/provider_here.h"
#include "runtime/pump.h"
#include "runtime/site.h"
#include "runtime/step.h"

#include "base/os.h"

/* 127.0.0.1 is left alone: hosts are 127.0.0.2 and on. */
#define FIRST_HOST 2
#define HOST_LIMIT 1000
/* Jobs at once for each processor, at most, where the file does not say how many slots there are. */
#define JOBS_OF_CPU 4

/* --- what is there --- */

static bool
find_distccd(struct arena *arena, const struct project *project, struct world *world, struct diags *diags)
{
	/* Debian has it in /usr/bin, others in /usr/sbin, which is not on everybody's PATH. */
	world->distccd = os_which(arena, "distccd");
	if (!world->distccd.n)
		world->distccd = os_which(arena, "/usr/sbin/distccd");
	return world->distccd.n || here_find(arena, "distccd", "distcc", project->groups[0].span, &world->distccd, diags);
}

/* The hosts' addresses, and their parts of this machine's processors. */
static bool
place_hosts(struct arena *arena, const struct project *project, struct world *world, struct diags *diags)
{
	int64_t count = 0;
	for (uint32_t i = 0; i < project->group_count; i++)
		count += project->groups[i].set.count;
	if (count > HOST_LIMIT) {
		struct diag *diag = diag_error(
			diags, project->groups[0].span, "%lld hosts are more than one machine can play", (long long)count);
		diag_hint(diag, "provider local has at most %d", HOST_LIMIT);
		return false;
	}
	if (count == 0)
		return true;
	world->host_count = (uint32_t)count;
	/* They share this machine: sixty-four hosts on two processors are no reason for sixty-six compilers in its memory. */
	world->most_jobs = project->distcc.slots || project->distcc.local_slots ? 0 : JOBS_OF_CPU * world->cpus;
	world->hosts = arena_array(arena, struct planned_host, count);
	int each = (world->cpus + (int)count - 1) / (int)count;
	for (int i = 0; i < (int)count; i++) {
		int number = i + FIRST_HOST;
		world->hosts[i].name = str_printf(arena, "127.0.%d.%d", number / 256, number % 256);
		world->hosts[i].slots = capacity_slots(&(struct capacity){.cpus = each}, (int)project->distcc.slots);
	}
	return true;
}

/* What the file asks for and this provider does not do. */
static void
check_settings(const struct project *project, struct diags *diags)
{
	struct diag *diag;
	if (!project->group_count)
		return;
	if (str_is(project->distcc.transport, "ssh")) {
		diag = diag_warning(
			diags, SPAN_NONE, "provider local does not use ssh: its hosts are on this machine's loopback addresses");
		diag_hint(diag, "'transport = ssh' has its meaning with other providers");
	}
}

static bool
local_observe(struct arena *arena, const struct project *project, const struct observing *observing, struct world *world,
	struct diags *diags)
{
	(void)observing;
	bool found = here_observe(arena, project, &provider_local, world, diags);
	if (world->distcc.n)
		found = find_distccd(arena, project, world, diags) && place_hosts(arena, project, world, diags) && found;
	check_settings(project, diags);
	found = pump_observe(arena, project, world, diags) && found;
	here_facts(arena, world, (struct words){NULL, 0});
	return found;
}

/* --- the plan --- */

/* Folders, then side by side each host's daemon and the reference compile, then each host's proof. */
static void
add_fleet(struct arena *arena, struct plan *plan, uint32_t *ready)
{
	const struct world *world = plan->world;
	uint32_t folder = here_add_folder(arena, plan, "what the daemons and the client keep", "the file says 'instances'");
	for (uint32_t i = 0; i < world->host_count; i++) {
		const struct planned_host *host = &world->hosts[i];
		struct str name = str_printf(arena, "distccd %.*s", STR_ARG(host->name));
		struct action *action = plan_add(arena, plan, &action_distccd, name, &folder, 1);
		action->title = STR("distccd");
		action->detail = str_printf(arena, "%d slot%s", host->slots, host->slots == 1 ? "" : "s");
		action->index = i;
		action->span = plan->project->groups[0].span;
		action->why = STR("the file says 'instances'");
	}
	uint32_t needs[3] = {0, here_add_compiler(arena, plan, folder)};
	uint32_t count = pump_add(arena, plan, &action_pump, folder, needs, 2);
	for (uint32_t i = 0; i < world->host_count; i++) {
		needs[0] = folder + 1 + i;
		ready[i] = here_add_canary(arena, plan, &action_canary, i, needs, count);
	}
}

static void
local_plan(struct arena *arena, struct plan *plan, uint32_t **ready, uint32_t *ready_count)
{
	uint32_t hosts = plan->world->host_count;
	*ready = arena_array(arena, uint32_t, hosts + 1);
	*ready_count = hosts;
	if (hosts)
		add_fleet(arena, plan, *ready);
	if (source_asked(plan->project))
		(*ready)[(*ready_count)++] = here_add_source(arena, plan);
}

static const struct action_type *const types[] = {
	&action_fleet,
	&action_distccd,
	&action_compiler,
	&action_pump,
	&action_canary,
	&action_source,
	&action_artifact,
	NULL,
};

const struct provider provider_local = {
	.name = "local",
	.observe = local_observe,
	.plan = local_plan,
	.types = types,
	.site = &site_local,
};
