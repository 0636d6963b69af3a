/* export: the configuration of a fleet for use without edcc: which there are, and those of a cloud's machines. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cli/command.h"

/* What can be exported, ended by one without a name. */
struct export_kind {
	const char *name, *doc;
};
extern const struct export_kind export_kinds[];

/* Each appends to the text; false with *status, the error filed. */
/* What a machine of the project would be told at its boot, for one that is started by other means. */
bool export_user_data(struct cli *, const struct project *, struct buf *, enum exit_status *);
/* ~/.ssh/config for the machines of the newest fleet that runs or is kept. */
bool export_fleet(struct cli *, struct buf *, enum exit_status *);

#endif
