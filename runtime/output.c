#include "runtime/output.h"
#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
output_start(struct output *output, struct run *run, struct str step, struct judge *judge)
{
	*output = (struct output){.run = run, .step = step, .judge = judge, .log = -1};
	for (size_t i = 0; i < run->secrets.n; i++)
		if (run->secrets.w[i].n > output->longest_secret)
			output->longest_secret = run->secrets.w[i].n;
}

/* A log that cannot be written is no reason to end a build. */
static void
fail_log(struct output *output)
{
	const char *reason = strerrordesc_np(errno);
	output->log_failed = true;
	event_warning(output->run->events, STR("the build goes on; its output is shown but not kept"),
		"cannot write the log of '%.*s': %s", STR_ARG(output->step), reason);
}

static void
open_log(struct output *output)
{
	struct arena arena = {0};
	struct str folder = str_printf(&arena, "%.*s/log", STR_ARG(output->run->folder)), error;
	struct str path = str_printf(&arena, "%.*s/%.*s.log", STR_ARG(folder), STR_ARG(output->step));
	if (os_make_folders(&arena, folder.s, true, &error))
		output->log = open(path.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (output->log < 0)
		fail_log(output);
	arena_free(&arena);
}

static void
keep_tail(struct output *output, struct str text)
{
	if (!output->tail && !(output->tail = malloc(OUTPUT_LOG_TAIL)))
		os_exhausted();
	if (text.n > OUTPUT_LOG_TAIL) {
		output->log_size += text.n - OUTPUT_LOG_TAIL;
		text = str_part(text, text.n - OUTPUT_LOG_TAIL, text.n);
	}
	size_t at = (size_t)((output->log_size - OUTPUT_LOG_HEAD) % OUTPUT_LOG_TAIL);
	size_t first = text.n < OUTPUT_LOG_TAIL - at ? text.n : OUTPUT_LOG_TAIL - at;
	memcpy(output->tail + at, text.s, first);
	memcpy(output->tail, text.s + first, text.n - first);
	output->log_size += text.n;
}

static void
log_text(struct output *output, struct str text)
{
	if (output->log < 0 && !output->log_failed)
		open_log(output);
	if (output->log_failed)
		return;
	if (output->log_size < OUTPUT_LOG_HEAD) {
		struct str head = str_part(text, 0, (size_t)(OUTPUT_LOG_HEAD - output->log_size));
		if (!os_write_all(output->log, head)) {
			fail_log(output);
			return;
		}
		output->log_size += head.n;
		text = str_part(text, head.n, text.n);
	}
	if (text.n)
		keep_tail(output, text);
}

/* Writes the tail behind a line that says how much is missing. */
static void
end_log(struct output *output)
{
	char line[128];
	uint64_t after = output->log_size > OUTPUT_LOG_HEAD ? output->log_size - OUTPUT_LOG_HEAD : 0;
	size_t kept = after < OUTPUT_LOG_TAIL ? (size_t)after : OUTPUT_LOG_TAIL, at = (size_t)(after % OUTPUT_LOG_TAIL);
	if (output->log >= 0 && after && !output->log_failed) {
		int n = snprintf(line, sizeof line, "\n… %llu bytes are left out here …\n", (unsigned long long)(after - kept));
		bool written = after == kept || os_write_all(output->log, (struct str){line, (size_t)n});
		if (after > kept)
			written = written && os_write_all(output->log, (struct str){output->tail + at, kept - at});
		else
			at = kept;
		if (!written || !os_write_all(output->log, (struct str){output->tail, at}))
			fail_log(output);
	}
	if (output->log >= 0)
		close(output->log);
	free(output->tail);
}

/* Shows and logs; `piece` where it is a part of a line, which a view gets as a line of its own. */
static void
pass_on(struct output *output, struct str text, bool piece)
{
	struct arena arena = {0};
	struct str shown = event_blot(&arena, output->run->secrets, text);
	log_text(output, shown);
	if (piece)
		shown = str_printf(&arena, "%.*s\n", STR_ARG(shown));
	event_emit(output->run->events, (struct event){.kind = EVENT_OUTPUT, .name = output->step, .text = shown});
	arena_free(&arena);
}

static void
judge_lines(struct output *output, struct str text)
{
	struct str line;
	while (output->judge->wants_output && text.n) {
		size_t n = str_find(text, '\n');
		line = str_part(text, 0, n);
		text = str_part(text, n + 1, text.n);
		judge_line(output->judge, line);
	}
}

static void
drop_front(struct output *output, size_t n)
{
	memmove(output->bytes, output->bytes + n, output->n - n);
	output->n -= n;
}

/* A line that is too long goes on without the end that may be the beginning of a secret. */
static void
pass_piece(struct output *output)
{
	struct arena arena = {0};
	struct str text = {output->bytes, output->n};
	judge_lines(output, text);
	size_t held = output->longest_secret ? output->longest_secret - 1 : 0;
	if (held >= OUTPUT_LINE_LIMIT)
		held = 0;
	struct str shown = event_blot(&arena, output->run->secrets, text);
	struct str end = str_part(shown, shown.n > held ? shown.n - held : 0, shown.n);
	pass_on(output, str_part(shown, 0, shown.n - end.n), true);
	memmove(output->bytes, end.s, end.n);
	output->n = end.n;
	arena_free(&arena);
}

/* Where the next bytes go: there is always room for OUTPUT_LINE_LIMIT. */
static char *
room(struct output *output)
{
	if (!output->bytes && !(output->bytes = malloc(2 * OUTPUT_LINE_LIMIT)))
		os_exhausted();
	return output->bytes + output->n;
}

/* Takes in what was put there. */
static void
take(struct output *output, size_t n)
{
	size_t before = output->n;
	output->n += n;
	const char *newline = memrchr(output->bytes + before, '\n', n);
	if (newline) {
		struct str lines = {output->bytes, (size_t)(newline - output->bytes) + 1};
		judge_lines(output, lines);
		pass_on(output, lines, false);
		drop_front(output, lines.n);
	}
	if (output->n >= OUTPUT_LINE_LIMIT)
		pass_piece(output);
}

enum output_read
output_read(struct output *output, int fd)
{
	char *place = room(output);
	ssize_t n = read(fd, place, 2 * OUTPUT_LINE_LIMIT - output->n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return OUTPUT_NOTHING;
	if (n <= 0)
		return OUTPUT_END;
	take(output, (size_t)n);
	return OUTPUT_MORE;
}

void
output_add(struct output *output, struct str text)
{
	while (text.n) {
		char *place = room(output);
		size_t n = text.n < OUTPUT_LINE_LIMIT ? text.n : OUTPUT_LINE_LIMIT;
		memcpy(place, text.s, n);
		take(output, n);
		text = str_part(text, n, text.n);
	}
}

void
output_end(struct output *output)
{
	if (output->n) {
		struct str rest = {output->bytes, output->n};
		judge_lines(output, rest);
		pass_on(output, rest, true);
	}
	end_log(output);
	free(output->bytes);
	output->bytes = output->tail = NULL;
	output->n = 0;
}
