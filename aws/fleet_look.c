#include "aws/fleet.h"

#include "base/arena.h"
#include "base/pool.h"

#include <string.h>

/* Questions at once. */
#define LOOKS_AT_ONCE 16

/* One question to AWS. It is asked on a thread of its own, and its answer taken by the caller's. */
struct look {
	const struct question *question;
	struct aws *aws;
	const struct fleet_seen *seen;
	struct fleet_type *type;
	struct fleet_launch *launch;
	bool spot;
	struct arena arena; /* of the answer */
	bool answered;
	struct aws_error error;
	struct str text;
	struct words words;
	int64_t number;
	struct aws_image image;
	struct aws_type *types;
	size_t count;
	struct ec2_subnet subnet;
};

/* What the answers go into. */
struct looking {
	struct arena *arena;
	const struct project *project;
	struct fleet_seen *seen;
	struct diags *diags;
	bool failed;
};

/* What is asked: how, what is done with the answer, and what to call it where there is none. */
struct question {
	const char *what;
	bool (*ask)(struct look *);
	void (*take)(struct looking *, struct look *);
	/* An error that says that the file asks for something that is not there; NULL: none does. */
	void (*refuse)(struct looking *, struct look *);
};

static struct diag *
refuse(struct looking *looking, struct span span, struct str text)
{
	looking->failed = true;
	return diag_error(looking->diags, span, "%.*s", STR_ARG(text));
}

/* --- images --- */

static bool
ask_image(struct look *look)
{
	return aws_image(
		look->aws, &look->arena, look->launch->image_name, look->launch->group->set.arch, &look->image, &look->error);
}

static struct aws_image
copy_image(struct arena *arena, const struct aws_image *image)
{
	return (struct aws_image){str_dup(arena, image->id), str_dup(arena, image->name), str_dup(arena, image->root_device),
		str_dup(arena, image->system)};
}

static bool
is_same_image(const struct fleet_launch *a, const struct fleet_launch *b)
{
	return str_eq(a->image_name, b->image_name) && str_eq(a->group->set.arch, b->group->set.arch);
}

static bool
is_first_of_image(const struct fleet_seen *seen, size_t launch)
{
	for (size_t i = 0; i < launch; i++)
		if (is_same_image(&seen->launches[i], &seen->launches[launch]))
			return false;
	return true;
}

static void
take_image(struct looking *looking, struct look *look)
{
	struct aws_image image = copy_image(looking->arena, &look->image);
	for (size_t i = 0; i < looking->seen->launch_count; i++)
		if (is_same_image(&looking->seen->launches[i], look->launch))
			looking->seen->launches[i].image = image;
}

static void
refuse_image(struct looking *looking, struct look *look)
{
	struct diag *diag = refuse(looking, look->launch->group->span, aws_error_text(&look->arena, &look->error));
	diag_hint(diag,
		"'instances: image' or 'host: image' names it; there are %.*s, ami-…, an SSM parameter's path and "
		"OWNER/NAME-PATTERN",
		STR_ARG(words_join(&look->arena, aws_image_names(&look->arena), STR(", "))));
}

/* --- types --- */

static bool
ask_types(struct look *look)
{
	struct words names = {NULL, 0};
	for (size_t i = 0; i < look->seen->type_count; i++)
		words_add(&look->arena, &names, look->seen->types[i].name);
	return aws_types(look->aws, &look->arena, names, &look->types, &look->count, &look->error);
}

static const struct aws_type *
type_in(const struct look *look, struct str name)
{
	for (size_t i = 0; i < look->count; i++)
		if (str_eq(look->types[i].name, name))
			return &look->types[i];
	return NULL;
}

/* Each that the launch names must be there, and be for its processor. */
static void
check_types(struct looking *looking, struct look *look, const struct fleet_launch *launch)
{
	bool arm = str_is(launch->group->set.arch, "arm64");
	for (size_t i = 0; i < launch->type_count; i++) {
		struct str name = launch->types[i]->name, arch = launch->group->set.arch, region = looking->seen->region;
		const struct aws_type *type = type_in(look, name);
		if (!type)
			diag_hint(refuse(looking, launch->group->span,
					  str_printf(
						  &look->arena, "there is no type '%.*s' in %.*s", STR_ARG(name), STR_ARG(region))),
				"aws ec2 describe-instance-types --region %.*s lists them", STR_ARG(region));
		else if (arm ? !type->arm64 : !type->amd64)
			diag_hint(refuse(looking, launch->group->span,
					  str_printf(&look->arena, "'%.*s' is no machine for %.*s", STR_ARG(name), STR_ARG(arch))),
				"choose another type, or 'arch = %s'", arm ? "amd64" : "arm64");
	}
}

static void
take_types(struct looking *looking, struct look *look)
{
	for (size_t i = 0; i < looking->seen->type_count; i++) {
		struct fleet_type *known = &looking->seen->types[i];
		const struct aws_type *type = type_in(look, known->name);
		known->found = type != NULL;
		if (type && type->cpus > 0)
			known->cpus = type->cpus;
	}
	for (size_t i = 0; i < looking->seen->launch_count; i++)
		check_types(looking, look, &looking->seen->launches[i]);
}

static bool
ask_zones(struct look *look)
{
	return aws_type_zones(look->aws, &look->arena, look->type->name, &look->words, &look->error);
}

static void
take_zones(struct looking *looking, struct look *look)
{
	for (size_t i = 0; i < look->words.n; i++)
		words_add(looking->arena, &look->type->zones, str_dup(looking->arena, look->words.w[i]));
}

static bool
ask_price(struct look *look)
{
	return (look->spot ? aws_spot_price : aws_price)(look->aws, &look->arena, look->type->name, &look->number, &look->error);
}

static void
take_price(struct looking *looking, struct look *look)
{
	(void)looking;
	*(look->spot ? &look->type->spot_price : &look->type->price) = look->number;
}

/* --- the account --- */

static bool
ask_quota(struct look *look)
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
take_quota(struct looking *looking, struct look *look)
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
		refuse(looking, looking->project->groups[0].span,
			str_printf(&look->arena, "the machines have %lld processors, and the account may run %lld at once in %.*s",
				(long long)needed, (long long)look->number, STR_ARG(seen->region))),
		"the quota is '%s' (%s): raise it in the Service Quotas console, or ask for less", name, where);
}

static bool
ask_caller(struct look *look)
{
	return aws_identity(look->aws, &look->arena, &look->text, &look->error);
}

static void
take_caller(struct looking *looking, struct look *look)
{
	looking->seen->account = str_dup(looking->arena, fleet_account(look->text));
}

static bool
ask_address(struct look *look)
{
	return aws_own_address(look->aws, &look->arena, &look->text, &look->error);
}

static void
take_address(struct looking *looking, struct look *look)
{
	words_add(looking->arena, &looking->seen->ssh, str_dup(looking->arena, look->text));
}

/* --- networks that exist --- */

static bool
ask_vpc(struct look *look)
{
	return ec2_describe_vpc(look->aws, &look->arena, look->seen->vpc, &look->text, &look->error);
}

static void
take_vpc(struct looking *looking, struct look *look)
{
	looking->seen->vpc_range = str_dup(looking->arena, look->text);
}

static void
refuse_network(struct looking *looking, struct look *look)
{
	diag_hint(refuse(looking, SPAN_NONE, aws_error_text(&look->arena, &look->error)), "'network:' names it");
}

static bool
ask_subnet(struct look *look)
{
	return ec2_describe_subnet(look->aws, &look->arena, look->seen->subnet, &look->subnet, &look->error);
}

static void
take_subnet(struct looking *looking, struct look *look)
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

static const struct question image = {"the image", ask_image, take_image, refuse_image};
static const struct question types = {"the types", ask_types, take_types, NULL};
static const struct question zones = {"the zones", ask_zones, take_zones, NULL};
static const struct question price = {"the price", ask_price, take_price, NULL};
static const struct question quota = {"the quota", ask_quota, take_quota, NULL};
static const struct question caller = {"the account", ask_caller, take_caller, NULL};
static const struct question address = {"the own address", ask_address, take_address, NULL};
static const struct question vpc = {"the VPC", ask_vpc, take_vpc, refuse_network};
static const struct question subnet = {"the subnet", ask_subnet, take_subnet, refuse_network};

/* --- asking --- */

struct looks {
	struct look *list;
	size_t count;
};

static struct look *
add(struct looks *looks, const struct question *question)
{
	looks->list[looks->count].question = question;
	return &looks->list[looks->count++];
}

static bool
any_is(const struct fleet_seen *seen, bool spot)
{
	for (size_t i = 0; i < seen->launch_count; i++)
		if (seen->launches[i].group->set.spot == spot)
			return true;
	return false;
}

/* Prices last: the others refuse a plan, and must not wait for them. */
static struct looks
choose(struct arena *arena, const struct project *project, struct fleet_seen *seen)
{
	struct looks looks = {arena_array(arena, struct look, seen->launch_count + 3 * seen->type_count + 7), 0};
	for (size_t i = 0; i < seen->launch_count; i++)
		if (is_first_of_image(seen, i))
			add(&looks, &image)->launch = &seen->launches[i];
	add(&looks, &types);
	add(&looks, &caller);
	if (!seen->ssh.n)
		add(&looks, &address);
	if (seen->vpc.n)
		add(&looks, &vpc);
	if (seen->subnet.n)
		add(&looks, &subnet);
	for (int spot = 0; spot < 2; spot++)
		if (any_is(seen, spot))
			add(&looks, &quota)->spot = spot;
	for (size_t i = 0; i < seen->type_count && !project->network.zone.n && !seen->subnet.n; i++)
		add(&looks, &zones)->type = &seen->types[i];
	for (size_t i = 0; i < 2 * seen->type_count; i++) {
		bool spot = i % 2;
		if (spot && !any_is(seen, true))
			continue;
		struct look *look = add(&looks, &price);
		look->type = &seen->types[i / 2];
		look->spot = spot;
	}
	return looks;
}

static void
ask(void *context, void *item)
{
	struct look *look = item;
	(void)context;
	look->answered = look->question->ask(look);
}

/* --- what has no answer --- */

/* Where there is none at all for a reason that says that the file is wrong. */
static bool
is_refusal(const struct look *look)
{
	return look->question->refuse && look->error.status != 403 && !aws_error_is(&look->error, "UnauthorizedOperation") &&
	       (look->error.status || !look->error.action.n) && look->error.status < 500;
}

/* Why in one word for all that have the same reason. */
static const char *
reason(const struct look *look)
{
	if (!look->error.status)
		return "AWS did not answer";
	if (look->error.status == 403 || aws_error_is(&look->error, "UnauthorizedOperation") ||
		aws_error_is(&look->error, "AccessDeniedException"))
		return "the credentials are not allowed to";
	return "the service has no answer";
}

static void
note_unanswered(struct arena *arena, const struct looks *looks, struct words *notes)
{
	for (size_t i = 0; i < looks->count; i++) {
		const struct look *look = &looks->list[i];
		struct words what = {NULL, 0};
		bool earlier = look->answered;
		for (size_t k = 0; k < i; k++)
			earlier = earlier || (!looks->list[k].answered && reason(&looks->list[k]) == reason(look));
		for (size_t k = i; k < looks->count && !earlier; k++) {
			struct str name = str_from(looks->list[k].question->what);
			if (!looks->list[k].answered && reason(&looks->list[k]) == reason(look) && !words_has(what, name))
				words_add(arena, &what, name);
		}
		if (!earlier)
			words_add(arena, notes,
				str_printf(arena, "not looked up (%s): %.*s", reason(look),
					STR_ARG(words_join(arena, what, STR(", ")))));
	}
}

/* Every answer goes into its look. */
static void
ask_all(struct looks *looks, struct aws *aws, const struct fleet_seen *seen)
{
	struct pool *pool = pool_new(LOOKS_AT_ONCE);
	for (size_t i = 0; i < looks->count; i++) {
		looks->list[i].aws = aws;
		looks->list[i].seen = seen;
		if (pool)
			pool_submit(pool, ask, NULL, &looks->list[i]);
		else
			ask(NULL, &looks->list[i]);
	}
	if (pool)
		pool_free(pool);
}

static void
take_all(struct looking *looking, struct looks *looks)
{
	for (size_t i = 0; i < looks->count; i++) {
		struct look *look = &looks->list[i];
		if (look->answered)
			look->question->take(looking, look);
		else if (is_refusal(look))
			look->question->refuse(looking, look);
	}
}

static void
forget(struct looks *looks)
{
	for (size_t i = 0; i < looks->count; i++)
		arena_free(&looks->list[i].arena);
}

bool
fleet_look(struct arena *arena, struct aws *aws, const struct project *project, struct fleet_seen *seen, struct words *notes,
	struct diags *diags)
{
	struct looking looking = {.arena = arena, .project = project, .seen = seen, .diags = diags};
	struct looks looks = choose(arena, project, seen);
	ask_all(&looks, aws, seen);
	take_all(&looking, &looks);
	if (!looking.failed)
		note_unanswered(arena, &looks, notes);
	forget(&looks);
	return !looking.failed;
}

/* --- what is still open when the fleet is made --- */

bool
fleet_is_open(const struct fleet_seen *seen)
{
	for (size_t i = 0; i < seen->launch_count; i++)
		if (!seen->launches[i].image.id.n)
			return true;
	return !seen->subnet_range.n || !seen->ssh.n;
}

/* What making the fleet cannot do without. */
static struct looks
choose_open(struct arena *arena, struct fleet_seen *seen)
{
	struct looks looks = {arena_array(arena, struct look, seen->launch_count + 2), 0};
	for (size_t i = 0; i < seen->launch_count; i++)
		if (!seen->launches[i].image.id.n && is_first_of_image(seen, i))
			add(&looks, &image)->launch = &seen->launches[i];
	if (!seen->ssh.n)
		add(&looks, &address);
	if (!seen->subnet_range.n)
		add(&looks, &subnet);
	return looks;
}

/* The first thing that is wrong, or that could not be asked. */
static bool
is_answered(const struct looking *looking, const struct looks *looks, struct aws *aws, struct failure *failure)
{
	const struct diag *diag = looking->diags->first;
	if (looking->failed) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(diag->message));
		failure_hint(failure, "%.*s", STR_ARG(diag->hint));
		return false;
	}
	for (size_t i = 0; i < looks->count; i++)
		if (!looks->list[i].answered)
			return fleet_fail(aws, &looks->list[i].error, failure, "cannot look up %s", looks->list[i].question->what);
	return true;
}

static bool
open_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	struct arena arena = {NULL};
	struct diags diags = {.sources = NULL};
	struct looking looking = {.arena = &fleet->arena, .project = run->project, .seen = &fleet->seen, .diags = &diags};
	struct aws *aws = fleet_aws(run, NULL, failure);
	struct looks looks = choose_open(&arena, &fleet->seen);
	(void)action;
	if (aws)
		ask_all(&looks, aws, &fleet->seen);
	pthread_mutex_lock(&run->mutex);
	if (aws)
		take_all(&looking, &looks);
	if (!fleet->vpc.n)
		fleet->vpc = fleet->seen.vpc;
	pthread_mutex_unlock(&run->mutex);
	bool done = aws && is_answered(&looking, &looks, aws, failure);
	forget(&looks);
	diag_clear(&diags);
	arena_free(&arena);
	return done;
}

const struct action_type action_open = {.name = "open", .section = SECTION_FLEET, .run = open_run};
