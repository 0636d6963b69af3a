/* What is read from distcc's logs and state files, and what is written for it. */
#include "fleet.h"

#include "base/arena.h"
#include "distcc/call.h"
#include "distcc/jobs.h"
#include "runtime/canary.h"
#include "runtime/distcc.h"

#include <sys/stat.h>
#include <sys/wait.h>

static void
hosts_that_are_ready(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct host hosts[] = {
		{.address = STR("127.0.0.2:41001"), .slots = 2, .ready = true},
		{.address = STR("127.0.0.3:41002"), .slots = 2},
		{.address = STR("127.0.0.4:41003"), .slots = 1, .ready = true},
	};
	assert_text(distcc_hosts(&arena, hosts, 3, false), "127.0.0.2:41001/2 127.0.0.4:41003/1");
	assert_text(distcc_hosts(&arena, hosts, 3, true), "127.0.0.2:41001/2,lzo 127.0.0.4:41003/1,lzo");
	assert_text(distcc_hosts(&arena, hosts, 0, false), "");
	arena_free(&arena);
}

static const char *
write_file(struct arena *arena, const char *text)
{
	struct str error;
	const char *path = str_printf(arena, "/tmp/edcc-test-%d.log", getpid()).s;
	assert_true(os_write_atomic(arena, path, str_from(text), 0600, &error));
	return path;
}

static struct distcc_log *
read_log(const char *text)
{
	struct distcc_log *log = distcc_log_open(STR(""));
	assert_non_null(log);
	distcc_log_take(log, str_from(text));
	return log;
}

static void
a_host_counts_compiles(void **state)
{
	(void)state;
	struct arena arena = {0};
	const char *path = write_file(&arena,
		"distccd[1] (dcc_job_summary) client: 127.0.0.1:38252 OTHER exit:0 sig:0 core:0 ret:108 time:0ms \n"
		"distccd[1] (dcc_job_summary) client: 127.0.0.1:38252 COMPILE_OK exit:0 sig:0 core:0 ret:0 time:14ms gcc-12 "
		"edcc-canary.c\n"
		"distccd[1] (dcc_job_summary) client: 127.0.0.1:38252 COMPILE_OK exit:0 sig:0 core:0 ret:0 time:14ms gcc-12 a.c\n"
		"distccd[1] compile from COMPILE_OK to b.o\n"
		"distccd[1] (dcc_job_summary) client: 127.0.0.1:38252 COMPILE_ERROR exit:1 sig:0 core:0 ret:0 time:9ms gcc-12 b.c\n"
		"distccd[1] (dcc_job_summary) client: 127.0.0.1:38252 COMPILE_OK exit:0 sig:0 core:0 ret:0 time:1");
	assert_int_equal(distcc_count_host(path, CANARY_SOURCE), 3);
	unlink(path);
	assert_int_equal(distcc_count_host(path, CANARY_SOURCE), 0);
	arena_free(&arena);
}

static void
assert_local(const char *log, uint64_t count, uint64_t fallbacks, const char *reasons, const char *others)
{
	struct arena arena = {0};
	struct distcc_log *read = read_log(log);
	const struct local_compiles *local = distcc_log_read(read);
	const struct map *maps[] = {&local->reasons, &local->others};
	const char *expected[] = {reasons, others};
	assert_int_equal(local->count, count);
	assert_int_equal(local->fallbacks, fallbacks);
	for (size_t m = 0; m < 2; m++) {
		struct buf text = buf_new(&arena);
		for (uint32_t i = 0; i < maps[m]->count; i++)
			buf_printf(&text, "%s%d %.*s", i ? ", " : "", (int)*(uint64_t *)maps[m]->entries[i].value,
				STR_ARG(maps[m]->entries[i].key));
		assert_text(buf_str(&text), expected[m]);
	}
	distcc_log_close(read);
	arena_free(&arena);
}

#define CALL(arguments) "distcc[7] exec on localhost: " arguments "\n"

static void
local_calls_have_reasons(void **state)
{
	(void)state;
	assert_local("", 0, 0, "", "");
	assert_local("distcc[7] exec on 127.0.0.2:41001/2: gcc-12 -c a.c -o a.o\ndistcc[7] cpp a.c on localhost completed ok\n", 0,
		0, "", "");
	assert_local(CALL("gcc-12 -march=native -c a.c -o a.o") CALL("gcc-12 -c b.c -march=native")
			     CALL("gcc-12 -mtune=native -c c.c"),
		3, 0, "2 -march=native, 1 -mtune=native", "");
	assert_local(CALL("gcc-12 -flto=auto -flto -c a.c"), 1, 0, "1 -flto", "");
	assert_local(CALL("gcc-12 -fprofile-use=x.prof -c a.c") CALL("gcc-12 --coverage -c a.c"), 2, 0,
		"1 -fprofile-use, 1 --coverage", "");
	assert_local(CALL("gcc-12 -Wa,-al=x.lst -c a.c") CALL("gcc-12 -Wa,--noexecstack -c a.s"), 2, 0,
		"1 -Wa,-a, 1 assembler source", "");
	assert_local(CALL("gcc-12 -c a.S -o a.o"), 1, 0, "1 assembler source", "");
	assert_local(CALL("gcc-12 -include x.c -c a.c"), 1, 0, "1 with several inputs", "");
	assert_local(CALL("gcc-12 -include a.h -c a.c"), 1, 0, "1 no reason given by distcc", "");
	assert_local(CALL("g++-12 -c a.hpp -o a.hpp.gch"), 1, 0, "1 precompiled header", "");
	assert_local(CALL("gcc-12 -fprofile-arcs -c a.c") CALL("gcc-12 -ftest-coverage -c a.c") CALL("gcc-12 -specs=x -c a.c") CALL(
			     "gcc-12 -dr -c a.c") CALL("clang -fprofile-instr-use=x -c a.c") CALL("gcc-12 -mcpu=native -c a.c"),
		6, 0, "1 -fprofile-arcs, 1 -ftest-coverage, 1 -specs=, 1 -dr, 1 -fprofile-instr-use, 1 -mcpu=native", "");
	/* What front.sh keeps here. */
	assert_local(CALL("gcc-12 -g -gsplit-dwarf -c a.c") CALL("gcc-12 -save-temps=obj -c a.c")
			     CALL("gcc-12 -fdump-tree-all -c a.c") CALL("gcc-12 -fstack-usage -c a.c")
				     CALL("g++-12 -fmodules-ts -c a.cc") CALL("clang++ -fmodule-file=x -c a.cc"),
		6, 0, "1 -gsplit-dwarf, 1 -save-temps, 1 -fdump-, 1 -fstack-usage, 2 modules", "");
	assert_local(CALL("g++-12 -c -x c++-header a.cc -o a.gch") CALL("gcc-12 -c a.c -fopt-info-vec=x")
			     CALL("gcc-12 -c a.c -fopt-info-vec -fsanitize-ignorelist=x")
				     CALL("clang -Xclang -include-pch -Xclang x -c a.c")
					     CALL("gcc-12 -c a.c -finput-charset=UTF-8 -finput-charset=latin1"),
		5, 0,
		"1 precompiled header, 1 -fopt-info-, 1 a list of a sanitizer, 1 -Xclang -include-pch, 1 -finput-charset=", "");
	/* A language that distcc does not send keeps a call here, and so does its own way to read `-xc`; `-x c` never does. */
	assert_local(CALL("gcc-12 -c -o a.o -x c -") CALL("gcc-12 -x assembler-with-cpp -c a.sx") CALL("gcc-12 -xc -c a.c")
			     CALL("gcc-12 -x c -c a.txt") CALL("gcc-12 -x c -c a.s") CALL("gcc-12 -c a.c -x"),
		6, 0, "1 standard input, 2 with -x, 1 no source that distcc knows, 1 assembler source, 1 no reason given by distcc",
		"");
	assert_local(CALL("gcc-12 -c a.c -o -"), 1, 0, "1 output to standard output", "");
	assert_local(CALL("gcc-12 -O2 -o prog a.c b.c"), 1, 0, "1 compiled and linked in one call", "");
	assert_local(CALL("gcc-12 -o prog.c a.o b.o -lm") CALL("gcc-12 -shared -o l.so a.o"), 0, 0, "", "2 linking");
	assert_local(CALL("gcc-12 -E a.c") CALL("gcc-12 -MM a.c") CALL("gcc-12 -MM -MF x.c a.c"), 0, 0, "",
		"1 preprocessing only, 2 dependencies only");
	assert_local(CALL("gcc-12 --preprocess a.c") CALL("gcc-12 --dependencies a.c") CALL("gcc-12 -fsyntax-only a.c")
			     CALL("gcc-12 -### a.c -o a"),
		0, 0, "", "1 preprocessing only, 1 dependencies only, 1 checking the syntax, 1 asking the compiler");
	assert_local(CALL("gcc-12 --preprocess -c a.c") CALL("gcc-12 -fsyntax-only -c a.c") CALL("gcc-12 --dump a -c a.c")
			     CALL("gcc-12 --language=c -c a.c") CALL("clang -Xclang -DA -c a.c") CALL("clang -mllvm -licm -c a.c"),
		6, 0, "1 --preprocess, 1 -fsyntax-only, 1 --dump, 1 --language=, 1 -Xclang, 1 -mllvm -l", "");
	assert_local(CALL("gcc-12 -c conftest.c") CALL("gcc-12 -o conftest conftest.c -lm"), 0, 0, "", "2 configure test");
	assert_local(CALL("gcc-12 --version") CALL("gcc-12 -dumpmachine") CALL("gcc-12 -v"), 0, 0, "", "3 asking the compiler");
	assert_local(CALL("gcc-12 -c a.c"), 1, 0, "1 no reason given by distcc", "");
}

static void
answers_of_hosts_are_counted(void **state)
{
	(void)state;
	struct distcc_log *read =
		read_log("distcc[7] exec on 127.0.0.2:41001/2: gcc-12 -c a.c -o a.o\n"
			 "distcc[7] cpp a.c on localhost completed ok\n"
			 "distcc[7] compile a.c on 127.0.0.2:41001/2 completed ok\n"
			 "distcc[8] ERROR: compile b.c on 127.0.0.3:41002/2 failed with exit code 1\n"
			 "distcc[9] compile (null) on localhost completed ok\n"
			 "distcc[11] cpp e.c on localhost failed\n"
			 "distcc[11] ERROR: compile e.c on 127.0.0.3:41002/2 failed\n"
			 "distcc[10] Warning: failed to distribute d.c to 127.0.0.2:41001/2, running locally instead\n");
	const struct local_compiles *local = distcc_log_read(read);
	assert_int_equal(local->remote, 2);
	assert_int_equal(local->answers.count, 2);
	assert_int_equal(*(uint64_t *)map_get(&local->answers, STR("127.0.0.2:41001")), 1);
	assert_int_equal(*(uint64_t *)map_get(&local->answers, STR("127.0.0.3:41002")), 1);
	distcc_log_close(read);
}

/* Clients write in turns: a failure belongs to the client whose pid it has. */
static void
fallbacks_name_the_host(void **state)
{
	(void)state;
	assert_local("distcc[7] Warning: failed to distribute a.c to 127.0.0.2:41001/2, running locally instead\n"
		     "distcc[8] exec on localhost: gcc-12 -march=native -c b.c\n"
		     "distcc[7] exec on localhost: gcc-12 -c a.c -o a.o\n"
		     "distcc[7] (dcc_exit) exit: code 0; self: 0.0 user\n"
		     "distcc[7] exec on localhost: gcc-12 -c -march=native a.c -o a.o\n"
		     "distcc[9] Warning: failed to distribute, running locally instead\n"
		     "distcc[9] exec on localhost: gcc-12 -c c.c\n",
		4, 2, "2 -march=native, 1 given up at 127.0.0.2, 1 with no host to ask", "");
}

/* --- state files --- */

static void
put_state(struct arena *arena, const char *folder, pid_t pid, size_t size, const char *file, int phase)
{
	unsigned char bytes[296] = {0};
	uint64_t head[] = {296, 0x44494800, (uint64_t)pid};
	int tail[] = {3, phase};
	struct str error;
	memcpy(bytes, head, sizeof head);
	strcpy((char *)bytes + 24, file);
	strcpy((char *)bytes + 152, "127.0.0.2");
	memcpy(bytes + 280, tail, sizeof tail);
	struct str path = str_printf(arena, "%s/state/binstate_%d", folder, pid);
	assert_true(os_write_atomic(arena, path.s, (struct str){(char *)bytes, size}, 0600, &error));
}

static void
state_files_are_read_with_care(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct fleet *fleet = fleet_new(0);
	struct distcc_job jobs[8];
	struct str error;
	assert_int_equal(distcc_jobs_now(fleet->dir, jobs, 8), 0);
	assert_true(os_make_folders(&arena, str_printf(&arena, "%s/state", fleet->dir).s, false, &error));
	pid_t dead = fork();
	if (dead == 0)
		_exit(0);
	waitpid(dead, NULL, 0);
	put_state(&arena, fleet->dir, getpid(), 296, "a.c", 5);
	put_state(&arena, fleet->dir, dead, 296, "dead.c", 5);
	put_state(&arena, fleet->dir, getppid(), 200, "torn.c", 5);
	put_state(&arena, fleet->dir, 1, 296, "phase.c", 99);
	/* Nobody writes to it. */
	assert_int_equal(mkfifo(str_printf(&arena, "%s/state/binstate_7", fleet->dir).s, 0600), 0);
	assert_int_equal(distcc_jobs_now(fleet->dir, jobs, 8), 1);
	assert_string_equal(jobs[0].file, "a.c");
	assert_string_equal(jobs[0].host, "127.0.0.2");
	assert_int_equal(jobs[0].slot, 3);
	assert_int_equal(jobs[0].phase, 5);
	assert_int_equal(distcc_jobs_now(fleet->dir, jobs, 0), 0);
	arena_free(&arena);
	fleet_free(fleet);
}

static void
native_flags_are_counted(void **state)
{
	(void)state;
	struct distcc_log *read = read_log(
		"distcc[7] (edcc) gcc-12 -march=native is -march=skylake -mavx2\ndistcc[7] (edcc) resolved gcc-12 -march=native\n"
		"distcc[8] (edcc) resolved gcc-12 -march=native\n"
		"distcc[9] (edcc) clang -mcpu=native stays here: a b differ\ndistcc[9] (edcc) what this may be\n");
	const struct local_compiles *local = distcc_log_read(read);
	assert_int_equal(local->count, 0);
	assert_int_equal(local->natives.count, 2);
	const struct native *gcc = map_get(&local->natives, STR("gcc-12 -march=native"));
	const struct native *clang = map_get(&local->natives, STR("clang -mcpu=native"));
	assert_int_equal(gcc->count, 2);
	assert_text(gcc->flags, "-march=skylake -mavx2");
	assert_int_equal(clang->count, 0);
	assert_text(clang->why, "a b differ");
	distcc_log_close(read);
}

static void
assert_failures(const char *lines, uint64_t theirs, uint64_t ours)
{
	struct distcc_log *log = read_log("distcc[7] exec on 127.0.0.2:41001/2,lzo: gcc-12 -c a.c -o a.o\n");
	distcc_log_take(log, str_from(lines));
	struct distcc_failures failures = distcc_failures_of(distcc_log_read(log), STR("127.0.0.2:41001"));
	assert_int_equal(failures.theirs, theirs);
	assert_int_equal(failures.ours, ours);
	distcc_log_close(log);
}

#define FALLS_BACK "distcc[7] Warning: failed to distribute a.c to 127.0.0.2:41001/2,lzo, running locally instead\n"
#define GOES_ON "distcc[7] exec on 127.0.0.3:41002/2: gcc-12 -c a.c -o a.o\n"

static void
failures_are_theirs_or_ours(void **state)
{
	(void)state;
	assert_failures("", 0, 0);
	assert_failures("distcc[7] compile a.c on 127.0.0.2:41001/2,lzo completed ok\n" GOES_ON, 0, 0);
	assert_failures("distcc[7] (dcc_readx) ERROR: failed to read: Connection reset by peer\n" FALLS_BACK, 1, 0);
	assert_failures(GOES_ON, 1, 0);
	assert_failures("distcc[7] ERROR: compile a.c on 127.0.0.2:41001/2,lzo: Killed\n" FALLS_BACK, 1, 0);
	assert_failures("distcc[7] (dcc_build_somewhere) ERROR: failed to distribute and fallbacks are disabled\n", 1, 0);
	assert_failures("distcc[7] cpp a.c on localhost: Killed\ndistcc[7] ERROR: compile a.c on 127.0.0.2:41001/2,lzo: "
			"Killed\n" FALLS_BACK,
		0, 1);
	assert_failures("distcc[7] (dcc_pump_readwrite) ERROR: failed to write: No space left on device\n" GOES_ON, 0, 1);
	assert_failures("distcc[7] (dcc_r_file) ERROR: failed to create a.o: Permission denied\n" GOES_ON, 0, 1);
	/* Of another client, or after the first had its answer. */
	assert_failures("distcc[8] cpp b.c on localhost: Killed\n" GOES_ON, 1, 0);
	assert_failures(
		"distcc[7] cpp a.c on localhost failed\ndistcc[7] ERROR: compile a.c on 127.0.0.2:41001/2,lzo failed\n" GOES_ON, 0,
		0);
}

static void
a_log_is_read_as_it_grows(void **state)
{
	(void)state;
	struct arena arena = {0};
	const char *path = str_printf(&arena, "/tmp/edcc-test-%d.log", getpid()).s;
	struct distcc_log *log = distcc_log_open(str_from(path));
	assert_int_equal(distcc_log_read(log)->count, 0);
	FILE *file = fopen(path, "we");
	fputs(CALL("gcc-12 -c a.c -march=native"), file);
	fflush(file);
	assert_int_equal(distcc_log_read(log)->count, 1);
	fputs("distcc[7] exec on local", file);
	fflush(file);
	assert_int_equal(distcc_log_read(log)->count, 1);
	fputs("host: gcc-12 -c b.c\n", file);
	fclose(file);
	assert_int_equal(distcc_log_read(log)->count, 2);
	distcc_log_close(log);
	unlink(path);
	arena_free(&arena);
}

/* What comes from a HOST does not say when a client ends: none is kept that has had its answer. */
static void
a_long_log_takes_no_longer(void **state)
{
	(void)state;
	struct distcc_log *log = read_log("");
	int64_t began = os_now_ms();
	for (int pid = 1; pid <= 100000; pid++) {
		char line[80];
		int n = snprintf(line, sizeof line, "distcc[%d] compile a.c on 127.0.0.2:41001/2 completed ok", pid);
		distcc_log_take(log, (struct str){line, (size_t)n});
	}
	assert_int_equal(distcc_log_read(log)->remote, 100000);
	/* It takes a tenth of a second; with a walk over all who came before, ten. */
	assert_true(os_now_ms() - began < 3000);
	distcc_log_close(log);
}

/* --- the environment --- */

static const char *
value_of(const struct map *map, const char *name)
{
	return map_get(map, str_from(name));
}

static void
the_environment_of_a_recipe(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(2);
	fleet->project.cached = true;
	fleet->project.cache.dir = STR("cache");
	fleet_open(fleet);
	fleet->run.hosts[0] = (struct host){.name = STR("127.0.0.2"), .address = STR("127.0.0.2:41001"), .slots = 2, .ready = true};
	fleet->plan->jobs = 6;
	fleet->project.distcc.local_slots = 2;
	struct map map = map_new(&fleet->arena);
	*map_at(&map, STR("DISTCC_HOSTS")) = "elsewhere";
	distcc_environment(&fleet->run, &fleet->arena, &map);
	assert_string_equal(value_of(&map, "CC"), "ccache gcc");
	assert_string_equal(value_of(&map, "CXX"), "ccache g++");
	assert_string_equal(value_of(&map, "JOBS"), "6");
	assert_string_equal(value_of(&map, "CCACHE_PREFIX"), "distcc");
	assert_string_equal(value_of(&map, "CCACHE_DIR"), str_printf(&fleet->arena, "%s/cache", fleet->dir).s);
	assert_string_equal(value_of(&map, "CCACHE_MAXSIZE"), "5242880Ki");
	assert_null(value_of(&map, "DISTCC_HOSTS"));
	assert_null(value_of(&map, "DISTCC_SSH"));
	assert_string_equal(value_of(&map, "EDCC_HOSTS"), "127.0.0.2");
	assert_string_equal(value_of(&map, "DISTCC_IO_TIMEOUT"), "60");
	assert_string_equal(value_of(&map, "DISTCC_FALLBACK"), "1");
	assert_string_equal(value_of(&map, "DISTCC_PAUSE_TIME_MSEC"), "20");
	assert_null(value_of(&map, "DISTCC_VERBOSE"));
	assert_null(value_of(&map, "DISTCC_SAVE_TEMPS"));
	fleet->project.distcc.verbose = fleet->project.distcc.save_temps = true;
	map = map_new(&fleet->arena);
	struct distcc_client elsewhere = {.folder = STR("/distcc"), .log = STR("/distcc/log"), .temps = STR("/distcc/temps")};
	distcc_client_environment(&fleet->run, &fleet->arena, &elsewhere, &map);
	assert_string_equal(value_of(&map, "DISTCC_VERBOSE"), "1");
	assert_string_equal(value_of(&map, "DISTCC_SAVE_TEMPS"), "1");
	assert_string_equal(value_of(&map, "TMPDIR"), "/distcc/temps");
	fleet->run.hosts[0].ready = false;
	map = map_new(&fleet->arena);
	distcc_environment(&fleet->run, &fleet->arena, &map);
	assert_string_equal(value_of(&map, "CCACHE_PREFIX"), "distcc");
	assert_string_equal(value_of(&map, "EDCC_HOSTS"), "");
	fleet_free(fleet);
}

/* --- the hosts file --- */

static void
assert_hosts_file(struct fleet *fleet, const char *expected)
{
	struct str text = {0}, error;
	const char *path = str_printf(&fleet->arena, "%.*s/hosts", STR_ARG(distcc_client_folder(&fleet->arena, &fleet->run))).s;
	assert_true(os_read(&fleet->arena, path, 4096, &text, &error));
	assert_text(text, expected);
}

static void
the_hosts_file_follows_the_fleet(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(2);
	struct str error;
	fleet->project.distcc.local_slots = 2;
	fleet_open(fleet);
	struct host *hosts = fleet->run.hosts;
	hosts[0].address = STR("127.0.0.2:41001");
	hosts[1].address = STR("127.0.0.3:41002");
	hosts[0].slots = hosts[1].slots = 4;
	run_host_ready(&fleet->run, &hosts[0]);
	assert_int_equal(fleet->events[0].kind, EVENT_WARNING);
	assert_text(fleet->events[0].hint, "distcc keeps to the hosts it knew; make room there");
	assert_true(os_make_folders(&fleet->arena, distcc_client_folder(&fleet->arena, &fleet->run).s, true, &error));
	run_host_ready(&fleet->run, &hosts[1]);
	assert_hosts_file(fleet, "--localslots=2 --localslots_cpp=4 127.0.0.2:41001/4 127.0.0.3:41002/4\n");
	run_host_out(&fleet->run, &hosts[0], STR("it burns"));
	assert_hosts_file(fleet, "--localslots=2 --localslots_cpp=4 127.0.0.3:41002/4\n");
	run_host_out(&fleet->run, &hosts[1], STR("it burns"));
	assert_hosts_file(fleet, "--localslots=2 --localslots_cpp=4\n");
	fleet_free(fleet);
}

static void
files_go_by_their_names(void **state)
{
	static const struct {
		const char *name;
		enum distcc_file file;
	} files[] = {
		{"a.c", DISTCC_FILE_SOURCE},
		{"/b.d/a.b.c++", DISTCC_FILE_SOURCE},
		{".C", DISTCC_FILE_SOURCE},
		{"a.s", DISTCC_FILE_ASSEMBLER},
		{"a.H", DISTCC_FILE_HEADER},
		{"a.lo", DISTCC_FILE_OBJECT},
		{"c", DISTCC_FILE_OTHER},
		{"a.c/b", DISTCC_FILE_OTHER},
		{"a.", DISTCC_FILE_OTHER},
		{"", DISTCC_FILE_OTHER},
	};
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		assert_int_equal(distcc_file_of(str_from(files[i].name)), files[i].file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_go_by_their_names),
		cmocka_unit_test(hosts_that_are_ready),
		cmocka_unit_test(a_host_counts_compiles),
		cmocka_unit_test(local_calls_have_reasons),
		cmocka_unit_test(answers_of_hosts_are_counted),
		cmocka_unit_test(fallbacks_name_the_host),
		cmocka_unit_test(native_flags_are_counted),
		cmocka_unit_test(failures_are_theirs_or_ours),
		cmocka_unit_test(a_log_is_read_as_it_grows),
		cmocka_unit_test(a_long_log_takes_no_longer),
		cmocka_unit_test(state_files_are_read_with_care),
		cmocka_unit_test(the_environment_of_a_recipe),
		cmocka_unit_test(the_hosts_file_follows_the_fleet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
