/* cloud_aws: the runtime's table of a cloud, filled in by S3 and SNS. */
#ifndef AWS_CLOUD_AWS_H
#define AWS_CLOUD_AWS_H

#include "runtime/cloud.h"

struct aws;

extern const struct cloud cloud_aws;

/* The client of an account that cloud_aws.open made; it lives as long as the account. */
struct aws *cloud_aws_client(void *account);

#endif
