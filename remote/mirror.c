#include "remote/mirror.h"

#include "base/arena.h"
#include "distcc/jobs.h"
#include "runtime/distcc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shown {
	pid_t pid; /* on the HOST */
	char state[DISTCC_STATE_SIZE];
};

struct mirror {
	struct arena arena;
	const char *folder; /* DISTCC_DIR/state */
	struct shown *shown, *before; /* DISTCC_JOB_LIMIT of each; they change places */
	size_t count, before_count;
};

static struct mirror *
free_all(struct mirror *mirror)
{
	arena_free(&mirror->arena);
	free(mirror->shown);
	free(mirror->before);
	free(mirror);
	return NULL;
}

struct mirror *
mirror_new(const struct run *run)
{
	struct mirror *mirror = calloc(1, sizeof *mirror);
	if (!mirror)
		return NULL;
	mirror->folder = str_printf(&mirror->arena, "%.*s/state", STR_ARG(distcc_client_folder(&mirror->arena, run))).s;
	mirror->shown = calloc(DISTCC_JOB_LIMIT, sizeof *mirror->shown);
	mirror->before = calloc(DISTCC_JOB_LIMIT, sizeof *mirror->before);
	return mirror->shown && mirror->before ? mirror : free_all(mirror);
}

static const struct shown *
find(const struct shown *list, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].pid == pid)
			return &list[i];
	return NULL;
}

static const char *
path_of(struct arena *arena, const struct mirror *mirror, pid_t pid)
{
	return str_printf(arena, "%s/binstate_%ld", mirror->folder, (long)pid).s;
}

/* In one write over what is there, so that who reads meanwhile finds a whole state. */
static void
write_state(const struct mirror *mirror, const struct shown *shown)
{
	struct arena arena = {NULL};
	char state[DISTCC_STATE_SIZE];
	memcpy(state, shown->state, sizeof state);
	distcc_job_adopt(state, getpid());
	int fd = open(path_of(&arena, mirror, shown->pid), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0) {
		os_write_all(fd, (struct str){state, sizeof state});
		close(fd);
	}
	arena_free(&arena);
}

static void
remove_gone(const struct mirror *mirror)
{
	struct arena arena = {NULL};
	for (size_t i = 0; i < mirror->before_count; i++)
		if (!find(mirror->shown, mirror->count, mirror->before[i].pid))
			unlink(path_of(&arena, mirror, mirror->before[i].pid));
	arena_free(&arena);
}

void
mirror_show(struct mirror *mirror, struct str states)
{
	struct arena arena = {NULL};
	struct str error;
	struct shown *last = mirror->shown;
	mirror->shown = mirror->before;
	mirror->before = last;
	mirror->before_count = mirror->count;
	mirror->count = 0;
	if (states.n)
		os_make_folders(&arena, mirror->folder, true, &error);
	for (size_t at = 0; states.n - at >= DISTCC_STATE_SIZE && mirror->count < DISTCC_JOB_LIMIT; at += DISTCC_STATE_SIZE) {
		struct shown *shown = &mirror->shown[mirror->count];
		struct distcc_job job;
		memcpy(shown->state, states.s + at, sizeof shown->state);
		if (!distcc_job_read(shown->state, &job, &shown->pid))
			continue;
		const struct shown *known = find(mirror->before, mirror->before_count, shown->pid);
		if (!known || memcmp(known->state, shown->state, sizeof shown->state) != 0)
			write_state(mirror, shown);
		mirror->count++;
	}
	remove_gone(mirror);
	arena_free(&arena);
}

void
mirror_free(struct mirror *mirror)
{
	if (!mirror)
		return;
	mirror_show(mirror, STR(""));
	free_all(mirror);
}
