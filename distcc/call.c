#include "distcc/call.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

struct rule {
	const char *word; /* as in kept.def */
	const char *says; /* NULL: what the word begins with */
};

/* Arguments that make a call none that compiles. */
static const struct rule others[] = {
	{"-E", "preprocessing only"},
	{"-M", "dependencies only"},
	{"-MM", "dependencies only"},
	{"--preprocess", "preprocessing only"},
	{"--dependencies", "dependencies only"},
	{"--user-dependencies", "dependencies only"},
	{"-fsyntax-only", "checking the syntax"},
	{"-###", "asking the compiler"},
};

/* Arguments that keep a compile here. */
static const struct rule kept[] = {
#define KEPT(word, says, keeper, scope, way, why) {word, says},
#include "distcc/kept.def"
#undef KEPT
};

bool
distcc_argument_is(struct str argument, struct str next, const char *pattern)
{
	char text[4096];
	/* Most are told apart by how they begin. */
	if (!str_starts(argument, (struct str){pattern, strcspn(pattern, "*?[ ")}))
		return false;
	if (strchr(pattern, ' '))
		snprintf(text, sizeof text, "%.*s %.*s", STR_ARG(argument), STR_ARG(next));
	else
		snprintf(text, sizeof text, "%.*s", STR_ARG(argument));
	return fnmatch(pattern, text, 0) == 0;
}

/* The words for the first of the rules that the argument keeps to; none where there is none. */
static struct str
match_rule(const struct rule *rules, size_t count, struct str argument, struct str next)
{
	for (size_t i = 0; i < count; i++)
		if (distcc_argument_is(argument, next, rules[i].word))
			return rules[i].says ? str_from(rules[i].says) : (struct str){rules[i].word, strcspn(rules[i].word, "*[")};
	return (struct str){NULL, 0};
}

enum distcc_file
distcc_file_of(struct str name)
{
	static const char *const extensions[] = {
		[DISTCC_FILE_SOURCE] = "c cc cpp cxx cp c++ C i ii m mm M mi mii",
		[DISTCC_FILE_ASSEMBLER] = "s S",
		[DISTCC_FILE_HEADER] = "h hh hpp hxx H",
		[DISTCC_FILE_OBJECT] = "o lo a so",
	};
	struct str base = str_behind(name, '/'), extension = str_behind(base, '.'), word;
	for (size_t i = 1; extension.n < base.n && i < sizeof extensions / sizeof *extensions; i++)
		for (struct str rest = str_from(extensions[i]); str_split(&rest, ' ', &word);)
			if (str_eq(word, extension))
				return (enum distcc_file)i;
	return DISTCC_FILE_OTHER;
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
look_at(struct call *call, struct str before, struct str argument, struct str next)
{
	struct str other = match_rule(others, sizeof others / sizeof *others, argument, next);
	struct str keeps = match_rule(kept, sizeof kept / sizeof *kept, argument, next);
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
	enum distcc_file file = distcc_file_of(argument);
	call->objects += file == DISTCC_FILE_OBJECT;
	call->assembler += file == DISTCC_FILE_ASSEMBLER;
	call->headers += file == DISTCC_FILE_HEADER && !str_is(before, "-include");
	call->sources += file == DISTCC_FILE_SOURCE || file == DISTCC_FILE_ASSEMBLER;
	struct str name = str_behind(argument, '/');
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
	if (call->from_input)
		return STR("standard input");
	if (!call->sources)
		return STR("no source that distcc knows");
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
	struct str before = STR(""), argument = STR(""), next;
	for (bool more = true; more; before = argument, argument = next) {
		more = str_split(&arguments, ' ', &next);
		if (!more)
			next = (struct str){NULL, 0};
		look_at(&call, before, argument, next);
	}
	*words = why_other(&call);
	if (words->n)
		return false;
	*words = why_local(&call);
	return true;
}
