#include "cli/machines.h"
#include "cli/view.h"
#include "runtime/provider.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define USED_AGAIN "; `edcc apply` uses it where it is what the file asks for"

/* A fleet that another run has left on purpose. */
struct kept {
	struct journal_state state;
	struct machines machines;
};

/* A run as its journal tells it. */
struct report {
	struct cli *cli;
	struct journal_state state;
	const char *condition; /* running, ended, kept, used, abandoned */
	struct str uses; /* the run that made the fleet, where that is another */
	struct machines machines; /* of a fleet that is elsewhere */
	struct kept *kept;
	size_t kept_count;
};

/* What is shown of a line of the journal: in `edcc status`, and as members of an object in --json. */
static const struct shown {
	enum record record;
	const char *list; /* in --json */
	const char *name; /* the member that says what it is about */
	const char *texts[3], *numbers[3];
} shown[] = {
	{RECORD_HOST, "hosts", "name", {"address", "state"}, {"slots"}},
	{RECORD_STEP, "steps", "name", {"verdict", "reason"}, {"status", "took"}},
	{RECORD_ARTIFACT, "artifacts", "path", {"sha256"}, {"size"}},
	{RECORD_COMPILES, "compiles", "host", {"why"}, {"number"}},
};

/* Whether the run that has taken the fleet over goes on. */
static bool
is_used(struct cli *cli, const char *folder, const struct journal_state *state)
{
	struct journal_state user;
	struct str error;
	return state->used_by.n && journal_read(&cli->arena, folder, state->used_by, &user, &error) && os_owner_alive(&user.owner);
}

static const char *
condition(struct cli *cli, const char *folder, const struct journal_state *state)
{
	if (state->ended)
		return "ended";
	if (journal_is_kept(state))
		return "kept";
	if (is_used(cli, folder, state))
		return "used";
	return os_owner_alive(&state->owner) ? "running" : "abandoned";
}

static bool
is_condition(const struct report *report, const char *name)
{
	return strcmp(report->condition, name) == 0;
}

/* Nothing of it is left behind as long as somebody is there who removes it. */
static bool
goes_on(const struct report *report)
{
	return is_condition(report, "running") || is_condition(report, "used");
}

/* 127.0.0.10 after 127.0.0.9. */
static int
by_name(const void *a, const void *b)
{
	struct str left = ((const struct map_entry *)a)->key, right = ((const struct map_entry *)b)->key;
	return left.n != right.n ? (left.n > right.n) - (left.n < right.n) : str_compare(left, right);
}

/* The newest line of each name: hosts by name, for they come as they are ready, all else in order; of a step that has not ended the one that it began with. */
static struct map
lines_of(struct report *report, const struct shown *what)
{
	struct map map = map_new(&report->cli->arena);
	const struct str none = {NULL, 0};
	for (size_t i = 0; i < report->state.line_count; i++) {
		struct json *line = report->state.lines[i];
		if (record_is(line, what->record) || (what->record == RECORD_STEP && record_is(line, RECORD_BEGUN)))
			*map_at(&map, json_text(line, what->name, none)) = line;
	}
	if (what->record == RECORD_HOST && map.count)
		qsort(map.entries, map.count, sizeof *map.entries, by_name);
	return map;
}

/* The build's verdict, or NULL. */
static const struct json *
verdict_of(const struct report *report)
{
	const struct json *verdict = NULL;
	for (size_t i = 0; i < report->state.line_count; i++)
		if (record_is(report->state.lines[i], RECORD_VERDICT))
			verdict = report->state.lines[i];
	return verdict;
}

/* "2026-11-22T04:48Z" */
static struct str
moment_text(struct arena *arena, int64_t ms)
{
	char stamp[25];
	os_timestamp(ms, stamp);
	return str_printf(arena, "%.16sZ", stamp);
}

/* How long ago that was, where the run goes on. */
static int64_t
lasts(const struct json *line)
{
	int64_t now = os_time_ms(), began = json_integer(line, "time", now);
	return now > began ? now - began : 0;
}

/* Of a step that has begun, and has no end in the journal. */
static struct str
begun_text(const struct report *report, const struct json *line)
{
	struct arena *arena = &report->cli->arena;
	struct str began = moment_text(arena, json_integer(line, "time", 0));
	if (is_condition(report, "abandoned"))
		return str_printf(arena, "began %.*s; how it went on is not known", STR_ARG(began));
	if (!is_condition(report, "running"))
		return str_printf(arena, "began %.*s and was cut short", STR_ARG(began));
	return str_printf(arena, "running for %.*s, since %.*s", STR_ARG(text_took(arena, lasts(line))), STR_ARG(began));
}

static struct str
row_text(const struct report *report, enum record record, const struct json *line)
{
	struct arena *arena = &report->cli->arena;
	const struct str none = STR("");
	if (record_is(line, RECORD_BEGUN))
		return begun_text(report, line);
	int64_t number = json_integer(line, record == RECORD_HOST ? "slots" : "number", 0);
	const char *plural = number == 1 ? "" : "s";
	struct str reason = json_text(line, "reason", none), why = json_text(line, "why", none);
	switch (record) {
	case RECORD_HOST:
		return str_printf(arena, "%.*s, %" PRId64 " slot%s", STR_ARG(json_text(line, "state", none)), number, plural);
	case RECORD_STEP:
		return str_printf(arena, "%.*s%s%.*s, %.*s", STR_ARG(json_text(line, "verdict", none)), reason.n ? ": " : "",
			STR_ARG(reason), STR_ARG(text_took(arena, json_integer(line, "took", 0))));
	case RECORD_ARTIFACT:
		return text_bytes(arena, json_integer(line, "size", 0));
	default:
		return str_printf(arena, "%" PRId64 "%s%.*s", number, why.n ? ": " : "", STR_ARG(why));
	}
}

static void
put_row(const char *kind, struct str name, struct str text)
{
	printf("%-9s %.*s%s%.*s\n", kind, STR_ARG(name), text.n ? "  " : "", STR_ARG(text));
}

/* A host that was ready in a run that has ended is not so any more. */
static bool
is_past(const struct report *report, const struct json *line)
{
	return report->state.ended && record_is(line, RECORD_HOST) && str_is(json_text(line, "state", STR("")), "ready");
}

static struct str
machine_address(const struct remnant_machine *machine)
{
	return machine->public_address.n ? machine->public_address : machine->private_address;
}

static void
print_machines(struct arena *arena, const struct machines *machines)
{
	for (size_t i = 0; i < machines->count; i++) {
		const struct remnant_machine *machine = &machines->list[i];
		struct str parts[] = {machine->state, machine->type, machine_address(machine), machine->id};
		struct words words = {NULL, 0};
		for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
			if (parts[k].n)
				words_add(arena, &words, parts[k]);
		put_row("machine", machine->name, words_join(arena, words, STR(", ")));
	}
	if (machines->why.n && !machines->known)
		printf("the machines are as the journal has them: the account could not be asked: %.*s\n", STR_ARG(machines->why));
}

/* "until 2026-11-22T04:48Z" */
static struct str
until_text(struct arena *arena, const struct journal_state *state)
{
	if (!state->kept_until)
		return STR("until `edcc destroy`");
	return str_printf(arena, "until %.*s", STR_ARG(moment_text(arena, state->kept_until)));
}

/* Whether a later run may take over what this one has kept. */
static bool
serves_others(const struct report *report, const struct journal_state *state)
{
	const struct provider *provider = provider_named(report->cli->providers, state->provider);
	return provider && provider->keep;
}

static void
print_kept(struct report *report)
{
	struct arena *arena = &report->cli->arena;
	bool serves = false;
	for (size_t i = 0; i < report->kept_count; i++) {
		const struct kept *kept = &report->kept[i];
		put_row("kept", kept->state.run,
			str_printf(arena, "of %.*s on %.*s, %.*s", STR_ARG(kept->state.project), STR_ARG(kept->state.provider),
				STR_ARG(until_text(arena, &kept->state))));
		print_machines(arena, &kept->machines);
		serves = serves || serves_others(report, &kept->state);
	}
	if (report->kept_count)
		printf("`edcc destroy` removes what is kept%s\n", serves ? USED_AGAIN : "");
}

/* What there is to say beyond the word. */
static struct str
condition_text(const struct report *report)
{
	struct arena *arena = &report->cli->arena;
	const struct journal_state *state = &report->state;
	if (journal_is_kept(state))
		return str_printf(arena, " %.*s", STR_ARG(until_text(arena, state)));
	if (is_condition(report, "used"))
		return str_printf(arena, " by run %.*s", STR_ARG(state->used_by));
	if (is_condition(report, "running") && state->line_count)
		return str_printf(arena, " for %.*s", STR_ARG(text_took(arena, lasts(state->lines[0]))));
	return STR("");
}

/* Where nobody is there any more who would say it. */
static void
print_death(struct report *report)
{
	if (!is_condition(report, "abandoned") || report->state.kept)
		return;
	size_t count = os_count_marked(run_mark(&report->cli->arena, report->state.run).s);
	if (count)
		printf("edcc was killed or let go before the teardown; processes of the run are still here: %zu\n", count);
	else
		printf("edcc was killed or let go before the teardown; no process of the run is here any more\n");
}

static void
print_rows(struct report *report)
{
	struct arena *arena = &report->cli->arena;
	const struct journal_state *state = &report->state;
	const struct json *verdict = verdict_of(report);
	bool is_kept = journal_is_kept(state);
	put_row("run", state->run,
		str_printf(arena, "of %.*s on %.*s, %s%.*s", STR_ARG(state->project), STR_ARG(state->provider), report->condition,
			STR_ARG(condition_text(report))));
	if (report->uses.n)
		put_row("uses", report->uses, STR("the fleet that this run had kept"));
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		struct map lines = lines_of(report, &shown[i]);
		for (uint32_t k = 0; k < lines.count; k++)
			if (!is_past(report, lines.entries[k].value))
				put_row(record_name(shown[i].record), lines.entries[k].key,
					row_text(report, shown[i].record, lines.entries[k].value));
	}
	print_machines(arena, &report->machines);
	if (verdict)
		put_row("verdict", json_text(verdict, "verdict", STR("")), json_text(verdict, "reason", STR("")));
	else if (state->ended)
		put_row("verdict", STR("none"), STR("it was interrupted"));
	for (size_t i = 0; i < state->open_count; i++)
		put_row(goes_on(report) ? "made" : "left", state->open[i].name, STR(""));
	print_death(report);
	if ((state->open_count || report->uses.n) && !goes_on(report))
		printf("`edcc destroy` removes what is there%s\n", is_kept && serves_others(report, state) ? USED_AGAIN : "");
	print_kept(report);
}

/* took: so far. */
static void
put_begun(struct json_writer *json, const struct report *report, const struct json *line)
{
	const char *state = is_condition(report, "running")     ? "running"
			    : is_condition(report, "abandoned") ? "abandoned"
								: "interrupted";
	json_put_text(json, "state", str_from(state));
	json_put_integer(json, "began", json_integer(line, "time", 0));
	if (is_condition(report, "running"))
		json_put_integer(json, "took", lasts(line));
}

static void
put_lines(struct json_writer *json, struct report *report, const struct shown *what)
{
	struct map lines = lines_of(report, what);
	json_open_array(json, what->list);
	for (uint32_t i = 0; i < lines.count; i++) {
		const struct json *line = lines.entries[i].value;
		json_open_object(json, NULL);
		json_put_text(json, what->name, lines.entries[i].key);
		if (record_is(line, RECORD_BEGUN))
			put_begun(json, report, line);
		for (size_t k = 0; k < 3 && what->texts[k]; k++)
			if (json_text(line, what->texts[k], STR("")).n)
				json_put_text(json, what->texts[k], json_text(line, what->texts[k], STR("")));
		for (size_t k = 0; k < 3 && what->numbers[k]; k++)
			if (json_member(line, what->numbers[k]))
				json_put_integer(json, what->numbers[k], json_integer(line, what->numbers[k], 0));
		json_close(json);
	}
	json_close(json);
}

static void
put_machines(struct json_writer *json, const struct machines *machines)
{
	json_open_array(json, "machines");
	for (size_t i = 0; i < machines->count; i++) {
		const struct remnant_machine *machine = &machines->list[i];
		const struct {
			const char *name;
			struct str value;
		} members[] = {{"name", machine->name}, {"id", machine->id}, {"state", machine->state}, {"type", machine->type},
			{"zone", machine->zone}, {"private", machine->private_address}, {"public", machine->public_address}};
		json_open_object(json, NULL);
		for (size_t k = 0; k < sizeof members / sizeof *members; k++)
			if (members[k].value.n)
				json_put_text(json, members[k].name, members[k].value);
		json_close(json);
	}
	json_close(json);
	if (machines->why.n && !machines->known)
		json_put_text(json, "unasked", machines->why);
}

static void
put_until(struct json_writer *json, const struct journal_state *state)
{
	char until[25];
	os_timestamp(state->kept_until, until);
	if (state->kept_until)
		json_put_text(json, "until", str_from(until));
}

static void
put_kept(struct json_writer *json, const struct report *report)
{
	json_open_array(json, "kept");
	for (size_t i = 0; i < report->kept_count; i++) {
		const struct kept *kept = &report->kept[i];
		json_open_object(json, NULL);
		json_put_text(json, "run", kept->state.run);
		json_put_text(json, "project", kept->state.project);
		json_put_text(json, "provider", kept->state.provider);
		put_until(json, &kept->state);
		put_machines(json, &kept->machines);
		json_close(json);
	}
	json_close(json);
}

static void
print_json(struct report *report)
{
	const struct journal_state *state = &report->state;
	const struct json *verdict = verdict_of(report);
	struct json_writer *json = json_writer_new(&report->cli->arena, true);
	json_open_object(json, NULL);
	json_put_integer(json, "format", JOURNAL_FORMAT);
	json_put_text(json, "run", state->run);
	json_put_text(json, "project", state->project);
	json_put_text(json, "provider", state->provider);
	json_put_text(json, "state", str_from(report->condition));
	if (state->line_count)
		json_put_integer(json, "began", json_integer(state->lines[0], "time", 0));
	if (journal_is_kept(state))
		put_until(json, state);
	if (is_condition(report, "used"))
		json_put_text(json, "by", state->used_by);
	if (report->uses.n)
		json_put_text(json, "uses", report->uses);
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
		put_lines(json, report, &shown[i]);
	if (report->machines.count || report->machines.why.n)
		put_machines(json, &report->machines);
	if (verdict) {
		json_put_text(json, "verdict", json_text(verdict, "verdict", STR("")));
		if (json_text(verdict, "reason", STR("")).n)
			json_put_text(json, "reason", json_text(verdict, "reason", STR("")));
	}
	json_open_array(json, "there");
	for (size_t i = 0; i < state->open_count; i++)
		json_put_text(json, NULL, state->open[i].name);
	json_close(json);
	if (report->kept_count)
		put_kept(json, report);
	json_close(json);
	cli_print(json_writer_text(json));
}

/* Of the other runs. */
static void
find_kept(struct report *report, const char *folder)
{
	struct cli *cli = report->cli;
	struct words runs;
	struct str error;
	if (cli->flags.run.n || !journal_runs(&cli->arena, folder, &runs, &error))
		return;
	report->kept = arena_array(&cli->arena, struct kept, runs.n);
	for (size_t i = 0; i < runs.n; i++) {
		struct kept *kept = &report->kept[report->kept_count];
		if (str_eq(runs.w[i], report->state.run) || journal_ended(folder, runs.w[i]) ||
			!journal_read(&cli->arena, folder, runs.w[i], &kept->state, &error) || !journal_is_kept(&kept->state))
			continue;
		kept->machines = machines_find(cli, &kept->state);
		report->kept_count++;
	}
}

/* Whose fleet it is: this run's own, or that of the one which it has taken over. */
static struct journal_state
fleet_of(struct report *report, const char *folder)
{
	struct cli *cli = report->cli;
	struct words runs;
	struct str error;
	if (!journal_runs(&cli->arena, folder, &runs, &error))
		return report->state;
	for (size_t i = 0; i < runs.n; i++) {
		struct journal_state other;
		if (journal_ended(folder, runs.w[i]) || !journal_read(&cli->arena, folder, runs.w[i], &other, &error) ||
			!other.used_by.n || !str_eq(other.used_by, report->state.run))
			continue;
		report->uses = other.run;
		return other;
	}
	return report->state;
}

static enum exit_status
status_run(struct cli *cli)
{
	struct report report = {.cli = cli};
	struct str run, error;
	const char *state = cli_state(cli);
	if (!state || !cli_run(cli, state, &run))
		return EXIT_STATUS_USAGE;
	if (!journal_read(&cli->arena, state, run, &report.state, &error)) {
		diag_error(&cli->diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return EXIT_STATUS_USAGE;
	}
	report.condition = condition(cli, state, &report.state);
	struct journal_state fleet = fleet_of(&report, state);
	report.machines = machines_find(cli, &fleet);
	find_kept(&report, state);
	if (cli->flags.json)
		print_json(&report);
	else
		print_rows(&report);
	return EXIT_STATUS_SUCCESS;
}

const struct command command_status = {
	.name = "status",
	.synopsis = "",
	.doc = "print how the run goes, or how the last one went",
	.details = "Hosts, steps, artifacts, compiles, the verdict, what is there to be removed, and fleets that are kept.\n"
		   "The machines of a fleet that is elsewhere are looked up, for a second at most.\n",
	.flags = FLAGS_FILE | FLAG_BIT(json) | FLAG_BIT(run),
	.run = status_run,
};
