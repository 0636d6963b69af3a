#include "aws/sweep_account.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/suggest.h"
#include "runtime/ssh.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a machine is given to answer, ms. */
#define CONNECT_MS 10000

/* --- the machines --- */

/* The HOST first: it has a tag, or was the first of those that were launched first. */
static int
by_launch(const void *a, const void *b)
{
	const struct ec2_instance *left = a, *right = b;
	bool first = left->tags.values[EC2_TAG_HOST_KEY].n, second = right->tags.values[EC2_TAG_HOST_KEY].n;
	if (first != second)
		return first ? -1 : 1;
	if (left->launch_index != right->launch_index)
		return left->launch_index < right->launch_index ? -1 : 1;
	return str_compare(left->id, right->id);
}

static const char *
state_word(enum ec2_state state)
{
	static const char *const words[] = {
		[EC2_PENDING] = "starting",
		[EC2_RUNNING] = "running",
		[EC2_STOPPING] = "stopping",
		[EC2_STOPPED] = "stopped",
		[EC2_SHUTTING_DOWN] = "ending",
		[EC2_TERMINATED] = "gone",
	};
	return words[state];
}

/* Machines of several launches have the same indices: a journal knows better. */
static void
put_in_order(struct ec2_instance *instances, size_t count, struct words order)
{
	for (size_t i = 0; i < count; i++) {
		size_t index = 0;
		while (index < order.n && !str_eq(order.w[index], instances[i].id))
			index++;
		if (order.n)
			instances[i].launch_index = (int64_t)index;
	}
	if (count)
		qsort(instances, count, sizeof *instances, by_launch);
}

bool
sweep_machines(void *context, const struct remnant *remnant, struct remnant_machine **list, size_t *count, struct failure *failure)
{
	struct sweep_account *account = context;
	struct arena *arena = failure->arena;
	struct aws_error error = {.status = 0};
	struct ec2_instance *instances;
	if (!ec2_describe_instances(account->aws, arena, NULL, remnant->run, &instances, count, &error))
		return sweep_fail(account->aws, &error, failure);
	put_in_order(instances, *count, remnant->order);
	*list = arena_array(arena, struct remnant_machine, *count + 1);
	int64_t number = -1;
	for (size_t i = 0; i < *count; i++) {
		const struct ec2_instance *instance = &instances[i];
		/* Those that EC2 has forgotten leave their numbers free. */
		number = number + 1 > instance->launch_index ? number + 1 : instance->launch_index;
		(*list)[i] = (struct remnant_machine){
			.name = number ? str_printf(arena, "coop-%" PRId64, number) : STR("host"),
			.id = instance->id,
			.state = str_from(state_word(instance->state)),
			.type = instance->type,
			.zone = instance->zone,
			.private_address = instance->private_address,
			.public_address = instance->public_address,
		};
	}
	return true;
}

static bool
is_called(const struct remnant_machine *machine, struct str name)
{
	return str_eq(machine->name, name) || str_eq(machine->id, name) || str_eq(machine->private_address, name) ||
	       str_eq(machine->public_address, name);
}

/* The machine of that name (none: the HOST). NULL with the failure, which has the nearest name and those that there are. */
static const struct remnant_machine *
machine_named(const struct remnant_machine *list, size_t count, struct str run, struct str name, struct failure *failure)
{
	struct suggest suggest = suggest_for(name);
	struct words names = {NULL, 0};
	for (size_t i = 0; i < count; i++) {
		if (is_called(&list[i], name.n ? name : STR("host")))
			return &list[i];
		suggest_offer(&suggest, list[i].name);
		words_add(failure->arena, &names, list[i].name);
	}
	if (name.n && count)
		failure_set(failure, EXIT_STATUS_USAGE, "run %.*s has no machine '%.*s'", STR_ARG(run), STR_ARG(name));
	else
		failure_set(failure, EXIT_STATUS_USAGE, "run %.*s has no HOST any more", STR_ARG(run));
	if (suggest.best.n)
		failure_hint(failure, "did you mean '%.*s'?", STR_ARG(suggest.best));
	else if (names.n)
		failure_hint(failure, "there are %.*s", STR_ARG(words_join(failure->arena, names, STR(", "))));
	return NULL;
}

/* --- the way there --- */

static bool
refuse(struct failure *failure, struct str error)
{
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return false;
}

/* A private folder, as long as the account is open. */
static bool
make_folder(struct sweep_account *account, struct failure *failure)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	char *folder = str_c(&account->arena, str_printf(&account->arena, "%s/edcc-ssh-XXXXXX", base && *base ? base : "/tmp"));
	if (!mkdtemp(folder))
		return refuse(failure, str_printf(failure->arena, "cannot make '%s': %s", folder, strerror(errno)));
	account->folder = folder;
	return true;
}

/* What a COOP shows over ssh, as its status page says it to the HOST, which is asked over ssh: nobody between could lie. */
static bool
learn_host_key(
	struct sweep_account *account, const struct ssh_options *host, struct str address, struct str *key, struct failure *failure)
{
	struct arena *arena = &account->arena;
	struct ssh_options options = *host;
	options.folder = str_printf(arena, "%s/host", account->folder).s;
	struct ssh *ssh = ssh_new(&options);
	struct ssh_call call = {
		.command = str_printf(arena, "curl -sf -m 5 --noproxy '*' http://%.*s/status.json", STR_ARG(address)).s,
		.timeout_ms = CONNECT_MS,
	};
	struct str output = {NULL, 0}, error = {NULL, 0};
	int status = 0;
	enum ssh_end end = ssh_connect(ssh, arena, CONNECT_MS, &error);
	if (end == SSH_DONE)
		end = ssh_run(ssh, arena, &call, &status, &output, &error);
	ssh_free(ssh);
	if (end != SSH_DONE)
		return refuse(failure, str_printf(failure->arena, "the HOST cannot be reached: %.*s", STR_ARG(error)));
	const struct json *page = status ? NULL : json_read(arena, output, &error);
	*key = json_text(page, "host_key", (struct str){NULL, 0});
	if (!key->n)
		return refuse(
			failure, str_printf(failure->arena, "the machine at %.*s does not answer the HOST yet", STR_ARG(address)));
	return true;
}

static bool
check_reachable(const struct remnant *remnant, const struct remnant_machine *host, const struct remnant_machine *machine,
	struct failure *failure)
{
	const struct remnant_machine *machines[] = {host, machine};
	for (size_t i = 0; i < 2; i++)
		if (!str_is(machines[i]->state, "running")) {
			failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s (%.*s) is %.*s", STR_ARG(machines[i]->name),
				STR_ARG(machines[i]->id), STR_ARG(machines[i]->state));
			return false;
		}
	if (remnant->host_key.n)
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "nothing says which key the HOST of run %.*s must show", STR_ARG(remnant->run));
	failure_hint(failure, "its journal does, where it was started; its tag %s does from when it is ready on",
		ec2_tag_key(EC2_TAG_HOST_KEY));
	return false;
}

char **
sweep_shell(void *context, const struct remnant *remnant, struct str name, const char *key, const char *command,
	struct failure *failure)
{
	struct sweep_account *account = context;
	struct remnant_machine *list;
	struct str error = {NULL, 0};
	size_t count;
	if (!sweep_machines(account, remnant, &list, &count, failure))
		return NULL;
	const struct remnant_machine *host = machine_named(list, count, remnant->run, (struct str){NULL, 0}, failure);
	const struct remnant_machine *machine = host ? machine_named(list, count, remnant->run, name, failure) : NULL;
	if (!machine || !check_reachable(remnant, host, machine, failure) || !make_folder(account, failure))
		return NULL;
	struct ssh_options options = {
		.address = host->public_address.n ? host->public_address : host->private_address,
		.user = STR("root"),
		.folder = account->folder,
		.key = key,
		.host_key = remnant->host_key,
		.environment = account->environment,
		.cancel = account->cancel,
	};
	if (machine != host) {
		options.jump_address = options.address;
		options.jump_host_key = options.host_key;
		struct ssh_options first = options;
		first.jump_address = (struct str){NULL, 0};
		if (!learn_host_key(account, &first, machine->private_address, &options.host_key, failure))
			return NULL;
		options.address = machine->private_address;
	}
	struct ssh *ssh = ssh_new(&options);
	char **argv = ssh_command_line(ssh, failure->arena, command, !command && isatty(STDIN_FILENO), &error);
	ssh_free(ssh);
	if (!argv)
		refuse(failure, error);
	return argv;
}
