#include "parser/ast.h"

static const char *const operator_texts[] = {
#define X(name, text) text,
	OPERATORS(X)
#undef X
};

static const char *const condition_texts[] = {
#define X(name, text) text,
	CONDITION_KINDS(X)
#undef X
};

const char *operator_text(enum operator op)
{
	return operator_texts[op];
}

const char *
condition_text(enum condition_kind kind)
{
	return condition_texts[kind];
}

struct str
recipe_text(struct arena *arena, const struct sources *sources, const struct recipe *recipe)
{
	struct str text = source_text(sources, recipe->item.span), line;

	/* One line is its own text. */
	if (str_find(text, '\n') == text.n && str_find(text, '\r') == text.n)
		return str_part(text, recipe->indent, text.n);
	struct buf script = buf_sized(arena, text.n);
	while (str_split(&text, '\n', &line)) {
		size_t indent = 0;
		while (indent < recipe->indent && indent < line.n && (line.s[indent] == ' ' || line.s[indent] == '\t'))
			indent++;
		buf_add(&script, str_part(line, indent, str_ends(line, STR("\r")) ? line.n - 1 : line.n));
		if (text.s)
			buf_add_byte(&script, '\n');
	}
	return buf_str(&script);
}
