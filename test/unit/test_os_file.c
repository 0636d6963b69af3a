#include "base/arena.h"
#include "base/os.h"

#include "test/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct arena arena;
static char home[] = "/tmp/edcc-unit-XXXXXX";

/* Each test stands in an empty folder of its own, as a user whom permissions hold back. */
static int
begin(void **state)
{
	(void)state;
	if (geteuid() == 0 && (setegid(65534) < 0 || seteuid(65534) < 0))
		return -1;
	prctl(PR_SET_DUMPABLE, 1);
	umask(022);
	strcpy(home, "/tmp/edcc-unit-XXXXXX");
	return mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	struct str error;
	bool removed = chdir("/") == 0 && os_remove_tree(&arena, home, &error);
	arena_free(&arena);
	return removed ? 0 : -1;
}

static void
put(const char *path, struct str text)
{
	struct str error = {NULL, 0};
	if (!os_write_atomic(&arena, path, text, 0666, &error))
		assert_text(error, "");
}

static struct str
get(const char *path)
{
	struct str text = {NULL, 0}, error = {NULL, 0};
	if (!os_read(&arena, path, 1 << 20, &text, &error))
		assert_text(error, "");
	return text;
}

static size_t
count_entries(void)
{
	struct words all, hidden;
	struct str error;
	assert_true(os_glob(&arena, "", STR("*"), &all, &error));
	assert_true(os_glob(&arena, "", STR(".*"), &hidden, &error));
	return all.n + hidden.n - 2; /* less . and .. */
}

static void
reading(void **state)
{
	(void)state;
	struct str text, error;
	put("empty", STR(""));
	assert_text(get("empty"), "");
	put("file", STR("a\0b"));
	assert_true(str_eq(get("file"), STR("a\0b")));
	assert_true(os_read(&arena, "file", 3, &text, &error));
	assert_false(os_read(&arena, "file", 2, &text, &error));
	assert_text(error, "cannot read 'file': it is larger than 2 bytes");
	/* A file whose size the system does not tell. */
	assert_true(os_read(&arena, "/proc/self/status", 1 << 20, &text, &error));
	assert_true(str_starts(text, STR("Name:")));
	assert_false(os_read(&arena, "/proc/self/status", 10, &text, &error));
}

static void
refuses_what_is_no_file(void **state)
{
	(void)state;
	struct str text, error;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(listener, (struct sockaddr *)&(struct sockaddr_un){AF_UNIX, "socket"}, sizeof(struct sockaddr_un)), 0);
	assert_int_equal(mkfifo("pipe", 0666), 0);
	assert_int_equal(mkdir("folder", 0777), 0);
	put("secret", STR("x"));
	assert_int_equal(chmod("secret", 0), 0);
	static const struct {
		const char *path, *error;
	} cases[] = {
		{"missing", "cannot read 'missing': No such file or directory"},
		{"folder", "cannot read 'folder': it is a folder"},
		{"pipe", "cannot read 'pipe': it is a named pipe, not a file"},
		{"socket", "cannot read 'socket': it is a socket, not a file"},
		{"/dev/zero", "cannot read '/dev/zero': it is a device, not a file"},
		{"secret", "cannot read 'secret': Permission denied"},
		{"", "cannot read '': No such file or directory"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_false(os_read(&arena, cases[i].path, 100, &text, &error));
		assert_text(error, cases[i].error);
	}
	close(listener);
}

static void
writing(void **state)
{
	(void)state;
	struct stat status;
	struct str error;
	put("file", STR("one"));
	put("file", STR("two"));
	assert_text(get("file"), "two");
	assert_int_equal(stat("file", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0644);
	assert_true(os_write_atomic(&arena, "private", STR("x"), 0600, &error));
	assert_int_equal(stat("private", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(count_entries(), 2);
}

static void
failed_writes_leave_nothing(void **state)
{
	(void)state;
	struct str error;
	char hex[65];
	struct rlimit before, small = {1000, 1000};
	put("from", str_from(memset(str_c(&arena, (struct str){arena_alloc(&arena, 5000), 5000}), 'x', 5000)));
	assert_int_equal(mkdir("folder", 0777), 0);
	assert_int_equal(mkfifo("pipe", 0666), 0);
	assert_int_equal(mkdir("locked", 0555), 0);
	static const struct {
		const char *path, *error;
	} cases[] = {
		{"folder", "cannot write 'folder': it is a folder"},
		{"pipe", "cannot write 'pipe': it is a named pipe, not a file"},
		{"/dev/full", "cannot write '/dev/full': it is a device, not a file"},
		{"locked/x", "cannot write 'locked/x': Permission denied"},
		{"missing/x", "cannot write 'missing/x': No such file or directory"},
		{"from/x", "cannot write 'from/x': Not a directory"},
		{"", "cannot write '': No such file or directory"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_false(os_write_atomic(&arena, cases[i].path, STR("x"), 0666, &error));
		assert_text(error, cases[i].error);
		assert_false(os_copy_atomic(&arena, "from", cases[i].path, hex, NULL, &error));
		assert_text(error, cases[i].error);
	}
	/* The disk is full, as far as the process can tell. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	bool copied = os_copy_atomic(&arena, "from", "to", hex, NULL, &error);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_false(copied);
	assert_text(error, "cannot write 'to': File too large");
	assert_int_equal(count_entries(), 4);
}

static void
copying(void **state)
{
	(void)state;
	struct str error, text;
	struct stat status;
	char hex[65], again[65];
	uint64_t size = 0;
	put("abc", STR("abc"));
	assert_int_equal(chmod("abc", 0751), 0);
	assert_true(os_copy_atomic(&arena, "abc", "copy", hex, &size, &error));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(size, 3);
	assert_int_equal(stat("copy", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0751);
	assert_true(os_hash_file(&arena, "copy", again, &error));
	assert_string_equal(again, hex);
	/* Several blocks, without a hash. */
	size_t large = ((size_t)3 << 20) + 17;
	char *bytes = arena_text(&arena, large);
	for (size_t i = 0; i < large; i++)
		bytes[i] = (char)(i * 2654435761u >> 7);
	put("large", (struct str){bytes, large});
	assert_true(os_copy_atomic(&arena, "large", "copy", NULL, &size, &error));
	assert_int_equal(size, large);
	assert_true(os_read(&arena, "copy", large, &text, &error));
	assert_true(str_eq(text, (struct str){bytes, large}));
	assert_false(os_copy_atomic(&arena, "missing", "copy", hex, &size, &error));
	assert_text(error, "cannot read 'missing': No such file or directory");
	assert_false(os_hash_file(&arena, ".", hex, &error));
	assert_text(error, "cannot read '.': it is a folder");
	assert_int_equal(count_entries(), 3);
}

static void
folders(void **state)
{
	(void)state;
	struct str error;
	struct stat status;
	assert_true(os_make_folders(&arena, "a/b//c/", false, &error));
	assert_true(os_make_folders(&arena, "a/b/c", false, &error));
	assert_true(os_is_folder("a/b/c"));
	assert_int_equal(stat("a", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0755);
	assert_true(os_make_folders(&arena, str_printf(&arena, "%s/p/q", home).s, true, &error));
	assert_int_equal(stat("p", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	put("file", STR(""));
	assert_false(os_make_folders(&arena, "file/x", false, &error));
	assert_text(error, "cannot create the folder 'file': something else has its name");
	assert_int_equal(chmod("p", 0500), 0);
	assert_false(os_make_folders(&arena, "p/x/y", false, &error));
	assert_text(error, "cannot create the folder 'p/x': Permission denied");
	assert_false(os_make_folders(&arena, "", false, &error));
	assert_true(os_make_folders(&arena, "/", false, &error));
	assert_true(os_is_file("file"));
	assert_false(os_is_file("a"));
	assert_false(os_is_file("missing"));
	assert_false(os_is_folder("file"));
}

static void
removing(void **state)
{
	(void)state;
	struct str error;
	assert_true(os_make_folders(&arena, "tree/a/b", false, &error));
	assert_true(os_make_folders(&arena, "outside", false, &error));
	put("outside/kept", STR("x"));
	put("tree/a/file", STR("x"));
	assert_int_equal(symlink("../../outside", "tree/a/link"), 0);
	assert_int_equal(symlink("missing", "tree/dangling"), 0);
	assert_int_equal(mkfifo("tree/pipe", 0), 0);
	put("tree/a/b/deep", STR("x"));
	assert_int_equal(chmod("tree/a/b", 0), 0);
	assert_int_equal(chmod("tree/a", 0555), 0);
	assert_true(os_remove_tree(&arena, "tree/", &error));
	assert_false(os_is_folder("tree"));
	assert_true(os_is_file("outside/kept"));
	assert_true(os_remove_tree(&arena, "tree", &error));
	/* A link goes, not what it leads to. */
	assert_int_equal(symlink("outside", "link"), 0);
	assert_true(os_remove_tree(&arena, "link", &error));
	assert_true(os_is_file("outside/kept"));
	assert_true(os_remove_tree(&arena, "outside/kept", &error));
	assert_int_equal(count_entries(), 1);
}

static void
removing_refused(void **state)
{
	(void)state;
	static const char *const paths[] = {"", "/", "//", ".", "..", "./", "x/..", "x/.", "/.."};
	struct str error;
	assert_int_equal(mkdir("x", 0777), 0);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		assert_false(os_remove_tree(&arena, paths[i], &error));
		assert_text(error, str_printf(&arena, "cannot remove '%s': it is no folder of its own", paths[i]).s);
	}
	put("x/file", STR("x"));
	assert_int_equal(mkdir("locked", 0777), 0);
	assert_int_equal(rename("x", "locked/x"), 0);
	assert_int_equal(chmod("locked", 0555), 0);
	/* What is around the tree keeps its permissions. */
	assert_false(os_remove_tree(&arena, "locked/x", &error));
	assert_text(error, "cannot remove 'locked/x': Permission denied");
}

static void
deep_tree(void **state)
{
	(void)state;
	struct str error;
	struct buf path = buf_new(&arena);
	for (int i = 0; i < 500; i++)
		buf_add_c(&path, "d/");
	assert_true(os_make_folders(&arena, buf_c(&path), false, &error));
	assert_true(os_remove_tree(&arena, "d", &error));
	assert_int_equal(count_entries(), 0);
}

static void
assert_glob(const char *pattern, const char *expected)
{
	struct words found;
	struct str error = {NULL, 0};
	if (!os_glob(&arena, "tree", str_from(pattern), &found, &error))
		assert_text(error, "");
	struct str joined = words_join(&arena, found, STR(" "));
	if (!str_is(joined, expected))
		print_error("pattern: %s\n", pattern);
	assert_text(joined, expected);
}

static void
globbing(void **state)
{
	(void)state;
	static const char *const files[] = {"tree/a.c", "tree/b.c", "tree/B.c", "tree/.hidden.c", "tree/sub/c.c",
		"tree/sub/deep/d.c", "tree/.git/e.c", "tree/[x].c", "tree/\xC3\xA9.c", "other/f.c"};
	struct str error;
	assert_true(os_make_folders(&arena, "tree/sub/deep", false, &error));
	assert_true(os_make_folders(&arena, "tree/.git", false, &error));
	assert_true(os_make_folders(&arena, "other", false, &error));
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		put(files[i], STR(""));
	assert_int_equal(symlink("../other", "tree/link"), 0);
	assert_int_equal(symlink("missing", "tree/dangling.c"), 0);
	assert_int_equal(symlink(".", "tree/loop"), 0);
	static const struct {
		const char *pattern, *found;
	} cases[] = {
		{"*.c", "B.c [x].c a.c b.c dangling.c \xC3\xA9.c"},
		{"?.c", "B.c a.c b.c"},
		{"[a-z].c", "a.c b.c"},
		{"[!a]*.c", "B.c [x].c b.c dangling.c \xC3\xA9.c"},
		{"\\[x\\].c", "[x].c"},
		{".*.c", ".hidden.c"},
		{"a.c", "a.c"},
		{"sub//c.c", "sub/c.c"},
		{"missing.c", ""},
		{"missing/*", ""},
		{"a.c/*", ""},
		{"*/c.c", "sub/c.c"},
		{"*/*/c.c", "loop/sub/c.c"},
		{"link/*.c", "link/f.c"},
		{"../other/*.c", "../other/f.c"},
		{"**/*.c", "B.c [x].c a.c b.c dangling.c sub/c.c sub/deep/d.c \xC3\xA9.c"},
		{"**/**/c.c", "sub/c.c"},
		{"sub/**", "sub/c.c sub/deep sub/deep/d.c"},
		{"**/deep/**/d.c", "sub/deep/d.c"},
		{".git/**", ".git/e.c"},
		{"*/", "link loop sub"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_glob(cases[i].pattern, cases[i].found);
	struct str absolute = str_printf(&arena, "%s/tree/s*/*.c", home);
	assert_glob(absolute.s, str_printf(&arena, "%s/tree/sub/c.c", home).s);
	struct words found;
	assert_true(os_glob(&arena, "", STR("tree/a.*"), &found, &error));
	assert_int_equal(found.n, 1);
}

/* What somebody else lists: as it would, nothing that does not begin with the prefix. */
static bool
list(void *context, struct str prefix, struct words *all, struct str *error)
{
	static const char *const files[] = {
		"a.c", "b.c", ".hidden.c", "sub/c.c", "sub/deep/d.c", ".git/e.c", "[x].c", "sub/.no/f.c"};
	(void)error;
	*(struct str *)context = prefix;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (str_starts(str_from(files[i]), prefix))
			words_add(&arena, all, str_from(files[i]));
	return true;
}

static void
globbing_a_list(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *prefix, *found;
	} cases[] = {
		{"*.c", "", "[x].c a.c b.c"},
		{".*.c", "", ".hidden.c"},
		{"a.c", "a.c", "a.c"},
		{"sub//c.c", "sub/c.c", "sub/c.c"},
		{"sub", "sub", ""},
		{"sub/*.c", "sub", "sub/c.c"},
		{"**/*.c", "", "[x].c a.c b.c sub/c.c sub/deep/d.c"},
		{"**", "", "[x].c a.c b.c sub/c.c sub/deep/d.c"},
		{"sub/**/**/d.c", "sub", "sub/deep/d.c"},
		{".git/**", ".git", ".git/e.c"},
		{"s*/c.c/", "", ""},
		{"\\[x\\].c", "", "[x].c"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct words found;
		struct str error, prefix;
		assert_true(os_glob_listed(&arena, str_from(cases[i].pattern), list, &prefix, &found, &error));
		assert_text(prefix, cases[i].prefix);
		assert_text(words_join(&arena, found, STR(" ")), cases[i].found);
	}
	struct words found;
	struct str error, prefix;
	assert_false(os_glob_listed(&arena, STR("[a"), list, &prefix, &found, &error));
	assert_text(error, "cannot read the pattern '[a': a '[' has no ']'");
}

static void
pouring(void **state)
{
	(void)state;
	struct stat status;
	struct str error, text, abc = STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	int fd = os_text_fd(STR("abc"));
	assert_true(os_pour_atomic(&arena, fd, "poured", 0751, abc, &error));
	assert_true(os_read(&arena, "poured", 10, &text, &error));
	assert_text(text, "abc");
	assert_int_equal(stat("poured", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0751);
	/* What is less is not what was to come, and what was there stays. */
	assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
	assert_false(os_pour_atomic(&arena, fd, "poured", 0600, abc, &error));
	assert_text(error, "cannot write 'poured': what came is not what was to come");
	assert_true(os_read(&arena, "poured", 10, &text, &error));
	assert_text(text, "abc");
	assert_int_equal(count_entries(), 1);
	close(fd);
}

static void
glob_errors(void **state)
{
	(void)state;
	static const struct {
		struct str pattern;
		const char *error;
	} cases[] = {
		{STR(""), "cannot read the pattern '': it is empty"},
		{STR("/"), "cannot read the pattern '/': it names no file"},
		{STR("a[b"), "cannot read the pattern 'a[b': a '[' has no ']'"},
		{STR("[!]"), "cannot read the pattern '[!]': a '[' has no ']'"},
		{STR("locked/*"), "cannot read the folder './locked/': Permission denied"},
	};
	struct words found;
	struct str error;
	assert_int_equal(mkdir("locked", 0), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_false(os_glob(&arena, ".", cases[i].pattern, &found, &error));
		assert_text(error, cases[i].error);
	}
	assert_false(os_glob(&arena, ".", STR("a\0b"), &found, &error));
}

/* The leak checker needs the rights it began with. */
static int
be_root_again(void **state)
{
	(void)state;
	return getuid() == 0 && (seteuid(0) < 0 || setegid(0) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0) ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reading, begin, end),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_file, begin, end),
		cmocka_unit_test_setup_teardown(writing, begin, end),
		cmocka_unit_test_setup_teardown(failed_writes_leave_nothing, begin, end),
		cmocka_unit_test_setup_teardown(copying, begin, end),
		cmocka_unit_test_setup_teardown(folders, begin, end),
		cmocka_unit_test_setup_teardown(removing, begin, end),
		cmocka_unit_test_setup_teardown(removing_refused, begin, end),
		cmocka_unit_test_setup_teardown(deep_tree, begin, end),
		cmocka_unit_test_setup_teardown(globbing, begin, end),
		cmocka_unit_test_setup_teardown(globbing_a_list, begin, end),
		cmocka_unit_test_setup_teardown(pouring, begin, end),
		cmocka_unit_test_setup_teardown(glob_errors, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, be_root_again);
}
