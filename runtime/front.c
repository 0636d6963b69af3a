#include "runtime/front.h"

#include "base/arena.h"

#include <string.h>

#define TEXT_LIMIT ((size_t)64 << 10)
#define FOLDER "front"

static bool
is_wanted(const struct run *run)
{
	return run->host_count > 0;
}

/* The command's program: of `/opt/bin/gcc-13 -m32` it is `gcc-13`. */
static struct str
program_of(struct str command)
{
	return str_behind(str_part(command, 0, str_find(command, ' ')), '/');
}

/* The name that the compiler is called by. Of `clang-14 -target aarch64-linux-gnu` that is not clang-14, which is this machine's own, but
 * aarch64-linux-gnu-clang-14. */
static struct str
name_of(struct arena *arena, const struct run *run, struct str command)
{
	struct str program = program_of(command), target = run->project->compiler_set.target;
	if (!target.n || !str_is(run->plan->world->toolchain.kind, "clang"))
		return program;
	return str_printf(arena, "%.*s-%.*s", STR_ARG(target), STR_ARG(program));
}

/* One for each C compiler: what an earlier run has left there is never another compiler's. */
static struct str
masquerade_folder(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "compilers/%.*s", STR_ARG(name_of(arena, run, run->plan->world->toolchain.cc)));
}

/* The words of distcc/kept.def that distcc does not know, as a function of the shell's. */
static void
add_kept(struct buf *text)
{
	static const char *const patterns[] = {
#define KEEPER_DISTCC(word)
#define KEEPER_FRONT(word) word,
#define KEPT(word, says, keeper, scope, way, why) KEEPER_##keeper(word)
#include "distcc/kept.def"
#undef KEPT
#undef KEEPER_FRONT
#undef KEEPER_DISTCC
	};
	buf_add_c(text, "kept() {\ncase $1 in\n");
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		struct str pattern = str_from(patterns[i]);
		size_t blank = str_find(pattern, ' ');
		buf_add(text, str_part(pattern, 0, blank));
		if (blank < pattern.n)
			buf_printf(text, "' '%.*s", STR_ARG(str_part(pattern, blank + 1, pattern.n)));
		buf_add_c(text, ") ;;\n");
	}
	buf_add_c(text, "*) return 1 ;;\nesac\n}\n");
}

struct commands {
	struct arena *arena;
	const struct run *run;
	const char *root;
	struct front_command *list;
	size_t count;
};

/* `stands_for`: what comes before the arguments; none for distcc and ccache themselves. */
static void
add(struct commands *commands, struct str folder, struct str name, const char *front, struct str stands_for)
{
	struct arena *arena = commands->arena;
	struct str path = str_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
	for (size_t i = 0; i < commands->count; i++)
		if (str_eq(commands->list[i].path, path))
			return;
	if (!name.n || commands->count == FRONT_LIMIT)
		return;
	struct buf text = buf_new(arena);
	struct str root = str_shell_quote(arena, str_from(commands->root)), masquerade = masquerade_folder(arena, commands->run);
	buf_printf(&text, "#!/bin/sh\nfront=%s folder=%.*s/" FOLDER " masquerade=%.*s/%.*s\n", front, STR_ARG(root), STR_ARG(root),
		STR_ARG(str_shell_quote(arena, masquerade)));
	add_kept(&text);
	if (stands_for.n)
		buf_printf(&text, "set -- %.*s \"$@\"\n", STR_ARG(stands_for));
	buf_add_c(&text, front_text);
	commands->list[commands->count++] = (struct front_command){path, buf_str(&text)};
}

/* The names that a makefile may call one compiler by. Those of a cross compiler do not hide the machine's own. */
static void
add_compiler(struct commands *commands, struct str command, const char *kind, const char *plain)
{
	const struct project *project = commands->run->project;
	const struct toolchain *toolchain = &commands->run->plan->world->toolchain;
	struct str asked = project->compiler_set.target, target = asked.n ? asked : toolchain->target;
	struct str folder = masquerade_folder(commands->arena, commands->run);
	struct str major = str_part(toolchain->version, 0, str_find(toolchain->version, '.'));
	const char *front = project->cached ? "ccache" : "distcc";
	if (!command.n)
		return;
	add(commands, folder, name_of(commands->arena, commands->run, command), front, command);
	if (!asked.n) {
		add(commands, folder, str_from(plain), front, command);
		add(commands, folder, str_from(kind), front, command);
		if (major.n)
			add(commands, folder, str_printf(commands->arena, "%s-%.*s", kind, STR_ARG(major)), front, command);
	}
	if (asked.n || (target.n && str_is(toolchain->kind, "gcc"))) {
		struct str name = str_printf(commands->arena, "%.*s-%s", STR_ARG(target), kind);
		add(commands, folder, name, front, command);
		if (major.n)
			add(commands, folder, str_printf(commands->arena, "%.*s-%.*s", STR_ARG(name), STR_ARG(major)), front,
				command);
	}
}

size_t
front_commands(struct arena *arena, const struct run *run, const char *root, struct front_command list[FRONT_LIMIT])
{
	const struct toolchain *toolchain = &run->plan->world->toolchain;
	struct commands commands = {.arena = arena, .run = run, .root = root, .list = list};
	bool clang = str_is(toolchain->kind, "clang");
	if (!is_wanted(run))
		return 0;
	add(&commands, STR(FOLDER), STR("distcc"), "distcc", STR(""));
	if (run->project->cached)
		add(&commands, STR(FOLDER), STR("ccache"), "ccache", STR(""));
	if (run->project->distcc.masquerade) {
		add_compiler(&commands, toolchain->cc, clang ? "clang" : "gcc", "cc");
		add_compiler(&commands, toolchain->cxx, clang ? "clang++" : "g++", "c++");
	}
	return commands.count;
}

const char *
front_root(struct arena *arena, const struct run *run)
{
	return str_c(arena, run->state);
}

bool
front_install(struct arena *arena, const struct run *run, struct str *error)
{
	struct front_command list[FRONT_LIMIT];
	const char *root = front_root(arena, run);
	size_t count = front_commands(arena, run, root, list);
	for (size_t i = 0; i < count; i++) {
		char *path = str_c(arena, str_printf(arena, "%s/%.*s", root, STR_ARG(list[i].path)));
		struct str before, ignored;
		if (os_is_file(path) && os_read(arena, path, TEXT_LIMIT, &before, &ignored) && str_eq(before, list[i].text))
			continue;
		struct str folder = str_part(str_from(path), 0, (size_t)(strrchr(path, '/') - path));
		if (!os_make_folders(arena, str_c(arena, folder), true, error) ||
			!os_write_atomic(arena, path, list[i].text, 0755, error))
			return false;
	}
	return true;
}

void
front_environment(struct arena *arena, const struct run *run, const char *root, struct map *map)
{
	const char **path = (const char **)map_at(map, STR("PATH"));
	struct str rest = *path ? str_from(*path) : STR("/usr/local/bin:/usr/bin:/bin");
	if (!is_wanted(run))
		return;
	if (str_is(run->project->distcc.native, "resolve"))
		*map_at(map, STR("EDCC_NATIVE")) = "resolve";
	struct str folders = str_printf(arena, "%s/" FOLDER, root);
	if (run->project->distcc.masquerade)
		folders = str_printf(arena, "%s/%.*s:%.*s", root, STR_ARG(masquerade_folder(arena, run)), STR_ARG(folders));
	*map_at(map, STR("PATH")) = str_c(arena, str_printf(arena, "%.*s:%.*s", STR_ARG(folders), STR_ARG(rest)));
}
