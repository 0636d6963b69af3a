/* sweep_account: what the files of the sweep share: the account that is swept, and a run's things in one of its regions. */
#ifndef AWS_SWEEP_ACCOUNT_H
#define AWS_SWEEP_ACCOUNT_H

#include "aws/ec2.h"
#include "aws/sweep.h"

struct sweep_account {
	struct aws *aws; /* in the region that is meant */
	struct aws **others; /* in other regions, from the first look at them on */
	size_t other_count;
	struct cloud_place place;
	char *const *environment;
	const struct os_cancel *cancel;
	const char *folder; /* what a shell's ssh reads; NULL: there is none */
	struct arena arena; /* of the folder's name, and of what ssh is told */
};

/* struct remnant's `things`. */
struct sweep_things {
	struct aws *aws;
	struct ec2_thing *list;
	size_t count;
};

/* One question: everything of one kind in one region. */
struct sweep_look {
	struct aws *aws;
	enum ec2_kind kind;
	struct str run; /* none: of every run */
	struct arena arena; /* the answer's */
	struct ec2_thing *list;
	size_t count;
	struct aws_error error;
	bool done;
};
/* Asks them all, side by side. */
void sweep_look(struct sweep_look *, size_t count);
void sweep_look_free(struct sweep_look *, size_t count);
/* EC2_KIND_COUNT questions: everything of a run, or (none) of every run, in a client's region. */
void sweep_ask(struct sweep_look *, struct aws *, struct str run);

/* The failure of a call, with the way out where there is one. Always false. */
bool sweep_fail(struct aws *, const struct aws_error *, struct failure *);

/* sweep_remove.c */
bool sweep_remove(void *account, const struct remnant *, struct events *, struct failure *);
/* sweep_shell.c */
bool sweep_machines(void *account, const struct remnant *, struct remnant_machine **, size_t *count, struct failure *);
char **sweep_shell(
	void *account, const struct remnant *, struct str machine, const char *key, const char *command, struct failure *);

#endif
