/* Small compiles that show what a host makes of files that it preprocesses itself. */
#include "runtime/pump.h"

#include "base/arena.h"
#include "runtime/canary.h"
#include "runtime/distcc.h"
#include "runtime/fleet_local.h"
#include "runtime/pump_prove.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMPILE_TIMEOUT_MS 60000
#define OUTPUT_LIMIT ((size_t)64 << 10)
/* Of the object: what the headers of some large library come to. */
#define OBJECT_LIMIT ((size_t)64 << 20)
#define ARGUMENTS 16

#define HEADER "edcc-canary.h"
static const char header_text[] = "#define AREA(w, h) ((w) * (h))\n"
				  "static const char header[] = __FILE__;\n";
static const char small_text[] = "#include \"" HEADER "\"\n"
				 "const char *edcc_header(void) { return header; }\n"
				 "int edcc_area(int w, int h) { return AREA(w, h); }\n";

/* One compile in a folder of its own. */
struct small {
	struct run *run;
	struct arena *arena;
	const struct host *host;
	const char *folder;
	bool pump;
	const struct os_cancel *cancel;
};

static const char *
file_in(const struct small *small, const char *name)
{
	return str_printf(small->arena, "%s/%s", small->folder, name).s;
}

/* The client's, for that host alone; what fails must not be remembered against it. */
static char **
environment_of(const struct small *small)
{
	struct arena *arena = small->arena;
	const struct host *host = small->host;
	const char *more[] = {
		str_printf(arena, "DISTCC_HOSTS=%.*s/1%.*s%s", STR_ARG(host->address), STR_ARG(host->rest),
			small->pump ? ",lzo,cpp" : "")
			.s,
		str_printf(arena, "DISTCC_DIR=%s", small->folder).s,
		str_printf(arena, "DISTCC_LOG=%s", file_in(small, "log")).s,
		str_printf(arena, "TMPDIR=%s", small->folder).s,
		str_printf(arena, "DISTCC_SSH=%.*s", STR_ARG(distcc_ssh_of_run(small->run, arena))).s,
		"DISTCC_FALLBACK=0",
		"DISTCC_SKIP_LOCAL_RETRY=1",
		"DISTCC_IO_TIMEOUT=30",
		small->pump ? str_printf(arena, "INCLUDE_SERVER_PORT=%.*s", STR_ARG(small->run->pump->socket)).s : NULL,
		NULL,
	};
	return fleet_environment(arena, small->run, more);
}

static bool
compile(const struct small *small, struct str *why)
{
	struct run *run = small->run;
	struct str error, output;
	char *argv[ARGUMENTS + 8];
	size_t n = 0;
	int status = 0;
	if (small->host)
		argv[n++] = str_c(small->arena, run->plan->world->distcc);
	n += words_argv(small->arena, run->plan->world->toolchain.cc, argv + n, ARGUMENTS - n);
	const char *rest[] = {"-c", CANARY_SOURCE, "-o", "object.o", NULL};
	memcpy(&argv[n], rest, sizeof rest);
	struct os_spawn spawn = {
		.argv = argv,
		.env = small->host ? environment_of(small) : fleet_environment(small->arena, run, NULL),
		.dir = small->folder,
		.capture = true,
		.own_group = true,
	};
	if (!os_run(small->arena, &spawn, COMPILE_TIMEOUT_MS, OUTPUT_LIMIT, small->cancel, &status, &output, &error)) {
		*why = error;
		return false;
	}
	*why = str_trim(str_part(output, 0, str_find(output, '\n')));
	return status == 0;
}

/* Whether it was the host that preprocessed. */
static bool
was_pumped(const struct small *small, struct str *why)
{
	static const char warning[] = "Warning: ";
	struct str text, line;
	if (!os_read(small->arena, file_in(small, "log"), OUTPUT_LIMIT, &text, why))
		return false;
	while (str_split(&text, '\n', &line)) {
		const char *at = memmem(line.s, line.n, warning, sizeof warning - 1);
		if (!at)
			continue;
		*why = str_part(line, (size_t)(at - line.s) + sizeof warning - 1, line.n);
		return false;
	}
	return true;
}

/* What to say where the compiler printed nothing: the last error of distcc's own. */
static void
add_error(const struct small *small, struct str *why)
{
	static const char error[] = "ERROR: ";
	struct str text, line, ignored;
	if (why->n || !small->host || !os_read(small->arena, file_in(small, "log"), OUTPUT_LIMIT, &text, &ignored))
		return;
	*why = STR("distcc gives no reason");
	while (str_split(&text, '\n', &line)) {
		const char *at = memmem(line.s, line.n, error, sizeof error - 1);
		if (at && !memmem(line.s, line.n, "failed to distribute", 20))
			*why = str_part(line, (size_t)(at - line.s) + sizeof error - 1, line.n);
	}
}

bool
pump_compile(struct run *run, struct arena *arena, struct str source, const struct host *host, bool pump,
	const struct os_cancel *cancel, struct str *object, struct str *why)
{
	struct str canaries = fleet_canary_folder(arena, run), ignored;
	struct small small = {run, arena, host, str_printf(arena, "%.*s/pump.XXXXXX", STR_ARG(canaries)).s, pump, cancel};
	if (!mkdtemp((char *)small.folder)) {
		*why = str_printf(arena, "cannot make a folder in '%.*s': %s", STR_ARG(canaries), strerrordesc_np(errno));
		return false;
	}
	bool done = os_write_atomic(arena, file_in(&small, CANARY_SOURCE), source, 0644, why) &&
		    os_write_atomic(arena, file_in(&small, HEADER), STR(header_text), 0644, why);
	if (done && !compile(&small, why)) {
		add_error(&small, why);
		done = false;
	}
	done = done && (!pump || was_pumped(&small, why)) && os_read(arena, file_in(&small, "object.o"), OBJECT_LIMIT, object, why);
	os_remove_tree(arena, small.folder, &ignored);
	return done;
}

bool
pump_make_reference(struct run *run, struct pump *pump, struct failure *failure)
{
	struct arena arena = {NULL};
	struct str object, why;
	bool made = pump_compile(run, &arena, STR(small_text), NULL, false, &run->cancel, &object, &why);
	pthread_mutex_lock(&run->mutex);
	if (made)
		pump->reference = str_dup(&run->arena, object);
	pthread_mutex_unlock(&run->mutex);
	if (!made)
		failure_set(failure, EXIT_STATUS_PROVIDER, "cannot compile a small file with a header here: %.*s", STR_ARG(why));
	arena_free(&arena);
	return made;
}

bool
pump_prove(struct run *run, struct host *host, struct failure *failure)
{
	struct arena arena = {NULL};
	struct str object, why = STR("");
	if (!pump_socket(run))
		return true;
	bool proved = pump_compile(run, &arena, STR(small_text), host, true, &run->cancel, &object, &why);
	if (proved && !str_eq(object, run->pump->reference)) {
		proved = false;
		why = STR("its object is not the one that is made here");
	}
	bool fails = !proved && str_is(run->project->distcc.pump, "yes");
	struct str said = str_printf(&arena, "%.*s cannot preprocess a small file: %.*s", STR_ARG(host->name), STR_ARG(why));
	pthread_mutex_lock(&run->mutex);
	host->pump = proved && !run->pump->over;
	pthread_mutex_unlock(&run->mutex);
	if (fails) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(said));
		failure_hint(failure, "with 'pump = auto' it would be used, and this machine would preprocess");
	} else if (!proved) {
		pump_off(run, said, PUMP_NO " does so from the start");
	}
	arena_free(&arena);
	return !fails;
}
