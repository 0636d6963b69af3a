#include "cli/view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define ESCAPE '\033'

struct str
text_took(struct arena *arena, int64_t ms)
{
	int64_t s = ms / 1000;
	if (ms < 1000)
		return str_printf(arena, "%" PRId64 " ms", ms);
	if (s < 60)
		return str_printf(arena, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	if (s < 3600)
		return str_printf(arena, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	return str_printf(arena, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
}

struct str
text_bytes(struct arena *arena, int64_t bytes)
{
	static const char *const units[] = {"KB", "MB", "GB", "TB"};
	double n = (double)bytes / 1000;
	size_t unit = 0;
	if (bytes < 1000)
		return str_printf(arena, "%" PRId64 " bytes", bytes);
	for (; n >= 999.95 && unit + 1 < sizeof units / sizeof *units; unit++)
		n /= 1000;
	return str_printf(arena, "%.1f %s", n, units[unit]);
}

/* How long the escape sequence at the front of the line is; *colour where it only sets colours. */
static size_t
escape_length(struct str line, bool *colour)
{
	size_t n = 2;
	*colour = false;
	if (line.n < 2)
		return line.n;
	switch (line.s[1]) {
	case '[': /* CSI: parameters, then one final byte */
		while (n < line.n && line.s[n] >= 0x20 && line.s[n] < 0x40)
			n++;
		*colour = n < line.n && line.s[n] == 'm' && strspn(line.s + 2, "0123456789;:") == n - 2;
		return n < line.n ? n + 1 : n;
	case ']': /* OSC, and other strings: to BEL or ST */
	case 'P':
	case 'X':
	case '^':
	case '_':
		while (n < line.n && line.s[n] != '\a' && !(line.s[n] == ESCAPE && n + 1 < line.n && line.s[n + 1] == '\\'))
			n++;
		return n < line.n && line.s[n] == ESCAPE ? n + 2 : n < line.n ? n + 1 : n;
	}
	while (n < line.n && line.s[n - 1] >= 0x20 && line.s[n - 1] < 0x30)
		n++;
	return n;
}

/* What a terminal would show of a line with carriage returns: roughly, what follows the last one that something follows. */
static struct str
last_state(struct str line)
{
	while (line.n && line.s[line.n - 1] == '\r')
		line.n--;
	const char *last = line.n ? memrchr(line.s, '\r', line.n) : NULL;
	return last ? str_part(line, (size_t)(last + 1 - line.s), line.n) : line;
}

static bool
is_plain(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.s[i] < 0x20 || (unsigned char)line.s[i] >= 0x7f)
			return false;
	return true;
}

/* One line, without its newline. True where a colour was set in it. */
static bool
sanitise_line(struct buf *out, struct str line, bool colours)
{
	bool coloured = false;
	for (size_t n; line.n; line = str_part(line, n, line.n)) {
		unsigned char first = (unsigned char)*line.s;
		bool colour = false;
		n = first == ESCAPE ? escape_length(line, &colour) : utf8_length(line.s, line.n);
		if (colour && colours) {
			buf_add(out, str_part(line, 0, n));
			coloured = true;
		} else if (first == ESCAPE || (first < 0x20 && first != '\t') || first == 0x7f) {
			n = n ? n : 1;
		} else if (n == 0) {
			buf_add(out, STR("\xEF\xBF\xBD"));
			n = 1;
		} else if (n != 2 || first != 0xC2 || (unsigned char)line.s[1] >= 0xA0) { /* not a C1 control */
			buf_add(out, str_part(line, 0, n));
		}
	}
	return coloured;
}

void
text_sanitise(struct buf *out, struct str text, bool colours)
{
	struct str line;
	while (text.n && str_split(&text, '\n', &line)) {
		line = last_state(line);
		if (is_plain(line))
			buf_add(out, line);
		else if (sanitise_line(out, line, colours))
			buf_add(out, STR("\033[0m"));
		if (text.s)
			buf_add_byte(out, '\n');
	}
}

void
text_sanitise_line(struct buf *out, struct str text)
{
	char *line = str_c(out->arena, text);
	for (size_t i = 0; i < text.n; i++)
		if (strchr("\t\n\v\f\r", line[i]) && line[i])
			line[i] = ' ';
	text_sanitise(out, (struct str){line, text.n}, false);
}

struct str
text_clip(struct str text, size_t columns)
{
	size_t at = 0;
	while (at < text.n) {
		size_t n = utf8_length(text.s + at, text.n - at);
		size_t wide = n ? utf8_columns(str_part(text, at, at + n)) : 1;
		if (wide > columns)
			break;
		columns -= wide;
		at += n ? n : 1;
	}
	return str_part(text, 0, at);
}
