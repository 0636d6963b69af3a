/* Finding compilers, on a PATH of made-up ones. */
#include "fleet.h"

#include "base/arena.h"
#include "runtime/toolchain.h"

/* A folder that is the whole PATH, with scripts that answer as compilers do. */
struct path {
	struct fleet *fleet;
	char *before;
};

static void
add_compiler(struct path *path, const char *name, const char *says)
{
	struct str error, file = str_printf(&path->fleet->arena, "%s/%s", path->fleet->dir, name);
	struct str text = str_printf(&path->fleet->arena, "#!/bin/sh\necho 'Target: x86_64-linux-gnu'\necho '%s' >&2\n", says);
	assert_true(os_write_atomic(&path->fleet->arena, file.s, text, 0755, &error));
}

static int
set_up(void **state)
{
	struct path *path = calloc(1, sizeof *path);
	path->fleet = fleet_new(1);
	path->before = strdup(getenv("PATH"));
	setenv("PATH", path->fleet->dir, 1);
	*state = path;
	return 0;
}

static int
tear_down(void **state)
{
	struct path *path = *state;
	setenv("PATH", path->before, 1);
	free(path->before);
	fleet_free(path->fleet);
	free(path);
	return 0;
}

static bool
find(struct path *path, struct toolchain *found)
{
	return toolchain_find(&path->fleet->arena, &path->fleet->project, found, &path->fleet->diags);
}

static void
assert_found(struct path *path, const char *cc, const char *cxx, const char *version)
{
	struct toolchain found;
	if (!find(path, &found))
		fail_msg("%.*s", STR_ARG(fleet_diags(path->fleet)));
	assert_text(found.cc, cc);
	assert_text(found.cxx, cxx);
	assert_text(found.version, version);
	assert_text(found.target, "x86_64-linux-gnu");
}

static void
the_asked_version_is_found(void **state)
{
	struct path *path = *state;
	struct project *project = &path->fleet->project;
	add_compiler(path, "gcc", "gcc version 12.2.0 (Debian 12.2.0-14)");
	add_compiler(path, "gcc-11", "gcc version 11.4.0 (Debian)");
	add_compiler(path, "gcc-12", "gcc version 12.2.0 (Debian 12.2.0-14)");
	assert_found(path, "gcc", "g++", "12.2.0");
	project->compiler = STR("gcc");
	assert_found(path, "gcc", "g++", "12.2.0");
	project->compiler_set.version = STR("11");
	assert_found(path, "gcc-11", "g++-11", "11.4.0");
	project->compiler_set.version = STR("12.2");
	assert_found(path, "gcc-12", "g++-12", "12.2.0");
	project->compiler_set.version = STR("12.2.0");
	assert_found(path, "gcc-12", "g++-12", "12.2.0");
}

/* Where no gcc-12 is there, a plain gcc may be it. */
static void
the_plain_name_will_do(void **state)
{
	struct path *path = *state;
	add_compiler(path, "clang", "Debian clang version 14.0.6");
	path->fleet->project.compiler = STR("clang");
	path->fleet->project.compiler_set.version = STR("14");
	assert_found(path, "clang", "clang++", "14.0.6");
}

static void
targets(void **state)
{
	struct path *path = *state;
	struct project *project = &path->fleet->project;
	add_compiler(path, "x86_64-linux-gnu-gcc-12", "gcc version 12.2.0 (Debian 12.2.0-14)");
	add_compiler(path, "clang-14", "clang version 14.0.6");
	project->compiler = STR("gcc");
	project->compiler_set.version = STR("12");
	project->compiler_set.target = STR("x86_64-linux-gnu");
	assert_found(path, "x86_64-linux-gnu-gcc-12", "x86_64-linux-gnu-g++-12", "12.2.0");
	project->compiler = STR("clang");
	project->compiler_set.version = STR("14");
	assert_found(path, "clang-14 -target x86_64-linux-gnu", "clang++-14 -target x86_64-linux-gnu", "14.0.6");
}

static void
packages(void **state)
{
	struct arena *arena = &((struct path *)*state)->fleet->arena;
	assert_text(toolchain_package(arena, STR("gcc"), STR(""), STR("")), "gcc");
	assert_text(toolchain_package(arena, STR("gcc"), STR("12.2.0"), STR("x86_64-linux-gnu")), "gcc-12-x86-64-linux-gnu");
	assert_text(toolchain_package(arena, STR("clang"), STR("14"), STR("x86_64-linux-gnu")), "clang-14");
}

static void
given_commands(void **state)
{
	struct path *path = *state;
	struct project *project = &path->fleet->project;
	add_compiler(path, "mine", "gcc version 12.2.0");
	project->compiler = STR("gcc");
	project->compiler_set.cc = STR("mine -m32");
	project->compiler_set.cxx = STR("mine++");
	assert_found(path, "mine -m32", "mine++", "12.2.0");
}

static void
assert_missing(struct path *path, const char *expected)
{
	struct toolchain found;
	assert_false(find(path, &found));
	assert_text(fleet_diags(path->fleet), expected);
	diag_clear(&path->fleet->diags);
}

static void
what_is_missing_names_what_is_there(void **state)
{
	struct path *path = *state;
	struct project *project = &path->fleet->project;
	assert_missing(path, "edcc: error: there is no gcc here; nor any other compiler\n"
			     "edcc: hint: install it (on Debian: apt-get install gcc) or ask for one that is there\n");
	add_compiler(path, "gcc", "gcc version 12.2.0 (Debian 12.2.0-14)");
	add_compiler(path, "gcc-12", "gcc version 12.2.0 (Debian 12.2.0-14)");
	add_compiler(path, "gcc-ar", "not a compiler");
	add_compiler(path, "clang-14", "clang version 14.0.6");
	project->compiler = STR("gcc");
	project->compiler_set.version = STR("13");
	assert_missing(path, "edcc: error: there is no gcc 13 here: 'gcc' is 12.2.0; there is gcc 12.2.0 (gcc, gcc-12), clang "
			     "14.0.6 (clang-14)\n"
			     "edcc: hint: install it (on Debian: apt-get install gcc-13) or ask for one that is there\n");
	project->compiler_set.version = STR("1");
	project->compiler_set.target = STR("x86_64-linux-gnu");
	assert_missing(path,
		"edcc: error: there is no gcc 1 for x86_64-linux-gnu here; there is gcc 12.2.0 (gcc, gcc-12), clang 14.0.6 "
		"(clang-14)\n"
		"edcc: hint: install it (on Debian: apt-get install gcc-1-x86-64-linux-gnu) or ask for one that is there\n");
	project->compiler_set = (struct compiler_settings){.cc = STR("clang-14")};
	assert_missing(path,
		"edcc: error: there is no gcc called 'clang-14' here: 'clang-14' is no gcc; there is gcc 12.2.0 (gcc, gcc-12), "
		"clang 14.0.6 (clang-14)\n"
		"edcc: hint: correct 'cc' in the compiler block, or leave it out\n");
}

static void
wrappers_are_passed_over(void **state)
{
	struct path *path = *state;
	struct str error, folder = str_printf(&path->fleet->arena, "%s/wrappers", path->fleet->dir);
	add_compiler(path, "gcc", "gcc version 12.2.0 (Debian 12.2.0-14)");
	add_compiler(path, "ccache", "a cache");
	assert_true(os_make_folders(&path->fleet->arena, folder.s, false, &error));
	assert_int_equal(symlink("../ccache", str_printf(&path->fleet->arena, "%s/gcc", folder.s).s), 0);
	setenv("PATH", str_printf(&path->fleet->arena, "%s:%s", folder.s, path->fleet->dir).s, 1);
	struct toolchain found;
	assert_true(find(path, &found));
	assert_text(found.cc_path, str_printf(&path->fleet->arena, "%s/gcc", path->fleet->dir).s);
}

static void
paths_are_all_names_of_one_program(void **state)
{
	struct path *path = *state;
	struct arena *arena = &path->fleet->arena;
	const char *dir = path->fleet->dir;
	add_compiler(path, "x86_64-linux-gnu-gcc-12", "gcc version 12.2.0");
	add_compiler(path, "x86_64-linux-gnu-gcc", "gcc version 11.4.0");
	assert_int_equal(symlink("x86_64-linux-gnu-gcc-12", str_printf(arena, "%s/gcc-12", dir).s), 0);
	assert_int_equal(symlink("gcc-12", str_printf(arena, "%s/gcc", dir).s), 0);
	struct toolchain found;
	assert_true(find(path, &found));
	assert_text(words_join(arena, toolchain_paths(arena, &found), STR(" ")),
		str_printf(arena, "%s/gcc %s/gcc-12 %s/x86_64-linux-gnu-gcc-12", dir, dir, dir).s);
}

static void
version_parts(void **state)
{
	(void)state;
	assert_true(toolchain_version_fits(STR("12.2.0"), STR("12")));
	assert_true(toolchain_version_fits(STR("12.2.0"), STR("12.2")));
	assert_true(toolchain_version_fits(STR("12.2.0"), STR("12.2.0")));
	assert_false(toolchain_version_fits(STR("12.2.0"), STR("12.20")));
	assert_false(toolchain_version_fits(STR("12.2.0"), STR("1")));
	assert_false(toolchain_version_fits(STR("12"), STR("12.2")));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_asked_version_is_found),
		TEST(the_plain_name_will_do),
		TEST(targets),
		TEST(packages),
		TEST(given_commands),
		TEST(what_is_missing_names_what_is_there),
		TEST(wrappers_are_passed_over),
		TEST(paths_are_all_names_of_one_program),
		cmocka_unit_test(version_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
