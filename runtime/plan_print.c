#include "runtime/plan.h"
#include "runtime/provider.h"
#include "runtime/step.h"

#include <string.h>

/* Plans with more steps than this are printed with one line a step. */
#define FULL_STEPS 60
/* Columns: of the first one at most, of a recipe's glimpse at most. */
#define TITLE_LIMIT 28
#define GLIMPSE_LIMIT 60
/* Prerequisites of a step that are named. */
#define NEEDS_LIMIT 6

#define STYLES(X)              \
	X(BOLD, "\033[1m")     \
	X(DIM, "\033[2m")      \
	X(CREATED, "\033[32m") \
	X(REMOVED, "\033[31m") \
	X(PLAIN, "\033[0m")

enum style {
#define X(name, code) STYLE_##name,
	STYLES(X)
#undef X
};

/* One text in the making: for a terminal, or a Markdown table with the same rows. */
struct printer {
	struct arena *arena;
	const struct plan *plan;
	struct buf out;
	size_t width; /* of the first column */
	bool colour;
	bool markdown;
	const char *section; /* that the next row begins; NULL within one */
};

static void
style(struct printer *printer, enum style name)
{
	static const char *const codes[] = {
#define X(name, code) code,
		STYLES(X)
#undef X
	};
	if (printer->colour)
		buf_add_c(&printer->out, codes[name]);
}

/* Text from the file: on one line, without control characters; in Markdown without its marks. */
static void
put(struct printer *printer, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.s[i];
		if (printer->markdown && c && strchr("\\`*_<>[]|~", c))
			buf_add_byte(&printer->out, '\\');
		buf_add_byte(&printer->out, (unsigned char)c < ' ' || c == 127 ? ' ' : c);
	}
}

static void
put_c(struct printer *printer, const char *text)
{
	put(printer, str_from(text));
}

static void
put_number(struct printer *printer, size_t number, const char *noun)
{
	buf_printf(&printer->out, "%zu %s%s", number, noun, number == 1 ? "" : "s");
}

static void
put_spaces(struct printer *printer, size_t count)
{
	while (count--)
		buf_add_byte(&printer->out, ' ');
}

/* --- rows --- */

static void
section_begin(struct printer *printer, enum section section)
{
	printer->section = section_name(section);
	if (printer->markdown)
		return;
	buf_add_byte(&printer->out, '\n');
	style(printer, STYLE_BOLD);
	buf_add_c(&printer->out, printer->section);
	style(printer, STYLE_PLAIN);
	buf_add_byte(&printer->out, '\n');
}

static void
put_mark(struct printer *printer, char mark)
{
	if (mark == ' ' && printer->markdown)
		return;
	if (mark != ' ')
		style(printer, mark == '+' ? STYLE_CREATED : STYLE_REMOVED);
	buf_add_byte(&printer->out, mark);
	if (mark != ' ')
		style(printer, STYLE_PLAIN);
	buf_add_byte(&printer->out, ' ');
}

/* Begins a row: + for what is created, - for what is removed. `verb` may be NULL. */
static void
row_begin(struct printer *printer, char mark, const char *verb, struct str title)
{
	if (printer->markdown)
		buf_printf(&printer->out, "| %s | ", printer->section ? printer->section : "");
	else
		put_spaces(printer, 2);
	printer->section = NULL;
	put_mark(printer, mark);
	size_t columns = utf8_columns(title);
	if (verb) {
		buf_printf(&printer->out, "%s ", verb);
		columns += strlen(verb) + 1;
	}
	put(printer, title);
	if (printer->markdown)
		buf_add_c(&printer->out, " | ");
	else
		put_spaces(printer, 2 + (columns < printer->width ? printer->width - columns : 0));
}

static void
row_end(struct printer *printer)
{
	if (printer->markdown)
		buf_add_c(&printer->out, " |");
	else
		while (printer->out.n && printer->out.s[printer->out.n - 1] == ' ')
			printer->out.n--;
	buf_add_byte(&printer->out, '\n');
}

/* Goes on in the second column, on the next line. */
static void
row_break(struct printer *printer)
{
	if (printer->markdown) {
		buf_add_c(&printer->out, "<br>");
		return;
	}
	row_end(printer);
	put_spaces(printer, 4 + printer->width + 2);
}

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
groups_of(struct printer *printer, enum section section, uint32_t *count)
{
	const struct plan *plan = printer->plan;
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
			groups = arena_grow(printer->arena, groups, *count * sizeof *groups, capacity * sizeof *groups);
		}
		groups[(*count)++] = (struct group){action, 1, action->index, action->index};
	}
	return groups;
}

static void
put_hosts(struct printer *printer, const struct group *group)
{
	const struct planned_host *hosts = printer->plan->world->hosts;
	put(printer, hosts[group->first].name);
	if (group->count == 1)
		return;
	if (group->last - group->first + 1 == group->count) {
		buf_add_c(&printer->out, " .. ");
		put(printer, hosts[group->last].name);
		buf_printf(&printer->out, ", %u hosts", group->count);
	} else {
		buf_printf(&printer->out, " and %u more hosts", group->count - 1);
	}
}

static void
print_group(struct printer *printer, const struct group *group, bool undo)
{
	const struct action *action = group->action;
	char mark = undo ? '-' : action->type->undo_text ? '+' : ' ';
	bool hosts = on_host(printer->plan, action), detail = action->detail.n && !(undo && hosts);
	row_begin(printer, mark, undo ? action->type->undo_text : NULL, action->title);
	if (hosts)
		put_hosts(printer, group);
	if (hosts && detail)
		buf_add_c(&printer->out, ", ");
	if (detail)
		put(printer, action->detail);
	if (detail && group->count > 1)
		buf_add_c(&printer->out, " each");
	row_end(printer);
}

static void
print_groups(struct printer *printer, enum section section)
{
	uint32_t count;
	struct group *groups = groups_of(printer, section, &count);
	if (count)
		section_begin(printer, section);
	for (uint32_t g = 0; g < count; g++)
		print_group(printer, &groups[g], section == SECTION_TEARDOWN);
}

/* --- steps --- */

/* Puts as much of the line as fits into the columns left; true where that is all of it. */
static bool
put_part(struct printer *printer, struct str line, size_t *room)
{
	size_t n = 0;
	while (n < line.n) {
		size_t length = utf8_length(line.s + n, line.n - n);
		size_t columns = utf8_columns(str_part(line, n, n + (length ? length : 1)));
		if (columns > *room)
			break;
		*room -= columns;
		n += length ? length : 1;
	}
	put(printer, str_part(line, 0, n));
	return n == line.n;
}

/* The recipe's lines without comments, joined, as far as they fit. */
static void
put_glimpse(struct printer *printer, struct str recipe)
{
	size_t room = GLIMPSE_LIMIT;
	bool all = true, first = true;
	for (struct str line; all && str_split(&recipe, '\n', &line);) {
		line = str_trim(line);
		if (!line.n || *line.s == '#')
			continue;
		all = (first || put_part(printer, STR("; "), &room)) && put_part(printer, line, &room);
		first = false;
	}
	if (!all)
		buf_add_c(&printer->out, "...");
}

/* "20m", "1h30m", "500ms" */
static void
put_duration(struct printer *printer, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	for (size_t u = 0; u < sizeof units / sizeof *units; ms %= units[u++].ms)
		if (ms >= units[u].ms)
			buf_printf(&printer->out, "%lld%s", (long long)(ms / units[u].ms), units[u].unit);
}

/* Between the notes of a step: opens the parenthesis before the first. */
static void
note_begin(struct printer *printer, size_t *notes)
{
	if ((*notes)++) {
		buf_add_c(&printer->out, "; ");
		return;
	}
	put_spaces(printer, 2);
	style(printer, STYLE_DIM);
	buf_add_byte(&printer->out, '(');
}

static void
put_needs(struct printer *printer, const struct build *build)
{
	buf_add_c(&printer->out, "after ");
	uint32_t named = build->need_count > NEEDS_LIMIT ? NEEDS_LIMIT - 1 : build->need_count;
	for (uint32_t n = 0; n < named; n++) {
		if (n)
			buf_add_c(&printer->out, ", ");
		put(printer, printer->plan->project->builds[build->needs[n]].name);
	}
	if (named < build->need_count)
		buf_printf(&printer->out, " and %u more", build->need_count - named);
}

static void
put_notes(struct printer *printer, const struct build *build)
{
	size_t notes = 0;
	if (build->need_count) {
		note_begin(printer, &notes);
		put_needs(printer, build);
	}
	if (build->set.dir.n && !str_is(build->set.dir, ".")) {
		note_begin(printer, &notes);
		buf_add_c(&printer->out, "in ");
		put(printer, build->set.dir);
	}
	if (build->set.given & GIVEN(build, timeout)) {
		note_begin(printer, &notes);
		buf_add_c(&printer->out, "at most ");
		put_duration(printer, build->set.timeout);
	}
	if (build->calls_verdict && !build->rule_count) {
		note_begin(printer, &notes);
		buf_add_c(&printer->out, "says its verdict itself");
	}
	if (notes) {
		buf_add_byte(&printer->out, ')');
		style(printer, STYLE_PLAIN);
	}
}

static void
print_step(struct printer *printer, const struct action *action)
{
	const struct build *build = &printer->plan->project->builds[action->index];
	row_begin(printer, ' ', NULL, action->title);
	if (build->set.script.n) {
		buf_add_c(&printer->out, "script ");
		put(printer, build->set.script);
	} else {
		put_glimpse(printer, plan_hide(printer->arena, printer->plan, build->recipe));
	}
	put_notes(printer, build);
	for (uint32_t r = 0; printer->plan->step_count <= FULL_STEPS && r < build->rule_count; r++) {
		row_break(printer);
		style(printer, STYLE_DIM);
		put_c(printer, build->rules[r].success ? "build_success when " : "build_failed when ");
		put(printer, build->rules[r].text);
		style(printer, STYLE_PLAIN);
	}
	row_end(printer);
}

static void
print_asked(struct printer *printer, const struct action *action)
{
	static const char *const whens[] = {
		[ACTION_NEEDS] = NULL, [ACTION_SUCCESS] = NULL, [ACTION_FAILED] = "when build_failed", [ACTION_ALWAYS] = "always"};
	row_begin(printer, ' ', NULL, action->title);
	put(printer, action->detail);
	bool said = action->type == &action_follow;
	if (whens[action->when] && !said) {
		put_spaces(printer, 2);
		style(printer, STYLE_DIM);
		put_c(printer, whens[action->when]);
		style(printer, STYLE_PLAIN);
	}
	row_end(printer);
}

static void
print_actions(struct printer *printer, enum section section)
{
	const struct plan *plan = printer->plan;
	bool begun = false;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct action *action = &plan->actions[i];
		if (action->type->section != section)
			continue;
		if (!begun)
			section_begin(printer, section);
		begun = true;
		if (action->type == &action_step)
			print_step(printer, action);
		else
			print_asked(printer, action);
	}
}

/* --- the whole --- */

static size_t
title_width(const struct plan *plan)
{
	size_t width = 0;
	for (uint32_t i = 0; i < plan->count && width < TITLE_LIMIT; i++) {
		const struct action *action = &plan->actions[i];
		size_t columns = utf8_columns(action->title);
		if (action->type->undo_text)
			columns += strlen(action->type->undo_text) + 1;
		if (columns > width)
			width = columns;
	}
	return width < TITLE_LIMIT ? width : TITLE_LIMIT;
}

static void
print_head(struct printer *printer)
{
	const struct plan *plan = printer->plan;
	const struct world *world = plan->world;
	put(printer, plan->project->name);
	buf_printf(&printer->out, " on %s: ", provider_get(plan->project->provider)->name);
	size_t slots = 0;
	for (uint32_t h = 0; h < world->host_count; h++)
		slots += (size_t)world->hosts[h].slots;
	if (world->host_count) {
		put_number(printer, world->host_count, "host");
		buf_add_c(&printer->out, " with ");
		put_number(printer, slots, "slot");
	} else {
		buf_add_c(&printer->out, "this machine only");
	}
	if (world->toolchain.kind.n) {
		buf_add_c(&printer->out, ", ");
		put(printer, world->toolchain.kind);
		buf_add_byte(&printer->out, ' ');
		put(printer, world->toolchain.version);
	}
	if (plan->project->cached)
		buf_add_c(&printer->out, ", ccache");
	buf_printf(&printer->out, ", -j%d", plan->jobs);
}

static void
print_totals(struct printer *printer)
{
	const struct plan *plan = printer->plan;
	if (plan->world->host_count) {
		put_number(printer, plan->world->host_count, "host");
		buf_add_c(&printer->out, ", ");
	}
	put_number(printer, plan->step_count, "step");
	buf_add_c(&printer->out, ", ");
	put_number(printer, plan->artifact_count, "artifact");
	buf_add_c(&printer->out, "; costs nothing");
}

/* What becomes of the fleet where it is not simply removed after the build. */
static void
print_kept(struct printer *printer)
{
	const struct plan_options *options = &printer->plan->options;
	int64_t keep = printer->plan->project->limits.keep;
	if (!options->keep && !options->keep_on_failure && !keep)
		return;
	row_begin(printer, ' ', NULL, STR("the fleet"));
	if (options->keep) {
		put_c(printer, "is kept (--keep) until 'edcc destroy'");
	} else {
		if (keep) {
			put_c(printer, "is kept for ");
			put_duration(printer, keep);
		}
		if (options->keep_on_failure)
			put_c(printer, keep ? "; after a failure (--keep-on-failure) until 'edcc destroy'"
					    : "is kept after a failure (--keep-on-failure) until 'edcc destroy'");
	}
	row_end(printer);
}

static void
print_sections(struct printer *printer)
{
	print_groups(printer, SECTION_FLEET);
	print_groups(printer, SECTION_SETUP);
	print_actions(printer, SECTION_BUILD);
	print_actions(printer, SECTION_ARTIFACTS);
	if (printer->plan->world->host_count && printer->plan->options.keep)
		section_begin(printer, SECTION_TEARDOWN);
	else
		print_groups(printer, SECTION_TEARDOWN);
	if (printer->plan->world->host_count)
		print_kept(printer);
}

struct str
plan_print(struct arena *arena, const struct plan *plan, bool colour)
{
	struct printer printer = {
		.arena = arena, .plan = plan, .out = buf_new(arena), .width = title_width(plan), .colour = colour};
	style(&printer, STYLE_BOLD);
	print_head(&printer);
	style(&printer, STYLE_PLAIN);
	buf_add_byte(&printer.out, '\n');
	print_sections(&printer);
	buf_add_byte(&printer.out, '\n');
	style(&printer, STYLE_BOLD);
	print_totals(&printer);
	style(&printer, STYLE_PLAIN);
	buf_add_byte(&printer.out, '\n');
	return buf_str(&printer.out);
}

struct str
plan_print_markdown(struct arena *arena, const struct plan *plan)
{
	struct printer printer = {.arena = arena, .plan = plan, .out = buf_new(arena), .markdown = true};
	buf_add_c(&printer.out, "### Plan of ");
	print_head(&printer);
	buf_add_c(&printer.out, "\n\n| section | action | what it does |\n|---|---|---|\n");
	print_sections(&printer);
	buf_add_c(&printer.out, "\n**");
	print_totals(&printer);
	buf_add_c(&printer.out, "**\n");
	return buf_str(&printer.out);
}
