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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faster_hosts_come_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
