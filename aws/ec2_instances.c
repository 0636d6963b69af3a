#include "aws/ec2_call.h"
#include "base/arena.h"
#include "base/base64.h"

#define GIB ((int64_t)1 << 30)

/* --- reading them --- */

struct instances {
	struct arena *arena;
	struct ec2_instance *list;
	size_t count;
};

static struct ec2_instance
read_instance(const struct xml *item)
{
	struct str reason = xml_text(item, "stateReason/message");
	return (struct ec2_instance){
		.id = xml_text(item, "instanceId"),
		.type = xml_text(item, "instanceType"),
		.zone = xml_text(item, "placement/availabilityZone"),
		.private_address = xml_text(item, "privateIpAddress"),
		.public_address = xml_text(item, "ipAddress"),
		.image = xml_text(item, "imageId"),
		.state = ec2_read_state(xml_text(item, "instanceState/name")),
		.launch_index = xml_integer(item, "amiLaunchIndex", 0),
		.spot = str_is(xml_text(item, "instanceLifecycle"), "spot"),
		.reason = reason.n ? reason : xml_text(item, "stateReason/code"),
		.tags = ec2_read_tags(item),
	};
}

/* Those of one reservation. */
static void
take_reservation(struct instances *instances, const struct xml *reservation)
{
	for (const struct xml *item = xml_child(reservation, "instancesSet/item"); item; item = xml_again(item)) {
		instances->list = arena_more(instances->arena, instances->list, instances->count, sizeof *instances->list);
		instances->list[instances->count++] = read_instance(item);
	}
}

static void
take_page(void *context, const struct xml *page)
{
	for (const struct xml *item = xml_child(page, "reservationSet/item"); item; item = xml_again(item))
		take_reservation(context, item);
}

bool
ec2_describe_instances(struct aws *aws, struct arena *arena, const struct words *ids, struct str run, struct ec2_instance **list,
	size_t *count, struct aws_error *error)
{
	struct instances instances = {.arena = arena};
	struct words rest = ids ? *ids : (struct words){NULL, 0};
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeInstances");
	bool done = true;
	if (!rest.n && run.n) {
		ec2_put_filter_run(&parameters, 1, run);
		done = ec2_pages(aws, arena, &parameters, EC2_PAGE, take_page, &instances, error);
	}
	while (done && rest.n) {
		/* Ids and pages exclude each other. */
		parameters = ec2_parameters(arena, "DescribeInstances");
		ec2_put_words(&parameters, "InstanceId", ec2_batch(&rest));
		const struct xml *answer = ec2_ask(aws, arena, &parameters, error);
		take_page(&instances, answer);
		done = answer != NULL;
	}
	*list = instances.list;
	*count = instances.count;
	return done;
}

/* --- launching them --- */

/* A disk's size is in whole GiB. */
static void
put_disk(struct aws_parameters *parameters, const struct ec2_launch *launch)
{
	static const char *const names[] = {"VolumeSize", "VolumeType", "DeleteOnTermination"};
	struct str size = str_printf(parameters->text.arena, "%lld", (long long)((launch->disk + GIB - 1) / GIB));
	struct str values[] = {size, STR("gp3"), STR("true")};
	aws_parameter(parameters, "BlockDeviceMapping.1.DeviceName", launch->root_device);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		aws_parameter_printf(parameters, values[i], "BlockDeviceMapping.1.Ebs.%s", names[i]);
}

static void
put_network(struct aws_parameters *parameters, const struct ec2_launch *launch)
{
	aws_parameter(parameters, "NetworkInterface.1.DeviceIndex", STR("0"));
	aws_parameter(parameters, "NetworkInterface.1.SubnetId", launch->subnet);
	aws_parameter(parameters, "NetworkInterface.1.SecurityGroupId.1", launch->group);
	aws_parameter(parameters, "NetworkInterface.1.AssociatePublicIpAddress", STR("true"));
	aws_parameter(parameters, "NetworkInterface.1.DeleteOnTermination", STR("true"));
}

static void
put_spot(struct aws_parameters *parameters, struct str max_price)
{
	aws_parameter(parameters, "InstanceMarketOptions.MarketType", STR("spot"));
	aws_parameter(parameters, "InstanceMarketOptions.SpotOptions.SpotInstanceType", STR("one-time"));
	aws_parameter(parameters, "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", STR("terminate"));
	if (max_price.n)
		aws_parameter(parameters, "InstanceMarketOptions.SpotOptions.MaxPrice", max_price);
}

static void
put_machine(struct aws_parameters *parameters, const struct ec2_launch *launch)
{
	struct arena *arena = parameters->text.arena;
	aws_parameter(parameters, "ImageId", launch->image);
	aws_parameter(parameters, "InstanceType", launch->type);
	aws_parameter(parameters, "MinCount", str_printf(arena, "%lld", (long long)launch->minimum));
	aws_parameter(parameters, "MaxCount", str_printf(arena, "%lld", (long long)launch->count));
	aws_parameter(parameters, "ClientToken", launch->token);
	aws_parameter(parameters, "InstanceInitiatedShutdownBehavior", STR("terminate"));
	aws_parameter(parameters, "MetadataOptions.HttpEndpoint", STR("enabled"));
	aws_parameter(parameters, "MetadataOptions.HttpTokens", STR("required"));
	aws_parameter(parameters, "MetadataOptions.HttpPutResponseHopLimit", STR("1"));
	if (launch->zone.n)
		aws_parameter(parameters, "Placement.AvailabilityZone", launch->zone);
	if (launch->user_data.n)
		aws_parameter(parameters, "UserData", base64_encode(arena, launch->user_data.s, launch->user_data.n));
	if (launch->role.n)
		aws_parameter(parameters,
			str_starts(launch->role, STR("arn:")) ? "IamInstanceProfile.Arn" : "IamInstanceProfile.Name", launch->role);
}

bool
ec2_run_instances(struct aws *aws, struct arena *arena, const struct ec2_launch *launch, struct ec2_instance **list, size_t *count,
	struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "RunInstances");
	struct instances instances = {.arena = arena};
	put_machine(&parameters, launch);
	put_network(&parameters, launch);
	if (launch->disk > 0)
		put_disk(&parameters, launch);
	ec2_put_tags(&parameters, 1, ec2_kind_name(EC2_INSTANCE), &launch->tags);
	ec2_put_tags(&parameters, 2, "volume", &launch->tags);
	if (launch->spot) {
		put_spot(&parameters, launch->max_price);
		ec2_put_tags(&parameters, 3, "spot-instances-request", &launch->tags);
	}
	const struct xml *answer = ec2_ask_of_new(aws, arena, &parameters, error);
	struct str first;
	take_reservation(&instances, answer);
	*list = instances.list;
	*count = instances.count;
	return ec2_answer_text(answer, arena, &parameters, "instancesSet/item/instanceId", &first, error);
}

/* --- ending them, and their tags --- */

/* Those of the ids whose machines are there and not on their way out. */
static bool
only_living(struct aws *aws, struct arena *arena, struct words ids, struct words *living, struct aws_error *error)
{
	struct instances instances = {.arena = arena};
	*living = (struct words){NULL, 0};
	while (ids.n) {
		/* A filter may have 200 values, and names nothing that is not there. */
		struct words some = {ids.w, ids.n < 200 ? ids.n : 200};
		struct aws_parameters parameters = ec2_parameters(arena, "DescribeInstances");
		ec2_put_filter_words(&parameters, 1, "instance-id", some);
		if (!ec2_pages(aws, arena, &parameters, EC2_PAGE, take_page, &instances, error))
			return false;
		ids = (struct words){ids.w + some.n, ids.n - some.n};
	}
	for (size_t i = 0; i < instances.count; i++)
		if (instances.list[i].state != EC2_SHUTTING_DOWN && instances.list[i].state != EC2_TERMINATED)
			words_add(arena, living, instances.list[i].id);
	return true;
}

static bool
terminate(struct aws *aws, struct arena *arena, struct words ids, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "TerminateInstances");
	ec2_put_words(&parameters, "InstanceId", ids);
	return ec2_ask(aws, arena, &parameters, error) != NULL;
}

bool
ec2_terminate(struct aws *aws, struct arena *arena, struct words ids, struct aws_error *error)
{
	while (ids.n) {
		struct words some = ec2_batch(&ids), living;
		if (terminate(aws, arena, some, error))
			continue;
		if (!aws_error_is_missing(error) || !only_living(aws, arena, some, &living, error))
			return false;
		if (living.n && !terminate(aws, arena, living, error))
			return false;
	}
	return true;
}

bool
ec2_set_tags(struct aws *aws, struct arena *arena, struct words ids, const struct ec2_tags *tags, struct aws_error *error)
{
	while (ids.n) {
		struct aws_parameters parameters = ec2_parameters(arena, "CreateTags");
		ec2_put_words(&parameters, "ResourceId", ec2_batch(&ids));
		int count = 0;
		for (size_t i = 0; i < EC2_TAG_COUNT; i++) {
			if (!tags->values[i].s)
				continue;
			aws_parameter_printf(&parameters, str_from(ec2_tag_key((enum ec2_tag)i)), "Tag.%d.Key", ++count);
			aws_parameter_printf(&parameters, tags->values[i], "Tag.%d.Value", count);
		}
		if (!ec2_ask(aws, arena, &parameters, error))
			return false;
	}
	return true;
}
