#include "cli/view_lines.h"
#include "base/os.h"
#include "runtime/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a step's output that was not shown, what is kept and how many lines of it a failure prints. */
#define TAIL_LIMIT 16384
#define TAIL_LINES 40

#define STYLES(X)             \
	X(QUIET, "\033[2m")   \
	X(GOOD, "\033[1;32m") \
	X(BAD, "\033[1;31m")  \
	X(WARN, "\033[1;35m") \
	X(HINT, "\033[1;36m") \
	X(PLAIN, "\033[0m")

enum style {
#define X(name, code) STYLE_##name,
	STYLES(X)
#undef X
};

static const char *
style(const struct lines *lines, enum style name)
{
	static const char *const codes[] = {
#define X(name, code) code,
		STYLES(X)
#undef X
	};
	return lines->options.colour ? codes[name] : "";
}

void
lines_init(struct lines *lines, struct arena *arena, const struct view_options *options)
{
	*lines = (struct lines){
		.arena = arena,
		.options = *options,
		.safe = isatty(options->fd),
		.compiles = buf_new(arena),
	};
}

/* The step that an action or an output belongs to: an action is called "step NAME". */
static struct str
step_name(struct str name)
{
	return str_starts(name, STR("step ")) ? str_part(name, 5, name.n) : name;
}

static struct running *
running_find(struct lines *lines, struct str name)
{
	struct running *running = lines->running;
	while (running && !str_eq(running->name, step_name(name)))
		running = running->next;
	return running;
}

static void
running_begin(struct lines *lines, const struct event *event)
{
	struct running *running = lines->spare, **end = &lines->running;
	if (running)
		lines->spare = running->next;
	else
		running = arena_new(lines->arena, struct running);
	if (!running->tail && lines->options.quiet)
		running->tail = arena_text(lines->arena, TAIL_LIMIT);
	running->next = NULL;
	running->name = str_dup(lines->arena, step_name(event->name));
	running->since = event->time;
	running->tail_length = 0;
	while (*end)
		end = &(*end)->next;
	*end = running;
	lines->running_count++;
}

static void
running_end(struct lines *lines, struct running *running)
{
	struct running **place = &lines->running;
	if (!running)
		return;
	while (*place != running)
		place = &(*place)->next;
	*place = running->next;
	running->next = lines->spare;
	lines->spare = running;
	lines->running_count--;
}

/* Keeps the last TAIL_LIMIT bytes. */
static void
tail_add(struct running *running, struct str text)
{
	text = str_part(text, text.n > TAIL_LIMIT ? text.n - TAIL_LIMIT : 0, text.n);
	size_t over = running->tail_length + text.n > TAIL_LIMIT ? running->tail_length + text.n - TAIL_LIMIT : 0;
	memmove(running->tail, running->tail + over, running->tail_length - over);
	memcpy(running->tail + running->tail_length - over, text.s, text.n);
	running->tail_length += text.n - over;
}

/* The last lines of the tail; its first line may lack its beginning and is left out where something was dropped. */
static struct str
tail_lines(const struct running *running)
{
	struct str text = {running->tail, running->tail_length};
	size_t at = text.n, count = 0;
	while (at > 0 && (count < TAIL_LINES || text.s[at - 1] != '\n')) {
		at--;
		count += at > 0 && text.s[at - 1] == '\n';
	}
	if (at == 0 && text.n == TAIL_LIMIT)
		at = str_find(text, '\n') + 1;
	return str_part(text, at, text.n);
}

/* A step's output, each line after the step's name where several steps print. */
static void
put_output(struct lines *lines, struct buf *out, struct str name, struct str text)
{
	struct str line, rest = text;
	if (lines->safe) {
		struct buf safe = buf_new(out->arena);
		text_sanitise(&safe, text, lines->options.colour);
		rest = buf_str(&safe);
	}
	if (lines->running_count < 2) {
		buf_add(out, rest);
		return;
	}
	while (rest.n && str_split(&rest, '\n', &line))
		buf_printf(out, "%s[%.*s]%s %.*s\n", style(lines, STYLE_QUIET), STR_ARG(step_name(name)), style(lines, STYLE_PLAIN),
			STR_ARG(line));
}

/* "edcc: " and what follows, one line. */
static void __attribute__((format(printf, 4, 5)))
put_line(struct lines *lines, struct buf *out, enum style name, const char *format, ...)
{
	struct arena scratch = {NULL};
	va_list arguments;
	va_start(arguments, format);
	struct str text = str_vprintf(&scratch, format, arguments);
	va_end(arguments);
	buf_printf(out, "%sedcc:%s ", style(lines, STYLE_QUIET), style(lines, STYLE_PLAIN));
	if (name != STYLE_PLAIN)
		buf_add_c(out, style(lines, name));
	if (lines->safe)
		text_sanitise(out, text, false);
	else
		buf_add(out, text);
	buf_printf(out, "%s\n", name == STYLE_PLAIN ? "" : style(lines, STYLE_PLAIN));
	arena_free(&scratch);
}

static void
put_problem(struct lines *lines, struct buf *out, bool warning, const struct event *event)
{
	const char *separator = event->name.n ? ": " : "";
	put_line(lines, out, warning ? STYLE_WARN : STYLE_BAD, "%s: %.*s%s%.*s", warning ? "warning" : "error",
		STR_ARG(event->name), separator, STR_ARG(event->text));
	if (event->hint.n)
		put_line(lines, out, STYLE_HINT, "hint: %.*s", STR_ARG(event->hint));
}

/* What did not begin, or was ended in the middle. */
static void
put_skipped(struct lines *lines, struct buf *out, const struct event *event)
{
	struct running *running = running_find(lines, event->name);
	put_line(lines, out, STYLE_WARN, "%.*s %s: %.*s", STR_ARG(event->name), running ? "is ended" : "skipped",
		STR_ARG(event->text));
	running_end(lines, running);
}

static void
put_failure(struct lines *lines, struct buf *out, const struct event *event)
{
	struct running *running = running_find(lines, event->name);
	if (running && running->tail_length) {
		struct str text = tail_lines(running);
		put_line(lines, out, STYLE_PLAIN, "%.*s printed last:", STR_ARG(event->name));
		running_end(lines, running);
		put_output(lines, out, running->name, text);
	} else {
		running_end(lines, running);
	}
	put_problem(lines, out, false, event);
}

static void
put_host(struct lines *lines, struct buf *out, const struct event *event)
{
	bool is_out = str_is(event->text, "out");
	lines->hosts_ready += str_is(event->text, "ready");
	if (is_out)
		put_line(lines, out, STYLE_WARN, "warning: %.*s is out%s%.*s", STR_ARG(event->name), event->hint.n ? ": " : "",
			STR_ARG(event->hint));
	else if (lines->options.verbose)
		put_line(lines, out, STYLE_PLAIN, "host %.*s is %.*s", STR_ARG(event->name), STR_ARG(event->text));
}

/* An action begins: a step is told, other actions only to who wants every one. */
static void
put_action(struct lines *lines, struct buf *out, const struct event *event)
{
	bool step = event->section == SECTION_BUILD;
	if (step && lines->hosts_ready && !lines->hosts_told) {
		lines->hosts_told = true;
		if (!lines->options.quiet)
			put_line(lines, out, STYLE_PLAIN, "%u host%s ready after %.*s", lines->hosts_ready,
				lines->hosts_ready == 1 ? "" : "s", STR_ARG(text_took(out->arena, event->time - lines->began)));
	}
	if (step)
		running_begin(lines, event);
	if (step ? !lines->options.quiet : lines->options.verbose)
		put_line(lines, out, STYLE_PLAIN, "%.*s", STR_ARG(event->name));
}

static void
put_done(struct lines *lines, struct buf *out, const struct event *event)
{
	running_end(lines, running_find(lines, event->name));
	if (lines->options.verbose)
		put_line(lines, out, STYLE_PLAIN, "%.*s done%s%.*s (%.*s)", STR_ARG(event->name), event->text.n ? ": " : "",
			STR_ARG(event->text), STR_ARG(text_took(out->arena, event->took)));
}

/* A step's success: its failure comes as an event of its own, and the build's verdict stands in the last line. */
static void
put_verdict(struct lines *lines, struct buf *out, const struct event *event)
{
	const struct running *running = running_find(lines, event->name);
	if (!running || lines->options.quiet || !str_is(event->text, "build_success"))
		return;
	put_line(lines, out, STYLE_GOOD, "step %.*s: build_success%s%.*s (%.*s)", STR_ARG(event->name), event->hint.n ? ", " : "",
		STR_ARG(event->hint), STR_ARG(text_took(out->arena, event->time - running->since)));
}

static void
keep_compiles(struct lines *lines, const struct event *event)
{
	lines->compile_count += event->number;
	buf_printf(&lines->compiles, "%s%.*s %" PRId64, lines->compiles.n ? ", " : "", STR_ARG(event->name), event->number);
	if (event->text.n)
		buf_printf(&lines->compiles, " (%.*s)", STR_ARG(event->text));
}

static void
put_end(struct lines *lines, struct buf *out, const struct event *event)
{
	if (lines->compile_count)
		put_line(lines, out, STYLE_PLAIN, "%" PRId64 " compile%s: %.*s", lines->compile_count,
			lines->compile_count == 1 ? "" : "s", STR_ARG(buf_str(&lines->compiles)));
	put_line(lines, out, event->number == 0 ? STYLE_GOOD : STYLE_BAD, "%.*s (%.*s)", STR_ARG(event->text),
		STR_ARG(text_took(out->arena, event->took)));
}

static void
put_artifact(struct lines *lines, struct buf *out, const struct event *event)
{
	put_line(lines, out, STYLE_PLAIN, "artifact %.*s, %.*s, sha256 %.*s", STR_ARG(event->name),
		STR_ARG(text_bytes(out->arena, event->number)), STR_ARG(str_part(event->text, 0, 12)));
}

static void
take_output(struct lines *lines, struct buf *out, const struct event *event)
{
	struct running *running = running_find(lines, event->name);
	if (!lines->options.quiet)
		put_output(lines, out, event->name, event->text);
	else if (running)
		tail_add(running, event->text);
}

void
lines_add(struct lines *lines, struct buf *out, const struct event *event)
{
	bool quiet = lines->options.quiet, verbose = lines->options.verbose;
	switch (event->kind) {
	case EVENT_RUN:
		lines->began = event->time;
		if (!quiet)
			put_line(lines, out, STYLE_PLAIN, "run %.*s of %.*s", STR_ARG(event->name), STR_ARG(event->text));
		break;
	case EVENT_ACTION:
		put_action(lines, out, event);
		break;
	case EVENT_DONE:
		put_done(lines, out, event);
		break;
	case EVENT_FAILED:
		put_failure(lines, out, event);
		break;
	case EVENT_SKIPPED:
		put_skipped(lines, out, event);
		break;
	case EVENT_OUTPUT:
		take_output(lines, out, event);
		break;
	case EVENT_HOST:
		put_host(lines, out, event);
		break;
	case EVENT_NOTE:
		if (!quiet)
			put_line(lines, out, STYLE_PLAIN, "%.*s", STR_ARG(event->text));
		break;
	case EVENT_WARNING:
		put_problem(lines, out, true, event);
		break;
	case EVENT_VERDICT:
		put_verdict(lines, out, event);
		break;
	case EVENT_ARTIFACT:
		put_artifact(lines, out, event);
		break;
	case EVENT_TEARDOWN:
		if (!quiet && event->number)
			put_line(lines, out, STYLE_PLAIN, "teardown: %" PRId64 " to remove", event->number);
		break;
	case EVENT_UNDONE:
		if (verbose)
			put_line(lines, out, STYLE_PLAIN, "%.*s is gone (%.*s)", STR_ARG(event->name),
				STR_ARG(text_took(out->arena, event->took)));
		break;
	case EVENT_COMPILES:
		keep_compiles(lines, event);
		break;
	case EVENT_END:
		put_end(lines, out, event);
		break;
	case EVENT_SLOTS:
	case EVENT_PROGRESS:
		break;
	}
}

struct lines_view {
	struct view view;
	struct lines lines;
	struct arena scratch;
	bool broken; /* nobody reads any more */
};

static void
lines_take(struct view *base, const struct event *event)
{
	struct lines_view *view = (struct lines_view *)base;
	struct arena_mark mark = arena_mark(&view->scratch);
	struct buf out = buf_new(&view->scratch);
	lines_add(&view->lines, &out, event);
	if (!view->broken)
		view->broken = !view_write(&view->lines.options, buf_str(&out));
	arena_reset(&view->scratch, mark);
}

static void
lines_close(struct view *base)
{
	(void)base;
}

struct view *
view_lines_new(struct arena *arena, const struct view_options *options)
{
	struct lines_view *view = arena_new(arena, struct lines_view);
	view->view = (struct view){.take = lines_take, .close = lines_close};
	lines_init(&view->lines, arena, options);
	return &view->view;
}
