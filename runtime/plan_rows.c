#include "runtime/plan_rows.h"

#include <string.h>

void
rows_style(struct rows *rows, enum style name)
{
	static const char *const codes[] = {
#define X(name, code) code,
		STYLES(X)
#undef X
	};
	if (rows->colour)
		buf_add_c(&rows->out, codes[name]);
}

void
rows_put(struct rows *rows, struct str text)
{
	size_t kept = 0; /* before here all is written */
	for (size_t i = 0; i < text.n; i++) {
		char c = text.s[i];
		bool control = (unsigned char)c < ' ' || c == 127, escape = rows->markdown && !control && strchr("\\`*_<[|", c);
		if (!control && !escape)
			continue;
		buf_add(&rows->out, str_part(text, kept, i));
		buf_add_byte(&rows->out, control ? ' ' : '\\');
		kept = control ? i + 1 : i;
	}
	buf_add(&rows->out, str_part(text, kept, text.n));
}

void
rows_put_c(struct rows *rows, const char *text)
{
	rows_put(rows, str_from(text));
}

void
rows_put_number(struct rows *rows, size_t number, const char *noun)
{
	buf_printf(&rows->out, "%zu %s%s", number, noun, number == 1 ? "" : "s");
}

static void
put_spaces(struct rows *rows, size_t count)
{
	while (count--)
		buf_add_byte(&rows->out, ' ');
}

void
rows_section(struct rows *rows, enum section section)
{
	rows->section = section_name(section);
	if (rows->markdown)
		return;
	buf_add_byte(&rows->out, '\n');
	rows_style(rows, STYLE_BOLD);
	buf_add_c(&rows->out, rows->section);
	rows_style(rows, STYLE_PLAIN);
	buf_add_byte(&rows->out, '\n');
}

static void
put_mark(struct rows *rows, char mark)
{
	if (mark == ' ' && rows->markdown)
		return;
	if (mark != ' ')
		rows_style(rows, mark == '+' ? STYLE_CREATED : STYLE_REMOVED);
	buf_add_byte(&rows->out, mark);
	if (mark != ' ')
		rows_style(rows, STYLE_PLAIN);
	buf_add_byte(&rows->out, ' ');
}

void
rows_begin(struct rows *rows, char mark, const char *verb, struct str title)
{
	if (rows->markdown)
		buf_printf(&rows->out, "| %s | ", rows->section ? rows->section : "");
	else
		put_spaces(rows, 2);
	rows->section = NULL;
	put_mark(rows, mark);
	size_t columns = utf8_columns(title);
	if (verb) {
		buf_printf(&rows->out, "%s ", verb);
		columns += strlen(verb) + 1;
	}
	rows_put(rows, title);
	if (rows->markdown)
		buf_add_c(&rows->out, " | ");
	else
		put_spaces(rows, 2 + (columns < rows->width ? rows->width - columns : 0));
}

void
rows_end(struct rows *rows)
{
	if (rows->markdown)
		buf_add_c(&rows->out, " |");
	else
		while (rows->out.n && rows->out.s[rows->out.n - 1] == ' ')
			rows->out.n--;
	buf_add_byte(&rows->out, '\n');
}

void
rows_break(struct rows *rows)
{
	if (rows->markdown) {
		buf_add_c(&rows->out, "<br>");
		return;
	}
	rows_end(rows);
	put_spaces(rows, 4 + rows->width + 2);
}
