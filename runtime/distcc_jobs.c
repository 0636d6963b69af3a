/* What distcc's clients do at this moment: their state files, and what is said of them. */
#include "runtime/distcc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
_Static_assert(sizeof(struct state_file) == DISTCC_STATE_SIZE, "as measured: doc/distcc.md");
#define STATE_MAGIC 0x44494800

const char *
distcc_phase_name(enum distcc_phase phase)
{
	static const char *const names[] = {
#define PHASE(name, word) word,
		DISTCC_PHASES(PHASE)
#undef PHASE
	};
	return names[phase];
}

bool
distcc_job_read(const char bytes[DISTCC_STATE_SIZE], struct distcc_job *job, pid_t *pid)
{
	struct state_file state;
	memcpy(&state, bytes, sizeof state);
	if (state.size != sizeof state || state.magic != STATE_MAGIC || state.phase < 0 || state.phase >= DISTCC_PHASE_COUNT ||
		!memchr(state.file, 0, sizeof state.file) || !memchr(state.host, 0, sizeof state.host) || state.pid == 0 ||
		state.pid > INT32_MAX)
		return false;
	memcpy(job->file, state.file, sizeof job->file);
	memcpy(job->host, state.host, sizeof job->host);
	job->slot = state.slot;
	job->phase = (enum distcc_phase)state.phase;
	job->since = 0;
	*pid = (pid_t)state.pid;
	return true;
}

void
distcc_job_adopt(char bytes[DISTCC_STATE_SIZE], pid_t pid)
{
	uint64_t number = (uint64_t)pid;
	memcpy(bytes + offsetof(struct state_file, pid), &number, sizeof number);
}

/* False also for a dead client's. */
static bool
read_state(int folder, const char *name, struct distcc_job *job)
{
	char bytes[DISTCC_STATE_SIZE];
	pid_t pid;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	struct stat status;
	ssize_t n = read(fd, bytes, sizeof bytes);
	bool whole = n == (ssize_t)sizeof bytes && fstat(fd, &status) == 0;
	close(fd);
	if (!whole || !distcc_job_read(bytes, job, &pid) || (kill(pid, 0) < 0 && errno == ESRCH))
		return false;
	job->since = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
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

/* --- what is new --- */

/* As much of the files' names as one event carries. */
#define TEXT_LIMIT 240

/* What was last said of one host. */
struct seen {
	int jobs;
	size_t length;
	char files[TEXT_LIMIT];
};

struct distcc_slots {
	struct run *run;
	struct seen last[]; /* per host */
};

struct distcc_slots *
distcc_slots_new(struct run *run)
{
	struct distcc_slots *slots = calloc(1, sizeof *slots + run->host_count * sizeof *slots->last);
	if (slots)
		slots->run = run;
	return slots;
}

void
distcc_slots_free(struct distcc_slots *slots)
{
	free(slots);
}

static int
compare_jobs(const void *a, const void *b)
{
	const struct distcc_job *x = a, *y = b;
	return x->slot != y->slot ? (x->slot < y->slot ? -1 : 1) : strcmp(x->file, y->file);
}

/* What the host does now: the jobs that are on their way there or back, in the order of their slots. */
static struct seen
look_at_host(const struct distcc_job *jobs, size_t count, struct str host)
{
	struct seen seen = {0};
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(jobs[i].file);
		if (!str_is(host, jobs[i].host))
			continue;
		seen.jobs++;
		if (seen.length + n + 1 > sizeof seen.files)
			continue;
		if (seen.length)
			seen.files[seen.length++] = ' ';
		memcpy(seen.files + seen.length, jobs[i].file, n);
		seen.length += n;
	}
	return seen;
}

/* The host as distcc calls it: by its address, without the port. */
static struct host
copy_host(struct run *run, uint32_t index, struct str *called)
{
	pthread_mutex_lock(&run->mutex);
	struct host host = run->hosts[index];
	pthread_mutex_unlock(&run->mutex);
	*called = host.address.n ? distcc_called(host.address) : host.name;
	return host;
}

void
distcc_slots_tell(struct distcc_slots *slots, struct distcc_job *jobs, size_t count)
{
	struct run *run = slots->run;
	if (count)
		qsort(jobs, count, sizeof *jobs, compare_jobs);
	for (uint32_t i = 0; i < run->host_count; i++) {
		struct seen *last = &slots->last[i];
		struct str called;
		struct host host = copy_host(run, i, &called);
		struct seen now = look_at_host(jobs, count, called);
		if (now.jobs == last->jobs && now.length == last->length && memcmp(now.files, last->files, now.length) == 0)
			continue;
		*last = now;
		event_emit(run->events, (struct event){.kind = EVENT_SLOTS,
						.name = host.name,
						.text = {now.files, now.length},
						.number = now.jobs,
						.total = host.slots});
	}
}
