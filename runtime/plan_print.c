#include "runtime/plan_rows.h"
#include "runtime/provider.h"
#include "runtime/step.h"

#include <string.h>

/* Plans with more steps than this are printed with one line a step. */
#define FULL_STEPS 60
/* Columns: of the first one at most, of a recipe's glimpse at most. */
#define TITLE_LIMIT 24
#define GLIMPSE_LIMIT 60
/* Prerequisites of a step that are named. */
#define NEEDS_LIMIT 6
/* Hosts with names of their own that are named. */
#define NAMED_HOSTS 6

/* --- the fleet, set-up and teardown: what is done alike on several hosts is one row --- */

struct group {
	const struct action *action; /* the first of them in the plan's order */
	uint32_t count;
	uint32_t first, last; /* hosts */
};

static bool
on_host(const struct plan *plan, const struct action *action)
{
	return (action->type->section == SECTION_FLEET || action->type->section == SECTION_SETUP) &&
	       action->index < plan->world->host_count;
}

static bool
groups_take(const struct plan *plan, struct group *groups, uint32_t count, const struct action *action)
{
	if (!on_host(plan, action))
		return false;
	for (uint32_t g = 0; g < count; g++) {
		struct group *group = &groups[g];
		if (group->action->type != action->type || !on_host(plan, group->action) ||
			!str_eq(group->action->title, action->title) || !str_eq(group->action->detail, action->detail))
			continue;
		group->count++;
		if (action->index < group->first)
			group->first = action->index;
		if (action->index > group->last)
			group->last = action->index;
		return true;
	}
	return false;
}

/* The groups of one section's actions, in order; with SECTION_TEARDOWN those of all that must be undone, the last first. */
static struct group *
groups_of(struct rows *rows, enum section section, uint32_t *count)
{
	const struct plan *plan = rows->plan;
	bool backwards = section == SECTION_TEARDOWN;
	struct group *groups = NULL;
	uint32_t capacity = 0;
	*count = 0;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct action *action = &plan->actions[backwards ? plan->count - 1 - i : i];
		if (backwards ? !action->type->undo_text : action->type->section != section)
			continue;
		if (groups_take(plan, groups, *count, action))
			continue;
		if (*count == capacity) {
			capacity = capacity ? capacity * 2 : 8;
			groups = arena_grow(rows->arena, groups, *count * sizeof *groups, capacity * sizeof *groups);
		}
		groups[(*count)++] = (struct group){action, 1, action->index, action->index};
	}
	return groups;
}

static void
put_hosts(struct rows *rows, const struct group *group)
{
	const struct planned_host *hosts = rows->plan->world->hosts;
	bool all = group->last - group->first + 1 == group->count;
	rows_put(rows, hosts[group->first].name);
	if (group->count == 1)
		return;
	/* Names that somebody has given are no series. */
	if (all && hosts[group->first].address.n && group->count <= NAMED_HOSTS) {
		for (uint32_t i = group->first + 1; i <= group->last; i++) {
			buf_add_byte(&rows->out, ' ');
			rows_put(rows, hosts[i].name);
		}
	} else if (all && !hosts[group->first].address.n) {
		buf_add_c(&rows->out, " .. ");
		rows_put(rows, hosts[group->last].name);
		buf_printf(&rows->out, ", %u hosts", group->count);
	} else {
		buf_printf(&rows->out, " and %u more hosts", group->count - 1);
	}
}

static void
print_group(struct rows *rows, const struct group *group, bool undo)
{
	const struct action *action = group->action;
	char mark = undo ? '-' : action->type->undo_text ? '+' : ' ';
	bool hosts = on_host(rows->plan, action), detail = action->detail.n && !(undo && hosts);
	rows_begin(rows, mark, undo ? action->type->undo_text : NULL, action->title);
	if (hosts)
		put_hosts(rows, group);
	if (hosts && detail)
		buf_add_c(&rows->out, ", ");
	if (detail)
		rows_put(rows, action->detail);
	/* "2 slots each", but "compared with ours". */
	if (detail && group->count > 1 && *action->detail.s >= '0' && *action->detail.s <= '9')
		buf_add_c(&rows->out, " each");
	rows_end(rows);
}

static void
print_groups(struct rows *rows, enum section section)
{
	uint32_t count;
	struct group *groups = groups_of(rows, section, &count);
	if (count)
		rows_section(rows, section);
	for (uint32_t g = 0; g < count; g++)
		print_group(rows, &groups[g], section == SECTION_TEARDOWN);
}

/* --- steps --- */

/* Puts as much of the line as fits into the columns left; true where that is all of it. */
static bool
put_part(struct rows *rows, struct str line, size_t *room)
{
	size_t n = 0;
	while (n < line.n) {
		size_t length = 1, columns = 1;
		if ((unsigned char)line.s[n] >= 0x80) {
			length = utf8_length(line.s + n, line.n - n);
			length += !length;
			columns = utf8_columns(str_part(line, n, n + length));
		}
		if (columns > *room)
			break;
		*room -= columns;
		n += length;
	}
	rows_put(rows, str_part(line, 0, n));
	return n == line.n;
}

/* What bash would read the end of such a line as, before the next one. */
static struct str
gap_after(struct str line)
{
	static const char *const open[] = {"{", "(", "|", "&", "\\", "then", "else", "do"};
	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		if (str_ends(line, str_from(open[i])))
			return STR(" ");
	return STR("; ");
}

/* The recipe's lines without comments, joined, as far as they fit. */
static void
put_glimpse(struct rows *rows, struct str recipe)
{
	size_t room = GLIMPSE_LIMIT;
	bool all = true;
	struct str gap = STR("");
	for (struct str line; all && str_split(&recipe, '\n', &line);) {
		line = str_trim(line);
		if (!line.n || *line.s == '#')
			continue;
		all = put_part(rows, gap, &room) && put_part(rows, line, &room);
		gap = gap_after(line);
	}
	if (!all)
		buf_add_c(&rows->out, "...");
}

/* "20m", "1h30m", "500ms" */
static void
put_duration(struct rows *rows, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	for (size_t u = 0; u < sizeof units / sizeof *units; ms %= units[u++].ms)
		if (ms >= units[u].ms)
			buf_printf(&rows->out, "%lld%s", (long long)(ms / units[u].ms), units[u].unit);
}

/* Between the notes of a step: opens the parenthesis before the first. */
static void
note_begin(struct rows *rows, size_t *notes)
{
	if ((*notes)++) {
		buf_add_c(&rows->out, "; ");
		return;
	}
	buf_add_c(&rows->out, "  ");
	rows_style(rows, STYLE_DIM);
	buf_add_byte(&rows->out, '(');
}

static void
put_needs(struct rows *rows, const struct build *build)
{
	buf_add_c(&rows->out, "after ");
	uint32_t named = build->need_count > NEEDS_LIMIT ? NEEDS_LIMIT - 1 : build->need_count;
	for (uint32_t n = 0; n < named; n++) {
		if (n)
			buf_add_c(&rows->out, ", ");
		rows_put(rows, rows->plan->project->builds[build->needs[n]].name);
	}
	if (named < build->need_count)
		buf_printf(&rows->out, " and %u more", build->need_count - named);
}

static void
put_notes(struct rows *rows, const struct build *build)
{
	size_t notes = 0;
	if (build->need_count) {
		note_begin(rows, &notes);
		put_needs(rows, build);
	}
	if (build->set.dir.n && !str_is(build->set.dir, ".")) {
		note_begin(rows, &notes);
		buf_add_c(&rows->out, "in ");
		rows_put(rows, plan_hide(rows->arena, rows->plan, build->set.dir));
	}
	if (build->set.given & GIVEN(build, timeout)) {
		note_begin(rows, &notes);
		buf_add_c(&rows->out, "at most ");
		put_duration(rows, build->set.timeout);
	}
	if (build->calls_verdict && !build->rule_count) {
		note_begin(rows, &notes);
		buf_add_c(&rows->out, "says its verdict itself");
	}
	if (notes) {
		buf_add_byte(&rows->out, ')');
		rows_style(rows, STYLE_PLAIN);
	}
}

static void
print_step(struct rows *rows, const struct action *action)
{
	const struct build *build = &rows->plan->project->builds[action->index];
	rows_begin(rows, ' ', NULL, action->title);
	if (build->set.script.n) {
		buf_add_c(&rows->out, "script ");
		rows_put(rows, action->detail);
	} else {
		put_glimpse(rows, plan_hide(rows->arena, rows->plan, build->recipe));
	}
	put_notes(rows, build);
	for (uint32_t r = 0; rows->plan->step_count <= FULL_STEPS && r < build->rule_count; r++) {
		rows_break(rows);
		rows_style(rows, STYLE_DIM);
		rows_put_c(rows, build->rules[r].success ? "build_success when " : "build_failed when ");
		rows_put(rows, plan_hide(rows->arena, rows->plan, build->rules[r].text));
		rows_style(rows, STYLE_PLAIN);
	}
	rows_end(rows);
}

static void
print_asked(struct rows *rows, const struct action *action)
{
	static const char *const whens[] = {
		[ACTION_NEEDS] = NULL, [ACTION_SUCCESS] = NULL, [ACTION_FAILED] = "when build_failed", [ACTION_ALWAYS] = "always"};
	rows_begin(rows, ' ', NULL, action->title);
	rows_put(rows, action->detail);
	bool said = action->type == &action_follow;
	if (whens[action->when] && !said) {
		buf_add_c(&rows->out, "  ");
		rows_style(rows, STYLE_DIM);
		rows_put_c(rows, whens[action->when]);
		rows_style(rows, STYLE_PLAIN);
	}
	rows_end(rows);
}

static void
print_actions(struct rows *rows, enum section section)
{
	const struct plan *plan = rows->plan;
	bool begun = false;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct action *action = &plan->actions[i];
		if (action_section(action) != section)
			continue;
		if (!begun)
			rows_section(rows, section);
		begun = true;
		if (action->type == &action_step)
			print_step(rows, action);
		else
			print_asked(rows, action);
	}
}

/* --- the whole --- */

/* The widest first column; one that is far wider than others are is let stand out. */
static size_t
title_width(const struct plan *plan)
{
	size_t width = 0;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct action *action = &plan->actions[i];
		size_t columns = utf8_columns(action->title);
		if (action->type->undo_text)
			columns += strlen(action->type->undo_text) + 1;
		if (columns > width && columns <= TITLE_LIMIT)
			width = columns;
	}
	return width;
}

static void
print_head(struct rows *rows)
{
	const struct plan *plan = rows->plan;
	const struct world *world = plan->world;
	rows_put(rows, plan_hide(rows->arena, plan, plan->project->name));
	buf_printf(&rows->out, " on %s: ", plan->world->provider->name);
	size_t slots = 0;
	for (uint32_t h = 0; h < world->host_count; h++)
		slots += (size_t)world->hosts[h].slots;
	if (world->host_count) {
		rows_put_number(rows, world->host_count, "host");
		buf_add_c(&rows->out, " with ");
		rows_put_number(rows, slots, "slot");
	} else {
		buf_add_c(&rows->out, "this machine only");
	}
	if (world->toolchain.version.n) {
		buf_add_c(&rows->out, ", ");
		rows_put(rows, world->toolchain.kind);
		buf_add_byte(&rows->out, ' ');
		rows_put(rows, world->toolchain.version);
		if (plan->project->compiler_set.target.n)
			buf_printf(&rows->out, " for %.*s", STR_ARG(plan->project->compiler_set.target));
	}
	if (plan->project->cached)
		buf_add_c(&rows->out, ", ccache");
	buf_printf(&rows->out, ", -j%d", plan->jobs);
}

static void
print_note(struct rows *rows, struct str note)
{
	buf_add_c(&rows->out, rows->markdown ? "- " : "  ");
	rows_put(rows, plan_hide(rows->arena, rows->plan, note));
	buf_add_byte(&rows->out, '\n');
}

/* What is worth knowing before it costs something; true where there is anything. */
static bool
print_notes(struct rows *rows)
{
	const struct words *notes = &rows->plan->world->notes;
	struct str jobs = capacity_say(rows->arena, rows->plan);
	if (jobs.n)
		print_note(rows, jobs);
	for (size_t i = 0; i < notes->n; i++)
		print_note(rows, notes->w[i]);
	return jobs.n || notes->n;
}

static void
print_price(struct rows *rows)
{
	const struct world *world = rows->plan->world;
	if (!world->costs)
		buf_add_c(&rows->out, "; costs nothing");
	else if (world->price < 0)
		buf_add_c(&rows->out, "; costs money, how much is not known");
	else
		buf_printf(&rows->out, "; costs $%.2f an hour", (double)world->price / 1e6);
}

static void
print_totals(struct rows *rows)
{
	const struct plan *plan = rows->plan;
	if (plan->world->host_count) {
		rows_put_number(rows, plan->world->host_count, "host");
		buf_add_c(&rows->out, ", ");
	}
	rows_put_number(rows, plan->step_count, "step");
	buf_add_c(&rows->out, ", ");
	rows_put_number(rows, plan->artifact_count, "artifact");
	print_price(rows);
}

/* What the fleet outlives the build for; NULL where it is removed. */
static const char *
kept_by(const struct plan *plan)
{
	if (plan->options.keep)
		return "--keep";
	return plan->project->limits.keep > 0 ? "limits: keep" : NULL;
}

/* Where machines end by themselves they are kept for a time. */
static void
print_kept(struct rows *rows, const char *by)
{
	int64_t minutes = rows->plan->project->limits.keep / 60000;
	if (rows->plan->world->provider->keep && minutes > 0)
		buf_printf(&rows->out, "is kept (%s) for %lld min, or until 'edcc destroy'", by, (long long)minutes);
	else
		buf_printf(&rows->out, "is kept (%s) until 'edcc destroy'", by);
}

/* How all is undone, or that the fleet is kept. */
static void
print_teardown(struct rows *rows)
{
	const struct plan *plan = rows->plan;
	bool has_fleet = plan->world->host_count && !plan->world->provider->makes_none;
	const char *by = has_fleet ? kept_by(plan) : NULL;
	if (by)
		rows_section(rows, SECTION_TEARDOWN);
	else
		print_groups(rows, SECTION_TEARDOWN);
	if (!by && !(has_fleet && plan->options.keep_on_failure))
		return;
	rows_begin(rows, ' ', NULL, STR("the fleet"));
	if (by)
		print_kept(rows, by);
	else
		rows_put_c(rows, "is kept after a failure (--keep-on-failure) until 'edcc destroy'");
	rows_end(rows);
}

static void
print_sections(struct rows *rows)
{
	print_groups(rows, SECTION_FLEET);
	print_groups(rows, SECTION_SETUP);
	print_actions(rows, SECTION_BUILD);
	print_actions(rows, SECTION_ARTIFACTS);
	print_teardown(rows);
}

struct str
plan_print(struct arena *arena, const struct plan *plan, bool colour)
{
	struct rows rows = {.arena = arena, .plan = plan, .out = buf_new(arena), .width = title_width(plan), .colour = colour};
	rows_style(&rows, STYLE_BOLD);
	print_head(&rows);
	rows_style(&rows, STYLE_PLAIN);
	buf_add_byte(&rows.out, '\n');
	print_notes(&rows);
	print_sections(&rows);
	buf_add_byte(&rows.out, '\n');
	rows_style(&rows, STYLE_BOLD);
	print_totals(&rows);
	rows_style(&rows, STYLE_PLAIN);
	buf_add_byte(&rows.out, '\n');
	return buf_str(&rows.out);
}

struct str
plan_print_markdown(struct arena *arena, const struct plan *plan)
{
	struct rows rows = {.arena = arena, .plan = plan, .out = buf_new(arena), .markdown = true};
	buf_add_c(&rows.out, "### Plan of ");
	print_head(&rows);
	buf_add_c(&rows.out, "\n\n");
	if (print_notes(&rows))
		buf_add_byte(&rows.out, '\n');
	buf_add_c(&rows.out, "| section | action | what it does |\n|---|---|---|\n");
	print_sections(&rows);
	buf_add_c(&rows.out, "\n**");
	print_totals(&rows);
	buf_add_c(&rows.out, "**\n");
	return buf_str(&rows.out);
}
