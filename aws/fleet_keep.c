#include "aws/fleet.h"

#include "base/arena.h"
#include "remote/remote.h"

/* --- keeping this one --- */

/* Everything of the run that a tag can be set on. */
static struct words
own_things(struct arena *arena, const struct fleet *fleet)
{
	const struct fleet_seen *seen = &fleet->seen;
	const struct str made[] = {seen->vpc.n ? (struct str){NULL, 0} : fleet->vpc, fleet->gateway,
		seen->subnet.n ? (struct str){NULL, 0} : fleet->subnet, fleet->group};
	struct words things = {NULL, 0};
	for (size_t i = 0; i < fleet->instances.n; i++)
		words_add(arena, &things, fleet->instances.w[i]);
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		if (made[i].n)
			words_add(arena, &things, made[i]);
	return things;
}

/* The fleet's things, whichever run has made them. */
static struct words
all_things(struct arena *arena, const struct fleet *fleet)
{
	return fleet->seen.kept ? fleet->seen.kept->things : own_things(arena, fleet);
}

/* So that whoever looks at the account knows it, also from another machine. */
static bool
set_kept(struct run *run, struct aws *aws, struct arena *arena, int64_t until, struct failure *failure)
{
	struct aws_error error;
	struct ec2_tags tags = {{
		[EC2_TAG_EXPIRES] = str_printf(arena, "%lld", (long long)(until / 1000)),
		[EC2_TAG_KEPT] = STR("yes"),
	}};
	return ec2_set_tags(aws, arena, all_things(arena, fleet_of(run)), &tags, &error) ||
	       fleet_fail(aws, &error, failure, "cannot tag the fleet with the time until which it is kept");
}

static bool
set_host_key(struct run *run, struct aws *aws, struct arena *arena, struct aws_error *error)
{
	struct fleet *fleet = fleet_of(run);
	struct ec2_tags tags = {{[EC2_TAG_HOST_KEY] = fleet->host_key}};
	return ec2_set_tags(aws, arena, (struct words){&fleet->machines[0].id, 1}, &tags, error);
}

/* What was kept is this run's now: it is kept no longer, and `edcc gc` asks whether this process lives. */
static bool
set_used(struct run *run, struct aws *aws, struct arena *arena, struct aws_error *error)
{
	struct fleet *fleet = fleet_of(run);
	struct ec2_tags own = fleet_tags(run, arena),
			tags = {{
				[EC2_TAG_OWNER] = own.values[EC2_TAG_OWNER],
				[EC2_TAG_EXPIRES] = str_printf(arena, "%lld", (long long)(fleet->ends / 1000)),
				[EC2_TAG_KEPT] = STR(""),
			}};
	return ec2_set_tags(aws, arena, fleet->seen.kept->things, &tags, error);
}

static bool
tags_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct arena arena = {NULL};
	struct failure why = {.arena = &arena};
	struct aws_error error = {.status = 0};
	bool kept = fleet_of(run)->seen.kept;
	struct aws *aws = fleet_aws(run, NULL, &why);
	(void)action;
	(void)failure;
	if (aws && !(kept ? set_used : set_host_key)(run, aws, &arena, &error))
		fleet_fail(aws, &error, &why, "cannot tag the fleet");
	if (why.message.n && !os_cancel_raised(&run->cancel))
		event_warning(run->events,
			kept ? STR("`edcc gc` elsewhere may take it for over when the time it was kept for is")
			     : STR("`edcc ssh` on another machine will not know the HOST's key"),
			"%.*s", STR_ARG(why.message));
	arena_free(&arena);
	return true;
}

const struct action_type action_tags = {.name = "tags", .section = SECTION_SETUP, .run = tags_run};

bool
fleet_keep(struct run *run, int64_t ms, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	struct arena arena = {NULL};
	int64_t now = os_time_ms(), until = ms ? now + ms : fleet->ends;
	char ends[25];
	if (!run->remote) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "its host was never reached");
		return false;
	}
	if (until > fleet->ends) {
		os_timestamp(fleet->ends, ends);
		event_warning(run->events, STR("'instances: ttl' says how long a machine lasts at most"),
			"the machines end by themselves at %.16sZ, before the time that the fleet is kept for is over", ends);
		until = fleet->ends;
	}
	struct aws *aws = fleet_aws(run, NULL, failure);
	bool done = aws && remote_keep(run->remote, until - now, failure) && set_kept(run, aws, &arena, until, failure);
	arena_free(&arena);
	return done;
}
