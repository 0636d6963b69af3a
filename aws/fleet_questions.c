/* The questions that a plan asks AWS: how each is asked, and what its answer says about what the file asks for. */
#include "aws/fleet_look.h"

#include "base/arena.h"

static struct diag *
refuse(struct fleet_looking *looking, struct span span, struct str text)
{
	looking->failed = true;
	return diag_error(looking->diags, span, "%.*s", STR_ARG(text));
}

/* --- images --- */

static bool
ask_image(struct fleet_look *look)
{
	return aws_image(look->aws, &look->arena, look->launch->image_name, look->launch->arch, &look->image, &look->error);
}

static struct aws_image
copy_image(struct arena *arena, const struct aws_image *image)
{
	return (struct aws_image){str_dup(arena, image->id), str_dup(arena, image->name), str_dup(arena, image->root_device),
		str_dup(arena, image->system)};
}

bool
fleet_is_same_image(const struct fleet_launch *a, const struct fleet_launch *b)
{
	return str_eq(a->image_name, b->image_name) && str_eq(a->arch, b->arch);
}

static void
take_image(struct fleet_looking *looking, struct fleet_look *look)
{
	struct aws_image image = copy_image(looking->arena, &look->image);
	for (size_t i = 0; i < looking->seen->launch_count; i++)
		if (fleet_is_same_image(&looking->seen->launches[i], look->launch))
			looking->seen->launches[i].image = image;
}

static void
refuse_image(struct fleet_looking *looking, struct fleet_look *look)
{
	struct diag *diag = refuse(looking, look->launch->group->span, aws_error_text(&look->arena, &look->error));
	diag_hint(diag,
		"'instances: image' or 'host: image' names it; there are %.*s, ami-…, an SSM parameter's path and "
		"OWNER/NAME-PATTERN",
		STR_ARG(words_join(&look->arena, aws_image_names(&look->arena), STR(", "))));
}

/* --- types --- */

static bool
ask_types(struct fleet_look *look)
{
	struct words names = {NULL, 0};
	for (size_t i = 0; i < look->seen->type_count; i++)
		words_add(&look->arena, &names, look->seen->types[i].name);
	return aws_types(look->aws, &look->arena, names, &look->types, &look->count, &look->error);
}

static const struct aws_type *
type_in(const struct fleet_look *look, struct str name)
{
	for (size_t i = 0; i < look->count; i++)
		if (str_eq(look->types[i].name, name))
			return &look->types[i];
	return NULL;
}

/* Each that the launch names must be there, and be for its processor. */
static void
check_types(struct fleet_looking *looking, struct fleet_look *look, const struct fleet_launch *launch)
{
	bool arm = str_is(launch->arch, "arm64");
	for (size_t i = 0; i < launch->type_count; i++) {
		struct str name = launch->types[i]->name, arch = launch->arch, region = looking->seen->region;
		const struct aws_type *type = type_in(look, name);
		if (!type)
			diag_hint(refuse(looking, launch->group->span,
					  str_printf(
						  &look->arena, "there is no type '%.*s' in %.*s", STR_ARG(name), STR_ARG(region))),
				"aws ec2 describe-instance-types --region %.*s lists them", STR_ARG(region));
		else if (arm ? !type->arm64 : !type->amd64)
			diag_hint(refuse(looking, launch->group->span,
					  str_printf(&look->arena, "'%.*s' is no machine for %.*s", STR_ARG(name), STR_ARG(arch))),
				"choose another type, or 'arch = %s' beside it", arm ? "amd64" : "arm64");
	}
}

static void
take_types(struct fleet_looking *looking, struct fleet_look *look)
{
	for (size_t i = 0; i < looking->seen->type_count; i++) {
		struct fleet_type *known = &looking->seen->types[i];
		const struct aws_type *type = type_in(look, known->name);
		known->found = type != NULL;
		if (type && type->cpus > 0)
			known->cpus = type->cpus;
		if (type)
			known->memory = type->memory;
	}
	for (size_t i = 0; i < looking->seen->launch_count; i++)
		check_types(looking, look, &looking->seen->launches[i]);
}

static bool
ask_zones(struct fleet_look *look)
{
	return aws_type_zones(look->aws, &look->arena, look->type->name, &look->words, &look->error);
}

static void
take_zones(struct fleet_looking *looking, struct fleet_look *look)
{
	for (size_t i = 0; i < look->words.n; i++)
		words_add(looking->arena, &look->type->zones, str_dup(looking->arena, look->words.w[i]));
}

static bool
ask_price(struct fleet_look *look)
{
	return (look->spot ? aws_spot_price : aws_price)(look->aws, &look->arena, look->type->name, &look->number, &look->error);
}

static void
take_price(struct fleet_looking *looking, struct fleet_look *look)
{
	(void)looking;
	*(look->spot ? &look->type->spot_price : &look->type->price) = look->number;
}

/* --- the account --- */

static bool
ask_quota(struct fleet_look *look)
{
	return aws_cpu_quota(look->aws, &look->arena, look->spot, &look->number, &look->error);
}

/* Of the families that the quota counts, by the letters before the number. */
static bool
is_standard(struct str type)
{
	static const char *const families[] = {"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"};
	size_t n = 0;
	while (n < type.n && type.s[n] >= 'a' && type.s[n] <= 'z')
		n++;
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (str_is(str_part(type, 0, n), families[i]))
			return true;
	return false;
}

static void
take_quota(struct fleet_looking *looking, struct fleet_look *look)
{
	struct aws_error limit = {.code = look->spot ? STR("MaxSpotInstanceCountExceeded") : STR("VcpuLimitExceeded")};
	const struct fleet_seen *seen = looking->seen;
	const char *name = "", *where = "";
	int64_t needed = 0;
	for (size_t i = 0; i < seen->launch_count; i++)
		if (seen->launches[i].group->set.spot == look->spot && is_standard(seen->launches[i].types[0]->name))
			needed += seen->launches[i].types[0]->cpus * seen->launches[i].count;
	if (needed <= look->number)
		return;
	ec2_is_quota(&limit, &name, &where);
	diag_hint(
		refuse(looking, seen->launches[0].group->span,
			str_printf(&look->arena, "the machines have %lld processors, and the account may run %lld at once in %.*s",
				(long long)needed, (long long)look->number, STR_ARG(seen->region))),
		"the quota is '%s' (%s): raise it in the Service Quotas console, or ask for less", name, where);
}

static bool
ask_caller(struct fleet_look *look)
{
	return aws_identity(look->aws, &look->arena, &look->text, &look->error);
}

static void
take_caller(struct fleet_looking *looking, struct fleet_look *look)
{
	looking->seen->account = str_dup(looking->arena, fleet_account(look->text));
}

static bool
ask_address(struct fleet_look *look)
{
	return aws_own_address(look->aws, &look->arena, &look->text, &look->error);
}

static void
take_address(struct fleet_looking *looking, struct fleet_look *look)
{
	words_add(looking->arena, &looking->seen->ssh, str_dup(looking->arena, look->text));
}

/* --- networks that exist --- */

static bool
ask_vpc(struct fleet_look *look)
{
	return ec2_describe_vpc(look->aws, &look->arena, look->seen->vpc, &look->text, &look->error);
}

static void
take_vpc(struct fleet_looking *looking, struct fleet_look *look)
{
	looking->seen->vpc_range = str_dup(looking->arena, look->text);
}

static void
refuse_network(struct fleet_looking *looking, struct fleet_look *look)
{
	diag_hint(refuse(looking, SPAN_NONE, aws_error_text(&look->arena, &look->error)), "'network:' names it");
}

static bool
ask_subnet(struct fleet_look *look)
{
	return ec2_describe_subnet(look->aws, &look->arena, look->seen->subnet, &look->subnet, &look->error);
}

static void
take_subnet(struct fleet_looking *looking, struct fleet_look *look)
{
	struct fleet_seen *seen = looking->seen;
	const struct ec2_subnet *subnet = &look->subnet;
	struct arena *arena = looking->arena;
	int64_t count = 0;
	for (size_t i = 0; i < seen->launch_count; i++)
		count += seen->launches[i].count;
	if (seen->vpc.n && !str_eq(seen->vpc, subnet->vpc))
		diag_hint(refuse(looking, SPAN_NONE,
				  str_printf(&look->arena, "the subnet %.*s is in %.*s, not in %.*s", STR_ARG(seen->subnet),
					  STR_ARG(subnet->vpc), STR_ARG(seen->vpc))),
			"leave 'network: vpc' out: the subnet's own is used");
	else if (subnet->free_addresses < count)
		diag_hint(refuse(looking, SPAN_NONE,
				  str_printf(&look->arena,
					  "%lld machines do not fit into the subnet %.*s, which has %lld free addresses",
					  (long long)count, STR_ARG(seen->subnet), (long long)subnet->free_addresses)),
			"name another one in 'network: subnet', or ask for less");
	seen->vpc = str_dup(arena, subnet->vpc);
	seen->subnet_range = str_dup(arena, subnet->range);
	seen->free_addresses = subnet->free_addresses;
	seen->zones = (struct words){NULL, 0};
	words_add(arena, &seen->zones, str_dup(arena, subnet->zone));
}

/* --- a fleet that was kept --- */

static bool
ask_kept(struct fleet_look *look)
{
	const struct fleet_kept *kept = look->seen->kept;
	const struct fleet_machine *host = &kept->machines[0];
	look->reached = fleet_host_answers(host->public_address.n ? host->public_address : host->private_address);
	return ec2_describe_instances(look->aws, &look->arena, NULL, kept->run, &look->instances, &look->count, &look->error);
}

/* Which of its machines still run. */
static uint32_t
count_running(struct fleet_look *look, struct fleet_kept *kept)
{
	uint32_t running = 0;
	for (uint32_t i = 0; i < kept->count; i++) {
		bool runs = false;
		for (size_t k = 0; k < look->count; k++)
			runs = runs ||
			       (str_eq(look->instances[k].id, kept->machines[i].id) && look->instances[k].state == EC2_RUNNING);
		running += runs;
		if (!runs && !kept->machines[i].gone.n)
			kept->machines[i].gone = STR("it has ended since the fleet was kept");
	}
	return running;
}

static uint32_t
count_least(const struct fleet_seen *seen)
{
	uint32_t least = 0;
	for (size_t i = 0; i < seen->launch_count; i++)
		least += seen->launches[i].minimum;
	return least;
}

/* Without its HOST a fleet is none; COOPs may be fewer. */
static void
take_kept(struct fleet_looking *looking, struct fleet_look *look)
{
	struct fleet_seen *seen = looking->seen;
	uint32_t running = count_running(look, seen->kept);
	if (!running)
		fleet_leave_kept(looking->arena, seen, STR("has ended"));
	else if (seen->kept->machines[0].gone.n)
		fleet_leave_kept(looking->arena, seen, STR("has no HOST any more"));
	else if (!look->reached)
		fleet_leave_kept(looking->arena, seen, STR("has a HOST that does not answer"));
	else if (running < count_least(seen))
		fleet_leave_kept(looking->arena, seen,
			str_printf(looking->arena, "has only %u machine%s left", running, running == 1 ? "" : "s"));
}

static void
forget_kept(struct fleet_looking *looking, struct fleet_look *look)
{
	(void)look;
	fleet_leave_kept(looking->arena, looking->seen, STR("cannot be looked at"));
}

const struct fleet_question fleet_ask_image = {"the image", ask_image, take_image, refuse_image};
const struct fleet_question fleet_ask_types = {"the types", ask_types, take_types, NULL};
const struct fleet_question fleet_ask_zones = {"the zones", ask_zones, take_zones, NULL};
const struct fleet_question fleet_ask_price = {"the price", ask_price, take_price, NULL};
const struct fleet_question fleet_ask_quota = {"the quota", ask_quota, take_quota, NULL};
const struct fleet_question fleet_ask_caller = {"the account", ask_caller, take_caller, NULL};
const struct fleet_question fleet_ask_address = {"this machine's address", ask_address, take_address, NULL};
const struct fleet_question fleet_ask_vpc = {"the VPC", ask_vpc, take_vpc, refuse_network};
const struct fleet_question fleet_ask_subnet = {"the subnet", ask_subnet, take_subnet, refuse_network};
const struct fleet_question fleet_ask_kept = {"the kept fleet", ask_kept, take_kept, forget_kept};
