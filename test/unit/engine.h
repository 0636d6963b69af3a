/* engine: a project, a plan and a run made by hand, for the tests of what runs them. */
#ifndef TEST_ENGINE_H
#define TEST_ENGINE_H

#include "unit.h"

#include "base/arena.h"
#include "base/os.h"
#include "runtime/execute.h"
#include "runtime/provider.h"
#include "runtime/recipe.h"
#include "runtime/step.h"
#include "runtime/step_command.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

extern char **environ;

/* Everything that one test needs; the view keeps what is emitted as lines "KIND NAME TEXT HINT". */
struct engine {
	struct view view;
	struct arena arena;
	struct arena heard; /* under the events' mutex */
	struct buf lines;
	char dir[32];
	char *state;
	struct project project;
	struct scope scope;
	struct world world;
	struct plan plan;
	struct execute_options options;
	struct events *events;
};

static inline void
engine_take(struct view *view, const struct event *event)
{
	struct engine *engine = (struct engine *)view;
	buf_printf(&engine->lines, "%s %.*s|%.*s|%.*s|%lld\n", event_name(event->kind), STR_ARG(event->name), STR_ARG(event->text),
		STR_ARG(event->hint), (long long)event->number);
}

static inline struct engine *
engine_new(void)
{
	struct engine *engine = calloc(1, sizeof *engine);
	strcpy(engine->dir, "/tmp/edcc-engine-XXXXXX");
	assert_non_null(mkdtemp(engine->dir));
	engine->view.take = engine_take;
	engine->lines = buf_new(&engine->heard);
	engine->state = str_c(&engine->arena, str_printf(&engine->arena, "%s/.edcc", engine->dir));
	engine->project.name = STR("test");
	engine->project.dir = str_from(engine->dir);
	engine->project.scopes = &engine->scope;
	engine->project.scope_count = 1;
	engine->project.limits.parallel = 1;
	engine->project.builds = arena_array(&engine->arena, struct build, 1000);
	engine->plan.project = &engine->project;
	engine->plan.world = &engine->world;
	engine->plan.jobs = 1;
	engine->plan.actions = arena_array(&engine->arena, struct action, 1000);
	engine->world.provider = &provider_local;
	engine->world.toolchain = (struct toolchain){.kind = STR("gcc"), .cc = STR("gcc"), .cxx = STR("g++")};
	static const struct provider *const providers[] = {&provider_local, NULL};
	engine->options = (struct execute_options){
		.cancel = {eventfd(0, 0)}, .let_go = {eventfd(0, 0)}, .environment = environ, .providers = providers};
	engine->events = events_new();
	events_add_view(engine->events, &engine->view);
	return engine;
}

static inline void
engine_free(struct engine *engine)
{
	struct str error;
	events_free(engine->events);
	assert_true(os_remove_tree(&engine->arena, engine->dir, &error));
	close(engine->options.cancel.fd);
	close(engine->options.let_go.fd);
	arena_free(&engine->heard);
	arena_free(&engine->arena);
	free(engine);
}

static inline struct build *
engine_build(struct engine *engine, const char *name, const char *recipe)
{
	struct build *build = &engine->project.builds[engine->project.build_count++];
	build->name = str_from(name);
	build->recipe = str_from(recipe);
	build->set.dir = STR(".");
	build->set.timeout = 60000;
	build->scope = &engine->scope;
	build->calls_verdict = strstr(recipe, "build_success") || strstr(recipe, "build_failed");
	return build;
}

/* Adds an action that needs the one before it where `chained`. */
static inline struct action *
engine_action(struct engine *engine, const struct action_type *type, const char *name, uint32_t index, bool chained)
{
	uint32_t at = engine->plan.count++;
	struct action *action = &engine->plan.actions[at];
	*action = (struct action){.type = type, .name = str_from(name), .index = index};
	if (chained) {
		action->needs = arena_new(&engine->arena, uint32_t);
		action->needs[action->need_count++] = at - 1;
	}
	return action;
}

static inline struct action *
engine_step(struct engine *engine, const char *name, const char *recipe, bool chained)
{
	engine_build(engine, name, recipe);
	return engine_action(
		engine, &action_step, str_printf(&engine->arena, "step %s", name).s, engine->project.build_count - 1, chained);
}

static inline enum exit_status
engine_execute(struct engine *engine)
{
	return execute_plan(&engine->plan, engine->events, &engine->options);
}

static inline const char *
engine_lines(struct engine *engine)
{
	return buf_c(&engine->lines);
}

#define assert_has(engine, part) engine_assert(engine, part, true, __FILE__, __LINE__)
#define assert_has_not(engine, part) engine_assert(engine, part, false, __FILE__, __LINE__)

static inline void
engine_assert(struct engine *engine, const char *part, bool expected, const char *file, int line)
{
	if ((strstr(engine_lines(engine), part) != NULL) == expected)
		return;
	print_error("%s: %s\nin:\n%s\n", expected ? "missing" : "not expected", part, engine_lines(engine));
	_fail(file, line);
}

/* The text of a file below the project. */
static inline struct str
engine_file(struct engine *engine, const char *path)
{
	struct str text = {0}, error;
	os_read(&engine->arena, str_printf(&engine->arena, "%s/%s", engine->dir, path).s, 64 << 20, &text, &error);
	return text;
}

/* The id of the newest run. */
static inline struct str
engine_run(struct engine *engine)
{
	struct words runs;
	struct str error;
	assert_true(journal_runs(&engine->arena, engine->state, &runs, &error));
	assert_true(runs.n > 0);
	return runs.w[runs.n - 1];
}

/* main of a test whose recipes call build_success and build_failed: they are this program by another name. */
#define ENGINE_MAIN(tests)                                        \
	int main(int argc, char **argv)                           \
	{                                                         \
		if (step_command_is(argv[0]))                     \
			return step_command(argc, argv);          \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}

#endif
