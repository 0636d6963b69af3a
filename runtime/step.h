/* step, artifact, follow, source, notify: what the file itself asks for, the same on every provider that runs recipes on this machine. */
#ifndef RUNTIME_STEP_H
#define RUNTIME_STEP_H

#include "runtime/plan.h"

/* step.c: a recipe, its output, its verdict. */
extern const struct action_type action_step;
/* Runs the build's recipe to its verdict. Events and the log bear the build's name. False with the failure where it is not build_success. */
bool step_run(struct run *, const struct build *, struct failure *);
/* artifact.c: globs, copies with checksum, to a folder or a cloud. */
extern const struct action_type action_artifact;
/* Stores a file of the source tree at a URL of a cloud, until then (os_now_ms; 0: however long it takes) at the latest. What is begun of it is in the journal until
 * it is whole. */
struct cloud_stored;
bool artifact_upload(
	struct run *, struct arena *, struct str from, struct str to, int64_t until, struct cloud_stored *, struct failure *);
/* source.c: `source:` puts a tree into the run's folder, where the steps then run. */
extern const struct action_type action_source;
/* Whether the file has a source other than its own folder. */
bool source_asked(const struct project *);
/* The folder that steps run in and artifacts' patterns start from: the project's, or the run's own tree where there is a `source`. */
struct str source_root(struct arena *, const struct run *);
/* For programs that look at sources: edcc's own, with what keeps git from asking questions that nobody hears, and the run's mark. */
char **source_environment(struct arena *, const struct run *);
/* follow.c: an `on` block: notifications, then its recipe. */
extern const struct action_type action_follow;
/* notify.c: sends an `on` block's notifications; what cannot be sent is a warning, never a failure. */
void notify_send(struct run *, const struct on_block *);

#endif
