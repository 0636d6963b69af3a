/* command: what the commands share: the command line as it was read, and the way from it to a project, a plan and a view. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/diag.h"
#include "runtime/plan.h"
#include "runtime/run.h"

/* In the order of `edcc help`; each is in a file of its name. */
#define COMMANDS(COMMAND)   \
	COMMAND(check)      \
	COMMAND(fmt)        \
	COMMAND(plan)       \
	COMMAND(apply)      \
	COMMAND(destroy)    \
	COMMAND(status)     \
	COMMAND(logs)       \
	COMMAND(ssh)        \
	COMMAND(monitor)    \
	COMMAND(doctor)     \
	COMMAND(gc)         \
	COMMAND(vars)       \
	COMMAND(std)        \
	COMMAND(graph)      \
	COMMAND(export)     \
	COMMAND(completion) \
	COMMAND(version)    \
	COMMAND(help)

/* TYPE(name, C type, what it expects as said in an error) */
#define FLAG_TYPES(TYPE)                                                            \
	TYPE(SWITCH, bool, "no value")                                              \
	TYPE(TEXT, struct str, "text")                                              \
	TYPE(WORDS, struct words, "text")                                           \
	TYPE(NUMBER, int64_t, "a whole number from 1")                              \
	TYPE(DURATION, int64_t, "a time such as 90s, 20m or 2h") /* milliseconds */ \
	TYPE(MONEY, int64_t, "an amount of US dollars such as 2.50") /* millionths of a dollar */

enum flag_type {
#define TYPE(name, c_type, expects) FLAG_TYPE_##name,
	FLAG_TYPES(TYPE)
#undef TYPE
};

#define TYPE(name, c_type, expects) typedef c_type flag_##name; /* for the structure below only */
FLAG_TYPES(TYPE)
#undef TYPE

/* The flags' values, zero where they were not given. */
struct flags {
#define FLAG(id, letter, word, type, argument, doc) flag_##type id;
#include "cli/flag.def"
#undef FLAG
};

enum flag_id {
#define FLAG(id, letter, word, type, argument, doc) FLAG_##id,
#include "cli/flag.def"
#undef FLAG
	FLAG_COUNT
};

/* A set of flags. */
#define FLAG_BIT(id) (UINT64_C(1) << FLAG_##id)
/* What every command takes, what needs an Edccfile takes, and what makes a plan takes. */
#define FLAGS_ALL (FLAG_BIT(directory) | FLAG_BIT(no_color) | FLAG_BIT(help))
#define FLAGS_FILE (FLAGS_ALL | FLAG_BIT(file))
#define FLAGS_PROJECT (FLAGS_FILE | FLAG_BIT(var_file) | FLAG_BIT(provider))
#define FLAGS_PLAN                                                                                                         \
	(FLAGS_PROJECT | FLAG_BIT(jobs) | FLAG_BIT(timeout) | FLAG_BIT(keep) | FLAG_BIT(keep_on_failure) | FLAG_BIT(ttl) | \
		FLAG_BIT(max_cost) | FLAG_BIT(strict) | FLAG_BIT(offline))
#define FLAGS_RUN (FLAG_BIT(json) | FLAG_BIT(quiet) | FLAG_BIT(verbose))

struct flag {
	const char *word;
	char letter;
	enum flag_type type;
	const char *argument;
	const char *doc;
	size_t offset; /* in struct flags */
};

extern const struct flag flag_table[FLAG_COUNT];

struct cli {
	struct arena arena;
	struct sources sources;
	struct diags diags;
	char *const *environment;
	const struct cloud *cloud;
	const struct provider *const *providers; /* NULL-ended */
	const struct command *command;
	struct flags flags;
	uint64_t given; /* a bit for each flag */
	struct words arguments;
	size_t own_count; /* how many of them stand before -- */
	struct override *overrides; /* NAME=VALUE */
	size_t override_count;
	bool terminal; /* standard output is one that can redraw and show colour, and nobody asked for less */
};

struct command {
	const char *name;
	const char *synopsis; /* what follows the name */
	const char *doc; /* one line */
	const char *details; /* the rest of its help: lines, each ended by a newline */
	uint64_t flags;
	size_t most_arguments;
	/* The result is edcc's exit status; errors have been filed. */
	enum exit_status (*run)(struct cli *);
};

#define COMMAND(name) extern const struct command command_##name;
COMMANDS(COMMAND)
#undef COMMAND

/* All of them, ended by NULL. */
extern const struct command *const command_table[];
const struct command *command_find(struct str name);

/* options.c */
/* Reads the command line. False on an error (filed). */
bool options_read(struct cli *, int argc, char **argv);

/* cli.c */
/* Colour and redrawing: on a terminal that can, and where nobody said no. */
bool cli_wants_terminal(const struct cli *, int fd);
/* Prints what has been filed, once: at the end, and before whatever takes long. */
void cli_print_diags(struct cli *);
/* On a terminal: who is waited for, in a line that goes with NULL. */
void cli_asking(const struct cli *, const char *whom);
/* Prints on standard output; whether it could be written shows at the end, in main. */
void cli_print(struct str);
/* The Edccfile that is meant: --file, or the nearest one in this folder and those above it. NULL where there is none (filed). */
const char *cli_file(struct cli *);
/* The project, with what the flags override. NULL on an error (filed). */
struct project *cli_project(struct cli *, bool run_commands);
/* Looks at the world and plans. NULL on an error (filed), *status is then what edcc exits with. */
struct plan *cli_plan(struct cli *, const struct project *, const struct plan_options *, enum exit_status *status);
/* The plan of the project and the builds that the command line asks for. Likewise. */
struct plan *cli_plan_asked(struct cli *, enum exit_status *status);
/* What the flags say about a plan of the builds. */
struct plan_options cli_plan_options(const struct cli *, struct words builds);
/* The folder of the journals (absolute), also where the Edccfile has errors: then .edcc beside it. NULL where there is no Edccfile (filed). */
const char *cli_state(struct cli *);
/* The newest run, or the one that --run names. False where there is none (filed). */
bool cli_run(struct cli *, const char *state, struct str *run);

/* help.c */
void help_command(struct cli *, const struct command *);

#endif
