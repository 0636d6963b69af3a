/* fleet_look: what the questions that a plan asks AWS share with what asks them. */
#ifndef AWS_FLEET_LOOK_H
#define AWS_FLEET_LOOK_H

#include "aws/fleet.h"

/* One question to AWS. It is asked on a thread of its own; its answer is taken by the caller's. */
struct fleet_look {
	const struct fleet_question *question;
	struct aws *aws;
	const struct fleet_seen *seen; /* not changed while questions are being asked */
	struct fleet_type *type;
	struct fleet_launch *launch;
	bool spot;
	struct arena arena; /* of the answer */
	bool answered;
	struct aws_error error;
	struct str text;
	struct words words;
	int64_t number;
	struct aws_image image;
	struct aws_type *types;
	struct ec2_instance *instances;
	size_t count; /* of either */
	struct ec2_subnet subnet;
	bool reached; /* somebody answers there */
};

/* What the answers go into. */
struct fleet_looking {
	struct arena *arena;
	struct fleet_seen *seen;
	struct words *notes;
	struct diags *diags;
	bool failed;
};

/* What is asked: how, what is done with the answer, and what to call it where there is none. */
struct fleet_question {
	const char *what;
	bool (*ask)(struct fleet_look *);
	void (*take)(struct fleet_looking *, struct fleet_look *);
	/* Where there is no answer because the file asks for what is not there; NULL: that cannot be. */
	void (*refuse)(struct fleet_looking *, struct fleet_look *);
};

extern const struct fleet_question fleet_ask_image, fleet_ask_types, fleet_ask_zones, fleet_ask_price, fleet_ask_quota,
	fleet_ask_caller, fleet_ask_address, fleet_ask_vpc, fleet_ask_subnet, fleet_ask_kept;

/* Whether the same question asks for both images. */
bool fleet_is_same_image(const struct fleet_launch *, const struct fleet_launch *);

#endif
