#include "base/lookout.h"

#include "test/unit/unit.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/resource.h>

struct looks {
	atomic_int count;
	int pause; /* milliseconds until the next */
	bool waits; /* until it is to end */
	atomic_bool ended;
};

static int
look(void *context, const struct os_cancel *stop)
{
	struct looks *looks = context;
	looks->count++;
	struct pollfd wait = {.fd = stop->fd, .events = POLLIN};
	if (looks->waits)
		looks->ended = poll(&wait, 1, 20000) == 1;
	return looks->pause;
}

static void
looks_again_and_again(void **state)
{
	(void)state;
	struct looks looks = {.pause = 1};
	struct lookout *lookout = lookout_start(look, &looks);
	for (int64_t until = os_now_ms() + 5000; looks.count < 10 && os_now_ms() < until;)
		poll(NULL, 0, 1);
	lookout_stop(lookout);
	int count = looks.count;
	assert_true(count >= 10);
	poll(NULL, 0, 10);
	assert_int_equal(looks.count, count);
}

/* Neither the wait between two looks nor what a look waits for is waited for. */
static void
ends_at_once(void **state)
{
	(void)state;
	int64_t began = os_now_ms();
	for (int waits = 0; waits < 2; waits++) {
		struct looks looks = {.pause = 20000, .waits = waits};
		struct lookout *lookout = lookout_start(look, &looks);
		while (!looks.count && os_now_ms() - began < 10000)
			poll(NULL, 0, 1);
		lookout_stop(lookout);
		assert_int_equal(looks.count, 1);
		assert_int_equal(looks.ended, waits);
	}
	assert_true(os_now_ms() - began < 10000);
	lookout_stop(NULL);
}

static void
without_descriptors(void **state)
{
	(void)state;
	struct rlimit before, none;
	struct looks looks = {.pause = 1};
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	struct lookout *lookout = lookout_start(look, &looks);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_null(lookout);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks_again_and_again),
		cmocka_unit_test(ends_at_once),
		cmocka_unit_test(without_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
