#include "aws/fleet.h"
#include "aws/cloud_aws.h"
#include "aws/retry.h"

#include "base/arena.h"
#include "remote/remote.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between one look and the next. */
#define FIRST_PAUSE_MS 1000
#define LONGEST_PAUSE_MS 5000

/* Takes over what the plan knows. */
static void
begin(struct fleet *fleet, const struct run *run)
{
	struct fleet_seen *seen = &fleet->seen;
	*seen = *(const struct fleet_seen *)run->plan->world->seen;
	const struct fleet_launch *planned = seen->launches;
	seen->launches = arena_array(&fleet->arena, struct fleet_launch, seen->launch_count);
	memcpy(seen->launches, planned, seen->launch_count * sizeof *planned);
	fleet->machines = arena_array(&fleet->arena, struct fleet_machine, run->host_count);
	fleet->vpc = seen->vpc;
	fleet->subnet = seen->subnet;
	if (seen->zones.n)
		fleet->zone = seen->zones.w[0];
}

struct fleet *
fleet_of(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
	struct fleet *fleet = run->fleet;
	if (!fleet) {
		fleet = calloc(1, sizeof *fleet);
		if (!fleet)
			os_exhausted();
		run->fleet = fleet;
		if (run->plan)
			begin(fleet, run);
	}
	pthread_mutex_unlock(&run->mutex);
	return fleet;
}

void
fleet_close(struct run *run)
{
	struct fleet *fleet = run->fleet;
	remote_close(run->remote);
	run->remote = NULL;
	if (!fleet)
		return;
	/* The key that was good for one answer. */
	arena_wipe(&fleet->arena);
	free(fleet);
	run->fleet = NULL;
}

struct str
fleet_dup(struct run *run, struct str text)
{
	struct fleet *fleet = fleet_of(run);
	pthread_mutex_lock(&run->mutex);
	const char *copy = str_c(&fleet->arena, text);
	pthread_mutex_unlock(&run->mutex);
	return (struct str){copy, text.n};
}

const char *
fleet_path(struct arena *arena, const struct run *run, const char *name)
{
	return str_printf(arena, "%.*s/fleet/%s", STR_ARG(run->folder), name).s;
}

bool
fleet_pause(struct run *run, int64_t *ms)
{
	*ms = !*ms ? FIRST_PAUSE_MS : *ms * 3 / 2 < LONGEST_PAUSE_MS ? *ms * 3 / 2 : LONGEST_PAUSE_MS;
	return retry_pause(*ms, &run->cancel);
}

/* --- whose account --- */

struct str
fleet_account(struct str arn)
{
	struct str piece = {NULL, 0};
	for (int i = 0; i < 5 && str_split(&arn, ':', &piece); i++)
		continue;
	return piece;
}

/* With other credentials nothing of the run would be there, which is not the same as gone. */
static bool
is_same_account(struct run *run, struct aws *aws, struct str account, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	struct arena arena = {NULL};
	struct aws_error error;
	struct str arn;
	pthread_mutex_lock(&run->mutex);
	if (!fleet->caller.n && aws_identity(aws, &arena, &arn, &error))
		fleet->caller = str_dup(&fleet->arena, fleet_account(arn));
	struct str caller = fleet->caller;
	pthread_mutex_unlock(&run->mutex);
	arena_free(&arena);
	if (!caller.n || str_eq(caller, account))
		return true;
	failure_set(failure, EXIT_STATUS_TEARDOWN,
		"the run was made in the account %.*s, and the credentials from %.*s are of %.*s", STR_ARG(account),
		STR_ARG(aws_credentials_source(aws)), STR_ARG(caller));
	failure_hint(failure, "run edcc destroy with credentials of that account (AWS_PROFILE says which)");
	return false;
}

struct aws *
fleet_aws(struct run *run, const struct json *params, struct failure *failure)
{
	const struct str none = {NULL, 0};
	struct cloud_place place = {
		json_text(params, "region", none), json_text(params, "profile", none), json_text(params, "endpoint", none)};
	struct str account = json_text(params, "account", none);
	const struct cloud *cloud;
	void *opened = cloud_account(run, params ? &place : NULL, &cloud, failure);
	struct aws *aws = opened ? cloud_aws_client(opened) : NULL;
	if (aws && params && !run->project && account.n && !is_same_account(run, aws, account, failure))
		return NULL;
	return aws;
}

void
fleet_fill_intent(struct json_writer *json, void *context)
{
	const struct fleet_intent *intent = context;
	const struct provider_aws_settings *set = &intent->run->project->aws;
	const struct fleet *fleet = intent->run->fleet;
	const struct {
		const char *name;
		struct str value;
	} members[] = {
		{"run", intent->run->id},
		{"region", aws_region(intent->aws)},
		{"profile", set->profile},
		{"endpoint", set->endpoint},
		{"account", fleet->seen.account},
		{"vpc", intent->vpc},
		{"gateway", intent->gateway},
	};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (members[i].value.n)
			json_put_text(json, members[i].name, members[i].value);
}

void
fleet_not_made(struct run *run, const struct action *action)
{
	run_record(run, RECORD_UNDONE, action->name, NULL, NULL);
}

/* "user@host pid start" */
static struct str
owner(struct arena *arena)
{
	struct os_owner self;
	struct passwd entry, *found = NULL;
	char text[4096];
	os_owner_self(&self);
	if (getpwuid_r(geteuid(), &entry, text, sizeof text, &found) != 0)
		found = NULL;
	return str_printf(
		arena, "%s@%s %d %llu", found ? found->pw_name : "?", self.host, self.pid, (unsigned long long)self.start);
}

struct ec2_tags
fleet_tags(struct run *run, struct arena *arena)
{
	const struct fleet_seen *seen = &fleet_of(run)->seen;
	int64_t ttl = 0;
	for (size_t i = 0; i < seen->launch_count; i++)
		if (seen->launches[i].group->set.ttl > ttl)
			ttl = seen->launches[i].group->set.ttl;
	return (struct ec2_tags){{
		[EC2_TAG_RUN] = run->id,
		[EC2_TAG_PROJECT] = run->project->name,
		[EC2_TAG_OWNER] = owner(arena),
		[EC2_TAG_EXPIRES] = str_printf(arena, "%lld", (long long)((os_time_ms() + ttl) / 1000)),
		[EC2_TAG_NAME] = str_printf(arena, "edcc %.*s", STR_ARG(run->project->name)),
	}};
}

/* --- what went wrong --- */

bool
fleet_is_unknown(const struct aws_error *error)
{
	static const char *const codes[] = {"AuthFailure", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"RequestExpired", "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (aws_error_is(error, codes[i]))
			return true;
	return false;
}

static void
hint(struct aws *aws, const struct aws_error *error, struct failure *failure)
{
	struct str region = aws_region(aws), source = aws_credentials_source(aws);
	const char *name, *where;
	if (fleet_is_unknown(error))
		failure_hint(failure, "AWS does not take the credentials from %.*s", STR_ARG(source));
	else if (ec2_is_quota(error, &name, &where))
		failure_hint(failure,
			"the quota '%s' (%s) is used up in %.*s: raise it in the Service Quotas console, or ask for less", name,
			where, STR_ARG(region));
	else if (ec2_is_capacity(error))
		failure_hint(failure, "name more types in 'instances: type', leave 'network: zone' open, or try another region");
	else if (error->status == 403 || aws_error_is(error, "UnauthorizedOperation"))
		failure_hint(failure, "the credentials from %.*s are not allowed to call %.*s:%.*s", STR_ARG(source),
			STR_ARG(error->service), STR_ARG(error->action));
	else if (!error->status && !error->cancelled)
		failure_hint(failure, "is AWS in %.*s reached from here? What was made is in the journal: edcc destroy removes it",
			STR_ARG(region));
}

bool
fleet_fail(struct aws *aws, const struct aws_error *error, struct failure *failure, const char *doing, ...)
{
	va_list arguments;
	va_start(arguments, doing);
	struct str what = str_vprintf(failure->arena, doing, arguments);
	va_end(arguments);
	if (error->cancelled)
		failure_set(failure, EXIT_STATUS_INTERRUPTED, "interrupted: %.*s", STR_ARG(what));
	else
		failure_set(
			failure, EXIT_STATUS_PROVIDER, "%.*s: %.*s", STR_ARG(what), STR_ARG(aws_error_text(failure->arena, error)));
	hint(aws, error, failure);
	return false;
}
