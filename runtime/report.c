/* report: a run in words, made of what its journal has. */
#include "runtime/report.h"

#include "base/arena.h"
#include "runtime/cloud.h"

#include <inttypes.h>
#include <string.h>

struct report {
	struct buf steps, artifacts, compiles, outs;
	struct str verdict, reason;
	int64_t began, ended; /* ms since 1970 */
};

static void
read_line(struct report *report, const struct json *line)
{
	const struct str none = {NULL, 0};
	struct str record = json_text(line, "record", none), verdict = json_text(line, "verdict", none);
	int64_t took = json_integer(line, "took", 0);
	report->ended = json_integer(line, "time", report->ended);
	if (str_is(record, record_name(RECORD_RUN))) {
		report->began = report->ended;
	} else if (str_is(record, record_name(RECORD_STEP))) {
		struct str name = json_text(line, "name", none), reason = json_text(line, "reason", none);
		buf_printf(&report->steps, "  %.*s: %.*s", STR_ARG(name), STR_ARG(verdict));
		if (reason.n)
			buf_printf(&report->steps, ", %.*s", STR_ARG(reason));
		buf_printf(&report->steps, " (%.1f s)\n", (double)took / 1000);
	} else if (str_is(record, record_name(RECORD_ARTIFACT))) {
		buf_printf(&report->artifacts, "  %.*s, %" PRId64 " bytes, sha256 %.*s\n", STR_ARG(json_text(line, "path", none)),
			json_integer(line, "size", 0), STR_ARG(json_text(line, "sha256", none)));
	} else if (str_is(record, record_name(RECORD_COMPILES))) {
		buf_printf(&report->compiles, "  %.*s: %" PRId64 "\n", STR_ARG(json_text(line, "host", none)),
			json_integer(line, "number", 0));
	} else if (str_is(record, record_name(RECORD_HOST)) && str_is(json_text(line, "state", none), "out")) {
		buf_printf(&report->outs, "  %.*s: %.*s\n", STR_ARG(json_text(line, "name", none)),
			STR_ARG(json_text(line, "why", none)));
	} else if (str_is(record, record_name(RECORD_VERDICT))) {
		report->verdict = verdict;
		report->reason = json_text(line, "reason", none);
	}
}

static void
add_list(struct buf *text, const char *title, const struct buf *list)
{
	if (list->n)
		buf_printf(text, "\n%s\n%.*s", title, STR_ARG(buf_str(list)));
}

bool
report_write(struct arena *arena, const struct run *run, struct str *subject, struct str *text, struct str *error)
{
	struct report report = {
		.steps = buf_new(arena), .artifacts = buf_new(arena), .compiles = buf_new(arena), .outs = buf_new(arena)};
	struct journal_state state;
	struct str project = run->project->name;
	struct buf whole = buf_new(arena);
	if (!journal_read(arena, run->state.s, run->id, &state, error))
		return false;
	for (size_t i = 0; i < state.line_count; i++)
		read_line(&report, state.lines[i]);
	const char *gap = report.reason.n ? ": " : "";
	struct str first =
		str_printf(arena, "%.*s: %.*s%s%.*s", STR_ARG(project), STR_ARG(report.verdict), gap, STR_ARG(report.reason));
	buf_printf(&whole, "%.*s\n\nproject: %.*s\nrun: %.*s\ntime: %.1f s\n", STR_ARG(first), STR_ARG(project), STR_ARG(run->id),
		(double)(report.ended - report.began) / 1000);
	add_list(&whole, "steps:", &report.steps);
	add_list(&whole, "artifacts:", &report.artifacts);
	add_list(&whole, "compiles:", &report.compiles);
	add_list(&whole, "hosts that went out:", &report.outs);
	*subject = event_blot(arena, run->secrets, first);
	*text = event_blot(arena, run->secrets, buf_str(&whole));
	return true;
}

/* Beside the first artifact that goes to a cloud; none where none does. */
static struct str
place_of(struct arena *arena, const struct run *run)
{
	const struct project *project = run->project;
	for (uint32_t i = 0; i < project->artifact_count; i++) {
		struct str to = project->artifacts[i].destination;
		if (!cloud_is_url(to))
			continue;
		const char *slash = memrchr(to.s, '/', to.n);
		bool bucket_only = cloud_bucket(to).n + strlen("s3://") == to.n;
		struct str folder =
			bucket_only ? str_printf(arena, "%.*s/", STR_ARG(to)) : str_part(to, 0, (size_t)(slash - to.s) + 1);
		return str_printf(arena, "%.*sedcc-%.*s.txt", STR_ARG(folder), STR_ARG(run->id));
	}
	return STR("");
}

bool
report_store(struct arena *arena, struct run *run, struct str text, struct str *url, struct failure *failure)
{
	const struct cloud *cloud;
	struct cloud_stored stored;
	struct str path = str_printf(arena, "%.*s/report.txt", STR_ARG(run->folder));
	*url = place_of(arena, run);
	if (!url->n)
		return true;
	struct cloud_file file = {.path = path.s, .url = *url};
	void *account = cloud_account(run, NULL, &cloud, failure);
	if (account && !os_write_atomic(arena, path.s, text, 0600, &failure->message))
		return false;
	return account && cloud->store(account, arena, &file, &stored, failure);
}
