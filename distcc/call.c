#include "distcc/call.h"

#include <string.h>

struct rule {
	const char *word; /* as in kept.def */
	const char *says; /* NULL: the word itself */
};

/* Arguments that make a call none that compiles. */
static const struct rule others[] = {
	{"-E", "preprocessing only"},
	{"-M", "dependencies only"},
	{"-MM", "dependencies only"},
};

/* Arguments that keep a compile here. */
static const struct rule kept[] = {
#define KEPT(word, says, scope, way, why) {word, says},
#include "distcc/kept.def"
#undef KEPT
	/* A language by name is kept with some inputs only. */
	{"-x*", "with -x"},
};

bool
distcc_argument_is(struct str argument, const char *word)
{
	struct str start = str_from(word);
	/* Of the options for the assembler only listings and its own dependencies matter, and they may come after others. */
	if (str_is(start, "-Wa,-a*"))
		return str_starts(argument, STR("-Wa,")) &&
		       (memmem(argument.s, argument.n, ",-a", 3) || memmem(argument.s, argument.n, "--MD", 4));
	if (!str_ends(start, STR("*")))
		return str_eq(argument, start);
	return str_starts(argument, str_part(start, 0, start.n - 1));
}

/* The words for the first of the rules that the argument keeps to; none where there is none. */
static struct str
match_rule(const struct rule *rules, size_t count, struct str argument)
{
	for (size_t i = 0; i < count; i++) {
		struct str says = str_from(rules[i].says ? rules[i].says : rules[i].word);
		if (distcc_argument_is(argument, rules[i].word))
			return str_ends(says, STR("*")) ? str_part(says, 0, says.n - 1) : says;
	}
	return (struct str){NULL, 0};
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
	struct str other, kept;
};

static void
look_at(struct call *call, struct str argument, struct str before)
{
	struct str other = match_rule(others, sizeof others / sizeof *others, argument);
	struct str keeps = match_rule(kept, sizeof kept / sizeof *kept, argument);
	bool target = str_is(before, "-o") || str_is(before, "-MF") || str_is(before, "-MT") || str_is(before, "-MQ");
	if (!call->other.n)
		call->other = other;
	if (!call->kept.n)
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

/* Why the call was no compile that a host could have done; none where it was one. */
static struct str
why_other(const struct call *call)
{
	if (call->configure)
		return STR("configure test");
	if (call->other.n && !call->compiles)
		return call->other;
	if (call->sources || call->from_input || call->compiles)
		return (struct str){NULL, 0};
	return call->objects ? STR("linking") : STR("asking the compiler");
}

static struct str
why_local(const struct call *call)
{
	if (call->kept.n)
		return call->kept;
	if (call->headers && !call->sources)
		return STR("precompiled header");
	if (call->from_input || !call->sources)
		return STR("standard input");
	if (!call->compiles)
		return STR("compiled and linked in one call");
	if (call->to_output)
		return STR("output to standard output");
	if (call->assembler == call->sources)
		return STR("assembler source");
	return call->sources > 1 ? STR("with several inputs") : STR(DISTCC_NO_REASON);
}

bool
distcc_call_compiles(struct str arguments, struct str *words)
{
	struct call call = {0};
	struct str argument, before = STR("");
	for (; str_split(&arguments, ' ', &argument); before = argument)
		look_at(&call, argument, before);
	*words = why_other(&call);
	if (words->n)
		return false;
	*words = why_local(&call);
	return true;
}
