#include "base/diag.h"

static size_t *
count_of(struct diags *diags, enum diag_severity severity)
{
	return severity == DIAG_ERROR ? &diags->error_count : &diags->warning_count;
}

/* An empty diagnostic that stands in no list; the spare one where there is one. */
static struct diag *
diag_new(struct diags *diags)
{
	struct diag *diag = diags->spare;
	if (diag)
		arena_free(&diag->arena);
	else
		diag = arena_new(&diags->arena, struct diag);
	*diag = (struct diag){.notes_end = &diag->notes};
	diags->spare = diag;
	return diag;
}

/* By source, then by offset; what has no place comes last. */
static bool
stands_before(struct span a, struct span b)
{
	uint32_t source_a = a.source - 1, source_b = b.source - 1;
	return source_a != source_b ? source_a < source_b : a.offset < b.offset;
}

static bool
same(const struct diag *a, const struct diag *b)
{
	return a->severity == b->severity && a->span.source == b->span.source && a->span.offset == b->span.offset &&
	       a->span.length == b->span.length && str_eq(a->message, b->message);
}

/* Takes the last one of the severity out of the list: it becomes the spare one. */
static void
evict_last(struct diags *diags, enum diag_severity severity)
{
	struct diag **last = NULL;
	for (struct diag **at = &diags->first; *at; at = &(*at)->next)
		if ((*at)->severity == severity)
			last = at;
	diags->spare = *last;
	*last = diags->spare->next;
}

static struct diag *
file(struct diags *diags, enum diag_severity severity, struct span span, const char *format, va_list arguments)
{
	struct diag *diag = diag_new(diags);
	diag->severity = severity;
	diag->span = span;
	diag->message = str_vprintf(&diag->arena, format, arguments);
	struct diag **at = &diags->first;
	for (; *at && !stands_before(span, (*at)->span); at = &(*at)->next)
		if (same(diag, *at))
			return diag;
	diag->next = *at;
	*at = diag;
	diags->spare = NULL;
	if (++*count_of(diags, severity) > DIAG_LIMIT)
		evict_last(diags, severity);
	return diag;
}

struct diag *
diag_error(struct diags *diags, struct span span, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct diag *diag = file(diags, DIAG_ERROR, span, format, arguments);
	va_end(arguments);
	return diag;
}

struct diag *
diag_warning(struct diags *diags, struct span span, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct diag *diag = file(diags, DIAG_WARNING, span, format, arguments);
	va_end(arguments);
	return diag;
}

void
diag_hint(struct diag *diag, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	diag->hint = str_vprintf(&diag->arena, format, arguments);
	va_end(arguments);
}

void
diag_note(struct diag *diag, struct span span, const char *format, ...)
{
	struct diag_note *note = arena_new(&diag->arena, struct diag_note);
	va_list arguments;
	va_start(arguments, format);
	*note = (struct diag_note){.span = span, .message = str_vprintf(&diag->arena, format, arguments)};
	va_end(arguments);
	*diag->notes_end = note;
	diag->notes_end = &note->next;
}

void
diag_forget(struct diags *diags, struct span span, size_t errors)
{
	for (struct diag **at = &diags->first; *at;) {
		struct diag *diag = *at;
		if (diag->severity != DIAG_ERROR || diag->span.source != span.source || diag->span.offset < span.offset ||
			diag->span.offset >= span.offset + span.length) {
			at = &diag->next;
			continue;
		}
		*at = diag->next;
		arena_free(&diag->arena);
	}
	diags->error_count -= errors;
}

void
diag_clear(struct diags *diags)
{
	for (struct diag *diag = diags->first; diag; diag = diag->next)
		arena_free(&diag->arena);
	if (diags->spare)
		arena_free(&diags->spare->arena);
	arena_free(&diags->arena);
	*diags = (struct diags){.sources = diags->sources};
}
