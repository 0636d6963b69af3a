#include "project/expand.h"

#include "project/commit.h"
#include "project/function.h"
#include "project/name.h"

#include <string.h>

struct expander {
	struct str *words; /* the words of values being built, one value's after the other's */
	size_t word_count, word_room;
	struct buf text; /* the pieces of words being built */
	size_t charged;
	bool exhausted; /* EXPAND_LIMIT was reached, and filed */
	struct value *commit; /* $(COMMIT), once it was asked for */
};

struct expander *
expand_new(struct loader *l)
{
	struct expander *e = arena_new(&l->scratch, struct expander);

	e->text = buf_new(&l->scratch);
	return e;
}

bool
expand_charge(struct loader *l, struct span span, size_t n)
{
	struct expander *e = l->expander;

	e->charged += n;
	if (e->charged <= EXPAND_LIMIT)
		return true;
	if (!e->exhausted) {
		struct diag *diag =
			diag_error(l->diags, span, "the values of this file come to more than %zu MB here", EXPAND_LIMIT >> 20);
		diag_hint(diag, "a value that names another twice doubles it, and the next one doubles that");
	}
	e->exhausted = true;
	return false;
}

/* A value being built on the evaluator's stacks. */
struct builder {
	struct expander *e;
	struct arena *arena; /* of the result */
	size_t words, text; /* where it begins on the stacks */
	struct str piece; /* the word so far, where it has one piece */
	unsigned pieces;
};

static void
add_piece(struct builder *b, struct str text)
{
	if (b->pieces == 1)
		buf_add(&b->e->text, b->piece);
	if (b->pieces)
		buf_add(&b->e->text, text);
	else
		b->piece = text;
	if (b->pieces < 2)
		b->pieces++;
}

static void
add_word(struct builder *b, struct str word)
{
	struct expander *e = b->e;

	if (e->word_count == e->word_room) {
		size_t room = e->word_room ? e->word_room * 2 : 64;
		e->words = arena_grow(e->text.arena, e->words, e->word_room * sizeof *e->words, room * sizeof *e->words);
		e->word_room = room;
	}
	e->words[e->word_count++] = word;
}

static void
end_word(struct builder *b)
{
	struct str built = buf_str(&b->e->text);

	if (!b->pieces)
		return;
	add_word(b, b->pieces == 1 ? b->piece : str_dup(b->arena, str_part(built, b->text, built.n)));
	b->e->text.n = b->text;
	b->pieces = 0;
}

static struct words
finish(struct builder *b)
{
	struct expander *e = b->e;
	struct words words = {NULL, 0};

	end_word(b);
	words.n = e->word_count - b->words;
	if (words.n) {
		words.w = arena_array(b->arena, struct str, words.n);
		memcpy(words.w, e->words + b->words, words.n * sizeof *words.w);
	}
	e->word_count = b->words;
	return words;
}

/* Splices words into the value as make does: the first joins what stands before, the last what follows. */
static void
add_words(struct builder *b, struct words words)
{
	for (size_t i = 0; i < words.n; i++) {
		if (i)
			end_word(b);
		add_piece(b, words.w[i]);
	}
}

/* Puts words into a shell command so that they are data whatever they hold, under the quote they stand in. */
static void
add_quoted(struct loader *l, struct builder *b, struct words words, char quote)
{
	struct buf out = buf_new(&l->scratch);

	if (!quote) {
		for (size_t i = 0; i < words.n; i++) {
			if (i)
				buf_add_byte(&out, ' ');
			buf_add(&out, str_shell_quote(&l->scratch, words.w[i]));
		}
		add_piece(b, buf_str(&out));
		return;
	}
	struct str text = words_join(&l->scratch, words, STR(" "));
	for (size_t i = 0; i < text.n; i++) {
		char c = text.s[i];
		if (quote == '"' && (c == '\\' || c == '"' || c == '$' || c == '`'))
			buf_add_byte(&out, '\\');
		if (quote == '\'' && c == '\'')
			buf_add_c(&out, "'\\'");
		buf_add_byte(&out, c);
	}
	add_piece(b, buf_str(&out));
}

/* The value of $(COMMIT): as a recipe's, empty where the source tree is not git's. */
static struct value
commit_value(struct loader *l)
{
	struct expander *e = l->expander;

	if (!e->commit) {
		e->commit = arena_new(&l->scratch, struct value);
		if (l->options->run_commands)
			e->commit->words = expand_split(l, commit_of(l->arena, str_c(&l->scratch, l->dir)));
		else
			e->commit->unknown = true;
	}
	return *e->commit;
}

static struct value
name_value(struct loader *l, const struct part *part, const struct space *space)
{
	struct value unknown = {.unknown = true};
	const struct space *at = space;
	uint32_t place;

	if (l->it && str_is(part->text, "it"))
		return *l->it;
	place = name_look_up(l, &at, part->text);
	if (place)
		return at->bindings[place - 1].state == BINDING_DONE ? at->variables[place - 1].value : unknown;
	if (name_is_predefined(part->text))
		return commit_value(l);
	for (at = space; at; at = at->parent)
		if (at->uncertain)
			return unknown;
	name_unknown(l, part->span, space, part->text);
	return unknown;
}

/* The value of one part that is no text. */
static struct value
part_value(struct loader *l, const struct part *part, const struct space *space)
{
	return part->kind == PART_CALL ? function_call(l, part, space) : name_value(l, part, space);
}

static void
add_value(struct loader *l, struct builder *b, const struct value *value, char quote, enum value_mode mode)
{
	if (mode == VALUE_RAW)
		add_quoted(l, b, value->words, quote);
	else if (quote)
		add_piece(b, words_join(b->arena, value->words, STR(" ")));
	else
		add_words(b, value->words);
}

struct value
expand_value(struct loader *l, struct span span, const struct space *space, enum value_mode mode)
{
	struct expander *e = l->expander;
	struct builder b = {.e = e, .arena = l->arena, .words = e->word_count, .text = e->text.n};
	struct value_cursor cursor = value_open(l->sources, span, mode);
	struct value result = {0}, value;
	struct part part;

	while (value_next(&cursor, &part) != PART_END) {
		if (part.kind == PART_SPACE) {
			end_word(&b);
		} else if (part.kind == PART_TEXT) {
			add_piece(&b, part.text);
		} else if (part.kind == PART_REGEX) {
			add_piece(&b, load_span(l, part.span));
		} else {
			value = part_value(l, &part, space);
			result.secret |= value.secret;
			result.unknown |= value.unknown;
			if (!b.pieces && b.words == e->word_count && cursor.at == cursor.end && !part.quote && mode != VALUE_RAW) {
				result.words = value.words; /* all there is: no copy */
				return result;
			}
			add_value(l, &b, &value, part.quote, mode);
		}
	}
	result.words = finish(&b);
	size_t size = result.words.n * sizeof(struct str);
	for (size_t i = 0; i < result.words.n; i++)
		size += result.words.w[i].n;
	if (!expand_charge(l, span, size))
		result.unknown = true;
	if (result.unknown)
		result.words = (struct words){NULL, 0};
	return result;
}

struct words
expand_split(struct loader *l, struct str text)
{
	struct builder b = {.e = l->expander, .arena = l->arena, .words = l->expander->word_count, .text = l->expander->text.n};

	for (size_t from = 0, i = 0; i <= text.n; i++) {
		if (i < text.n && !strchr(" \t\r\n\f\v", text.s[i]))
			continue;
		if (i > from)
			add_word(&b, str_part(text, from, i));
		from = i + 1;
	}
	return finish(&b);
}

struct regex *
expand_regex(struct loader *l, struct span span)
{
	struct value_cursor cursor = value_open(l->sources, span, VALUE_REGEX_FIRST);
	struct regex *regex;
	struct part part, after;
	struct str error;
	size_t offset;

	if (value_next(&cursor, &part) != PART_REGEX || value_next(&cursor, &after) != PART_END) {
		struct diag *diag = diag_error(l->diags, span, "a /regex/ must stand here");
		diag_hint(diag, "for example /^lib.*\\.c$/, with the flags i, m, s and x after it");
		return NULL;
	}
	regex = regex_new(part.text, load_span(l, part.inner), &error, &offset, &l->scratch);
	if (!regex) {
		uint32_t at = part.span.offset + 1 + (uint32_t)offset;
		diag_error(l->diags, (struct span){span.source, at, 1}, "this /regex/ cannot be read: %.*s", STR_ARG(error));
	}
	return regex;
}

/* A pattern that came out of a value: /…/flags, or the pattern alone. */
static struct regex *
compile_text(struct loader *l, struct span span, struct str text, bool secret)
{
	struct str flags = STR(""), pattern = text, error;
	size_t last = text.n, offset;
	struct regex *regex;

	while (last && text.s[last - 1] != '/')
		last--;
	if (last > 1 && *text.s == '/') {
		pattern = str_part(text, 1, last - 1);
		flags = str_part(text, last, text.n);
	}
	regex = regex_new(pattern, flags, &error, &offset, &l->scratch);
	if (!regex && secret)
		diag_error(l->diags, span, "this pattern cannot be read");
	else if (!regex)
		diag_error(l->diags, span, "this pattern, '%.*s', cannot be read: %.*s", STR_ARG(text), STR_ARG(error));
	return regex;
}

struct regex *
expand_pattern(struct loader *l, struct span span, const struct space *space, struct value *value)
{
	struct value_cursor cursor = value_open(l->sources, span, VALUE_REGEX_FIRST);
	struct str text = load_span(l, span);
	struct part part;

	if (value_next(&cursor, &part) == PART_REGEX || !text.n || !memchr(text.s, '$', text.n))
		return expand_regex(l, span);
	*value = expand_value(l, span, space, VALUE_WORDS);
	if (value->unknown)
		return NULL;
	return compile_text(l, span, words_join(&l->scratch, value->words, STR(" ")), value->secret);
}
