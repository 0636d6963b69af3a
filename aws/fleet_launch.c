#include "aws/fleet.h"
#include "aws/user_data.h"

#include "base/arena.h"
#include "base/hash.h"

#include <string.h>

/* Of a digest, in a ClientToken. */
#define TOKEN_LENGTH 32
/* Where EC2 names a price it takes so many digits behind the point. */
#define MILLION 1000000

/* One run's launching. */
struct launching {
	struct run *run;
	const struct action *action;
	struct fleet *fleet;
	struct aws *aws;
	struct arena arena;
	struct ec2_tags tags;
	unsigned attempt;
	bool lost; /* an answer: machines may run that nobody knows of */
	bool hopeless; /* the last error is not one that another type or zone helps against */
	struct aws_error error; /* of the last attempt */
	struct failure *failure;
};

/* --- one call --- */

/* What one call asks for. */
struct request {
	const struct fleet_launch *launch;
	const struct fleet_type *type;
	bool spot;
	uint32_t first, count, minimum; /* hosts */
};

/* The same for the same call only: EC2 then launches once, however often it is asked. */
static struct str
token(struct launching *launching, const struct request *request)
{
	struct arena *arena = &launching->arena;
	char hex[HASH_HEX_LENGTH + 1] = "";
	hash_text(str_printf(arena, "%.*s %u %u %.*s %.*s", STR_ARG(launching->run->id), request->first, launching->attempt,
			  STR_ARG(request->type->name), STR_ARG(launching->fleet->zone)),
		hex);
	return str_printf(arena, "%.*s", TOKEN_LENGTH, hex);
}

static bool
user_data(struct launching *launching, const struct request *request, struct str *text)
{
	const struct fleet *fleet = launching->fleet;
	bool host = request->first == 0;
	struct str error, own[] = {fleet->public_key};
	const struct words lists[] = {{own, 1}, fleet->seen.keys};
	struct user_data data = {
		.run = launching->run->id,
		.first_is_host = host,
		.public_keys = words_concat(&launching->arena, lists, 2),
		.host_key = host ? fleet->first_key : (struct str){NULL, 0},
		.pump = fleet->seen.pump ? launching->run->project->distcc.pump : STR("no"),
	};
	if (fleet_user_data(&launching->arena, launching->run->project, &fleet->seen, request->launch, &data, text, &error))
		return true;
	failure_set(launching->failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return false;
}

/* What was launched are hosts from `first` on, in the order of launch. */
static bool
take(struct launching *launching, const struct request *request, const struct ec2_instance *instances, size_t count)
{
	struct run *run = launching->run;
	struct fleet *fleet = launching->fleet;
	pthread_mutex_lock(&run->mutex);
	for (size_t i = 0; i < count; i++) {
		size_t index = request->first + (size_t)instances[i].launch_index;
		struct str id = str_dup(&fleet->arena, instances[i].id);
		words_add(&fleet->arena, &fleet->instances, id);
		if (index < run->host_count)
			fleet->machines[index] = (struct fleet_machine){
				.id = id, .private_address = str_dup(&fleet->arena, instances[i].private_address)};
	}
	pthread_mutex_unlock(&run->mutex);
	return fleet_record(run, false, launching->failure);
}

/* False with launching->error, or with the failure where there is no use in another try. */
static bool
request_machines(struct launching *launching, const struct request *request, size_t *count)
{
	struct arena *arena = &launching->arena;
	const struct fleet_launch *launch = request->launch;
	const struct instances_settings *set = &launch->group->set;
	struct ec2_instance *instances;
	struct ec2_launch call = {
		.image = launch->image.id,
		.type = request->type->name,
		.subnet = launching->fleet->subnet,
		.group = launching->fleet->group,
		.zone = (struct str){NULL, 0}, /* the subnet's */
		.count = request->count,
		.minimum = request->minimum,
		.spot = request->spot,
		.disk = launch->disk,
		.root_device = launch->image.root_device,
		.role = set->role,
		.tags = launching->tags,
	};
	if (request->spot && set->max_price)
		call.max_price = str_printf(
			arena, "%lld.%06lld", (long long)(set->max_price / MILLION), (long long)(set->max_price % MILLION));
	launching->attempt++;
	call.token = token(launching, request);
	if (!user_data(launching, request, &call.user_data) ||
		!ec2_run_instances(launching->aws, arena, &call, &instances, count, &launching->error))
		return false;
	return take(launching, request, instances, *count);
}

/* --- which type, which zone --- */

static bool
is_affordable(const struct instances_settings *set, const struct fleet_type *type, bool spot)
{
	return spot || !set->max_price || (type->price >= 0 && type->price <= set->max_price);
}

/* Tries the types in their order until the request is met as far as its minimum. False at the end, or at once where the failure is not one of capacity. */
static bool
try_types(struct launching *launching, struct request *request, size_t *count)
{
	const struct fleet_launch *launch = request->launch;
	for (size_t i = 0; i < launch->type_count; i++) {
		request->type = launch->types[i];
		if (!fleet_type_is_in(request->type, launching->fleet->zone) ||
			!is_affordable(&launch->group->set, request->type, request->spot))
			continue;
		if (request_machines(launching, request, count))
			return true;
		launching->lost = launching->lost || launching->error.maybe_done;
		launching->hopeless = launching->failure->message.n || !ec2_is_capacity(&launching->error);
		if (launching->hopeless)
			return false;
		event_note(launching->run->events, "no capacity for %u %.*s%s in %.*s", request->minimum,
			STR_ARG(request->type->name), request->spot ? " (spot)" : "",
			STR_ARG(launching->fleet->zone.n ? launching->fleet->zone : aws_region(launching->aws)));
	}
	return false;
}

/* In each zone in turn, where the subnet is ours and nothing is in it yet. */
static bool
try_zones(struct launching *launching, struct request *request, size_t *count)
{
	const struct fleet *fleet = launching->fleet;
	const struct words *zones = &fleet->seen.zones;
	bool movable = !fleet->seen.subnet.n && zones->n > 1;
	for (size_t tried = 0;; tried++) {
		if (try_types(launching, request, count))
			return true;
		if (!movable || fleet->instances.n || tried + 1 >= zones->n || launching->hopeless)
			return false;
		size_t at = 0;
		while (at < zones->n && !str_eq(zones->w[at], fleet->zone))
			at++;
		if (!fleet_move(launching->run, launching->aws, zones->w[(at + 1) % zones->n], launching->failure)) {
			launching->hopeless = true;
			return false;
		}
	}
}

/* As many as there are, from any type. */
static uint32_t
launch_some(struct launching *launching, struct request *request)
{
	const struct fleet_launch *launch = request->launch;
	uint32_t got = 0;
	size_t count;
	request->minimum = 1;
	while (got < launch->count && try_types(launching, request, &count)) {
		got += (uint32_t)count;
		request->first += (uint32_t)count;
		request->count -= (uint32_t)count;
	}
	return got;
}

static bool
give_up(struct launching *launching, const struct fleet_launch *launch, uint32_t got)
{
	struct failure *failure = launching->failure;
	if (failure->message.n)
		return false;
	if (launching->error.action.n)
		return fleet_fail(launching->aws, &launching->error, failure, "cannot launch %u machine%s in %.*s (%u of them run)",
			launch->count, launch->count == 1 ? "" : "s", STR_ARG(aws_region(launching->aws)), got);
	/* Nothing was asked for. */
	failure_set(failure, EXIT_STATUS_PROVIDER, "none of the types can be had for 'max_price' in %.*s",
		STR_ARG(launching->fleet->zone.n ? launching->fleet->zone : aws_region(launching->aws)));
	failure_hint(failure, "raise 'instances: max_price', or name other types");
	return false;
}

/* All of a launch's machines at once, spot before on demand; where they are not to be had, as many as there are. */
static bool
launch_machines(struct launching *launching, const struct fleet_launch *launch)
{
	struct request request = {.launch = launch, .first = launch->first, .count = launch->count, .minimum = launch->count};
	int dearest = launch->group->set.spot;
	uint32_t got = 0;
	size_t count;
	launching->error = (struct aws_error){.status = 0};
	for (int spot = dearest; spot >= 0 && !launching->hopeless; spot--) {
		request.spot = spot;
		if (try_zones(launching, &request, &count))
			return true;
	}
	for (int spot = dearest; spot >= 0 && !launching->hopeless && launch->minimum < launch->count; spot--) {
		request.spot = spot;
		got += launch_some(launching, &request);
	}
	if (!launching->hopeless && got >= launch->minimum)
		return true;
	return give_up(launching, launch, got);
}

/* --- the journal --- */

static void
put_machine(struct json_writer *json, const struct fleet_machine *machine)
{
	json_open_object(json, NULL);
	json_put_text(json, "id", machine->id);
	json_put_text(json, "private", machine->private_address);
	json_put_text(json, "public", machine->public_address);
	if (machine->gone.n)
		json_put_text(json, "gone", machine->gone);
	json_close(json);
}

struct machines_record {
	struct run *run;
	bool complete;
};

static void
fill_machines(struct json_writer *json, void *context)
{
	const struct machines_record *record = context;
	const struct fleet *fleet = record->run->fleet;
	json_put_truth(json, "complete", record->complete);
	json_put_integer(json, "ends", fleet->ends);
	json_put_text(json, "digest", fleet->seen.digest);
	json_put_words(json, "traits", fleet->seen.traits);
	json_put_text(json, "host_key", fleet->host_key);
	json_put_words(json, "ids", fleet->instances);
	json_open_array(json, "machines");
	for (uint32_t i = 0; i < record->run->host_count; i++)
		put_machine(json, &fleet->machines[i]);
	json_close(json);
}

bool
fleet_record(struct run *run, bool complete, struct failure *failure)
{
	const struct plan *plan = run->plan;
	const struct action *action = plan->actions;
	struct machines_record record = {run, complete};
	while (action->type != &action_instances)
		action++;
	return run_done(run, action, fill_machines, &record, failure);
}

/* --- launching all --- */

static int64_t
shortest_ttl(const struct fleet_seen *seen)
{
	int64_t ttl = INT64_MAX;
	for (size_t i = 0; i < seen->launch_count; i++)
		if (seen->launches[i].group->set.ttl < ttl)
			ttl = seen->launches[i].group->set.ttl;
	return ttl;
}

static bool
instances_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct launching launching = {.run = run, .action = action, .fleet = fleet_of(run), .failure = failure};
	launching.aws = fleet_aws(run, NULL, failure);
	if (!launching.aws)
		return false;
	struct fleet_intent intent = {.run = run, .aws = launching.aws};
	const struct fleet_seen *seen = &launching.fleet->seen;
	launching.tags = fleet_tags(run, &launching.arena);
	launching.fleet->ends = os_time_ms() + shortest_ttl(seen);
	bool done = run_intent(run, action, fleet_fill_intent, &intent, failure);
	for (size_t i = 0; done && i < seen->launch_count; i++)
		done = launch_machines(&launching, &seen->launches[i]);
	if (done)
		done = fleet_record(run, true, failure);
	else if (!launching.fleet->instances.n && !launching.lost)
		fleet_not_made(run, action);
	arena_free(&launching.arena);
	return done;
}

const struct action_type action_instances = {
	.name = "instances",
	.section = SECTION_FLEET,
	.undo_text = "terminate",
	.run = instances_run,
	.undo = fleet_terminate,
};
