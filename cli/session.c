#include "cli/session.h"
#include "cli/view.h"

#include <unistd.h>

static bool
on_interrupt(void *context)
{
	struct session *session = context;
	return events_interrupt(session->events, "interrupted: tearing down (again to let go)");
}

static void
on_resized(void *context)
{
	struct session *session = context;
	if (session->redraws)
		view_terminal_resized(session->view);
}

static void
on_stopping(void *context)
{
	struct session *session = context;
	if (session->redraws)
		view_terminal_stopping(session->view);
}

static void
on_continued(void *context)
{
	struct session *session = context;
	if (session->redraws)
		view_terminal_continued(session->view);
}

static struct view *
open_view(struct session *session, struct cli *cli)
{
	struct arena *arena = arena_new(&cli->arena, struct arena);
	struct view_options options = {
		.fd = view_open(),
		.cancel = &session->options.cancel,
		.colour = cli->terminal,
		.quiet = cli->flags.quiet,
		.verbose = cli->flags.verbose,
	};
	if (cli->flags.json)
		return view_json_new(arena, &options);
	session->redraws = cli->terminal && !cli->flags.quiet;
	return session->redraws ? view_terminal_new(arena, &options) : view_lines_new(arena, &options);
}

struct session *
session_open(struct cli *cli)
{
	/* It stays as long as the process: a run that is let go may still look at it. */
	struct session *session = arena_new(&cli->arena, struct session);
	struct signal_calls calls = {session, on_interrupt, on_resized, on_stopping, on_continued};
	session->events = events_new();
	session->options = (struct execute_options){
		.cancel.fd = -1,
		.environment = cli->environment,
		.cloud = cli->cloud,
		.providers = cli->providers,
		.keep = cli->given & FLAG_BIT(keep),
		.keep_on_failure = cli->flags.keep_on_failure,
		.require_distributed = cli->flags.require_distributed,
		.guarded = true,
	};
	session->view = open_view(session, cli);
	events_add_view(session->events, session->view);
	session->signals = signals_start(&calls, &session->options.cancel, &session->options.let_go);
	if (session->signals)
		return session;
	diag_error(&cli->diags, SPAN_NONE, "cannot listen for signals: %m");
	return NULL;
}

void
session_close(struct session *session)
{
	signals_end(session->signals);
	session->view->close(session->view);
	events_free(session->events);
}
