#include "runtime/provider_here.h"

#include "runtime/canary.h"
#include "runtime/fleet_local.h"
#include "runtime/step.h"
#include "runtime/toolchain.h"

#include "base/os.h"

#include <stdlib.h>
#include <sys/stat.h>

/* --- what is there --- */

bool
here_find(struct arena *arena, const char *program, const char *package, struct span span, struct str *path, struct diags *diags)
{
	*path = os_which(arena, program);
	if (path->n)
		return true;
	struct diag *diag = diag_error(diags, span, "there is no '%s' here, which this needs", program);
	diag_hint(diag, "install it (on Debian: apt-get install %s)", package);
	return false;
}

bool
here_observe(struct arena *arena, const struct project *project, const struct provider *provider, struct world *world,
	struct diags *diags)
{
	bool fleet = project->group_count > 0, found = true;
	*world = (struct world){.provider = provider, .cpus = os_cpu_count(), .memory = os_memory_mb()};
	if (fleet || project->compiler.n)
		found = toolchain_find(arena, project, &world->toolchain, diags);
	else
		toolchain_assume(&world->toolchain);
	if (fleet)
		found = here_find(arena, "distcc", "distcc", project->groups[0].span, &world->distcc, diags) && found;
	if (project->cached)
		found = here_find(arena, "ccache", "ccache", SPAN_NONE, &world->ccache, diags) && found;
	return found;
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

void
here_facts(struct arena *arena, struct world *world, struct words more)
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
		{"include_server", world->include_server},
	};
	struct words facts = {arena_array(arena, struct str, 16 + more.n), 0};
	facts.w[facts.n++] = str_printf(arena, "cpus=%d", world->cpus);
	if (toolchain->version.n) {
		facts.w[facts.n++] = str_printf(arena, "cc_version=%.*s", STR_ARG(toolchain->version));
		facts.w[facts.n++] = str_printf(arena, "cc_target=%.*s", STR_ARG(toolchain->target));
	}
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (programs[i].path.n)
			facts.w[facts.n++] = program_fact(arena, programs[i].name, programs[i].path);
	for (size_t i = 0; i < more.n; i++)
		facts.w[facts.n++] = more.w[i];
	qsort(facts.w, facts.n, sizeof *facts.w, compare_facts);
	world->facts = facts;
}

/* --- the plan --- */

uint32_t
here_add_folder(struct arena *arena, struct plan *plan, const char *detail, const char *why)
{
	struct action *action = plan_add(arena, plan, &action_fleet, STR("fleet"), NULL, 0);
	action->title = STR("folder");
	action->detail = str_from(detail);
	action->span = plan->project->groups[0].span;
	action->why = str_from(why);
	return plan->count - 1;
}

uint32_t
here_add_compiler(struct arena *arena, struct plan *plan, uint32_t folder)
{
	const struct toolchain *toolchain = &plan->world->toolchain;
	struct action *action = plan_add(arena, plan, &action_compiler, STR("compiler"), &folder, 1);
	action->detail = str_printf(arena, "%.*s %.*s, %.*s%s", STR_ARG(toolchain->cc), STR_ARG(toolchain->version),
		STR_ARG(toolchain->target), plan->world->ccache.n ? ", behind ccache" : "");
	action->span = plan->project->compiler.n ? plan->project->compiler_span : plan->project->groups[0].span;
	action->why = plan->project->compiler.n ? STR("the file says 'compiler'") : STR("the hosts need one");
	return plan->count - 1;
}

uint32_t
here_add_canary(struct arena *arena, struct plan *plan, const struct action_type *type, uint32_t host, const uint32_t *needs,
	uint32_t need_count)
{
	struct str name = str_printf(arena, "canary %.*s", STR_ARG(plan->world->hosts[host].name));
	struct action *action = plan_add(arena, plan, type, name, needs, need_count);
	action->title = STR("canary");
	action->detail = STR("the object is compared");
	action->index = host;
	action->span = plan->project->groups[0].span;
	action->why = STR("every host is proved before the build");
	return plan->count - 1;
}

uint32_t
here_add_source(struct arena *arena, struct plan *plan)
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
