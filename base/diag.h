/* diag: errors and warnings, collected, put in order and printed in one form. The only printer of diagnostics. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/source.h"

#include <stdbool.h>
#include <stdio.h>

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
};

/* A second place that explains the first; the span may be SPAN_NONE. */
struct diag_note {
	struct diag_note *next;
	struct span span;
	struct str message;
};

struct diag {
	struct diag *next;
	enum diag_severity severity;
	struct span span; /* SPAN_NONE: printed as "edcc: error: …" without a source line */
	struct str message;
	struct str hint; /* printed right of the caret, or as "edcc: hint: …" where there is no place; none where there is none */
	struct diag_note *notes, **notes_end;
	struct arena arena; /* holds this one's texts */
};

/* Most errors, and most warnings, that one run shows: the first in file order. The rest are counted in a last line. */
#define DIAG_LIMIT 20

/* A collector. All zero but for sources is empty. */
struct diags {
	struct sources *sources; /* not owned */
	struct arena arena;
	struct diag *first; /* what will be printed, in its order */
	struct diag *spare; /* filed but not to be printed: given out again at the next filing */
	size_t error_count, warning_count;
};

/* Files an error; the result is never NULL and may be given a hint and notes until the next one is filed. Messages are lower case without a full stop. The same message at the same span is filed once. */
struct diag *diag_error(struct diags *, struct span, const char *format, ...) __attribute__((format(printf, 3, 4)));
struct diag *diag_warning(struct diags *, struct span, const char *format, ...) __attribute__((format(printf, 3, 4)));
void diag_hint(struct diag *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void diag_note(struct diag *, struct span, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Takes back what was filed between two offsets of a source: `errors` of them, those past the limit among them. */
void diag_forget(struct diags *, struct span, size_t errors);

/* Prints all, in order of source and offset, those without a place last. With colour where asked. */
void diag_print(struct diags *, FILE *, bool colour);
/* Prints all as JSON lines: {"severity","message","hint","file","line","column","endLine","endColumn","notes":[…]}. */
void diag_print_json(struct diags *, FILE *);
/* Forgets all and gives its memory back; the sources stay. */
void diag_clear(struct diags *);

#endif
