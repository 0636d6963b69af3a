/* capacity: what machines have, and how much at once that is room for. The figures and why they are so: doc/distcc.md. */
#ifndef RUNTIME_CAPACITY_H
#define RUNTIME_CAPACITY_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct plan;
struct project;
struct world;

/* Of a machine; 0 where it is not known. */
struct capacity {
	int cpus;
	int64_t memory; /* MB, all that it has: what is free changes too often to plan by */
	int jobs; /* the most that its distccd does at once: what comes beyond waits there, and nobody is told */
	bool by_ssh; /* a compile holds its slot for longer than it computes */
};

/* For each processor of a machine that is reached over ssh: one computes while the other logs in, or waits to be collected. */
#define SLOTS_OF_CPU_BY_SSH 2

/* What each of so many daemons on one machine has of it. */
struct capacity capacity_share(struct capacity, int daemons);
/* Compiles at once on a machine. asked: what is said of all machines, or 0. */
int capacity_slots(const struct capacity *, int asked);
/* On the machine that runs the build: compiles and links that cannot be distributed, and preprocessors. */
int capacity_local_slots(const struct project *, const struct world *);
int capacity_cpp_slots(const struct project *, const struct world *);
/* Of all hosts of the plan. */
int capacity_all_slots(const struct world *);
/* JOBS: what fills the hosts' slots while this machine preprocesses. asked: --jobs, or 0. */
int capacity_jobs(const struct project *, const struct world *, int local_slots, int asked);

/* What people go by: twice all processors and one more for -j, the local ones for -l. 0 where world->all_cpus is. */
struct rule_of_thumb {
	int jobs, load;
};
struct rule_of_thumb capacity_thumb(const struct world *);
/* What a plan's JOBS are made of, beside the rule of thumb; none where they are the same, or there is no rule. */
struct str capacity_say(struct arena *, const struct plan *);

#endif
