#include "project/recipe_names.h"

#include "parser/scan.h"
#include "project/name.h"

#include <string.h>

/* What may set names that the text does not show, or quote what follows. */
static const char *const obscure[] = {"<<", "eval", "source", "declare", "typeset", "export $", "export \"$"};

static bool
has(struct str text, const char *piece)
{
	return memmem(text.s, text.n, piece, strlen(piece)) != NULL;
}

/* Whether the line may read another file, or has a quote that goes on over its end. */
static bool
is_obscure_line(struct str line)
{
	size_t quotes = 0;

	for (size_t i = 0; i < line.n; i++)
		quotes += line.s[i] == '\'';
	return quotes % 2 || str_starts(str_trim(line), STR(". ")) || has(line, "; . ") || has(line, "& . ") || has(line, "| . ");
}

static bool
is_obscure(struct str text)
{
	struct str line;

	for (size_t i = 0; i < sizeof obscure / sizeof *obscure; i++)
		if (has(text, obscure[i]))
			return true;
	while (str_split(&text, '\n', &line))
		if (is_obscure_line(line))
			return true;
	return false;
}

/* Whether the word stands in the text without a `$` or `${` before it: as one that is assigned, read or looped over. */
static bool
is_mentioned(struct str text, struct str name)
{
	const char *end = text.s + text.n;

	for (const char *at = text.s; (at = memmem(at, (size_t)(end - at), name.s, name.n)) != NULL; at++) {
		char before = at > text.s ? at[-1] : ' ', second = at - text.s > 1 ? at[-2] : ' ';
		bool whole = !char_is(before, CHAR_NAME) && (at + name.n == end || !char_is(at[name.n], CHAR_NAME));
		if (whole && before != '$' && !(before == '{' && second == '$'))
			return true;
	}
	return false;
}

static bool
is_defined(const struct loader *l, const struct space *space, struct str name)
{
	for (; space; space = space->parent)
		if (space->blurred || space_find(space, name) || map_get(&space->ghosts, name))
			return true;
	return load_environment(l, name).s != NULL;
}

/* The name that is read at a `$` of the line, as the whole of $NAME or ${NAME}; none where something else is. */
static struct str
name_at(struct str line, size_t dollar)
{
	bool brace = dollar + 1 < line.n && line.s[dollar + 1] == '{';
	size_t from = dollar + 1 + brace, to = from;
	bool quoted = dollar && (line.s[dollar - 1] == '\\' || line.s[dollar - 1] == '$');

	while (to < line.n && char_is(line.s[to], CHAR_NAME))
		to++;
	if (quoted || to == from || !char_is(line.s[from], CHAR_ALPHA) || (brace && (to == line.n || line.s[to] != '}')))
		return (struct str){NULL, 0};
	return str_part(line, from, to);
}

/* Whether the line's end, from there on, is a comment. */
static bool
at_comment(struct str line, size_t at)
{
	return line.s[at] == '#' && (!at || char_is(line.s[at - 1], CHAR_BLANK));
}

/* The name of the line that is a slip; none where none is. */
static struct str
find_slip(const struct loader *l, const struct space *space, struct str text, struct str line, struct suggest *suggest)
{
	for (size_t i = 0; i < line.n && !at_comment(line, i); i++) {
		struct str name = line.s[i] == '$' ? name_at(line, i) : (struct str){NULL, 0};
		if (!name.n || name_is_reserved(name))
			continue;
		*suggest = suggest_for(name);
		suggest->distance = 2; /* one slip, whatever its length */
		name_offer_reserved(suggest);
		if (suggest->best.s && !is_mentioned(text, name) && !is_defined(l, space, name))
			return name;
	}
	return (struct str){NULL, 0};
}

void
recipe_names_check(struct loader *l, const struct space *space, struct span recipe)
{
	struct str text = load_span(l, recipe), rest = text, line;
	struct suggest suggest;

	if (!memchr(text.s, '$', text.n) || is_obscure(text))
		return;
	while (str_split(&rest, '\n', &line)) {
		/* Between such quotes a $ is itself. */
		if (memchr(line.s, '\'', line.n))
			continue;
		struct str name = find_slip(l, space, text, line, &suggest);
		if (!name.n)
			continue;
		struct span place = {recipe.source, recipe.offset + (uint32_t)(name.s - text.s), (uint32_t)name.n};
		struct diag *diag = diag_warning(l->diags, place, "nothing sets '$%.*s'", STR_ARG(name));
		diag_hint(diag, "did you mean '$%.*s'?", STR_ARG(suggest.best));
		return;
	}
}
