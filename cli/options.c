#include "cli/command.h"

#include "base/suggest.h"
#include "project/convert.h"

#include <string.h>

const struct flag flag_table[FLAG_COUNT] = {
#define FLAG(id, letter, word, type, argument, doc) \
	[FLAG_##id] = {word, letter, FLAG_TYPE_##type, argument, doc, offsetof(struct flags, id)},
#include "cli/flag.def"
#undef FLAG
};

static const char *const expects[] = {
#define TYPE(name, c_type, text) [FLAG_TYPE_##name] = text,
	FLAG_TYPES(TYPE)
#undef TYPE
};

/* The command line while it is read. */
struct reader {
	struct cli *cli;
	char **next; /* NULL-ended */
	bool only_arguments; /* after -- */
};

static bool
takes(const struct cli *cli, size_t flag)
{
	return !cli->command || cli->command->flags >> flag & 1;
}

/* The flag that is written --word, or -letter; NULL where there is none. One letter may stand for two flags: the one that the command takes is meant, before
 * the command the one that most take. */
static const struct flag *
flag_find(const struct cli *cli, struct str word, char letter)
{
	const struct flag *found = NULL;
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		const struct flag *flag = &flag_table[i];
		bool match = letter ? flag->letter == letter : str_is(word, flag->word);
		if (match && (!found || !cli->command || !takes(cli, (size_t)(found - flag_table))))
			found = flag;
	}
	return found;
}

static bool
unknown_flag(struct cli *cli, struct str text)
{
	struct suggest suggest = suggest_for(str_part(text, 2, text.n));
	for (size_t i = 0; i < FLAG_COUNT && str_starts(text, STR("--")); i++)
		if (takes(cli, i))
			suggest_offer(&suggest, str_from(flag_table[i].word));
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "unknown flag '%.*s'", STR_ARG(text));
	if (suggest.best.n)
		diag_hint(diag, "did you mean '--%.*s'?", STR_ARG(suggest.best));
	else
		diag_hint(diag, "`edcc help %s` lists those that there are", cli->command ? cli->command->name : "COMMAND");
	return false;
}

static bool
bad_value(struct cli *cli, const struct flag *flag, struct str value, const char *what)
{
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "--%s takes %s, not '%.*s'", flag->word, what, STR_ARG(value));
	diag_hint(diag, "--%s=%s", flag->word, flag->argument);
	return false;
}

/* Of a flag whose argument names its choices: whether the value is one. */
static bool
choice_check(struct cli *cli, const struct flag *flag, struct str value)
{
	char *choices = str_c(&cli->arena, str_from(flag->argument));
	if (!strchr(choices, '|'))
		return true;
	for (char *bar = choices; (bar = strchr(bar, '|'));)
		*bar = ' ';
	if (schema_listed(choices, value))
		return true;
	return bad_value(cli, flag, value, str_c(&cli->arena, schema_list(&cli->arena, choices)));
}

/* A value that is written as the settings of the type are. */
static bool
setting_read(struct cli *cli, enum setting_type type, struct str value, void *place)
{
	const struct setting_schema schema = {.type = type};
	struct str advice;
	return convert_setting(&cli->arena, &schema, (struct words){&value, 1}, place, &advice);
}

static bool
value_read(struct cli *cli, const struct flag *flag, struct str value)
{
	void *place = (char *)&cli->flags + flag->offset;
	bool read = true;
	switch (flag->type) {
	case FLAG_TYPE_SWITCH:
		*(bool *)place = true;
		return true;
	case FLAG_TYPE_TEXT:
		if (!choice_check(cli, flag, value))
			return false;
		*(struct str *)place = value;
		break;
	case FLAG_TYPE_WORDS:
		words_add(&cli->arena, place, value);
		break;
	case FLAG_TYPE_NUMBER:
		read = str_integer(value, (int64_t *)place) && *(int64_t *)place > 0;
		break;
	case FLAG_TYPE_DURATION:
		read = setting_read(cli, SETTING_DURATION, value, place);
		break;
	case FLAG_TYPE_MONEY:
		read = setting_read(cli, SETTING_MONEY, value, place);
		break;
	}
	return read || bad_value(cli, flag, value, expects[flag->type]);
}

/* A flag whose value stands after the word or letter: `inner` is what is left of its argument, none where nothing is. */
static bool
flag_read(struct reader *reader, const struct flag *flag, struct str spelt, struct str inner)
{
	struct cli *cli = reader->cli;
	bool optional = *flag->argument == '[';
	cli->given |= UINT64_C(1) << (flag - flag_table);
	if (flag->type == FLAG_TYPE_SWITCH && inner.s) {
		diag_error(&cli->diags, SPAN_NONE, "%.*s takes no value", STR_ARG(spelt));
		return false;
	}
	if (flag->type == FLAG_TYPE_SWITCH || (optional && !inner.s))
		return flag->type != FLAG_TYPE_SWITCH || value_read(cli, flag, inner);
	if (!inner.s && *reader->next)
		inner = str_from(*reader->next++);
	if (!inner.n) {
		struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "%.*s needs a value", STR_ARG(spelt));
		diag_hint(diag, "--%s=%s", flag->word, flag->argument);
		return false;
	}
	return value_read(cli, flag, inner);
}

static bool
long_read(struct reader *reader, struct str text)
{
	size_t equals = str_find(text, '=');
	struct str spelt = str_part(text, 0, equals), inner = {NULL, 0};
	if (equals < text.n)
		inner = str_part(text, equals + 1, text.n);
	const struct flag *flag = flag_find(reader->cli, str_part(spelt, 2, spelt.n), 0);
	return flag ? flag_read(reader, flag, spelt, inner) : unknown_flag(reader->cli, spelt);
}

/* -q, -qy, -j8, -j 8. */
static bool
letters_read(struct reader *reader, struct str text)
{
	for (size_t i = 1; i < text.n; i++) {
		const struct flag *flag = flag_find(reader->cli, STR(""), text.s[i]);
		struct str spelt = str_printf(&reader->cli->arena, "-%c", text.s[i]), inner = {NULL, 0};
		if (!flag)
			return unknown_flag(reader->cli, text);
		if (flag->type != FLAG_TYPE_SWITCH && i + 1 < text.n) {
			inner = str_part(text, i + 1, text.n);
			i = text.n;
		}
		if (!flag_read(reader, flag, spelt, inner))
			return false;
	}
	return true;
}

/* NAME=VALUE, where the command takes variables. */
static bool
override_read(struct cli *cli, struct str text)
{
	size_t equals = str_find(text, '=');
	if (equals == text.n || equals == 0 || !(cli->command->flags & FLAG_BIT(var_file)))
		return false;
	for (size_t i = 0; i < equals; i++) {
		char c = text.s[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.')))
			return false;
	}
	size_t n = cli->override_count++;
	cli->overrides = arena_grow(&cli->arena, cli->overrides, n * sizeof *cli->overrides, (n + 1) * sizeof *cli->overrides);
	cli->overrides[n] = (struct override){str_part(text, 0, equals), str_part(text, equals + 1, text.n), ORIGIN_COMMAND_LINE};
	return true;
}

static bool
unknown_command(struct cli *cli, struct str name)
{
	struct suggest suggest = suggest_for(name);
	for (const struct command *const *command = command_table; *command; command++)
		suggest_offer(&suggest, str_from((*command)->name));
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "unknown command '%.*s'", STR_ARG(name));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "`edcc help` lists those that there are");
	return false;
}

static bool
argument_read(struct reader *reader, struct str text)
{
	struct cli *cli = reader->cli;
	if (!cli->command) {
		cli->command = command_find(text);
		return cli->command || unknown_command(cli, text);
	}
	if (!reader->only_arguments && override_read(cli, text))
		return true;
	if (cli->arguments.n >= cli->command->most_arguments) {
		struct diag *diag =
			diag_error(&cli->diags, SPAN_NONE, "'%.*s' is more than edcc %s takes", STR_ARG(text), cli->command->name);
		diag_hint(diag, "`edcc help %s` says what it takes", cli->command->name);
		return false;
	}
	words_add(&cli->arena, &cli->arguments, text);
	return true;
}

/* Each flag that was given must be one of the command's. */
static bool
flags_check(struct cli *cli)
{
	uint64_t extra = cli->command ? cli->given & ~cli->command->flags : 0;
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (extra >> i & 1) {
			struct diag *diag =
				diag_error(&cli->diags, SPAN_NONE, "edcc %s takes no --%s", cli->command->name, flag_table[i].word);
			diag_hint(diag, "`edcc help %s` says what it takes", cli->command->name);
		}
	return !extra;
}

bool
options_read(struct cli *cli, int argc, char **argv)
{
	struct reader reader = {.cli = cli, .next = argc ? argv + 1 : argv};
	while (*reader.next) {
		struct str text = str_from(*reader.next++);
		bool flag = !reader.only_arguments && text.n > 1 && *text.s == '-', read = true;
		if (flag && str_is(text, "--")) {
			reader.only_arguments = true;
			cli->own_count = cli->arguments.n;
		} else if (flag) {
			read = text.s[1] == '-' ? long_read(&reader, text) : letters_read(&reader, text);
		} else {
			read = argument_read(&reader, text);
		}
		if (!read)
			return false;
	}
	if (!reader.only_arguments)
		cli->own_count = cli->arguments.n;
	return flags_check(cli);
}
