#include "cli/monitor.h"

#include "base/arena.h"
#include "cli/view.h"

#include <inttypes.h>

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
/* Names, slots and files share a line: the first take a third of it at most, and in a line of a host the slots another. */
#define NAME_COLUMNS 32
#define SLOT_COLUMNS 32

/* What a slot looks like where it has one column, and in a line of its own. */
static const struct look {
	char letter;
	const char *style;
} looks[] = {
	[DISTCC_PHASE_STARTUP] = {'+', ""},
	[DISTCC_PHASE_BLOCKED] = {'w', ""},
	[DISTCC_PHASE_CONNECT] = {'>', "\033[33m"},
	[DISTCC_PHASE_PREPROCESS] = {'p', "\033[33m"},
	[DISTCC_PHASE_SEND] = {'s', "\033[36m"},
	[DISTCC_PHASE_COMPILE] = {'C', "\033[32m"},
	[DISTCC_PHASE_RECEIVE] = {'r', "\033[36m"},
	[DISTCC_PHASE_DONE] = {'-', ""},
};
_Static_assert(sizeof looks / sizeof *looks == DISTCC_PHASE_COUNT, "each phase has a look");
#define LEGEND "C compile p preprocess > connect s send r receive . free"

struct drawing {
	struct arena *arena;
	const struct picture *picture;
	size_t columns;
	size_t name_columns;
	struct monitor_lines lines;
};

static bool
is_waiting(const struct monitor_host *host)
{
	return !host->called.n;
}

static bool
is_here(const struct monitor_host *host)
{
	return str_is(host->called, "localhost");
}

/* Who it is, as shown; what others have named is made safe. */
static struct str
name_of(struct arena *arena, const struct monitor_host *host)
{
	struct buf safe = buf_new(arena);
	text_sanitise_line(&safe, is_waiting(host) ? STR("waiting") : host->name);
	return text_clip(buf_str(&safe), NAME_COLUMNS);
}

static void
add_line(struct drawing *drawing, const char *style, struct str text)
{
	struct monitor_lines *lines = &drawing->lines;
	struct buf safe = buf_new(drawing->arena);
	text_sanitise_line(&safe, text);
	lines->list = arena_more(drawing->arena, lines->list, lines->n, sizeof *lines->list);
	lines->list[lines->n++] = (struct monitor_line){style, text_clip(buf_str(&safe), drawing->columns)};
}

/* --- the head --- */

static struct str
text_seconds(struct arena *arena, int64_t ms)
{
	ms = ms > 0 ? ms : 0;
	return ms < 60000 ? str_printf(arena, "%" PRId64 " s", ms / 1000) : text_took(arena, ms);
}

static void
add_title(struct drawing *drawing)
{
	const struct picture *picture = drawing->picture;
	struct arena *arena = drawing->arena;
	struct buf steps = buf_new(arena);
	if (picture->run.n)
		add_line(drawing, BOLD,
			str_printf(arena, "run %.*s of %.*s on %.*s, %.*s", STR_ARG(picture->run), STR_ARG(picture->project),
				STR_ARG(picture->provider), STR_ARG(text_seconds(arena, picture->now - picture->began))));
	else
		add_line(drawing, BOLD,
			str_printf(arena, "%sdistcc in %.*s", picture->awaited ? "no run of edcc goes on; " : "",
				STR_ARG(picture->folder)));
	for (size_t i = 0; i < picture->step_count; i++)
		buf_printf(&steps, "%s%.*s %.*s", i ? ", " : "running: ", STR_ARG(picture->steps[i].name),
			STR_ARG(text_seconds(arena, picture->now - picture->steps[i].since)));
	if (steps.n)
		add_line(drawing, "", buf_str(&steps));
}

struct totals {
	size_t hosts, out, slots, busy, here, waiting;
	size_t phases[DISTCC_PHASE_COUNT];
};

static struct totals
count(const struct picture *picture)
{
	struct totals totals = {.hosts = 0};
	for (size_t i = 0; i < picture->host_count; i++) {
		const struct monitor_host *host = &picture->hosts[i];
		if (is_waiting(host)) {
			totals.waiting += host->job_count;
		} else if (is_here(host)) {
			totals.here += host->job_count;
		} else {
			totals.hosts++;
			totals.out += host->why.n > 0;
			/* Of a host that is out only those that are still in use. */
			totals.slots += host->why.n ? host->job_count : (size_t)host->slots;
			totals.busy += host->job_count;
		}
	}
	for (size_t i = 0; i < picture->job_count; i++)
		totals.phases[picture->jobs[i].phase]++;
	return totals;
}

/* "2 hosts, 1 out; 5 of 8 slots busy; 1 job on localhost", and below it "compile 4, preprocess 2". */
static void
add_totals(struct drawing *drawing)
{
	struct totals totals = count(drawing->picture);
	struct buf line = buf_new(drawing->arena), phases = buf_new(drawing->arena);
	buf_printf(&line, "%zu host%s", totals.hosts, totals.hosts == 1 ? "" : "s");
	if (totals.out)
		buf_printf(&line, ", %zu out", totals.out);
	if (totals.slots)
		buf_printf(&line, "; %zu of %zu slots busy", totals.busy, totals.slots);
	if (totals.here)
		buf_printf(&line, "; %zu job%s on localhost", totals.here, totals.here == 1 ? "" : "s");
	if (totals.waiting)
		buf_printf(&line, "; %zu waiting", totals.waiting);
	for (size_t i = DISTCC_PHASE_COUNT; i-- > 0;)
		if (totals.phases[i])
			buf_printf(&phases, "%s%s %zu", phases.n ? ", " : "", distcc_phase_name((enum distcc_phase)i),
				totals.phases[i]);
	add_line(drawing, "", buf_str(&line));
	add_line(drawing, "", buf_str(&phases));
}

/* --- a line for each slot --- */

/* Padded to the column of names; an empty one where the line above is of the same host. */
static struct str
pad(const struct drawing *drawing, struct str name)
{
	struct buf text = buf_new(drawing->arena);
	struct str clipped = text_clip(name, drawing->name_columns);
	buf_add(&text, clipped);
	for (size_t i = utf8_columns(clipped); i < drawing->name_columns; i++)
		buf_add_byte(&text, ' ');
	return buf_str(&text);
}

static double
seconds_of(const struct picture *picture, const struct distcc_job *job)
{
	return job->since && picture->now > job->since ? (double)(picture->now - job->since) / 1000 : 0;
}

static void
add_job(struct drawing *drawing, struct str name, const struct monitor_host *host, const struct distcc_job *job)
{
	struct arena *arena = drawing->arena;
	struct str slot = is_waiting(host) ? STR("") : str_printf(arena, "%d", job->slot);
	add_line(drawing, looks[job->phase].style,
		str_printf(arena, "%.*s  %4.*s  %-10s  %8.1f  %s", STR_ARG(pad(drawing, name)), STR_ARG(slot),
			distcc_phase_name(job->phase), seconds_of(drawing->picture, job), job->file));
}

static void
add_slots(struct drawing *drawing, const struct monitor_host *host)
{
	struct str name = name_of(drawing->arena, host);
	size_t next = 0;
	if (host->why.n || (!host->slots && !host->job_count)) {
		const char *state = host->why.n ? "out" : "-";
		add_line(drawing, host->why.n ? RED : DIM,
			str_printf(
				drawing->arena, "%.*s        %-10s  %.*s", STR_ARG(pad(drawing, name)), state, STR_ARG(host->why)));
		name = STR("");
	}
	for (int slot = 0; next < host->job_count || (!host->why.n && slot < host->slots); slot++) {
		size_t before = next;
		for (; next < host->job_count && (host->jobs[next].slot <= slot || slot >= host->slots); next++) {
			add_job(drawing, name, host, &host->jobs[next]);
			name = STR("");
		}
		if (before < next || host->why.n)
			continue;
		add_line(drawing, DIM, str_printf(drawing->arena, "%.*s  %4d  -", STR_ARG(pad(drawing, name)), slot));
		name = STR("");
	}
}

/* --- a line for each host --- */

/* A letter a slot, those that are free last: a look shows how full it is. */
static struct str
letters_of(struct arena *arena, const struct monitor_host *host, size_t columns)
{
	struct buf text = buf_new(arena);
	size_t slots = host->slots > 0 && !host->why.n ? (size_t)host->slots : 0;
	for (size_t i = 0; i < host->job_count && i < columns; i++)
		buf_add_byte(&text, looks[host->jobs[i].phase].letter);
	for (size_t i = host->job_count; i < slots && i < columns; i++)
		buf_add_byte(&text, '.');
	return buf_str(&text);
}

static void
add_host(struct drawing *drawing, const struct monitor_host *host, size_t slot_columns)
{
	struct arena *arena = drawing->arena;
	struct buf line = buf_new(arena);
	struct str letters = letters_of(arena, host, slot_columns), files = host->why;
	struct buf list = buf_new(arena);
	for (size_t i = 0; i < host->job_count && list.n < drawing->columns; i++)
		buf_printf(&list, "%s%s", i ? " " : "", host->jobs[i].file);
	if (!host->why.n)
		files = buf_str(&list);
	buf_printf(&line, "%.*s  %4zu/", STR_ARG(pad(drawing, name_of(arena, host))), host->job_count);
	if (host->slots)
		buf_printf(&line, "%-5d", host->slots);
	else
		buf_add(&line, STR("-    "));
	buf_printf(&line, "  %-*.*s  %s%.*s", (int)slot_columns, STR_ARG(letters), host->why.n ? "out: " : "", STR_ARG(files));
	add_line(drawing, host->why.n ? RED : host->job_count ? "" : DIM, buf_str(&line));
}

static void
add_hosts(struct drawing *drawing)
{
	const struct picture *picture = drawing->picture;
	size_t widest = 5;
	for (size_t i = 0; i < picture->host_count; i++) {
		const struct monitor_host *host = &picture->hosts[i];
		size_t needed = host->slots > 0 ? (size_t)host->slots : host->job_count;
		widest = needed > widest ? needed : widest;
	}
	widest = widest < SLOT_COLUMNS ? widest : SLOT_COLUMNS;
	for (size_t i = 0; i < picture->host_count; i++)
		add_host(drawing, &picture->hosts[i], widest);
}

/* --- all --- */

static size_t
name_columns(struct arena *arena, const struct picture *picture, size_t columns)
{
	size_t widest = 4;
	for (size_t i = 0; i < picture->host_count; i++) {
		size_t n = utf8_columns(name_of(arena, &picture->hosts[i]));
		widest = n > widest ? n : widest;
	}
	return widest < columns / 3 ? widest : columns / 3;
}

struct monitor_lines
monitor_draw(struct arena *arena, const struct picture *picture, enum monitor_layout layout, size_t columns)
{
	struct drawing drawing = {arena, picture, columns, name_columns(arena, picture, columns), {NULL, 0, 0}};
	struct str host = pad(&drawing, STR("HOST"));
	add_title(&drawing);
	add_totals(&drawing);
	if (!picture->host_count) {
		add_line(&drawing, DIM, picture->run.n ? STR("no host is ready yet") : STR("nothing compiles"));
	} else if (layout == MONITOR_SLOTS) {
		add_line(&drawing, BOLD, str_printf(arena, "%.*s  SLOT  PHASE        SECONDS  FILE", STR_ARG(host)));
		drawing.lines.head = drawing.lines.n;
		for (size_t i = 0; i < picture->host_count; i++)
			add_slots(&drawing, &picture->hosts[i]);
	} else {
		add_line(&drawing, BOLD, str_printf(arena, "%.*s  BUSY/SLOTS  " LEGEND, STR_ARG(host)));
		drawing.lines.head = drawing.lines.n;
		add_hosts(&drawing);
	}
	return drawing.lines;
}

/* --- JSON --- */

static void
put_jobs(struct json_writer *json, const struct picture *picture, const struct monitor_host *host)
{
	json_open_array(json, is_waiting(host) ? "waiting" : "jobs");
	for (size_t i = 0; i < host->job_count; i++) {
		const struct distcc_job *job = &host->jobs[i];
		json_open_object(json, NULL);
		if (!is_waiting(host))
			json_put_integer(json, "slot", job->slot);
		json_put_text(json, "phase", str_from(distcc_phase_name(job->phase)));
		json_put_text(json, "file", str_from(job->file));
		json_put_integer(json, "took", job->since && picture->now > job->since ? picture->now - job->since : 0);
		json_close(json);
	}
	json_close(json);
}

static void
put_host(struct json_writer *json, const struct picture *picture, const struct monitor_host *host)
{
	json_open_object(json, NULL);
	json_put_text(json, "name", host->name);
	json_put_text(json, "address", host->called);
	json_put_text(json, "state", host->why.n ? STR("out") : STR("ready"));
	if (host->why.n)
		json_put_text(json, "why", host->why);
	if (host->slots)
		json_put_integer(json, "slots", host->slots);
	put_jobs(json, picture, host);
	json_close(json);
}

static void
put_run(struct json_writer *json, const struct picture *picture)
{
	json_put_text(json, "run", picture->run);
	json_put_text(json, "project", picture->project);
	json_put_text(json, "provider", picture->provider);
	json_put_integer(json, "took", picture->now - picture->began);
	json_open_array(json, "steps");
	for (size_t i = 0; i < picture->step_count; i++) {
		json_open_object(json, NULL);
		json_put_text(json, "name", picture->steps[i].name);
		json_put_integer(json, "took", picture->now - picture->steps[i].since);
		json_close(json);
	}
	json_close(json);
}

struct str
monitor_json(struct arena *arena, const struct picture *picture)
{
	struct json_writer *json = json_writer_new(arena, true);
	const struct monitor_host *last = picture->host_count ? &picture->hosts[picture->host_count - 1] : NULL;
	size_t hosts = picture->host_count - (last && is_waiting(last));
	json_open_object(json, NULL);
	json_put_integer(json, "format", 1);
	json_put_text(json, "folder", picture->folder);
	if (picture->run.n)
		put_run(json, picture);
	json_open_array(json, "hosts");
	for (size_t i = 0; i < hosts; i++)
		put_host(json, picture, &picture->hosts[i]);
	json_close(json);
	put_jobs(json, picture, hosts < picture->host_count ? last : &(struct monitor_host){.job_count = 0});
	json_close(json);
	return json_writer_text(json);
}
