/* jobs: what distcc's clients do at this moment, from their state files. */
#ifndef DISTCC_JOBS_H
#define DISTCC_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* PHASE(name, word): what a client does, in distcc's own numbers from 0 on. */
#define DISTCC_PHASES(PHASE)            \
	PHASE(STARTUP, "startup")       \
	PHASE(BLOCKED, "blocked")       \
	PHASE(CONNECT, "connect")       \
	PHASE(PREPROCESS, "preprocess") \
	PHASE(SEND, "send")             \
	PHASE(COMPILE, "compile")       \
	PHASE(RECEIVE, "receive")       \
	PHASE(DONE, "done")

enum distcc_phase {
#define PHASE(name, word) DISTCC_PHASE_##name,
	DISTCC_PHASES(PHASE)
#undef PHASE
	DISTCC_PHASE_COUNT
};

const char *distcc_phase_name(enum distcc_phase);

/* What the fleet does now, from the state files under DISTCC_DIR/state; one per running job. */
struct distcc_job {
	char file[128], host[128]; /* without folder, without port; host: none while it waits for a slot */
	int slot;
	enum distcc_phase phase;
	int64_t since; /* ms since 1970: when its file was last written, which is when its phase began; 0 where that is not known */
};
#define DISTCC_JOB_LIMIT 1024
/* A state file has so many bytes. */
#define DISTCC_STATE_SIZE 296
/* Decodes one and says whose it is; false for what is no state, half written, or of another distcc. */
bool distcc_job_read(const char bytes[DISTCC_STATE_SIZE], struct distcc_job *, pid_t *);
/* Makes it the state of another process. */
void distcc_job_adopt(char bytes[DISTCC_STATE_SIZE], pid_t);
size_t distcc_jobs_now(const char *distcc_dir, struct distcc_job *, size_t limit);

#endif
