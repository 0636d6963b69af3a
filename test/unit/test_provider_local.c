/* The fleet on loopback with real daemons. */
#include "fleet.h"

#include "base/arena.h"
#include "runtime/distcc.h"
#include "runtime/distcc_watch.h"
#include "runtime/fleet_local.h"

#include <sys/wait.h>
#include <signal.h>

/* Runs a shell command in the project's folder with the environment of a recipe; its exit status. */
static int
shell(struct fleet *fleet, const char *command)
{
	struct map map = map_new(&fleet->arena);
	struct str output = {0}, error;
	const char *more[64] = {0};
	size_t n = 0;
	int status = -1;
	distcc_environment(&fleet->run, &fleet->arena, &map);
	for (uint32_t i = 0; i < map.count; i++)
		more[n++] = str_printf(&fleet->arena, "%.*s=%s", STR_ARG(map.entries[i].key), (const char *)map.entries[i].value).s;
	struct os_spawn spawn = {
		.argv = (char *[]){"/bin/sh", "-ec", (char *)command, NULL},
		.env = fleet_environment(&fleet->arena, &fleet->run, more),
		.dir = fleet->dir,
		.capture = true,
	};
	assert_true(os_run(&fleet->arena, &spawn, 60000, 1 << 16, NULL, &status, &output, &error));
	if (status)
		print_message("%s: %.*s\n", command, STR_ARG(output));
	return status;
}

static const struct fleet_event *
find_event(const struct fleet *fleet, enum event_kind kind, const char *name)
{
	for (size_t i = 0; i < fleet->event_count; i++)
		if (fleet->events[i].kind == kind && str_is(fleet->events[i].name, name))
			return &fleet->events[i];
	fail_msg("no event %s %s", event_name(kind), name);
	return NULL;
}

static void
assert_nothing_left(struct fleet *fleet)
{
	struct arena arena = {0};
	assert_int_equal(os_end_marked(&arena, fleet->run.mark.s, 100), 0);
	assert_int_equal(access(str_printf(&arena, "%.*s/fleet", STR_ARG(fleet->run.folder)).s, F_OK), -1);
	assert_int_equal(access(str_printf(&arena, "/tmp/edcc-%.*s", STR_ARG(fleet->run.id)).s, F_OK), -1);
	arena_free(&arena);
}

static void
four_hosts_compile_and_are_counted(void **state)
{
	(void)state;
	struct failure failure = {0};
	struct fleet *fleet = fleet_new(4);
	fleet_open(fleet);
	int64_t start = os_now_ms();
	assert_text(fleet_run(fleet), "");
	print_message("four hosts up and proved in %d ms\n", (int)(os_now_ms() - start));
	for (uint32_t i = 0; i < 4; i++)
		assert_true(fleet->run.hosts[i].ready);
	assert_int_equal(
		shell(fleet,
			"for i in 1 2 3 4 5 6 7 8; do echo \"int f$i(void) { return $i; }\" >f$i.c; done;"
			"for i in 1 2 3 4 5 6 7 8; do $CC -O1 -c f$i.c -o f$i.o & done; wait;"
			"echo 'int main(void) { return 0; }' >main.c; echo 'nop' >asm.s;"
			"$CC -march=native -c main.c -o main.o; $CC -c asm.s -o asm.o; $CC -E main.c >main.i;"
			"$CC -o main main.o f?.o asm.o; ./main; test \"$EDCC_HOSTS\" = '127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5'"),
		0);
	failure.arena = &fleet->arena;
	assert_int_equal(distcc_report(&fleet->run, true, &failure), 2);
	assert_int_equal(failure.message.n, 0);
	int64_t hosts = 0;
	for (uint32_t i = 0; i < 4; i++)
		hosts += find_event(fleet, EVENT_COMPILES, str_c(&fleet->arena, fleet->run.hosts[i].name))->number;
	assert_int_equal(hosts, 8);
	const struct fleet_event *here = find_event(fleet, EVENT_COMPILES, "this machine");
	assert_int_equal(here->number, 2);
	assert_text(here->text, "1 -march=native, 1 assembler source");
	assert_text(here->hint, "1 preprocessing only, 1 linking");
	start = os_now_ms();
	fleet_undo(fleet, false);
	print_message("gone in %d ms\n", (int)(os_now_ms() - start));
	assert_nothing_left(fleet);
	fleet_free(fleet);
}

static void
another_compiler_is_refused(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(1);
	fleet_open(fleet);
	assert_text(fleet_run(fleet), "");
	assert_int_equal(shell(fleet, "echo 'int x;' >x.c; DISTCC_FALLBACK=0 distcc c99 -c x.c -o x.o"), 116);
	fleet_undo(fleet, false);
	assert_nothing_left(fleet);
	fleet_free(fleet);
}

/* As after kill -9 between the intent and the answer: pids are not known, a compile is under way. */
static void
undo_needs_no_pid(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(2);
	fleet_open(fleet);
	assert_text(fleet_run(fleet), "");
	fleet_undo(fleet, true);
	assert_nothing_left(fleet);
	/* Twice is as good as once. */
	fleet_undo(fleet, false);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	fleet_free(fleet);
}

static void
a_host_that_dies_is_taken_out(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(2);
	fleet_open(fleet);
	assert_text(fleet_run(fleet), "");
	struct distcc_watch *watch = distcc_watch_start(&fleet->run);
	kill(-fleet->run.hosts[0].pid, SIGKILL);
	for (int64_t deadline = os_now_ms() + 5000; os_now_ms() < deadline;) {
		struct map map = map_new(&fleet->arena);
		distcc_environment(&fleet->run, &fleet->arena, &map);
		if (strcmp(map_get(&map, STR("EDCC_HOSTS")), "127.0.0.3") == 0)
			break;
		usleep(10000);
	}
	distcc_watch_stop(watch);
	assert_false(fleet->run.hosts[0].ready);
	assert_true(fleet->run.hosts[1].ready);
	assert_text(fleet->events[fleet->event_count - 1].text, "out");
	/* Whoever had the old list gets its compile all the same. */
	fleet->run.hosts[0].ready = true;
	assert_int_equal(shell(fleet, "for i in 1 2 3; do echo 'int x;' >x$i.c; DISTCC_FALLBACK=0 $CC -c x$i.c; done"), 0);
	fleet_undo(fleet, false);
	assert_nothing_left(fleet);
	fleet_free(fleet);
}

static void
a_recycled_pid_is_left_alone(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(1);
	struct arena arena = {0};
	struct failure failure = {.arena = &arena};
	fleet_open(fleet);
	pid_t other = fork();
	if (other == 0) {
		setpgid(0, 0);
		pause();
		_exit(0);
	}
	struct str error, text = str_printf(&arena, "{\"pid\":%d,\"start\":1}", other);
	struct json *result = json_read(&arena, text, &error), *params = json_read(&arena, STR("{\"host\":\"127.0.0.2\"}"), &error);
	assert_true(action_distccd.undo(&fleet->run, params, result, &failure));
	assert_int_equal(kill(other, 0), 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	arena_free(&arena);
	fleet_free(fleet);
}

static void
a_daemon_that_dies_says_why(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(1);
	fleet_open(fleet);
	fleet->world.distccd = STR("/bin/false");
	assert_text(fleet_run(fleet), "distccd on 127.0.0.2 ended at its start with status 1");
	fleet_undo(fleet, false);
	assert_nothing_left(fleet);
	fleet_free(fleet);
}

static void
a_canary_tells_another_compiler(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(1);
	fleet_open(fleet);
	/* The daemon runs what its list has under the name: another compiler than the client's. */
	const char *dir = fleet->dir;
	struct str make = str_printf(&fleet->arena,
		"cd %s && mkdir here there && ln -s /usr/bin/gcc-12 here/mycc && printf '#!/bin/sh\nexec gcc-12 -fno-ident "
		"\"$@\"\n' >there/mycc &&"
		"chmod 755 there/mycc",
		dir);
	assert_int_equal(system(make.s), 0);
	fleet->world.toolchain.cc = str_printf(&fleet->arena, "%s/here/mycc", dir);
	fleet->world.toolchain.cc_path = str_printf(&fleet->arena, "%s/there/mycc", dir);
	assert_text(fleet_run(fleet), "127.0.0.2 compiles to another object than this machine: its compiler is another one");
	fleet_undo(fleet, false);
	assert_nothing_left(fleet);
	fleet_free(fleet);
}

static void
without_instances_nothing_is_made(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new(0);
	fleet_open(fleet);
	assert_int_equal(fleet->plan->count, 0);
	assert_int_equal(
		shell(fleet, "test \"$CC\" = gcc && test \"$CXX\" = g++ && test -z \"${DISTCC_HOSTS+set}$EDCC_HOSTS\""), 0);
	fleet_free(fleet);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_hosts_compile_and_are_counted),
		cmocka_unit_test(another_compiler_is_refused),
		cmocka_unit_test(undo_needs_no_pid),
		cmocka_unit_test(a_host_that_dies_is_taken_out),
		cmocka_unit_test(a_recycled_pid_is_left_alone),
		cmocka_unit_test(a_daemon_that_dies_says_why),
		cmocka_unit_test(a_canary_tells_another_compiler),
		cmocka_unit_test(without_instances_nothing_is_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
