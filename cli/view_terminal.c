#include "base/os.h"
#include "cli/screen.h"
#include "cli/view_lines.h"
#include "runtime/plan.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

/* Between two redrawings, at least; and at most, for the seconds that are shown. */
#define REDRAW_MS 100
#define SECONDS_MS 500
/* Output that is held back until the next redrawing, at most. */
#define PENDING_LIMIT ((size_t)64 << 10)
/* Lines of the live region, at most, and a third of the window. */
#define REGION_LINES 12
#define BAR_COLUMNS 20
#define MEGABYTE 1000000

struct terminal_host {
	struct str name;
	struct buf files;
	int64_t jobs, slots;
};

/* The live region stands below the cursor, which is kept, hidden, at its first column and row: whatever the window's new size makes of the lines, what is
 * erased is from the cursor on. */
struct terminal {
	struct view view;
	struct lines lines;
	pthread_mutex_t mutex; /* for all below: events, the clock and the signals come on threads of their own */
	pthread_cond_t wake;
	pthread_t clock;
	bool clock_runs; /* from the first event on: by then the signals have a thread of their own */
	bool closed, broken, stopped;
	bool shown; /* something of the region is on the screen, and the cursor hidden */
	bool dirty;
	int64_t drawn; /* when, by os_now_ms */
	struct arena pending_arena, scratch;
	struct buf pending; /* what is to scroll above the region */
	const char *phase;
	struct progress {
		int64_t number, total;
	} steps, fleet, printed, removals; /* printed: what a step's own output says, as ninja's [12/345] */
	struct progress stored; /* megabytes, of the artifact that moved last */
	struct terminal_host *hosts;
	uint32_t host_count;
	struct screen_size size;
};

/* Each time: a line that is longer than the window has become would be two. */
static void
measure(struct terminal *terminal)
{
	terminal->size = screen_size(terminal->lines.options.fd);
}

/* --- the region --- */

struct region {
	struct terminal *terminal;
	struct buf *out;
	size_t count, limit;
};

/* One more line of the region, cut to the width; one column stays free, or the cursor would wrap. */
static void
region_add(struct region *region, const char *style, struct str text)
{
	const struct terminal *terminal = region->terminal;
	if (region->count >= region->limit)
		return;
	if (region->count++)
		buf_add(region->out, STR("\r\n"));
	struct buf safe = buf_new(region->out->arena);
	text_sanitise_line(&safe, text);
	bool coloured = *style && terminal->lines.options.colour;
	if (coloured)
		buf_add_c(region->out, style);
	buf_add(region->out, text_clip(buf_str(&safe), terminal->size.columns - 1));
	buf_add_c(region->out, coloured ? "\033[0m\033[K" : "\033[K");
}

/* The total that is known and tells most: nothing where there is none. */
static struct progress
progress_of(const struct terminal *terminal)
{
	if (terminal->removals.total)
		return terminal->removals;
	if (terminal->stored.total)
		return terminal->stored;
	if (terminal->printed.total)
		return terminal->printed;
	if (!terminal->steps.number && terminal->fleet.number < terminal->fleet.total)
		return terminal->fleet;
	return terminal->steps.total > 1 ? terminal->steps : (struct progress){0, 0};
}

static void
put_bar(struct buf *line, struct progress progress)
{
	int64_t full = progress.number >= progress.total ? BAR_COLUMNS : progress.number * BAR_COLUMNS / progress.total;
	buf_add(line, STR(" ["));
	for (int64_t i = 0; i < BAR_COLUMNS; i++)
		buf_add_byte(line, i < full ? '=' : i == full ? '>' : ' ');
	buf_printf(line, "] %" PRId64 "/%" PRId64, progress.number, progress.total);
}

/* Whole seconds, for what is still going on. */
static struct str
text_elapsed(struct arena *arena, int64_t ms)
{
	return ms < 60000 ? str_printf(arena, "%" PRId64 " s", ms / 1000) : text_took(arena, ms);
}

/* "build [=====>    ] 41/120  1 min 3 s" */
static void
add_phase(struct region *region, int64_t now)
{
	struct terminal *terminal = region->terminal;
	struct buf line = buf_new(region->out->arena);
	struct progress progress = progress_of(terminal);
	buf_add_c(&line, terminal->phase);
	if (progress.total)
		put_bar(&line, progress);
	if (terminal->lines.began)
		buf_printf(&line, "  %.*s", STR_ARG(text_elapsed(region->out->arena, now - terminal->lines.began)));
	region_add(region, "\033[1m", buf_str(&line));
}

/* "compile 12 s  test 3 s": what runs side by side. */
static void
add_steps(struct region *region, int64_t now)
{
	struct buf line = buf_new(region->out->arena);
	for (const struct running *running = region->terminal->lines.running; running && line.n < 4096; running = running->next)
		buf_printf(&line, "%s%.*s %.*s", line.n ? ", " : "running: ", STR_ARG(running->name),
			STR_ARG(text_elapsed(region->out->arena, now - running->since)));
	if (line.n)
		region_add(region, "", buf_str(&line));
}

static void
add_hosts(struct region *region)
{
	const struct terminal *terminal = region->terminal;
	struct arena *arena = region->out->arena;
	size_t widest = 0, room = region->limit - region->count;
	uint32_t shown = terminal->host_count <= room ? terminal->host_count : (uint32_t)(room ? room - 1 : 0);
	int64_t jobs = 0;
	for (uint32_t i = 0; i < shown; i++)
		widest = terminal->hosts[i].name.n > widest ? terminal->hosts[i].name.n : widest;
	for (uint32_t i = 0; i < shown; i++) {
		const struct terminal_host *host = &terminal->hosts[i];
		region_add(region, host->jobs ? "" : "\033[2m",
			str_printf(arena, "  %-*.*s %" PRId64 "/%" PRId64 " %.*s", (int)widest, STR_ARG(host->name), host->jobs,
				host->slots, STR_ARG(buf_str(&host->files))));
	}
	for (uint32_t i = shown; i < terminal->host_count; i++)
		jobs += terminal->hosts[i].jobs;
	if (shown < terminal->host_count)
		region_add(region, "\033[2m",
			str_printf(arena, "  and %u more hosts with %" PRId64 " jobs", terminal->host_count - shown, jobs));
}

/* Adds the region, and moves the cursor back to its beginning. */
static void
put_region(struct terminal *terminal, struct buf *out)
{
	size_t limit = terminal->size.rows / 3;
	struct region region = {.terminal = terminal,
		.out = out,
		.limit = limit < 1              ? 1
			 : limit > REGION_LINES ? REGION_LINES
						: limit};
	int64_t now = os_time_ms();
	if (!terminal->shown)
		buf_add(out, STR(SCREEN_HIDE_CURSOR));
	add_phase(&region, now);
	add_steps(&region, now);
	add_hosts(&region);
	buf_add(out, STR("\033[J\r"));
	if (region.count > 1)
		buf_printf(out, "\033[%zuA", region.count - 1);
	terminal->shown = true;
	screen_changed(terminal->lines.options.fd, "\r\033[J" SCREEN_SHOW_CURSOR, NULL);
}

/* Adds what scrolls, over the region that is there: a line is erased as it is written. */
static void
put_pending(struct terminal *terminal, struct buf *out)
{
	if (!terminal->pending.n)
		return;
	buf_add(out, STR("\r\033[J"));
	buf_add(out, buf_str(&terminal->pending));
	if (terminal->pending.s[terminal->pending.n - 1] != '\n')
		buf_add_byte(out, '\n');
	arena_free(&terminal->pending_arena);
	terminal->pending = buf_new(&terminal->pending_arena);
}

/* Brings the screen up to date, in one write. With `region` false the region is gone afterwards, and the cursor back. */
static void
draw(struct terminal *terminal, bool region)
{
	struct arena_mark mark = arena_mark(&terminal->scratch);
	struct buf out = buf_new(&terminal->scratch);
	measure(terminal);
	put_pending(terminal, &out);
	if (region) {
		put_region(terminal, &out);
	} else if (terminal->shown) {
		buf_add(&out, STR("\r\033[J" SCREEN_SHOW_CURSOR));
		terminal->shown = false;
	}
	if (!terminal->broken)
		terminal->broken = !view_write(&terminal->lines.options, buf_str(&out));
	if (!region)
		screen_restored();
	terminal->dirty = false;
	terminal->drawn = os_now_ms();
	arena_reset(&terminal->scratch, mark);
}

/* --- events --- */

static void
set_text(struct buf *kept, struct arena *arena, struct str text)
{
	if (!kept->arena)
		*kept = buf_new(arena);
	kept->n = 0;
	buf_add(kept, text);
}

static void
take_slots(struct terminal *terminal, const struct event *event)
{
	uint32_t i = 0, n = terminal->host_count;
	while (i < n && !str_eq(terminal->hosts[i].name, event->name))
		i++;
	if (i == n) {
		size_t size = sizeof *terminal->hosts;
		terminal->hosts = arena_grow(terminal->lines.arena, terminal->hosts, n * size, (n + 1) * size);
		terminal->hosts[n] = (struct terminal_host){.name = str_dup(terminal->lines.arena, event->name)};
		terminal->host_count++;
	}
	struct terminal_host *host = &terminal->hosts[i];
	set_text(&host->files, terminal->lines.arena, event->text);
	host->jobs = event->number;
	host->slots = event->total;
}

/* [12/345] at the beginning of the last line, as ninja prints it. */
static void
take_printed(struct terminal *terminal, struct str text)
{
	struct progress found = {0, 0};
	text = str_trim(text);
	const char *newline = text.n ? memrchr(text.s, '\n', text.n) : NULL;
	struct str line = newline ? str_part(text, (size_t)(newline + 1 - text.s), text.n) : text;
	size_t slash = str_find(line, '/'), end = str_find(line, ']');
	if (!str_starts(line, STR("[")) || slash > end || end == line.n)
		return;
	if (str_integer(str_part(line, 1, slash), &found.number) && str_integer(str_part(line, slash + 1, end), &found.total) &&
		found.number > 0 && found.total >= found.number)
		terminal->printed = found;
}

static void
take_action(struct terminal *terminal, const struct event *event, bool begins)
{
	if (begins)
		terminal->phase = section_name((enum section)event->section);
	if (event->section != SECTION_BUILD)
		return;
	terminal->steps.number += !begins;
	terminal->printed = (struct progress){0, 0};
}

static void
take_state(struct terminal *terminal, const struct event *event)
{
	switch (event->kind) {
	case EVENT_RUN:
		terminal->steps.total = event->total;
		break;
	case EVENT_ACTION:
		take_action(terminal, event, true);
		break;
	case EVENT_DONE:
	case EVENT_FAILED:
	case EVENT_SKIPPED:
		take_action(terminal, event, false);
		break;
	case EVENT_OUTPUT:
		take_printed(terminal, event->text);
		break;
	case EVENT_HOST:
		terminal->fleet.total += str_is(event->text, "starting");
		terminal->fleet.number += str_is(event->text, "ready");
		break;
	case EVENT_SLOTS:
		take_slots(terminal, event);
		break;
	case EVENT_PROGRESS:
		terminal->stored = (struct progress){event->number / MEGABYTE, event->total / MEGABYTE};
		break;
	case EVENT_ARTIFACT:
		terminal->stored = (struct progress){0, 0};
		break;
	case EVENT_TEARDOWN:
		terminal->phase = section_name(SECTION_TEARDOWN);
		terminal->removals.total = event->number;
		terminal->host_count = 0;
		break;
	case EVENT_UNDONE:
		terminal->removals.number++;
		break;
	default:
		break;
	}
}

/* Draws what came too soon after the last drawing, and the seconds. */
static void *
terminal_clock(void *argument)
{
	struct terminal *terminal = argument;
	pthread_mutex_lock(&terminal->mutex);
	while (!terminal->closed) {
		os_condition_wait(&terminal->wake, &terminal->mutex, os_now_ms() + (terminal->dirty ? REDRAW_MS : SECONDS_MS));
		int64_t age = os_now_ms() - terminal->drawn;
		if (terminal->shown && !terminal->stopped && (age >= SECONDS_MS || (terminal->dirty && age >= REDRAW_MS)))
			draw(terminal, true);
	}
	pthread_mutex_unlock(&terminal->mutex);
	return NULL;
}

static void
terminal_take(struct view *base, const struct event *event)
{
	struct terminal *terminal = (struct terminal *)base;
	pthread_mutex_lock(&terminal->mutex);
	if (!terminal->clock_runs && !terminal->closed)
		terminal->clock_runs = pthread_create(&terminal->clock, NULL, terminal_clock, terminal) == 0;
	take_state(terminal, event);
	lines_add(&terminal->lines, &terminal->pending, event);
	terminal->dirty = true;
	bool late = os_now_ms() - terminal->drawn >= REDRAW_MS || terminal->pending.n > PENDING_LIMIT;
	if (event->kind == EVENT_END)
		draw(terminal, false);
	else if (late && !terminal->stopped)
		draw(terminal, true);
	else
		pthread_cond_signal(&terminal->wake);
	pthread_mutex_unlock(&terminal->mutex);
}

static void
terminal_close(struct view *base)
{
	struct terminal *terminal = (struct terminal *)base;
	pthread_mutex_lock(&terminal->mutex);
	bool clock = terminal->clock_runs;
	terminal->closed = true;
	terminal->clock_runs = false;
	draw(terminal, false);
	pthread_cond_signal(&terminal->wake);
	pthread_mutex_unlock(&terminal->mutex);
	if (clock)
		pthread_join(terminal->clock, NULL);
	screen_unguard();
}

struct view *
view_terminal_new(struct arena *arena, const struct view_options *options)
{
	struct terminal *terminal = arena_new(arena, struct terminal);
	terminal->view = (struct view){.take = terminal_take, .close = terminal_close};
	lines_init(&terminal->lines, arena, options);
	pthread_mutex_init(&terminal->mutex, NULL);
	os_condition_init(&terminal->wake);
	terminal->pending = buf_new(&terminal->pending_arena);
	terminal->phase = "";
	screen_guard();
	return &terminal->view;
}

void
view_terminal_resized(struct view *base)
{
	struct terminal *terminal = (struct terminal *)base;
	/* The signals' thread must not wait for a terminal that nobody reads; who draws now or next, as the clock does, measures it anew. */
	if (pthread_mutex_trylock(&terminal->mutex) != 0)
		return;
	terminal->dirty = true;
	pthread_cond_signal(&terminal->wake);
	pthread_mutex_unlock(&terminal->mutex);
}

void
view_terminal_stopping(struct view *base)
{
	struct terminal *terminal = (struct terminal *)base;
	pthread_mutex_lock(&terminal->mutex);
	terminal->stopped = terminal->shown;
	if (terminal->shown)
		draw(terminal, false);
	pthread_mutex_unlock(&terminal->mutex);
}

void
view_terminal_continued(struct view *base)
{
	struct terminal *terminal = (struct terminal *)base;
	pthread_mutex_lock(&terminal->mutex);
	if (terminal->stopped || terminal->shown) {
		terminal->shown = false;
		draw(terminal, true);
	}
	terminal->stopped = false;
	pthread_mutex_unlock(&terminal->mutex);
}
