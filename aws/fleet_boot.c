#include "aws/fleet.h"
#include "aws/guest.h"

#include "base/arena.h"
#include "remote/remote.h"
#include "runtime/kept.h"

/* How long machines may take until they have addresses, and the HOST until it answers, where it boots and where it ran a moment ago. */
#define ADDRESS_MS 300000
#define ANSWER_MS 300000
#define ANSWER_AGAIN_MS 30000
/* Machines count their time to live from their own start on, in whole minutes. */
#define END_MARGIN_MS 60000

struct boot {
	struct run *run;
	struct fleet *fleet;
	struct aws *aws;
	struct arena arena;
	struct failure *failure;
};

/* --- addresses --- */

static struct fleet_machine *
machine_of(const struct boot *boot, struct str id)
{
	for (uint32_t i = 0; i < boot->run->host_count; i++)
		if (str_eq(boot->fleet->machines[i].id, id))
			return &boot->fleet->machines[i];
	return NULL;
}

static bool
is_there(const struct fleet_machine *machine)
{
	return machine->id.n && !machine->gone.n;
}

static bool
has_ended(const struct ec2_instance *instance)
{
	return instance->state != EC2_PENDING && instance->state != EC2_RUNNING;
}

/* Why EC2 says that the HOST has ended. Returns false. */
static bool
fail_ended(struct run *run, const struct ec2_instance *instance, const char *when, struct failure *failure)
{
	int64_t ends = fleet_of(run)->ends;
	struct str why = instance->reason.n ? instance->reason : STR("EC2 gives no reason");
	failure_set(failure, EXIT_STATUS_PROVIDER, "the host %.*s ended %s%.*s", STR_ARG(instance->id), when, STR_ARG(why));
	if (instance->spot)
		failure_hint(failure, "spot machines may be taken back at any time: 'instances: spot = no', or run it again");
	else if (ends && os_time_ms() >= ends - END_MARGIN_MS)
		failure_hint(failure, "its time was over: 'instances: ttl' says how long a machine lasts");
	else
		failure_hint(failure, "run it again; 'instances: type' may name other types to go on with");
	return false;
}

/* What EC2 says of one machine. False where it is the HOST, and gone. */
static bool
take_instance(struct boot *boot, const struct ec2_instance *instance)
{
	struct run *run = boot->run;
	struct fleet_machine *machine = machine_of(boot, instance->id);
	if (!machine)
		return true;
	if (!has_ended(instance)) {
		machine->private_address = fleet_dup(run, instance->private_address);
		machine->public_address = fleet_dup(run, instance->public_address);
		return true;
	}
	struct str why = instance->reason.n ? instance->reason : STR("EC2 gives no reason");
	machine->gone = fleet_dup(run, why);
	if (machine != boot->fleet->machines)
		return true;
	return fail_ended(boot->run, instance, "while it booted: ", boot->failure);
}

/* One look at all. *complete: each has the address that it is reached at. */
static bool
look(struct boot *boot, bool *complete)
{
	struct ec2_instance *instances;
	size_t count;
	struct aws_error error;
	*complete = false;
	if (!ec2_describe_instances(
		    boot->aws, &boot->arena, &boot->fleet->instances, (struct str){NULL, 0}, &instances, &count, &error))
		/* Machines may be too new to be known by their ids. */
		return ec2_is_not_yet(&error) || fleet_fail(boot->aws, &error, boot->failure, "cannot look at the machines");
	for (size_t i = 0; i < count; i++)
		if (!take_instance(boot, &instances[i]))
			return false;
	const struct fleet_machine *machines = boot->fleet->machines;
	*complete = machines[0].public_address.n > 0;
	for (uint32_t i = 0; i < boot->run->host_count; i++)
		*complete = *complete && (!is_there(&machines[i]) || machines[i].private_address.n);
	return true;
}

static bool
await_addresses(struct boot *boot)
{
	int64_t until = os_now_ms() + ADDRESS_MS, pause = 0;
	for (bool complete = false;;) {
		if (!look(boot, &complete))
			return false;
		if (complete)
			return true;
		if (os_now_ms() > until) {
			failure_set(boot->failure, EXIT_STATUS_PROVIDER, "the machines have no addresses after %d minutes",
				ADDRESS_MS / 60000);
			failure_hint(boot->failure, "run it again, or in another region: EC2 does not start them");
			return false;
		}
		if (!fleet_pause(boot->run, &pause)) {
			failure_set(boot->failure, EXIT_STATUS_INTERRUPTED, "interrupted while the machines were starting");
			return false;
		}
	}
}

/* --- the HOST --- */

static void
take_addresses(struct run *run, const struct fleet_machine *machines)
{
	pthread_mutex_lock(&run->mutex);
	for (uint32_t i = 0; i < run->host_count; i++)
		run->hosts[i].address = str_dup(&run->arena, is_there(&machines[i]) ? machines[i].private_address : STR(""));
	pthread_mutex_unlock(&run->mutex);
	for (uint32_t i = 0; i < run->host_count; i++)
		if (is_there(&machines[i]))
			event_emit(run->events, (struct event){.kind = EVENT_HOST,
							.name = run->hosts[i].name,
							.text = STR("starting"),
							.total = run->hosts[i].slots});
}

/* Whether EC2 says that the HOST, which does not answer, has ended. */
static bool
host_has_ended(struct run *run, struct failure *failure)
{
	struct arena arena = {NULL};
	const struct words host = {&fleet_of(run)->machines[0].id, 1};
	struct ec2_instance *instances;
	size_t count = 0;
	struct aws_error error;
	struct failure ignored = {.arena = &arena};
	struct aws *aws = fleet_aws(run, NULL, &ignored);
	bool known = aws && ec2_describe_instances(aws, &arena, &host, (struct str){NULL, 0}, &instances, &count, &error) && count;
	bool ended = known && has_ended(instances);
	if (ended)
		fail_ended(run, instances, "while it was used: ", failure);
	arena_free(&arena);
	return ended;
}

/* From here on the HOST is asked over ssh. */
static struct remote *
open_host(struct run *run, struct str host_key, const char *key, int64_t ms, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	const struct fleet_machine *host = fleet->machines;
	struct arena *arena = failure->arena;
	struct remote_options options = {
		.ssh =
			{
				.address = host->public_address.n ? host->public_address : host->private_address,
				.user = STR("root"),
				.folder = fleet_dup(run, str_from(fleet_path(arena, run, "ssh"))).s,
				.key = fleet_dup(run, str_from(key)).s,
				.host_key = host_key,
				.environment = run->environment,
				.cancel = &run->cancel,
			},
		.tool = str_from(guest_host),
		.lease = fleet->seen.launches[0].group->set.lease,
		.has_ended = host_has_ended,
	};
	return remote_open(run, &options, ms, failure);
}

static bool
boot_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct boot boot = {.run = run, .fleet = fleet_of(run), .failure = failure};
	struct fleet *fleet = boot.fleet;
	(void)action;
	boot.aws = fleet_aws(run, NULL, failure);
	bool done = boot.aws && await_addresses(&boot);
	if (done)
		take_addresses(run, fleet->machines);
	struct remote *remote =
		done ? open_host(run, fleet->first_public_key, fleet_path(&boot.arena, run, "key"), ANSWER_MS, failure) : NULL;
	if (remote) {
		fleet->host_key = fleet_dup(run, remote_host_key(remote));
		done = fleet_record(run, true, failure) && remote_tell_fleet(remote, failure);
	} else if (done && !os_cancel_raised(&run->cancel)) {
		/* What EC2 says of a HOST that is gone says more. */
		struct failure gone = {.arena = failure->arena};
		bool complete;
		boot.failure = &gone;
		if (!look(&boot, &complete) && gone.message.n)
			*failure = gone;
	}
	arena_free(&boot.arena);
	return done && remote;
}

const struct action_type action_boot = {.name = "boot", .section = SECTION_FLEET, .run = boot_run};

/* --- each machine --- */

static bool
await_run(struct run *run, const struct action *action, struct failure *failure)
{
	const struct fleet_machine *machine = &fleet_of(run)->machines[action->index];
	if (is_there(machine))
		return remote_await_host(run->remote, action->index, failure);
	if (machine->id.n)
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s ended while it booted: %.*s", STR_ARG(machine->id),
			STR_ARG(machine->gone));
	else
		failure_set(failure, EXIT_STATUS_PROVIDER, "there was no capacity for it");
	return false;
}

const struct action_type action_await = {.name = "canary", .section = SECTION_SETUP, .run = await_run};
const struct action_type action_await_optional = {.name = "canary", .optional = true, .section = SECTION_SETUP, .run = await_run};

/* --- a fleet that is there --- */

static bool
adopt_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	const struct fleet_kept *kept = fleet->seen.kept;
	struct arena arena = {NULL};
	struct str error;
	(void)action;
	for (uint32_t i = 0; i < run->host_count; i++)
		fleet->machines[i] = kept->machines[i];
	fleet->ends = kept->ends;
	fleet->host_key = kept->host_key;
	take_addresses(run, fleet->machines);
	bool done = kept_take(run, kept->run, failure);
	if (done && !os_make_folders(&arena, fleet_path(&arena, run, ""), true, &error)) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
		done = false;
	}
	struct remote *remote = done ? open_host(run, kept->host_key, str_c(&arena, kept->key), ANSWER_AGAIN_MS, failure) : NULL;
	done = remote && remote_tell_fleet(remote, failure);
	if (!done && failure->message.n)
		failure_hint(failure, "the fleet of run %.*s is removed: run it again, which makes a new one", STR_ARG(kept->run));
	arena_free(&arena);
	return done;
}

const struct action_type action_adopt = {.name = "adopt", .section = SECTION_FLEET, .run = adopt_run};
