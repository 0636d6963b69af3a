#include "base/pool.h"
#include "base/os.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct job {
	struct job *next;
	void (*run)(void *context, void *item);
	void *context, *item;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, **end;
	size_t queued; /* jobs that no thread has taken */
	size_t idle; /* threads that wait for one */
	size_t started, most;
	bool ending;
	pthread_t threads[];
};

/* The next job, waiting for one; NULL when the pool ends. */
static struct job *
take(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->idle++;
	while (!pool->first && !pool->ending)
		pthread_cond_wait(&pool->work, &pool->lock);
	pool->idle--;
	struct job *job = pool->first;
	if (job) {
		pool->first = job->next;
		if (!pool->first)
			pool->end = &pool->first;
		pool->queued--;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *
worker(void *argument)
{
	struct pool *pool = argument;
	for (struct job *job; (job = take(pool)); free(job))
		job->run(job->context, job->item);
	return NULL;
}

/* Starts one more thread, with all signals blocked: they are the main thread's. */
static void
start_thread(struct pool *pool)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&pool->threads[pool->started], NULL, worker, pool) == 0)
		pool->started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pool *
pool_new(size_t threads)
{
	struct pool *pool = calloc(1, sizeof *pool + threads * sizeof *pool->threads);
	if (!pool)
		os_exhausted();
	pool->end = &pool->first;
	pool->most = threads;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	start_thread(pool);
	if (pool->started)
		return pool;
	pool_free(pool);
	return NULL;
}

void
pool_submit(struct pool *pool, void (*run)(void *context, void *item), void *context, void *item)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->queued >= pool->idle && pool->started < pool->most)
		start_thread(pool);
	struct job *job = malloc(sizeof *job);
	if (!job)
		os_exhausted();
	*job = (struct job){NULL, run, context, item};
	*pool->end = job;
	pool->end = &job->next;
	pool->queued++;
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

void
pool_free(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
