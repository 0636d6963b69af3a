#include "runtime/distcc_watch.h"

#include "base/arena.h"
#include "base/lookout.h"
#include "distcc/jobs.h"
#include "runtime/distcc.h"
#include "runtime/pump.h"

#include <stdlib.h>

#define PERIOD_MS 150

struct distcc_watch {
	struct run *run;
	struct arena arena;
	const char *folder; /* DISTCC_DIR */
	struct distcc_job *jobs;
	struct distcc_slots *slots;
	struct distcc_log *log;
	struct distcc_sulk *sulk;
	struct lookout *lookout;
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

static int
look(void *context, const struct os_cancel *stop)
{
	struct distcc_watch *watch = context;
	(void)stop;
	distcc_slots_tell(watch->slots, watch->jobs, distcc_jobs_now(watch->folder, watch->jobs, DISTCC_JOB_LIMIT));
	look_for_dead(watch);
	look_at_log(watch);
	return PERIOD_MS;
}

static void
watch_free(struct distcc_watch *watch)
{
	distcc_sulk_free(watch->sulk);
	distcc_log_close(watch->log);
	distcc_slots_free(watch->slots);
	arena_free(&watch->arena);
	free(watch);
}

struct distcc_watch *
distcc_watch_start(struct run *run)
{
	struct distcc_watch *watch = run->host_count ? calloc(1, sizeof *watch) : NULL;
	if (!watch)
		return NULL;
	watch->run = run;
	watch->folder = distcc_client_folder(&watch->arena, run).s;
	watch->jobs = arena_array(&watch->arena, struct distcc_job, DISTCC_JOB_LIMIT);
	watch->log = distcc_log_open(distcc_client_log(&watch->arena, run));
	watch->sulk = distcc_sulk_new(run);
	watch->slots = distcc_slots_new(run);
	watch->lookout = lookout_start(look, watch);
	if (watch->lookout) {
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
	lookout_stop(watch->lookout);
	/* What has happened since its last look. */
	look(watch, NULL);
	pump_watch_stop(watch->pump);
	watch_free(watch);
}
