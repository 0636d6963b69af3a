/* The order of hosts. */
#include "unit.h"

#include "runtime/speed.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* It takes the job, and is never done with it. */
static void
silence_is_slow(void **state)
{
	(void)state;
	static const struct os_cancel never = {.fd = -1};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof address;
	char word[32];
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	snprintf(word, sizeof word, "127.0.0.1:%d", ntohs(address.sin_port));
	struct host hosts[2] = {{.address = str_from(word)}, {.compile_us = 50000}};
	hosts[0].compile_us = speed_measure(&hosts[0], STR("gcc"), &never);
	assert_true(hosts[0].compile_us >= 990000);
	close(listener);
	uint32_t order[2];
	speed_order(hosts, 2, order);
	assert_int_equal(order[0], 1);
	/* Nobody there says nothing of its speed. */
	assert_int_equal(speed_measure(&hosts[0], STR("gcc"), &never), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faster_hosts_come_first),
		cmocka_unit_test(what_is_measured_again),
		cmocka_unit_test(silence_is_slow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
