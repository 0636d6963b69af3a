#include "runtime/canary.h"

#include "runtime/canary_hint.h"
#include "runtime/distcc.h"
#include "runtime/fleet_local.h"
#include "runtime/front.h"
#include "runtime/object.h"
#include "runtime/pump.h"
#include "runtime/speed.h"
#include "runtime/toolchain.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COMPILE_TIMEOUT_MS 60000
#define ANSWER_TIMEOUT_S 30
#define OUTPUT_LIMIT ((size_t)64 << 10)
#define OBJECT_LIMIT ((size_t)16 << 20)
/* The host writes its log line after the client has its answer: how long to wait for it. */
#define LOG_TIMEOUT_MS 2000
#define SPEED_TRIES 3
#define SPEED_BUDGET_MS 200

#define REFERENCE "reference.o"

/* Needs the preprocessor, the optimizer, data and code; no headers, so that a cross compiler without a C library will do. */
const char canary_program[] = "#define SIZE(a) (sizeof(a) / sizeof((a)[0]))\n"
			      "#define FOLD(h, c) (((h) ^ (c)) * 16777619u)\n"
			      "\n"
			      "struct point {\n"
			      "\tdouble x, y;\n"
			      "};\n"
			      "\n"
			      "static const char name[] = __FILE__;\n"
			      "static const struct point square[] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};\n"
			      "\n"
			      "unsigned edcc_canary_hash(void)\n"
			      "{\n"
			      "\tunsigned hash = 2166136261u;\n"
			      "\tfor (unsigned i = 0; i + 1 < SIZE(name); i++)\n"
			      "\t\thash = FOLD(hash, (unsigned char)name[i]);\n"
			      "\treturn hash;\n"
			      "}\n"
			      "\n"
			      "double edcc_canary_area(void)\n"
			      "{\n"
			      "\tdouble sum = 0;\n"
			      "\tfor (unsigned i = 0; i < SIZE(square); i++) {\n"
			      "\t\tstruct point a = square[i], b = square[(i + 1) % SIZE(square)];\n"
			      "\t\tsum += a.x * b.y - b.x * a.y;\n"
			      "\t}\n"
			      "\treturn sum / 2;\n"
			      "}\n";

static const char *
file_in(struct arena *arena, struct str folder, const char *name)
{
	return str_printf(arena, "%.*s/%s", STR_ARG(folder), name).s;
}

/* What was printed, as one line. */
static struct str
one_line(struct arena *arena, struct str text)
{
	struct buf joined = buf_new(arena);
	struct str line;
	while (str_split(&text, '\n', &line)) {
		line = str_trim(line);
		if (line.n)
			buf_printf(&joined, "%s%.*s", joined.n ? "; " : "", STR_ARG(line));
	}
	return buf_str(&joined);
}

/* The compiler as the build's compiles have it when they go to a host: ccache calls it by its path, which distcc sends as it is. */
static struct str
command_sent(struct arena *arena, const struct run *run)
{
	const struct toolchain *toolchain = &run->plan->world->toolchain;
	struct str cc = toolchain->cc;
	if (!run->project->cached)
		return cc;
	return str_printf(arena, "%.*s%.*s", STR_ARG(toolchain->cc_path), STR_ARG(str_part(cc, str_find(cc, ' '), cc.n)));
}

/* Runs `[distcc] gcc-12 -O2 -c edcc-canary.c -o NAME` in the canaries' folder; false with *output what was printed. */
static bool
compile(struct run *run, struct arena *arena, const char *object, const char *const *environment, const struct os_cancel *cancel,
	struct str *output)
{
	char *argv[16];
	size_t n = 0;
	if (environment)
		argv[n++] = str_c(arena, run->plan->world->distcc);
	n += words_argv(arena, command_sent(arena, run), argv + n, 9 - n);
	const char *rest[] = {"-O2", "-c", CANARY_SOURCE, "-o", object, NULL};
	memcpy(&argv[n], rest, sizeof rest);
	struct str folder = fleet_canary_folder(arena, run), error;
	struct os_spawn spawn = {
		.argv = argv,
		.env = fleet_environment(arena, run, environment),
		.dir = folder.s,
		.capture = true,
		.own_group = true,
	};
	int status = 0;
	if (!os_run(arena, &spawn, COMPILE_TIMEOUT_MS, OUTPUT_LIMIT, cancel, &status, output, &error)) {
		*output = error;
		return false;
	}
	*output = one_line(arena, *output);
	return status == 0;
}

/* --- the reference --- */

static bool
compiler_run(struct run *run, const struct action *action, struct failure *failure)
{
	(void)action;
	struct arena arena = {0};
	const struct toolchain *toolchain = &run->plan->world->toolchain;
	struct str folder = fleet_canary_folder(&arena, run), text;
	bool done = os_write_atomic(&arena, file_in(&arena, folder, CANARY_SOURCE), str_from(canary_program), 0644, &text);
	if (!done) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(text));
		failure_hint(failure, "the run's folder must be writable and have room");
	} else if (!compile(run, &arena, REFERENCE, NULL, &run->cancel, &text)) {
		done = false;
		failure_set(failure, EXIT_STATUS_PROVIDER, "'%.*s' (%.*s) cannot compile a small file here: %.*s",
			STR_ARG(toolchain->cc), STR_ARG(toolchain->version), STR_ARG(text));
		failure_hint(failure, "try '%.*s -c' on a C file of your own", STR_ARG(toolchain->cc));
	}
	if (done && !front_install(&arena, run, &text)) {
		done = false;
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(text));
	}
	arena_free(&arena);
	return done;
}

const struct action_type action_compiler = {
	.name = "compiler",
	.section = SECTION_SETUP,
	.run = compiler_run,
};

/* --- the proof --- */

struct proof {
	struct arena arena;
	struct run *run;
	struct host *host;
	const struct os_cancel *cancel;
	struct str folder; /* its own, below the canaries': no host's name is then that of another file */
	const char *object, *log; /* in it */
	off_t heard; /* how long the host's own log was before */
	struct str hint; /* the way out, where one is known */
};

/* What stands in the client's log where a distccd has closed the connection; one that refuses us and one that may not run the compiler look alike. */
static const char *const hung_up[] = {
	"failed to write: Connection reset",
	"failed to write: Broken pipe",
	"server provided no answer",
};
#define HUNG_UP \
	"its distccd hung up: its --allow must name this machine, and it must have '%.*s' and may run it (update-distcc-symlinks)"

static struct str
hung_up_by(struct proof *proof, struct str log)
{
	const struct world *world = proof->run->plan->world;
	struct str name = canary_name_sent(log);
	proof->hint = canary_package_hint(&proof->arena, proof->run->project, &world->toolchain, name);
	return str_printf(&proof->arena, HUNG_UP, STR_ARG(name));
}

/* Seconds. What may take no longer for a compile may not for this. */
static int
timeout_of(const struct project *project)
{
	int64_t asked = (project->distcc.io_timeout + 999) / 1000;
	return asked > 0 && asked < ANSWER_TIMEOUT_S ? (int)asked : ANSWER_TIMEOUT_S;
}

/* What the client says went wrong on the host: the last error in its log that is about more than its consequence. */
static struct str
client_says(struct proof *proof)
{
	static const char silent[] = "ERROR: IO timeout", unreached[] = "timeout while connecting to";
	struct str text, line, error, found = STR("distcc gives no reason");
	if (!os_read(&proof->arena, proof->log, OUTPUT_LIMIT, &text, &error))
		return error;
	if (memmem(text.s, text.n, unreached, sizeof unreached - 1))
		return STR("no connection within 4 s"); /* distcc's own bound */
	if (memmem(text.s, text.n, silent, sizeof silent - 1))
		return str_printf(&proof->arena, "no answer within %d s", timeout_of(proof->run->project));
	for (size_t i = 0; proof->host->apart && i < sizeof hung_up / sizeof *hung_up; i++)
		if (memmem(text.s, text.n, hung_up[i], strlen(hung_up[i])))
			return hung_up_by(proof, text);
	while (str_split(&text, '\n', &line)) {
		const char *at = memmem(line.s, line.n, "ERROR: ", 7);
		if (at && !memmem(line.s, line.n, "failed to distribute", 20))
			found = str_part(line, (size_t)(at + 7 - line.s), line.n);
	}
	return found;
}

/* Whether the log has a line with this in it that ends so, from there on. */
static bool
log_has(const char *path, off_t from, const char *inside, struct str end)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool found = false;
	if (!file)
		return false;
	fseeko(file, from, SEEK_SET);
	while (!found && (n = getline(&line, &size, file)) > 0)
		found = strstr(line, inside) && str_ends(str_trim((struct str){line, (size_t)n}), end);
	free(line);
	fclose(file);
	return found;
}

static off_t
size_of(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? status.st_size : 0;
}

/* The host's own log must have the compile: an object alone could have been made anywhere. Where that log is not ours to read, the client's must. */
static bool
log_says(struct proof *proof)
{
	struct arena *arena = &proof->arena;
	if (proof->host->apart) {
		const char *answered = str_printf(arena, "compile " CANARY_SOURCE " on %.*s/", STR_ARG(proof->host->address)).s;
		return log_has(proof->log, 0, answered, STR(" completed ok"));
	}
	const char *path = distcc_host_log(arena, proof->run, proof->host->name).s;
	for (int64_t deadline = os_now_ms() + LOG_TIMEOUT_MS;; poll(NULL, 0, 1)) {
		bool found = log_has(path, proof->heard, " COMPILE_OK ", STR(" " CANARY_SOURCE));
		if (found || os_now_ms() > deadline)
			return found;
	}
}

/* False with what differs. */
static bool
same_object(struct proof *proof, struct str *why)
{
	struct arena *arena = &proof->arena;
	struct str folder = fleet_canary_folder(arena, proof->run), theirs, ours;
	if (!os_read(arena, proof->object, OBJECT_LIMIT, &theirs, why) ||
		!os_read(arena, file_in(arena, folder, REFERENCE), OBJECT_LIMIT, &ours, why))
		return false;
	*why = object_differs(arena, theirs, ours);
	if (!str_eq(object_architecture(arena, theirs), object_architecture(arena, ours)))
		proof->hint = canary_target_hint(arena, proof->run->project, &proof->run->plan->world->toolchain);
	return str_eq(theirs, ours);
}

/* Compiles it on the host alone. */
static bool
compile_there(struct proof *proof, struct str *output)
{
	struct arena *arena = &proof->arena;
	const struct host *host = proof->host;
	struct str folder = proof->folder;
	const char *environment[] = {
		str_printf(arena, "DISTCC_HOSTS=%.*s/1%.*s", STR_ARG(host->address), STR_ARG(host->rest)).s,
		/* One of its own: what fails here must not be remembered against the host. */
		str_printf(arena, "DISTCC_DIR=%.*s", STR_ARG(folder)).s,
		str_printf(arena, "DISTCC_LOG=%s", proof->log).s,
		str_printf(arena, "TMPDIR=%.*s", STR_ARG(folder)).s,
		str_printf(arena, "DISTCC_SSH=%.*s", STR_ARG(distcc_ssh_of_run(proof->run, arena))).s,
		"DISTCC_FALLBACK=0",
		"DISTCC_SKIP_LOCAL_RETRY=1",
		str_printf(arena, "DISTCC_IO_TIMEOUT=%d", timeout_of(proof->run->project)).s,
		NULL,
	};
	return compile(proof->run, arena, proof->object, environment, proof->cancel, output);
}

static bool
prove(struct proof *proof, struct failure *failure)
{
	struct str name = proof->host->name, why = STR("");
	if (!compile_there(proof, &why)) {
		if (!why.n)
			why = client_says(proof);
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s cannot compile a small file: %.*s", STR_ARG(name), STR_ARG(why));
	} else if (!log_says(proof)) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s gave an object back, but %s log does not show the compile",
			STR_ARG(name), proof->host->apart ? "the client's" : "its");
	} else if (!same_object(proof, &why)) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s compiles to another object than this machine: %.*s", STR_ARG(name),
			STR_ARG(why));
	} else {
		return true;
	}
	if (proof->hint.n)
		failure_hint(failure, "%.*s", STR_ARG(proof->hint));
	else if (!proof->host->apart)
		failure_hint(failure, "its log is '%.*s'", STR_ARG(distcc_host_log(&proof->arena, proof->run, name)));
	else if (proof->run->project->hosts.strict)
		failure_hint(failure, "without 'strict = yes' the build goes on without it");
	return false;
}

/* What an earlier proof has left says nothing of this one. */
static bool
begin(struct proof *proof, struct failure *failure)
{
	struct arena *arena = &proof->arena;
	struct str error, name = proof->host->name;
	const char *folder = str_printf(arena, "%.*s/on/%.*s", STR_ARG(fleet_canary_folder(arena, proof->run)), STR_ARG(name)).s;
	proof->folder = str_from(folder);
	proof->object = file_in(arena, proof->folder, "object.o");
	proof->log = file_in(arena, proof->folder, "log");
	proof->heard = size_of(distcc_host_log(arena, proof->run, name).s);
	if (os_remove_tree(arena, folder, &error) && os_make_folders(arena, folder, true, &error))
		return true;
	failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
	return false;
}

bool
canary_prove(struct run *run, struct host *host, const struct os_cancel *cancel, struct failure *failure)
{
	struct proof proof = {.run = run, .host = host, .cancel = cancel};
	bool proved = begin(&proof, failure) && prove(&proof, failure);
	arena_free(&proof.arena);
	return proved;
}

bool
canary_prove_here(struct run *run, const struct os_cancel *cancel)
{
	struct arena arena = {NULL};
	struct str output;
	bool compiled = compile(run, &arena, "here.o", NULL, cancel, &output);
	arena_free(&arena);
	return compiled;
}

/* Where there is a choice between machines. The build waits for it: a host that is slow, or busy, is not asked often. */
static void
time_host(struct run *run, struct host *host)
{
	bool settled = !host->apart || run->host_count < 2 || run->project->machines.randomize;
	struct arena arena = {NULL};
	int64_t until = os_now_ms() + SPEED_BUDGET_MS;
	for (int i = 0; !settled && i < SPEED_TRIES && os_now_ms() < until; i++) {
		int64_t took = speed_measure(host, command_sent(&arena, run), &run->cancel);
		pthread_mutex_lock(&run->mutex);
		if (took && (!host->compile_us || took < host->compile_us))
			host->compile_us = took;
		settled = !took || speed_settled(run->hosts, run->host_count, host);
		pthread_mutex_unlock(&run->mutex);
	}
	arena_free(&arena);
}

/* One that is proved is ready from then on. */
static bool
make_ready(struct run *run, struct host *host, struct failure *failure)
{
	bool proved = canary_prove(run, host, &run->cancel, failure) &&
		      (!run->plan->world->hosts[host - run->hosts].pump || pump_prove(run, host, failure));
	if (proved) {
		time_host(run, host);
		run_host_ready(run, host);
	}
	return proved;
}

static bool
canary_run(struct run *run, const struct action *action, struct failure *failure)
{
	struct host *host = &run->hosts[action->index];
	const struct planned_host *planned = &run->plan->world->hosts[action->index];
	/* A machine that is there already has its address from the plan. */
	if (planned->address.n) {
		pthread_mutex_lock(&run->mutex);
		host->address = planned->address;
		host->rest = planned->rest;
		host->apart = true;
		host->distance = planned->distance;
		pthread_mutex_unlock(&run->mutex);
	}
	return make_ready(run, host, failure);
}

const struct action_type action_canary = {
	.name = "canary",
	.optional = true,
	.section = SECTION_SETUP,
	.run = canary_run,
};

const struct action_type action_canary_strict = {
	.name = "canary_strict",
	.section = SECTION_SETUP,
	.run = canary_run,
};
