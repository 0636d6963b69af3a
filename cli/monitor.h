/* monitor: what every slot of every host does at this moment, and how that is shown. */
#ifndef CLI_MONITOR_H
#define CLI_MONITOR_H

#include "cli/command.h"
#include "distcc/jobs.h"
#include "distcc/locks.h"
#include "runtime/distcc.h"
#include "runtime/journal.h"

/* --- what there is to be seen (monitor_look.c) --- */

struct monitor_host {
	struct str name; /* as edcc calls it, where a run of edcc uses it */
	struct str called; /* as distcc calls it; none: the jobs that wait for a slot anywhere */
	int slots; /* 0: not known */
	struct str why; /* it is out, and this is why; none where it is not */
	const struct distcc_job *jobs; /* by slot */
	size_t job_count;
};

struct monitor_step {
	struct str name;
	int64_t since; /* ms since 1970 */
};

struct picture {
	int64_t now; /* ms since 1970 */
	struct str folder; /* the DISTCC_DIR that was read */
	struct str run, project, provider; /* of the run of edcc that goes on there; none where none does */
	bool awaited; /* there is a project, and no run of it goes on */
	int64_t began;
	struct monitor_step *steps; /* those that run */
	size_t step_count;
	struct monitor_host *hosts; /* those of the run, then others, at the end those that wait */
	size_t host_count;
	struct distcc_job *jobs;
	size_t job_count;
};

/* Where to look, and what was found there before. */
struct monitor {
	const char *state; /* the state folder of a project whose run is looked at while one goes on; NULL: no project */
	const char *folder; /* else this DISTCC_DIR */
	int64_t looked; /* when last for what changes seldom, by os_now_ms; 0: never */
	bool running; /* the journal's run goes on */
	struct arena journal_arena;
	struct journal_state journal;
	int64_t journal_size; /* when it was read */
	struct arena seen_arena;
	struct words seen; /* hosts that are not in a journal, as distcc calls them; for as long as the folder is the same */
	const char *seen_in; /* the folder */
	struct distcc_locks locks[DISTCC_LOCKS_LIMIT];
	size_t lock_count;
};

/* One look. The picture is in the arena, but for the texts of the run, which last until the next look. */
struct picture monitor_look(struct monitor *, struct arena *);

/* --- how it is shown (monitor_draw.c) --- */

enum monitor_layout {
	MONITOR_SLOTS, /* a line for each slot */
	MONITOR_HOSTS, /* a line for each host */
};

struct monitor_line {
	const char *style; /* an escape sequence, or "" */
	struct str text; /* safe for a terminal */
};

struct monitor_lines {
	struct monitor_line *list;
	size_t n;
	size_t head; /* so many stay at the top when the others scroll */
};

struct monitor_lines monitor_draw(struct arena *, const struct picture *, enum monitor_layout, size_t columns);
/* The picture as a JSON document. */
struct str monitor_json(struct arena *, const struct picture *);

/* --- the screen (monitor_screen.c) --- */

/* Shows it on the terminal until somebody ends that. False where it cannot (filed). */
bool monitor_screen(struct cli *, struct monitor *);

#endif
