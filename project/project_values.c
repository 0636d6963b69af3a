/* What a project's variables are to others: to recipes, to `edcc vars`, to what hides secrets; and variables from a file. */
#include "base/os.h"
#include "parser/parse.h"
#include "parser/value.h"
#include "project/project.h"

#include <stdlib.h>
#include <string.h>

char **
project_environment(struct arena *arena, const struct scope *scope)
{
	struct map seen = map_new(arena);
	size_t most = 1, count = 0;
	char **environment;

	for (const struct scope *s = scope; s; s = s->parent)
		most += s->count;
	environment = arena_array(arena, char *, most);
	for (; scope; scope = scope->parent) {
		for (uint32_t i = 0; i < scope->count; i++) {
			const struct variable *variable = &scope->variables[i];
			void **at = map_at(&seen, variable->name);
			if (*at)
				continue;
			*at = environment;
			struct str text = words_join(arena, variable->value.words, STR(" "));
			environment[count++] = str_c(arena, str_printf(arena, "%.*s=%.*s", STR_ARG(variable->name), STR_ARG(text)));
		}
	}
	return environment;
}

static int
longest_first(const void *a, const void *b)
{
	const struct str *sa = a, *sb = b;

	if (sa->n != sb->n)
		return sa->n > sb->n ? -1 : 1;
	return str_compare(*sa, *sb);
}

struct words
project_secrets(struct arena *arena, const struct project *project)
{
	struct words secrets = {NULL, 0};
	size_t most = 0;

	for (uint32_t i = 0; i < project->scope_count; i++)
		for (uint32_t j = 0; j < project->scopes[i].count; j++)
			most += project->scopes[i].variables[j].value.secret ? project->scopes[i].variables[j].value.words.n + 1
									     : 0;
	if (!most)
		return secrets;
	secrets.w = arena_array(arena, struct str, most);
	for (uint32_t i = 0; i < project->scope_count; i++) {
		for (uint32_t j = 0; j < project->scopes[i].count; j++) {
			const struct value *value = &project->scopes[i].variables[j].value;
			if (!value->secret)
				continue;
			/* As a whole, and word by word: a recipe may print either. */
			if (value->words.n > 1)
				secrets.w[secrets.n++] = words_join(arena, value->words, STR(" "));
			for (size_t k = 0; k < value->words.n; k++)
				if (value->words.w[k].n)
					secrets.w[secrets.n++] = value->words.w[k];
		}
	}
	qsort(secrets.w, secrets.n, sizeof *secrets.w, longest_first);
	return secrets;
}

/* A word as an Edccfile would have it. */
static void
print_word(struct buf *out, struct str word)
{
	bool plain = word.n > 0, single = memchr(word.n ? word.s : "", '\'', word.n) != NULL;

	for (size_t i = 0; i < word.n; i++)
		plain &= word.s[i] && !strchr(" \t\r\n\"'$#\\", word.s[i]);
	if (plain) {
		buf_add(out, word);
		return;
	}
	buf_add_byte(out, single ? '"' : '\'');
	for (size_t i = 0; i < word.n; i++) {
		if (single && (word.s[i] == '"' || word.s[i] == '\\' || word.s[i] == '$'))
			buf_add_byte(out, word.s[i] == '$' ? '$' : '\\');
		buf_add_byte(out, word.s[i]);
	}
	buf_add_byte(out, single ? '"' : '\'');
}

const char *
origin_name(enum origin origin)
{
	static const char *const names[] = {
#define X(name, text) text,
		ORIGINS(X)
#undef X
	};
	return names[origin];
}

static void
print_variable(struct buf *out, const struct sources *sources, const struct scope *scope, const struct variable *variable)
{
	buf_printf(out, "%.*s%s%.*s =", STR_ARG(scope->name), scope->name.n ? "." : "", STR_ARG(variable->name));
	if (variable->value.secret)
		buf_add_c(out, " (secret)");
	else if (variable->value.unknown)
		buf_add_c(out, " (unknown)");
	for (size_t i = 0; i < variable->value.words.n && !variable->value.secret; i++) {
		buf_add_byte(out, ' ');
		print_word(out, variable->value.words.w[i]);
	}
	buf_printf(out, "  # %s", origin_name(variable->origin));
	if (variable->span.source) {
		struct source_place place = source_place(sources, variable->span);
		buf_printf(out, ", %.*s:%u:%u", STR_ARG(place.name), (unsigned)place.line, (unsigned)place.column);
	}
	buf_add_byte(out, '\n');
}

struct str
project_print_values(struct arena *arena, const struct sources *sources, const struct project *project)
{
	struct buf out = buf_new(arena);

	for (uint32_t i = 0; i < project->scope_count; i++)
		for (uint32_t j = 0; j < project->scopes[i].count; j++)
			print_variable(&out, sources, &project->scopes[i], &project->scopes[i].variables[j]);
	return buf_str(&out);
}

/* The words of a definition in a variable file: plain text, nothing is interpolated. */
static bool
read_plain(struct arena *arena, struct sources *sources, struct diags *diags, struct span span, struct str *text)
{
	struct value_cursor cursor = value_open(sources, span, VALUE_WORDS);
	struct buf out = buf_new(arena);
	struct part part;

	while (span.length && value_next(&cursor, &part) != PART_END) {
		if (part.kind == PART_NAME || part.kind == PART_CALL) {
			diag_hint(diag_error(diags, part.span, "a variable file has plain values only"), "write the value itself");
			return false;
		}
		buf_add(&out, part.kind == PART_SPACE ? STR(" ") : part.text);
	}
	*text = buf_str(&out);
	return true;
}

bool
project_read_overrides(struct arena *arena, struct sources *sources, struct diags *diags, const char *path,
	struct override **overrides, size_t *count)
{
	struct str text, error, name = str_dup(arena, str_from(path));
	size_t errors = diags->error_count;

	*overrides = NULL;
	*count = 0;
	if (!os_read(arena, path, SOURCE_LIMIT, &text, &error)) {
		diag_error(diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return false;
	}
	const struct tree *tree = parse_source(arena, source_add(sources, name, name, text), diags);
	for (const struct item *item = tree->items; item; item = item->next) {
		const struct definition *definition = (const struct definition *)item;
		struct override override = {.origin = ORIGIN_VAR_FILE};
		if (item->kind == ITEM_COMMENT)
			continue;
		if (item->kind != ITEM_DEFINITION || definition->op != OP_SET || definition->secret) {
			diag_hint(diag_error(diags, item->span, "a variable file has lines of the form name = value only"),
				"for example: workers = 16");
			continue;
		}
		override.name = source_text(sources, definition->name);
		if (!read_plain(arena, sources, diags, definition->value, &override.value))
			continue;
		*overrides = arena_more(arena, *overrides, *count, sizeof **overrides);
		(*overrides)[(*count)++] = override;
	}
	return diags->error_count == errors;
}
