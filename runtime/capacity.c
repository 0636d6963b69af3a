#include "runtime/capacity.h"

#include "base/arena.h"
#include "runtime/plan.h"

/* What distcc itself gives a host that nothing is known of. */
#define UNKNOWN_SLOTS 4
#define MOST_SLOTS 1000

/* MB. A large C++ file takes so much while it is compiled, links somewhat more; its preprocessing a tenth, and a fifth of a gigabyte at worst. */
#define COMPILE_MB 512
#define LINK_MB 1024
#define PREPROCESS_MB 256
/* Of a job that waits for its host: the preprocessed file, distcc, what make started it with. */
#define WAITING_MB 128

/* How many fit, at least one; any number where it is not known what there is. What is sold as 8 GB says that it has somewhat less. */
static int
fit(int64_t memory, int64_t each)
{
	int64_t count = (memory + each / 2) / each;
	if (!memory || count > MOST_SLOTS)
		return MOST_SLOTS;
	return count > 1 ? (int)count : 1;
}

static int
at_most(int number, int limit)
{
	return number < limit ? number : limit;
}

struct capacity
capacity_share(struct capacity machine, int daemons)
{
	machine.cpus = (machine.cpus + daemons - 1) / daemons;
	machine.memory /= daemons;
	return machine;
}

int
capacity_slots(const struct capacity *machine, int asked)
{
	int slots = asked, busy = machine->by_ssh ? SLOTS_OF_CPU_BY_SSH * machine->cpus : machine->cpus;
	if (!slots)
		slots = at_most(busy ? busy : machine->jobs ? machine->jobs : UNKNOWN_SLOTS, fit(machine->memory, COMPILE_MB));
	return machine->jobs ? at_most(slots, machine->jobs) : slots;
}

int
capacity_local_slots(const struct project *project, const struct world *world)
{
	if (project->distcc.local_slots)
		return (int)project->distcc.local_slots;
	return at_most(world->cpus, fit(world->memory, LINK_MB));
}

int
capacity_cpp_slots(const struct project *project, const struct world *world)
{
	if (project->machines.local_slots_cpp)
		return project->machines.local_slots_cpp;
	return at_most(2 * capacity_local_slots(project, world), fit(world->memory, PREPROCESS_MB));
}

int
capacity_all_slots(const struct world *world)
{
	int slots = 0;
	for (uint32_t i = 0; i < world->host_count; i++)
		slots += world->hosts[i].slots;
	return slots;
}

int
capacity_jobs(const struct project *project, const struct world *world, int local_slots, int asked)
{
	/* One for each slot: while all of them compile, this machine preprocesses what comes next. ccache does that by itself, and asks distcc for no slot. */
	int jobs = capacity_all_slots(world) + local_slots, room = fit(world->memory, project->cached ? PREPROCESS_MB : WAITING_MB);
	if (asked > 0)
		return asked;
	return at_most(world->most_jobs ? at_most(jobs, world->most_jobs) : jobs, room);
}

struct rule_of_thumb
capacity_thumb(const struct world *world)
{
	return world->all_cpus ? (struct rule_of_thumb){2 * world->all_cpus + 1, world->cpus} : (struct rule_of_thumb){0, 0};
}

struct str
capacity_say(struct arena *arena, const struct plan *plan)
{
	const struct world *world = plan->world;
	const struct rule_of_thumb thumb = capacity_thumb(world);
	struct buf text = buf_new(arena);
	int slots = capacity_all_slots(world);
	if (!thumb.jobs || thumb.jobs == plan->jobs)
		return STR("");
	buf_printf(&text, "-j%d is ", plan->jobs);
	if (plan->options.jobs)
		buf_add_c(&text, "what --jobs says");
	else if (plan->jobs < slots + plan->local_slots)
		buf_printf(&text, "what %.1f GB of memory have room for", (double)world->memory / 1024);
	else
		buf_printf(&text, "%d slots and %d local one%s", slots, plan->local_slots, plan->local_slots == 1 ? "" : "s");
	buf_printf(&text, "; the rule of thumb would be -j%d -l%d", thumb.jobs, thumb.load);
	return buf_str(&text);
}
