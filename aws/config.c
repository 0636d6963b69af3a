#include "aws/config.h"
#include "base/arena.h"
#include "base/os.h"

#include <string.h>

/* Larger than anybody's. */
#define FILE_LIMIT ((size_t)4 << 20)

/* --- reading --- */

/* A file on its way into sections. */
struct reader {
	struct arena *arena;
	struct aws_config_section *sections;
	size_t count;
	bool credentials; /* sections are bare names of profiles */
	size_t indent; /* of the last name at the top */
	struct str parent;
};

static struct str
unquoted(struct str text)
{
	text = str_trim(text);
	bool quoted = text.n >= 2 && (*text.s == '"' || *text.s == '\'') && text.s[text.n - 1] == *text.s;
	return quoted ? str_part(text, 1, text.n - 1) : text;
}

/* "[profile work]": of a kind and a name; in the credentials file, and for "default", the kind goes without saying. */
static void
add_section(struct reader *reader, struct str head)
{
	size_t size = sizeof *reader->sections;
	struct aws_config_section section = {.kind = STR("profile"), .name = unquoted(head)};
	size_t gap = 0;
	while (gap < head.n && !strchr(" \t", head.s[gap]))
		gap++;
	if (!reader->credentials && gap < head.n) {
		section.kind = str_part(head, 0, gap);
		section.name = unquoted(str_part(head, gap, head.n));
	} else if (!reader->credentials && !str_is(head, "default")) {
		section.kind = (struct str){NULL, 0};
	}
	reader->sections = arena_grow(reader->arena, reader->sections, reader->count * size, (reader->count + 1) * size);
	reader->sections[reader->count++] = section;
	reader->parent = (struct str){NULL, 0};
	reader->indent = 0;
}

static struct str
lower_case(struct arena *arena, struct str text)
{
	char *copy = str_c(arena, text);
	for (char *c = copy; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	return str_from(copy);
}

/* "name = value", or "name: value"; one further in than the name before belongs to that. */
static bool
add_value(struct reader *reader, struct str line, size_t indent)
{
	size_t equals = str_find(line, '='), colon = str_find(line, ':'), at = equals < colon ? equals : colon;
	if (at == line.n || !reader->count)
		return false;
	struct aws_config_section *section = &reader->sections[reader->count - 1];
	struct aws_config_value value = {.name = lower_case(reader->arena, str_trim(str_part(line, 0, at))),
		.value = str_trim(str_part(line, at + 1, line.n))};
	if (reader->parent.n && indent > reader->indent) {
		value.parent = reader->parent;
	} else {
		reader->indent = indent;
		reader->parent = value.name;
	}
	size_t size = sizeof value;
	section->values = arena_grow(reader->arena, section->values, section->count * size, (section->count + 1) * size);
	section->values[section->count++] = value;
	return true;
}

static bool
read_line(struct reader *reader, struct str line)
{
	struct str text = str_trim(line);
	size_t indent = 0;
	while (indent < line.n && strchr(" \t", line.s[indent]))
		indent++;
	if (!text.n || *text.s == '#' || *text.s == ';')
		return true;
	if (*text.s != '[' || indent)
		return add_value(reader, text, indent);
	size_t end = str_find(text, ']');
	if (end < text.n)
		add_section(reader, str_trim(str_part(text, 1, end)));
	return end < text.n;
}

/* A missing file has no sections. */
static bool
read_file(struct reader *reader, struct str path, struct str *error)
{
	struct str text, rest, line;
	const char *name = path.n ? str_c(reader->arena, path) : NULL;
	if (!name || !os_is_file(name))
		return true;
	if (!os_read(reader->arena, name, FILE_LIMIT, &text, error))
		return false;
	rest = text;
	for (int number = 1; str_split(&rest, '\n', &line); number++) {
		if (read_line(reader, line))
			continue;
		*error = str_printf(
			reader->arena, "cannot read '%s': line %d is neither [a section] nor name = value", name, number);
		return false;
	}
	return true;
}

/* $NAME, or the file in ~/.aws; none where there is no home. */
static struct str
path_of(struct arena *arena, const struct aws_config *config, const char *variable, const char *file)
{
	struct str given = os_variable(config->environment, variable), home = os_variable(config->environment, "HOME");
	if (given.n && !str_starts(given, STR("~/")))
		return given;
	if (given.n)
		return str_printf(arena, "%.*s%.*s", STR_ARG(home), STR_ARG(str_part(given, 1, given.n)));
	return home.n ? str_printf(arena, "%.*s/.aws/%s", STR_ARG(home), file) : home;
}

static struct str
first_of(struct str a, struct str b)
{
	return a.n ? a : b;
}

bool
aws_config_load(struct arena *arena, char *const *environment, struct str profile, struct aws_config *config, struct str *error)
{
	struct reader main = {.arena = arena}, secrets = {.arena = arena, .credentials = true};
	*config = (struct aws_config){.environment = environment, .profile_explicit = profile.n > 0};
	struct str named =
		first_of(os_variable(config->environment, "AWS_PROFILE"), os_variable(config->environment, "AWS_DEFAULT_PROFILE"));
	config->config_path = path_of(arena, config, "AWS_CONFIG_FILE", "config");
	config->credentials_path = path_of(arena, config, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
	config->profile = str_dup(arena, first_of(first_of(profile, named), STR("default")));
	if (!read_file(&main, config->config_path, error) || !read_file(&secrets, config->credentials_path, error))
		return false;
	config->config = main.sections;
	config->config_count = main.count;
	config->credentials = secrets.sections;
	config->credentials_count = secrets.count;
	if (first_of(profile, named).n && !str_is(config->profile, "default") && !aws_config_has_profile(config, config->profile)) {
		*error = str_printf(arena, "The config profile (%.*s) could not be found", STR_ARG(config->profile));
		return false;
	}
	return true;
}

/* --- asking --- */

bool
aws_config_has_profile(const struct aws_config *config, struct str profile)
{
	for (size_t i = 0; i < config->credentials_count; i++)
		if (str_eq(config->credentials[i].name, profile))
			return true;
	return aws_config_value(config, "profile", profile, (struct str){NULL, 0}, NULL, NULL);
}

/* The last one of a name counts, as it does to others who read these files. */
static bool
look(const struct aws_config_section *sections, size_t count, const char *kind, struct str section, struct str parent,
	const char *name, struct str *value)
{
	bool there = false;
	for (size_t i = 0; i < count; i++) {
		if (!str_is(sections[i].kind, kind) || !str_eq(sections[i].name, section))
			continue;
		there = there || !name;
		for (size_t k = 0; name && k < sections[i].count; k++) {
			const struct aws_config_value *one = &sections[i].values[k];
			if (!str_is(one->name, name) || !str_eq(one->parent, parent))
				continue;
			*value = one->value;
			there = true;
		}
	}
	return there;
}

bool
aws_config_value(const struct aws_config *config, const char *kind, struct str section, struct str parent, const char *name,
	struct str *value)
{
	return look(config->config, config->config_count, kind, section, parent, name, value);
}

struct str
aws_config_get(const struct aws_config *config, struct str profile, const char *name)
{
	struct str value = {NULL, 0}, top = {NULL, 0};
	if (!look(config->credentials, config->credentials_count, "profile", profile, top, name, &value))
		aws_config_value(config, "profile", profile, top, name, &value);
	return value;
}

struct str
aws_config_region(const struct aws_config *config, struct str given)
{
	static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
	for (size_t i = 0; i < sizeof variables / sizeof *variables && !given.n; i++)
		given = os_variable(config->environment, variables[i]);
	return given.n ? given : aws_config_get(config, config->profile, "region");
}
