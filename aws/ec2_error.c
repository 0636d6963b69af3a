#include "aws/ec2.h"

bool
ec2_is_capacity(const struct aws_error *error)
{
	static const char *const codes[] = {"InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacity",
		"UnfulfillableCapacity", "Unsupported", "SpotMaxPriceTooLow", NULL};
	return aws_error_among(error, codes);
}

bool
ec2_is_quota(const struct aws_error *error, const char **name, const char **where)
{
	static const struct {
		const char *code, *name, *where;
	} quotas[] = {
		{"VcpuLimitExceeded", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "L-1216C47A"},
		{"InstanceLimitExceeded", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "L-1216C47A"},
		{"MaxSpotInstanceCountExceeded", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", "L-34B43A08"},
		{"VpcLimitExceeded", "VPCs per Region", "L-F678F1CE"},
		{"InternetGatewayLimitExceeded", "Internet gateways per Region", "L-A4707A72"},
		{"SubnetLimitExceeded", "Subnets per VPC", "L-407747CB"},
		{"SecurityGroupLimitExceeded", "VPC security groups per Region", "L-E79EC296"},
		{"RulesPerSecurityGroupLimitExceeded", "Inbound or outbound rules per security group", "L-0EA8095F"},
	};
	for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++)
		if (aws_error_is(error, quotas[i].code)) {
			*name = quotas[i].name;
			*where = quotas[i].where;
			return true;
		}
	return false;
}

bool
ec2_is_busy(const struct aws_error *error)
{
	static const char *const codes[] = {"DependencyViolation", "InvalidGroup.InUse", NULL};
	return aws_error_among(error, codes);
}

bool
ec2_is_not_yet(const struct aws_error *error)
{
	static const char *const codes[] = {"InvalidVpcID.NotFound", "InvalidSubnetID.NotFound", "InvalidGroup.NotFound",
		"InvalidSecurityGroupID.NotFound", "InvalidInternetGatewayID.NotFound", "InvalidGatewayID.NotFound",
		"InvalidRouteTableID.NotFound", "InvalidInstanceID.NotFound", NULL};
	return aws_error_among(error, codes);
}
