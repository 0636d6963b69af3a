#include "base/suggest.h"
#include "cli/command.h"

#include <string.h>

static const struct {
	const char *usage, *doc;
} functions[] = {
#define FUNCTION(name, fewest, most, first, usage, doc) {usage, doc},
#include "parser/function.def"
#undef FUNCTION
};

static const struct {
	int status;
	const char *meaning;
} exits[] = {
#define EXIT(name, status, meaning) {status, meaning},
	EXITS(EXIT)
#undef EXIT
};

/* Whether the letter means this flag to the command, and not one before it in the table. */
static bool
has_letter(const struct command *command, const struct flag *flag)
{
	for (const struct flag *other = flag_table; other < flag && flag->letter; other++)
		if (other->letter == flag->letter && command->flags >> (other - flag_table) & 1)
			return false;
	return flag->letter;
}

/* "-f, --file FILE" */
static struct str
flag_text(struct arena *arena, const struct command *command, const struct flag *flag)
{
	const char *space = *flag->argument && *flag->argument != '[' ? " " : "";
	if (has_letter(command, flag))
		return str_printf(arena, "-%c, --%s%s%s", flag->letter, flag->word, space, flag->argument);
	return str_printf(arena, "    --%s%s%s", flag->word, space, flag->argument);
}

/* Two columns, the first as wide as asked. */
static void
put_row(struct str left, int width, const char *right)
{
	int padding = width - (int)utf8_columns(left);
	printf("  %.*s%*s  %s\n", STR_ARG(left), padding > 0 ? padding : 0, "", right);
}

static void
help_commands(void)
{
	printf("edcc: make, for a fleet that exists only while you compile\n\nusage: edcc COMMAND [FLAG...] [ARGUMENT...]\n\n");
	for (const struct command *const *command = command_table; *command; command++)
		put_row(str_from((*command)->name), 11, (*command)->doc);
	printf("\nedcc help COMMAND    a command and its flags\n"
	       "edcc help blocks     what an Edccfile may say; edcc help BLOCK: one block's settings\n"
	       "edcc help functions  what $( ) may call\n"
	       "\nexit status:\n");
	for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
		printf("  %3d  %s\n", exits[i].status, exits[i].meaning);
}

/* Not what only edcc itself says. */
static bool
is_shown(const struct command *command, size_t flag)
{
	return (command->flags & ~FLAG_BIT(words)) >> flag & 1;
}

void
help_command(struct cli *cli, const struct command *command)
{
	if (!command) {
		help_commands();
		return;
	}
	const char *space = *command->synopsis ? " " : "";
	printf("edcc %s: %s\n\nusage: edcc %s [FLAG...]%s%s\n", command->name, command->doc, command->name, space,
		command->synopsis);
	if (*command->details)
		printf("\n%s", command->details);
	int width = 0;
	struct str left[FLAG_COUNT];
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		if (!is_shown(command, i))
			continue;
		left[i] = flag_text(&cli->arena, command, &flag_table[i]);
		width = (int)left[i].n > width ? (int)left[i].n : width;
	}
	putchar('\n');
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (is_shown(command, i))
			put_row(left[i], width, flag_table[i].doc);
}

/* "build NAME", "provider aws", "compiler gcc|clang" */
static struct str
block_header(struct arena *arena, const struct block_schema *block)
{
	static const char *const forms[] = {[BLOCK_NAME_NONE] = "",
		[BLOCK_NAME_OPTIONAL] = " [NAME]",
		[BLOCK_NAME_REQUIRED] = " NAME",
		[BLOCK_NAME_LISTED] = " "};
	struct str header = str_printf(arena, "%s%s%s:", block->word, forms[block->naming], block->names);
	for (char *space = memchr(header.s + strlen(block->word) + 1, ' ', header.n - strlen(block->word) - 1);
		space && block->naming == BLOCK_NAME_LISTED; space = strchr(space, ' '))
		*space = '|';
	return header;
}

static void
help_blocks(struct cli *cli)
{
	for (size_t i = 0; i < BLOCK_COUNT; i++)
		put_row(block_header(&cli->arena, &block_schemas[i]), 30, block_schemas[i].doc);
	printf("\nedcc help BLOCK  a block's settings\n");
}

static void
help_block(struct cli *cli, const struct block_schema *block)
{
	struct arena *arena = &cli->arena;
	printf("%.*s  %s\n", STR_ARG(block_header(arena, block)), block->doc);
	for (const struct setting_schema *setting = block->settings; setting->name; setting++) {
		const char *equals = *setting->fallback ? " = " : "";
		struct str left = str_printf(arena, "%s%s%s", setting->name, equals, setting->fallback);
		struct str right = str_printf(arena, "%s (%.*s)", setting->doc, STR_ARG(schema_expects(arena, setting)));
		put_row(left, 22, right.s);
	}
}

static void
help_functions(void)
{
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		put_row(str_from(functions[i].usage), 36, functions[i].doc);
}

/* By its word, by its header, and of those that have listed names by one of these: provider, provider hosts, hosts. */
static bool
is_meant(const struct block_schema *block, struct str topic)
{
	struct str word = str_part(topic, 0, str_find(topic, ' ')), name = str_part(topic, word.n + 1, topic.n);
	if (!name.n && str_is(word, block->word))
		return true;
	return block->naming == BLOCK_NAME_LISTED &&
	       (name.n ? str_is(word, block->word) && schema_listed(block->names, name) : schema_listed(block->names, word));
}

static enum exit_status
unknown_topic(struct cli *cli, struct str topic)
{
	struct suggest suggest = suggest_for(topic);
	for (const struct command *const *command = command_table; *command; command++)
		suggest_offer(&suggest, str_from((*command)->name));
	for (size_t i = 0; i < BLOCK_COUNT; i++)
		suggest_offer(&suggest, str_from(block_schemas[i].word));
	suggest_offer(&suggest, STR("blocks"));
	suggest_offer(&suggest, STR("functions"));
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "there is no help on '%.*s'", STR_ARG(topic));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "`edcc help` lists the commands, `edcc help blocks` the blocks");
	return EXIT_STATUS_USAGE;
}

static enum exit_status
help_run(struct cli *cli)
{
	if (!cli->arguments.n) {
		help_commands();
		return EXIT_STATUS_SUCCESS;
	}
	/* "provider hosts", as the header of a block is. */
	struct str topic = words_join(&cli->arena, cli->arguments, STR(" "));
	const struct command *command = command_find(topic);
	bool known = command || str_is(topic, "blocks") || str_is(topic, "functions");
	if (command)
		help_command(cli, command);
	else if (str_is(topic, "blocks"))
		help_blocks(cli);
	else if (known)
		help_functions();
	for (size_t i = 0; i < BLOCK_COUNT && !command; i++) {
		if (is_meant(&block_schemas[i], topic)) {
			help_block(cli, &block_schemas[i]);
			known = true;
		}
	}
	return known ? EXIT_STATUS_SUCCESS : unknown_topic(cli, topic);
}

const struct command command_help = {
	.name = "help",
	.synopsis = "[COMMAND|BLOCK [NAME]|blocks|functions]",
	.doc = "print help on a command, a block or the functions",
	.details = "",
	.flags = FLAGS_ALL,
	.most_arguments = 2,
	.run = help_run,
};
