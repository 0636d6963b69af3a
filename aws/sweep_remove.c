#include "aws/ec2_call.h"
#include "aws/sweep_account.h"
#include "base/arena.h"
#include "base/pool.h"

#include <string.h>

/* How long machines may take to be gone, and what they were connected to after them. */
#define MACHINES_MS ((int64_t)600000)
#define BUSY_MS ((int64_t)30000)
/* How often what is there is looked at anew: something may have been on its way when it was found. */
#define ROUNDS 4
/* How often EC2 must say that something is not there: it was found, so it may be too new to be known everywhere. */
#define DENIALS 3
/* Calls at once of one run; several runs are removed side by side. */
#define AT_ONCE 8

struct removal {
	struct aws *aws;
	const struct remnant *remnant;
	struct events *events;
	struct failure *failure;
	int64_t patience; /* with what is still used, ms */
};

/* One call that takes something away. */
struct task {
	struct removal *removal;
	const struct ec2_thing *thing;
	bool detach; /* not the thing itself, but from its VPC */
	struct arena arena;
	struct aws_error error;
	struct words blockers; /* who still uses it */
	bool done;
};

static void
say_gone(const struct removal *removal, const struct ec2_thing *thing, int64_t began)
{
	event_emit(removal->events, (struct event){.kind = EVENT_UNDONE, .name = thing->id, .took = os_now_ms() - began});
}

/* --- who is in the way --- */

/* What can be in a VPC, a subnet or a group, by its filter there. */
static const struct {
	const char *action, *set, *id, *attached;
	const char *filters[EC2_KIND_COUNT];
} residents[] = {
	/* Only these go by themselves, some time after what they were attached to. */
	{"DescribeNetworkInterfaces", "networkInterfaceSet/item", "networkInterfaceId", "attachment/instanceId",
		{[EC2_VPC] = "vpc-id", [EC2_SUBNET] = "subnet-id", [EC2_GROUP] = "group-id"}},
	{"DescribeSubnets", "subnetSet/item", "subnetId", NULL, {[EC2_VPC] = "vpc-id"}},
	{"DescribeSecurityGroups", "securityGroupInfo/item", "groupId", NULL, {[EC2_VPC] = "vpc-id"}},
	{"DescribeInternetGateways", "internetGatewaySet/item", "internetGatewayId", NULL, {[EC2_VPC] = "attachment.vpc-id"}},
};

/* Asked only where something cannot go. True where one of them is not of the run, and nothing that goes by itself. */
static bool
find_blockers(struct task *task)
{
	struct arena *arena = &task->arena;
	struct aws_error ignored = {.status = 0};
	bool stay = false;
	task->blockers = (struct words){NULL, 0};
	for (size_t i = 0; i < sizeof residents / sizeof *residents; i++) {
		const char *filter = residents[i].filters[task->thing->kind];
		if (!filter)
			continue;
		struct aws_parameters parameters = ec2_parameters(arena, residents[i].action);
		ec2_put_filter(&parameters, 1, filter, task->thing->id);
		const struct xml *answer = ec2_ask(task->removal->aws, arena, &parameters, &ignored);
		for (const struct xml *item = xml_child(answer, residents[i].set); item; item = xml_again(item)) {
			struct str id = xml_text(item, residents[i].id);
			struct str user = residents[i].attached ? xml_text(item, residents[i].attached) : (struct str){NULL, 0};
			/* The group that every VPC has goes with it. */
			if (str_is(xml_text(item, "groupName"), "default"))
				continue;
			words_add(arena, &task->blockers,
				user.n ? str_printf(arena, "%.*s of %.*s", STR_ARG(id), STR_ARG(user)) : id);
			struct str run = ec2_read_tags(item).values[EC2_TAG_RUN];
			stay = stay || (!residents[i].attached && !str_eq(run, task->removal->remnant->run));
		}
	}
	return stay;
}

/* --- one stage --- */

static bool
attempt(struct task *task)
{
	struct aws *aws = task->removal->aws;
	const struct ec2_thing *thing = task->thing;
	return task->detach ? ec2_detach_gateway(aws, &task->arena, thing->vpc, thing->id, &task->error)
			    : ec2_delete(aws, &task->arena, thing->kind, thing->id, &task->error);
}

static void
do_task(void *context, void *item)
{
	struct task *task = item;
	const struct ec2_thing *thing = task->thing;
	struct ec2_wait wait = {0, 0};
	int64_t began = os_now_ms();
	int denials = 0;
	bool again, looked = false;
	(void)context;
	do {
		task->done = attempt(task);
		again = task->done ? ec2_is_not_yet(&task->error) && ++denials < DENIALS : ec2_is_busy(&task->error);
		/* What is somebody else's is not waited for. */
		if (again && !task->done && !looked) {
			looked = true;
			again = !find_blockers(task);
		}
	} while (again && ec2_wait(task->removal->aws, &wait, task->removal->patience, &task->error));
	if (!task->done && ec2_is_busy(&task->error))
		find_blockers(task);
	else if (task->done && !task->detach)
		say_gone(task->removal, thing, began);
}

/* Adds what stays, and why, to the failure's message. */
static void
note_left(const struct removal *removal, const struct task *task)
{
	struct failure *failure = removal->failure;
	struct arena *arena = failure->arena;
	struct str list = words_join(arena, task->blockers, STR(", "));
	struct str why =
		list.n ? str_printf(arena, "it is still used by %.*s", STR_ARG(list)) : aws_error_text(arena, &task->error);
	const char *gap = failure->message.n ? "; " : "";
	failure_set(failure, task->error.cancelled ? EXIT_STATUS_INTERRUPTED : EXIT_STATUS_TEARDOWN, "%.*s%scannot %s %.*s: %.*s",
		STR_ARG(failure->message), gap, task->detach ? "detach" : "remove", STR_ARG(task->thing->id), STR_ARG(why));
}

/* All of the tasks, side by side. False where one could not be done, with the failure. */
static bool
do_tasks(struct removal *removal, struct task *tasks, size_t count)
{
	struct pool *pool = count ? pool_new(count < AT_ONCE ? count : AT_ONCE) : NULL;
	bool done = true;
	for (size_t i = 0; i < count; i++) {
		if (pool)
			pool_submit(pool, do_task, NULL, &tasks[i]);
		else
			do_task(NULL, &tasks[i]);
	}
	if (pool)
		pool_free(pool);
	for (size_t i = 0; i < count; i++) {
		if (!tasks[i].done)
			note_left(removal, &tasks[i]);
		done = done && tasks[i].done;
		arena_free(&tasks[i].arena);
	}
	return done;
}

/* Subnets, groups and the gateways' attachments, then VPCs and gateways. */
static bool
remove_network(struct removal *removal, const struct sweep_things *things)
{
	static const struct {
		unsigned kinds, detached;
	} stages[] = {{1u << EC2_SUBNET | 1u << EC2_GROUP, 1u << EC2_GATEWAY}, {1u << EC2_VPC | 1u << EC2_GATEWAY, 0}};
	bool done = true;
	removal->patience = BUSY_MS;
	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
		struct task *tasks = arena_array(removal->failure->arena, struct task, things->count);
		size_t count = 0;
		for (size_t k = 0; k < things->count; k++) {
			const struct ec2_thing *thing = &things->list[k];
			bool detach = stages[i].detached >> thing->kind & 1 && thing->vpc.n;
			if (detach || stages[i].kinds >> thing->kind & 1)
				tasks[count++] = (struct task){.removal = removal, .thing = thing, .detach = detach};
		}
		done = do_tasks(removal, tasks, count) && done;
		/* What stands on something that stays will not go either, however long one waits. */
		if (!done)
			removal->patience = 0;
	}
	return done;
}

/* --- machines --- */

static bool
await_machines(struct removal *removal, const struct words *ids)
{
	struct ec2_wait wait = {0, 0};
	struct aws_error error = {.status = 0};
	struct ec2_thing *left = NULL;
	size_t count = 0;
	do {
		struct arena arena = {NULL};
		bool done = ec2_find(removal->aws, &arena, EC2_INSTANCE, removal->remnant->run, &left, &count, &error);
		if (!done)
			sweep_fail(removal->aws, &error, removal->failure);
		arena_free(&arena);
		if (!done || !count)
			return done;
	} while (ec2_wait(removal->aws, &wait, MACHINES_MS, &error));
	failure_set(removal->failure, error.cancelled ? EXIT_STATUS_INTERRUPTED : EXIT_STATUS_TEARDOWN,
		"not all of the machines that were ended are gone: %.*s",
		STR_ARG(words_join(removal->failure->arena, *ids, STR(", "))));
	return false;
}

/* In one call, however many; false with the failure. */
static bool
remove_machines(struct removal *removal, const struct sweep_things *things)
{
	struct arena *arena = removal->failure->arena;
	struct words ids = {NULL, 0};
	struct aws_error error = {.status = 0};
	int64_t began = os_now_ms();
	for (size_t i = 0; i < things->count; i++)
		if (things->list[i].kind == EC2_INSTANCE)
			words_add(arena, &ids, things->list[i].id);
	if (!ids.n)
		return true;
	if (!ec2_terminate(removal->aws, arena, ids, &error))
		return sweep_fail(removal->aws, &error, removal->failure);
	if (!await_machines(removal, &ids))
		return false;
	for (size_t i = 0; i < things->count; i++)
		if (things->list[i].kind == EC2_INSTANCE)
			say_gone(removal, &things->list[i], began);
	return true;
}

/* --- all of it --- */

/* What there is of the run now. */
static bool
look_again(struct removal *removal, struct sweep_things *things)
{
	struct sweep_look looks[EC2_KIND_COUNT];
	struct arena *arena = removal->failure->arena;
	bool done = true;
	*things = (struct sweep_things){.aws = removal->aws};
	sweep_ask(looks, removal->aws, removal->remnant->run);
	sweep_look(looks, EC2_KIND_COUNT);
	for (size_t i = 0; i < EC2_KIND_COUNT; i++) {
		done = done && (looks[i].done || sweep_fail(removal->aws, &looks[i].error, removal->failure));
		for (size_t k = 0; k < looks[i].count; k++) {
			things->list = arena_more(arena, things->list, things->count, sizeof *things->list);
			things->list[things->count] = looks[i].list[k];
			things->list[things->count].id = str_dup(arena, looks[i].list[k].id);
			things->list[things->count++].vpc = str_dup(arena, looks[i].list[k].vpc);
		}
	}
	sweep_look_free(looks, EC2_KIND_COUNT);
	return done;
}

bool
sweep_remove(void *context, const struct remnant *remnant, struct events *events, struct failure *failure)
{
	struct sweep_things things = *(const struct sweep_things *)remnant->things;
	struct removal removal = {.aws = things.aws, .remnant = remnant, .events = events, .failure = failure};
	struct ec2_wait wait = {0, 0};
	struct aws_error error = {.status = 0};
	(void)context;
	for (int round = 0; round < ROUNDS; round++) {
		if (!remove_machines(&removal, &things) || !remove_network(&removal, &things) || !look_again(&removal, &things))
			return false;
		if (!things.count)
			return true;
		if (!ec2_wait(removal.aws, &wait, MACHINES_MS, &error))
			break;
	}
	failure_set(failure, error.cancelled ? EXIT_STATUS_INTERRUPTED : EXIT_STATUS_TEARDOWN,
		"%.*s is still there or has come back", STR_ARG(things.list[0].id));
	return false;
}
