/* provider aws: EC2 machines in a network of their own, made for the run and removed after it. */
#include "aws/cloud_aws.h"
#include "aws/fleet.h"
#include "aws/sweep.h"

#include "base/arena.h"
#include "remote/cache.h"
#include "remote/remote.h"
#include "runtime/distcc.h"
#include "runtime/pump.h"
#include "runtime/step.h"
#include "runtime/toolchain.h"

#include <stdlib.h>
#include <string.h>

/* --- what is there --- */

/* The commands as distributions call them; which version they turn out to be, the machines say. */
static struct toolchain
asked_toolchain(struct arena *arena, const struct project *project)
{
	const struct compiler_settings *set = &project->compiler_set;
	struct str major = str_part(set->version, 0, str_find(set->version, '.'));
	bool clang = str_is(project->compiler, "clang");
	struct toolchain toolchain = {.kind = clang ? STR("clang") : STR("gcc"), .version = set->version, .target = set->target};
	struct str prefix = toolchain_before(arena, toolchain.kind, set->target);
	struct str suffix = toolchain_after(arena, toolchain.kind, set->target);
	struct str version = major.n ? str_printf(arena, "-%.*s", STR_ARG(major)) : STR("");
	const char *names[] = {clang ? "clang" : "gcc", clang ? "clang++" : "g++"};
	struct str *commands[] = {&toolchain.cc, &toolchain.cxx};
	const struct str given[] = {set->cc, set->cxx};
	for (size_t i = 0; i < 2; i++)
		*commands[i] = given[i].n ? given[i]
					  : str_printf(arena, "%.*s%s%.*s%.*s", STR_ARG(prefix), names[i], STR_ARG(version),
						    STR_ARG(suffix));
	return toolchain;
}

/* The HOST compiles too, but first of all it preprocesses for the others. */
static int
host_slots(int cpus, uint32_t coops)
{
	int slots = !coops ? cpus : coops <= 2 ? cpus / 2 : cpus / 4;
	return slots > 1 ? slots : 1;
}

static void
place_hosts(struct arena *arena, const struct project *project, const struct fleet_seen *seen, struct world *world)
{
	const struct fleet_launch *last = &seen->launches[seen->launch_count - 1];
	world->host_count = last->first + last->count;
	world->hosts = arena_array(arena, struct planned_host, world->host_count);
	world->cpus = (int)seen->launches[0].types[0]->cpus;
	world->memory = seen->launches[0].types[0]->memory >> 20;
	for (size_t i = 0; i < seen->launch_count; i++) {
		const struct fleet_launch *launch = &seen->launches[i];
		int cpus = (int)launch->types[0]->cpus;
		for (uint32_t h = launch->first; h < launch->first + launch->count; h++) {
			int slots = h ? cpus : host_slots(cpus, world->host_count - 1);
			world->hosts[h].name = h ? str_printf(arena, "coop-%u", h) : STR("host");
			world->hosts[h].slots = project->distcc.slots ? (int)project->distcc.slots : slots;
			world->all_cpus += cpus;
		}
	}
}

static int
compare_facts(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void
add_facts(struct arena *arena, const struct fleet_seen *seen, struct world *world)
{
	struct words facts = {NULL, 0};
	for (size_t i = 0; i < seen->launch_count; i++)
		words_add(arena, &facts, str_printf(arena, "image_%zu=%.*s", i + 1, STR_ARG(seen->launches[i].image.id)));
	for (size_t i = 0; i < seen->type_count; i++)
		words_add(arena, &facts,
			str_printf(arena, "type_%.*s=%lld cpus", STR_ARG(seen->types[i].name), (long long)seen->types[i].cpus));
	words_add(arena, &facts, str_printf(arena, "aws_region=%.*s", STR_ARG(seen->region)));
	words_add(arena, &facts, str_printf(arena, "account=%.*s", STR_ARG(seen->account)));
	words_add(arena, &facts, str_printf(arena, "ssh=%.*s", STR_ARG(words_join(arena, seen->ssh, STR(" ")))));
	words_add(arena, &facts, str_printf(arena, "kept=%.*s", STR_ARG(seen->kept ? seen->kept->run : STR(""))));
	words_add(arena, &facts, str_printf(arena, "unused=%.*s", STR_ARG(words_join(arena, seen->unused, STR(" ")))));
	qsort(facts.w, facts.n, sizeof *facts.w, compare_facts);
	world->facts = facts;
}

static void
warn_of_end(struct aws *aws, const struct project *project, struct diags *diags)
{
	int64_t end = aws_credentials_expire(aws);
	char when[25];
	if (!end || end > os_time_ms() + project->limits.time)
		return;
	os_timestamp(end, when);
	diag_hint(diag_warning(diags, SPAN_NONE, "the credentials from %.*s end at %.16sZ, which 'limits: time' is longer than",
			  STR_ARG(aws_credentials_source(aws)), when),
		"edcc renews them where they can be renewed; log in anew before a long run, or while it goes on");
}

/* Asks AWS. */
static bool
look(struct arena *arena, const struct project *project, const struct observing *observing, struct fleet_seen *seen,
	struct words *notes, struct diags *diags)
{
	struct os_cancel never = {.fd = -1};
	struct failure failure = {.arena = arena};
	void *account = observing->cloud->open(cloud_place(project), observing->environment, &never, &failure);
	if (!account) {
		diag_hint(
			diag_error(diags, project->provider_span, "%.*s", STR_ARG(failure.message)), "%.*s", STR_ARG(failure.hint));
		return false;
	}
	struct aws *aws = cloud_aws_client(account);
	seen->region = str_dup(arena, aws_region(aws));
	warn_of_end(aws, project, diags);
	bool found = fleet_look(arena, aws, seen, notes, diags);
	observing->cloud->close(account);
	return found;
}

static bool
aws_observe(struct arena *arena, const struct project *project, const struct observing *observing, struct world *world,
	struct diags *diags)
{
	struct fleet_seen *seen = arena_new(arena, struct fleet_seen);
	struct words unasked = {NULL, 0};
	*world = (struct world){.provider = &provider_aws, .costs = true, .price = -1, .seen = seen};
	if (!fleet_lay_out(arena, project, seen, diags))
		return false;
	seen->region = observing->cloud->region(arena, cloud_place(project), observing->environment);
	fleet_find_kept(arena, observing, project, seen);
	if (observing->offline)
		words_add(arena, &unasked, STR("nothing was looked up (--offline): image, types, zones, prices, quotas"));
	else if (!look(arena, project, observing, seen, &unasked, diags))
		return false;
	if (!fleet_choose_zones(arena, project, seen, diags))
		return false;
	world->region = seen->region;
	world->unused = seen->unused;
	world->toolchain = asked_toolchain(arena, project);
	place_hosts(arena, project, seen, world);
	seen->pump = pump_decide(project, world, diags);
	add_facts(arena, seen, world);
	fleet_notes(arena, project, observing, seen, &world->notes, &world->price);
	for (size_t i = 0; i < unasked.n; i++)
		words_add(arena, &world->notes, unasked.w[i]);
	return true;
}

/* --- the plan --- */

struct planning {
	struct arena *arena;
	struct plan *plan;
	const struct fleet_seen *seen;
	struct span span; /* of what asks for machines */
};

#define NOT_PLANNED UINT32_MAX

/* Adds an action that needs those of the others that are in the plan. */
static uint32_t
add(struct planning *planning, const struct action_type *type, const char *title, struct str detail, const uint32_t *needs,
	size_t count)
{
	uint32_t planned[8], n = 0;
	for (size_t i = 0; i < count; i++)
		if (needs[i] != NOT_PLANNED)
			planned[n++] = needs[i];
	struct action *action = plan_add(planning->arena, planning->plan, type, str_from(type->name), planned, n);
	action->title = str_from(title);
	action->detail = detail;
	action->span = planning->span;
	action->why = STR("the file says 'instances'");
	return planning->plan->count - 1;
}

#define NEEDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

/* "4 c7i.xlarge (spot), debian-12 ami-…" for each launch. */
static struct str
machines_text(struct planning *planning)
{
	struct buf text = buf_new(planning->arena);
	for (size_t i = 0; i < planning->seen->launch_count; i++) {
		const struct fleet_launch *launch = &planning->seen->launches[i];
		buf_printf(&text, "%s%u %.*s", i ? "; " : "", launch->count, STR_ARG(launch->types[0]->name));
		for (size_t t = 1; t < launch->type_count; t++)
			buf_printf(&text, " or %.*s", STR_ARG(launch->types[t]->name));
		buf_printf(&text, "%s, %.*s", launch->group->set.spot ? " (spot)" : "", STR_ARG(launch->image_name));
		if (launch->image.id.n && !str_eq(launch->image.id, launch->image_name))
			buf_printf(&text, " (%.*s)", STR_ARG(launch->image.id));
	}
	return buf_str(&text);
}

static struct str
subnet_text(struct planning *planning)
{
	const struct fleet_seen *seen = planning->seen;
	if (!seen->zones.n)
		return seen->subnet_range;
	return str_printf(planning->arena, "%.*s in %.*s", STR_ARG(seen->subnet_range), STR_ARG(seen->zones.w[0]));
}

/* The network as far as it is not there, and the machines in it; returns the action after which they answer. */
static uint32_t
add_creation(struct planning *planning)
{
	const struct fleet_seen *seen = planning->seen;
	bool own_vpc = !seen->vpc.n && !seen->subnet.n, own_subnet = !seen->subnet.n;
	const struct str none = STR("");
	uint32_t open = NOT_PLANNED, vpc = NOT_PLANNED, gateway = NOT_PLANNED, subnet = NOT_PLANNED, attach = NOT_PLANNED,
		 routes = NOT_PLANNED, route = NOT_PLANNED;
	struct str unknown = fleet_open_text(planning->arena, seen);
	if (unknown.n)
		open = add(planning, &action_open, "look-up", unknown, NEEDS(NOT_PLANNED));
	uint32_t key = add(planning, &action_key, "key", STR("a new one, for this run"), NEEDS(NOT_PLANNED));
	if (own_vpc) {
		vpc = add(planning, &action_vpc, "vpc", seen->vpc_range, NEEDS(NOT_PLANNED));
		gateway = add(planning, &action_gateway, "gateway", none, NEEDS(NOT_PLANNED));
	}
	if (own_subnet)
		subnet = add(planning, &action_subnet, "subnet", subnet_text(planning), NEEDS(vpc));
	uint32_t group = add(planning, &action_group, "security group", none,
		NEEDS(vpc, seen->vpc.n      ? NOT_PLANNED
			   : seen->subnet.n ? open
					    : NOT_PLANNED));
	if (own_vpc) {
		attach = add(planning, &action_attach, "attachment", STR("of the gateway to the vpc"), NEEDS(vpc, gateway));
		routes = add(planning, &action_routes, "route table", STR("the vpc's main one"), NEEDS(vpc));
		route = add(planning, &action_route, "route", STR("0.0.0.0/0 by the gateway"), NEEDS(attach, routes));
	}
	uint32_t rules = add(planning, &action_rules, "rules", STR("ssh from outside, all else from within"),
		NEEDS(group, seen->ssh.n ? NOT_PLANNED : open));
	uint32_t instances =
		add(planning, &action_instances, "instances", machines_text(planning), NEEDS(key, open, subnet, group, attach));
	return add(planning, &action_boot, "boot", STR("until the host answers"), NEEDS(instances, rules, route));
}

static void
add_canaries(struct planning *planning, uint32_t boot, uint32_t *ready)
{
	struct plan *plan = planning->plan;
	const struct planned_host *hosts = plan->world->hosts;
	for (uint32_t i = 0; i < plan->world->host_count; i++) {
		const struct action_type *type = i ? &action_await_optional : &action_await;
		ready[i] = add(planning, type, "canary",
			str_printf(planning->arena, "%d slot%s", hosts[i].slots, hosts[i].slots == 1 ? "" : "s"), NEEDS(boot));
		struct action *action = &plan->actions[ready[i]];
		action->name = str_printf(planning->arena, "canary %.*s", STR_ARG(hosts[i].name));
		action->index = i;
		action->why = STR("every host is proved before the build");
	}
}

static uint32_t
add_source(struct planning *planning)
{
	const struct source_settings *set = &planning->plan->project->source;
	struct str detail =
		set->git.n ? str_printf(planning->arena, "%.*s %.*s", STR_ARG(set->git), STR_ARG(set->ref)) : set->archive;
	uint32_t source = add(planning, &action_source, "source", detail, NEEDS(NOT_PLANNED));
	planning->plan->actions[source].why = STR("the file says 'source'");
	return source;
}

static void
aws_plan(struct arena *arena, struct plan *plan, uint32_t **ready, uint32_t *ready_count)
{
	struct planning planning = {arena, plan, plan->world->seen, plan->project->groups[0].span};
	const struct fleet_kept *kept = planning.seen->kept;
	uint32_t hosts = plan->world->host_count, source = NOT_PLANNED, boot;
	*ready = arena_array(arena, uint32_t, hosts + 3);
	if (kept)
		boot = add(&planning, &action_adopt, "fleet", str_printf(arena, "that of run %.*s", STR_ARG(kept->run)),
			NEEDS(NOT_PLANNED));
	else
		boot = add_creation(&planning);
	add_canaries(&planning, boot, *ready);
	if (source_asked(plan->project))
		source = add_source(&planning);
	(*ready)[hosts] =
		add(&planning, &action_tree, "tree", STR("the source goes up, as far as it is not there"), NEEDS(boot, source));
	plan->actions[(*ready)[hosts]].why = STR("the build runs on the host");
	uint32_t tags = add(&planning, &action_tags, "tags", STR("whose it is, and the host's key: beside the build"), NEEDS(boot));
	plan->actions[tags].why = STR("edcc gc and edcc ssh work from any machine");
	*ready_count = hosts + 1;
	if (remote_cache_is_kept(plan->project))
		(*ready)[(*ready_count)++] = remote_plan_fetch(arena, plan, boot);
	*ready_count = pump_add(arena, plan, &action_remote_pump, (*ready)[0], *ready, *ready_count);
}

static void
aws_plan_late(struct arena *arena, struct plan *plan)
{
	if (remote_cache_is_kept(plan->project))
		remote_plan_save(arena, plan);
}

static const struct action_type *const types[] = {
	&action_vpc,
	&action_gateway,
	&action_subnet,
	&action_group,
	&action_attach,
	&action_instances,
	&action_tree,
	&action_source,
	&action_artifact,
	NULL,
};

const struct provider provider_aws = {
	.name = "aws",
	.observe = aws_observe,
	.plan = aws_plan,
	.plan_late = aws_plan_late,
	.types = types,
	.site = &site_remote,
	.sweep = &aws_sweep,
	.keep = fleet_keep,
	.close = fleet_close,
};
