/* Why a call of the compiler was run here, from its arguments. */
#include "runtime/distcc.h"

#include <string.h>

enum match {
	MATCH_WHOLE,
	MATCH_START,
};

struct rule {
	const char *argument;
	enum match match;
	const char *words; /* NULL: the argument itself */
};

/* Arguments that make a call none that compiles. */
static const struct rule others[] = {
	{"-E", MATCH_WHOLE, "preprocessing only"},
	{"-M", MATCH_WHOLE, "dependencies only"},
	{"-MM", MATCH_WHOLE, "dependencies only"},
};

/* Arguments that keep a compile here. */
static const struct rule kept[] = {
	{"-march=native", MATCH_WHOLE, NULL},
	{"-mtune=native", MATCH_WHOLE, NULL},
	{"-mcpu=native", MATCH_WHOLE, NULL},
	{"-flto", MATCH_WHOLE, NULL},
	{"--coverage", MATCH_WHOLE, NULL},
	{"-fprofile-arcs", MATCH_WHOLE, NULL},
	{"-ftest-coverage", MATCH_WHOLE, NULL},
	{"-fprofile-generate", MATCH_START, "-fprofile-generate"},
	{"-fprofile-use", MATCH_START, "-fprofile-use"},
	{"-fprofile-correction", MATCH_WHOLE, NULL},
	{"-fprofile-instr-use", MATCH_START, "-fprofile-instr-use"},
	{"-fprofile-sample-use", MATCH_START, "-fprofile-sample-use"},
	{"-fauto-profile", MATCH_START, "-fauto-profile"},
	{"-gsplit-dwarf", MATCH_START, "-gsplit-dwarf"},
	{"-save-temps", MATCH_START, "-save-temps"},
	{"-fstack-usage", MATCH_WHOLE, NULL},
	{"-fcallgraph-info", MATCH_START, "-fcallgraph-info"},
	{"-fdump-", MATCH_START, "-fdump-"},
	{"-aux-info", MATCH_WHOLE, NULL},
	{"-ftime-trace", MATCH_START, "-ftime-trace"},
	{"-fsave-optimization-record", MATCH_START, "-fsave-optimization-record"},
	{"-fmodule", MATCH_START, "modules"},
	{"-fcxx-modules", MATCH_WHOLE, "modules"},
	{"-frepo", MATCH_WHOLE, NULL},
	{"-dr", MATCH_START, "-dr"},
	{"-specs=", MATCH_START, "-specs="},
	{"--specs=", MATCH_START, "-specs="},
	{"-Wa,", MATCH_START, "-Wa,-a"},
	{"-x", MATCH_START, "with -x"},
};

static const char *
match_rule(const struct rule *rules, size_t count, struct str argument)
{
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &rules[i];
		bool matches = rule->match == MATCH_WHOLE ? str_is(argument, rule->argument)
							  : str_starts(argument, str_from(rule->argument));
		/* Of the options for the assembler only listings and its own dependencies matter. */
		if (matches && str_starts(argument, STR("-Wa,")))
			matches = memmem(argument.s, argument.n, ",-a", 3) || memmem(argument.s, argument.n, "--MD", 4);
		if (matches)
			return rule->words ? rule->words : rule->argument;
	}
	return NULL;
}

static struct str
base_name(struct str path)
{
	size_t slash = path.n;
	while (slash > 0 && path.s[slash - 1] != '/')
		slash--;
	return str_part(path, slash, path.n);
}

static struct str
extension(struct str path)
{
	struct str name = base_name(path);
	size_t dot = name.n;
	while (dot > 0 && name.s[dot - 1] != '.')
		dot--;
	return dot ? str_part(name, dot, name.n) : (struct str){NULL, 0};
}

static bool
has_extension(struct str path, const char *list)
{
	struct str rest = str_from(list), word, found = extension(path);
	while (found.n && str_split(&rest, ' ', &word))
		if (str_eq(word, found))
			return true;
	return false;
}

/* One call as the log shows it: its arguments joined by spaces. */
struct call {
	uint32_t sources, assembler, headers, objects;
	bool compiles; /* -c or -S */
	bool configure; /* a test of configure's */
	bool to_output, from_input; /* `-o -`, `-` */
	const char *other, *kept;
};

static void
look_at(struct call *call, struct str argument, struct str before)
{
	const char *other = match_rule(others, sizeof others / sizeof *others, argument);
	const char *keeps = match_rule(kept, sizeof kept / sizeof *kept, argument);
	bool target = str_is(before, "-o") || str_is(before, "-MF") || str_is(before, "-MT") || str_is(before, "-MQ");
	if (other && !call->other)
		call->other = other;
	if (keeps && !call->kept)
		call->kept = keeps;
	if (str_is(argument, "-c") || str_is(argument, "-S"))
		call->compiles = true;
	if (str_is(argument, "-"))
		*(str_is(before, "-o") ? &call->to_output : &call->from_input) = true;
	if (target || !argument.n || *argument.s == '-')
		return;
	call->objects += has_extension(argument, "o lo a so");
	call->assembler += has_extension(argument, "s S");
	call->headers += !str_is(before, "-include") && has_extension(argument, "h hh hpp hxx H");
	call->sources += has_extension(argument, "c cc cpp cxx cp c++ C i ii m mm M mi mii s S");
	struct str name = base_name(argument);
	call->configure |= str_starts(name, STR("conftest.")) || str_starts(name, STR("tmp.conftest."));
}

/* Why the call was no compile that a host could have done; NULL where it was one. */
static const char *
why_other(const struct call *call)
{
	if (call->configure)
		return "configure test";
	if (call->other && !call->compiles)
		return call->other;
	if (call->sources || call->from_input || call->compiles)
		return NULL;
	return call->objects ? "linking" : "asking the compiler";
}

static const char *
why_local(const struct call *call)
{
	if (call->kept)
		return call->kept;
	if (call->headers && !call->sources)
		return "precompiled header";
	if (call->from_input || !call->sources)
		return "standard input";
	if (!call->compiles)
		return "compiled and linked in one call";
	if (call->to_output)
		return "output to standard output";
	if (call->assembler == call->sources)
		return "assembler source";
	return call->sources > 1 ? "with several inputs" : DISTCC_NO_REASON;
}

bool
distcc_call_compiles(struct str arguments, const char **words)
{
	struct call call = {0};
	struct str argument, before = STR("");
	for (; str_split(&arguments, ' ', &argument); before = argument)
		look_at(&call, argument, before);
	*words = why_other(&call);
	if (*words)
		return false;
	*words = why_local(&call);
	return true;
}
