#include "aws/fleet.h"

#include "base/arena.h"
#include "runtime/ssh.h"

#define KEY_LIMIT ((size_t)1 << 16)

static bool
fail(struct failure *failure, struct str error)
{
	failure_set(failure, EXIT_STATUS_PROVIDER, "cannot make a key for the machines: %.*s", STR_ARG(error));
	failure_hint(failure, "edcc uses OpenSSH's ssh and ssh-keygen (on Debian: apt-get install openssh-client)");
	return false;
}

/* The run's own key, and the one that the HOST shows until it has been asked for its own: that one goes into user data, and is good for one answer. Both go
 * with the run's folder. */
static bool
key_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct fleet *fleet = fleet_of(run);
	struct arena arena = {NULL};
	struct str error = {NULL, 0}, key, first_public, first;
	const char *first_path = fleet_path(&arena, run, "first-key");
	struct str comment = str_printf(&arena, "edcc %.*s", STR_ARG(run->id));
	(void)action;
	bool made = os_make_folders(&arena, fleet_path(&arena, run, ""), true, &error) &&
		    ssh_make_key(&arena, fleet_path(&arena, run, "key"), comment, &key, &error) &&
		    ssh_make_key(&arena, first_path, comment, &first_public, &error) &&
		    os_read(&arena, first_path, KEY_LIMIT, &first, &error);
	if (made) {
		fleet->public_key = fleet_dup(run, key);
		fleet->first_key = fleet_dup(run, first);
		fleet->first_public_key = fleet_dup(run, first_public);
	} else {
		fail(failure, error);
	}
	arena_free(&arena);
	return made;
}

const struct action_type action_key = {.name = "key", .section = SECTION_FLEET, .run = key_run};
