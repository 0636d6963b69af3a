#include "runtime/distcc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- one look --- */

/* A client's state file, as distcc 3.4 writes it in its own memory layout. */
struct state_file {
	uint64_t size;
	uint64_t magic;
	uint64_t pid;
	char file[128];
	char host[128];
	int slot;
	int phase;
	uint64_t next; /* a pointer of the client's */
};
_Static_assert(sizeof(struct state_file) == 296, "as measured: doc/distcc.md");
#define STATE_MAGIC 0x44494800
#define PHASE_LAST 7

/* False for what is no state, half written, of another distcc, or a dead client's. */
static bool
read_state(int folder, const char *name, struct distcc_job *job)
{
	struct state_file state;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, &state, sizeof state);
	close(fd);
	if (n != (ssize_t)sizeof state || state.size != sizeof state || state.magic != STATE_MAGIC || state.phase < 0 ||
		state.phase > PHASE_LAST || !memchr(state.file, 0, sizeof state.file) || !memchr(state.host, 0, sizeof state.host))
		return false;
	if (state.pid == 0 || state.pid > INT32_MAX || (kill((pid_t)state.pid, 0) < 0 && errno == ESRCH))
		return false;
	memcpy(job->file, state.file, sizeof job->file);
	memcpy(job->host, state.host, sizeof job->host);
	job->slot = state.slot;
	job->phase = state.phase;
	return true;
}

size_t
distcc_jobs_now(const char *distcc_dir, struct distcc_job *jobs, size_t limit)
{
	char path[4096];
	size_t count = 0;
	struct dirent *entry;
	if ((size_t)snprintf(path, sizeof path, "%s/state", distcc_dir) >= sizeof path)
		return 0;
	DIR *dir = opendir(path);
	while (dir && count < limit && (entry = readdir(dir)))
		if (strncmp(entry->d_name, "binstate_", 9) == 0)
			count += read_state(dirfd(dir), entry->d_name, &jobs[count]);
	if (dir)
		closedir(dir);
	return count;
}

/* --- looking again and again --- */

#define PERIOD_NS 150000000
#define JOB_LIMIT 1024
/* As much of the files' names as one event carries. */
#define TEXT_LIMIT 240

/* What was last said of one host. */
struct seen {
	int jobs;
	size_t length;
	char files[TEXT_LIMIT];
};

struct distcc_watch {
	struct run *run;
	pthread_t thread;
	pthread_mutex_t mutex; /* for stopped */
	pthread_cond_t wake;
	bool stopped;
	char *folder;
	struct seen *last; /* per host */
	struct distcc_job *jobs;
};

static int
compare_jobs(const void *a, const void *b)
{
	const struct distcc_job *x = a, *y = b;
	return x->slot != y->slot ? (x->slot < y->slot ? -1 : 1) : strcmp(x->file, y->file);
}

/* What the host does now: the jobs that are on their way there or back, in the order of their slots. */
static struct seen
look_at_host(const struct distcc_watch *watch, size_t job_count, const char *host)
{
	struct seen seen = {0};
	for (size_t i = 0; i < job_count; i++) {
		const struct distcc_job *job = &watch->jobs[i];
		size_t n = strlen(job->file);
		if (strcmp(job->host, host) != 0)
			continue;
		seen.jobs++;
		if (seen.length + n + 1 > sizeof seen.files)
			continue;
		if (seen.length)
			seen.files[seen.length++] = ' ';
		memcpy(seen.files + seen.length, job->file, n);
		seen.length += n;
	}
	return seen;
}

static void
look(struct distcc_watch *watch)
{
	struct run *run = watch->run;
	size_t count = distcc_jobs_now(watch->folder, watch->jobs, JOB_LIMIT);
	qsort(watch->jobs, count, sizeof *watch->jobs, compare_jobs);
	for (uint32_t i = 0; i < run->host_count; i++) {
		const struct host *host = &run->hosts[i];
		struct seen *last = &watch->last[i];
		char name[128];
		snprintf(name, sizeof name, "%.*s", STR_ARG(host->name));
		struct seen now = look_at_host(watch, count, name);
		if (now.jobs == last->jobs && now.length == last->length && memcmp(now.files, last->files, now.length) == 0)
			continue;
		*last = now;
		event_emit(run->events, (struct event){.kind = EVENT_SLOTS,
						.name = host->name,
						.text = {now.files, now.length},
						.number = now.jobs,
						.total = host->slots});
	}
}

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

static void *
watch_loop(void *context)
{
	struct distcc_watch *watch = context;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&watch->mutex);
	while (!watch->stopped) {
		until.tv_nsec += PERIOD_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		while (!watch->stopped && pthread_cond_timedwait(&watch->wake, &watch->mutex, &until) == 0)
			;
		pthread_mutex_unlock(&watch->mutex);
		look(watch);
		look_for_dead(watch);
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
	free(watch->last);
	free(watch->jobs);
	free(watch);
}

struct distcc_watch *
distcc_watch_start(struct run *run)
{
	struct distcc_watch *watch = run->host_count ? calloc(1, sizeof *watch) : NULL;
	struct arena arena = {0};
	pthread_condattr_t attributes;
	if (!watch)
		return NULL;
	watch->run = run;
	watch->folder = strdup(distcc_client_folder(&arena, run).s);
	arena_free(&arena);
	watch->last = calloc(run->host_count, sizeof *watch->last);
	watch->jobs = calloc(JOB_LIMIT, sizeof *watch->jobs);
	pthread_mutex_init(&watch->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	if (watch->folder && watch->last && watch->jobs && pthread_create(&watch->thread, NULL, watch_loop, watch) == 0)
		return watch;
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
	watch_free(watch);
}
