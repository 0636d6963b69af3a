/* What is said of the slots while the build runs. */
#include "runtime/distcc_watch.h"

#include "distcc/host_syntax.h"
#include "distcc/jobs.h"

#include <stdlib.h>
#include <string.h>

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
	if (!slots)
		os_exhausted();
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
		if (!str_is(host, jobs[i].host))
			continue;
		size_t n = strlen(jobs[i].file);
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
	*called = host.address.n ? host_called(host.address) : host.name;
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
