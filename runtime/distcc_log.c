#include "runtime/distcc.h"

#include "runtime/canary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the host's log --- */

uint64_t
distcc_count_host(const char *log_path)
{
	uint64_t count = 0;
	size_t size = 0;
	ssize_t n;
	char *line = NULL;
	FILE *file = fopen(log_path, "re");
	if (!file)
		return 0;
	while ((n = getline(&line, &size, file)) > 0) {
		bool compiled =
			strstr(line, "(dcc_job_summary)") && (strstr(line, " COMPILE_OK ") || strstr(line, " COMPILE_ERROR "));
		count += compiled && !str_ends((struct str){line, (size_t)n}, STR(" " CANARY_SOURCE "\n"));
	}
	free(line);
	fclose(file);
	return count;
}

/* --- why a call was run here, from its arguments --- */

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
	{"-flto", MATCH_WHOLE, NULL},
	{"--coverage", MATCH_WHOLE, NULL},
	{"-fprofile-arcs", MATCH_WHOLE, NULL},
	{"-ftest-coverage", MATCH_WHOLE, NULL},
	{"-fprofile-generate", MATCH_START, "-fprofile-generate"},
	{"-fprofile-use", MATCH_START, "-fprofile-use"},
	{"-fprofile-correction", MATCH_WHOLE, NULL},
	{"-fauto-profile", MATCH_START, "-fauto-profile"},
	{"-frepo", MATCH_WHOLE, NULL},
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
	uint32_t sources, assembler, objects;
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

/* --- the client's log --- */

/* Clients that failed on a host and will try here. */
struct failing {
	struct failing *next;
	struct str pid, host;
};

struct reader {
	struct arena *arena;
	struct local_compiles *compiles;
	struct failing *failing;
	struct map unsent; /* pids of clients whose preprocessor failed: their host had nothing to answer */
};

static void
count(struct reader *reader, struct map *counts, struct str words)
{
	uint64_t *old = map_get(counts, words);
	if (!old) {
		old = arena_new(reader->arena, uint64_t);
		*map_at(counts, str_dup(reader->arena, words)) = old;
	}
	++*old;
}

/* "a.c to 127.0.0.2:41001/2, running locally instead": the host without its port, none where no host was asked. */
static void
remember_failure(struct reader *reader, struct str pid, struct str text)
{
	struct failing *failing = arena_new(reader->arena, struct failing);
	failing->pid = str_dup(reader->arena, pid);
	failing->next = reader->failing;
	reader->failing = failing;
	const char *to = memmem(text.s, text.n, " to ", 4);
	if (!to)
		return;
	struct str host = str_part(text, (size_t)(to + 4 - text.s), text.n);
	host = str_part(host, 0, str_find(host, ','));
	failing->host = str_dup(reader->arena, distcc_called(str_part(host, 0, str_find(host, '/'))));
}

/* The failure that the client had before; it is forgotten. */
static struct failing *
take_failure(struct reader *reader, struct str pid)
{
	for (struct failing **at = &reader->failing; *at; at = &(*at)->next) {
		struct failing *failing = *at;
		if (!str_eq(failing->pid, pid))
			continue;
		*at = failing->next;
		return failing;
	}
	return NULL;
}

static void
read_call(struct reader *reader, struct str pid, struct str arguments)
{
	struct call call = {0};
	struct str argument, before = STR("");
	for (; str_split(&arguments, ' ', &argument); before = argument)
		look_at(&call, argument, before);
	struct failing *failing = take_failure(reader, pid);
	const char *other = why_other(&call);
	if (other) {
		count(reader, &reader->compiles->others, str_from(other));
		return;
	}
	reader->compiles->count++;
	if (!failing) {
		count(reader, &reader->compiles->reasons, str_from(why_local(&call)));
		return;
	}
	reader->compiles->fallbacks++;
	struct str words = STR("fallback: no host could be asked");
	if (failing->host.n)
		words = str_printf(reader->arena, "fallback: %.*s failed", STR_ARG(failing->host));
	count(reader, &reader->compiles->reasons, words);
}

/* "compile a.c on 127.0.0.2:41001/2 completed ok", "ERROR: compile a.c on 127.0.0.2:41001/2 failed …": a host has answered. */
static void
read_answer(struct reader *reader, struct str pid, struct str text)
{
	struct str rest = str_starts(text, STR("ERROR: ")) ? str_part(text, 7, text.n) : text;
	const char *on = memmem(rest.s, rest.n, " on ", 4);
	if (!on || !str_starts(rest, STR("compile ")) ||
		!(memmem(rest.s, rest.n, " completed ok", 13) || memmem(rest.s, rest.n, " failed", 7)))
		return;
	struct str host = str_part(rest, (size_t)(on + 4 - rest.s), rest.n);
	host = str_part(host, 0, str_find(host, ' '));
	if (str_is(host, "localhost") || map_get(&reader->unsent, pid))
		return;
	reader->compiles->remote++;
	count(reader, &reader->compiles->answers, str_part(host, 0, str_find(host, '/')));
}

/* "resolved gcc-12 -march=native", "gcc-12 -march=native is -march=skylake …", "gcc-12 -march=native stays here: why": what front.sh writes. */
static void
read_native(struct reader *reader, struct str text)
{
	static const struct str resolved = {"resolved ", 9}, is = {" is ", 4}, stays = {" stays here: ", 13};
	bool counts = str_starts(text, resolved);
	const char *flags = counts ? NULL : memmem(text.s, text.n, is.s, is.n);
	const char *why = counts || flags ? NULL : memmem(text.s, text.n, stays.s, stays.n);
	size_t end = text.n;
	if (flags)
		end = (size_t)(flags - text.s);
	else if (why)
		end = (size_t)(why - text.s);
	else if (!counts)
		return;
	struct str name = str_part(text, counts ? resolved.n : 0, end);
	struct native **native = (struct native **)map_at(&reader->compiles->natives, str_dup(reader->arena, name));
	if (!*native)
		*native = arena_new(reader->arena, struct native);
	(*native)->count += counts;
	if (flags)
		(*native)->flags = str_dup(reader->arena, str_part(text, name.n + is.n, text.n));
	if (why)
		(*native)->why = str_dup(reader->arena, str_part(text, name.n + stays.n, text.n));
}

static void
read_line(struct reader *reader, struct str line)
{
	static const struct str start = {"distcc[", 7}, local = {"exec on localhost: ", 19},
				failed = {"Warning: failed to distribute", 29}, unsent = {" on localhost failed", 20};
	if (!str_starts(line, start))
		return;
	size_t end = str_find(line, ']');
	struct str pid = str_part(line, start.n, end), text = str_part(line, end + 2, line.n);
	if (str_starts(text, failed))
		remember_failure(reader, pid, str_part(text, failed.n, text.n));
	else if (str_starts(text, local))
		read_call(reader, pid, str_part(text, local.n, text.n));
	else if (str_starts(text, STR("(dcc_exit)")))
		take_failure(reader, pid);
	else if (str_starts(text, STR("cpp ")) && memmem(text.s, text.n, unsent.s, unsent.n))
		*map_at(&reader->unsent, str_dup(reader->arena, pid)) = reader;
	else if (str_starts(text, STR("(edcc) ")))
		read_native(reader, str_part(text, 7, text.n));
	else
		read_answer(reader, pid, text);
}

bool
distcc_count_local(struct arena *arena, const char *log_path, struct local_compiles *compiles)
{
	*compiles = (struct local_compiles){
		.answers = map_new(arena), .reasons = map_new(arena), .natives = map_new(arena), .others = map_new(arena)};
	struct reader reader = {.arena = arena, .compiles = compiles, .unsent = map_new(arena)};
	size_t size = 0;
	ssize_t n;
	char *line = NULL;
	FILE *file = fopen(log_path, "re");
	if (!file)
		return false;
	while ((n = getline(&line, &size, file)) > 0)
		read_line(&reader, str_trim((struct str){line, (size_t)n}));
	free(line);
	fclose(file);
	return true;
}
