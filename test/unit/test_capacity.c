/* How much at once. */
#include "unit.h"

#include "base/arena.h"
#include "hosts/probe_tcp.h"
#include "runtime/plan.h"

static void
slots_of_a_host(void **state)
{
	(void)state;
	static const struct {
		struct capacity has;
		int asked, slots;
	} cases[] = {
		{{.cpus = 8}, 0, 8},
		{{0}, 0, 4},
		{{.cpus = 8}, 3, 3},
		{{.cpus = 8}, 30, 30},
		{{.cpus = 8, .jobs = 5}, 0, 5},
		{{.cpus = 8, .jobs = 10}, 0, 8},
		{{.cpus = 8, .jobs = 5}, 30, 5},
		{{.jobs = 6}, 0, 6},
		{{.cpus = 64, .memory = 7950}, 0, 16},
		{{.cpus = 2, .memory = 7950}, 0, 2},
		{{.cpus = 4, .memory = 200}, 0, 1},
		{{.cpus = 64, .memory = 7950}, 64, 64},
		{{.cpus = 8, .by_ssh = true}, 0, 16},
		{{.cpus = 8, .memory = 7950, .by_ssh = true}, 0, 16},
		{{.cpus = 8, .memory = 3970, .by_ssh = true}, 0, 8},
		{{.cpus = 8, .by_ssh = true}, 8, 8},
		{{.by_ssh = true}, 0, 4},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(capacity_slots(&cases[i].has, cases[i].asked), cases[i].slots);
}

static void
jobs_here(void **state)
{
	(void)state;
	struct planned_host hosts[] = {{.slots = 2}, {.slots = 3}};
	struct world world = {.hosts = hosts, .host_count = 2, .cpus = 2};
	struct project project = {0};
	assert_int_equal(capacity_local_slots(&project, &world), 2);
	assert_int_equal(capacity_cpp_slots(&project, &world), 4);
	assert_int_equal(capacity_jobs(&project, &world, 2, 0), 7);
	assert_int_equal(capacity_jobs(&project, &world, 2, 5), 5);
	world.most_jobs = 6;
	assert_int_equal(capacity_jobs(&project, &world, 2, 0), 6);
	assert_int_equal(capacity_jobs(&project, &world, 2, 9), 9);
	project.distcc.local_slots = 3;
	assert_int_equal(capacity_local_slots(&project, &world), 3);
	assert_int_equal(capacity_cpp_slots(&project, &world), 6);
	project.machines.local_slots_cpp = 5;
	assert_int_equal(capacity_cpp_slots(&project, &world), 5);
}

/* A laptop with 4 processors and somewhat less than 4 GB before a server with 64. */
static void
memory_here(void **state)
{
	(void)state;
	struct planned_host hosts[] = {{.slots = 64}};
	struct world world = {.hosts = hosts, .host_count = 1, .cpus = 4, .memory = 3800};
	struct project project = {0};
	assert_int_equal(capacity_local_slots(&project, &world), 4);
	assert_int_equal(capacity_cpp_slots(&project, &world), 8);
	assert_int_equal(capacity_jobs(&project, &world, 4, 0), 30);
	assert_int_equal(capacity_jobs(&project, &world, 4, 68), 68);
	project.cached = true;
	assert_int_equal(capacity_jobs(&project, &world, 4, 0), 15);
	world.memory = 950;
	assert_int_equal(capacity_local_slots(&project, &world), 1);
	assert_int_equal(capacity_cpp_slots(&project, &world), 2);
	assert_int_equal(capacity_jobs(&project, &world, 1, 0), 4);
}

static void
said_beside_the_rule_of_thumb(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct planned_host hosts[] = {{.slots = 8}};
	struct world world = {.hosts = hosts, .host_count = 1, .cpus = 4};
	struct plan plan = {.world = &world, .jobs = 12, .local_slots = 4};
	assert_int_equal(capacity_say(&arena, &plan).n, 0);
	world.all_cpus = 12;
	assert_text(capacity_say(&arena, &plan), "-j12 is 8 slots and 4 local ones; the rule of thumb would be -j25 -l4");
	plan.jobs = 9;
	world.memory = 1152;
	assert_text(capacity_say(&arena, &plan), "-j9 is what 1.1 GB of memory have room for; the rule of thumb would be -j25 -l4");
	plan.options.jobs = 9;
	assert_text(capacity_say(&arena, &plan), "-j9 is what --jobs says; the rule of thumb would be -j25 -l4");
	plan.jobs = 25;
	assert_int_equal(capacity_say(&arena, &plan).n, 0);
	arena_free(&arena);
}

static void
lists_of_processors(void **state)
{
	(void)state;
	assert_int_equal(probe_count_cpus(STR("0")), 1);
	assert_int_equal(probe_count_cpus(STR("0-15")), 16);
	assert_int_equal(probe_count_cpus(STR("0-3,8-11,14")), 9);
	assert_int_equal(probe_count_cpus(STR("")), 0);
	assert_int_equal(probe_count_cpus(STR("0-")), 0);
	assert_int_equal(probe_count_cpus(STR("3-0")), 0);
	assert_int_equal(probe_count_cpus(STR("0-99999999999")), 0);
	assert_int_equal(probe_count_cpus(STR("many")), 0);
	assert_int_equal(probe_count_cpus(STR("0-8191")), 8192);
	assert_int_equal(probe_count_cpus(STR("0-8191,0")), 0);
}

static void
loads_of_machines(void **state)
{
	static const char *const none[] = {"", "nan", "inf", "-1", "1e999", "0.000000000000000000"};
	(void)state;
	assert_true(probe_read_load(STR("0.42")) > 0.41 && probe_read_load(STR("0.42")) < 0.43);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_true(probe_read_load(str_from(none[i])) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_of_a_host),
		cmocka_unit_test(jobs_here),
		cmocka_unit_test(memory_here),
		cmocka_unit_test(said_beside_the_rule_of_thumb),
		cmocka_unit_test(lists_of_processors),
		cmocka_unit_test(loads_of_machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
