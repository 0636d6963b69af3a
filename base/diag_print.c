#include "base/diag.h"
#include "base/json.h"

/* Longest source line that is printed whole, and how much of a longer one is shown before the span. */
#define LINE_COLUMNS 160
#define LINE_BEFORE 60

#define REPLACEMENT STR("\xEF\xBF\xBD")
#define ELLIPSIS STR("\xE2\x80\xA6")

static const char *const severity_names[] = {[DIAG_ERROR] = "error", [DIAG_WARNING] = "warning"};

/* Escape sequences, or nothing where no colour was asked for. */
struct paint {
	const char *place, *severity[2], *note, *caret, *end;
};

static const struct paint plain = {"", {"", ""}, "", "", ""};
static const struct paint coloured = {"\033[1m", {"\033[1;31m", "\033[1;35m"}, "\033[1;36m", "\033[1;32m", "\033[0m"};

/* Characters that would steer the terminal, or turn the direction of the text around, are not shown as they are. */
static bool
is_unsafe(struct str character)
{
	static const struct {
		const char *first, *last;
	} ranges[] = {
		{"\x01", "\x1F"}, {"\x7F", "\x7F"}, {"\xC2\x80", "\xC2\x9F"}, /* C1 controls */
		{"\xE2\x80\xA8", "\xE2\x80\xAE"}, /* line separators, U+202A to U+202E */
		{"\xE2\x81\xA6", "\xE2\x81\xA9"}, /* U+2066 to U+2069 */
	};
	if (*character.s == 0)
		return true;
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (str_compare(character, str_from(ranges[i].first)) >= 0 && str_compare(character, str_from(ranges[i].last)) <= 0)
			return true;
	return false;
}

/* Takes the first character off the text; what must not be shown comes as U+FFFD. */
static struct str
next_character(struct str *text, size_t *bytes)
{
	*bytes = utf8_length(text->s, text->n);
	struct str character = str_part(*text, 0, *bytes);
	if (*bytes == 0)
		*bytes = 1;
	*text = str_part(*text, *bytes, text->n);
	return character.n == 0 || is_unsafe(character) ? REPLACEMENT : character;
}

/* Text of a message, hint or name. */
static void
put_safe(FILE *out, struct str text)
{
	while (text.n) {
		size_t bytes;
		char first = *text.s;
		struct str character = next_character(&text, &bytes);
		if (first == '\n' || first == '\t')
			putc(first, out);
		else
			fwrite(character.s, 1, character.n, out);
	}
}

/* "NAME:LINE:COLUMN: " or "edcc: ". */
static void
put_place(struct diags *diags, FILE *out, const struct paint *paint, struct span span)
{
	struct source_place place = source_place(diags->sources, span);
	fputs(paint->place, out);
	if (place.line) {
		put_safe(out, place.name);
		fprintf(out, ":%u:%u:", place.line, place.column);
	} else {
		fputs("edcc:", out);
	}
	fprintf(out, "%s ", paint->end);
}

static void
put_message(struct diags *diags, FILE *out, const struct paint *paint, struct span span, const char *colour, const char *kind,
	struct str message)
{
	put_place(diags, out, paint, span);
	fprintf(out, "%s%s:%s ", colour, kind, paint->end);
	put_safe(out, message);
	putc('\n', out);
}

/* A source line on its way to the terminal: the text, and under it the padding and the carets. */
struct excerpt {
	struct buf text, carets;
	size_t column;
	size_t caret_count;
};

/* Adds a character and what stands under it: white space before the span, carets in it. A tab is as wide as the terminal makes it: the text starts at a multiple of 8. */
static void
excerpt_add(struct excerpt *excerpt, struct str character, bool before, bool inside)
{
	bool tab = *character.s == '\t';
	size_t columns = tab ? 8 - excerpt->column % 8 : utf8_columns(character);
	buf_add(&excerpt->text, character);
	excerpt->column += columns;
	if (before && tab) {
		buf_add_byte(&excerpt->carets, '\t');
		return;
	}
	for (size_t i = 0; i < columns && (before || inside); i++)
		buf_add_byte(&excerpt->carets, before ? ' ' : '^');
	excerpt->caret_count += inside ? columns : 0;
}

/* The part of a line to show: all of it, or of a very long one what is around the span. */
static struct str
window(struct str line, size_t span_start, size_t span_end)
{
	size_t start = 0, columns = 0, bytes, before = utf8_columns(str_part(line, 0, span_start));
	if (utf8_columns(line) <= LINE_COLUMNS)
		return line;
	if (utf8_columns(str_part(line, 0, span_end)) > LINE_COLUMNS - 1) {
		struct str rest = line;
		while (rest.n && before > LINE_BEFORE) {
			struct str character = next_character(&rest, &bytes);
			before -= utf8_columns(character);
			start += bytes;
		}
	}
	struct str rest = str_part(line, start, line.n);
	size_t end = start;
	while (rest.n && columns < LINE_COLUMNS) {
		columns += utf8_columns(next_character(&rest, &bytes));
		end += bytes;
	}
	return str_part(line, start, end);
}

static struct excerpt
excerpt_make(struct arena *arena, struct str line, size_t span_start, size_t span_end)
{
	struct excerpt excerpt = {.text = buf_new(arena), .carets = buf_new(arena)};
	struct str shown = window(line, span_start, span_end);
	size_t offset = shown.n ? (size_t)(shown.s - line.s) : 0;
	if (offset > 0)
		excerpt_add(&excerpt, ELLIPSIS, true, false);
	for (size_t bytes; shown.n; offset += bytes) {
		bool tab = *shown.s == '\t';
		struct str character = next_character(&shown, &bytes);
		excerpt_add(&excerpt, tab ? STR("\t") : character, offset < span_start, offset >= span_start && offset < span_end);
	}
	if (!excerpt.caret_count)
		buf_add_byte(&excerpt.carets, '^');
	if (offset < line.n)
		excerpt_add(&excerpt, ELLIPSIS, false, false);
	return excerpt;
}

/* The source line, and under it the carets and the hint. */
static void
put_excerpt(struct diags *diags, FILE *out, const struct paint *paint, const struct diag *diag)
{
	struct arena arena = {NULL};
	struct source_place place = source_place(diags->sources, diag->span);
	size_t start = diag->span.offset - place.line_offset;
	struct excerpt excerpt = excerpt_make(&arena, place.line_text, start, start + diag->span.length);
	struct str text = buf_str(&excerpt.text), carets = buf_str(&excerpt.carets);
	fprintf(out, "%5u | %.*s\n      | %s%.*s", place.line, STR_ARG(text), paint->caret, STR_ARG(carets));
	if (diag->hint.n) {
		putc(' ', out);
		put_safe(out, diag->hint);
	}
	fprintf(out, "%s\n", paint->end);
	arena_free(&arena);
}

static void
put_diag(struct diags *diags, FILE *out, const struct paint *paint, const struct diag *diag)
{
	const char *colour = paint->severity[diag->severity];
	put_message(diags, out, paint, diag->span, colour, severity_names[diag->severity], diag->message);
	if (source_get(diags->sources, diag->span.source))
		put_excerpt(diags, out, paint, diag);
	else if (diag->hint.n)
		put_message(diags, out, paint, SPAN_NONE, paint->caret, "hint", diag->hint);
	for (const struct diag_note *note = diag->notes; note; note = note->next)
		put_message(diags, out, paint, note->span, paint->note, "note", note->message);
}

/* "3 more errors", or none where all were shown. */
static struct str
more(struct diags *diags, enum diag_severity severity)
{
	size_t rest = severity == DIAG_ERROR ? diags->error_count : diags->warning_count;
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		rest -= diag->severity == severity;
	if (!rest)
		return (struct str){NULL, 0};
	return str_printf(&diags->arena, "%zu more %s%s", rest, severity_names[severity], rest == 1 ? "" : "s");
}

void
diag_print(struct diags *diags, FILE *out, bool colour)
{
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		put_diag(diags, out, colour ? &coloured : &plain, diag);
	for (enum diag_severity severity = DIAG_ERROR; severity <= DIAG_WARNING; severity++) {
		struct str line = more(diags, severity);
		if (line.n)
			fprintf(out, "%.*s\n", STR_ARG(line));
	}
}

/* The members that say where: all null where there is no place. */
static void
json_put_place(struct json_writer *json, const struct sources *sources, struct span span)
{
	static const char *const names[] = {"file", "line", "column", "endLine", "endColumn"};
	struct source_place start = source_place(sources, span);
	if (!start.line) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			json_put_null(json, names[i]);
		return;
	}
	struct source_place end = source_place(sources, (struct span){span.source, span.offset + span.length, 0});
	const uint32_t numbers[] = {0, start.line, start.column, end.line, end.column};
	json_put_text(json, names[0], start.name);
	for (size_t i = 1; i < sizeof names / sizeof *names; i++)
		json_put_integer(json, names[i], numbers[i]);
}

static void
put_json(struct diags *diags, FILE *out, const char *severity, const struct diag *diag)
{
	struct arena arena = {NULL};
	struct json_writer *json = json_writer_new(&arena, false);
	json_open_object(json, NULL);
	json_put_text(json, "severity", str_from(severity));
	json_put_text(json, "message", diag->message);
	if (diag->hint.n)
		json_put_text(json, "hint", diag->hint);
	else
		json_put_null(json, "hint");
	json_put_place(json, diags->sources, diag->span);
	json_open_array(json, "notes");
	for (const struct diag_note *note = diag->notes; note; note = note->next) {
		json_open_object(json, NULL);
		json_put_text(json, "message", note->message);
		json_put_place(json, diags->sources, note->span);
		json_close(json);
	}
	json_close(json);
	json_close(json);
	struct str text = json_writer_text(json);
	fprintf(out, "%.*s\n", STR_ARG(text));
	arena_free(&arena);
}

void
diag_print_json(struct diags *diags, FILE *out)
{
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		put_json(diags, out, severity_names[diag->severity], diag);
	for (enum diag_severity severity = DIAG_ERROR; severity <= DIAG_WARNING; severity++) {
		struct diag rest = {.message = more(diags, severity)};
		if (rest.message.n)
			put_json(diags, out, "note", &rest);
	}
}
