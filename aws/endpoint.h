/* endpoint: where a service is reached in a region, and for which region its requests are signed. */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "aws/config.h"

struct aws_endpoint {
	struct str url; /* "https://ec2.eu-west-1.amazonaws.com", without a slash at its end */
	struct str region; /* to sign for: not everywhere the one asked for */
	bool custom; /* somebody's own, not the partition's */
};

/* The URL is what was given > AWS_ENDPOINT_URL_<SERVICE> > AWS_ENDPOINT_URL > the profile's services section > its endpoint_url > the partition's own. */
struct aws_endpoint aws_endpoint_of(
	struct arena *, const struct aws_config *, struct str given, const char *service, struct str region);
/* Of "http://127.0.0.1:5000/prefix" "127.0.0.1:5000", as curl would write it (without the scheme's own port), and "/prefix". */
struct str aws_endpoint_host(struct str url);
struct str aws_endpoint_path(struct str url);
/* The part of AWS that a region is in: "aws", "aws-cn", … */
struct str aws_endpoint_partition(struct str region);
/* The region that stands for an ARN's partition, where nothing says more: "us-east-1". */
struct str aws_endpoint_global(struct str arn);

#endif
