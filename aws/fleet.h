/* fleet: EC2 machines in a network of their own: what a plan knows of them, what a run has made of them, and the actions that make, boot and remove them.
 * The order of the calls, and why: doc/aws.md, "The fleet". */
#ifndef AWS_FLEET_H
#define AWS_FLEET_H

#include "aws/ec2.h"
#include "aws/lookup.h"
#include "runtime/provider.h"

extern const struct provider provider_aws;

/* --- what the plan knows; everything in it is in the arena that the world is in --- */

/* A type that the file names. */
struct fleet_type {
	struct str name;
	bool found; /* it was looked up */
	int64_t cpus; /* guessed by its size where it was not */
	int64_t memory; /* bytes; 0: not known */
	int64_t price, spot_price; /* an hour, in millionths of a US dollar; -1: not known */
	struct words zones; /* that have it; none: not known */
};

/* Machines that are alike: launched together. */
struct fleet_launch {
	const struct instance_group *group;
	struct fleet_type **types; /* in order of preference */
	size_t type_count;
	struct str image_name, arch;
	struct aws_image image; /* its id none: not known yet */
	int64_t disk;
	struct words packages;
	uint32_t first, count, minimum; /* which of the hosts; the first of all is the HOST */
};

/* A machine as the journal has it. */
struct fleet_machine {
	struct str id; /* none: it was not launched */
	struct str private_address, public_address;
	struct str gone; /* why it ended before it was of use */
};

/* A fleet that an earlier run of the project has kept. */
struct fleet_kept {
	struct str run;
	int64_t until; /* ms since 1970 */
	int64_t ends; /* when the machines end by themselves */
	struct fleet_machine *machines; /* by the hosts' order */
	struct words things; /* the ids of all that there is of it */
	struct str host_key, key; /* the HOST's own; the file of the key that it lets in */
	uint32_t count; /* of machines */
};

struct fleet_seen {
	struct fleet_launch *launches;
	size_t launch_count;
	struct fleet_type *types; /* each once */
	size_t type_count;
	struct str region, account;
	struct str vpc, subnet; /* ids of those that exist and are used; none: made */
	struct str vpc_range, subnet_range;
	struct words zones; /* where the subnet may be, the best first; none: anywhere */
	int64_t free_addresses; /* of a subnet that exists */
	struct words ssh; /* who may log in; none: not known yet */
	struct words keys; /* of the files that `network: keys` names: lines of authorized_keys */
	struct words traits; /* what two fleets can be told apart by, in words: "2 machines", "the type c7i.large" */
	struct str digest; /* of all that makes two fleets the same */
	struct fleet_kept *kept; /* that is the same; NULL: the fleet is made */
	bool pump; /* machines preprocess */
	struct words unused, unused_why; /* runs whose kept fleets are not, and what tells each from this one */
};

/* fleet_layout.c: what follows from the file alone. False with errors filed. */
bool fleet_lay_out(struct arena *, const struct project *, struct fleet_seen *, struct diags *);
/* The user data of a launch; `run` is none for the digest. */
struct user_data;
bool fleet_user_data(struct arena *, const struct project *, const struct fleet_seen *, const struct fleet_launch *,
	struct user_data *, struct str *text, struct str *error);
/* Puts the zones in order, once it is known which has what. False with an error filed where none has all. */
bool fleet_choose_zones(struct arena *, const struct project *, struct fleet_seen *, struct diags *);
bool fleet_type_is_in(const struct fleet_type *, struct str zone);

/* fleet_look.c: asks AWS, everything at once. What could not be asked is a note; false with errors filed where the fleet cannot be made. */
bool fleet_look(struct arena *, struct aws *, struct fleet_seen *, struct words *notes, struct diags *);
/* What making the fleet needs and is still to be asked, which action_open does: "the image, the subnet"; none where it is nothing. */
struct str fleet_open_text(struct arena *, const struct fleet_seen *);
extern const struct action_type action_open;

/* fleet_notes.c: lines for the head of the plan; *price as in struct world. */
void fleet_notes(struct arena *, const struct project *, const struct observing *, const struct fleet_seen *, struct words *notes,
	int64_t *price);

/* fleet_kept.c: finds what the project's earlier runs have kept: seen->kept and seen->unused. */
void fleet_find_kept(struct arena *, const struct observing *, const struct project *, struct fleet_seen *);
/* The kept fleet is not used after all: `why` says what is wrong with it. */
void fleet_leave_kept(struct arena *, struct fleet_seen *, struct str why);
/* Whether somebody answers there as an ssh server does, within a few seconds. */
bool fleet_host_answers(struct str address);

/* fleet_keep.c */
bool fleet_keep(struct run *, int64_t ms, struct failure *);
/* Tells whoever looks at the account whose the fleet is now, until when, and how its HOST is known. Its failure is a warning. */
extern const struct action_type action_tags;

/* --- what a run has --- */

struct fleet {
	struct arena arena; /* under run->mutex */
	struct fleet_seen seen; /* the plan's; its launches are a copy, where what was still open is filled in; zero in destroy */
	struct str vpc, gateway, subnet, zone, group, table; /* each set by its action, before what needs it begins */
	struct str public_key, first_key; /* the run's own; the private key that is good for the HOST's first answer */
	struct str first_public_key;
	struct str host_key; /* the HOST's own, once it has told */
	struct fleet_machine *machines; /* by run->hosts */
	struct words instances; /* ids of all that were launched */
	int64_t ends; /* when the machines end by themselves; ms since 1970 */
	struct str caller; /* in destroy: whose the credentials are; none: not asked yet */
};

/* The run's fleet, made at the first call. */
struct fleet *fleet_of(struct run *);
void fleet_close(struct run *);
/* The client; of an undo with what its intent says of the account (params), and refused where the credentials are another's. NULL with the failure. */
struct aws *fleet_aws(struct run *, const struct json *params, struct failure *);
/* "123456789012" of "arn:aws:iam::123456789012:user/x". */
struct str fleet_account(struct str arn);
/* A terminated copy that lives as long as the run. */
struct str fleet_dup(struct run *, struct str);
/* Completes an intent's params: whose account, where, and the run. */
struct fleet_intent {
	struct run *run;
	struct aws *aws;
	struct str vpc, gateway; /* what an attachment is of */
};
void fleet_fill_intent(struct json_writer *, void *intent);
/* Journals that of what was meant nothing can have been made. */
void fleet_not_made(struct run *, const struct action *);
/* The tags of what the run makes. */
struct ec2_tags fleet_tags(struct run *, struct arena *);
/* What was being done, why it failed, and the way out of it. Returns false. */
bool fleet_fail(struct aws *, const struct aws_error *, struct failure *, const char *doing, ...)
	__attribute__((format(printf, 4, 5)));
/* The credentials are not taken, whatever was asked with them. */
bool fleet_is_unknown(const struct aws_error *);
/* Waits; each time longer, from one second to five. False where the run is cancelled. */
bool fleet_pause(struct run *, int64_t *ms);
/* RUN/fleet/NAME */
const char *fleet_path(struct arena *, const struct run *, const char *name);

/* --- the actions --- */

/* fleet_network.c */
extern const struct action_type action_vpc, action_gateway, action_subnet, action_group, action_attach, action_routes, action_route,
	action_rules;
/* Another subnet in the zone in place of the run's, which nothing is in. */
bool fleet_move(struct run *, struct aws *, struct str zone, struct failure *);
/* fleet_key.c */
extern const struct action_type action_key;
/* fleet_launch.c */
extern const struct action_type action_instances;
/* Journals what is known of the machines; `complete`: no launch can be on its way whose answer is not here. */
bool fleet_record(struct run *, bool complete, struct failure *);
/* fleet_terminate.c: the undo of action_instances: ends all of the run's machines by one call, and waits until they are gone. */
bool fleet_terminate(struct run *, const struct json *params, const struct json *result, struct failure *);
/* fleet_boot.c */
extern const struct action_type action_boot, action_adopt;
/* Waits for the proof of one machine; the run goes on without those of the second kind. */
extern const struct action_type action_await, action_await_optional;

#endif
