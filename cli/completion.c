#include "cli/export.h"
#include "project/snippet.h"

#include <string.h>
#include <unistd.h>

/* The shells' part: hand over the words of the line up to the cursor, take what may stand in place of the last one. */
static const struct {
	const char *name, *script;
} shells[] = {
	{"bash", "_edcc() {\n"
		 "	local word=${COMP_WORDS[COMP_CWORD]} line\n"
		 "	[[ $word == = ]] && word=\n"
		 "	COMPREPLY=()\n"
		 "	while IFS=$'\\t' read -r line _; do\n"
		 "		case $line in\n"
		 "		:files) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
		 "\"$word\") ;;\n"
		 "		:folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
		 "		*) COMPREPLY+=(\"$line\") ;;\n"
		 "		esac\n"
		 "	done < <(edcc completion --words -- \"${COMP_WORDS[@]:0:COMP_CWORD+1}\" 2>/dev/null)\n"
		 "	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
		 "}\n"
		 "complete -F _edcc edcc\n"},
	{"zsh", "#compdef edcc\n"
		"_edcc() {\n"
		"	local line\n"
		"	local -a found\n"
		"	for line in ${(f)\"$(edcc completion --words -- \"${(@)words[1,CURRENT]}\" 2>/dev/null)\"}; do\n"
		"		case $line in\n"
		"		:files*) _files ;;\n"
		"		:folders*) _files -/ ;;\n"
		"		*) found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
		"		esac\n"
		"	done\n"
		"	(( ! $#found )) || _describe edcc found\n"
		"}\n"
		"compdef _edcc edcc\n"},
	{"fish", "function __edcc_words\n"
		 "	set -l word (commandline -ct)\n"
		 "	for line in (edcc completion --words -- (commandline -opc) \"$word\" 2>/dev/null)\n"
		 "		switch $line\n"
		 "			case ':files*'\n"
		 "				__fish_complete_path \"$word\"\n"
		 "			case ':folders*'\n"
		 "				__fish_complete_directories \"$word\"\n"
		 "			case '*'\n"
		 "				echo $line\n"
		 "		end\n"
		 "	end\n"
		 "end\n"
		 "complete -c edcc -f -a '(__edcc_words)'\n"},
};

#define SHELL_COUNT (sizeof shells / sizeof *shells)

/* What is known of a line when its last word is to be completed. */
struct completion {
	struct cli *cli;
	const struct command *command; /* NULL before it */
	const struct flag *flag; /* the one whose value is being typed */
	struct str kept; /* what stands before the part that is completed: "--provider=" */
	struct str part;
	bool offered; /* something was */
};

/* One line: the word, a tab, what it means. Only where it begins with what is there. */
static void
offer(struct completion *completion, const char *word, const char *doc)
{
	if (!str_starts(str_from(word), completion->part))
		return;
	printf("%.*s%s\t%s\n", STR_ARG(completion->kept), word, doc);
	completion->offered = true;
}

/* Without what $( ) would print: nothing is run while somebody types. NULL where the file has errors. */
static const struct project *
load(const struct completion *completion)
{
	struct cli *cli = completion->cli;
	struct project_options options = {.file = cli_file(cli), .environment = cli->environment};
	return options.file ? project_load(&cli->arena, &cli->sources, &cli->diags, &options) : NULL;
}

static void
offer_builds(struct completion *completion, const struct project *project)
{
	for (uint32_t i = 0; project && i < project->build_count; i++)
		offer(completion, str_c(&completion->cli->arena, project->builds[i].name), "build");
}

/* The file's own that may be set from outside. */
static void
offer_variables(struct completion *completion, const struct project *project)
{
	for (uint32_t i = 0; project && i < project->scopes[0].count; i++) {
		const struct variable *variable = &project->scopes[0].variables[i];
		if (variable->origin == ORIGIN_DEFAULT || variable->origin == ORIGIN_ENVIRONMENT)
			offer(completion, str_printf(&completion->cli->arena, "%.*s=", STR_ARG(variable->name)).s, "variable");
	}
}

static void
offer_runs(struct completion *completion)
{
	struct cli *cli = completion->cli;
	const char *state = cli_state(cli);
	struct words runs = {NULL, 0};
	struct str error;
	if (state)
		os_glob(&cli->arena, str_printf(&cli->arena, "%s/runs", state).s, STR("*"), &runs, &error);
	for (size_t i = 0; i < runs.n; i++)
		offer(completion, str_c(&cli->arena, runs.w[i]), "run");
}

static void
offer_logs(struct completion *completion)
{
	struct cli *cli = completion->cli;
	const char *state = cli_state(cli);
	struct str run, error;
	struct words files = {NULL, 0};
	if (!state || !cli_run(cli, state, &run))
		return;
	struct str folder = str_printf(&cli->arena, "%s/runs/%.*s/log", state, STR_ARG(run));
	os_glob(&cli->arena, folder.s, STR("*.log"), &files, &error);
	for (size_t i = 0; i < files.n; i++)
		offer(completion, str_c(&cli->arena, str_part(files.w[i], 0, files.w[i].n - 4)), "log");
}

static void
offer_commands(struct completion *completion)
{
	for (const struct command *const *command = command_table; *command; command++)
		offer(completion, (*command)->name, (*command)->doc);
}

static void
offer_flags(struct completion *completion)
{
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		const struct flag *flag = &flag_table[i];
		uint64_t taken =
			completion->command ? completion->command->flags & ~FLAG_BIT(words) : FLAGS_ALL | FLAG_BIT(version);
		const char *equals = *flag->argument && *flag->argument != '[' ? "=" : "";
		if (taken >> i & 1)
			offer(completion, str_printf(&completion->cli->arena, "--%s%s", flag->word, equals).s, flag->doc);
	}
}

static void
offer_value(struct completion *completion)
{
	struct str rest = str_from(completion->flag->argument), choice;
	if (str_is(rest, "FILE"))
		puts(":files");
	else if (str_is(rest, "DIR"))
		puts(":folders");
	else if (str_is(rest, "STEP"))
		offer_builds(completion, load(completion));
	else if (str_is(rest, "ID"))
		offer_runs(completion);
	while (strchr(completion->flag->argument, '|') && str_split(&rest, '|', &choice))
		offer(completion, str_c(&completion->cli->arena, choice), "");
}

/* What can be exported, and the machines whose files those are. */
static void
offer_exports(struct completion *completion, const struct project *project)
{
	for (const struct export_kind *kind = export_kinds; kind->name; kind++)
		offer(completion, kind->name, kind->doc);
	for (uint32_t i = 0; project && i < project->machines.count; i++)
		if (project->machines.hosts[i].kind == HOST_TCP)
			offer(completion, str_c(&completion->cli->arena, project->machines.hosts[i].name), "machine");
}

/* The words of the file's own list. */
static void
offer_hosts(struct completion *completion, const struct project *project)
{
	for (uint32_t i = 0; project && i < project->machines.count; i++) {
		struct buf word = buf_new(&completion->cli->arena);
		host_print(&word, &project->machines.hosts[i]);
		offer(completion, buf_c(&word), "host");
	}
}

static void
offer_topics(struct completion *completion)
{
	offer_commands(completion);
	for (size_t i = 0; i < BLOCK_COUNT; i++)
		if (i == 0 || strcmp(block_schemas[i].word, block_schemas[i - 1].word) != 0)
			offer(completion, block_schemas[i].word, "block");
	offer(completion, "blocks", "every block");
	offer(completion, "functions", "every function");
}

static void
offer_arguments(struct completion *completion)
{
	const struct command *command = completion->command;
	bool builds = strstr(command->synopsis, "BUILD"), variables = strstr(command->synopsis, "NAME=VALUE");
	const struct project *project = builds || variables ? load(completion) : NULL;
	if (builds)
		offer_builds(completion, project);
	if (variables)
		offer_variables(completion, project);
	/* Among an ordinary folder's files the builds would not be found. */
	if (strstr(command->synopsis, "FILE") && !completion->offered)
		puts(":files");
	if (command == &command_help)
		offer_topics(completion);
	if (command == &command_logs)
		offer_logs(completion);
	if (command == &command_ssh)
		offer(completion, "host", "machine");
	if (command == &command_gc)
		offer_runs(completion);
	for (size_t i = 0; command == &command_completion && i < SHELL_COUNT; i++)
		offer(completion, shells[i].name, "");
	if (command == &command_doctor)
		offer_hosts(completion, load(completion));
	if (command == &command_export)
		offer_exports(completion, project);
	for (const struct snippet *snippet = snippets; command == &command_std && snippet->name; snippet++)
		offer(completion, snippet->name, "");
}

/* The flag that the word is, if its value is the next word. bash hands over --flag=value as three words. */
static const struct flag *
flag_of(const struct completion *completion, struct str word)
{
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		const struct flag *flag = &flag_table[i];
		bool taken = !completion->command || completion->command->flags >> i & 1;
		bool is = word.n == 2 ? flag->letter && word.s[1] == flag->letter && *word.s == '-'
				      : str_starts(word, STR("--")) && str_is(str_part(word, 2, word.n), flag->word);
		if (taken && is)
			return *flag->argument ? flag : NULL;
	}
	return NULL;
}

/* -C and -f count for what is looked up, too. */
static void
note_value(const struct completion *completion, struct str value)
{
	struct flags *flags = &completion->cli->flags;
	if (completion->flag == &flag_table[FLAG_file])
		flags->file = value;
	else if (completion->flag == &flag_table[FLAG_directory] && chdir(str_c(&completion->cli->arena, value)) < 0)
		flags->directory = value;
}

static void
complete(struct cli *cli)
{
	struct completion completion = {.cli = cli};
	struct words words = cli->arguments;
	for (size_t i = 1; i + 1 < words.n; i++) {
		struct str word = words.w[i];
		if (str_is(word, "="))
			continue;
		if (completion.flag) {
			note_value(&completion, word);
			completion.flag = NULL;
		} else if (str_starts(word, STR("-"))) {
			completion.flag = flag_of(&completion, word);
		} else if (!completion.command) {
			completion.command = command_find(word);
		}
	}
	completion.part = words.n ? words.w[words.n - 1] : STR("");
	size_t equals = str_find(completion.part, '=');
	if (str_starts(completion.part, STR("--")) && equals < completion.part.n) {
		completion.flag = flag_of(&completion, str_part(completion.part, 0, equals));
		completion.kept = str_part(completion.part, 0, equals + 1);
	}
	completion.part = str_part(completion.part, completion.kept.n, completion.part.n);
	if (str_is(completion.part, "="))
		completion.part = STR("");
	if (completion.flag)
		offer_value(&completion);
	else if (str_starts(completion.part, STR("-")))
		offer_flags(&completion);
	else if (completion.command)
		offer_arguments(&completion);
	else
		offer_commands(&completion);
	/* Whoever types a line does not want to read of an Edccfile's errors meanwhile. */
	diag_clear(&cli->diags);
}

static enum exit_status
completion_run(struct cli *cli)
{
	struct str name = cli->arguments.n ? cli->arguments.w[0] : STR("");
	if (cli->flags.words) {
		complete(cli);
		return EXIT_STATUS_SUCCESS;
	}
	for (size_t i = 0; i < SHELL_COUNT && cli->arguments.n == 1; i++) {
		if (str_is(name, shells[i].name)) {
			cli_print(str_from(shells[i].script));
			return EXIT_STATUS_SUCCESS;
		}
	}
	struct diag *diag = diag_error(&cli->diags, SPAN_NONE, "completion is for one of bash, zsh and fish");
	diag_hint(diag, "in ~/.bashrc: eval \"$(edcc completion bash)\"");
	return EXIT_STATUS_USAGE;
}

const struct command command_completion = {
	.name = "completion",
	.synopsis = "bash|zsh|fish",
	.doc = "print a shell's completion of edcc's command line",
	.details = "bash: eval \"$(edcc completion bash)\"    in ~/.bashrc\n"
		   "zsh:  eval \"$(edcc completion zsh)\"     in ~/.zshrc, after compinit\n"
		   "fish: edcc completion fish | source     in ~/.config/fish/config.fish\n",
	.flags = FLAGS_ALL | FLAG_BIT(words),
	.most_arguments = SIZE_MAX,
	.run = completion_run,
};
