#include "aws/fleet.h"

#include "base/arena.h"

#include <stddef.h>

/* How often a call that is not idempotent is made, and how often its tag is looked for where nobody knows whether it took effect. */
#define CREATE_ATTEMPTS 3
#define LOOKS 3
/* How long something may be in use before its removal is given up: interfaces of machines take a while to go. */
#define BUSY_MS 120000

/* One action's work. */
struct work {
	struct run *run;
	const struct action *action;
	struct fleet *fleet;
	struct aws *aws;
	struct arena arena;
	struct ec2_tags tags;
	struct aws_error error;
	struct failure *failure;
};

static bool
work_begin(struct work *work, struct run *run, const struct action *action, struct failure *failure)
{
	*work = (struct work){.run = run, .action = action, .fleet = fleet_of(run), .failure = failure};
	work->aws = fleet_aws(run, NULL, failure);
	if (work->aws && action->type->undo)
		work->tags = fleet_tags(run, &work->arena);
	return work->aws != NULL;
}

static bool
work_end(struct work *work, bool done)
{
	arena_free(&work->arena);
	return done;
}

static void
fill_id(struct json_writer *json, void *context)
{
	json_put_text(json, "id", *(const struct str *)context);
}

/* --- what is made: each by one call, tagged in it --- */

static bool
create_vpc(struct work *work, struct str *id)
{
	return ec2_create_vpc(work->aws, &work->arena, work->fleet->seen.vpc_range, &work->tags, id, &work->error);
}

static bool
create_gateway(struct work *work, struct str *id)
{
	return ec2_create_gateway(work->aws, &work->arena, &work->tags, id, &work->error);
}

static bool
create_subnet(struct work *work, struct str *id)
{
	const struct fleet *fleet = work->fleet;
	return ec2_create_subnet(
		work->aws, &work->arena, fleet->vpc, fleet->seen.subnet_range, fleet->zone, &work->tags, id, &work->error);
}

static bool
create_group(struct work *work, struct str *id)
{
	struct str name = str_printf(&work->arena, "edcc %.*s", STR_ARG(work->run->id));
	return ec2_create_group(
		work->aws, &work->arena, work->fleet->vpc, name, STR("machines of one run of edcc"), &work->tags, id, &work->error);
}

static const struct part {
	const struct action_type *type;
	enum ec2_kind kind;
	const char *noun;
	bool (*create)(struct work *, struct str *id);
	size_t id; /* in struct fleet */
} parts[] = {
	{&action_vpc, EC2_VPC, "the VPC", create_vpc, offsetof(struct fleet, vpc)},
	{&action_gateway, EC2_GATEWAY, "the internet gateway", create_gateway, offsetof(struct fleet, gateway)},
	{&action_subnet, EC2_SUBNET, "the subnet", create_subnet, offsetof(struct fleet, subnet)},
	{&action_group, EC2_GROUP, "the security group", create_group, offsetof(struct fleet, group)},
};

static const struct part *
part_of(const struct action_type *type)
{
	const struct part *part = parts;
	while (part->type != type)
		part++;
	return part;
}

/* What is there of a kind, where a call's answer was lost: looked for more than once, since what is new is not seen at once. */
static bool
find_lost(struct run *run, struct aws *aws, struct arena *arena, enum ec2_kind kind, struct str of_run, struct ec2_thing **things,
	size_t *count, struct aws_error *error)
{
	int64_t pause = 0;
	for (int look = 0; look < LOOKS; look++) {
		if (look > 0 && !fleet_pause(run, &pause)) {
			error->cancelled = true;
			return false;
		}
		if (!ec2_find(aws, arena, kind, of_run, things, count, error))
			return false;
		if (*count)
			break;
	}
	return true;
}

/* A second one of what cannot be told apart would never be found again by its id: so none is made before it is certain that the first is not there. What may be there
 * may be there whatever comes of another attempt. */
static bool
create(struct work *work, const struct part *part, struct str *id)
{
	bool lost = false;
	for (int attempt = 1;; attempt++) {
		if (part->create(work, id))
			return true;
		struct aws_error error = work->error;
		struct ec2_thing *things;
		size_t count = 0;
		lost = lost || error.maybe_done;
		bool looked =
			lost && !error.cancelled &&
			find_lost(work->run, work->aws, &work->arena, part->kind, work->run->id, &things, &count, &work->error);
		if (looked && count) {
			*id = things[0].id;
			return true;
		}
		if (looked)
			work->error = error;
		work->error.maybe_done = lost;
		if (!looked || attempt == CREATE_ATTEMPTS)
			return false;
	}
}

static bool
part_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct work work;
	const struct part *part = part_of(action->type);
	struct str id;
	if (!work_begin(&work, run, action, failure))
		return work_end(&work, false);
	struct fleet_intent intent = {.run = run, .aws = work.aws};
	if (!run_intent(run, action, fleet_fill_intent, &intent, failure))
		return work_end(&work, false);
	if (!create(&work, part, &id)) {
		if (!work.error.maybe_done)
			fleet_not_made(run, action);
		fleet_fail(work.aws, &work.error, failure, "cannot make %s in %.*s", part->noun, STR_ARG(aws_region(work.aws)));
		return work_end(&work, false);
	}
	bool done = run_done(run, action, fill_id, &id, failure);
	*(struct str *)((char *)work.fleet + part->id) = fleet_dup(run, id);
	return work_end(&work, done);
}

bool
fleet_move(struct run *run, struct aws *aws, struct str zone, struct failure *failure)
{
	const struct plan *plan = run->plan;
	const struct action *action = plan->actions;
	while (action->type != &action_subnet)
		action++;
	struct work work;
	struct str id = {NULL, 0};
	if (!work_begin(&work, run, action, failure))
		return work_end(&work, false);
	/* Without an id it is found by its tag, whichever of the two there is. */
	bool done = run_done(run, action, fill_id, &id, failure);
	work.fleet->zone = zone;
	if (done && (!ec2_delete(aws, &work.arena, EC2_SUBNET, work.fleet->subnet, &work.error) || !create_subnet(&work, &id)))
		done = fleet_fail(aws, &work.error, failure, "cannot move the subnet to %.*s", STR_ARG(zone));
	if (done) {
		work.fleet->subnet = fleet_dup(run, id);
		done = run_done(run, action, fill_id, &id, failure);
	}
	return work_end(&work, done);
}

/* --- what is connected --- */

static bool
attach_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct work work;
	if (!work_begin(&work, run, action, failure))
		return work_end(&work, false);
	const struct fleet *fleet = work.fleet;
	struct fleet_intent intent = {.run = run, .aws = work.aws, .vpc = fleet->vpc, .gateway = fleet->gateway};
	if (!run_intent(run, action, fleet_fill_intent, &intent, failure))
		return work_end(&work, false);
	if (!ec2_attach_gateway(work.aws, &work.arena, fleet->vpc, fleet->gateway, &work.error)) {
		fleet_fail(work.aws, &work.error, failure, "cannot attach the internet gateway %.*s to %.*s",
			STR_ARG(fleet->gateway), STR_ARG(fleet->vpc));
		return work_end(&work, false);
	}
	return work_end(&work, run_done(run, action, NULL, NULL, failure));
}

static bool
routes_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct work work;
	struct str id;
	bool done = work_begin(&work, run, action, failure);
	if (done && !ec2_main_route_table(work.aws, &work.arena, work.fleet->vpc, &id, &work.error))
		done = fleet_fail(work.aws, &work.error, failure, "cannot find the route table of %.*s", STR_ARG(work.fleet->vpc));
	if (done)
		work.fleet->table = fleet_dup(run, id);
	return work_end(&work, done);
}

static bool
route_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct work work;
	bool done = work_begin(&work, run, action, failure);
	if (done && !ec2_create_route(work.aws, &work.arena, work.fleet->table, STR("0.0.0.0/0"), work.fleet->gateway, &work.error))
		done = fleet_fail(work.aws, &work.error, failure, "cannot make the route out of %.*s", STR_ARG(work.fleet->vpc));
	return work_end(&work, done);
}

/* ssh from those that the file names, or from here; status pages and distcc among the machines. */
static bool
rules_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct work work;
	bool done = work_begin(&work, run, action, failure);
	const struct ec2_rule rules[] = {
		{.port = 22, .ranges = work.fleet->seen.ssh},
		{.port = 80, .from_group = true},
		{.port = (int)run->project->distcc.port, .from_group = true},
	};
	if (done && !ec2_authorize(work.aws, &work.arena, work.fleet->group, rules, sizeof rules / sizeof *rules, &work.error))
		done = fleet_fail(work.aws, &work.error, failure, "cannot open the ports of %.*s", STR_ARG(work.fleet->group));
	return work_end(&work, done);
}

/* --- what goes --- */

/* Of an undo. */
struct removal {
	struct run *run;
	struct aws *aws;
	struct arena arena;
	struct str of_run;
	struct aws_error error;
	struct failure *failure;
};

/* What of the run is still there, which may be what keeps the rest. */
static struct str
blockers(struct removal *removal)
{
	struct buf text = buf_new(&removal->arena);
	for (int kind = 0; kind < EC2_KIND_COUNT; kind++) {
		struct ec2_thing *things;
		size_t count = 0;
		struct aws_error ignored;
		if (!ec2_find(removal->aws, &removal->arena, (enum ec2_kind)kind, removal->of_run, &things, &count, &ignored))
			continue;
		for (size_t i = 0; i < count; i++)
			buf_printf(&text, "%s%.*s", text.n ? ", " : "", STR_ARG(things[i].id));
	}
	return buf_str(&text);
}

/* Repeats what is refused as long as something uses it; and what EC2 says is not there, since that is also said of what is too new. */
static bool
remove_patiently(struct removal *removal, bool (*attempt)(struct removal *, const void *), const void *context, const char *noun,
	struct str id)
{
	int64_t until = os_now_ms() + BUSY_MS, pause = 0;
	for (int missed = 0;;) {
		bool gone = attempt(removal, context);
		if (gone && (!ec2_is_not_yet(&removal->error) || ++missed == LOOKS))
			return true;
		bool busy = ec2_is_busy(&removal->error), late = os_now_ms() > until;
		if ((gone || (busy && !late)) && fleet_pause(removal->run, &pause))
			continue;
		if (gone)
			removal->error = (struct aws_error){.cancelled = true};
		fleet_fail(removal->aws, &removal->error, removal->failure, "cannot remove %s %.*s", noun, STR_ARG(id));
		if (busy && late)
			failure_hint(removal->failure,
				"something still uses it after %d s; of this run there is %.*s. Look in the console for what else "
				"is in the VPC, then run edcc destroy again",
				BUSY_MS / 1000, STR_ARG(blockers(removal)));
		return false;
	}
}

struct target {
	enum ec2_kind kind;
	struct str id, vpc;
};

static bool
attempt_delete(struct removal *removal, const void *context)
{
	const struct target *target = context;
	return ec2_delete(removal->aws, &removal->arena, target->kind, target->id, &removal->error);
}

static bool
attempt_detach(struct removal *removal, const void *context)
{
	const struct target *target = context;
	return ec2_detach_gateway(removal->aws, &removal->arena, target->vpc, target->id, &removal->error);
}

static bool
removal_begin(struct removal *removal, struct run *run, const struct json *params, struct failure *failure)
{
	*removal = (struct removal){.run = run, .failure = failure, .of_run = json_text(params, "run", run->id)};
	removal->aws = fleet_aws(run, params, failure);
	return removal->aws != NULL;
}

/* By its id, or where no answer came by its tag. */
static bool
part_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure, enum ec2_kind kind)
{
	const struct part *part = parts;
	struct removal removal;
	struct ec2_thing known = {.id = json_text(result, "id", (struct str){NULL, 0})}, *things = &known;
	size_t count = known.id.n > 0;
	while (part->kind != kind)
		part++;
	bool done = removal_begin(&removal, run, params, failure);
	if (done && !count && !find_lost(run, removal.aws, &removal.arena, kind, removal.of_run, &things, &count, &removal.error))
		done = fleet_fail(removal.aws, &removal.error, failure, "cannot look for %s of the run", part->noun);
	for (size_t i = 0; done && i < count; i++) {
		struct target target = {.kind = kind, .id = things[i].id};
		done = remove_patiently(&removal, attempt_delete, &target, part->noun, target.id);
	}
	arena_free(&removal.arena);
	return done;
}

static bool
attach_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	const struct str none = {NULL, 0};
	struct removal removal;
	struct target target = {.id = json_text(params, "gateway", none), .vpc = json_text(params, "vpc", none)};
	(void)result;
	bool done = removal_begin(&removal, run, params, failure) &&
		    remove_patiently(&removal, attempt_detach, &target, "the attachment of the internet gateway", target.id);
	arena_free(&removal.arena);
	return done;
}

static bool
vpc_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	return part_undo(run, params, result, failure, EC2_VPC);
}

static bool
gateway_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	return part_undo(run, params, result, failure, EC2_GATEWAY);
}

static bool
subnet_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	return part_undo(run, params, result, failure, EC2_SUBNET);
}

static bool
group_undo(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	return part_undo(run, params, result, failure, EC2_GROUP);
}

const struct action_type action_vpc = {
	.name = "vpc", .section = SECTION_FLEET, .undo_text = "delete", .run = part_run, .undo = vpc_undo};
const struct action_type action_gateway = {
	.name = "gateway", .section = SECTION_FLEET, .undo_text = "delete", .run = part_run, .undo = gateway_undo};
const struct action_type action_subnet = {
	.name = "subnet", .section = SECTION_FLEET, .undo_text = "delete", .run = part_run, .undo = subnet_undo};
const struct action_type action_group = {
	.name = "group", .section = SECTION_FLEET, .undo_text = "delete", .run = part_run, .undo = group_undo};
const struct action_type action_attach = {
	.name = "attach", .section = SECTION_FLEET, .undo_text = "remove", .run = attach_run, .undo = attach_undo};
const struct action_type action_routes = {.name = "routes", .section = SECTION_FLEET, .run = routes_run};
const struct action_type action_route = {.name = "route", .section = SECTION_FLEET, .run = route_run};
const struct action_type action_rules = {.name = "rules", .section = SECTION_FLEET, .run = rules_run};
