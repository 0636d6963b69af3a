#include "project/make_habits.h"

#include "project/schema.h"

#include <string.h>

static bool
is_own(struct str name)
{
	return schema_listed("CC CXX JOBS COMMIT", name) || str_starts(name, STR("EDCC_"));
}

/* The text begins with $( . */
static void
look_at(struct loader *l, struct span span, struct str text)
{
	size_t end = str_find(text, ')');
	struct str name = str_part(text, 2, end);
	if (end == text.n || !is_own(name))
		return;
	span.length = (uint32_t)end + 1;
	struct diag *diag = diag_warning(l->diags, span, "'$(%.*s)' calls a command of that name here", STR_ARG(name));
	diag_hint(diag, "a recipe is bash: write $%.*s", STR_ARG(name));
}

void
make_habits_of_word(struct loader *l, struct span word)
{
	struct str text = load_span(l, word);
	char quote = 0;
	for (size_t at = 0; at < text.n; at++) {
		char c = text.s[at];
		if (c == '\\' && quote != '\'')
			at++;
		else if (quote ? c == quote : c == '"' || c == '\'')
			quote = quote ? 0 : c;
		else if (quote != '\'' && str_starts(str_part(text, at, text.n), STR("$(")))
			look_at(l, (struct span){word.source, word.offset + (uint32_t)at, 0}, str_part(text, at, text.n));
	}
}
