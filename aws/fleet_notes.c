#include "aws/fleet.h"

#include "base/arena.h"
#include "runtime/journal.h"

#define HOUR_MS 3600000

static struct str
dollars(struct arena *arena, int64_t millionths)
{
	return str_printf(arena, "$%.2f", (double)millionths / 1e6);
}

static int64_t
price_for(int64_t price, int64_t ms)
{
	return (int64_t)((double)price * (double)ms / HOUR_MS);
}

/* "2h", "1h30m", "45m", "90s" */
static struct str
duration(struct arena *arena, int64_t ms)
{
	int64_t seconds = (ms + 999) / 1000, minutes = seconds / 60;
	if (seconds < 120)
		return str_printf(arena, "%llds", (long long)seconds);
	if (minutes < 60)
		return str_printf(arena, "%lldm", (long long)minutes);
	if (minutes % 60 == 0)
		return str_printf(arena, "%lldh", (long long)(minutes / 60));
	return str_printf(arena, "%lldh%lldm", (long long)(minutes / 60), (long long)(minutes % 60));
}

/* How long the project's last run took, ms; 0: there has been none. */
static int64_t
last_duration(struct arena *arena, const struct observing *observing, const struct project *project)
{
	struct words runs;
	struct str error;
	struct journal_state journal;
	if (!observing->state || !journal_runs(arena, observing->state, &runs, &error))
		return 0;
	for (size_t i = runs.n; i-- > 0;) {
		if (!journal_ended(observing->state, runs.w[i]) ||
			!journal_read(arena, observing->state, runs.w[i], &journal, &error) || !journal.line_count ||
			!str_eq(journal.project, project->name) || !str_is(journal.provider, "aws"))
			continue;
		return json_integer(journal.lines[journal.line_count - 1], "time", 0) - json_integer(journal.lines[0], "time", 0);
	}
	return 0;
}

/* What the launches' first types cost an hour, all together; -1 where one price is not known. *ends: what all cost until they end themselves. */
static int64_t
price_of(const struct fleet_seen *seen, int64_t *most)
{
	int64_t sum = 0;
	*most = 0;
	for (size_t i = 0; i < seen->launch_count; i++) {
		const struct instances_settings *set = &seen->launches[i].group->set;
		const struct fleet_type *type = seen->launches[i].types[0];
		int64_t each = set->spot ? type->spot_price : type->price;
		if (each < 0)
			return -1;
		sum += each * seen->launches[i].count;
		*most += price_for(each * seen->launches[i].count, set->ttl);
	}
	return sum;
}

static bool
any_spot(const struct fleet_seen *seen)
{
	for (size_t i = 0; i < seen->launch_count; i++)
		if (seen->launches[i].group->set.spot)
			return true;
	return false;
}

static int64_t
longest_ttl(const struct fleet_seen *seen)
{
	int64_t ttl = 0;
	for (size_t i = 0; i < seen->launch_count; i++)
		if (seen->launches[i].group->set.ttl > ttl)
			ttl = seen->launches[i].group->set.ttl;
	return ttl;
}

static void
note_price(struct arena *arena, const struct fleet_seen *seen, int64_t last, struct words *notes, int64_t *price)
{
	int64_t most;
	struct str ttl = duration(arena, longest_ttl(seen));
	const char *spot = any_spot(seen) ? " at the spot price of now" : "";
	*price = price_of(seen, &most);
	if (*price < 0) {
		words_add(arena, notes, str_printf(arena, "the machines end by themselves after %.*s", STR_ARG(ttl)));
		return;
	}
	struct str text = str_printf(arena, "%.*s an hour%s, at most %.*s: the machines end by themselves after %.*s",
		STR_ARG(dollars(arena, *price)), spot, STR_ARG(dollars(arena, most)), STR_ARG(ttl));
	words_add(arena, notes, text);
	if (last > 0)
		words_add(arena, notes,
			str_printf(arena, "the last run took %.*s, which is %.*s", STR_ARG(duration(arena, last)),
				STR_ARG(dollars(arena, price_for(*price, last)))));
}

static void
note_openings(struct arena *arena, const struct project *project, const struct fleet_seen *seen, struct words *notes)
{
	struct str who = seen->ssh.n ? words_join(arena, seen->ssh, STR(", ")) : STR("your own address");
	words_add(arena, notes,
		str_printf(arena, "open: ssh (22) to %.*s; status (80) and distcc (%d) between the machines only", STR_ARG(who),
			(int)project->distcc.port));
}

static void
note_used(struct arena *arena, const struct fleet_seen *seen, struct words *notes)
{
	if (seen->subnet.n && seen->subnet_range.n)
		words_add(arena, notes,
			str_printf(arena, "used as it is, and left: %.*s (%.*s, %lld free addresses) in %.*s",
				STR_ARG(seen->subnet), STR_ARG(seen->subnet_range), (long long)seen->free_addresses,
				STR_ARG(seen->vpc)));
	else if (seen->subnet.n)
		words_add(arena, notes, str_printf(arena, "used as it is, and left: %.*s", STR_ARG(seen->subnet)));
	else if (seen->vpc.n)
		words_add(arena, notes,
			str_printf(arena, "used as it is, and left: %.*s%s%.*s; its main route table must lead out",
				STR_ARG(seen->vpc), seen->vpc_range.n ? ", " : "", STR_ARG(seen->vpc_range)));
}

static void
note_kept(struct arena *arena, const struct fleet_seen *seen, struct words *notes)
{
	char until[25];
	for (size_t i = 0; i < seen->unused.n; i++)
		words_add(arena, notes,
			str_printf(arena, "the fleet of run %.*s is kept but %.*s: it is not used, and removed first",
				STR_ARG(seen->unused.w[i]), STR_ARG(seen->unused_why.w[i])));
	if (!seen->kept)
		return;
	os_timestamp(seen->kept->until, until);
	words_add(arena, notes,
		str_printf(arena, "uses the fleet of run %.*s, which is kept until %.16sZ", STR_ARG(seen->kept->run), until));
	uint32_t gone = 0;
	for (uint32_t i = 0; i < seen->kept->count; i++)
		gone += seen->kept->machines[i].gone.n > 0;
	if (gone)
		words_add(arena, notes,
			str_printf(arena, "%u of its %u machines %s gone: the others do without", gone, seen->kept->count,
				gone == 1 ? "is" : "are"));
}

void
fleet_notes(struct arena *arena, const struct project *project, const struct observing *observing, const struct fleet_seen *seen,
	struct words *notes, int64_t *price)
{
	note_price(arena, seen, last_duration(arena, observing, project), notes, price);
	note_openings(arena, project, seen, notes);
	note_used(arena, seen, notes);
	note_kept(arena, seen, notes);
}
