#include "aws/fleet.h"

#include "base/arena.h"
#include "remote/remote.h"
#include "runtime/journal.h"

/* A fleet that is about to end is no use. */
#define LEFT_MS 120000

/* --- finding one --- */

/* Every id that the journal's open actions have; each is something that a tag can be set on. */
static struct words
things_of(struct arena *arena, const struct journal_state *journal)
{
	struct words things = {NULL, 0};
	for (size_t i = 0; i < journal->open_count; i++) {
		const struct json *result = journal->open[i].result, *ids = json_member(result, "ids");
		struct str id = json_text(result, "id", (struct str){NULL, 0});
		if (id.n)
			words_add(arena, &things, id);
		for (size_t k = 0; ids && ids->type == JSON_ARRAY && k < ids->count; k++)
			words_add(arena, &things, ids->items[k]->string);
	}
	return things;
}

static const struct json *
machines_of(const struct journal_state *journal)
{
	for (size_t i = 0; i < journal->open_count; i++)
		if (str_is(journal->open[i].type, action_instances.name))
			return journal->open[i].result;
	return NULL;
}

/* The fleet that the journal tells of, where it is the one that is asked for. */
static struct fleet_kept *
read_kept(
	struct arena *arena, const char *state, const struct journal_state *journal, const struct fleet_seen *seen, uint32_t count)
{
	const struct str none = {NULL, 0};
	const struct json *result = machines_of(journal), *machines = json_member(result, "machines");
	int64_t now = os_time_ms(), ends = json_integer(result, "ends", 0);
	int64_t until = journal->kept_until && journal->kept_until < ends ? journal->kept_until : ends;
	struct str host_key = json_text(result, "host_key", none);
	if (!result || until < now + LEFT_MS || !host_key.n || !str_eq(json_text(result, "digest", none), seen->digest) ||
		!machines || machines->type != JSON_ARRAY || machines->count != count)
		return NULL;
	struct fleet_kept *kept = arena_new(arena, struct fleet_kept);
	*kept = (struct fleet_kept){.run = str_dup(arena, journal->run), .until = until, .ends = ends, .host_key = host_key};
	kept->key = str_printf(arena, "%s/runs/%.*s/fleet/key", state, STR_ARG(journal->run));
	kept->things = things_of(arena, journal);
	kept->machines = arena_array(arena, struct fleet_machine, count);
	for (uint32_t i = 0; i < count; i++)
		kept->machines[i] = (struct fleet_machine){json_text(machines->items[i], "id", none),
			json_text(machines->items[i], "private", none), json_text(machines->items[i], "public", none),
			json_text(machines->items[i], "gone", none)};
	return os_is_file(kept->key.s) ? kept : NULL;
}

/* Where the run made it: the intent of the machines says. */
static bool
is_there(const struct journal_state *journal, const struct fleet_seen *seen)
{
	for (size_t i = 0; i < journal->open_count; i++)
		if (str_is(journal->open[i].type, action_instances.name))
			return str_eq(json_text(journal->open[i].params, "region", STR("")), seen->region);
	return false;
}

struct fleet_kept *
fleet_find_kept(
	struct arena *arena, const struct observing *observing, const struct project *project, const struct fleet_seen *seen)
{
	struct words runs;
	struct str error;
	const struct fleet_launch *last = &seen->launches[seen->launch_count - 1];
	if (!observing->state || !journal_runs(arena, observing->state, &runs, &error))
		return NULL;
	for (size_t i = runs.n; i-- > 0;) {
		struct journal_state journal;
		if (journal_ended(observing->state, runs.w[i]) ||
			!journal_read(arena, observing->state, runs.w[i], &journal, &error) || !journal_is_kept(&journal) ||
			!str_eq(journal.project, project->name) || !is_there(&journal, seen))
			continue;
		struct fleet_kept *kept = read_kept(arena, observing->state, &journal, seen, last->first + last->count);
		if (kept)
			return kept;
	}
	return NULL;
}

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

/* So that whoever looks at the account knows it, also from another machine. */
static bool
set_tags(struct run *run, struct aws *aws, struct arena *arena, int64_t until, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	const struct fleet_kept *kept = fleet->seen.kept;
	struct words things = kept ? kept->things : own_things(arena, fleet), host = {&fleet->machines[0].id, 1};
	const struct {
		struct words things;
		enum ec2_tag tag;
		struct str value;
	} tags[] = {
		{things, EC2_TAG_EXPIRES, str_printf(arena, "%lld", (long long)(until / 1000))},
		{things, EC2_TAG_KEPT, STR("yes")},
		{host, EC2_TAG_HOST_KEY, fleet->host_key},
	};
	struct aws_error error;
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (!ec2_set_tag(aws, arena, tags[i].things, ec2_tag_key(tags[i].tag), tags[i].value, &error))
			return fleet_fail(aws, &error, failure, "cannot tag the fleet with the time until which it is kept");
	return true;
}

void
fleet_use_kept(struct run *run)
{
	const struct fleet *fleet = fleet_of(run);
	struct arena arena = {NULL};
	struct failure failure = {.arena = &arena};
	struct aws_error error;
	struct aws *aws = fleet_aws(run, NULL, &failure);
	struct str ends = str_printf(&arena, "%lld", (long long)(fleet->ends / 1000));
	if (aws && !ec2_set_tag(aws, &arena, fleet->seen.kept->things, ec2_tag_key(EC2_TAG_EXPIRES), ends, &error))
		fleet_fail(aws, &error, &failure, "cannot tag the fleet as used");
	if (failure.message.n)
		event_warning(run->events, STR("`edcc gc` elsewhere may take it for over when the time it was kept for is"), "%.*s",
			STR_ARG(failure.message));
	arena_free(&arena);
}

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
	bool done = aws && remote_keep(run->remote, until - now, failure) && set_tags(run, aws, &arena, until, failure);
	arena_free(&arena);
	return done;
}
