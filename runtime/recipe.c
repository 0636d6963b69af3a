#include "runtime/recipe.h"

#include "project/commit.h"
#include "base/arena.h"
#include "runtime/channel.h"
#include "runtime/provider.h"
#include "runtime/site.h"
#include "runtime/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux takes no single argument of 128 KiB or more. */
#define ARGUMENT_LIMIT ((size_t)128 << 10)

struct recipes {
	pthread_mutex_t mutex;
	struct arena arena;
	char *folder; /* RUN/bin */
	struct map environments; /* the scope's address → struct environment * */
	struct channel *free_channels;
	unsigned channel_count;
};

/* The commands of edcc's own that recipes find on PATH lie there; PATH ends a folder at a colon. */
static bool
can_be_on_path(const struct run *run, struct failure *failure)
{
	if (run->provider->site != &site_local || !strchr(run->state.s, ':'))
		return true;
	failure_set(failure, EXIT_STATUS_USAGE, "'%.*s' has a ':' in its name: recipes would not find edcc's commands there",
		STR_ARG(run->state));
	failure_hint(failure, "choose another folder with 'state: path = …'");
	return false;
}

struct recipes *
recipes_new(struct run *run, struct failure *failure)
{
	struct arena *arena = &run->arena;
	struct str error;
	char self[4096], *folder = str_c(arena, str_printf(arena, "%.*s/bin", STR_ARG(run->folder)));
	if (!can_be_on_path(run, failure))
		return NULL;
	if (!os_make_folders(arena, folder, true, &error)) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "%.*s", STR_ARG(error));
		return NULL;
	}
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0) {
		failure_set(failure, EXIT_STATUS_PROVIDER, "cannot read '/proc/self/exe': %s", strerrordesc_np(errno));
		failure_hint(failure, "edcc needs /proc, where it finds its own program and others'");
		return NULL;
	}
	self[n] = 0;
	static const char *const commands[] = {"build_success", "build_failed"};
	for (size_t i = 0; i < 2; i++) {
		struct str link = str_printf(arena, "%s/%s", folder, commands[i]);
		if (symlink(self, link.s) < 0 && errno != EEXIST) {
			failure_set(failure, EXIT_STATUS_PROVIDER, "cannot make '%.*s': %s", STR_ARG(link), strerrordesc_np(errno));
			return NULL;
		}
	}
	struct recipes *recipes = arena_new(arena, struct recipes);
	recipes->folder = folder;
	recipes->environments = map_new(&recipes->arena);
	pthread_mutex_init(&recipes->mutex, NULL);
	return recipes;
}

void
recipes_free(struct recipes *recipes)
{
	if (!recipes)
		return;
	for (struct channel *channel = recipes->free_channels; channel; channel = channel->next)
		close(channel->fd);
	pthread_mutex_destroy(&recipes->mutex);
	arena_free(&recipes->arena);
}

void
recipe_add_entries(struct map *map, char *const *entries)
{
	for (; entries && *entries; entries++) {
		const char *equals = strchr(*entries, '=');
		if (equals)
			*map_at(map, (struct str){*entries, (size_t)(equals - *entries)}) = (void *)(uintptr_t)(equals + 1);
	}
}

static void
put(struct map *map, const char *name, struct str value)
{
	*map_at(map, str_from(name)) = str_c(map->arena, value);
}

/* The bucket of the first artifact that goes to one, the topic of the first notification. */
static void
add_names(const struct project *project, struct map *map)
{
	static const struct str s3 = {"s3://", 5}, sns = {"sns:", 4};
	struct str bucket = STR(""), topic = STR("");
	for (uint32_t i = project->artifact_count; i-- > 0;) {
		struct str to = project->artifacts[i].destination;
		if (str_starts(to, s3))
			bucket = str_part(to, s3.n, s3.n + str_find(str_part(to, s3.n, to.n), '/'));
	}
	for (uint32_t i = project->on_count; i-- > 0;)
		for (size_t k = project->ons[i].set.notify.n; k-- > 0;)
			if (str_starts(project->ons[i].set.notify.w[k], sns))
				topic = str_part(project->ons[i].set.notify.w[k], sns.n, SIZE_MAX);
	put(map, "EDCC_BUCKET", bucket);
	put(map, "EDCC_TOPIC", topic);
}

static void
add_own(struct run *run, struct map *map, const char *folder)
{
	const struct project *project = run->project;
	const char *path = map_get(map, STR("PATH"));
	put(map, "EDCC_RUN", run->id);
	put(map, "EDCC_PROJECT", project->name);
	put(map, "EDCC_PROVIDER", str_from(run->provider->name));
	put(map, "EDCC_REGION", project->aws.region.n ? project->aws.region : run->plan->world->region);
	put(map, "COMMIT", commit_of(map->arena, str_c(map->arena, source_root(map->arena, run))));
	put(map, "PATH", str_printf(map->arena, "%s:%s", folder, path ? path : "/usr/local/bin:/usr/bin:/bin"));
	add_names(project, map);
}

static uint32_t
fleet_changes(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
	uint32_t changes = run->fleet_changes;
	pthread_mutex_unlock(&run->mutex);
	return changes;
}

static struct environment *
build_environment(struct run *run, struct recipes *recipes, const struct scope *scope)
{
	struct arena *arena = &recipes->arena;
	struct environment *environment = arena_new(arena, struct environment);
	struct map map = map_new(arena);
	environment->fleet_changes = fleet_changes(run);
	/* Each over those before it; the names that are documented as edcc's a file cannot define. */
	run->provider->site->environment(run, arena, &map);
	if (scope)
		recipe_add_entries(&map, project_environment(arena, scope));
	add_own(run, &map, recipes->folder);
	environment->plain = !map_get(&map, STR("BASH_ENV"));
	environment->entries = arena_array(arena, char *, map.count + 1);
	for (uint32_t i = 0; i < map.count; i++) {
		struct map_entry *entry = &map.entries[i];
		if (!entry->value)
			continue;
		struct str line = str_printf(arena, "%.*s=%s", STR_ARG(entry->key), (const char *)entry->value);
		if (str_starts(entry->key, STR("BASH_FUNC_")))
			environment->plain = false;
		environment->entries[environment->count++] = str_c(arena, line);
	}
	return environment;
}

const struct environment *
recipe_environment(struct run *run, const struct scope *scope)
{
	struct recipes *recipes = run->recipes;
	pthread_mutex_lock(&recipes->mutex);
	struct str key = {(const char *)&scope, sizeof scope};
	struct environment *environment = map_get(&recipes->environments, key);
	if (!environment || environment->fleet_changes != fleet_changes(run)) {
		environment = build_environment(run, recipes, scope);
		*map_at(&recipes->environments, str_dup(&recipes->arena, key)) = environment;
	}
	pthread_mutex_unlock(&recipes->mutex);
	return environment;
}

static struct channel *
new_channel(struct recipes *recipes, struct str *error)
{
	struct str variable =
		str_printf(&recipes->arena, CHANNEL_VARIABLE "=%s/%u.channel", recipes->folder, recipes->channel_count++);
	const char *path = variable.s + sizeof CHANNEL_VARIABLE;
	unlink(path);
	int fd = channel_listen(path);
	if (fd < 0) {
		*error = str_printf(&recipes->arena, "cannot make '%s': %s", path, strerrordesc_np(errno));
		return NULL;
	}
	struct channel *channel = arena_new(&recipes->arena, struct channel);
	*channel = (struct channel){.fd = fd, .variable = str_c(&recipes->arena, variable)};
	return channel;
}

struct channel *
recipe_take_channel(struct run *run, struct str *error)
{
	struct recipes *recipes = run->recipes;
	pthread_mutex_lock(&recipes->mutex);
	struct channel *channel = recipes->free_channels;
	if (channel)
		recipes->free_channels = channel->next;
	else
		channel = new_channel(recipes, error);
	pthread_mutex_unlock(&recipes->mutex);
	return channel;
}

void
recipe_give_channel(struct run *run, struct channel *channel)
{
	struct recipes *recipes = run->recipes;
	pthread_mutex_lock(&recipes->mutex);
	channel->next = recipes->free_channels;
	recipes->free_channels = channel;
	pthread_mutex_unlock(&recipes->mutex);
}

/* The text as a file of its own, for one that is too long for an argument or names its interpreter. */
static char *
write_recipe(struct run *run, struct arena *arena, struct str name, struct str text, struct str *error)
{
	struct str folder = str_printf(arena, "%.*s/recipe", STR_ARG(run->folder));
	char *path = str_c(arena, str_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name)));
	if (!os_make_folders(arena, folder.s, true, error) || !os_write_atomic(arena, path, text, 0700, error))
		return NULL;
	return path;
}

char **
recipe_command(struct run *run, struct arena *arena, struct str name, struct str text, struct str *error)
{
	char **argv = arena_array(arena, char *, 6);
	size_t n = 0;
	bool own_interpreter = str_starts(text, STR("#!"));
	if (!own_interpreter) {
		argv[n++] = "bash";
		argv[n++] = "-u";
	}
	if (own_interpreter || text.n >= ARGUMENT_LIMIT) {
		argv[n] = write_recipe(run, arena, name, text, error);
		return argv[n] ? argv : NULL;
	}
	argv[n++] = "-c";
	argv[n++] = str_c(arena, text);
	argv[n++] = str_c(arena, name);
	return argv;
}

/* Names that bash does not look up on PATH: its builtins and keywords. */
static const char *const shell_words[] = {".", ":", "[", "alias", "bg", "bind", "break", "builtin", "caller", "case", "cd",
	"command", "compgen", "complete", "compopt", "continue", "coproc", "declare", "dirs", "disown", "do", "done", "echo",
	"elif", "else", "enable", "esac", "eval", "exec", "exit", "export", "false", "fc", "fg", "fi", "for", "function", "getopts",
	"hash", "help", "history", "if", "in", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd",
	"pwd", "read", "readarray", "readonly", "return", "select", "set", "shift", "shopt", "source", "suspend", "test", "then",
	"time", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait", "while"};

/* `true` and `false` alone do the same as the programs of these names. */
static bool
needs_shell(struct str word, bool alone)
{
	if (alone && (str_is(word, "true") || str_is(word, "false")))
		return false;
	for (size_t i = 0; i < sizeof shell_words / sizeof *shell_words; i++)
		if (str_is(word, shell_words[i]))
			return true;
	return str_find(word, '=') < word.n;
}

static bool
is_plain_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_./,:+@=- ", c));
}

char **
recipe_plain_command(struct arena *arena, struct str text)
{
	text = str_trim(text);
	size_t words = 1;
	for (size_t i = 0; i < text.n; i++) {
		if (!is_plain_byte(text.s[i]))
			return NULL;
		words += text.s[i] == ' ';
	}
	char **argv = arena_array(arena, char *, words + 1);
	size_t n = words_argv(arena, text, argv, words);
	return n && !needs_shell(str_from(argv[0]), n == 1) ? argv : NULL;
}
