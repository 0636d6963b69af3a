#include "runtime/distcc.h"

#include "distcc/jobs.h"
#include "runtime/pump.h"

#include <stdlib.h>
#include <string.h>

#define PERIOD_MS 150

struct distcc_watch {
	struct run *run;
	pthread_t thread;
	pthread_mutex_t mutex; /* for stopped */
	pthread_cond_t wake;
	bool stopped;
	char *folder;
	struct distcc_slots *slots;
	struct distcc_job *jobs;
	struct distcc_log *log;
	struct distcc_sulk *sulk;
	struct pump_watch *pump;
};

/* Takes out the hosts whose daemons have ended; distcc goes round them by itself. */
static void
look_for_dead(struct distcc_watch *watch)
{
	struct run *run = watch->run;
	for (uint32_t i = 0; i < run->host_count; i++) {
		struct host *host = &run->hosts[i];
		pthread_mutex_lock(&run->mutex);
		bool died = host->ready && host->pid > 0 && os_has_ended(host->pid);
		pthread_mutex_unlock(&run->mutex);
		if (died)
			run_host_out(run, host, STR("its distccd has ended; the build goes on without it"));
	}
}

static void
look_at_log(struct distcc_watch *watch)
{
	const struct local_compiles *compiles = distcc_log_read(watch->log);
	distcc_sulk_look(watch->sulk, compiles);
	distcc_hold_bound(watch->run, compiles);
}

static void *
watch_loop(void *context)
{
	struct distcc_watch *watch = context;
	int64_t until = os_now_ms();
	pthread_mutex_lock(&watch->mutex);
	while (!watch->stopped) {
		until += PERIOD_MS;
		while (!watch->stopped && os_condition_wait(&watch->wake, &watch->mutex, until))
			;
		pthread_mutex_unlock(&watch->mutex);
		distcc_slots_tell(watch->slots, watch->jobs, distcc_jobs_now(watch->folder, watch->jobs, DISTCC_JOB_LIMIT));
		look_for_dead(watch);
		look_at_log(watch);
		pthread_mutex_lock(&watch->mutex);
	}
	pthread_mutex_unlock(&watch->mutex);
	return NULL;
}

static void
watch_free(struct distcc_watch *watch)
{
	pthread_cond_destroy(&watch->wake);
	pthread_mutex_destroy(&watch->mutex);
	free(watch->folder);
	distcc_sulk_free(watch->sulk);
	distcc_log_close(watch->log);
	distcc_slots_free(watch->slots);
	free(watch->jobs);
	free(watch);
}

struct distcc_watch *
distcc_watch_start(struct run *run)
{
	struct distcc_watch *watch = run->host_count ? calloc(1, sizeof *watch) : NULL;
	struct arena arena = {0};
	if (!watch)
		return NULL;
	watch->run = run;
	watch->folder = strdup(distcc_client_folder(&arena, run).s);
	watch->log = distcc_log_open(distcc_client_log(&arena, run));
	watch->sulk = distcc_sulk_new(run);
	arena_free(&arena);
	watch->slots = distcc_slots_new(run);
	watch->jobs = calloc(DISTCC_JOB_LIMIT, sizeof *watch->jobs);
	pthread_mutex_init(&watch->mutex, NULL);
	os_condition_init(&watch->wake);
	if (watch->folder && watch->log && watch->sulk && watch->slots && watch->jobs &&
		pthread_create(&watch->thread, NULL, watch_loop, watch) == 0) {
		watch->pump = pump_watch_start(run);
		return watch;
	}
	watch_free(watch);
	return NULL;
}

void
distcc_watch_stop(struct distcc_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->mutex);
	watch->stopped = true;
	pthread_cond_signal(&watch->wake);
	pthread_mutex_unlock(&watch->mutex);
	pthread_join(watch->thread, NULL);
	pump_watch_stop(watch->pump);
	watch_free(watch);
}
