/* provider hosts: machines that exist, with distccd's of their own, for a build on this machine. */
#include "hosts/probe.h"
#include "hosts/provider_hosts.h"
#include "hosts/zeroconf.h"
#include "runtime/canary.h"
#include "runtime/distcc.h"
#include "runtime/fleet_local.h"
#include "runtime/provider_here.h"
#include "runtime/pump.h"
#include "runtime/share.h"
#include "runtime/site.h"
#include "runtime/step.h"

#include <stdlib.h>

/* A machine of the list: what was found there, and its place among those that are used. */
struct machine {
	struct host_spec host;
	struct probe probe;
	int told; /* its --jobs, as it announces them; 0 where it does not */
	int sharing; /* how many of the list's daemons are on that machine */
	int class; /* of its distance; less is nearer */
};

/* --- the list --- */

void
hosts_complete(const struct project *project, struct host_spec *host)
{
	const struct distcc_settings *set = &project->distcc;
	if (host->kind == HOST_TCP && str_is(set->transport, "ssh"))
		host->kind = HOST_SSH;
	if (host->kind == HOST_TCP && !host->port && set->given & GIVEN(distcc, port))
		host->port = (int)set->port;
	if (str_is(set->compression, "yes"))
		host->options |= 1u << HOST_OPTION_lzo;
}

/* The host as it is used. False where that cannot be (filed). */
static bool
complete(const struct project *project, struct host_spec *host, struct diags *diags)
{
	if (host->kind == HOST_TCP && str_is(project->distcc.transport, "ssh") && (host->port || host->bracketed)) {
		struct diag *diag = diag_error(diags, host->span, "'transport = ssh' is for all hosts, and this one %s",
			host->port ? "has a port of distccd's" : "is an IPv6 address");
		diag_hint(diag, "~/.ssh/config says how a NAME is reached: HostName, Port, User");
		return false;
	}
	hosts_complete(project, host);
	return true;
}

/* Whether a machine that has announced itself stands in the list, too. */
static bool
is_listed(const struct machine *machines, size_t count, const struct host_spec *host)
{
	bool listed = false;
	for (size_t i = 0; i < count; i++)
		listed |= machines[i].host.kind == host->kind && machines[i].host.port == host->port &&
			  str_eq(machines[i].host.name, host->name);
	return listed;
}

/* All machines of the list that are up. False with errors filed. */
static bool
take_machines(const struct project *project, struct machine *machines, size_t *count, struct diags *diags)
{
	bool complete_all = true;
	for (uint32_t i = 0; i < project->machines.count; i++) {
		struct machine *machine = &machines[*count];
		machine->host = project->machines.hosts[i];
		if (machine->host.kind == HOST_LOCAL || HOST_HAS(&machine->host, down))
			continue;
		complete_all = complete(project, &machine->host, diags) && complete_all;
		++*count;
	}
	return complete_all;
}

/* Adds what announces itself now. False with an error filed. */
static bool
take_announced(struct arena *arena, const struct project *project, const struct observing *observing, struct str distcc,
	struct machine **machines, size_t *count, struct diags *diags)
{
	struct span word = project->machines.zeroconf;
	struct host_spec *found;
	size_t found_count;
	struct str why;
	if (!word.source || observing->offline || !distcc.n)
		return true;
	if (!zeroconf_find(arena, distcc, observing->environment, &found, &found_count, &why)) {
		struct diag *diag = project->hosts.strict
					    ? diag_error(diags, word, "+zeroconf finds no machine: %.*s", STR_ARG(why))
					    : diag_warning(diags, word, "+zeroconf finds no machine: %.*s", STR_ARG(why));
		diag_hint(diag, ZEROCONF_HINT);
		return !project->hosts.strict;
	}
	*machines = arena_grow(arena, *machines, *count * sizeof **machines, (*count + found_count) * sizeof **machines);
	for (size_t i = 0; i < found_count; i++) {
		struct machine *machine = &(*machines)[*count];
		*machine = (struct machine){.host = found[i], .told = found[i].limit};
		machine->host.span = word;
		machine->host.limit = 0;
		*count += complete(project, &machine->host, diags) && !is_listed(*machines, *count, &machine->host);
	}
	return true;
}

/* The same network, the same country, further: hosts of one class stay in the list's order, so that no plan depends on the microseconds of a connection. */
static int
distance(int64_t trip_us)
{
	return trip_us < 10000 ? 0 : trip_us < 100000 ? 1 : 2;
}

static struct str
address_of(struct arena *arena, const struct host_spec *host)
{
	struct buf text = buf_new(arena);
	host_print_address(&text, host);
	return buf_str(&text);
}

/* On how many ports of one machine the list has a daemon. */
static void
count_sharing(struct machine *machines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			machines[i].sharing += str_eq(machines[i].host.name, machines[j].host.name);
}

/* What each is asked: with two daemons on a machine nobody knows whose numbers --stats would give. */
static struct probe *
probes_of(struct arena *arena, const struct project *project, const struct observing *observing, struct str compiler,
	struct machine *machines, size_t count)
{
	struct probe *probes = arena_array(arena, struct probe, count);
	for (size_t i = 0; i < count; i++)
		probes[i] = (struct probe){
			.host = &machines[i].host,
			.compiler = compiler,
			.stats_port = machines[i].sharing > 1 ? 0 : (int)project->distcc.stats_port,
			.shares = distcc_ssh_is_own(observing->environment),
			.reached = observing->offline,
		};
	return probes;
}

/* Whether what announces itself is a machine that the list has under a name: those stand before it. */
static bool
is_named(const struct probe *probes, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (probes[i].peer.n && str_eq(probes[i].peer, probes[index].peer))
			return true;
	return false;
}

/* Asks them all. What cannot be reached is left out, or an error. False where none is left or where it is an error. */
static bool
reach(struct arena *arena, const struct project *project, const struct observing *observing, struct str compiler,
	struct machine *machines, size_t *count, struct diags *diags)
{
	size_t reached = 0, left_out = 0;
	struct probe *probes = probes_of(arena, project, observing, compiler, machines, *count);
	if (!observing->offline)
		probe_all(arena, probes, *count, distcc_ssh(observing->environment), observing->environment);
	for (size_t i = 0; i < *count; i++) {
		struct host_spec *host = &machines[i].host;
		if (machines[i].told && is_named(probes, i))
			continue;
		if (probes[i].reached) {
			machines[i].probe = probes[i];
			machines[i].class = distance(probes[i].trip_us);
			machines[reached++] = machines[i];
			continue;
		}
		left_out++;
		struct str name = address_of(arena, host);
		struct diag *diag = project->hosts.strict ? diag_error(diags, host->span, "%.*s cannot be used: %.*s",
								    STR_ARG(name), STR_ARG(probes[i].reason))
							  : diag_warning(diags, host->span, "%.*s is left out: %.*s", STR_ARG(name),
								    STR_ARG(probes[i].reason));
		diag_hint(diag, "%.*s", STR_ARG(probes[i].hint));
	}
	bool found = reached ? !left_out || !project->hosts.strict : observing->offline;
	if (!reached && !observing->offline) {
		/* Without a place it comes after all the reasons. */
		struct diag *diag = diag_error(diags, SPAN_NONE, "no host of the list can be used");
		diag_hint(diag, "`edcc doctor` looks closer at each; --provider local builds on this machine alone");
	}
	*count = reached;
	return found;
}

/* --- what is there --- */

/* The nearest first, unless the list wants to be shuffled. There are few, and most are in order. */
static void
sort_machines(struct machine *machines, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct machine machine = machines[i];
		size_t at = i;
		for (; at > 0 && machines[at - 1].class > machine.class; at--)
			machines[at] = machines[at - 1];
		machines[at] = machine;
	}
}

/* What the list says itself, else what `distcc:` says, else what the machine has room for; never more than its daemon takes at once. */
static int
slots_of(struct arena *arena, const struct project *project, const struct machine *machine, struct diags *diags)
{
	struct capacity has = capacity_share(machine->probe.has, machine->sharing);
	int asked = machine->host.limit ? machine->host.limit : (int)project->distcc.slots;
	has.jobs = has.jobs ? has.jobs : machine->told;
	has.by_ssh = machine->host.kind == HOST_SSH;
	int slots = capacity_slots(&has, asked);
	if (slots < machine->host.limit) {
		struct str name = address_of(arena, &machine->host);
		struct diag *diag = diag_warning(diags, machine->host.span, "%.*s takes %d job%s at once and is given %d",
			STR_ARG(name), has.jobs, has.jobs == 1 ? "" : "s", machine->host.limit);
		diag_hint(diag, "%d are used: more would wait there, unseen (distccd --jobs says how many it takes)", slots);
	}
	return slots;
}

/* What others keep busy is used, but whoever waits for it should know. */
static void
note_load(struct arena *arena, const struct machine *machine, struct words *notes)
{
	const struct probe *probe = &machine->probe;
	if (!probe->has.cpus || probe->load < 1.5 * probe->has.cpus)
		return;
	struct str name = address_of(arena, &machine->host);
	words_add(arena, notes,
		str_printf(arena, "%.*s is busy: a load of %.1f on %d processor%s", STR_ARG(name), probe->load, probe->has.cpus,
			probe->has.cpus == 1 ? "" : "s"));
}

/* More slots than processors would look like a mistake. */
static void
note_ssh(struct arena *arena, const struct project *project, const struct machine *machines, size_t count, struct words *notes)
{
	bool computed = false;
	for (size_t i = 0; i < count; i++)
		computed |= machines[i].host.kind == HOST_SSH && !machines[i].host.limit && machines[i].probe.has.cpus;
	if (computed && !project->distcc.slots)
		words_add(arena, notes,
			str_printf(arena,
				"%d slots for each processor over ssh: a compile holds one up to a second longer than it computes",
				SLOTS_OF_CPU_BY_SSH));
}

/* The processors of all of them, with those here; 0 where some are not known. */
static int
count_cpus(const struct machine *machines, size_t count, int here)
{
	int cpus = here;
	for (size_t i = 0; i < count; i++) {
		bool counted = false;
		for (size_t j = 0; j < i; j++)
			counted |= str_eq(machines[i].host.name, machines[j].host.name);
		if (!machines[i].probe.has.cpus)
			return 0;
		cpus += counted ? 0 : machines[i].probe.has.cpus;
	}
	return cpus;
}

static void
add_hosts(struct arena *arena, const struct project *project, const struct machine *machines, size_t count, struct world *world,
	struct diags *diags)
{
	world->all_cpus = count ? count_cpus(machines, count, world->cpus) : 0;
	world->host_count = (uint32_t)count;
	world->hosts = arena_array(arena, struct planned_host, count);
	for (size_t i = 0; i < count; i++) {
		struct planned_host *host = &world->hosts[i];
		struct buf rest = buf_new(arena);
		struct host_spec spec = machines[i].host;
		host->pump = HOST_HAS(&spec, cpp);
		spec.options &= ~(1u << HOST_OPTION_cpp);
		host_print_rest(&rest, &spec);
		host->name = host->address = address_of(arena, &machines[i].host);
		host->rest = buf_str(&rest);
		host->distance = machines[i].class;
		host->slots = slots_of(arena, project, &machines[i], diags);
		if (spec.kind == HOST_SSH && machines[i].probe.shares && !machines[i].probe.sharing)
			host->connections = share_connections(host->slots);
		note_load(arena, &machines[i], &world->notes);
	}
	note_ssh(arena, project, machines, count, &world->notes);
}

/* What stands in distcc's list besides the machines: first what the list has before the first of them, then the rest. */
static void
add_own(struct arena *arena, const struct project *project, struct world *world)
{
	struct buf before = buf_new(arena), after = buf_new(arena);
	bool machine = false;
	if (project->machines.randomize)
		buf_add_c(&before, "--randomize");
	for (uint32_t i = 0; i < project->machines.count; i++) {
		const struct host_spec *host = &project->machines.hosts[i];
		struct buf *out = machine ? &after : &before;
		machine |= host->kind != HOST_LOCAL;
		if (host->kind != HOST_LOCAL)
			continue;
		if (out->n)
			buf_add_byte(out, ' ');
		host_print(out, host);
	}
	world->hosts_before = buf_str(&before);
	world->hosts_after = buf_str(&after);
}

/* What was not asked. The word +zeroconf is not passed on: distcc would send compiles to machines that nobody has proved. */
static void
note_offline(struct arena *arena, const struct project *project, const struct observing *observing, struct world *world)
{
	if (!observing->offline)
		return;
	if (world->host_count)
		words_add(arena, &world->notes,
			STR("no machine was asked (--offline): where neither the list nor 'slots' says it, 4 slots are assumed"));
	if (project->machines.zeroconf.source)
		words_add(arena, &world->notes, STR("+zeroconf was not looked up (--offline): only machines of the list are used"));
}

/* One line: what the plan was made from is what is used. */
static struct words
facts_of(struct arena *arena, const struct world *world)
{
	struct words facts = {arena_array(arena, struct str, world->host_count), world->host_count};
	for (uint32_t i = 0; i < world->host_count; i++) {
		const struct planned_host *host = &world->hosts[i];
		facts.w[i] = str_printf(arena, "host=%.*s/%d%.*s", STR_ARG(host->address), host->slots, STR_ARG(host->rest));
	}
	return facts;
}

/* The list as distcc will have it once all are proved, ready to be used without edcc. */
static void
add_notes(struct arena *arena, const struct project *project, struct world *world)
{
	struct host *hosts = arena_array(arena, struct host, world->host_count);
	for (uint32_t i = 0; i < world->host_count; i++) {
		const struct planned_host *planned = &world->hosts[i];
		hosts[i] = (struct host){
			.address = planned->address, .rest = planned->rest, .slots = planned->slots, .ready = true, .apart = true};
	}
	struct str list = distcc_hosts(arena, hosts, world->host_count, false);
	list = distcc_host_list(arena, project, world, list);
	words_add(arena, &world->notes, str_printf(arena, "DISTCC_HOSTS=%.*s", STR_ARG(str_shell_quote(arena, list))));
}

static bool
hosts_observe(struct arena *arena, const struct project *project, const struct observing *observing, struct world *world,
	struct diags *diags)
{
	struct machine *machines = arena_array(arena, struct machine, project->machines.count + 1);
	size_t count = 0;
	bool found = here_observe(arena, project, &provider_hosts, world, diags);
	if (!project->machines.machines && !project->machines.zeroconf.source) {
		struct diag *diag = diag_error(diags, project->provider_span, "provider hosts has %s",
			project->machines.count ? "only this machine, or what is down" : "no hosts");
		diag_hint(diag, "list them, as in: hosts = red blue/8 ann@green");
		return false;
	}
	found = take_machines(project, machines, &count, diags) && found;
	found = take_announced(arena, project, observing, world->distcc, &machines, &count, diags) && found;
	count_sharing(machines, count);
	found = found && reach(arena, project, observing, world->toolchain.cc, machines, &count, diags);
	if (!project->machines.randomize)
		sort_machines(machines, count);
	add_hosts(arena, project, machines, count, world, diags);
	add_own(arena, project, world);
	note_offline(arena, project, observing, world);
	add_notes(arena, project, world);
	found = pump_observe(arena, project, world, diags) && found;
	here_facts(arena, world, facts_of(arena, world));
	return found;
}

/* --- the plan --- */

static void
hosts_plan(struct arena *arena, struct plan *plan, uint32_t **ready, uint32_t *ready_count)
{
	const struct world *world = plan->world;
	const struct action_type *canary = plan->project->hosts.strict ? &action_canary_strict : &action_canary;
	uint32_t folder = here_add_folder(arena, plan, "what the client keeps", "the file says 'provider hosts'");
	uint32_t needs[3] = {here_add_compiler(arena, plan, folder)};
	uint32_t count = share_add(arena, plan, folder, needs, 1);
	count = pump_add(arena, plan, &action_pump, folder, needs, count);
	*ready = arena_array(arena, uint32_t, world->host_count + 1);
	*ready_count = world->host_count;
	for (uint32_t i = 0; i < world->host_count; i++)
		(*ready)[i] = here_add_canary(arena, plan, canary, i, needs, count);
	if (source_asked(plan->project))
		(*ready)[(*ready_count)++] = here_add_source(arena, plan);
}

static const struct action_type *const types[] = {
	&action_fleet,
	&action_compiler,
	&action_pump,
	&action_share,
	&action_canary,
	&action_canary_strict,
	&action_source,
	&action_artifact,
	NULL,
};

const struct provider provider_hosts = {
	.name = "hosts",
	.observe = hosts_observe,
	.plan = hosts_plan,
	.types = types,
	.site = &site_local,
	.makes_none = true,
};
