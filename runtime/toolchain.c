#include "runtime/toolchain.h"

#include "base/os.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A compiler that does not tell its version within this time is none. */
#define PROBE_TIMEOUT_MS 10000
#define PROBE_LIMIT ((size_t)64 << 10)
/* More words than this a compiler's command does not have. */
#define COMMAND_WORDS 8

/* The C compilers that are known, what their C++ compilers are called, and how `-v` begins the version. */
static const struct family {
	const char *kind, *cxx, *says;
} families[] = {
	{"gcc", "g++", "gcc version "},
	{"clang", "clang++", "clang version "},
};
#define FAMILY_COUNT (sizeof families / sizeof *families)

static const struct family *
family_of(struct str kind)
{
	return str_is(kind, "clang") ? &families[1] : &families[0];
}

bool
toolchain_version_fits(struct str version, struct str asked)
{
	return str_starts(version, asked) && (version.n == asked.n || version.s[asked.n] == '.');
}

/* The digits and dots that the text begins with. */
static struct str
leading_version(struct str text)
{
	size_t n = 0;
	while (n < text.n && text.s[n] && strchr("0123456789.", text.s[n]))
		n++;
	return str_part(text, 0, n);
}

bool
toolchain_read(struct str kind, struct str output, struct str *version, struct str *target)
{
	struct str says = str_from(family_of(kind)->says), rest = output, line;
	*version = *target = (struct str){NULL, 0};
	while (str_split(&rest, '\n', &line)) {
		if (str_starts(line, STR("Target: ")))
			*target = str_trim(str_part(line, 8, line.n));
		/* Distributions put their name in front: "Debian clang version 14.0.6". */
		for (size_t i = 0; i + says.n <= line.n && !version->n; i++)
			if (memcmp(line.s + i, says.s, says.n) == 0)
				*version = leading_version(str_part(line, i + says.n, line.n));
	}
	return version->n && target->n;
}

/* Programs that stand in front of a compiler under its name: they are passed over. */
static bool
is_wrapper(const char *path)
{
	static const char *const wrappers[] = {"ccache", "distcc", "icecc", "sccache", "colorgcc"};
	char resolved[PATH_MAX];
	if (!realpath(path, resolved))
		return true;
	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
		if (strcmp(strrchr(resolved, '/') + 1, wrappers[i]) == 0)
			return true;
	return false;
}

/* The compiler's path: absolute; none where it is not there. */
static struct str
which(struct arena *arena, const char *program)
{
	struct str rest = str_from(getenv("PATH")), folder, found = os_which(arena, program);
	if (!found.n || (found.s[0] == '/' && !is_wrapper(found.s)))
		return found;
	while (!strchr(program, '/') && str_split(&rest, ':', &folder)) {
		found = str_printf(arena, "%.*s/%s", STR_ARG(folder), program);
		if (folder.n && *folder.s == '/' && os_which(arena, found.s).n && !is_wrapper(found.s))
			return found;
	}
	char *resolved = strchr(program, '/') ? realpath(program, NULL) : NULL;
	found = resolved ? str_dup(arena, str_from(resolved)) : (struct str){NULL, 0};
	free(resolved);
	return found;
}

/* Asks the compiler, with what its command says besides its name; false where it is none of that kind. */
static bool
probe(struct arena *arena, struct str kind, struct str path, struct str rest, struct str *version, struct str *target)
{
	struct str output, error, search = str_printf(arena, "PATH=%s", getenv("PATH") ? getenv("PATH") : "");
	char *argv[COMMAND_WORDS + 2] = {str_c(arena, path)};
	argv[1 + words_argv(arena, rest, argv + 1, COMMAND_WORDS - 1)] = "-v";
	/* Its words are translated: only the C locale's are known here. */
	char *env[] = {(char *)search.s, "LC_ALL=C", NULL};
	struct os_spawn spawn = {.argv = argv, .env = env, .capture = true};
	int status;
	return os_run(arena, &spawn, PROBE_TIMEOUT_MS, PROBE_LIMIT, NULL, &status, &output, &error) && status == 0 &&
	       toolchain_read(kind, output, version, target);
}

/* The first word of a command such as `gcc-12 -m32`. */
static struct str
program_of(struct str command)
{
	return str_part(command, 0, str_find(command, ' '));
}

/* The C++ compiler that goes with a C compiler's command: its last `gcc` becomes `g++`. */
static struct str
cxx_of(struct arena *arena, const struct family *family, struct str cc)
{
	size_t n = strlen(family->kind);
	for (size_t i = program_of(cc).n; i-- > 0;)
		if (str_starts(str_part(cc, i, cc.n), str_from(family->kind)))
			return str_printf(arena, "%.*s%s%.*s", (int)i, cc.s, family->cxx, (int)(cc.n - i - n), cc.s + i + n);
	return (struct str){NULL, 0};
}

/* What there is to say about the search for a compiler, when it ends in an error. */
struct search {
	struct arena *arena;
	const struct project *project;
	const struct family *family;
	struct str version; /* asked for */
	struct toolchain *found;
	struct str seen; /* "gcc-12 is 12.2.0": of the right name, of another version */
};

/* True where the command is a compiler of the kind and version asked for. */
static bool
try_command(struct search *search, struct str cc)
{
	struct toolchain *found = search->found;
	struct str program = program_of(cc);
	found->cc_path = which(search->arena, str_c(search->arena, program));
	if (!found->cc_path.n)
		return false;
	struct str rest = str_part(cc, program.n, cc.n);
	if (!probe(search->arena, found->kind, found->cc_path, rest, &found->version, &found->target)) {
		search->seen = str_printf(search->arena, "'%.*s' is no %s", STR_ARG(program), search->family->kind);
		return false;
	}
	if (search->version.n && !toolchain_version_fits(found->version, search->version)) {
		search->seen = str_printf(search->arena, "'%.*s' is %.*s", STR_ARG(program), STR_ARG(found->version));
		return false;
	}
	found->cc = cc;
	return true;
}

struct str
toolchain_before(struct arena *arena, struct str kind, struct str target)
{
	return target.n && str_is(kind, "gcc") ? str_printf(arena, "%.*s-", STR_ARG(target)) : STR("");
}

struct str
toolchain_after(struct arena *arena, struct str kind, struct str target)
{
	return target.n && str_is(kind, "clang") ? str_printf(arena, " -target %.*s", STR_ARG(target)) : STR("");
}

/* The commands to try, from `gcc-12.2` to `gcc`. */
static bool
try_all(struct search *search)
{
	const struct compiler_settings *set = &search->project->compiler_set;
	struct str version = search->version, kind = str_from(search->family->kind);
	struct str prefix = toolchain_before(search->arena, kind, set->target);
	struct str suffix = toolchain_after(search->arena, kind, set->target);
	if (set->cc.n)
		return try_command(search, str_printf(search->arena, "%.*s%.*s", STR_ARG(set->cc), STR_ARG(suffix)));
	for (;;) {
		struct str cc = str_printf(search->arena, "%.*s%s%s%.*s%.*s", STR_ARG(prefix), search->family->kind,
			version.n ? "-" : "", STR_ARG(version), STR_ARG(suffix));
		if (try_command(search, cc))
			return true;
		if (!version.n)
			return false;
		while (version.n && version.s[--version.n] != '.')
			;
	}
}

/* --- the error --- */

static int
compare_words(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* Names in the PATH's folders such as gcc-12 and clang, sorted, each once. */
static struct words
list_names(struct arena *arena, const struct family *family)
{
	struct words names = {NULL, 0};
	struct str rest = str_from(getenv("PATH")), folder, kind = str_from(family->kind);
	while (str_split(&rest, ':', &folder)) {
		DIR *dir = folder.n ? opendir(str_c(arena, folder)) : NULL;
		struct dirent *entry;
		while (dir && (entry = readdir(dir))) {
			struct str name = str_from(entry->d_name);
			struct str version = str_part(name, kind.n + 1, name.n);
			bool plain = str_eq(name, kind);
			bool versioned = str_starts(name, kind) && version.n && name.s[kind.n] == '-' &&
					 leading_version(version).n == version.n;
			if ((plain || versioned) && !words_has(names, name))
				words_add(arena, &names, str_dup(arena, name));
		}
		if (dir)
			closedir(dir);
	}
	if (names.n)
		qsort(names.w, names.n, sizeof *names.w, compare_words);
	return names;
}

/* "gcc 12.2.0 (gcc, gcc-12), clang 14.0.6 (clang)"; none where there is none. */
static struct str
what_is_there(struct arena *arena)
{
	struct buf text = buf_new(arena);
	for (size_t f = 0; f < FAMILY_COUNT; f++) {
		struct words names = list_names(arena, &families[f]);
		struct words versions = {arena_array(arena, struct str, names.n), names.n};
		for (size_t i = 0; i < names.n; i++) {
			struct str path = which(arena, str_c(arena, names.w[i])), target;
			if (path.n)
				probe(arena, str_from(families[f].kind), path, STR(""), &versions.w[i], &target);
		}
		for (size_t i = 0; i < names.n; i++) {
			if (!versions.w[i].n)
				continue;
			buf_printf(&text, "%s%s %.*s (%.*s", text.n ? ", " : "", families[f].kind, STR_ARG(versions.w[i]),
				STR_ARG(names.w[i]));
			struct str version = versions.w[i];
			for (size_t j = i; j < names.n; j++) {
				if (!versions.w[j].n || !str_eq(versions.w[j], version))
					continue;
				if (j > i)
					buf_printf(&text, ", %.*s", STR_ARG(names.w[j]));
				versions.w[j] = (struct str){NULL, 0};
			}
			buf_add_byte(&text, ')');
		}
	}
	return buf_str(&text);
}

struct str
toolchain_package(struct arena *arena, struct str kind, struct str version, struct str target)
{
	struct str major = str_part(version, 0, str_find(version, '.'));
	struct buf name = buf_new(arena);
	buf_printf(&name, "%s%s%.*s", family_of(kind)->kind, major.n ? "-" : "", STR_ARG(major));
	if (target.n && str_is(kind, "gcc"))
		buf_printf(&name, "-%.*s", STR_ARG(target));
	for (size_t i = 0; i < name.n; i++)
		if (name.s[i] == '_')
			name.s[i] = '-';
	return buf_str(&name);
}

static void
file_missing(struct search *search, struct diags *diags)
{
	const struct project *project = search->project;
	const struct compiler_settings *set = &project->compiler_set;
	struct buf what = buf_new(search->arena);
	buf_printf(&what, "%s%s%.*s", search->family->kind, search->version.n ? " " : "", STR_ARG(search->version));
	if (set->cc.n)
		buf_printf(&what, " called '%.*s'", STR_ARG(set->cc));
	if (set->target.n)
		buf_printf(&what, " for %.*s", STR_ARG(set->target));
	struct str there = what_is_there(search->arena);
	struct diag *diag = diag_error(diags, project->compiler_span, "there is no %.*s here%s%.*s; %s%.*s",
		STR_ARG(buf_str(&what)), search->seen.n ? ": " : "", STR_ARG(search->seen),
		there.n ? "there is " : "nor any other compiler", STR_ARG(there));
	if (set->cc.n)
		diag_hint(diag, "correct 'cc' in the compiler block, or leave it out");
	else
		diag_hint(diag, "install it (on Debian: apt-get install %.*s) or ask for one that is there",
			STR_ARG(toolchain_package(search->arena, str_from(search->family->kind), search->version, set->target)));
}

bool
toolchain_find(struct arena *arena, const struct project *project, struct toolchain *found, struct diags *diags)
{
	const struct compiler_settings *set = &project->compiler_set;
	const struct family *family = family_of(project->compiler);
	struct search search = {.arena = arena, .project = project, .family = family, .version = set->version, .found = found};
	*found = (struct toolchain){.kind = str_from(family->kind)};
	if (!try_all(&search)) {
		file_missing(&search, diags);
		return false;
	}
	found->cxx = set->cxx.n ? set->cxx : cxx_of(arena, family, found->cc);
	if (found->cxx.n)
		found->cxx_path = which(arena, str_c(arena, program_of(found->cxx)));
	return true;
}

void
toolchain_assume(struct toolchain *found)
{
	*found = (struct toolchain){.kind = STR("gcc"), .cc = STR("gcc"), .cxx = STR("g++")};
}

/* --- the names of one program --- */

/* Adds the path where it is the same program as `program` and its last part is new. */
static void
add_path(struct arena *arena, struct words *paths, const char *program, struct str path)
{
	char resolved[PATH_MAX];
	if (!realpath(str_c(arena, path), resolved) || strcmp(resolved, program) != 0)
		return;
	const char *name = strrchr(path.s, '/');
	for (size_t i = 0; i < paths->n; i++)
		if (strcmp(strrchr(paths->w[i].s, '/'), name) == 0)
			return;
	words_add(arena, paths, path);
}

static void
add_names(struct arena *arena, struct words *paths, const struct toolchain *toolchain, struct str path, const char *kind,
	const char *plain)
{
	char program[PATH_MAX];
	if (!path.n || !realpath(str_c(arena, path), program))
		return;
	struct str major = str_part(toolchain->version, 0, str_find(toolchain->version, '.'));
	struct str target = toolchain->target, folder = path;
	while (folder.n && folder.s[folder.n - 1] != '/')
		folder.n--;
	add_path(arena, paths, program, str_dup(arena, path));
	add_path(arena, paths, program, str_printf(arena, "%.*s%s", STR_ARG(folder), kind));
	add_path(arena, paths, program, str_printf(arena, "%.*s%s", STR_ARG(folder), plain));
	add_path(arena, paths, program, str_printf(arena, "%.*s%s-%.*s", STR_ARG(folder), kind, STR_ARG(major)));
	add_path(arena, paths, program, str_printf(arena, "%.*s%.*s-%s", STR_ARG(folder), STR_ARG(target), kind));
	add_path(arena, paths, program,
		str_printf(arena, "%.*s%.*s-%s-%.*s", STR_ARG(folder), STR_ARG(target), kind, STR_ARG(major)));
	add_path(arena, paths, program, str_dup(arena, str_from(program)));
}

struct words
toolchain_paths(struct arena *arena, const struct toolchain *toolchain)
{
	struct words paths = {NULL, 0};
	const struct family *family = family_of(toolchain->kind);
	add_names(arena, &paths, toolchain, toolchain->cc_path, family->kind, "cc");
	add_names(arena, &paths, toolchain, toolchain->cxx_path, family->cxx, "c++");
	return paths;
}

struct str
toolchain_call(struct arena *arena, struct str command, bool distributed, bool cached)
{
	return str_printf(arena, "%s%.*s", cached ? "ccache " : distributed ? "distcc " : "", STR_ARG(command));
}
