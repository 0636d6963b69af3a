/* sweep: what edcc has left in an account, found by the tags of EC2, whoever made it from wherever. */
#ifndef AWS_SWEEP_H
#define AWS_SWEEP_H

#include "runtime/provider.h"

extern const struct sweep aws_sweep;

#endif
