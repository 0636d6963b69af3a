/* What git says HEAD is, read from its files: starting git would cost more than a small step does. */
#include "project/commit.h"

#include "base/arena.h"
#include "base/os.h"

#include <string.h>

#define GIT_FILE_LIMIT ((size_t)16 << 20)
#define COMMIT_TIMEOUT_MS 5000

static struct str
read_line_of(struct arena *arena, struct str path)
{
	struct str text, error;
	if (!os_is_file(path.s) || !os_read(arena, path.s, GIT_FILE_LIMIT, &text, &error))
		return (struct str){0};
	return str_trim(str_part(text, 0, str_find(text, '\n')));
}

/* `path` as seen from `folder`. */
static struct str
below(struct arena *arena, struct str folder, struct str path)
{
	if (path.n && *path.s == '/')
		return str_printf(arena, "%.*s", STR_ARG(path));
	return str_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(path));
}

/* The repository of the nearest folder that has one; in a linked work tree .git is a file that names it. */
static struct str
find_repository(struct arena *arena, struct str dir)
{
	for (;; dir.n = (size_t)((const char *)memrchr(dir.s, '/', dir.n) - dir.s)) {
		struct str path = str_printf(arena, "%.*s/.git", STR_ARG(dir));
		if (os_is_folder(path.s))
			return path;
		struct str line = read_line_of(arena, path);
		if (str_starts(line, STR("gitdir: ")))
			return below(arena, dir, str_part(line, 8, line.n));
		if (!dir.n || !memrchr(dir.s, '/', dir.n))
			return (struct str){0};
	}
}

static struct str
find_packed(struct arena *arena, struct str repository, struct str ref)
{
	struct str path = str_printf(arena, "%.*s/packed-refs", STR_ARG(repository)), text, error, line;
	if (!os_is_file(path.s) || !os_read(arena, path.s, GIT_FILE_LIMIT, &text, &error))
		return (struct str){0};
	while (str_split(&text, '\n', &line)) {
		size_t space = str_find(line, ' ');
		if (str_eq(str_trim(str_part(line, space, line.n)), ref))
			return str_part(line, 0, space);
	}
	return (struct str){0};
}

static bool
is_commit(struct str text)
{
	if (text.n != 40 && text.n != 64)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (!memchr("0123456789abcdef", text.s[i], 16))
			return false;
	return true;
}

/* Where references are kept in another way than in files git has to be asked. */
static struct str
ask_git(struct arena *arena, const char *dir)
{
	char *const argv[] = {"git", "rev-parse", "HEAD", NULL};
	struct os_spawn spawn = {.argv = argv, .dir = dir, .capture = true};
	struct str output, error;
	int status;
	if (!os_run(arena, &spawn, COMMIT_TIMEOUT_MS, 4096, NULL, &status, &output, &error) || status != 0)
		return STR("");
	output = str_trim(output);
	return is_commit(output) ? output : STR("");
}

struct str
commit_of(struct arena *arena, const char *dir)
{
	struct str repository = find_repository(arena, str_from(dir));
	if (!repository.n)
		return STR("");
	struct str head = read_line_of(arena, str_printf(arena, "%.*s/HEAD", STR_ARG(repository)));
	if (is_commit(head))
		return head;
	if (!str_starts(head, STR("ref: ")))
		return ask_git(arena, dir);
	struct str ref = str_trim(str_part(head, 5, head.n));
	struct str common = read_line_of(arena, str_printf(arena, "%.*s/commondir", STR_ARG(repository)));
	if (common.n)
		repository = below(arena, repository, common);
	struct str commit = read_line_of(arena, str_printf(arena, "%.*s/%.*s", STR_ARG(repository), STR_ARG(ref)));
	if (!is_commit(commit))
		commit = find_packed(arena, repository, ref);
	return is_commit(commit) ? commit : ask_git(arena, dir);
}
