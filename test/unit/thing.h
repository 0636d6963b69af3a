/* thing: an action whose effect can be seen, a file that is created and removed, for the tests of whole runs. */
#ifndef TEST_THING_H
#define TEST_THING_H

#include "engine.h"

#include <fcntl.h>

static inline void
fill_thing(struct json_writer *writer, void *context)
{
	json_put_text(writer, "path", *(struct str *)context);
}

static inline bool
make_thing(struct run *run, const struct action *action, struct failure *failure)
{
	struct str path = str_printf(failure->arena, "%.*s/%.*s", STR_ARG(run->project->dir), STR_ARG(action->name));
	if (!run_intent(run, action, fill_thing, &path, failure))
		return false;
	int fd = open(path.s, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	return run_done(run, action, fill_thing, &path, failure);
}

static inline bool
remove_thing(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	(void)run;
	(void)result;
	char *path = str_c(failure->arena, json_text(params, "path", (struct str){0}));
	if (strstr(path, "sticky")) {
		failure_set(failure, EXIT_STATUS_TEARDOWN, "it sticks");
		return false;
	}
	unlink(path);
	return true;
}

/* What a run of a test makes and removes: a file. One whose name has "sticky" in it stays. */
static const struct action_type thing = {
	.name = "thing", .section = SECTION_FLEET, .undo_text = "remove", .run = make_thing, .undo = remove_thing};

/* Any thread may ask. */
static inline bool
thing_exists(struct engine *engine, const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", engine->dir, name);
	return access(path, F_OK) == 0;
}

/* Nothing but the journal and the logs stays. */
static inline void
assert_clean(struct engine *engine)
{
	struct str error;
	struct journal_state state;
	assert_false(os_is_file(str_printf(&engine->arena, "%s/lock", engine->state).s));
	struct str run = engine_run(engine);
	assert_true(journal_ended(engine->state, run));
	assert_true(journal_read(&engine->arena, engine->state, run, &state, &error));
	assert_int_equal(state.open_count, 0);
	assert_false(os_is_folder(str_printf(&engine->arena, "%s/runs/%.*s/bin", engine->state, STR_ARG(run)).s));
}

#endif
