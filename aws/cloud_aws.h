/* cloud_aws: the runtime's table of a cloud, filled in by S3 and SNS. */
#ifndef AWS_CLOUD_AWS_H
#define AWS_CLOUD_AWS_H

#include "runtime/cloud.h"

extern const struct cloud cloud_aws;

#endif
