/* fleet: a project and a run of its own folder, made by hand, for the tests of what stands on them. */
#ifndef TEST_FLEET_H
#define TEST_FLEET_H

#include "unit.h"

#include "base/os.h"
#include "runtime/provider.h"
#include "runtime/run.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fleet_event {
	enum event_kind kind;
	struct str name, text, hint;
	int64_t number;
};

/* What was emitted, and everything a run needs. */
struct fleet {
	struct view view;
	struct arena arena;
	struct sources sources;
	struct diags diags;
	struct project project;
	struct instance_group group;
	struct world world;
	struct plan *plan;
	struct run run;
	char dir[64];
	struct fleet_event events[512];
	size_t event_count;
};

extern char **environ;

static inline void
fleet_take(struct view *view, const struct event *event)
{
	struct fleet *fleet = (struct fleet *)view;
	if (fleet->event_count == sizeof fleet->events / sizeof *fleet->events)
		return;
	fleet->events[fleet->event_count++] = (struct fleet_event){event->kind, str_dup(&fleet->arena, event->name),
		str_dup(&fleet->arena, event->text), str_dup(&fleet->arena, event->hint), event->number};
}

/* A project that asks for `hosts` hosts (0: none) in a new folder, with the settings' defaults. */
static inline struct fleet *
fleet_new(int hosts)
{
	struct fleet *fleet = calloc(1, sizeof *fleet);
	strcpy(fleet->dir, "/tmp/edcc-test-XXXXXX");
	assert_non_null(mkdtemp(fleet->dir));
	assert_int_equal(chmod(fleet->dir, 0755), 0);
	fleet->view.take = fleet_take;
	fleet->diags.sources = &fleet->sources;
	fleet->project = (struct project){
		.name = STR("test"),
		.dir = str_from(fleet->dir),
		.distcc = {.nice = 5,
			.io_timeout = 60000,
			.pause = 20,
			.fallback = 100,
			.verbosity = STR("info"),
			.pump = STR("auto"),
			.compression = STR("auto"),
			.transport = STR("tcp")},
		.cache = {.size = (int64_t)5 << 30},
		.source = {.ref = STR("HEAD")},
	};
	fleet->group.set.count = hosts;
	fleet->project.groups = &fleet->group;
	fleet->project.group_count = hosts > 0;
	return fleet;
}

static inline struct str
fleet_diags(struct fleet *fleet)
{
	char *text;
	size_t n;
	FILE *file = open_memstream(&text, &n);
	diag_print(&fleet->diags, file, false);
	fclose(file);
	struct str copy = str_dup(&fleet->arena, (struct str){text, n});
	free(text);
	return copy;
}

/* Observes, plans, and opens a run. */
static inline void
fleet_open(struct fleet *fleet)
{
	struct plan_options options = {0};
	struct failure failure = {.arena = &fleet->arena};
	struct observing observing = {.options = &options, .environment = environ};
	uint32_t *ready, ready_count;
	bool seen = provider_local.observe(&fleet->arena, &fleet->project, &observing, &fleet->world, &fleet->diags);
	if (!seen)
		print_error("%.*s", STR_ARG(fleet_diags(fleet)));
	assert_true(seen);
	fleet->plan = arena_new(&fleet->arena, struct plan);
	fleet->plan->project = &fleet->project;
	fleet->plan->world = &fleet->world;
	fleet->plan->local_slots = fleet->world.cpus;
	fleet->plan->jobs = 4;
	provider_local.plan(&fleet->arena, fleet->plan, &ready, &ready_count);
	fleet->run.events = events_new();
	events_add_view(fleet->run.events, &fleet->view);
	fleet->run.cancel.fd = -1;
	fleet->run.environment = environ;
	fleet->run.project = &fleet->project;
	fleet->run.plan = fleet->plan;
	fleet->run.provider = &provider_local;
	fleet->run.hosts = arena_array(&fleet->arena, struct host, fleet->world.host_count);
	fleet->run.host_count = fleet->world.host_count;
	for (uint32_t i = 0; i < fleet->world.host_count; i++)
		fleet->run.hosts[i] = (struct host){.name = fleet->world.hosts[i].name, .slots = fleet->world.hosts[i].slots};
	if (!run_open(&fleet->run, str_printf(&fleet->arena, "%s/.edcc", fleet->dir).s, (struct str){0}, &failure))
		fail_msg("%.*s", STR_ARG(failure.message));
}

/* One action on a thread of its own. */
struct fleet_action {
	struct fleet *fleet;
	uint32_t index;
	pthread_t thread;
	struct arena arena;
	struct failure failure;
	bool done;
};

static inline void *
fleet_thread(void *context)
{
	struct fleet_action *action = context;
	const struct action *planned = &action->fleet->plan->actions[action->index];
	action->failure.arena = &action->arena;
	action->done = planned->type->run(&action->fleet->run, planned, &action->failure);
	return NULL;
}

/* Runs all actions of the plan, side by side where they do not need each other; the message of the first failure, none where there is none. */
static inline struct str
fleet_run(struct fleet *fleet)
{
	uint32_t count = fleet->plan->count, done = 0;
	struct fleet_action *actions = calloc(count + 1, sizeof *actions);
	struct str message = {NULL, 0};
	while (done < count && !message.n) {
		uint32_t end = done;
		for (; end < count; end++) {
			bool can = true;
			for (uint32_t n = 0; n < fleet->plan->actions[end].need_count; n++)
				can &= fleet->plan->actions[end].needs[n] < done;
			if (!can)
				break;
			actions[end] = (struct fleet_action){.fleet = fleet, .index = end};
			pthread_create(&actions[end].thread, NULL, fleet_thread, &actions[end]);
		}
		for (; done < end; done++) {
			pthread_join(actions[done].thread, NULL);
			if (!actions[done].done && !message.n)
				message = str_dup(&fleet->arena, actions[done].failure.message);
			arena_free(&actions[done].arena);
		}
	}
	free(actions);
	return message;
}

/* Undoes all that the journal has open, in reverse, as a process that knows nothing else would; `forget`: results are not known. */
static inline void
fleet_undo(struct fleet *fleet, bool forget)
{
	struct journal_state state;
	struct str error;
	struct arena arena = {0};
	struct failure failure = {.arena = &arena};
	assert_true(journal_read(&arena, fleet->run.state.s, fleet->run.id, &state, &error));
	for (size_t i = state.open_count; i-- > 0;)
		for (size_t t = 0; provider_local.types[t]; t++)
			if (str_is(state.open[i].type, provider_local.types[t]->name) &&
				!provider_local.types[t]->undo(
					&fleet->run, state.open[i].params, forget ? NULL : state.open[i].result, &failure))
				fail_msg("%.*s", STR_ARG(failure.message));
	arena_free(&arena);
}

static inline void
fleet_free(struct fleet *fleet)
{
	struct str error;
	if (fleet->run.journal) {
		events_free(fleet->run.events);
		run_close(&fleet->run);
	}
	assert_true(os_remove_tree(&fleet->arena, fleet->dir, &error));
	diag_clear(&fleet->diags);
	sources_free(&fleet->sources);
	arena_free(&fleet->arena);
	free(fleet);
}

#endif
