/* project: an Edccfile that was read, checked and evaluated: typed settings, steps, artifacts. What the planner plans from. Everything in it lives in the
 * arena it was loaded into and is never changed afterwards. */
#ifndef PROJECT_PROJECT_H
#define PROJECT_PROJECT_H

#include "base/diag.h"
#include "base/map.h"
#include "base/regex.h"
#include "distcc/host_syntax.h"
#include "project/schema.h"

/* An evaluated value. */
struct value {
	struct words words;
	bool secret; /* it, or something it was made from, is secret */
	bool unknown; /* it needs a command that was not run (edcc check) */
};

#define ORIGINS(X)                                                 \
	X(FILE, "file") /* = in the Edccfile or one it includes */ \
	X(DEFAULT, "default") /* its own ?= */                     \
	X(PARAMETER, "parameter") /* given under include … as */ \
	X(COMMAND_LINE, "command line")                            \
	X(ENVIRONMENT, "environment")                              \
	X(VAR_FILE, "variable file")

enum origin {
#define X(name, text) ORIGIN_##name,
	ORIGINS(X)
#undef X
	ORIGIN_COUNT
};
const char *origin_name(enum origin);

struct variable {
	struct str name; /* in an instance its own name, without the instance's */
	struct value value;
	struct span span; /* where it was defined; SPAN_NONE for command line and environment */
	uint8_t origin; /* enum origin */
};

/* The names that a place in the file sees: those of the instance it stands in, then the file's. */
struct scope {
	struct scope *parent; /* NULL: the file's */
	struct str name; /* the instance's, with those it is in: "zstd"; empty for the file's */
	struct variable *variables; /* in the order of first appearance */
	uint32_t count;
};

/* An evaluated verdict rule: a tree over what a step shows. */
struct test {
	enum test_kind {
		TEST_OR,
		TEST_AND,
		TEST_NOT,
		TEST_EXIT, /* the exit status is in list, or compares as `compare` says with list[0] */
		TEST_OUTPUT, /* a line of output matches regex */
		TEST_FILE, /* path exists when the script has ended */
		TEST_TIME, /* the elapsed time, in milliseconds, compares as `compare` says with limit */
	} kind;
	struct test *left, *right;
	uint8_t compare; /* enum condition_kind: EQUAL … GREATER_EQUAL, IN */
	int64_t *list;
	size_t count;
	int64_t limit;
	struct regex *regex;
	bool negated; /* of TEST_OUTPUT: !~ , true of a line that does not match */
	struct str path;
};

struct verdict_rule {
	bool success;
	struct test *test;
	struct span span;
	struct str text; /* the condition as written, for messages */
};

struct build {
	struct str name; /* "compile", in an instance "zstd.compile" */
	struct span span; /* of the header */
	struct build_settings set;
	uint32_t *needs; /* indices into project.builds, in the order written, each once */
	uint32_t need_count;
	struct verdict_rule *rules; /* in file order */
	uint32_t rule_count;
	struct str recipe; /* dedented bash; for a script its expanded text */
	bool calls_verdict; /* the recipe mentions build_success or build_failed, or there is a rule: its exit status alone does not decide */
	const struct scope *scope;
};

enum when {
	WHEN_SUCCESS,
	WHEN_FAILED,
	WHEN_ALWAYS,
};

struct artifact_line {
	struct span span;
	struct words patterns; /* relative to the source tree */
	struct str destination; /* s3://…, or a folder or (no trailing slash, one plain pattern) a file */
	enum when when;
};

struct on_block {
	struct span span;
	bool success; /* on build_success, else on build_failed */
	struct on_settings set;
	struct str recipe; /* may be empty */
	const struct scope *scope;
};

struct instance_group {
	struct str name; /* empty for the unnamed one */
	struct span span;
	struct instances_settings set;
};

/* The machines of `provider hosts:`. */
struct host_list {
	struct host_spec *hosts; /* in the list's order; keywords are not among them */
	uint32_t count;
	uint32_t machines; /* how many of them compile elsewhere: without localhost and what is down */
	bool randomize;
	struct span zeroconf; /* where the list says +zeroconf; none: it does not */
	int local_slots, local_slots_cpp; /* 0 where the list does not say */
};

/* A text that the project was made from; a saved plan names them with their digests. */
struct input {
	struct str name;
	struct str path; /* none for the standard library */
	uint32_t source;
};

enum provider_kind {
	PROVIDER_LOCAL,
	PROVIDER_HOSTS,
	PROVIDER_AWS,
};

struct project {
	struct str name;
	struct str file; /* the Edccfile, as given */
	struct str dir; /* absolute: its folder, the source tree */
	enum provider_kind provider;
	struct span provider_span;
	struct str compiler; /* "gcc", "clang"; none where there is no compiler block */
	struct span cache_span; /* of 'cache: keep', where it is given */
	struct span compiler_span; /* of its version where given, else of the block */
	struct compiler_settings compiler_set;
	struct provider_aws_settings aws;
	struct provider_hosts_settings hosts;
	struct host_list machines; /* what its hosts are */
	struct network_settings network;
	struct host_settings host;
	struct distcc_settings distcc;
	bool cached; /* there is a cache block and it is enabled */
	struct cache_settings cache;
	struct source_settings source;
	struct state_settings state;
	struct limits_settings limits;
	struct instance_group *groups; /* none where the file asks for no instances: then nothing is distributed */
	uint32_t group_count;
	struct build *builds; /* in the order of first appearance */
	uint32_t build_count;
	struct map build_names; /* name → struct build * */
	struct artifact_line *artifacts;
	uint32_t artifact_count;
	struct on_block *ons;
	uint32_t on_count;
	struct scope *scopes; /* scopes[0] is the file's */
	uint32_t scope_count;
	struct input *inputs; /* the Edccfile first */
	uint32_t input_count;
	const struct override *overrides; /* the options' own, for a saved plan */
	size_t override_count;
};

/* NAME=VALUE from outside of the file. */
struct override {
	struct str name; /* "workers", "zstd.flags" */
	struct str value; /* plain text; words are separated by white space */
	enum origin origin;
};

/* Where texts come from: the disk and the network, or a test's memory. Each returns false with *error a sentence. */
struct project_files {
	void *context;
	bool (*read)(void *context, struct arena *, const char *path, struct str *text, struct str *error);
	bool (*glob)(void *context, struct arena *, const char *dir, struct str pattern, struct words *found, struct str *error);
	bool (*fetch)(void *context, struct arena *, const char *url, struct str *text, struct str *error);
};

struct project_options {
	const char *file; /* "Edccfile" */
	const char *provider; /* overrides the file's; NULL */
	struct override
		*overrides; /* the command line's before those of variable files; the environment is looked at by project_load */
	size_t override_count;
	char *const *environment; /* NULL-ended NAME=VALUE, as environ */
	bool run_commands; /* $(shell) and $(git); false: their values are unknown */
	const struct project_files *files; /* NULL: the disk and the network */
};

/* Reads FILE and all it includes, checks and evaluates. NULL when there is an error (filed). */
struct project *project_load(struct arena *, struct sources *, struct diags *, const struct project_options *);

/* Frees what a project holds outside of its arena: compiled expressions. */
void project_free(struct project *);

/* The overrides in a file of `name = value` lines. False on an error (filed). */
bool project_read_overrides(struct arena *, struct sources *, struct diags *, const char *path, struct override **, size_t *count);

/* What the scope exports to a recipe: NAME=VALUE, NULL-ended, the instance's own names before the file's, each once. */
char **project_environment(struct arena *, const struct scope *);

/* All secret values of the project, longest first: what output must not show. */
struct words project_secrets(struct arena *, const struct project *);

/* The builds that `names` stand for and all they need, as a flag per build; without names: every build that no other needs, and what they need (so all). An instance's name stands for its last steps. False on an unknown name (filed, with the nearest). */
bool project_select(const struct project *, struct words names, bool *selected, struct diags *);

/* Every variable with its value and origin, for `edcc vars` and tests: secrets as `(secret)`. */
struct str project_print_values(struct arena *, const struct sources *, const struct project *);

#endif
