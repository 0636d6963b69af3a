#include "cli/machines.h"
#include "cli/account.h"

#include <sys/timerfd.h>
#include <unistd.h>

/* As long as somebody who asks how things are may be kept waiting. */
#define ASK_MS 1000

/* Raised by itself after so long. */
static struct os_cancel
cancel_after(int64_t ms)
{
	const struct itimerspec when = {.it_value = {ms / 1000, ms % 1000 * 1000000}};
	struct os_cancel cancel = {.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
	if (cancel.fd >= 0)
		timerfd_settime(cancel.fd, 0, &when, NULL);
	return cancel;
}

static bool
ask(struct cli *cli, struct str run, struct machines *machines)
{
	struct account account;
	struct os_cancel cancel = cancel_after(ASK_MS);
	struct remnant remnant = {.run = run};
	bool known = account_open(cli, &account, run, cancel);
	const struct sweeping *sweeping = &account.sweeping;
	account_recall(&account, &remnant);
	known = known &&
		sweeping->sweep->machines(sweeping->account, &remnant, &machines->list, &machines->count, &account.failure);
	if (os_cancel_raised(&cancel))
		machines->why = STR("it has not answered within a second");
	else
		machines->why = account.failure.message;
	account_close(&account);
	if (cancel.fd >= 0)
		close(cancel.fd);
	return known;
}

/* As the launch was recorded. */
static void
recall(struct cli *cli, const struct journal_state *journal, struct machines *machines)
{
	const struct str none = {NULL, 0};
	const struct json *list = account_machines(journal);
	machines->count = 0;
	machines->list = arena_array(&cli->arena, struct remnant_machine, list ? list->count : 0);
	for (size_t i = 0; list && i < list->count; i++)
		if (json_text(list->items[i], "id", none).n)
			machines->list[machines->count++] = (struct remnant_machine){
				.name = i ? str_printf(&cli->arena, "coop-%zu", i) : STR("host"),
				.id = json_text(list->items[i], "id", none),
				.state = STR("launched"),
				.private_address = json_text(list->items[i], "private", none),
				.public_address = json_text(list->items[i], "public", none),
			};
}

struct machines
machines_find(struct cli *cli, const struct journal_state *journal)
{
	const struct provider *provider = provider_named(cli->providers, journal->provider);
	struct machines machines = {.known = false};
	if (!provider || !provider->sweep || journal->ended || !journal->open_count)
		return machines;
	machines.known = ask(cli, journal->run, &machines);
	if (!machines.known)
		recall(cli, journal, &machines);
	return machines;
}
