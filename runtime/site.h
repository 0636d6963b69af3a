/* site: the machine that the build runs on, as its steps, artifacts and counts see it: this one, unless the provider has another. */
#ifndef RUNTIME_SITE_H
#define RUNTIME_SITE_H

#include "runtime/run.h"
#include "runtime/step_run.h"

struct cloud_file;
struct cloud_stored;

/* Each that can fail returns false with *error a sentence, or with the failure. All but watch and unwatch are called by several threads at once. */
struct site {
	/* Adds what a recipe has there besides the file's own variables: the machine's own environment, the compilers to call. `out` is a map from name to const char *,
	 * NULL where it is not to be there. */
	void (*environment)(struct run *, struct arena *, struct map *out);
	/* Runs step->build's recipe to its end: its output goes to step->output, its calls to its judge, in the order they came in (step_call); the last is
	 * step_end. False with the failure where it could not be started or its end will never be known. */
	bool (*recipe)(struct step *, struct failure *);
	/* Files below the source tree that match the pattern, sorted, relative to it, as os_glob finds them; folders are not among them. */
	bool (*glob)(struct run *, struct arena *, struct str pattern, struct words *found, struct str *error);
	/* Whether that is a folder; the path is relative to the source tree. */
	bool (*is_folder)(struct run *, struct arena *, struct str path);
	/* A file of the source tree to a path of this machine: whole or not at all, and held against what it is there. hex: HASH_HEX_LENGTH + 1 bytes. */
	bool (*copy)(struct run *, struct arena *, struct str from, const char *to, char *hex, uint64_t *size, struct str *error);
	/* The same to the cloud; file->path is relative to the source tree. */
	bool (*store)(struct run *, struct arena *, const struct cloud_file *, struct cloud_stored *, struct failure *);
	/* Follows what the hosts do, on a thread of its own, until stopped: SLOTS events, hosts that come and go. */
	void *(*watch)(struct run *);
	void (*unwatch)(void *);
	/* The hosts that are ready have changed: distcc's list there is to follow. With the run's mutex held. NULL: the machine sees to it itself. */
	bool (*list_hosts)(struct run *, struct arena *, struct str *error);
	/* Brings the logs of clients and hosts to where distcc_client_log and distcc_host_log say. What cannot be brought is a warning. */
	void (*collect)(struct run *);
};

extern const struct site site_local;

#endif
