#include "aws/fleet.h"

#include "base/arena.h"
#include "remote/remote.h"

#include <string.h>

/* How often machines are looked for whose launch had no answer, and how long ending them may take. */
#define LOOKS 3
#define END_MS 600000

struct ending {
	struct run *run;
	struct aws *aws;
	struct arena arena;
	struct str of_run;
	struct aws_error error;
	struct failure *failure;
};

static struct words
read_ids(struct arena *arena, const struct json *result)
{
	const struct json *list = json_member(result, "ids");
	struct words ids = {NULL, 0};
	for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->count; i++)
		if (list->items[i]->type == JSON_STRING)
			words_add(arena, &ids, list->items[i]->string);
	return ids;
}

/* Those of the run that are there, and those of them that nobody has ended yet. */
static bool
look(struct ending *ending, size_t *there, struct words *living)
{
	struct ec2_thing *things;
	*living = (struct words){NULL, 0};
	if (!ec2_find(ending->aws, &ending->arena, EC2_INSTANCE, ending->of_run, &things, there, &ending->error))
		return false;
	for (size_t i = 0; i < *there; i++)
		if (things[i].state != EC2_SHUTTING_DOWN)
			words_add(&ending->arena, living, things[i].id);
	return true;
}

static bool
terminate(struct ending *ending, struct words ids)
{
	return !ids.n || ec2_terminate(ending->aws, &ending->arena, ids, &ending->error);
}

/* What was launched though no answer came is seen only after a while. */
static bool
find_lost(struct ending *ending, struct words *ids)
{
	size_t there = 0;
	int64_t pause = 0;
	for (int tries = 0; tries < LOOKS && !there; tries++) {
		if (tries > 0 && !fleet_pause(ending->run, &pause)) {
			ending->error.cancelled = true;
			return false;
		}
		if (!look(ending, &there, ids))
			return false;
	}
	return true;
}

/* Waits until none is there. What turns up meanwhile is ended too. */
static bool
wait_gone(struct ending *ending)
{
	int64_t until = os_now_ms() + END_MS, pause = 0;
	for (;;) {
		struct words living;
		size_t there;
		if (!look(ending, &there, &living) || !terminate(ending, living))
			return false;
		if (!there)
			return true;
		if (os_now_ms() > until) {
			failure_set(ending->failure, EXIT_STATUS_PROVIDER, "%zu machine%s did not end within %d minutes", there,
				there == 1 ? "" : "s", END_MS / 60000);
			failure_hint(ending->failure, "they cost money as long as they run: look at them in the EC2 console, then "
						      "run edcc destroy again");
			return false;
		}
		if (!fleet_pause(ending->run, &pause)) {
			ending->error = (struct aws_error){.cancelled = true};
			return false;
		}
	}
}

bool
fleet_terminate(struct run *run, const struct json *params, const struct json *result, struct failure *failure)
{
	struct ending ending = {.run = run, .failure = failure, .of_run = json_text(params, "run", run->id)};
	struct words ids = read_ids(&ending.arena, result);
	/* Nobody is to miss the HOST from here on. */
	remote_close(run->remote);
	run->remote = NULL;
	ending.aws = fleet_aws(run, params, failure);
	bool done = ending.aws != NULL;
	if (done && !json_truth(result, "complete", false))
		done = find_lost(&ending, &ids);
	done = done && terminate(&ending, ids) && (!ids.n || wait_gone(&ending));
	if (!done && !failure->message.n)
		fleet_fail(ending.aws, &ending.error, failure, "cannot end the machines of run %.*s", STR_ARG(ending.of_run));
	arena_free(&ending.arena);
	return done;
}
