#include "aws/fleet.h"

#include "base/arena.h"
#include "remote/remote.h"

#include <string.h>

/* How often machines are looked for that are not seen, and how long ending them may take. */
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

/* What one look at the run's machines has shown. */
struct sight {
	struct words living; /* that nobody has ended yet */
	size_t there; /* that are not gone */
	bool unseen; /* one that was launched is not among them, or none is: it is too new to be seen, or it has been gone for so long that EC2 has forgotten it */
};

static bool
look(struct ending *ending, struct words ids, struct sight *sight)
{
	struct ec2_instance *instances;
	struct words seen = {NULL, 0};
	size_t count;
	*sight = (struct sight){.there = 0};
	if (!ec2_describe_instances(ending->aws, &ending->arena, NULL, ending->of_run, &instances, &count, &ending->error))
		return false;
	for (size_t i = 0; i < count; i++) {
		words_add(&ending->arena, &seen, instances[i].id);
		sight->there += instances[i].state != EC2_TERMINATED;
		if (instances[i].state != EC2_TERMINATED && instances[i].state != EC2_SHUTTING_DOWN)
			words_add(&ending->arena, &sight->living, instances[i].id);
	}
	sight->unseen = !count;
	for (size_t i = 0; i < ids.n; i++)
		sight->unseen = sight->unseen || !words_has(seen, ids.w[i]);
	return true;
}

/* What EC2 does not know yet is ended at the next look. */
static bool
terminate(struct ending *ending, struct words ids)
{
	return !ids.n || ec2_terminate(ending->aws, &ending->arena, ids, &ending->error) || ec2_is_not_yet(&ending->error);
}

static bool
is_late(struct ending *ending, int64_t until, size_t there)
{
	if (os_now_ms() <= until)
		return false;
	failure_set(ending->failure, EXIT_STATUS_PROVIDER, "%zu machine%s did not end within %d minutes", there,
		there == 1 ? "" : "s", END_MS / 60000);
	failure_hint(ending->failure,
		"they cost money as long as they run: look at them in the EC2 console, then run edcc destroy again");
	return true;
}

/* Ends those that are known, then waits until none is there; what turns up meanwhile is ended too. */
static bool
end_all(struct ending *ending, struct words ids)
{
	int64_t until = os_now_ms() + END_MS, pause = 0;
	struct sight sight;
	if (!terminate(ending, ids))
		return false;
	for (int looks = 1;; looks++) {
		if (!look(ending, ids, &sight) || !terminate(ending, sight.living))
			return false;
		if (!sight.there && (!sight.unseen || looks >= LOOKS))
			return true;
		if (is_late(ending, until, sight.there))
			return false;
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
	done = done && end_all(&ending, ids);
	if (!done && !failure->message.n)
		fleet_fail(ending.aws, &ending.error, failure, "cannot end the machines of run %.*s", STR_ARG(ending.of_run));
	arena_free(&ending.arena);
	return done;
}
