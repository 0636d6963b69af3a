/* lookup: what a plan asks AWS: images, types, prices, quotas. Each is one question; where it has no answer the error says why and the plan goes on without. */
#ifndef AWS_LOOKUP_H
#define AWS_LOOKUP_H

#include "aws/client.h"

/* image.c: "debian-12", "ubuntu-24.04", "amazon-linux-2023", "ami-…", "/path/of/a/parameter", "OWNER/NAME-PATTERN" (an account's number or amazon, self;
 * the newest that matches) → the image. arch: amd64 or arm64. Names and their publishers' parameters are one table. */
struct aws_image {
	struct str id, name, root_device;
	struct str system; /* "debian", "ubuntu", "amazon": how packages are installed; none where nothing says */
};
bool aws_image(struct aws *, struct arena *, struct str name, struct str arch, struct aws_image *, struct aws_error *);
/* The names in the table, for messages. */
struct words aws_image_names(struct arena *);
/* Whether the text is any of the forms above, without asking. */
bool aws_image_is_known(struct str name);

/* instance_type.c */
struct aws_type {
	struct str name;
	int64_t cpus, memory; /* bytes */
	bool arm64, amd64;
};
/* All of the names in one call; those that there are not in the region are left out. */
bool aws_types(struct aws *, struct arena *, struct words names, struct aws_type **, size_t *count, struct aws_error *);
/* The zones of the region itself that offer the type, sorted. */
bool aws_type_zones(struct aws *, struct arena *, struct str type, struct words *zones, struct aws_error *);

/* pricing.c: US dollars in millionths, an hour of one machine; on demand, Linux, shared. */
bool aws_price(struct aws *, struct arena *, struct str type, int64_t *millionths, struct aws_error *);
/* The lowest of the zones' newest spot prices. */
bool aws_spot_price(struct aws *, struct arena *, struct str type, int64_t *millionths, struct aws_error *);

/* quota.c: how many processors of standard types (A C D H I M R T Z) may run at once in the region. */
bool aws_cpu_quota(struct aws *, struct arena *, bool spot, int64_t *cpus, struct aws_error *);

/* identity.c: who asks: "arn:aws:iam::123456789012:user/x". */
bool aws_identity(struct aws *, struct arena *, struct str *arn, struct aws_error *);

/* address.c: this machine's address as AWS sees it, as a /32 or /128; where an endpoint of one's own is set, the address that leads there. */
bool aws_own_address(struct aws *, struct arena *, struct str *range, struct aws_error *);

#endif
