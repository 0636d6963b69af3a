#include "base/json.h"
#include "base/os.h"
#include "cli/view.h"
#include "runtime/plan.h"

#include <string.h>

/* Of the objects, and of what their members mean: doc/events.md. Raised when a member changes its meaning or goes away. */
#define EVENTS_FORMAT 1

/* What the fields of each kind of event are called in its object; NULL: it has no such field. */
static const struct {
	const char *name, *text, *hint, *number, *total, *took;
	bool section;
} members[] = {
	[EVENT_RUN] = {.name = "run", .text = "project", .total = "steps"},
	[EVENT_ACTION] = {.name = "action", .section = true},
	[EVENT_DONE] = {.name = "action", .text = "result", .took = "took"},
	[EVENT_FAILED] = {.name = "action", .text = "message", .hint = "hint", .took = "took"},
	[EVENT_SKIPPED] = {.name = "action", .text = "reason"},
	[EVENT_OUTPUT] = {.name = "step", .text = "text"},
	[EVENT_HOST] = {.name = "host", .text = "state", .hint = "reason", .total = "slots"},
	[EVENT_SLOTS] = {.name = "host", .number = "jobs", .total = "slots", .text = "files"},
	[EVENT_NOTE] = {.text = "message"},
	[EVENT_WARNING] = {.text = "message", .hint = "hint"},
	[EVENT_VERDICT] = {.name = "step", .text = "verdict", .hint = "reason"},
	[EVENT_PROGRESS] = {.name = "path", .number = "bytes", .total = "total"},
	[EVENT_ARTIFACT] = {.name = "path", .text = "sha256", .number = "bytes"},
	[EVENT_TEARDOWN] = {.name = "run", .number = "things"},
	[EVENT_UNDONE] = {.name = "action", .took = "took"},
	[EVENT_COMPILES] = {.name = "host", .number = "compiles", .text = "reasons", .hint = "others"},
	[EVENT_END] = {.number = "status", .text = "message", .took = "took"},
};

struct json_view {
	struct view view;
	struct view_options options;
	bool begun, broken;
	struct arena scratch;
};

static void
put_text(struct json_writer *json, const char *member, struct str text)
{
	if (member && text.n)
		json_put_text(json, member, text);
}

static void
put_number(struct json_writer *json, const char *member, int64_t number)
{
	if (member)
		json_put_integer(json, member, number);
}

static struct str
event_object(struct json_view *view, const struct event *event)
{
	struct json_writer *json = json_writer_new(&view->scratch, false);
	char time[25];
	os_timestamp(event->time, time);
	json_open_object(json, NULL);
	json_put_text(json, "event", str_from(event_name(event->kind)));
	json_put_text(json, "time", str_from(time));
	if (!view->begun)
		json_put_integer(json, "format", EVENTS_FORMAT);
	view->begun = true;
	put_text(json, members[event->kind].name, event->name);
	if (members[event->kind].section)
		json_put_text(json, "section", str_from(section_name((enum section)event->section)));
	put_text(json, members[event->kind].text, event->text);
	put_text(json, members[event->kind].hint, event->hint);
	put_number(json, members[event->kind].number, event->number);
	put_number(json, members[event->kind].total, event->total);
	put_number(json, members[event->kind].took, event->took);
	json_close(json);
	return json_writer_text(json);
}

static void
json_take(struct view *base, const struct event *event)
{
	struct json_view *view = (struct json_view *)base;
	struct arena_mark mark = arena_mark(&view->scratch);
	struct buf line = buf_new(&view->scratch);
	buf_add(&line, str_trim(event_object(view, event)));
	buf_add_byte(&line, '\n');
	if (!view->broken)
		view->broken = !view_write(&view->options, buf_str(&line));
	arena_reset(&view->scratch, mark);
}

static void
json_close_view(struct view *base)
{
	(void)base;
}

struct view *
view_json_new(struct arena *arena, const struct view_options *options)
{
	struct json_view *view = arena_new(arena, struct json_view);
	view->view = (struct view){.take = json_take, .close = json_close_view};
	view->options = *options;
	return &view->view;
}
