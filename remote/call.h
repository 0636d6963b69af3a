/* call: one thing that is asked of the HOST; what the files of this room share. */
#ifndef REMOTE_CALL_H
#define REMOTE_CALL_H

#include "base/arena.h"
#include "remote/remote.h"

/* What stands on the HOST; aws/guest/README.md. */
#define REMOTE_ROOT "/opt/edcc"
#define REMOTE_TOOL REMOTE_ROOT "/edcc-host"
#define REMOTE_STATE "/var/lib/edcc"
#define REMOTE_TREE REMOTE_STATE "/tree"
/* Before a lost connection is tried again. */
#define REMOTE_PAUSE_MS 250
/* What ends or collects, and is asked for also after the cancellation, must not take longer. */
#define REMOTE_LAST_MS 15000

struct remote {
	struct run *run;
	struct arena arena; /* for the machine's key */
	struct ssh *ssh;
	struct str address, host_key;
	int64_t lease, opened; /* ms */
	bool (*has_ended)(struct run *, struct failure *);
	pthread_t thread; /* renews the lease */
	pthread_mutex_t mutex; /* for what follows */
	pthread_cond_t changed; /* a host, or `closing` */
	bool closing, told; /* told: it knows its fleet */
	enum remote_pump {
		REMOTE_PUMP_NONE, /* nothing has been heard of it */
		REMOTE_PUMP_ON,
		REMOTE_PUMP_OFF,
	} pump; /* its include server */
	struct str pump_why; /* it is off */
	int64_t enough; /* since when so many hosts are ready that the others are not waited for much longer; 0: they are not */
	int64_t away; /* since when the watch has no connection; 0: it has */
	struct str fetched; /* what of a cache that is kept has come: "restored 31.0 MB in 0.4 s"; none: nothing */
	struct str over, way_out; /* why nobody waits for the machine any more, and what then; none: they do */
};

/* A standard input that is made anew for each try. */
struct remote_input {
	void *context;
	int (*open)(void *context, struct str *error); /* a descriptor that will be taken over; -1 with *error */
	bool (*close)(
		void *context, struct str *error); /* the try is over; false with *error where what came through was not all */
};

struct remote_call {
	const char *const *words; /* of edcc-host's command, NULL-ended */
	struct str input;
	const struct remote_input *made; /* in place of `input`; may be NULL */
	const char *output_path; /* NULL: to the caller */
	size_t limit; /* of output in memory; 0: 1 MiB */
	int64_t timeout; /* ms; 0: none */
	bool regardless; /* also once the run was cancelled, and then tried only once */
	bool once; /* tried only once in any case */
};
bool remote_make_call(struct remote *, struct arena *, const struct remote_call *, struct str *output, struct failure *);
/* Starts one whose output is read as it comes. */
bool remote_start(struct remote *, struct arena *, const char *const *words, struct str input, bool regardless, struct os_process *,
	struct str *error);
/* Sleeps before another try; false where the run was cancelled. */
bool remote_pause(struct remote *);
/* Nobody waits for the machine any more. */
void remote_give_up(struct remote *, struct str why, struct str way_out);
/* Whether it is so, with the failure; from now on it is where the machine has been away (`lost`: since when, 0: it is there) for REMOTE_AWAY_MS. */
bool remote_is_over(struct remote *, int64_t lost, struct str error, struct failure *);
/* The run's connection, once there is one. */
struct remote *remote_of(struct run *);

/* --- what stands behind site_remote --- */

/* site.c: what compiles go through there, from now on. */
bool remote_send_front(struct remote *, struct failure *);
/* pump.c: what the HOST says of its include server: "on", "off WHY"; again and again. */
void remote_hear_pump(struct remote *, struct str text);
/* The word for its machines: "yes", "auto" or "no". */
struct str remote_pump_word(const struct run *);
/* What recipes need for it. */
void remote_pump_environment(struct run *, struct map *out);
/* step.c */
bool remote_recipe(struct step *, struct failure *);
/* artifact.c */
bool remote_glob(struct run *, struct arena *, struct str pattern, struct words *found, struct str *error);
bool remote_is_folder(struct run *, struct arena *, struct str path);
bool remote_copy(struct run *, struct arena *, struct str from, const char *to, char *hex, uint64_t *size, struct str *error);
/* store.c */
bool remote_store(struct run *, struct arena *, const struct cloud_file *, struct cloud_stored *, struct failure *);
/* watch.c */
void *remote_watch(struct run *);
void remote_unwatch(void *);

/* A regular file there. */
struct remote_file {
	struct str sha256; /* hexadecimal */
	int64_t size;
	mode_t mode;
	struct str path;
};
/* The next of what `digest` prints; false at its end, and on what it does not print. */
bool remote_next_file(struct str *list, struct remote_file *);
/* One that must be there. */
bool remote_look_at_file(struct remote *, struct arena *, struct str path, struct remote_file *, struct failure *);

#endif
