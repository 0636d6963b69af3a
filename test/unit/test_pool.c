#include "base/pool.h"

#include "test/unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct work {
	atomic_int sum, running, most;
	pthread_mutex_t lock;
	int order[100];
	int count;
	pthread_barrier_t together;
};

static void
add(void *context, void *item)
{
	struct work *work = context;
	int running = atomic_fetch_add(&work->running, 1) + 1, most = atomic_load(&work->most);
	while (running > most && !atomic_compare_exchange_weak(&work->most, &most, running))
		continue;
	atomic_fetch_add(&work->sum, *(int *)item);
	atomic_fetch_sub(&work->running, 1);
}

static void
runs_all(void **state)
{
	(void)state;
	struct work work = {.sum = 0};
	struct pool *pool = pool_new(8);
	int one = 1;
	assert_non_null(pool);
	for (int i = 0; i < 10000; i++)
		pool_submit(pool, add, &work, &one);
	pool_free(pool);
	assert_int_equal(work.sum, 10000);
	assert_true(work.most <= 8);
}

static void
note_order(void *context, void *item)
{
	struct work *work = context;
	work->order[work->count++] = *(int *)item;
}

static void
first_in_first_out(void **state)
{
	(void)state;
	struct work work = {.count = 0};
	int items[100];
	struct pool *pool = pool_new(1);
	for (int i = 0; i < 100; i++) {
		items[i] = i;
		pool_submit(pool, note_order, &work, &items[i]);
	}
	pool_free(pool);
	for (int i = 0; i < 100; i++)
		assert_int_equal(work.order[i], i);
}

static void
meet(void *context, void *item)
{
	(void)item;
	struct work *work = context;
	pthread_barrier_wait(&work->together);
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	atomic_fetch_add(&work->sum, sigismember(&mask, SIGINT));
}

/* As many threads as there is work, none of which takes signals: with one fewer this would never end. */
static void
all_at_once(void **state)
{
	(void)state;
	struct work work = {.sum = 0};
	pthread_barrier_init(&work.together, NULL, 4);
	struct pool *pool = pool_new(4);
	for (int i = 0; i < 4; i++)
		pool_submit(pool, meet, &work, NULL);
	pool_free(pool);
	assert_int_equal(work.sum, 4);
	pthread_barrier_destroy(&work.together);
}

static void
without_work(void **state)
{
	(void)state;
	pool_free(pool_new(4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_all),
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(without_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
