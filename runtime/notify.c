/* notify: an `on` block's notifications: one message for each topic, made of what the journal has. */
#include "runtime/cloud.h"
#include "runtime/step.h"

#include "base/arena.h"

#include <inttypes.h>

struct letter {
	struct buf steps, artifacts, compiles;
	struct str verdict, reason;
	int64_t began, ended; /* ms since 1970 */
};

static void
read_line(struct letter *letter, const struct json *line)
{
	const struct str none = {NULL, 0};
	struct str record = json_text(line, "record", none), verdict = json_text(line, "verdict", none);
	int64_t took = json_integer(line, "took", 0);
	letter->ended = json_integer(line, "time", letter->ended);
	if (str_is(record, record_name(RECORD_RUN))) {
		letter->began = letter->ended;
	} else if (str_is(record, record_name(RECORD_STEP))) {
		struct str name = json_text(line, "name", none), reason = json_text(line, "reason", none);
		buf_printf(&letter->steps, "  %.*s: %.*s", STR_ARG(name), STR_ARG(verdict));
		if (reason.n)
			buf_printf(&letter->steps, ", %.*s", STR_ARG(reason));
		buf_printf(&letter->steps, " (%.1f s)\n", (double)took / 1000);
	} else if (str_is(record, record_name(RECORD_ARTIFACT))) {
		buf_printf(&letter->artifacts, "  %.*s, %" PRId64 " bytes, sha256 %.*s\n", STR_ARG(json_text(line, "path", none)),
			json_integer(line, "size", 0), STR_ARG(json_text(line, "sha256", none)));
	} else if (str_is(record, record_name(RECORD_COMPILES))) {
		buf_printf(&letter->compiles, "  %.*s: %" PRId64 "\n", STR_ARG(json_text(line, "host", none)),
			json_integer(line, "number", 0));
	} else if (str_is(record, record_name(RECORD_VERDICT))) {
		letter->verdict = verdict;
		letter->reason = json_text(line, "reason", none);
	}
}

static void
add_list(struct buf *text, const char *title, const struct buf *list)
{
	if (list->n)
		buf_printf(text, "\n%s\n%.*s", title, STR_ARG(buf_str(list)));
}

/* Subject and text; false where the journal cannot be read. */
static bool
write_letter(struct arena *arena, const struct run *run, struct cloud_message *message, struct str *error)
{
	struct letter letter = {.steps = buf_new(arena), .artifacts = buf_new(arena), .compiles = buf_new(arena)};
	struct journal_state state;
	struct str project = run->project->name;
	struct buf text = buf_new(arena);
	if (!journal_read(arena, run->state.s, run->id, &state, error))
		return false;
	for (size_t i = 0; i < state.line_count; i++)
		read_line(&letter, state.lines[i]);
	const char *gap = letter.reason.n ? ": " : "";
	struct str subject =
		str_printf(arena, "%.*s: %.*s%s%.*s", STR_ARG(project), STR_ARG(letter.verdict), gap, STR_ARG(letter.reason));
	buf_printf(&text, "%.*s\n\nproject: %.*s\nrun: %.*s\ntime: %.1f s\n", STR_ARG(subject), STR_ARG(project), STR_ARG(run->id),
		(double)(letter.ended - letter.began) / 1000);
	add_list(&text, "steps:", &letter.steps);
	add_list(&text, "artifacts:", &letter.artifacts);
	add_list(&text, "compiles:", &letter.compiles);
	message->subject = event_blot(arena, run->secrets, subject);
	message->text = event_blot(arena, run->secrets, buf_str(&text));
	return true;
}

static bool
send_one(struct run *run, struct cloud_message *message, struct failure *failure)
{
	const struct cloud *cloud;
	void *account = cloud_account(run, NULL, &cloud, failure);
	/* The way out was said when the topic was made ready. */
	if (!account)
		failure->hint = (struct str){NULL, 0};
	return account && cloud->publish(account, message, failure);
}

void
notify_send(struct run *run, const struct on_block *on)
{
	struct arena arena = {NULL};
	struct cloud_message message = {.topic = {NULL, 0}};
	struct str error;
	if (on->set.notify.n && !write_letter(&arena, run, &message, &error)) {
		event_warning(run->events, STR("nobody is notified"), "%.*s", STR_ARG(error));
		on = NULL;
	}
	for (size_t i = 0; on && i < on->set.notify.n; i++) {
		struct failure failure = {.arena = &arena};
		struct str whom = on->set.notify.w[i];
		message.topic = cloud_topic(whom);
		if (send_one(run, &message, &failure))
			event_note(run->events, "%.*s is notified", STR_ARG(whom));
		else
			event_warning(run->events, failure.hint, "'%.*s' was not notified: %.*s", STR_ARG(whom),
				STR_ARG(failure.message));
	}
	arena_free(&arena);
}
