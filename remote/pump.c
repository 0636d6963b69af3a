/* Machines that preprocess, as the HOST says that they do: the include server is there, and edcc-host starts, watches and ends it. */
#include "remote/call.h"

#include "base/arena.h"
#include "runtime/pump.h"

#define SOCKET "/tmp/edcc-pump/socket"

struct str
remote_pump_word(const struct run *run)
{
	const struct world *world = run->plan->world;
	return world->host_count && world->hosts[0].pump ? run->project->distcc.pump : STR("no");
}

void
remote_hear_pump(struct remote *remote, struct str text)
{
	struct run *run = remote->run;
	struct str word;
	str_split(&text, ' ', &word);
	enum remote_pump now = str_is(word, "on") ? REMOTE_PUMP_ON : REMOTE_PUMP_OFF;
	pthread_mutex_lock(&remote->mutex);
	enum remote_pump before = remote->pump;
	if (before != REMOTE_PUMP_OFF)
		remote->pump = now;
	if (before != now && now == REMOTE_PUMP_OFF)
		remote->pump_why = str_dup(&remote->arena, text);
	pthread_mutex_unlock(&remote->mutex);
	if (before == now || now == REMOTE_PUMP_ON)
		return;
	if (before == REMOTE_PUMP_ON)
		event_warning(run->events, STR(PUMP_NO " does so from the start"),
			"from now on machines only compile, and the HOST preprocesses: %.*s", STR_ARG(text));
	else if (!str_is(run->project->distcc.pump, "yes"))
		event_warning(run->events, STR(PUMP_NO " does so without trying"),
			"machines only compile, and the HOST preprocesses: %.*s", STR_ARG(text));
}

void
remote_pump_environment(struct run *run, struct map *out)
{
	struct remote *remote = remote_of(run);
	if (!remote)
		return;
	pthread_mutex_lock(&remote->mutex);
	bool on = remote->pump == REMOTE_PUMP_ON;
	pthread_mutex_unlock(&remote->mutex);
	pump_environment(run, on ? SOCKET : NULL, out);
}

static bool
pump_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct remote *remote = remote_of(run);
	(void)action;
	pthread_mutex_lock(&remote->mutex);
	bool fails = remote->pump != REMOTE_PUMP_ON && str_is(run->project->distcc.pump, "yes");
	struct str why = remote->pump_why;
	pthread_mutex_unlock(&remote->mutex);
	if (!fails)
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(why));
	failure_hint(failure, "with 'pump = auto' the HOST would preprocess");
	return false;
}

const struct action_type action_remote_pump = {.name = "pump", .section = SECTION_SETUP, .run = pump_run};
