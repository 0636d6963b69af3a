/* s3_offer: what another machine needs to store a file of its own, without credentials. */
#ifndef AWS_S3_OFFER_H
#define AWS_S3_OFFER_H

#include "aws/s3.h"
#include "runtime/cloud.h"

/* Where it goes up in parts: fills in upload; watch->begun must be there. Where it fails nothing is left. */
bool s3_offer_begin(struct aws *, struct arena *, const struct s3_watch *, struct cloud_parcel *, struct aws_error *);
/* Fills in the puts of what is not stored yet. */
bool s3_offer(struct aws *, struct arena *, struct cloud_parcel *, struct aws_error *);
/* Completes it by the etags, and looks at the object: its size and its checksums must be the parcel's. */
bool s3_accept(struct aws *, struct arena *, const struct cloud_parcel *, struct s3_object *, struct aws_error *);

#endif
