/* distcc: what distcc is to a run: the list of its hosts, what its clients find, where it logs, what is said of it at the end. distcc's own things are read in
 * distcc/; facts and their measurements: doc/distcc.md. */
#ifndef RUNTIME_DISTCC_H
#define RUNTIME_DISTCC_H

#include "distcc/log.h"
#include "runtime/run.h"

/* The hosts that are ready, as distcc's list has them: "127.0.0.2:41001/2 127.0.0.3:41002/2". */
struct str distcc_hosts(struct arena *, const struct host *, uint32_t count, bool compressed);
/* The same within the whole list on this machine: what may run here at once, and what the project's own list has besides. */
struct str distcc_host_list(struct arena *, const struct project *, const struct world *, struct str hosts);
/* Replaces the list in the run's DISTCC_DIR, which distcc reads at each call. With the run's mutex held: what is written last is what is. */
bool distcc_write_hosts(struct run *, struct arena *, struct str *error);
/* How hosts are reached over ssh: the user's DISTCC_SSH, or one that never asks. */
const char *distcc_ssh(char *const *environment);
/* Whether that is edcc's own; the user's may be any command. */
bool distcc_ssh_is_own(char *const *environment);
/* The same for compiles: one that is not the user's own ends where its host has been silent for io_timeout, for distcc waits for the end of ssh without any bound. */
struct str distcc_ssh_of_build(struct arena *, const struct project *, char *const *environment);
/* What the run's compiles and canaries call: that, or what goes over connections that they share. */
struct str distcc_ssh_of_run(struct run *, struct arena *);

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

/* While the build runs: fails it (run_fail) where a greater share of the compiles has fallen back to its machine than the file allows, once there are some. */
void distcc_hold_bound(struct run *, const struct local_compiles *);

/* At the end of the build, before teardown: counts from the logs, emits and journals how many compiles ran on which host and how many here and why. Returns how many
 * ran here; with the failure where more of them have fallen back than the file allows. well: no step has failed; then it is said where none called distcc. */
uint64_t distcc_report(struct run *, bool well, struct failure *);

/* Where the run's client logs, and where a host's daemon does. */
struct str distcc_client_log(struct arena *, const struct run *);
struct str distcc_host_log(struct arena *, const struct run *, struct str host);
/* DISTCC_DIR of the run's steps. */
struct str distcc_client_folder(struct arena *, const struct run *);
/* What the clients on this machine keep with `save_temps`. */
struct str distcc_temps_folder(struct arena *, const struct run *);

#endif
