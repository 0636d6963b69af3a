#include "base/suggest.h"
#include "cli/account.h"
#include "cli/session.h"
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* What is younger has no age worth a word. */
#define MINUTE_MS ((int64_t)60000)

struct gc {
	struct cli *cli;
	struct account account;
	enum sweep_reason *reasons; /* of each of the account's remnants */
	bool *chosen; /* each that is to go */
	size_t chosen_count;
	int64_t now; /* ms since 1970 */
};

/* --- which --- */

/* By name: every remnant of the run, in whichever region. */
static bool
choose_named(struct gc *gc, struct str name)
{
	const struct account *account = &gc->account;
	struct suggest suggest = suggest_for(name);
	bool found = false;
	for (size_t i = 0; i < account->count; i++) {
		bool is = str_eq(account->remnants[i].run, name);
		gc->chosen[i] = gc->chosen[i] || is;
		found = found || is;
		suggest_offer(&suggest, account->remnants[i].run);
	}
	if (found)
		return true;
	struct diag *diag = diag_error(&gc->cli->diags, SPAN_NONE, "nothing of a run '%.*s' is there", STR_ARG(name));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "`edcc gc --dry-run` lists those that there are");
	return false;
}

static bool
choose(struct gc *gc)
{
	const struct account *account = &gc->account;
	struct words names = gc->cli->arguments;
	bool found = true;
	gc->reasons = arena_array(&gc->cli->arena, enum sweep_reason, account->count + 1);
	gc->chosen = arena_array(&gc->cli->arena, bool, account->count + 1);
	for (size_t i = 0; i < account->count; i++) {
		gc->reasons[i] = sweep_judge(&account->remnants[i], gc->now);
		gc->chosen[i] = gc->cli->flags.all || (!names.n && gc->reasons[i] != SWEEP_IN_USE);
	}
	for (size_t i = 0; i < names.n; i++)
		found = choose_named(gc, names.w[i]) && found;
	for (size_t i = 0; i < account->count; i++)
		gc->chosen_count += gc->chosen[i];
	return found;
}

/* --- what it says --- */

static struct str
counted(struct arena *arena, uint32_t count, const char *one, const char *more)
{
	return str_printf(arena, "%" PRIu32 " %s", count, count == 1 ? one : more);
}

/* "4 machines (2 running), 5 parts of a network" */
static struct str
has_text(struct arena *arena, const struct remnant *remnant)
{
	struct str machines = counted(arena, remnant->machines, "machine", "machines");
	struct str networks = counted(arena, remnant->networks, "part of a network", "parts of a network");
	if (!remnant->machines)
		return networks;
	if (remnant->running != remnant->machines)
		machines = str_printf(arena, "%.*s (%" PRIu32 " running)", STR_ARG(machines), remnant->running);
	return remnant->networks ? str_printf(arena, "%.*s, %.*s", STR_ARG(machines), STR_ARG(networks)) : machines;
}

static struct str
expiry_text(struct arena *arena, const struct remnant *remnant, int64_t now)
{
	int64_t left = remnant->expires - now;
	if (!remnant->expires)
		return STR("");
	if (left > 0)
		return str_printf(arena, ", expires in %.*s", STR_ARG(text_took(arena, left)));
	return str_printf(arena, ", expired %.*s ago", STR_ARG(text_took(arena, -left)));
}

/* "RUN of PROJECT in REGION by ann@lab, 2 h old: 4 machines, 5 parts of a network, expires in 3 min" */
static struct str
remnant_text(struct gc *gc, const struct remnant *remnant)
{
	struct arena *arena = &gc->cli->arena;
	struct buf text = buf_new(arena);
	struct str owner = str_part(remnant->owner, 0, str_find(remnant->owner, ' '));
	int64_t began = sweep_began(remnant->run);
	buf_printf(&text, "%.*s of %.*s in %.*s", STR_ARG(remnant->run), STR_ARG(remnant->project), STR_ARG(remnant->region));
	if (owner.n)
		buf_printf(&text, " by %.*s", STR_ARG(owner));
	if (began && gc->now - began >= MINUTE_MS)
		buf_printf(&text, ", %.*s old", STR_ARG(text_took(arena, gc->now - began)));
	buf_printf(&text, ": %.*s%.*s", STR_ARG(has_text(arena, remnant)), STR_ARG(expiry_text(arena, remnant, gc->now)));
	/* Tags are other people's words. */
	struct buf safe = buf_new(arena);
	text_sanitise(&safe, buf_str(&text), false);
	return buf_str(&safe);
}

/* Why it goes or stays. */
static const char *
fate(const struct gc *gc, size_t index)
{
	if (gc->chosen[index] && gc->reasons[index] == SWEEP_IN_USE)
		return "removed because you say so";
	return sweep_reason_text(gc->reasons[index]);
}

static void
print_json(struct gc *gc)
{
	struct json_writer *json = json_writer_new(&gc->cli->arena, true);
	json_open_array(json, NULL);
	for (size_t i = 0; i < gc->account.count; i++) {
		const struct remnant *remnant = &gc->account.remnants[i];
		json_open_object(json, NULL);
		json_put_text(json, "run", remnant->run);
		json_put_text(json, "project", remnant->project);
		json_put_text(json, "region", remnant->region);
		json_put_text(json, "owner", remnant->owner);
		json_put_integer(json, "began", sweep_began(remnant->run));
		json_put_integer(json, "expires", remnant->expires);
		json_put_integer(json, "machines", remnant->machines);
		json_put_integer(json, "running", remnant->running);
		json_put_integer(json, "networks", remnant->networks);
		json_put_text(json, "reason", str_from(sweep_reason_word(gc->reasons[i])));
		json_put_truth(json, "remove", gc->chosen[i]);
		json_close(json);
	}
	json_close(json);
	cli_print(json_writer_text(json));
}

static void
print_lines(struct gc *gc)
{
	for (size_t i = 0; i < gc->account.count; i++) {
		struct str text = remnant_text(gc, &gc->account.remnants[i]);
		printf("%s  %.*s: %s\n", gc->chosen[i] ? "remove" : "stay  ", STR_ARG(text), fate(gc, i));
	}
	if (!gc->account.count)
		printf("nothing of edcc's is there\n");
	else if (gc->chosen_count < gc->account.count)
		printf("`edcc gc RUN` removes one all the same, `edcc gc --all` everything\n");
}

/* --- what it does --- */

/* On a terminal, before what may be in use goes without having been named. */
static bool
may_remove(struct gc *gc)
{
	char answer[8] = "";
	if (!gc->cli->flags.all || gc->cli->flags.yes || !gc->chosen_count || !isatty(STDIN_FILENO))
		return true;
	print_lines(gc);
	fflush(stdout);
	fprintf(stderr, "Remove all of this? [y/N] ");
	if (fgets(answer, sizeof answer, stdin) && strchr("yY", *answer) && *answer)
		return true;
	diag_error(&gc->cli->diags, SPAN_NONE, "nothing was removed");
	return false;
}

static void
end(struct gc *gc, struct events *events, enum exit_status status, size_t stuck, int64_t began)
{
	struct arena *arena = &gc->cli->arena;
	bool left = gc->account.count > gc->chosen_count;
	struct str text = STR("nothing of edcc's is left");
	if (stuck)
		text = STR("not everything is removed");
	else if (left)
		text = str_printf(arena, "%zu of %zu removed; the others may be in use: edcc gc RUN removes one all the same",
			gc->chosen_count, gc->account.count);
	else if (status == EXIT_STATUS_INTERRUPTED)
		text = STR("interrupted, and nothing of edcc's is left");
	else if (status != EXIT_STATUS_SUCCESS)
		text = STR("nobody could look everywhere");
	event_emit(events, (struct event){.kind = EVENT_END, .number = (int64_t)status, .text = text, .took = os_now_ms() - began});
}

/* What goes, goes; what stays is listed. */
static enum exit_status
sweep_up(struct gc *gc)
{
	struct account *account = &gc->account;
	int64_t began = os_now_ms();
	size_t stuck;
	struct session *session = session_open(gc->cli);
	if (!session)
		return EXIT_STATUS_USAGE;
	/* As in a teardown: the first Ctrl-C is said, the second lets go. */
	account->cancel = session->options.let_go;
	for (size_t i = 0; i < account->count; i++)
		event_note(session->events, "%s %.*s: %s", gc->chosen[i] ? "removing" : "leaving",
			STR_ARG(remnant_text(gc, &account->remnants[i])), fate(gc, i));
	enum exit_status status = account->failure.status;
	if (account->failure.message.n)
		event_warning(session->events, account->failure.hint, "%.*s", STR_ARG(account->failure.message));
	sweep_remove_all(&account->sweeping, account->remnants, gc->chosen, account->count, session->events, &stuck);
	bool interrupted = events_settle(session->events);
	if (stuck)
		status = EXIT_STATUS_TEARDOWN;
	else if (status == EXIT_STATUS_SUCCESS && interrupted)
		status = EXIT_STATUS_INTERRUPTED;
	end(gc, session->events, status, stuck, began);
	session_close(session);
	return status;
}

static enum exit_status
list(struct gc *gc)
{
	struct account *account = &gc->account;
	if (gc->cli->flags.json)
		print_json(gc);
	else
		print_lines(gc);
	if (account->failure.message.n)
		diag_warning(&gc->cli->diags, SPAN_NONE, "%.*s", STR_ARG(account->failure.message));
	return account->failure.status;
}

static enum exit_status
gc_run(struct cli *cli)
{
	struct gc gc = {.cli = cli, .now = os_time_ms()};
	struct account *account = &gc.account;
	enum exit_status status = EXIT_STATUS_USAGE;
	if (cli->flags.all && cli->arguments.n) {
		diag_hint(diag_error(&cli->diags, SPAN_NONE, "--all is everything, also '%.*s'", STR_ARG(cli->arguments.w[0])),
			"name runs, or say --all");
		return status;
	}
	if (!account_open(cli, account, (struct str){NULL, 0}, (struct os_cancel){.fd = -1}) ||
		!account_find(account, (struct str){NULL, 0}, !cli->flags.region.n))
		status = account_refuse(account);
	else if (!choose(&gc))
		status = EXIT_STATUS_USAGE;
	else if (cli->flags.dry_run)
		status = list(&gc);
	else if (may_remove(&gc))
		status = sweep_up(&gc);
	account_close(account);
	return status;
}

const struct command command_gc = {
	.name = "gc",
	.synopsis = "[RUN...]",
	.doc = "remove what any run of any project has left in the account",
	.details = "Goes by the tags in the account, in every region, without an Edccfile or a journal.\n"
		   "Without RUN: what is certainly over. That is a run whose time is up, one whose edcc ran on\n"
		   "this machine and has ended, and one without a running machine that is over an hour old.\n"
		   "What may be in use is listed, and removed where it is named or --all is said.\n",
	.flags = FLAGS_FILE | FLAGS_RUN | FLAG_BIT(dry_run) | FLAG_BIT(all) | FLAG_BIT(region) | FLAG_BIT(yes),
	.most_arguments = SIZE_MAX,
	.run = gc_run,
};
