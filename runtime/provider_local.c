/* provider local: distccd daemons on loopback addresses of this machine. */
#include "runtime/canary.h"
#include "runtime/distcc.h"
#include "runtime/fleet_local.h"
#include "runtime/provider.h"
#include "runtime/site.h"
#include "runtime/step.h"
#include "runtime/toolchain.h"

#include "base/os.h"

#include <stdlib.h>
#include <sys/stat.h>

/* 127.0.0.1 is left alone: hosts are 127.0.0.2 and on. */
#define FIRST_HOST 2
#define HOST_LIMIT 1000
/* Jobs at once for each processor, at most, where the file does not say how many slots there are. */
#define JOBS_OF_CPU 4

/* --- what is there --- */

/* Finds a program; an error names the package that has it. */
static bool
find_program(struct arena *arena, const char *program, const char *package, struct span span, struct str *path, struct diags *diags)
{
	*path = os_which(arena, program);
	if (path->n)
		return true;
	struct diag *diag = diag_error(diags, span, "there is no '%s' here, which this needs", program);
	diag_hint(diag, "install it (on Debian: apt-get install %s)", package);
	return false;
}

static bool
find_distcc(struct arena *arena, const struct project *project, struct world *world, struct diags *diags)
{
	struct span span = project->groups[0].span;
	if (!find_program(arena, "distcc", "distcc", span, &world->distcc, diags))
		return false;
	/* Debian has it in /usr/bin, others in /usr/sbin, which is not on everybody's PATH. */
	world->distccd = os_which(arena, "distccd");
	if (!world->distccd.n)
		world->distccd = os_which(arena, "/usr/sbin/distccd");
	return world->distccd.n || find_program(arena, "distccd", "distcc", span, &world->distccd, diags);
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
		world->hosts[i].slots = distcc_slots(each, (int)project->distcc.slots);
	}
	return true;
}

/* A program as a fact: where it is and which one it is, without starting it. */
static struct str
program_fact(struct arena *arena, const char *name, struct str path)
{
	struct stat status;
	if (stat(str_c(arena, path), &status) < 0)
		return str_printf(arena, "%s=%.*s", name, STR_ARG(path));
	return str_printf(arena, "%s=%.*s %lld %lld", name, STR_ARG(path), (long long)status.st_size, (long long)status.st_mtime);
}

static int
compare_facts(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void
add_facts(struct arena *arena, struct world *world)
{
	const struct toolchain *toolchain = &world->toolchain;
	const struct {
		const char *name;
		struct str path;
	} programs[] = {
		{"cc", toolchain->cc_path},
		{"cxx", toolchain->cxx_path},
		{"distcc", world->distcc},
		{"distccd", world->distccd},
		{"ccache", world->ccache},
	};
	struct words facts = {arena_array(arena, struct str, 8), 0};
	facts.w[facts.n++] = str_printf(arena, "cpus=%d", world->cpus);
	if (toolchain->version.n) {
		facts.w[facts.n++] = str_printf(arena, "cc_version=%.*s", STR_ARG(toolchain->version));
		facts.w[facts.n++] = str_printf(arena, "cc_target=%.*s", STR_ARG(toolchain->target));
	}
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (programs[i].path.n)
			facts.w[facts.n++] = program_fact(arena, programs[i].name, programs[i].path);
	qsort(facts.w, facts.n, sizeof *facts.w, compare_facts);
	world->facts = facts;
}

/* What the file asks for and this provider does not do. */
static void
check_settings(const struct project *project, struct diags *diags)
{
	struct diag *diag;
	if (!project->group_count)
		return;
	if (str_is(project->distcc.pump, "yes")) {
		diag = diag_warning(diags, SPAN_NONE, "provider local does not use distcc's pump mode");
		diag_hint(diag, "its hosts are this machine: preprocessing on them would save nothing");
	}
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
	bool fleet = project->group_count > 0, found = true;
	*world = (struct world){.provider = &provider_local, .cpus = os_cpu_count()};
	if (fleet || project->compiler.n)
		found = toolchain_find(arena, project, &world->toolchain, diags);
	else
		toolchain_assume(&world->toolchain);
	if (fleet)
		found = find_distcc(arena, project, world, diags) && place_hosts(arena, project, world, diags) && found;
	if (project->cached)
		found = find_program(arena, "ccache", "ccache", SPAN_NONE, &world->ccache, diags) && found;
	check_settings(project, diags);
	add_facts(arena, world);
	return found;
}

/* --- the plan --- */

static uint32_t
add_source(struct arena *arena, struct plan *plan)
{
	const struct source_settings *set = &plan->project->source;
	struct action *action = plan_add(arena, plan, &action_source, STR("source"), NULL, 0);
	if (set->git.n)
		action->detail = str_printf(arena, "%.*s %.*s", STR_ARG(set->git), STR_ARG(set->ref));
	else
		action->detail = set->archive;
	action->why = STR("the file says 'source'");
	return plan->count - 1;
}

/* Folders, then side by side each host's daemon and the reference compile, then each host's proof. */
static void
add_fleet(struct arena *arena, struct plan *plan, uint32_t *ready)
{
	const struct world *world = plan->world;
	const struct toolchain *toolchain = &world->toolchain;
	struct span span = plan->project->groups[0].span;
	struct str why = STR("the file says 'instances'");
	uint32_t folder = plan->count, first = folder + 1;
	struct action *action = plan_add(arena, plan, &action_fleet, STR("fleet"), NULL, 0);
	action->title = STR("folder");
	action->detail = STR("what the daemons and the client keep");
	action->span = span;
	action->why = why;
	for (uint32_t i = 0; i < world->host_count; i++) {
		const struct planned_host *host = &world->hosts[i];
		action = plan_add(arena, plan, &action_distccd, str_printf(arena, "distccd %.*s", STR_ARG(host->name)), &folder, 1);
		action->title = STR("distccd");
		action->detail = str_printf(arena, "%d slot%s", host->slots, host->slots == 1 ? "" : "s");
		action->index = i;
		action->span = span;
		action->why = why;
	}
	uint32_t compiler = plan->count;
	action = plan_add(arena, plan, &action_compiler, STR("compiler"), &folder, 1);
	action->detail = str_printf(arena, "%.*s %.*s, %.*s%s", STR_ARG(toolchain->cc), STR_ARG(toolchain->version),
		STR_ARG(toolchain->target), world->ccache.n ? ", behind ccache" : "");
	action->span = plan->project->compiler.n ? plan->project->compiler_span : span;
	action->why = plan->project->compiler.n ? STR("the file says 'compiler'") : STR("the hosts need one");
	for (uint32_t i = 0; i < world->host_count; i++) {
		struct str name = str_printf(arena, "canary %.*s", STR_ARG(world->hosts[i].name));
		ready[i] = plan->count;
		action = plan_add(arena, plan, &action_canary, name, (uint32_t[]){first + i, compiler}, 2);
		action->title = STR("canary");
		action->detail = STR("the object is compared");
		action->index = i;
		action->span = span;
		action->why = STR("every host is proved before the build");
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
		(*ready)[(*ready_count)++] = add_source(arena, plan);
}

static const struct action_type *const types[] = {
	&action_fleet,
	&action_distccd,
	&action_compiler,
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
