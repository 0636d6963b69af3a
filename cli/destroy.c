#include "cli/account.h"
#include "cli/session.h"
#include "runtime/journal.h"

struct destroying {
	struct cli *cli;
	struct session *session;
	struct account account;
	struct words runs; /* of the journals here */
	bool elsewhere; /* some of the project may be where only an account knows of it */
	bool open; /* a journal here says that some of it is */
};

/* --- the end --- */

/* Passes all on but the end, which has not come yet when the journals are done with. */
struct relay {
	struct view view;
	struct events *onward;
	struct arena *arena;
	struct event end;
};

static void
relay_take(struct view *view, const struct event *event)
{
	struct relay *relay = (struct relay *)view;
	if (event->kind != EVENT_END) {
		event_emit(relay->onward, *event);
		return;
	}
	relay->end = *event;
	relay->end.text = str_dup(relay->arena, event->text);
}

static void
relay_close(struct view *view)
{
	(void)view;
}

/* --- by the journals --- */

static enum exit_status
destroy_journaled(struct destroying *destroying, struct event *end)
{
	struct cli *cli = destroying->cli;
	/* As long as the process: threads that are let go may still speak. */
	struct relay *relay = arena_new(&cli->arena, struct relay);
	*relay = (struct relay){{relay_take, relay_close}, destroying->session->events, &cli->arena, {.kind = EVENT_END}};
	struct events *events = events_new();
	events_add_view(events, &relay->view);
	enum exit_status status = execute_destroy(destroying->account.state, cli->flags.run, events, &destroying->session->options);
	events_free(events);
	*end = relay->end;
	return status;
}

/* --- by the tags --- */

/* Whether the project's provider leaves anything where only an account knows of it, or did so once; and the project's name. */
static bool
is_elsewhere(struct destroying *destroying)
{
	struct cli *cli = destroying->cli;
	struct account *account = &destroying->account;
	bool elsewhere = account->elsewhere;
	for (size_t i = destroying->runs.n; i-- > 0 && !(elsewhere && account->sweeping.project.n);) {
		struct journal_state journal;
		struct str error;
		if (!journal_read(&cli->arena, account->state, destroying->runs.w[i], &journal, &error))
			continue;
		const struct provider *provider = provider_named(cli->providers, journal.provider);
		if (!account->sweeping.project.n)
			account->sweeping.project = journal.project;
		elsewhere = elsewhere || (provider && provider->sweep);
	}
	return elsewhere && account->sweeping.project.n;
}

/* What certainly nobody uses, and what this machine has kept: that is what is to be destroyed. */
static bool
is_ours(const struct remnant *remnant)
{
	struct remnant unkept = *remnant;
	unkept.kept = false;
	return sweep_judge(&unkept, os_time_ms()) != SWEEP_IN_USE;
}

static void
choose(struct destroying *destroying, bool *chosen)
{
	struct str only = destroying->cli->flags.run;
	const struct account *account = &destroying->account;
	for (size_t i = 0; i < account->count; i++) {
		const struct remnant *remnant = &account->remnants[i];
		chosen[i] = only.n ? str_eq(remnant->run, only) : is_ours(remnant);
		if (!chosen[i] && !only.n)
			event_note(destroying->session->events,
				"run %.*s of %.*s may be in use and stays: edcc gc %.*s removes it all the same",
				STR_ARG(remnant->run), STR_ARG(str_part(remnant->owner, 0, str_find(remnant->owner, ' '))),
				STR_ARG(remnant->run));
	}
}

static enum exit_status
refuse(struct destroying *destroying)
{
	const struct failure *failure = &destroying->account.failure;
	event_emit(
		destroying->session->events, (struct event){.kind = EVENT_FAILED, .text = failure->message, .hint = failure->hint});
	return failure->status;
}

/* Where no journal here has anything open that only an account could tell of, there being no account is no failure. */
static enum exit_status
do_without(struct destroying *destroying)
{
	const struct failure *failure = &destroying->account.failure;
	event_warning(destroying->session->events, failure->hint, "what another machine may have left was not asked for: %.*s",
		STR_ARG(failure->message));
	return EXIT_STATUS_SUCCESS;
}

/* Whether the run that --run names is there, or none is named. */
static bool
is_there(struct destroying *destroying, const bool *chosen)
{
	struct str only = destroying->cli->flags.run;
	bool there = !only.n || words_has(destroying->runs, only);
	for (size_t i = 0; i < destroying->account.count; i++)
		there = there || chosen[i];
	if (there)
		return true;
	failure_set(&destroying->account.failure, EXIT_STATUS_USAGE,
		"there is no run '%.*s' in '%s', and nothing of it in the account", STR_ARG(only), destroying->account.state);
	failure_hint(&destroying->account.failure, "`edcc gc --dry-run` lists what there is of any project");
	return false;
}

/* What the account has of the project beyond what the journals knew. */
static enum exit_status
destroy_tagged(struct destroying *destroying)
{
	struct cli *cli = destroying->cli;
	struct account *account = &destroying->account;
	struct str project = account->sweeping.project;
	size_t stuck;
	if (!account_open(cli, account, cli->flags.run, destroying->session->options.let_go))
		return !destroying->open && !cli->flags.run.n ? do_without(destroying) : refuse(destroying);
	account->sweeping.project = project;
	if (!account_find(account, project, false))
		return refuse(destroying);
	bool *chosen = arena_array(&cli->arena, bool, account->count + 1);
	choose(destroying, chosen);
	if (!is_there(destroying, chosen))
		return refuse(destroying);
	sweep_remove_all(&account->sweeping, account->remnants, chosen, account->count, destroying->session->events, &stuck);
	return stuck ? EXIT_STATUS_TEARDOWN : EXIT_STATUS_SUCCESS;
}

/* --- both --- */

static enum exit_status
destroy_all(struct destroying *destroying)
{
	struct event end = {.kind = EVENT_END, .text = STR("nothing is left")};
	enum exit_status status = EXIT_STATUS_SUCCESS, tagged;
	struct str only = destroying->cli->flags.run;
	int64_t began = os_now_ms();
	/* A run that has no journal here may still have left something there. */
	if (!destroying->elsewhere || !only.n || words_has(destroying->runs, only))
		status = destroy_journaled(destroying, &end);
	bool goes_on = status == EXIT_STATUS_SUCCESS || status == EXIT_STATUS_TEARDOWN;
	if (destroying->elsewhere && goes_on && !os_cancel_raised(&destroying->session->options.let_go)) {
		tagged = destroy_tagged(destroying);
		account_close(&destroying->account);
		if (tagged != EXIT_STATUS_SUCCESS && status == EXIT_STATUS_SUCCESS) {
			status = tagged;
			end.text = tagged == EXIT_STATUS_TEARDOWN ? STR("not everything is removed")
								  : STR("what the account has is not known");
		}
	}
	if (events_settle(destroying->session->events) && status == EXIT_STATUS_SUCCESS) {
		status = EXIT_STATUS_INTERRUPTED;
		end.text = STR("interrupted, and nothing is left");
	}
	end.number = (int64_t)status;
	end.took = os_now_ms() - began;
	event_emit(destroying->session->events, end);
	return status;
}

/* Whether a run of which something may be elsewhere has not ended. */
static bool
is_open(const struct destroying *destroying)
{
	for (size_t i = 0; i < destroying->runs.n; i++) {
		struct journal_state journal;
		struct str error;
		const char *state = destroying->account.state;
		if (journal_ended(state, destroying->runs.w[i]) ||
			!journal_read(&destroying->cli->arena, state, destroying->runs.w[i], &journal, &error))
			continue;
		const struct provider *provider = provider_named(destroying->cli->providers, journal.provider);
		if (provider && provider->sweep)
			return true;
	}
	return false;
}

static enum exit_status
destroy_run(struct cli *cli)
{
	struct destroying destroying = {.cli = cli, .account = {.cli = cli}};
	struct str error;
	/* Files what is wrong where there is no Edccfile. */
	const char *state = cli_state(cli);
	if (!state)
		return EXIT_STATUS_USAGE;
	account_locate(&destroying.account);
	if (!os_is_folder(state) || !journal_runs(&cli->arena, state, &destroying.runs, &error))
		destroying.runs = (struct words){NULL, 0};
	destroying.elsewhere = is_elsewhere(&destroying);
	destroying.open = is_open(&destroying);
	destroying.session = session_open(cli);
	if (!destroying.session)
		return EXIT_STATUS_USAGE;
	enum exit_status status = destroy_all(&destroying);
	session_close(destroying.session);
	return status;
}

const struct command command_destroy = {
	.name = "destroy",
	.synopsis = "",
	.doc = "remove what is left of this project's runs",
	.details = "Goes by the journals in the state folder, also where the Edccfile is gone wrong since,\n"
		   "and for machines of aws by the tags in the account too, where no journal here knows.\n"
		   "Where nothing is left it says so and succeeds.\n",
	.flags = FLAGS_FILE | FLAGS_RUN | FLAG_BIT(run) | FLAG_BIT(yes),
	.run = destroy_run,
};
