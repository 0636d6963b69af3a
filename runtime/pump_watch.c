/* What is looked at while the include server runs: whether it lives, whether its answers are worth asking for, and whether the hosts have the headers it relies on. */
#include "runtime/pump.h"

#include "base/arena.h"
#include "base/lookout.h"
#include "base/pool.h"
#include "runtime/distcc.h"
#include "runtime/pump_prove.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PERIOD_MS 50
#define LOG_LIMIT ((size_t)64 << 20)
/* Between two comparisons of the same headers, where a host did not answer. */
#define AGAIN_MS 1000
/* Hosts asked at once for their headers. */
#define ASKED_AT_ONCE 16
/* After so many answers it is known whether they are worth asking for; fewer than half of them are not. */
#define FIRST_ANSWERS 10

/* The answer while a header is being compared: it says nothing of those that will follow. */
#define COMPARING "while headers were compared"

struct pump_watch {
	struct run *run;
	struct lookout *lookout;
	const struct os_cancel *stop; /* ends a comparison */
	int64_t again; /* not before this is one tried again, by os_now_ms */
	size_t wanted; /* bytes of the list that have been seen to */
	bool judged; /* its first answers were */
};

/* --- its answers --- */

/* What it has made of calls: how many files it sent, and of those that it did not, why: "-g" → uint64_t *. */
struct answers {
	uint64_t sent, here;
	struct map reasons;
};

static void
count_answers(struct arena *arena, const char *log_path, struct answers *answers)
{
	static const struct str sent = {"edcc: sent", 10}, here = {"edcc: here: ", 12};
	struct str text, line, error;
	*answers = (struct answers){.reasons = map_new(arena)};
	if (!os_read(arena, log_path, LOG_LIMIT, &text, &error))
		return;
	while (str_split(&text, '\n', &line)) {
		answers->sent += str_eq(line, sent);
		if (!str_starts(line, here))
			continue;
		answers->here++;
		uint64_t **count = (uint64_t **)map_at(&answers->reasons, str_part(line, here.n, line.n));
		if (!*count)
			*count = arena_new(arena, uint64_t);
		++**count;
	}
}

/* "3 with -g, 1 with __DATE__" */
static struct str
list_reasons(struct arena *arena, const struct map *reasons)
{
	struct buf text = buf_new(arena);
	for (uint32_t i = 0; i < reasons->count; i++)
		buf_printf(&text, "%s%llu %.*s", text.n ? ", " : "", (unsigned long long)*(uint64_t *)reasons->entries[i].value,
			STR_ARG(reasons->entries[i].key));
	return buf_str(&text);
}

static void
judge(struct pump_watch *watch, struct arena *arena)
{
	struct answers answers;
	struct run *run = watch->run;
	count_answers(arena, pump_log(arena, run).s, &answers);
	const uint64_t *comparing = map_get(&answers.reasons, STR(COMPARING));
	uint64_t here = answers.here - (comparing ? *comparing : 0);
	if (answers.sent + here < FIRST_ANSWERS)
		return;
	watch->judged = true;
	if (here <= answers.sent || str_is(run->project->distcc.pump, "yes"))
		return;
	pump_off(run,
		str_printf(arena, "of the first %llu files hosts could not do that for %llu (%.*s)",
			(unsigned long long)(answers.sent + here), (unsigned long long)here,
			STR_ARG(list_reasons(arena, &answers.reasons))),
		"pump mode gains nothing for such files: " PUMP_NO " does so from the start");
}

/* --- the hosts' headers --- */

/* One comparison: files of this machine, and those of the hosts. */
struct comparison {
	struct run *run;
	const struct os_cancel *cancel;
	struct words paths;
	struct str ours; /* the object that has them in it */
	atomic_bool open; /* a host did not answer: what it has is not known */
};

/* The assembler puts files as they are into an object; that one is made where the compiler runs. */
static struct str
source_of(struct arena *arena, struct words paths)
{
	struct buf text = buf_new(arena);
	for (size_t i = 0; i < paths.n; i++)
		buf_printf(&text, "__asm__(\".section .rodata\\n.long %zu\\n.incbin \\\"%.*s\\\"\\n.byte 0\\n.text\");\n", i,
			STR_ARG(paths.w[i]));
	return buf_str(&text);
}

/* Compiles the paths into an object, on the host or (NULL) here. */
static bool
embed(const struct comparison *comparison, struct arena *arena, struct words paths, const struct host *host, struct str *object)
{
	struct str why;
	return pump_compile(comparison->run, arena, source_of(arena, paths), host, false, comparison->cancel, object, &why);
}

static bool
same_on(const struct comparison *comparison, struct arena *arena, struct words paths, const struct host *host, struct str ours)
{
	struct str theirs;
	return embed(comparison, arena, paths, host, &theirs) && str_eq(theirs, ours);
}

/* A host that compiles nothing at all has said nothing of its headers. */
static bool
answers(const struct comparison *comparison, struct arena *arena, const struct host *host)
{
	struct str object;
	return embed(comparison, arena, (struct words){0}, host, &object);
}

/* The first of them that is not the same there, by halves. */
static struct str
first_other(const struct comparison *comparison, struct arena *arena, const struct host *host)
{
	struct words paths = comparison->paths;
	while (paths.n > 1) {
		struct words half = {paths.w, paths.n / 2};
		struct str ours;
		if (!embed(comparison, arena, half, NULL, &ours))
			break;
		if (same_on(comparison, arena, half, host, ours))
			paths = (struct words){paths.w + half.n, paths.n - half.n};
		else
			paths = half;
	}
	return paths.w[0];
}

static void
compare_on(void *context, void *item)
{
	struct comparison *comparison = context;
	struct host *host = item;
	struct arena arena = {NULL};
	if (!same_on(comparison, &arena, comparison->paths, host, comparison->ours)) {
		struct str path = answers(comparison, &arena, host) ? first_other(comparison, &arena, host) : STR("");
		if (path.n && answers(comparison, &arena, host))
			pump_off(comparison->run,
				str_printf(&arena, "%.*s has another '%.*s' than this machine", STR_ARG(host->name), STR_ARG(path)),
				"give both the same version of the package that it is from, or say " PUMP_NO);
		else
			comparison->open = true;
	}
	arena_free(&arena);
}

/* A file that is still there, with a path that can be written into a source as it is. */
static bool
can_be_compared(struct arena *arena, struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.s[i] == '"' || path.s[i] == '\\' || (unsigned char)path.s[i] < ' ')
			return false;
	return access(str_c(arena, path), R_OK) == 0;
}

static void
append(const char *path, struct words lines)
{
	FILE *file = fopen(path, "ae");
	for (size_t i = 0; file && i < lines.n; i++)
		fprintf(file, "%.*s\n", STR_ARG(lines.w[i]));
	if (file)
		fclose(file);
}

static const char *
proved_list(struct arena *arena, const struct run *run)
{
	return str_printf(arena, "%.*s/proved", STR_ARG(run->pump->folder)).s;
}

/* Holds them against those of every host that preprocesses; one that is out now is asked when it comes back. False where they must be compared again. */
static bool
compare(struct pump_watch *watch, struct arena *arena, struct words paths)
{
	struct run *run = watch->run;
	struct comparison comparison = {.run = run, .cancel = watch->stop, .paths = paths};
	struct pool *pool = pool_new(ASKED_AT_ONCE);
	bool read = pool && embed(&comparison, arena, paths, NULL, &comparison.ours);
	for (uint32_t i = 0; read && i < run->host_count; i++) {
		pthread_mutex_lock(&run->mutex);
		bool asked = run->hosts[i].ready && run->hosts[i].pump;
		run->hosts[i].pump = asked;
		pthread_mutex_unlock(&run->mutex);
		if (asked)
			pool_submit(pool, compare_on, &comparison, &run->hosts[i]);
	}
	if (pool)
		pool_free(pool);
	if (!read || comparison.open)
		return false;
	if (pump_socket(run))
		append(proved_list(arena, run), paths);
	return true;
}

/* What the include server has met since the last look. */
static void
compare_wanted(struct pump_watch *watch, struct arena *arena)
{
	struct str text, line, error;
	const char *path = str_printf(arena, "%.*s/wanted", STR_ARG(watch->run->pump->folder)).s;
	if (access(path, F_OK) < 0 || !os_read(arena, path, LOG_LIMIT, &text, &error) || text.n <= watch->wanted)
		return;
	struct words paths = {0};
	struct str rest = str_part(text, watch->wanted, text.n);
	size_t end = rest.n;
	while (end > 0 && rest.s[end - 1] != '\n')
		end--;
	rest = str_part(rest, 0, end);
	while (str_split(&rest, '\n', &line))
		if (can_be_compared(arena, line))
			words_add(arena, &paths, line);
	if (!paths.n || compare(watch, arena, paths))
		watch->wanted += end;
	else
		watch->again = os_now_ms() + AGAIN_MS;
}

/* A host that was out while headers were compared is not in the list until it has been asked for them all. */
static void
take_back(struct pump_watch *watch, struct arena *arena, struct host *host)
{
	struct str text = STR(""), line, error;
	struct comparison comparison = {.run = watch->run, .cancel = watch->stop};
	const char *path = proved_list(arena, watch->run);
	if (access(path, F_OK) == 0 && !os_read(arena, path, LOG_LIMIT, &text, &error))
		return;
	while (str_split(&text, '\n', &line))
		if (line.n)
			words_add(arena, &comparison.paths, line);
	if (comparison.paths.n && embed(&comparison, arena, comparison.paths, NULL, &comparison.ours))
		compare_on(&comparison, host);
	else
		comparison.open = comparison.paths.n > 0;
	if (comparison.open)
		watch->again = os_now_ms() + AGAIN_MS;
	else if (pump_socket(watch->run))
		pump_on(watch->run, host);
}

static void
take_back_hosts(struct pump_watch *watch, struct arena *arena)
{
	struct run *run = watch->run;
	for (uint32_t i = 0; i < run->host_count; i++) {
		pthread_mutex_lock(&run->mutex);
		bool waits = run->hosts[i].ready && !run->hosts[i].pump;
		pthread_mutex_unlock(&run->mutex);
		if (waits && pump_socket(run))
			take_back(watch, arena, &run->hosts[i]);
	}
}

/* --- the thread --- */

/* distcc itself goes on without pump once a file that failed on a host has compiled here; it writes so beside the socket. */
static bool
is_demoted(struct arena *arena, const struct pump *pump)
{
	return access(str_printf(arena, "%.*s/discrepancy_counter", STR_ARG(pump->folder)).s, F_OK) == 0;
}

static int
look(void *context, const struct os_cancel *stop)
{
	struct pump_watch *watch = context;
	struct run *run = watch->run;
	struct arena arena = {NULL};
	if (!pump_socket(run))
		return PERIOD_MS;
	watch->stop = stop;
	if (os_has_ended(run->pump->process.pid))
		pump_off(run, STR("distcc's include server, which finds the headers to send, has ended"),
			"its last words: edcc logs @pump");
	else if (is_demoted(&arena, run->pump))
		pump_off(run, STR("a file that failed on a host compiled here"),
			"it may include what the build makes meanwhile: have that made first, or say " PUMP_NO);
	else if (os_now_ms() >= watch->again) {
		compare_wanted(watch, &arena);
		take_back_hosts(watch, &arena);
	}
	if (!watch->judged)
		judge(watch, &arena);
	arena_free(&arena);
	return PERIOD_MS;
}

static bool
is_planned(const struct run *run)
{
	for (uint32_t i = 0; i < run->plan->world->host_count; i++)
		if (run->plan->world->hosts[i].pump)
			return true;
	return false;
}

struct pump_watch *
pump_watch_start(struct run *run)
{
	struct pump_watch *watch = is_planned(run) ? calloc(1, sizeof *watch) : NULL;
	if (!watch)
		return NULL;
	watch->run = run;
	watch->lookout = lookout_start(look, watch);
	if (watch->lookout)
		return watch;
	free(watch);
	return NULL;
}

void
pump_watch_stop(struct pump_watch *watch)
{
	if (!watch)
		return;
	lookout_stop(watch->lookout);
	free(watch);
}

/* --- the report --- */

void
pump_report(struct run *run)
{
	struct arena arena = {NULL};
	struct answers answers;
	count_answers(&arena, pump_log(&arena, run).s, &answers);
	if (answers.sent)
		event_note(run->events, "%llu compile%s preprocessed on the hosts", (unsigned long long)answers.sent,
			answers.sent == 1 ? " was" : "s were");
	if (answers.here)
		event_note(run->events, "%llu compile%s preprocessed on this machine: %.*s", (unsigned long long)answers.here,
			answers.here == 1 ? " was" : "s were", STR_ARG(list_reasons(&arena, &answers.reasons)));
	arena_free(&arena);
}
