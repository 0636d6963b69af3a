#include "runtime/canary_hint.h"

#include "runtime/toolchain.h"

struct str
canary_name_sent(struct str client_log)
{
	struct str command = str_after(str_after(client_log, " exec on "), ": ");
	return str_part(command, 0, str_find(command, ' '));
}

struct str
canary_package_hint(struct arena *arena, const struct project *project, const struct toolchain *toolchain, struct str name)
{
	struct str version = project->compiler_set.version, target = toolchain->target;
	if (!str_is(toolchain->kind, "gcc") || !str_starts(name, target))
		return STR("");
	struct str own = toolchain_package(arena, toolchain->kind, version, STR(""));
	struct str other = toolchain_package(arena, toolchain->kind, version, target);
	return str_printf(arena, "Debian has it in %.*s on machines of its own architecture, in %.*s on others", STR_ARG(own),
		STR_ARG(other));
}

struct str
canary_target_hint(struct arena *arena, const struct project *project, const struct toolchain *toolchain)
{
	struct str target = toolchain->target;
	if (project->compiler_set.target.n || project->compiler_set.cc.n)
		return STR("");
	if (!str_is(toolchain->kind, "gcc"))
		return str_printf(arena, "'compiler %.*s: target = %.*s' tells it what to compile for", STR_ARG(toolchain->kind),
			STR_ARG(target));
	struct str package = toolchain_package(arena, toolchain->kind, project->compiler_set.version, target);
	return str_printf(arena, "'compiler gcc: target = %.*s' asks it for %.*s-%.*s, which Debian has in %.*s", STR_ARG(target),
		STR_ARG(target), STR_ARG(toolchain->cc), STR_ARG(package));
}
