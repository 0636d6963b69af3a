/* notify: an `on` block's notifications. Only provider aws has somebody to send them; the others say that they are not sent. */
#include "runtime/run.h"
#include "runtime/step.h"

void
notify_check(const struct project *project, struct diags *diags)
{
	for (uint32_t i = 0; i < project->on_count; i++) {
		const struct on_block *on = &project->ons[i];
		if (!on->set.notify.n)
			continue;
		struct diag *diag = diag_warning(diags, on->span,
			"provider local does not send notifications: '%.*s' will not hear of it", STR_ARG(on->set.notify.w[0]));
		diag_hint(diag, "they are sent with 'provider aws'; a recipe in this block is run all the same");
	}
}

void
notify_send(struct run *run, const struct on_block *on)
{
	for (size_t i = 0; i < on->set.notify.n; i++)
		event_warning(run->events, STR("notifications are sent with 'provider aws'"), "'%.*s' was not notified",
			STR_ARG(on->set.notify.w[i]));
}
