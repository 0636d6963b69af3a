/* Fleets that earlier runs of the project have kept: which one is what this run asks for, and what is wrong with the others. */
#include "aws/fleet.h"

#include "base/arena.h"
#include "runtime/journal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A fleet that is about to end is no use. */
#define LEFT_MS 120000
/* What a HOST that is well answers within. */
#define ANSWER_MS 3000

/* --- what a journal says --- */

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

/* NULL where it has none. */
static const struct journal_action *
launch_of(const struct journal_state *journal)
{
	for (size_t i = 0; i < journal->open_count; i++)
		if (str_is(journal->open[i].type, action_instances.name))
			return &journal->open[i];
	return NULL;
}

static struct fleet_kept *
read_kept(struct arena *arena, const char *state, const struct journal_state *journal, const struct json *result)
{
	const struct str none = {NULL, 0};
	const struct json *machines = json_member(result, "machines");
	int64_t ends = json_integer(result, "ends", 0);
	struct fleet_kept *kept = arena_new(arena, struct fleet_kept);
	*kept = (struct fleet_kept){.run = str_dup(arena, journal->run), .ends = ends};
	kept->until = journal->kept_until && journal->kept_until < ends ? journal->kept_until : ends;
	kept->host_key = json_text(result, "host_key", none);
	kept->key = str_printf(arena, "%s/runs/%.*s/fleet/key", state, STR_ARG(journal->run));
	kept->things = things_of(arena, journal);
	kept->count = machines && machines->type == JSON_ARRAY ? (uint32_t)machines->count : 0;
	kept->machines = arena_array(arena, struct fleet_machine, kept->count + 1);
	for (uint32_t i = 0; i < kept->count; i++)
		kept->machines[i] = (struct fleet_machine){json_text(machines->items[i], "id", none),
			json_text(machines->items[i], "private", none), json_text(machines->items[i], "public", none),
			json_text(machines->items[i], "gone", none)};
	return kept;
}

/* The first of what it has that is not asked for. */
static struct str
difference(struct arena *arena, const struct json *result, const struct fleet_seen *seen)
{
	const struct json *traits = json_member(result, "traits");
	for (size_t i = 0; traits && traits->type == JSON_ARRAY && i < traits->count && i < seen->traits.n; i++)
		if (!str_eq(traits->items[i]->string, seen->traits.w[i]))
			return str_printf(arena, "has %.*s", STR_ARG(traits->items[i]->string));
	return STR("was made with other settings");
}

/* Why a kept fleet is not what is asked for; none where it is. */
static struct str
unfit(struct arena *arena, const struct journal_action *launch, const struct fleet_kept *kept, const struct fleet_seen *seen)
{
	const struct str none = {NULL, 0};
	struct str region = json_text(launch->params, "region", none);
	if (!str_eq(region, seen->region))
		return str_printf(arena, "is in %.*s", STR_ARG(region));
	if (!str_eq(json_text(launch->result, "digest", none), seen->digest))
		return difference(arena, launch->result, seen);
	if (kept->until < os_time_ms() + LEFT_MS)
		return STR("is about to end");
	if (!kept->host_key.n || !os_is_file(kept->key.s))
		return STR("lets nobody in: its key is not here");
	return none;
}

/* --- choosing --- */

static void
leave(struct arena *arena, struct fleet_seen *seen, struct str run, struct str why)
{
	words_add(arena, &seen->unused, run);
	words_add(arena, &seen->unused_why, why);
}

void
fleet_leave_kept(struct arena *arena, struct fleet_seen *seen, struct str why)
{
	leave(arena, seen, seen->kept->run, why);
	seen->kept = NULL;
}

void
fleet_find_kept(struct arena *arena, const struct observing *observing, const struct project *project, struct fleet_seen *seen)
{
	struct words runs;
	struct str error;
	if (!observing->state || !journal_runs(arena, observing->state, &runs, &error))
		return;
	for (size_t i = runs.n; i-- > 0;) {
		struct journal_state journal;
		if (journal_ended(observing->state, runs.w[i]) ||
			!journal_read(arena, observing->state, runs.w[i], &journal, &error) || !journal_is_kept(&journal) ||
			!str_eq(journal.project, project->name) || !launch_of(&journal))
			continue;
		const struct journal_action *launch = launch_of(&journal);
		struct fleet_kept *kept = read_kept(arena, observing->state, &journal, launch->result);
		struct str why = unfit(arena, launch, kept, seen);
		if (!why.n && seen->kept)
			why = STR("is one more");
		if (why.n)
			leave(arena, seen, kept->run, why);
		else
			seen->kept = kept;
	}
}

/* --- whether it answers --- */

bool
fleet_host_answers(struct str address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(22)};
	char text[INET_ADDRSTRLEN] = "", banner[4];
	if (address.n >= sizeof text)
		return false;
	memcpy(text, address.s, address.n);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	/* The server speaks first; a machine that hangs accepts and says nothing. */
	bool answers = fd >= 0 && inet_pton(AF_INET, text, &to.sin_addr) == 1;
	if (answers)
		connect(fd, (const struct sockaddr *)&to, sizeof to);
	answers = answers && poll(&wait, 1, ANSWER_MS) == 1 && recv(fd, banner, sizeof banner, 0) == (ssize_t)sizeof banner &&
		  memcmp(banner, "SSH-", sizeof banner) == 0;
	if (fd >= 0)
		close(fd);
	return answers;
}
