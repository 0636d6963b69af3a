/* Artifacts: what goes where, and what cannot. */
#include "fleet.h"

#include "base/arena.h"
#include "runtime/step.h"

static void
put_file(struct fleet *fleet, const char *path, const char *text)
{
	struct str error, whole = str_printf(&fleet->arena, "%s/%s", fleet->dir, path);
	const char *slash = strrchr(whole.s, '/');
	char *folder = str_c(&fleet->arena, str_part(whole, 0, (size_t)(slash - whole.s)));
	assert_true(os_make_folders(&fleet->arena, folder, false, &error));
	assert_true(os_write_atomic(&fleet->arena, whole.s, str_from(text), 0755, &error));
}

static struct fleet *
tree(void)
{
	struct fleet *fleet = fleet_new(0);
	fleet_open(fleet);
	put_file(fleet, "out/prog", "program");
	put_file(fleet, "out/a/x.log", "ax");
	put_file(fleet, "out/b/x.log", "bx");
	put_file(fleet, "out/b/c/y.log", "bcy");
	return fleet;
}

/* Stores one line's artifacts; the message of its failure, and what was stored as "name name …". */
static struct str
store(struct fleet *fleet, const char *patterns, const char *destination, bool succeeded)
{
	struct str rest = str_from(patterns), word;
	struct words words = {arena_array(&fleet->arena, struct str, strlen(patterns)), 0};
	while (str_split(&rest, ' ', &word))
		words.w[words.n++] = word;
	struct artifact_line line = {.patterns = words, .destination = str_from(destination)};
	struct action action = {.name = STR("artifact 1"), .index = 0};
	struct failure failure = {.arena = &fleet->arena};
	fleet->project.artifacts = &line;
	fleet->run.succeeded = succeeded;
	fleet->event_count = 0;
	if (!action_artifact.run(&fleet->run, &action, &failure)) {
		assert_true(failure.hint.n > 0);
		assert_int_equal(failure.status, EXIT_STATUS_BUILD_FAILED);
		return failure.message;
	}
	struct buf text = buf_new(&fleet->arena);
	for (size_t i = 0; i < fleet->event_count; i++)
		if (fleet->events[i].kind == EVENT_ARTIFACT)
			buf_printf(&text, "%s%.*s", text.n ? " " : "", STR_ARG(fleet->events[i].name));
	return buf_str(&text);
}

static void
assert_content(struct fleet *fleet, const char *path, const char *expected)
{
	struct str text = {0}, error = {0};
	if (!os_read(&fleet->arena, str_printf(&fleet->arena, "%s/%s", fleet->dir, path).s, 4096, &text, &error))
		fail_msg("%.*s", STR_ARG(error));
	assert_text(text, expected);
}

static void
names(void **state)
{
	(void)state;
	struct fleet *fleet = tree();
	assert_text(store(fleet, "out/prog", "dist/", true), "dist/prog");
	assert_content(fleet, "dist/prog", "program");
	assert_int_equal(access(str_printf(&fleet->arena, "%s/dist/prog", fleet->dir).s, X_OK), 0);
	/* A new name for one file; a folder that is there stays one. */
	assert_text(store(fleet, "out/prog", "final", true), "final");
	assert_text(store(fleet, "out/prog", "dist", true), "dist/prog");
	assert_text(store(fleet, "out/prog out/a/x.log", "both", true), "both/prog both/x.log");
	/* Base names, but below ** as they are. */
	assert_text(store(fleet, "out/*/*/*.log", "logs/", true), "logs/y.log");
	assert_text(store(fleet, "out/**/*.log", "logs/", true), "logs/a/x.log logs/b/c/y.log logs/b/x.log");
	assert_content(fleet, "logs/b/x.log", "bx");
	assert_text(store(fleet, "out/**", "all", true), "all/a/x.log all/b/c/y.log all/b/x.log all/prog");
	/* A folder goes whole, under its own name. */
	assert_text(store(fleet, "out/b", "kept/", true), "kept/b/c/y.log kept/b/x.log");
	assert_text(store(fleet, "out/b/", "kept", true), "kept/b/c/y.log kept/b/x.log");
	/* Wildcards leave folders alone. */
	assert_text(store(fleet, "out/*", "flat", true), "flat/prog");
	/* Anywhere the user may write. */
	struct str outside = str_printf(&fleet->arena, "%s/absolute/", fleet->dir);
	assert_text(store(fleet, "out/prog", outside.s, true), str_printf(&fleet->arena, "%sprog", outside.s).s);
	fleet_free(fleet);
}

static void
what_cannot_be_stored(void **state)
{
	(void)state;
	struct fleet *fleet = tree();
	assert_text(store(fleet, "out/*/x.log", "logs/", true),
		"two artifacts would be stored as 'logs/x.log': 'out/a/x.log' and 'out/b/x.log'");
	assert_text(store(fleet, "out/*.so", "dist/", true), "no file matches 'out/*.so'");
	assert_text(store(fleet, "out/*.so", "dist/", false), "");
	assert_int_equal(fleet->events[0].kind, EVENT_WARNING);
	assert_text(fleet->events[0].text, "no file matches 'out/*.so'");
	put_file(fleet, "file", "in the way");
	assert_text(store(fleet, "out/prog", "file/", true),
		str_printf(&fleet->arena,
			"cannot store 'out/prog': cannot create the folder '%s/file': something else has its name", fleet->dir)
			.s);
	assert_int_equal(symlink("/dev/full", str_printf(&fleet->arena, "%s/out/full", fleet->dir).s), 0);
	assert_text(store(fleet, "out/full", "dist/", true),
		str_printf(
			&fleet->arena, "cannot store 'out/full': cannot read '%s/out/full': it is a device, not a file", fleet->dir)
			.s);
	assert_text(store(fleet, "out/[", "dist/", true), "cannot read the pattern 'out/[': a '[' has no ']'");
	/* Nothing half-made stays. */
	struct words found = {NULL, 0};
	struct str error;
	assert_true(os_glob(&fleet->arena, fleet->dir, STR("**/.new*"), &found, &error));
	assert_int_equal(found.n, 0);
	fleet_free(fleet);
}

static void
a_bucket_takes_a_cloud(void **state)
{
	(void)state;
	struct fleet *fleet = tree();
	assert_text(store(fleet, "out/prog", "s3://bucket/x/", true), "this edcc knows no cloud");
	fleet_free(fleet);
}

/* --- where the tree comes from --- */

static int
shell(struct fleet *fleet, const char *command)
{
	return system(str_printf(&fleet->arena, "cd %s && exec >log 2>&1 && %s", fleet->dir, command).s);
}

static void
assert_source(struct fleet *fleet, const char *file, const char *expected)
{
	struct str message = (fleet_open(fleet), fleet_run(fleet)), root = source_root(&fleet->arena, &fleet->run), error;
	assert_text(message, "");
	struct str text = {0};
	assert_true(os_read(&fleet->arena, str_printf(&fleet->arena, "%.*s/%s", STR_ARG(root), file).s, 4096, &text, &error));
	assert_text(text, expected);
	fleet_undo(fleet, true);
	assert_false(os_is_folder(str_c(&fleet->arena, root)));
	fleet_free(fleet);
}

#define GIT "git -c user.name=x -c user.email=x@y -c init.defaultBranch=main"
#define MAKE_REPOSITORY                                                                                                    \
	"mkdir repo && cd repo && " GIT " init -q && echo one >f && git add f && " GIT " commit -qm one && git tag v1 && " \
	"git checkout -q -b side && echo two >f && " GIT " commit -qam two && git checkout -q v1"

static struct fleet *
repository(const char *ref)
{
	struct fleet *fleet = fleet_new(0);
	assert_int_equal(shell(fleet, MAKE_REPOSITORY), 0);
	fleet->project.source.git = STR("repo");
	fleet->project.source.ref = str_from(ref);
	return fleet;
}

static void
git_references(void **state)
{
	(void)state;
	assert_source(repository("HEAD"), "f", "one\n");
	assert_source(repository("side"), "f", "two\n");
	assert_source(repository("v1"), "f", "one\n");
	/* An abbreviated commit is not to be had by that name: everything is. */
	struct fleet *fleet = repository("?");
	assert_int_equal(shell(fleet, "git -C repo rev-parse --short side >commit"), 0);
	struct str text, error;
	assert_true(os_read(&fleet->arena, str_printf(&fleet->arena, "%s/commit", fleet->dir).s, 100, &text, &error));
	fleet->project.source.ref = str_trim(text);
	assert_source(fleet, "f", "two\n");
}

static void
assert_no_source(struct fleet *fleet, const char *expected)
{
	fleet_open(fleet);
	struct str message = fleet_run(fleet);
	if (!str_starts(message, str_from(expected)))
		fail_msg("%.*s", STR_ARG(message));
	fleet_undo(fleet, false);
	assert_false(os_is_folder(source_root(&fleet->arena, &fleet->run).s));
	fleet_free(fleet);
}

static void
what_git_cannot_get(void **state)
{
	(void)state;
	assert_no_source(repository("nothing"), "cannot get nothing of 'repo': ");
	assert_no_source(repository("--upload-pack=x"), "cannot get --upload-pack=x of 'repo': neither may begin with '-'");
	struct fleet *fleet = fleet_new(0);
	fleet->project.source.git = STR("nowhere");
	assert_no_source(fleet, "cannot get HEAD of 'nowhere': ");
}

static struct fleet *
archive(const char *make, const char *digest)
{
	struct fleet *fleet = fleet_new(0);
	assert_int_equal(shell(fleet, make), 0);
	fleet->project.source.archive = STR("a.tar.gz");
	fleet->project.source.sha256 = str_from(digest);
	return fleet;
}

#define MAKE_ARCHIVE "mkdir lib-1.0 && echo one >lib-1.0/f && tar -czf a.tar.gz lib-1.0"

static void
archives(void **state)
{
	(void)state;
	assert_source(archive(MAKE_ARCHIVE, ""), "f", "one\n");
	assert_source(archive("mkdir d && echo one >f && tar -czf a.tar.gz d f", ""), "f", "one\n");
	assert_no_source(archive("true", ""), "cannot unpack 'a.tar.gz': there is no such file");
	assert_no_source(archive("echo no archive >a.tar.gz", ""), "cannot unpack 'a.tar.gz': tar: ");
	assert_no_source(archive("echo x >a.tar.gz", "00"),
		"cannot unpack 'a.tar.gz': its sha256 is 73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac, not 00");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(what_cannot_be_stored),
		cmocka_unit_test(a_bucket_takes_a_cloud),
		cmocka_unit_test(git_references),
		cmocka_unit_test(what_git_cannot_get),
		cmocka_unit_test(archives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
