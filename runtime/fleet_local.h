/* fleet_local: the folders and the distccd daemons of a fleet on this machine's loopback addresses. */
#ifndef RUNTIME_FLEET_LOCAL_H
#define RUNTIME_FLEET_LOCAL_H

#include "runtime/run.h"

/* The run's folders: RUN/fleet for this machine's client and canaries, and a place that the daemons' user can reach. */
extern const struct action_type action_fleet;
/* One distccd; action->index is the host. */
extern const struct action_type action_distccd;

/* The user that root's daemons become, since distccd refuses to be root; NULL where edcc is not root: they are the calling user then. */
const char *fleet_user(uid_t *uid, gid_t *gid);
/* Where the daemons' own folders are: in the run's, or, for daemons of root that could not reach that (below /root, say), in one of their own. */
struct str fleet_daemons_folder(struct arena *, const struct run *);
/* The list of what daemons may run. */
struct str fleet_commands_file(struct arena *, const struct run *);
/* Where canaries are compiled. */
struct str fleet_canary_folder(struct arena *, const struct run *);
/* An environment of a few names for what edcc itself starts: PATH and the like from edcc's own, the run's mark and the fleet's, then `more` ("NAME=VALUE", NULL-ended). */
char **fleet_environment(struct arena *, const struct run *, const char *const *more);
/* The last lines of a log, at most `lines`, joined by "; ". */
struct str fleet_log_tail(struct arena *, const char *path, size_t lines);

#endif
