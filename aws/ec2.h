/* ec2: the calls of EC2 that edcc makes, one function each. Every call that creates something tags it in the same request. What is read is the caller's
 * arena's. Each returns false with the error. */
#ifndef AWS_EC2_H
#define AWS_EC2_H

#include "aws/client.h"

/* The tags that everything of a run has; TAG(name, key, what it says). */
#define EC2_TAGS(TAG)                                                                               \
	TAG(RUN, "edcc:run", "the run's id: what one run may touch")                                \
	TAG(PROJECT, "edcc:project", "the project's name")                                          \
	TAG(OWNER, "edcc:owner", "user@host pid start: whose process made it")                      \
	TAG(EXPIRES, "edcc:expires", "seconds since 1970: nothing of it is used any more")          \
	TAG(KEPT, "edcc:kept", "yes: left on purpose until it expires, though its owner has ended") \
	TAG(HOST_KEY, "edcc:host-key", "of the HOST: the key that it shows over ssh")               \
	TAG(NAME, "Name", "what the console shows: edcc PROJECT")

enum ec2_tag {
#define TAG(name, key, text) EC2_TAG_##name,
	EC2_TAGS(TAG)
#undef TAG
	EC2_TAG_COUNT
};
const char *ec2_tag_key(enum ec2_tag);

/* The values for a run, by enum ec2_tag; none: that tag is not set. */
struct ec2_tags {
	struct str values[EC2_TAG_COUNT];
};

/* What edcc makes and finds again by its tags. KIND(name, word in EC2's filters and ids) */
#define EC2_KINDS(KIND)                   \
	KIND(VPC, "vpc")                  \
	KIND(GATEWAY, "internet-gateway") \
	KIND(SUBNET, "subnet")            \
	KIND(GROUP, "security-group")     \
	KIND(INSTANCE, "instance")

enum ec2_kind {
#define KIND(name, text) EC2_##name,
	EC2_KINDS(KIND)
#undef KIND
	EC2_KIND_COUNT
};
const char *ec2_kind_name(enum ec2_kind);

/* --- the network --- */

/* Not idempotent: where error.maybe_done is set the caller looks for the run's tag before it tries again. */
bool ec2_create_vpc(struct aws *, struct arena *, struct str range, const struct ec2_tags *, struct str *id, struct aws_error *);
bool ec2_create_gateway(struct aws *, struct arena *, const struct ec2_tags *, struct str *id, struct aws_error *);
/* zone: none for any. InvalidSubnet.Conflict after a lost answer: the one that is there is taken where it has the run's tag. */
bool ec2_create_subnet(struct aws *, struct arena *, struct str vpc, struct str range, struct str zone, const struct ec2_tags *,
	struct str *id, struct aws_error *);
bool ec2_create_group(struct aws *, struct arena *, struct str vpc, struct str name, struct str text, const struct ec2_tags *,
	struct str *id, struct aws_error *);
/* Being there already is a success for these. */
bool ec2_attach_gateway(struct aws *, struct arena *, struct str vpc, struct str gateway, struct aws_error *);
bool ec2_main_route_table(struct aws *, struct arena *, struct str vpc, struct str *id, struct aws_error *);
bool ec2_create_route(struct aws *, struct arena *, struct str table, struct str range, struct str gateway, struct aws_error *);

/* A rule of what may come in: TCP to a port from ranges, from the group itself, or both. */
struct ec2_rule {
	int port;
	struct words ranges; /* "203.0.113.0/24", "2001:db8::/32" */
	bool from_group;
};
bool ec2_authorize(struct aws *, struct arena *, struct str group, const struct ec2_rule *, size_t count, struct aws_error *);

/* What is not there is deleted; DependencyViolation is the caller's to wait for (ec2_is_busy). */
bool ec2_delete(struct aws *, struct arena *, enum ec2_kind, struct str id, struct aws_error *); /* not for instances */
bool ec2_detach_gateway(struct aws *, struct arena *, struct str vpc, struct str gateway, struct aws_error *);
/* The VPC that the gateway is attached to; none where to none or there is no such gateway. */
bool ec2_gateway_vpc(struct aws *, struct arena *, struct str gateway, struct str *vpc, struct aws_error *);

/* A VPC, subnet or group that exists: the VPC it is in; false with InvalidSubnetID.NotFound and the like. */
struct ec2_subnet {
	struct str id, vpc, zone, range;
	int64_t free_addresses;
	bool public_addresses; /* machines get one by themselves */
};
bool ec2_describe_subnet(struct aws *, struct arena *, struct str id, struct ec2_subnet *, struct aws_error *);
bool ec2_describe_vpc(struct aws *, struct arena *, struct str id, struct str *range, struct aws_error *);

/* --- machines --- */

enum ec2_state {
	EC2_PENDING,
	EC2_RUNNING,
	EC2_STOPPING,
	EC2_STOPPED,
	EC2_SHUTTING_DOWN,
	EC2_TERMINATED,
};

struct ec2_instance {
	struct str id, type, zone, private_address, public_address, image;
	enum ec2_state state;
	int64_t launch_index;
	bool spot;
	struct str reason; /* why it is where it is: "Server.SpotInstanceTermination: …"; none mostly */
	struct ec2_tags tags;
};

struct ec2_launch {
	struct str image, type, subnet, group, zone;
	int64_t count, minimum; /* at most, at least */
	struct str user_data; /* as it is; base64 is the call's business */
	bool spot;
	struct str max_price; /* an hour, for spot; none */
	int64_t disk; /* bytes; 0: the image's own */
	struct str root_device; /* "/dev/xvda": what the disk's size is for */
	struct str role; /* an instance profile's name or ARN; none */
	struct str token; /* ClientToken, at most 64 ASCII characters */
	struct ec2_tags tags; /* of the instances and their volumes */
};
/* One call for all. IMDSv2 only, terminated when it shuts down, a public address, the root volume deleted with it. A profile that is not known yet is
 * tried again for some ten seconds. */
bool ec2_run_instances(
	struct aws *, struct arena *, const struct ec2_launch *, struct ec2_instance **, size_t *count, struct aws_error *);
/* By their ids, or (ids none) by the run's tag; terminated ones too while EC2 remembers them. Pages. */
bool ec2_describe_instances(struct aws *, struct arena *, const struct words *ids, struct str run, struct ec2_instance **,
	size_t *count, struct aws_error *);
/* All or nothing where an id is wrong: then those that are there are looked up and the rest is done without.
 * The rest may be machines so new that EC2 does not know them yet: look for the run once more before it is taken for gone. */
bool ec2_terminate(struct aws *, struct arena *, struct words ids, struct aws_error *);
/* Those that have a text, be it empty. */
bool ec2_set_tags(struct aws *, struct arena *, struct words ids, const struct ec2_tags *, struct aws_error *);

/* --- what was left --- */

/* Something with a tag of edcc's. */
struct ec2_thing {
	enum ec2_kind kind;
	struct str id;
	struct str vpc; /* of subnets and groups; of gateways that they are attached to */
	enum ec2_state state; /* of instances */
	struct ec2_tags tags;
};
/* Everything in the client's region of that kind and run (none: any run that has a tag of edcc's). Instances that are gone are not among them. Pages. */
bool ec2_find(struct aws *, struct arena *, enum ec2_kind, struct str run, struct ec2_thing **, size_t *count, struct aws_error *);
bool ec2_regions(struct aws *, struct arena *, struct words *, struct aws_error *);

/* --- what kind of error --- */

/* Not here or not now: another type or zone may have it. */
bool ec2_is_capacity(const struct aws_error *);
/* The account's limit: *name and *where as the user would look for them ("Running On-Demand Standard instances", L-1216C47A); false where it is none. */
bool ec2_is_quota(const struct aws_error *, const char **name, const char **where);
/* It is still used: again later. */
bool ec2_is_busy(const struct aws_error *);
/* Just made and not yet known everywhere: again soon, where it is ours. */
bool ec2_is_not_yet(const struct aws_error *);

#endif
