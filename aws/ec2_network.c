#include "aws/ec2_call.h"
#include "base/arena.h"

/* --- what is made --- */

bool
ec2_create_vpc(struct aws *aws, struct arena *arena, struct str range, const struct ec2_tags *tags, struct str *id,
	struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "CreateVpc");
	aws_parameter(&parameters, "CidrBlock", range);
	ec2_put_tags(&parameters, 1, ec2_kind_name(EC2_VPC), tags);
	const struct xml *answer = aws_query(aws, arena, "ec2", &parameters, AWS_ONCE, error);
	return ec2_answer_text(answer, arena, &parameters, "vpc/vpcId", id, error);
}

bool
ec2_create_gateway(struct aws *aws, struct arena *arena, const struct ec2_tags *tags, struct str *id, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "CreateInternetGateway");
	ec2_put_tags(&parameters, 1, ec2_kind_name(EC2_GATEWAY), tags);
	const struct xml *answer = aws_query(aws, arena, "ec2", &parameters, AWS_ONCE, error);
	return ec2_answer_text(answer, arena, &parameters, "internetGateway/internetGatewayId", id, error);
}

/* The id of what is in the VPC already, has this run's tag and a value of the filter. False where none is seen: ours may be too new for that, and *error says so. */
static bool
take_own(struct aws *aws, struct arena *arena, enum ec2_kind kind, struct str vpc, const char *filter, struct str value,
	const struct ec2_tags *tags, struct str *id, struct aws_error *error)
{
	static const struct {
		const char *action, *path;
	} kinds[EC2_KIND_COUNT] = {
		[EC2_SUBNET] = {"DescribeSubnets", "subnetSet/item/subnetId"},
		[EC2_GROUP] = {"DescribeSecurityGroups", "securityGroupInfo/item/groupId"},
	};
	struct aws_error ignored;
	struct aws_parameters parameters = ec2_parameters(arena, kinds[kind].action);
	ec2_put_filter(&parameters, 1, "vpc-id", vpc);
	ec2_put_filter(&parameters, 2, filter, value);
	ec2_put_filter_run(&parameters, 3, tags->values[EC2_TAG_RUN]);
	*id = xml_text(ec2_ask(aws, arena, &parameters, &ignored), kinds[kind].path);
	error->maybe_done = error->maybe_done || !id->n;
	return id->n > 0;
}

bool
ec2_create_subnet(struct aws *aws, struct arena *arena, struct str vpc, struct str range, struct str zone,
	const struct ec2_tags *tags, struct str *id, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "CreateSubnet");
	aws_parameter(&parameters, "VpcId", vpc);
	aws_parameter(&parameters, "CidrBlock", range);
	if (zone.n)
		aws_parameter(&parameters, "AvailabilityZone", zone);
	ec2_put_tags(&parameters, 1, ec2_kind_name(EC2_SUBNET), tags);
	const struct xml *answer = ec2_ask_of_new(aws, arena, &parameters, error);
	if (!answer && aws_error_is(error, "InvalidSubnet.Conflict"))
		return take_own(aws, arena, EC2_SUBNET, vpc, "cidr-block", range, tags, id, error);
	return ec2_answer_text(answer, arena, &parameters, "subnet/subnetId", id, error);
}

bool
ec2_create_group(struct aws *aws, struct arena *arena, struct str vpc, struct str name, struct str text,
	const struct ec2_tags *tags, struct str *id, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "CreateSecurityGroup");
	aws_parameter(&parameters, "VpcId", vpc);
	aws_parameter(&parameters, "GroupName", name);
	aws_parameter(&parameters, "GroupDescription", text);
	ec2_put_tags(&parameters, 1, ec2_kind_name(EC2_GROUP), tags);
	const struct xml *answer = ec2_ask_of_new(aws, arena, &parameters, error);
	if (!answer && aws_error_is(error, "InvalidGroup.Duplicate"))
		return take_own(aws, arena, EC2_GROUP, vpc, "group-name", name, tags, id, error);
	return ec2_answer_text(answer, arena, &parameters, "groupId", id, error);
}

bool
ec2_attach_gateway(struct aws *aws, struct arena *arena, struct str vpc, struct str gateway, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "AttachInternetGateway");
	aws_parameter(&parameters, "InternetGatewayId", gateway);
	aws_parameter(&parameters, "VpcId", vpc);
	return ec2_ask_of_new(aws, arena, &parameters, error) || aws_error_is(error, "Resource.AlreadyAssociated");
}

bool
ec2_main_route_table(struct aws *aws, struct arena *arena, struct str vpc, struct str *id, struct aws_error *error)
{
	static const char path[] = "routeTableSet/item/routeTableId";
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeRouteTables");
	struct ec2_wait wait = {0, 0};
	const struct xml *answer;
	ec2_put_filter(&parameters, 1, "vpc-id", vpc);
	ec2_put_filter(&parameters, 2, "association.main", STR("true"));
	/* Every VPC has one: where there is none yet, the VPC is too new for a filter to say so. */
	do
		answer = ec2_ask(aws, arena, &parameters, error);
	while (answer && !xml_text(answer, path).n && ec2_wait(aws, &wait, EC2_NEW_MS, error));
	return ec2_answer_text(answer, arena, &parameters, path, id, error);
}

bool
ec2_create_route(
	struct aws *aws, struct arena *arena, struct str table, struct str range, struct str gateway, struct aws_error *error)
{
	bool v6 = str_find(range, ':') < range.n;
	struct aws_parameters parameters = ec2_parameters(arena, "CreateRoute");
	aws_parameter(&parameters, "RouteTableId", table);
	aws_parameter(&parameters, v6 ? "DestinationIpv6CidrBlock" : "DestinationCidrBlock", range);
	aws_parameter(&parameters, "GatewayId", gateway);
	return ec2_ask_of_new(aws, arena, &parameters, error) || aws_error_is(error, "RouteAlreadyExists");
}

/* The ranges of one family, as EC2 lists them apart. */
static void
put_ranges(struct aws_parameters *parameters, size_t number, struct words ranges, bool v6)
{
	size_t count = 0;
	for (size_t i = 0; i < ranges.n; i++)
		if ((str_find(ranges.w[i], ':') < ranges.w[i].n) == v6)
			aws_parameter_printf(parameters, ranges.w[i],
				v6 ? "IpPermissions.%zu.Ipv6Ranges.%zu.CidrIpv6" : "IpPermissions.%zu.IpRanges.%zu.CidrIp", number,
				++count);
}

bool
ec2_authorize(
	struct aws *aws, struct arena *arena, struct str group, const struct ec2_rule *rules, size_t count, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "AuthorizeSecurityGroupIngress");
	aws_parameter(&parameters, "GroupId", group);
	for (size_t i = 0; i < count; i++) {
		struct str port = str_printf(arena, "%d", rules[i].port);
		aws_parameter_printf(&parameters, STR("tcp"), "IpPermissions.%zu.IpProtocol", i + 1);
		aws_parameter_printf(&parameters, port, "IpPermissions.%zu.FromPort", i + 1);
		aws_parameter_printf(&parameters, port, "IpPermissions.%zu.ToPort", i + 1);
		put_ranges(&parameters, i + 1, rules[i].ranges, false);
		put_ranges(&parameters, i + 1, rules[i].ranges, true);
		if (rules[i].from_group)
			aws_parameter_printf(&parameters, group, "IpPermissions.%zu.Groups.1.GroupId", i + 1);
	}
	return ec2_ask_of_new(aws, arena, &parameters, error) || aws_error_is(error, "InvalidPermission.Duplicate");
}

/* --- what there is --- */

bool
ec2_describe_vpc(struct aws *aws, struct arena *arena, struct str id, struct str *range, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeVpcs");
	aws_parameter(&parameters, "VpcId.1", id);
	const struct xml *answer = ec2_ask(aws, arena, &parameters, error);
	return ec2_answer_text(answer, arena, &parameters, "vpcSet/item/cidrBlock", range, error);
}

bool
ec2_describe_subnet(struct aws *aws, struct arena *arena, struct str id, struct ec2_subnet *subnet, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeSubnets");
	aws_parameter(&parameters, "SubnetId.1", id);
	const struct xml *answer = ec2_ask(aws, arena, &parameters, error), *item = xml_child(answer, "subnetSet/item");
	*subnet = (struct ec2_subnet){
		.vpc = xml_text(item, "vpcId"),
		.zone = xml_text(item, "availabilityZone"),
		.range = xml_text(item, "cidrBlock"),
		.free_addresses = xml_integer(item, "availableIpAddressCount", 0),
		.public_addresses = str_is(xml_text(item, "mapPublicIpOnLaunch"), "true"),
	};
	return ec2_answer_text(answer, arena, &parameters, "subnetSet/item/subnetId", &subnet->id, error);
}

bool
ec2_gateway_vpc(struct aws *aws, struct arena *arena, struct str gateway, struct str *vpc, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeInternetGateways");
	aws_parameter(&parameters, "InternetGatewayId.1", gateway);
	const struct xml *answer = ec2_ask(aws, arena, &parameters, error);
	*vpc = xml_text(answer, "internetGatewaySet/item/attachmentSet/item/vpcId");
	return answer || aws_error_is_missing(error);
}

/* --- what goes --- */

bool
ec2_detach_gateway(struct aws *aws, struct arena *arena, struct str vpc, struct str gateway, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "DetachInternetGateway");
	aws_parameter(&parameters, "InternetGatewayId", gateway);
	aws_parameter(&parameters, "VpcId", vpc);
	return ec2_ask(aws, arena, &parameters, error) || aws_error_is_missing(error);
}

bool
ec2_delete(struct aws *aws, struct arena *arena, enum ec2_kind kind, struct str id, struct aws_error *error)
{
	static const struct {
		const char *action, *parameter;
	} kinds[EC2_KIND_COUNT] = {
		[EC2_VPC] = {"DeleteVpc", "VpcId"},
		[EC2_GATEWAY] = {"DeleteInternetGateway", "InternetGatewayId"},
		[EC2_SUBNET] = {"DeleteSubnet", "SubnetId"},
		[EC2_GROUP] = {"DeleteSecurityGroup", "GroupId"},
	};
	struct aws_parameters parameters = ec2_parameters(arena, kinds[kind].action);
	aws_parameter(&parameters, kinds[kind].parameter, id);
	return ec2_ask(aws, arena, &parameters, error) || aws_error_is_missing(error);
}
