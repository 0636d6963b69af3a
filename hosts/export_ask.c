/* What the machines of a list take, where the list does not say it: they are asked as for a plan, but none is left out that does not answer. */
#include "hosts/export.h"

#include "base/arena.h"
#include "hosts/probe.h"
#include "runtime/distcc.h"

/* A machine that is asked, and how many daemons of the list it has. */
struct asked {
	struct host_spec host;
	uint32_t index;
	int sharing;
};

/* Whether the list leaves open how many slots it has, and its file needs them. */
static bool
is_open(const struct exporting *e, uint32_t i, bool daemons)
{
	bool said = export_listed(e, i)->limit || e->project->distcc.slots;
	return !said && (!daemons || (export_host(e, i).kind == HOST_TCP && export_wanted(e, i)));
}

static int
count_sharing(const struct exporting *e, struct str name)
{
	int sharing = 0;
	for (uint32_t i = 0; i < e->world->host_count; i++)
		sharing += str_eq(export_host(e, i).name, name);
	return sharing;
}

/* As many as it has room for, where it says what it has; else what nobody knows is as it was. */
static void
settle(struct exporting *e, const struct asked *asked, const struct probe *probe)
{
	struct planned_host *host = &e->world->hosts[asked->index];
	struct capacity has = capacity_share(probe->has, asked->sharing);
	if (!probe->reached || (!has.cpus && !has.jobs)) {
		words_add(e->arena, &e->assumed, host->address);
		return;
	}
	has.by_ssh = asked->host.kind == HOST_SSH;
	host->slots = capacity_slots(&has, 0);
}

void
export_ask(struct exporting *e, bool daemons)
{
	uint32_t count = 0, all = e->world->host_count;
	struct asked *asked = arena_array(e->arena, struct asked, all);
	struct probe *probes = arena_array(e->arena, struct probe, all);
	for (uint32_t i = 0; i < all; i++) {
		if (!is_open(e, i, daemons))
			continue;
		struct host_spec host = export_host(e, i);
		asked[count] = (struct asked){host, i, count_sharing(e, host.name)};
		probes[count] = (struct probe){
			.host = &asked[count].host,
			.compiler = e->world->toolchain.cc,
			.stats_port = asked[count].sharing > 1 ? 0 : (int)e->project->distcc.stats_port,
		};
		count++;
	}
	if (!e->offline)
		probe_all(e->arena, probes, count, distcc_ssh(e->environment), e->environment);
	for (uint32_t i = 0; i < count; i++)
		settle(e, &asked[i], &probes[i]);
}

void
export_say_assumed(struct exporting *e, struct words machines)
{
	if (machines.n)
		buf_printf(e->out, "# %s, so %d slots are assumed of %.*s; the list can say it: %.*s/8\n",
			e->offline ? "not asked" : "asked without an answer", capacity_slots(&(struct capacity){.cpus = 0}, 0),
			STR_ARG(words_join(e->arena, machines, STR(", "))), STR_ARG(machines.w[0]));
}
