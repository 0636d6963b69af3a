#include "distcc/jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
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
