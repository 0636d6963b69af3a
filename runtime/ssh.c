#include "runtime/ssh.h"
#include "base/arena.h"
#include "runtime/ssh_words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An attempt to connect, with key exchange and log-in, and the pauses between attempts: doubled from the first to the last. */
#define ATTEMPT_MS 15000
#define FIRST_PAUSE_MS 100
#define LAST_PAUSE_MS 1000
/* How often to look whether the control connection stands. */
#define LOOK_MS 10
/* What it is left to end by itself, and how long after a command that was lost its own end may come. */
#define END_MS 2000
#define LOST_MS 200
#define OUTPUT_LIMIT ((size_t)1 << 20)
#define WORDS_LIMIT ((size_t)64 << 10)
#define KEY_MS 30000
/* ssh's own status, and a shell's where there is no such program. */
#define STATUS_LOST 255
#define STATUS_NO_PROGRAM 127

/* ssh is started in the folder and all its files have relative names: they need no quoting, and a socket's address has room for 108 bytes only. */
#define CONFIG "ssh_config"
#define KNOWN_HOSTS "known_hosts"
#define IDENTITY "identity"
#define SOCKET "control"
#define CONNECTION_LOG "connection.log"
#define COMMANDS_LOG "commands.log"

struct ssh {
	struct ssh_options options;
	pthread_mutex_t mutex; /* for all of this, and for what is in the folder */
	struct os_process master; /* the control connection; pid -1: there is none */
	int lifeline; /* while there is one, a pipe's writing end: what reads it ends the control connection when it is closed */
};

/* Nothing of the user's or of the system's own configuration is read. */
static const char common[] = "Host *\n"
			     "\tCheckHostIP no\n"
			     "\tCompression no\n"
			     "\tConnectTimeout 5\n"
			     "\tControlMaster no\n"
			     "\tControlPersist no\n"
			     "\tEscapeChar none\n"
			     "\tForwardAgent no\n"
			     "\tGlobalKnownHostsFile none\n"
			     "\tKbdInteractiveAuthentication no\n"
			     "\tLogLevel ERROR\n"
			     "\tPasswordAuthentication no\n"
			     "\tPreferredAuthentications publickey\n"
			     "\tRequestTTY no\n"
			     "\tServerAliveCountMax 3\n"
			     "\tServerAliveInterval 5\n"
			     "\tStrictHostKeyChecking yes\n"
			     "\tUpdateHostKeys no\n"
			     "\tUserKnownHostsFile " KNOWN_HOSTS "\n"
			     "\tVerifyHostKeyDNS no\n";

/* Without a key of the run's own: whatever the user's agent and files have; a person may be asked for a passphrase. */
static const char own_key[] = "\tIdentitiesOnly yes\n"
			      "\tIdentityAgent none\n"
			      "\tIdentityFile " IDENTITY "\n";

/* The control connection dies with us, however we die, and what runs over it dies with it: a child of the shell waits for the end of our pipe.
 * ssh has the shell's process id, and on TERM may sleep on until the other side says something. A parent-death signal would not do: it comes when the
 * thread ends that started the child. */
static const char with_lifeline[] = "exec 3<&0 </dev/null; { read -r end <&3; kill -9 $$; } & exec ssh \"$@\" 3<&-";

static const char *
in_folder(const struct ssh *ssh, struct arena *arena, const char *name)
{
	return str_printf(arena, "%s/%s", ssh->options.folder, name).s;
}

struct ssh *
ssh_new(const struct ssh_options *options)
{
	struct ssh *ssh = calloc(1, sizeof *ssh);
	if (!ssh)
		os_exhausted();
	*ssh = (struct ssh){.options = *options, .master = {-1, -1}};
	pthread_mutex_init(&ssh->mutex, NULL);
	return ssh;
}

void
ssh_set_host_key(struct ssh *ssh, struct str host_key)
{
	pthread_mutex_lock(&ssh->mutex);
	ssh->options.host_key = host_key;
	pthread_mutex_unlock(&ssh->mutex);
}

/* --- what ssh reads --- */

struct machine {
	const char *name;
	struct str address, host_key;
	const char *jump, *socket;
};

static void
add_machine(const struct ssh_options *options, const struct machine *machine, struct buf *config, struct buf *known)
{
	buf_printf(config,
		"Host %s\n\tHostName %.*s\n\tHostKeyAlias %s\n\tUser %.*s\n\tPort %d\n\tProxyJump %s\n\tControlPath %s\n",
		machine->name, STR_ARG(machine->address), machine->name, STR_ARG(options->user), options->port ? options->port : 22,
		machine->jump, machine->socket);
	buf_printf(known, "%s %.*s\n", machine->name, STR_ARG(machine->host_key));
}

static bool
write_config(const struct ssh *ssh, struct arena *arena, struct str *error)
{
	const struct ssh_options *options = &ssh->options;
	const bool jumps = options->jump_address.n;
	const struct machine machine = {"machine", options->address, options->host_key, jumps ? "jump" : "none", SOCKET};
	const struct machine jump = {"jump", options->jump_address, options->jump_host_key, "none", "none"};
	const char *identity = in_folder(ssh, arena, IDENTITY);
	struct buf config = buf_new(arena), known = buf_new(arena);
	add_machine(options, &machine, &config, &known);
	if (jumps)
		add_machine(options, &jump, &config, &known);
	buf_add_c(&config, common);
	if (options->key)
		buf_add_c(&config, own_key);
	if (!os_make_folders(arena, options->folder, true, error))
		return false;
	if (options->key && symlink(options->key, identity) < 0 && errno != EEXIST) {
		*error = str_printf(arena, "cannot make '%s': %s", identity, strerrordesc_np(errno));
		return false;
	}
	return os_write_atomic(arena, in_folder(ssh, arena, CONFIG), buf_str(&config), 0600, error) &&
	       os_write_atomic(arena, in_folder(ssh, arena, KNOWN_HOSTS), buf_str(&known), 0600, error);
}

/* --- what ssh says --- */

/* Why there is no connection. */
static enum ssh_end
explain(const struct ssh *ssh, struct arena *arena, struct str words, struct str *error)
{
	const struct ssh_options *options = &ssh->options;
	struct str denied = str_printf(arena, "@%.*s: Permission denied", STR_ARG(options->jump_address));
	bool at_jump = options->jump_address.n && (ssh_words_have(words, "for jump ") || ssh_words_have(words, denied.s));
	struct str address = at_jump ? options->jump_address : options->address;
	if (ssh_words_have(words, "Host key verification failed")) {
		*error = str_printf(arena, "'%.*s' shows a host key that is not its own (%.*s); nothing was said to it",
			STR_ARG(address), STR_ARG(ssh_words_fingerprint(words)));
		return SSH_REFUSED;
	}
	if (ssh_words_have(words, "Permission denied") || ssh_words_have(words, "Too many authentication failures")) {
		struct str key = options->key ? str_printf(arena, "the key '%s'", options->key) : STR("any key of yours");
		*error = str_printf(
			arena, "'%.*s' does not let '%.*s' in with %.*s", STR_ARG(address), STR_ARG(options->user), STR_ARG(key));
		return SSH_REFUSED;
	}
	struct str cause = words.n ? ssh_words_cause(ssh_words_first(words)) : STR("no answer");
	*error = str_printf(arena, "cannot reach '%.*s' by ssh: %.*s", STR_ARG(address), STR_ARG(cause));
	return SSH_LOST;
}

/* --- the control connection; all with the mutex --- */

static bool
stands(const struct ssh *ssh)
{
	return ssh->master.pid > 0 && !os_has_ended(ssh->master.pid);
}

/* Returns ssh's status. The whole group before the pipe: its reader must not kill what has the process id next. */
static int
disconnect(struct ssh *ssh)
{
	struct arena arena = {0};
	int status = 0;
	if (ssh->master.pid > 0) {
		kill(-ssh->master.pid, SIGTERM);
		for (int64_t until = os_now_ms() + END_MS; !os_has_ended(ssh->master.pid) && os_now_ms() < until;)
			poll(NULL, 0, LOOK_MS);
		kill(-ssh->master.pid, SIGKILL);
		close(ssh->lifeline);
		status = os_wait(&ssh->master);
	}
	/* Where one was killed it is still there, and the next would not be made. */
	unlink(in_folder(ssh, &arena, SOCKET));
	arena_free(&arena);
	return status;
}

static bool
start_master(struct ssh *ssh, struct arena *arena, struct str *error)
{
	/* At a lower level it does not say that the other side is silent. */
	static const char *const argv[] = {"sh", "-c", with_lifeline, "ssh", "-F", CONFIG, "-o", "BatchMode=yes", "-o",
		"LogLevel=INFO", "-N", "-M", "machine", NULL};
	int ends[2];
	const char *log = in_folder(ssh, arena, CONNECTION_LOG);
	unlink(log);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		*error = str_printf(arena, "cannot run 'ssh': %s", strerrordesc_np(errno));
		return false;
	}
	struct os_spawn spawn = {.argv = (char *const *)(uintptr_t)argv,
		.env = ssh->options.environment,
		.dir = ssh->options.folder,
		.input_fd = ends[0],
		.out_path = log,
		.own_group = true};
	ssh->lifeline = ends[1];
	if (os_start(arena, &spawn, &ssh->master, error))
		return true;
	close(ssh->lifeline);
	return false;
}

/* What the control connection had to say. */
static struct str
last_words(const struct ssh *ssh, struct arena *arena)
{
	struct str words = {0}, error;
	return os_read(arena, in_folder(ssh, arena, CONNECTION_LOG), WORDS_LIMIT, &words, &error) ? words : STR("");
}

/* Waits a little; false where it was cancelled. */
static bool
pause_for(const struct os_cancel *cancel, int64_t ms)
{
	struct pollfd wait = {.fd = cancel ? cancel->fd : -1, .events = POLLIN};
	return poll(&wait, 1, (int)ms) <= 0;
}

static enum ssh_end
cancelled(const struct ssh *ssh, struct arena *arena, struct str *error)
{
	*error = str_printf(arena, "what was asked of '%.*s' was cancelled", STR_ARG(ssh->options.address));
	return SSH_CANCELLED;
}

/* The socket is there as soon as the machine has let us in. */
static enum ssh_end
attempt(struct ssh *ssh, struct arena *arena, int64_t until, const struct os_cancel *cancel, struct str *error)
{
	const char *socket = in_folder(ssh, arena, SOCKET);
	disconnect(ssh);
	if (!write_config(ssh, arena, error) || !start_master(ssh, arena, error))
		return SSH_FAILED;
	bool waits = true;
	while (waits && access(socket, F_OK) < 0 && stands(ssh) && os_now_ms() < until)
		waits = pause_for(cancel, LOOK_MS);
	if (waits && access(socket, F_OK) == 0 && stands(ssh))
		return SSH_DONE;
	int status = disconnect(ssh);
	if (!waits)
		return cancelled(ssh, arena, error);
	if (status != STATUS_NO_PROGRAM)
		return explain(ssh, arena, last_words(ssh, arena), error);
	*error = STR("cannot run 'ssh': there is no such program on PATH");
	return SSH_FAILED;
}

enum ssh_end
ssh_connect(struct ssh *ssh, struct arena *arena, int64_t deadline_ms, struct str *error)
{
	int64_t until = os_now_ms() + deadline_ms, pause = FIRST_PAUSE_MS;
	enum ssh_end end = SSH_DONE;
	pthread_mutex_lock(&ssh->mutex);
	while (!stands(ssh)) {
		struct str reason = {0};
		int64_t limit = os_now_ms() + ATTEMPT_MS;
		enum ssh_end last = attempt(ssh, arena, limit < until ? limit : until, ssh->options.cancel, &reason);
		/* What the deadline cuts short knows less than the attempt before it. */
		if (last != SSH_LOST || end == SSH_DONE || os_now_ms() < until) {
			end = last;
			*error = reason;
		}
		/* A machine that is just starting may show its image's host key and have no keys to let us in with yet. */
		if ((last != SSH_LOST && last != SSH_REFUSED) || os_now_ms() + pause >= until)
			break;
		if (!pause_for(ssh->options.cancel, pause)) {
			end = cancelled(ssh, arena, error);
			break;
		}
		pause = pause * 2 < LAST_PAUSE_MS ? pause * 2 : LAST_PAUSE_MS;
	}
	pthread_mutex_unlock(&ssh->mutex);
	return end;
}

void
ssh_free(struct ssh *ssh)
{
	if (!ssh)
		return;
	disconnect(ssh);
	pthread_mutex_destroy(&ssh->mutex);
	free(ssh);
}

/* --- commands --- */

static const struct os_cancel *
cancel_of(const struct ssh *ssh, const struct ssh_call *call)
{
	return call->regardless ? NULL : ssh->options.cancel;
}

/* Sees to it that there is a control connection: one that is gone is tried once. */
static enum ssh_end
reconnect(struct ssh *ssh, struct arena *arena, const struct ssh_call *call, struct str *error)
{
	int64_t limit = call->timeout_ms && call->timeout_ms < ATTEMPT_MS ? call->timeout_ms : ATTEMPT_MS;
	pthread_mutex_lock(&ssh->mutex);
	enum ssh_end end = stands(ssh) ? SSH_DONE : attempt(ssh, arena, os_now_ms() + limit, cancel_of(ssh, call), error);
	pthread_mutex_unlock(&ssh->mutex);
	return end;
}

/* All that starts a command, once there is a connection. What it says on standard error goes to `errors` (-1: that could not be opened, errno says why). */
static enum ssh_end
prepare(struct ssh *ssh, struct arena *arena, const struct ssh_call *call, int errors, struct os_spawn *spawn, struct str *error)
{
	/* A command that finds no control connection must not make one of its own, which nothing would end. */
	const char *const words[] = {"ssh", "-F", CONFIG, "-o", "ProxyCommand=false", "machine", call->command, NULL};
	char **argv = arena_array(arena, char *, sizeof words / sizeof *words);
	memcpy(argv, words, sizeof words);
	*spawn = (struct os_spawn){.argv = argv,
		.env = ssh->options.environment,
		.dir = ssh->options.folder,
		.input_fd = call->input_fd,
		.output_only = true,
		.error_fd = errors,
		.own_group = true};
	bool opened = errors >= 0 && (call->input_fd || !call->input.n || (spawn->input_fd = os_text_fd(call->input)) >= 0);
	enum ssh_end end = opened ? reconnect(ssh, arena, call, error) : SSH_FAILED;
	if (!opened)
		*error = str_printf(arena, "cannot run 'ssh': %s", strerrordesc_np(errno));
	if (end != SSH_DONE && spawn->input_fd > 0)
		close(spawn->input_fd);
	return end;
}

/* What was said on standard error, from its beginning. */
static struct str
said(struct arena *arena, int errors)
{
	char *bytes = arena_text(arena, WORDS_LIMIT);
	ssize_t n = pread(errors, bytes, WORDS_LIMIT, 0);
	return str_trim((struct str){bytes, n > 0 ? (size_t)n : 0});
}

/* Where the control connection has just ended as well, that one knows why. */
static enum ssh_end
explain_lost(struct ssh *ssh, struct arena *arena, struct str words, struct str *error)
{
	pthread_mutex_lock(&ssh->mutex);
	for (int64_t until = os_now_ms() + LOST_MS; stands(ssh) && os_now_ms() < until;)
		poll(NULL, 0, LOOK_MS);
	struct str last = stands(ssh) ? STR("") : last_words(ssh, arena);
	pthread_mutex_unlock(&ssh->mutex);
	struct str cause = ssh_words_cause(ssh_words_last(last.n ? last : words));
	if (!cause.n)
		cause = STR("it ended");
	*error = str_printf(arena, "the connection to '%.*s' is lost: %.*s", STR_ARG(ssh->options.address), STR_ARG(cause));
	return SSH_LOST;
}

static enum ssh_end
run(struct ssh *ssh, struct arena *arena, const struct ssh_call *call, const struct os_spawn *spawn, int *status,
	struct str *output, struct str *error)
{
	int64_t started = os_now_ms();
	const struct os_cancel *cancel = cancel_of(ssh, call);
	if (os_run(arena, spawn, call->timeout_ms, call->limit ? call->limit : OUTPUT_LIMIT, cancel, status, output, error)) {
		*error = said(arena, spawn->error_fd);
		return *status == STATUS_LOST ? explain_lost(ssh, arena, *error, error) : SSH_DONE;
	}
	if (os_cancel_raised(cancel))
		return cancelled(ssh, arena, error);
	if (call->timeout_ms && os_now_ms() - started >= call->timeout_ms)
		*error = str_printf(arena, "'%.*s' did not do what it was asked within %g s", STR_ARG(ssh->options.address),
			(double)call->timeout_ms / 1000);
	return SSH_FAILED;
}

enum ssh_end
ssh_run(struct ssh *ssh, struct arena *arena, const struct ssh_call *call, int *status, struct str *output, struct str *error)
{
	struct os_spawn spawn;
	int errors = os_text_fd(STR(""));
	enum ssh_end end = prepare(ssh, arena, call, errors, &spawn, error);
	if (end == SSH_DONE) {
		spawn.capture = !call->output_path;
		spawn.out_path = call->output_path;
		if (call->output_path)
			unlink(call->output_path);
		end = run(ssh, arena, call, &spawn, status, output, error);
	}
	if (errors >= 0)
		close(errors);
	return end;
}

bool
ssh_start(struct ssh *ssh, struct arena *arena, const struct ssh_call *call, struct os_process *process, struct str *error)
{
	struct os_spawn spawn;
	const char *log = in_folder(ssh, arena, COMMANDS_LOG);
	int errors = os_make_folders(arena, ssh->options.folder, true, error)
			     ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
			     : -1;
	bool started = prepare(ssh, arena, call, errors, &spawn, error) == SSH_DONE;
	spawn.capture = true;
	started = started && os_start(arena, &spawn, process, error);
	if (errors >= 0)
		close(errors);
	return started;
}

/* Where there is no connection to share it is one of its own, which may outlast us. */
char **
ssh_command_line(struct ssh *ssh, struct arena *arena, const char *command, bool terminal, struct str *error)
{
	const char *const words[] = {"env", "-C", ssh->options.folder, "ssh", "-F", CONFIG, terminal ? "-t" : "-T", "-e",
		terminal ? "~" : "none", "machine", command, NULL};
	pthread_mutex_lock(&ssh->mutex);
	bool written = write_config(ssh, arena, error);
	pthread_mutex_unlock(&ssh->mutex);
	char **argv = arena_array(arena, char *, sizeof words / sizeof *words);
	memcpy(argv, words, sizeof words);
	return written ? argv : NULL;
}

bool
ssh_make_key(struct arena *arena, const char *path, struct str comment, struct str *public_key, struct str *error)
{
	int status;
	struct str output;
	const char *public_path = str_printf(arena, "%s.pub", path).s;
	const char *const argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", str_c(arena, comment), "-f", path, NULL};
	struct os_spawn spawn = {.argv = (char *const *)(uintptr_t)argv, .capture = true, .own_group = true};
	/* It would ask before it writes over one. */
	unlink(path);
	unlink(public_path);
	if (!os_run(arena, &spawn, KEY_MS, WORDS_LIMIT, NULL, &status, &output, error))
		return false;
	if (status != 0) {
		*error = str_printf(
			arena, "cannot make the key '%s': %.*s", path, STR_ARG(ssh_words_cause(ssh_words_first(output))));
		return false;
	}
	if (!os_read(arena, public_path, WORDS_LIMIT, public_key, error))
		return false;
	*public_key = str_trim(*public_key);
	return true;
}
