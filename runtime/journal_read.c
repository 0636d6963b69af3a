/* Reading journals back: what a run has created and not yet undone. */
#include "runtime/journal.h"
#include "base/arena.h"

#include <stdio.h>
#include <string.h>

/* A journal of this size is of millions of actions. */
#define JOURNAL_SIZE_LIMIT ((size_t)1 << 30)

static void
read_run(struct journal_state *state, const struct json *line)
{
	const struct str none = {0};
	const struct json *owner = json_member(line, "owner");
	state->project = json_text(line, "project", none);
	state->provider = json_text(line, "provider", none);
	struct str host = json_text(owner, "host", none);
	snprintf(state->owner.host, sizeof state->owner.host, "%.*s", STR_ARG(host));
	state->owner.pid = (pid_t)json_integer(owner, "pid", 0);
	state->owner.start = (uint64_t)json_integer(owner, "start", 0);
}

static struct words
read_words(struct arena *arena, const struct json *list)
{
	struct words words = {0};
	if (!list || list->type != JSON_ARRAY)
		return words;
	words.w = arena_array(arena, struct str, list->count);
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->type == JSON_STRING)
			words.w[words.n++] = list->items[i]->string;
	return words;
}

/* What is read so far: every intent in order, found again by name, gone when undone. */
struct reading {
	struct arena *arena;
	struct journal_state *state;
	struct map actions; /* name → struct journal_action * in `all` */
	struct journal_action **all;
	size_t count, capacity;
};

static void
read_intent(struct reading *reading, const struct json *line, struct str name)
{
	struct journal_action *action = arena_new(reading->arena, struct journal_action);
	action->name = name;
	action->type = json_text(line, "type", (struct str){0});
	action->needs = read_words(reading->arena, json_member(line, "needs"));
	action->params = json_member(line, "params");
	if (reading->count == reading->capacity) {
		size_t size = sizeof *reading->all, more = reading->capacity ? reading->capacity * 2 : 16;
		reading->all = arena_grow(reading->arena, reading->all, reading->capacity * size, more * size);
		reading->capacity = more;
	}
	reading->all[reading->count++] = action;
	*map_at(&reading->actions, name) = action;
}

static void
read_kept(struct journal_state *state, const struct json *line)
{
	state->kept = true;
	state->kept_until = json_integer(line, "until", 0);
	state->used_by = (struct str){0};
}

static void
read_used(struct journal_state *state, const struct json *line)
{
	state->kept = false;
	state->used_by = json_text(line, "by", (struct str){0});
}

static void
read_line(struct reading *reading, const struct json *line)
{
	const struct str none = {0};
	struct str record = json_text(line, "record", none), name = json_text(line, "action", none);
	struct journal_action *action = name.n ? map_get(&reading->actions, name) : NULL;
	if (str_is(record, record_name(RECORD_RUN)))
		read_run(reading->state, line);
	else if (str_is(record, record_name(RECORD_INTENT)) && !action)
		read_intent(reading, line, name);
	else if (str_is(record, record_name(RECORD_DONE)) && action)
		action->result = json_member(line, "result");
	else if (str_is(record, record_name(RECORD_UNDONE)) && action)
		*map_at(&reading->actions, name) = NULL;
	else if (str_is(record, record_name(RECORD_KEPT)))
		read_kept(reading->state, line);
	else if (str_is(record, record_name(RECORD_USED)))
		read_used(reading->state, line);
	else if (str_is(record, record_name(RECORD_END)))
		reading->state->ended = true;
}

static void
keep_open(struct reading *reading)
{
	struct journal_state *state = reading->state;
	state->open = arena_array(reading->arena, struct journal_action, reading->count);
	for (size_t i = 0; i < reading->count; i++)
		if (map_get(&reading->actions, reading->all[i]->name) == reading->all[i])
			state->open[state->open_count++] = *reading->all[i];
}

bool
journal_read(struct arena *arena, const char *state_folder, struct str run, struct journal_state *state, struct str *error)
{
	*state = (struct journal_state){.run = run};
	struct reading reading = {.arena = arena, .state = state, .actions = map_new(arena)};
	char *path = str_c(arena, str_printf(arena, "%s/runs/%.*s/journal", state_folder, STR_ARG(run)));
	struct str text, line, problem;
	if (!os_read(arena, path, JOURNAL_SIZE_LIMIT, &text, error))
		return false;
	size_t lines = 0;
	for (const char *at = text.s; at && (at = memchr(at, '\n', (size_t)(text.s + text.n - at))); at++)
		lines++;
	state->lines = arena_array(arena, struct json *, lines);
	/* What follows the last newline is a line that was never finished: what it meant was not done. */
	for (size_t i = 0; i < lines; i++) {
		str_split(&text, '\n', &line);
		struct json *json = json_read(arena, line, &problem);
		if (!json) {
			*error = str_printf(arena, "'%s', line %zu: %.*s", path, i + 1, STR_ARG(problem));
			return false;
		}
		state->lines[state->line_count++] = json;
		read_line(&reading, json);
	}
	keep_open(&reading);
	return true;
}

bool
journal_is_kept(const struct journal_state *state)
{
	return state->kept && !state->ended && (!state->kept_until || os_time_ms() < state->kept_until);
}
