/* view: how a run looks: plain lines, a terminal that redraws, JSON lines. All of them write to standard output. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "base/arena.h"
#include "runtime/event.h"

#include <stdbool.h>

struct os_cancel;

struct view_options {
	int fd; /* of view_open */
	const struct os_cancel *cancel; /* raised where the run is to end: from then on nobody who does not read is waited for */
	bool colour, quiet, verbose;
};

/* Each view lives in the arena, which nobody else may use meanwhile. */
struct view *view_lines_new(struct arena *, const struct view_options *);
struct view *view_json_new(struct arena *, const struct view_options *);
/* Lines that scroll, and below them a few that show what is running now. */
struct view *view_terminal_new(struct arena *, const struct view_options *);

/* What the signals' thread tells a terminal view. */
void view_terminal_resized(struct view *);
void view_terminal_stopping(struct view *);
void view_terminal_continued(struct view *);

/* view_write.c: standard output, which may be read slowly, or not at all. */
int view_open(void);
/* False where nobody reads any more: what follows need not be written. */
bool view_write(const struct view_options *, struct str);

/* view_text.c: pieces of text. */
/* "120 ms", "8.4 s", "2 min 10 s", "1 h 5 min" */
struct str text_took(struct arena *, int64_t ms);
/* "870 bytes", "12.4 KB", "1.3 GB" */
struct str text_bytes(struct arena *, int64_t);
/* Adds text that somebody else made, safe to print on a terminal: no control but newline and tab, no escape sequence but colours, and those only where
 * asked, and ended with the line. Of a line that was written over with carriage returns the last state. */
void text_sanitise(struct buf *, struct str, bool colours);
/* The same for one line: white space in it becomes blanks. */
void text_sanitise_line(struct buf *, struct str);
/* The front of a text without escape sequences that takes at most so many columns. */
struct str text_clip(struct str, size_t columns);

#endif
