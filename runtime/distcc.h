/* distcc: everything that is known of distcc: host syntax, slots, environment, logs. Facts and their measurements: doc/distcc.md. */
#ifndef RUNTIME_DISTCC_H
#define RUNTIME_DISTCC_H

#include "runtime/run.h"

/* The hosts that are ready, as distcc's list has them: "127.0.0.2:41001/2 127.0.0.3:41002/2". */
struct str distcc_hosts(struct arena *, const struct host *, uint32_t count, bool compressed);
/* The same within the whole list on this machine: what may run here at once, and what the project's own list has besides. */
struct str distcc_host_list(struct arena *, const struct project *, const struct world *, struct str hosts);
/* Replaces the list in the run's DISTCC_DIR, which distcc reads at each call. With the run's mutex held: what is written last is what is. */
bool distcc_write_hosts(struct run *, struct arena *, struct str *error);
/* What distcc calls a host in its state files: of "ann@red" or "red:3633" it is "red". */
struct str distcc_called(struct str address);
/* How hosts are reached over ssh: the user's DISTCC_SSH, or one that never asks. */
const char *distcc_ssh(char *const *environment);
/* The same for compiles: one that is not the user's own ends where its host has been silent for io_timeout, for distcc waits for the end of ssh without any bound. */
struct str distcc_ssh_of_build(struct arena *, const struct project *, char *const *environment);

/* What a client finds where it runs. Texts are none where there is nothing to be said. */
struct distcc_client {
	struct str folder; /* DISTCC_DIR; its file `hosts` is the list */
	struct str log;
	struct str temps; /* a folder that is there, for what is kept with `save_temps` */
	struct str cache, stats; /* of ccache: its folder, its record */
};
/* Adds what a recipe needs to compile over the fleet: CC CXX JOBS DISTCC_* EDCC_HOSTS EDCC_TARGET CCACHE_*. `out` is a map from name to const char *. */
void distcc_client_environment(struct run *, struct arena *, const struct distcc_client *, struct map *out);
/* The same for a client on this machine. */
void distcc_environment(struct run *, struct arena *, struct map *out);

/* How many compiles a host's own log says it did. */
uint64_t distcc_count_host(const char *log_path);

/* What became of -march=native and its like: of so many compiles it was these flags, or it was left as it is, and why. */
struct native {
	uint64_t count;
	struct str flags, why;
};

/* What is said of a local compile that distcc's log does not explain. */
#define DISTCC_NO_REASON "no reason given by distcc"
/* Of a call that ran here, its arguments joined by spaces: whether a host could have done it, and *words why none was asked; else what it was in place of a compile. */
bool distcc_call_compiles(struct str arguments, const char **words);
/* Compiles that ran on this machine, with the reasons, from the client's log. */
struct local_compiles {
	uint64_t count, fallbacks; /* fallbacks: those of them that hosts should have done */
	uint64_t remote; /* compiles that hosts have answered */
	struct map answers; /* how many of these each one: its address, as in host.address → uint64_t * */
	struct map reasons; /* "-march=native" → count as uint64_t * */
	struct map natives; /* "gcc-12 -march=native", what the words were of a call that front.sh looked at → struct native * */
	struct map others; /* calls that distcc is not meant to distribute: "linking" → count */
	struct map hosts; /* for distcc_failures_of */
};
/* A client's log, read as it grows. NULL where there is no memory. */
struct distcc_log;
struct distcc_log *distcc_log_open(struct str path);
void distcc_log_close(struct distcc_log *);
/* Reads what has come since; the counts are the log's, good until the next call. No log is an empty one. */
const struct local_compiles *distcc_log_read(struct distcc_log *);
/* Takes whole lines of a log that is elsewhere. */
void distcc_log_take(struct distcc_log *, struct str lines);

/* How often a host was given up by a client: for what went wrong there or on the way, and for what went wrong on the client's own machine. */
struct distcc_failures {
	uint64_t theirs, ours;
};
struct distcc_failures distcc_failures_of(const struct local_compiles *, struct str address);

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

/* What the fleet does now, from distcc's state files under DISTCC_DIR/state; one per running job. */
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

/* What distcc's lock files under DISTCC_DIR/lock say of one daemon. */
struct distcc_locks {
	char host[128]; /* as in a job: two daemons on one host differ in their ports only */
	int64_t port; /* 0: over ssh, or this machine */
	int slots; /* as many as were ever in use at once; of localhost that says nothing */
	int64_t failed; /* ms since 1970: when it last failed, 0 where it has not failed since it last compiled: it is left out for DISTCC_BACKOFF_MS */
};
#define DISTCC_BACKOFF_MS ((int64_t)60000)
/* The same time of the host with this address (as in host.address), from its back-off file alone. */
int64_t distcc_failed(const char *distcc_dir, struct str address);
/* Takes that file away: the host is asked again at once. */
void distcc_forgive(const char *distcc_dir, struct str address);
#define DISTCC_LOCKS_LIMIT 512
size_t distcc_locks_now(const char *distcc_dir, struct distcc_locks *, size_t limit);

/* What was last said of each host, so that a SLOTS event tells what is new. */
struct distcc_slots;
struct distcc_slots *distcc_slots_new(struct run *);
void distcc_slots_free(struct distcc_slots *);
/* Emits what has changed; puts the jobs into the order of their slots. */
void distcc_slots_tell(struct distcc_slots *, struct distcc_job *, size_t count);

/* What is held against hosts that fail. NULL where there is no memory. */
struct distcc_sulk;
struct distcc_sulk *distcc_sulk_new(struct run *);
/* Ends the proofs that run. */
void distcc_sulk_free(struct distcc_sulk *);
/* Looks at the back-off files, with what the log says: a host whose failure was this machine's own is forgiven; one that has failed is proved by a canary and
 * forgiven, once; one that has failed twice is out until it is proved again. Does not wait for anything. */
void distcc_sulk_look(struct distcc_sulk *, const struct local_compiles *);

/* On a thread of its own, until stopped: emits SLOTS events from the state files, takes a host out whose daemon has ended, looks after those that fail, and ends
 * the build where too much falls back. Costs nothing that a build would notice. */
struct distcc_watch;
struct distcc_watch *distcc_watch_start(struct run *);
void distcc_watch_stop(struct distcc_watch *);

/* While the build runs: fails it (run_fail) where a greater share of the compiles has fallen back to its machine than the file allows, once there are some. */
void distcc_hold_bound(struct run *, const struct local_compiles *);

/* At the end of the build, before teardown: counts from the logs, emits and journals how many compiles ran on which host and how many here and why. Returns how many
 * ran here; with the failure where more of them have fallen back than the file allows. */
uint64_t distcc_report(struct run *, struct failure *);

/* Where the run's client logs, and where a host's daemon does. */
struct str distcc_client_log(struct arena *, const struct run *);
struct str distcc_host_log(struct arena *, const struct run *, struct str host);
/* DISTCC_DIR of the run's steps. */
struct str distcc_client_folder(struct arena *, const struct run *);
/* What the clients on this machine keep with `save_temps`. */
struct str distcc_temps_folder(struct arena *, const struct run *);

/* Compiles a canary on the host alone and holds the object against a local one; the host's own log must show it. Several hosts may be proved at once. */
bool distcc_prove(struct run *, struct host *, const struct os_cancel *, struct failure *);
/* The same where a host that is proved is ready from then on. */
bool distcc_canary(struct run *, struct host *, struct failure *);
/* Whether this machine itself can compile it now: where it cannot, a host's proof says nothing. */
bool distcc_prove_here(struct run *, const struct os_cancel *);

#endif
