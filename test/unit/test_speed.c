/* The order of hosts. */
#include "unit.h"

#include "runtime/speed.h"

static void
faster_hosts_come_first(void **state)
{
	(void)state;
	static const struct {
		struct host hosts[4];
		uint32_t order[4];
	} cases[] = {
		{{{.compile_us = 0}, {.compile_us = 0}, {.compile_us = 0}, {.compile_us = 0}}, {0, 1, 2, 3}},
		/* What differs by noise only stays as it was planned. */
		{{{.compile_us = 60}, {.compile_us = 50}, {.compile_us = 55}, {.compile_us = 74}}, {0, 1, 2, 3}},
		{{{.compile_us = 500}, {.compile_us = 100}, {.compile_us = 51}, {.compile_us = 50}}, {2, 3, 1, 0}},
		/* Nearer is better than faster, and what is not known is not slow. */
		{{{.compile_us = 90}, {.compile_us = 0}, {.distance = 1, .compile_us = 100}, {.distance = 1, .compile_us = 10}},
			{1, 0, 3, 2}},
	};
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		uint32_t order[4];
		speed_order(cases[c].hosts, 4, order);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(order[i], cases[c].order[i]);
	}
}

static void
what_is_measured_again(void **state)
{
	(void)state;
	static const struct {
		struct host hosts[3]; /* the first is asked about */
		bool settled;
	} cases[] = {
		/* Alone it cannot be told from one that is busy. */
		{{{.compile_us = 50}, {.compile_us = 0}, {.compile_us = 0}}, false},
		{{{.compile_us = 50}, {.compile_us = 60}, {.compile_us = 0}}, true},
		{{{.compile_us = 74}, {.compile_us = 0}, {.compile_us = 50}}, true},
		{{{.compile_us = 75}, {.compile_us = 60}, {.compile_us = 50}}, false},
	};
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
		assert_int_equal(speed_settled(cases[c].hosts, 3, cases[c].hosts), cases[c].settled);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faster_hosts_come_first),
		cmocka_unit_test(what_is_measured_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
