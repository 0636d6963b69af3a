/* account: what the commands know of an account beyond the journals of this machine: the runs whose things are there, by their tags. */
#ifndef CLI_ACCOUNT_H
#define CLI_ACCOUNT_H

#include "cli/command.h"
#include "runtime/journal.h"
#include "runtime/sweep.h"

struct account {
	struct cli *cli;
	struct sweeping sweeping; /* its project: none where there is no Edccfile, or one with errors */
	bool elsewhere; /* the project's provider leaves what only an account may know of */
	const char *state; /* the folder of the journals; NULL where there is no Edccfile */
	struct os_cancel cancel; /* what every call goes by; may be changed at any time */
	struct failure failure;
	struct remnant *remnants; /* the oldest run first */
	size_t count;
};

/* What an Edccfile here says: project, state folder, and where its cloud is; nothing where there is none, or where it has errors. Only `cli` need be set. */
struct cloud_place account_locate(struct account *);
/* Opens the account that --region, the run's journal here (run: none where it is of no one run), the Edccfile where one is here, and the environment say. Every call
 * ends soon once `cancel` is raised. False where there is none (the failure says why). */
bool account_open(struct cli *, struct account *, struct str run, struct os_cancel cancel);
void account_close(struct account *);
/* Looks at what is there of a project (none: of all), in the account's region or everywhere; journals of this machine know better than tags. False where
 * that cannot be had (the failure says why); else the failure says where nobody could look, if anywhere. */
bool account_find(struct account *, struct str project, bool everywhere);
/* What the journal of a run here says of its fleet: the HOST's key, the order of its machines, that it is kept. */
void account_recall(const struct account *, struct remnant *);
/* An array of the machines as their launch was recorded: id, private, public; NULL where it was not. */
const struct json *account_machines(const struct journal_state *);
/* account_fleet.c */
/* Opens the account that the newest fleet is in, or that of --run, which runs or is kept: by the journals here, else by the tags. False where there is none (the failure
 * says why); the account is to be closed either way. */
bool account_fleet(struct account *, struct cli *, struct remnant *fleet);
/* The file of the run's own key, where this folder has it; else NULL. */
const char *account_key(const struct account *, struct str run);
/* Files the failure; the result is its exit status. */
enum exit_status account_refuse(struct account *);

#endif
