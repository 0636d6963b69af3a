#include "aws/ec2_call.h"
#include "aws/lookup.h"
#include "base/arena.h"

#include <stdlib.h>

#define MIB ((int64_t)1 << 20)
/* Of types there is less on a page. */
#define TYPES_PAGE 100

struct types {
	struct arena *arena;
	struct aws_type *list;
	size_t count;
};

static void
take_types(void *context, const struct xml *page)
{
	struct types *types = context;
	for (const struct xml *item = xml_child(page, "instanceTypeSet/item"); item; item = xml_again(item)) {
		struct aws_type type = {
			.name = xml_text(item, "instanceType"),
			.cpus = xml_integer(item, "vCpuInfo/defaultVCpus", 0),
			.memory = xml_integer(item, "memoryInfo/sizeInMiB", 0) * MIB,
		};
		const struct xml *arch = xml_child(item, "processorInfo/supportedArchitectures/item");
		for (; arch; arch = xml_again(arch)) {
			type.amd64 = type.amd64 || str_is(arch->text, "x86_64");
			type.arm64 = type.arm64 || str_is(arch->text, "arm64");
		}
		types->list = arena_more(types->arena, types->list, types->count, sizeof *types->list);
		types->list[types->count++] = type;
	}
}

bool
aws_types(struct aws *aws, struct arena *arena, struct words names, struct aws_type **list, size_t *count, struct aws_error *error)
{
	struct types types = {.arena = arena};
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeInstanceTypes");
	/* Asked for by name, one that is not there would be an error. */
	ec2_put_filter_words(&parameters, 1, "instance-type", names);
	bool done = ec2_pages(aws, arena, &parameters, TYPES_PAGE, take_types, &types, error);
	*list = types.list;
	*count = types.count;
	return done;
}

struct zones {
	struct arena *arena;
	struct str region;
	struct words names;
};

static void
take_zones(void *context, const struct xml *page)
{
	struct zones *zones = context;
	for (const struct xml *item = xml_child(page, "instanceTypeOfferingSet/item"); item; item = xml_again(item)) {
		struct str zone = xml_text(item, "location");
		/* eu-west-1a; not us-west-2-lax-1a and the like, which are elsewhere and cost more. */
		if (zone.n == zones->region.n + 1)
			words_add(zones->arena, &zones->names, zone);
	}
}

static int
compare(const void *a, const void *b)
{
	const struct str *left = a, *right = b;
	return str_compare(*left, *right);
}

bool
aws_type_zones(struct aws *aws, struct arena *arena, struct str type, struct words *names, struct aws_error *error)
{
	struct zones zones = {.arena = arena, .region = aws_region(aws)};
	struct aws_parameters parameters = ec2_parameters(arena, "DescribeInstanceTypeOfferings");
	aws_parameter(&parameters, "LocationType", STR("availability-zone"));
	ec2_put_filter(&parameters, 1, "instance-type", type);
	bool done = ec2_pages(aws, arena, &parameters, EC2_PAGE, take_zones, &zones, error);
	if (zones.names.n)
		qsort(zones.names.w, zones.names.n, sizeof *zones.names.w, compare);
	*names = zones.names;
	return done;
}
