/* notify: an `on` block's notifications: one message for each topic, with the report and where it is stored. */
#include "runtime/cloud.h"
#include "runtime/report.h"
#include "runtime/step.h"

#include "base/arena.h"

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

/* Stores the report and says in the message where; a message without it is better than none. */
static void
add_link(struct arena *arena, struct run *run, struct cloud_message *message)
{
	struct failure failure = {.arena = arena};
	struct str url;
	if (!report_store(arena, run, message->text, &url, &failure))
		event_warning(run->events, failure.hint, "the report was not stored: %.*s", STR_ARG(failure.message));
	else if (url.n)
		message->text = str_printf(arena, "%.*s\nreport: %.*s\n", STR_ARG(message->text), STR_ARG(url));
}

void
notify_send(struct run *run, const struct on_block *on)
{
	struct arena arena = {NULL};
	struct cloud_message message = {.topic = {NULL, 0}};
	struct str error;
	if (on->set.notify.n && !report_write(&arena, run, &message.subject, &message.text, &error)) {
		event_warning(run->events, STR("nobody is notified"), "%.*s", STR_ARG(error));
		on = NULL;
	}
	if (on && on->set.notify.n)
		add_link(&arena, run, &message);
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
