#include "aws/ec2_call.h"
#include "base/arena.h"

const char *
ec2_kind_name(enum ec2_kind kind)
{
	static const char *const names[] = {
#define KIND(name, text) [EC2_##name] = (text),
		EC2_KINDS(KIND)
#undef KIND
	};
	return names[kind];
}

/* How each kind is asked for, and where in an answer its things are; `inner`: one level further down. */
static const struct shape {
	const char *action, *set, *inner, *id, *vpc;
} shapes[EC2_KIND_COUNT] = {
	[EC2_VPC] = {"DescribeVpcs", "vpcSet/item", NULL, "vpcId", NULL},
	[EC2_GATEWAY] = {"DescribeInternetGateways", "internetGatewaySet/item", NULL, "internetGatewayId",
		"attachmentSet/item/vpcId"},
	[EC2_SUBNET] = {"DescribeSubnets", "subnetSet/item", NULL, "subnetId", "vpcId"},
	[EC2_GROUP] = {"DescribeSecurityGroups", "securityGroupInfo/item", NULL, "groupId", "vpcId"},
	[EC2_INSTANCE] = {"DescribeInstances", "reservationSet/item", "instancesSet/item", "instanceId", NULL},
};

struct things {
	struct arena *arena;
	enum ec2_kind kind;
	struct ec2_thing *list;
	size_t count;
};

static void
take_items(struct things *things, const struct xml *item)
{
	const struct shape *shape = &shapes[things->kind];
	for (; item; item = xml_again(item)) {
		things->list = arena_more(things->arena, things->list, things->count, sizeof *things->list);
		things->list[things->count++] = (struct ec2_thing){
			.kind = things->kind,
			.id = xml_text(item, shape->id),
			.vpc = shape->vpc ? xml_text(item, shape->vpc) : (struct str){NULL, 0},
			.state = ec2_read_state(xml_text(item, "instanceState/name")),
			.tags = ec2_read_tags(item),
		};
	}
}

static void
take_page(void *context, const struct xml *page)
{
	struct things *things = context;
	const struct shape *shape = &shapes[things->kind];
	const struct xml *item = xml_child(page, shape->set);
	if (!shape->inner)
		take_items(things, item);
	for (; shape->inner && item; item = xml_again(item))
		take_items(things, xml_child(item, shape->inner));
}

bool
ec2_find(struct aws *aws, struct arena *arena, enum ec2_kind kind, struct str run, struct ec2_thing **list, size_t *count,
	struct aws_error *error)
{
	static struct str there[] = {{"pending", 7}, {"running", 7}, {"stopping", 8}, {"stopped", 7}, {"shutting-down", 13}};
	struct things things = {.arena = arena, .kind = kind};
	struct aws_parameters parameters = ec2_parameters(arena, shapes[kind].action);
	ec2_put_filter_run(&parameters, 1, run);
	if (kind == EC2_INSTANCE)
		ec2_put_filter_words(&parameters, 2, "instance-state-name", (struct words){there, sizeof there / sizeof *there});
	bool done = ec2_pages(aws, arena, &parameters, EC2_PAGE, take_page, &things, error);
	*list = things.list;
	*count = things.count;
	return done;
}

bool
ec2_regions(struct aws *aws, struct arena *arena, struct words *regions, struct aws_error *error)
{
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeRegions");
	const struct xml *answer = ec2_ask(aws, arena, &parameters, error);
	*regions = (struct words){NULL, 0};
	for (const struct xml *item = xml_child(answer, "regionInfo/item"); item; item = xml_again(item))
		words_add(arena, regions, xml_text(item, "regionName"));
	return answer != NULL;
}
