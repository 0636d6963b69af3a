#include "project/habits.h"

#include "distcc/call.h"
#include "project/make_habits.h"

#include <string.h>
#include <strings.h>

/* --- what there is to say --- */

/* WAY(id, way out) */
#define WAYS(WAY)                                                                                                     \
	WAY(APART, "where it is needed, a build of its own for it leaves the others distributed")                     \
	WAY(NATIVE, "'native = resolve' under 'distcc:' puts this machine's explicit flags in its place")             \
	WAY(LTO, "write -flto=auto: then compiles are distributed, and the link is done here")                        \
	WAY(SPECS, "where only the linker needs it, say it in LDFLAGS alone; else give the flags that it stands for") \
	WAY(DWARF, "-g keeps all of it in the object, and is distributed")                                            \
	WAY(DEPENDENCIES, "-MMD -MT OBJECT -MF OBJECT.d writes the same while the object is compiled")                \
	WAY(EACH, "a call for each source, with -c, and one that links")                                              \
	WAY(HEADER, "leave it out: each compile's text is preprocessed here anyway")                                  \
	WAY(ASSEMBLER, "there is no way around it, but assembling is quick")                                          \
	WAY(LANGUAGE, "assembling is quick; C and C++ need no -x where sources are called .c and .cc")                \
	WAY(BLANK, "a blank before the language lets it go")                                                          \
	WAY(SHORT, "-o, -x, -Wa, and -march= say the same, and distcc knows them")                                    \
	WAY(REMARKS, "without a file they are said on standard error, and come back from hosts")                      \
	WAY(CHARSET, "a source in UTF-8 needs no such option")                                                        \
	WAY(INCLUDE, "a file that is included so and is called .h or .inc is no second source")

enum way {
#define WAY(id, text) WAY_##id,
	WAYS(WAY)
#undef WAY
};

static const char *const ways[] = {
#define WAY(id, text) [WAY_##id] = text,
	WAYS(WAY)
#undef WAY
};

/* As in distcc/kept.def. */
enum scope_of_habit {
	ANYWHERE, /* no other program has such an option */
	FLAGS, /* in what is called flags, and in a compiler's call */
	CALL, /* in a compiler's call alone */
	NATIVE, /* anywhere, where the file leaves native as it is */
};

static const struct habit {
	const char *word;
	enum scope_of_habit scope;
	enum way way;
	const char *why;
} habits[] = {
#define KEPT(word, says, keeper, scope, way, why) {word, scope, WAY_##way, why},
#include "distcc/kept.def"
#undef KEPT
	{"-M", CALL, WAY_DEPENDENCIES, "it only preprocesses"},
	{"-MM", CALL, WAY_DEPENDENCIES, "it only preprocesses"},
};
#define HABIT_COUNT (sizeof habits / sizeof *habits)

/* Calls that are told by their files. CALL(id, way, why) */
#define CALLS(CALL)                                                                  \
	CALL(SEVERAL, EACH, "it has several sources")                                \
	CALL(PRECOMPILED, HEADER, "what is made of a header is of no use elsewhere") \
	CALL(ASSEMBLER, ASSEMBLER, "distcc leaves assembler to this machine")        \
	CALL(INCLUDED, INCLUDE, "distcc takes what is included so for a second source")

enum call_habit {
#define CALL(id, way, why) CALL_##id,
	CALLS(CALL)
#undef CALL
};

static const struct {
	enum way way;
	const char *why;
} call_habits[] = {
#define CALL(id, way, why) [CALL_##id] = {WAY_##way, why},
	CALLS(CALL)
#undef CALL
};

_Static_assert(HABIT_COUNT + sizeof call_habits / sizeof *call_habits <= HABIT_LIMIT, "each is said once");

/* One for each: of many places the first is enough. */
static void
tell(struct loader *l, unsigned habit, struct span span, const char *why, enum way way)
{
	struct str text = load_span(l, span);
	if (l->habits[habit])
		return;
	l->habits[habit] = true;
	struct diag *diag = diag_warning(l->diags, span, "with '%.*s' a compile is not distributed: %s", STR_ARG(text), why);
	diag_hint(diag, "%s", ways[way]);
}

/* --- words --- */

/* One that is looked at: what stands between blanks and quotes, and after NAME= . */
struct look {
	struct loader *l;
	const struct project *project;
	uint32_t source;
	const char *base; /* the source's text */
	bool flags; /* it stands among flags */
	bool call; /* it stands in a compiler's call */
	struct str next; /* the call's next argument */
};

static struct span
span_of(const struct look *look, struct str word)
{
	return (struct span){look->source, (uint32_t)(word.s - look->base), (uint32_t)word.n};
}

static bool
applies(const struct look *look, enum scope_of_habit scope)
{
	switch (scope) {
	case ANYWHERE:
		return true;
	case FLAGS:
		return look->flags || look->call;
	case CALL:
		return look->call;
	case NATIVE:
		return str_is(look->project->distcc.native, "local");
	}
	return false;
}

/* The word, or both where it takes two to make the habit and they stand in one line, with one blank between them. */
static struct str
both(struct str word, struct str next, const char *habit)
{
	if (strchr(habit, ' ') && next.s == word.s + word.n + 1 && word.s[word.n] == ' ')
		return (struct str){word.s, word.n + 1 + next.n};
	return word;
}

static void
look_at(const struct look *look, struct str word, struct str next)
{
	for (unsigned i = 0; i < HABIT_COUNT && word.n > 1; i++)
		if (distcc_argument_is(word, next, habits[i].word) && applies(look, habits[i].scope))
			tell(look->l, i, span_of(look, both(word, next, habits[i].word)), habits[i].why, habits[i].way);
}

static bool
has_text(struct str text, const char *part)
{
	size_t n = strlen(part);
	for (size_t i = 0; i + n <= text.n; i++)
		if (strncasecmp(text.s + i, part, n) == 0)
			return true;
	return false;
}

static bool
has_blank(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.s[i] == ' ' || text.s[i] == '\t' || text.s[i] == '\n')
			return true;
	return false;
}

/* What a name says of its value: CFLAGS, CMAKE_CXX_FLAGS_RELEASE, flags, CC. The linker may have what a compile may not. */
static bool
names_flags(struct str name)
{
	if (str_ends(name, STR("CC")) || str_ends(name, STR("CXX")))
		return true;
	return has_text(name, "flags") && !has_text(name, "ldflags") && !has_text(name, "linker");
}

static bool
names_link(struct str name)
{
	return has_text(name, "ldflags") || has_text(name, "linker") || has_text(name, "libs");
}

/* The words of a text that stands between blanks, in which quotes may be: the value of a variable, or one argument such as CFLAGS="-O2 --coverage". */
static void
look_within(struct look look, struct str text)
{
	size_t equals = str_find(text, '=');
	struct str name = str_part(text, 0, equals);
	if (equals < text.n && !has_blank(name) && (names_flags(name) || names_link(name))) {
		look.flags = true;
		text = str_part(text, equals + 1, text.n);
		if (names_link(name))
			return;
	}
	struct str word = STR("");
	for (size_t at = 0; at < text.n; at++) {
		size_t from = at;
		while (at < text.n && !strchr(" \t\r\n\"'\\", text.s[at]))
			at++;
		if (at == from)
			continue;
		look_at(&look, word, str_part(text, from, at));
		word = str_part(text, from, at);
	}
	look_at(&look, word, look.next);
}

static void
look_at_definition(struct loader *l, const struct project *project, struct str name, const struct definition *definition,
	const struct context *context)
{
	struct span value = definition->value;
	struct str text = load_span(l, value);
	/* What the standard library has is meant so. */
	if (context->unit->kind != UNIT_FILE || definition->secret || !value.length || names_link(name))
		return;
	struct look look = {
		.l = l, .project = project, .source = value.source, .base = text.s - value.offset, .flags = names_flags(name)};
	look_within(look, text);
}

void
habits_of_variables(struct loader *l, const struct project *project)
{
	for (uint32_t s = 0; s < l->space_count && project->group_count; s++) {
		const struct space *space = l->spaces[s];
		for (uint32_t i = 0; i < space->count; i++) {
			const struct binding *binding = &space->bindings[i];
			struct str name = space->variables[i].name;
			if (binding->definition)
				look_at_definition(l, project, name, binding->definition, binding->context);
			for (const struct addition *a = addition_next(binding, NULL); a; a = addition_next(binding, a))
				look_at_definition(l, project, name, a->definition, a->context);
		}
	}
}

void
habits_of_compiler(struct loader *l, const struct project *project, struct span span)
{
	struct str text = load_span(l, span);
	struct look look = {.l = l, .project = project, .source = span.source, .base = text.s - span.offset, .call = true};
	if (span.source && project->group_count)
		look_within(look, text);
}

/* --- recipes --- */

enum program {
	PROGRAM_NONE, /* its name is still to come */
	PROGRAM_COMPILER,
	PROGRAM_SILENT, /* its words are only said */
	PROGRAM_OTHER,
};

/* One command of a recipe, as far as it has been read. */
struct call {
	struct look look;
	enum program program;
	struct str before; /* the word before the next one */
	bool preprocesses, only_text; /* -M, or -E */
	uint32_t sources, assembler, headers, objects;
	struct str source, second, header; /* the first two of the sources, a header */
	struct words words; /* of a compiler's call */
};

/* Words of a shell that a command may follow, and programs that call the one after them. */
static const char prefixes[] = "if then else elif do while until ! { time exec env nice command distcc ccache";
static const char silent[] = "echo printf : build_success build_failed";
/* Options whose value is the next word. */
static const char valued[] = "-o -MF -MT -MQ -I -isystem -iquote -imacros -D -U -L -T -x -aux-info -Xlinker -target -arch";

static struct str
unquoted(struct str word)
{
	if (word.n >= 2 && strchr("\"'", *word.s) && word.s[word.n - 1] == *word.s)
		return str_part(word, 1, word.n - 1);
	return word;
}

/* $CC, ${CXX}, a script's {{.Distcc}}, gcc-12, x86_64-linux-gnu-g++, clang. */
static bool
is_compiler(struct str word)
{
	static const char *const names[] = {"gcc", "g++", "clang", "clang++", "cc", "c++"};
	struct str name = str_behind(word, '/');
	if (schema_listed("$CC $CXX ${CC} ${CXX} {{.Distcc}} {{.Distcxx}}", word))
		return true;
	while (name.n && strchr("0123456789.-", name.s[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct str known = str_from(names[i]);
		if (str_ends(name, known) && (name.n == known.n || name.s[name.n - known.n - 1] == '-'))
			return true;
	}
	return false;
}

static bool
is_assignment(struct str word)
{
	size_t equals = str_find(word, '=');
	for (size_t i = 0; i < equals; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", word.s[i]))
			return false;
	return equals && equals < word.n;
}

static void
tell_call(const struct call *call, enum call_habit habit, struct str word)
{
	tell(call->look.l, HABIT_COUNT + habit, span_of(&call->look, word), call_habits[habit].why, call_habits[habit].way);
}

/* A file that a compiler's call has, or an option that says what becomes of them. */
static void
note_argument(struct call *call, struct str word)
{
	enum distcc_file file = distcc_file_of(word);
	call->only_text |= str_is(word, "-E") || str_is(word, "-fsyntax-only");
	call->preprocesses |= call->only_text || str_is(word, "-M") || str_is(word, "-MM");
	if (str_is(call->before, "-include") && file == DISTCC_FILE_SOURCE)
		tell_call(call, CALL_INCLUDED, word);
	if (!word.n || *word.s == '-' || str_is(call->before, "-include") || schema_listed(valued, call->before))
		return;
	call->objects += file == DISTCC_FILE_OBJECT;
	call->assembler += file == DISTCC_FILE_ASSEMBLER;
	if (file == DISTCC_FILE_HEADER) {
		call->headers++;
		call->header = word;
	}
	if (file != DISTCC_FILE_SOURCE && file != DISTCC_FILE_ASSEMBLER)
		return;
	*(call->sources ? &call->second : &call->source) = word;
	/* *.c */
	call->sources += memchr(word.s, '*', word.n) ? 2 : 1;
}

static void
end_call(struct call *call)
{
	bool compiler = call->program == PROGRAM_COMPILER && !call->preprocesses;
	/* A call that only links or preprocesses is this machine's anyway. */
	bool idle = call->only_text || (call->objects && !call->sources);
	for (size_t i = 0; i < call->words.n && !idle; i++) {
		call->look.next = i + 1 < call->words.n ? call->words.w[i + 1] : (struct str){NULL, 0};
		look_within(call->look, call->words.w[i]);
	}
	call->look.next = (struct str){NULL, 0};
	if (compiler && call->sources > 1)
		tell_call(call, CALL_SEVERAL, call->second.n ? call->second : call->source);
	else if (compiler && call->assembler)
		tell_call(call, CALL_ASSEMBLER, call->source);
	else if (compiler && call->headers && !call->sources)
		tell_call(call, CALL_PRECOMPILED, call->header);
	*call = (struct call){.look = call->look};
}

static void
take_word(struct call *call, struct str raw)
{
	struct str word = unquoted(raw);
	bool phrase = has_blank(word);
	if (call->program == PROGRAM_NONE && !is_assignment(word)) {
		if (!schema_listed(prefixes, word))
			call->program = is_compiler(word)             ? PROGRAM_COMPILER
					: schema_listed(silent, word) ? PROGRAM_SILENT
								      : PROGRAM_OTHER;
		return;
	}
	if (call->program == PROGRAM_SILENT)
		return;
	call->look.call = call->program == PROGRAM_COMPILER;
	if (call->look.call)
		note_argument(call, word);
	/* Of several words in quotes only those are arguments of a compiler that something called so is set to. */
	struct str name = str_part(word, 0, str_find(word, '='));
	if (phrase && (name.n == word.n || has_blank(name) || !names_flags(name)))
		;
	else if (call->look.call)
		words_add(&call->look.l->scratch, &call->words, word);
	else
		look_within(call->look, word);
	call->before = word;
}

/* The length of the word that the text begins with: up to a blank or an operator that is neither quoted nor in $( ). */
static size_t
word_length(struct str text)
{
	size_t at = 0, depth = 0;
	char quote = 0;
	for (; at < text.n; at++) {
		char c = text.s[at];
		if (c == '\\' && quote != '\'')
			at++;
		else if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '(' && at && (depth || text.s[at - 1] == '$'))
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth && strchr(" \t\r\n;&|()<>`", c))
			break;
	}
	return at < text.n ? at : text.n;
}

/* After the line, past the here-document whose end is this word. */
static size_t
skip_document(struct str text, size_t at, struct str end)
{
	struct str rest = str_part(text, at, text.n), line;
	while (str_split(&rest, '\n', &line) && !str_eq(str_trim(line), end))
		;
	return rest.s ? (size_t)(rest.s - text.s) : text.n;
}

/* By its first line, where that says who reads it. */
static bool
is_shell(struct str text)
{
	struct str line = str_part(text, 0, str_find(text, '\n')), word;
	if (!str_starts(line, STR("#!")))
		return true;
	while (str_split(&line, ' ', &word))
		if (str_ends(str_trim(word), STR("sh")))
			return true;
	return false;
}

void
habits_of_commands(struct loader *l, const struct project *project, struct span span)
{
	struct str text = load_span(l, span), document = {NULL, 0};
	struct call call = {.look = {.l = l, .project = project, .source = span.source, .base = text.s - span.offset}};
	if (!project->group_count || !is_shell(text))
		return;
	for (size_t at = 0; at < text.n;) {
		char c = text.s[at];
		struct str rest = str_part(text, at, text.n);
		if (c == ' ' || c == '\t' || c == '\r') {
			at++;
		} else if (c == '#') {
			at += str_find(rest, '\n');
		} else if (str_starts(rest, STR("\\\n"))) {
			at += 2;
		} else if (str_starts(rest, STR("<<")) && !str_starts(rest, STR("<<<"))) {
			at += 2;
			at += at < text.n && text.s[at] == '-';
			while (at < text.n && text.s[at] == ' ')
				at++;
			size_t n = word_length(str_part(text, at, text.n));
			document = unquoted(str_part(text, at, at + n));
			at += n;
		} else if (strchr("\n;&|()<>`", c)) {
			at++;
			if (c == '\n' && document.n)
				at = skip_document(text, at, document);
			if (c == '\n')
				document = (struct str){NULL, 0};
			if (c != '<' && c != '>')
				end_call(&call);
		} else {
			size_t n = word_length(rest);
			make_habits_of_word(l, span_of(&call.look, str_part(rest, 0, n)));
			take_word(&call, str_part(rest, 0, n));
			at += n;
		}
	}
	end_call(&call);
}
