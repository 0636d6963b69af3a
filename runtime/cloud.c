#include "runtime/cloud.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct cloud_link {
	const struct cloud *cloud;
	pthread_mutex_t mutex; /* for what follows */
	void *account;
	struct failure refused; /* why there is none, once that was tried; in the run's arena */
};

bool
cloud_is_url(struct str destination)
{
	return str_starts(destination, STR("s3://"));
}

struct str
cloud_bucket(struct str url)
{
	struct str rest = str_part(url, strlen("s3://"), url.n);
	return str_part(rest, 0, str_find(rest, '/'));
}

struct str
cloud_topic(struct str notify)
{
	return str_part(notify, strlen("sns:"), notify.n);
}

struct cloud_place
cloud_place(const struct project *project)
{
	return (struct cloud_place){project->aws.region, project->aws.profile, project->aws.endpoint};
}

static bool
has_to_do_with_one(const struct project *project)
{
	for (uint32_t i = 0; i < project->artifact_count; i++)
		if (cloud_is_url(project->artifacts[i].destination))
			return true;
	for (uint32_t i = 0; i < project->on_count; i++)
		if (project->ons[i].set.notify.n)
			return true;
	return false;
}

void
cloud_observe(struct arena *arena, const struct project *project, const struct cloud *cloud, char *const *environment,
	struct world *world)
{
	if (!cloud || !has_to_do_with_one(project))
		return;
	world->region = cloud->region(arena, cloud_place(project), environment);
	struct str fact = str_printf(arena, "region=%.*s", STR_ARG(world->region));
	struct words facts = {arena_array(arena, struct str, world->facts.n + 1), 0};
	for (size_t i = 0; i < world->facts.n; i++) {
		if (facts.n == i && str_compare(world->facts.w[i], fact) > 0)
			facts.w[facts.n++] = fact;
		facts.w[facts.n++] = world->facts.w[i];
	}
	if (facts.n == world->facts.n)
		facts.w[facts.n++] = fact;
	world->facts = facts;
}

/* --- the account --- */

struct cloud_link *
cloud_link_new(struct run *run, const struct cloud *cloud)
{
	struct cloud_link *link = arena_new(&run->arena, struct cloud_link);
	link->cloud = cloud;
	pthread_mutex_init(&link->mutex, NULL);
	return link;
}

void
cloud_link_free(struct cloud_link *link)
{
	if (!link)
		return;
	if (link->account)
		link->cloud->close(link->account);
	pthread_mutex_destroy(&link->mutex);
}

/* Keeps why there is no account: who asks next is not to wait for it again. */
static void
keep_refused(struct run *run, struct cloud_link *link, const struct failure *failure)
{
	pthread_mutex_lock(&run->mutex);
	link->refused.message = str_dup(&run->arena, failure->message);
	link->refused.hint = str_dup(&run->arena, failure->hint);
	pthread_mutex_unlock(&run->mutex);
}

void *
cloud_account(struct run *run, const struct cloud_place *place, const struct cloud **cloud, struct failure *failure)
{
	struct cloud_link *link = run->cloud;
	if (!link || !link->cloud) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "this edcc knows no cloud");
		failure_hint(failure, "name a folder");
		return NULL;
	}
	struct cloud_place own = place ? *place : cloud_place(run->project);
	pthread_mutex_lock(&link->mutex);
	if (!link->account && !link->refused.message.n) {
		link->account = link->cloud->open(own, run->environment, &run->cancel, failure);
		if (!link->account)
			keep_refused(run, link, failure);
	}
	if (!link->account) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(link->refused.message));
		failure_hint(failure, "%.*s", STR_ARG(link->refused.hint));
	}
	pthread_mutex_unlock(&link->mutex);
	*cloud = link->cloud;
	/* cppcheck-suppress returnDanglingLifetime ; the account keeps copies */
	return link->account;
}

/* --- before anything is built --- */

static bool
bucket_run(struct run *run, const struct action *action, struct failure *failure)
{
	const struct cloud *cloud;
	void *account = cloud_account(run, NULL, &cloud, failure);
	struct str bucket = str_part(action->name, strlen("s3 "), action->name.n);
	if (!account || !cloud->check(account, bucket, failure)) {
		failure->status = EXIT_STATUS_PROVIDER;
		return run_place_failure(run, action, failure);
	}
	if (failure->message.n)
		event_warning(run->events, failure->hint, "%.*s", STR_ARG(failure->message));
	failure->message = failure->hint = (struct str){NULL, 0};
	return true;
}

const struct action_type action_bucket = {.name = "s3", .section = SECTION_SETUP, .run = bucket_run};

/* Whether an earlier `on` block of the project has the topic already. */
static bool
is_earlier(const struct project *project, uint32_t block, size_t word)
{
	struct str topic = project->ons[block].set.notify.w[word];
	for (uint32_t i = 0; i <= block; i++)
		for (size_t k = 0; k < (i == block ? word : project->ons[i].set.notify.n); k++)
			if (str_eq(project->ons[i].set.notify.w[k], topic))
				return true;
	return false;
}

/* Every address that an `on` block with this topic names, each once. */
static struct words
addresses_of(struct arena *arena, const struct project *project, struct str topic)
{
	struct words all = {NULL, 0};
	size_t most = 0;
	for (uint32_t i = 0; i < project->on_count; i++)
		most += project->ons[i].set.email.n;
	all.w = arena_array(arena, struct str, most);
	for (uint32_t i = 0; i < project->on_count; i++) {
		const struct on_settings *set = &project->ons[i].set;
		bool here = false;
		for (size_t k = 0; k < set->notify.n; k++)
			here |= str_eq(cloud_topic(set->notify.w[k]), topic);
		for (size_t k = 0; here && k < set->email.n; k++)
			if (!words_has(all, set->email.w[k]))
				all.w[all.n++] = set->email.w[k];
	}
	return all;
}

static bool
topic_run(struct run *run, const struct action *action, struct failure *failure)
{
	const struct cloud *cloud;
	void *account = cloud_account(run, NULL, &cloud, failure);
	struct str topic = str_part(action->name, strlen("sns "), action->name.n);
	if (account && cloud->subscribe(account, topic, addresses_of(failure->arena, run->project, topic), failure))
		return true;
	run_place_failure(run, action, failure);
	event_warning(run->events, failure->hint, "%.*s", STR_ARG(failure->message));
	*failure = (struct failure){.arena = failure->arena};
	return true;
}

const struct action_type action_topic = {.name = "sns", .section = SECTION_SETUP, .run = topic_run};

/* --- the plan --- */

/* "in eu-west-1, …", where the region is known. */
static struct str
in_region(struct arena *arena, const struct plan *plan, const char *what)
{
	struct str region = plan->world->region;
	return region.n ? str_printf(arena, "in %.*s, %s", STR_ARG(region), what) : str_from(what);
}

static void
add_bucket(struct arena *arena, struct plan *plan, const struct artifact_line *line, uint32_t *ready, uint32_t *ready_count)
{
	struct str name = str_printf(arena, "s3 %.*s", STR_ARG(cloud_bucket(line->destination)));
	for (uint32_t i = 0; i < plan->count; i++)
		if (str_eq(plan->actions[i].name, name))
			return;
	ready[(*ready_count)++] = plan->count;
	struct action *action = plan_add(arena, plan, &action_bucket, name, NULL, 0);
	action->title = plan_hide(arena, plan, name);
	action->detail = in_region(arena, plan, "looked at first");
	action->span = line->span;
	action->why = STR("artifacts go there");
}

static void
add_topic(struct arena *arena, struct plan *plan, const struct on_block *on, struct str topic)
{
	struct words addresses = addresses_of(arena, plan->project, topic);
	bool given = str_starts(topic, STR("arn:"));
	struct action *action = plan_add(arena, plan, &action_topic, str_printf(arena, "sns %.*s", STR_ARG(topic)), NULL, 0);
	action->title = plan_hide(arena, plan, action->name);
	action->detail = in_region(arena, plan, given ? "used as it is" : "made where it is not there");
	if (addresses.n)
		action->detail = str_printf(
			arena, "%.*s; tells %.*s", STR_ARG(action->detail), STR_ARG(words_join(arena, addresses, STR(" "))));
	action->detail = plan_hide(arena, plan, action->detail);
	action->span = on->span;
	action->why = STR("the file says 'notify'");
}

void
cloud_plan(struct arena *arena, struct plan *plan, uint32_t **ready, uint32_t *ready_count)
{
	const struct project *project = plan->project;
	if (!has_to_do_with_one(project))
		return;
	uint32_t *all = arena_array(arena, uint32_t, *ready_count + project->artifact_count);
	if (*ready_count)
		memcpy(all, *ready, *ready_count * sizeof *all);
	*ready = all;
	for (uint32_t i = 0; i < project->artifact_count; i++)
		if (cloud_is_url(project->artifacts[i].destination))
			add_bucket(arena, plan, &project->artifacts[i], all, ready_count);
	for (uint32_t i = 0; i < project->on_count; i++)
		for (size_t k = 0; k < project->ons[i].set.notify.n; k++)
			if (!is_earlier(project, i, k))
				add_topic(arena, plan, &project->ons[i], cloud_topic(project->ons[i].set.notify.w[k]));
}
