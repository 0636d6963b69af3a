/* tool: one connection at a shell, for the tests. Lines of JSON in, one line of JSON out for each: {"do": "open" | "connect" | "run" | "start" | "many" | "host_key" |
 * "line" | "quote" | "key" | "ended" | "close", …}; "cancel_after": N cancels in the midst of it. */
#include "base/arena.h"
#include "base/json.h"
#include "runtime/ssh.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 12

extern char **environ;

static const struct str none = {NULL, 0};
static const char *const ends[] = {"done", "lost", "refused", "cancelled", "failed"};

struct tool {
	struct arena arena; /* of a line */
	struct arena kept;
	struct ssh *ssh;
	const struct json *line;
	struct json_writer *out;
	struct os_cancel cancel;
	int raise; /* its writing end */
	int64_t cancel_after;
	const char *command; /* of many threads at once */
};

static struct str
kept(struct tool *tool, const char *name)
{
	return str_dup(&tool->kept, json_text(tool->line, name, none));
}

static const char *
word(struct tool *tool, const char *name)
{
	struct str text = json_text(tool->line, name, none);
	return text.n ? str_c(&tool->arena, text) : NULL;
}

static void
open_connection(struct tool *tool)
{
	struct str key = json_text(tool->line, "key", none);
	struct ssh_options options = {.address = kept(tool, "address"),
		.user = kept(tool, "user"),
		.port = (int)json_integer(tool->line, "port", 0),
		.folder = str_c(&tool->kept, kept(tool, "folder")),
		.key = key.n ? str_c(&tool->kept, key) : NULL,
		.host_key = kept(tool, "host_key"),
		.jump_address = kept(tool, "jump"),
		.jump_host_key = kept(tool, "jump_host_key"),
		.environment = environ,
		.cancel = &tool->cancel};
	tool->ssh = ssh_new(&options);
}

/* "input" as text, or "input_file" as a descriptor; "save": where the output goes, instead of into the answer. */
static struct ssh_call
call_of(struct tool *tool)
{
	const char *file = word(tool, "input_file");
	return (struct ssh_call){.command = word(tool, "command"),
		.input = json_text(tool->line, "input", none),
		.input_fd = file ? open(file, O_RDONLY | O_CLOEXEC) : 0,
		.output_path = word(tool, "output_path"),
		.limit = (size_t)json_integer(tool->line, "limit", 0),
		.timeout_ms = json_integer(tool->line, "timeout", 0),
		.regardless = json_truth(tool->line, "regardless", false)};
}

static void
keep_output(struct tool *tool, struct str output)
{
	struct str error = {0};
	const char *save = word(tool, "save");
	if (!save)
		json_put_text(tool->out, "output", output);
	else if (!os_write_atomic(&tool->arena, save, output, 0600, &error))
		json_put_text(tool->out, "error", error);
}

static void
do_connect(struct tool *tool)
{
	struct str error = {0};
	enum ssh_end end = ssh_connect(tool->ssh, &tool->arena, json_integer(tool->line, "deadline", 5000), &error);
	json_put_text(tool->out, "end", str_from(ends[end]));
	json_put_text(tool->out, "error", error);
}

static void
do_run(struct tool *tool)
{
	int status = -1;
	struct str output = {0}, error = {0};
	struct ssh_call call = call_of(tool);
	enum ssh_end end = ssh_run(tool->ssh, &tool->arena, &call, &status, &output, &error);
	json_put_text(tool->out, "end", str_from(ends[end]));
	json_put_integer(tool->out, "status", status);
	json_put_text(tool->out, "error", error);
	keep_output(tool, output);
}

static void
do_start(struct tool *tool)
{
	struct os_process process;
	struct str error = {0};
	struct ssh_call call = call_of(tool);
	struct buf output = buf_new(&tool->arena);
	if (!ssh_start(tool->ssh, &tool->arena, &call, &process, &error)) {
		json_put_text(tool->out, "error", error);
		return;
	}
	char bytes[4096];
	for (ssize_t n; (n = read(process.out, bytes, sizeof bytes)) > 0;)
		buf_add(&output, (struct str){bytes, (size_t)n});
	json_put_integer(tool->out, "status", os_wait(&process));
	keep_output(tool, buf_str(&output));
}

static void *
run_one(void *context)
{
	struct tool *tool = context;
	struct arena arena = {0};
	int status = -1;
	struct str output, error;
	const struct ssh_call call = {.command = tool->command};
	bool ended = ssh_run(tool->ssh, &arena, &call, &status, &output, &error) == SSH_DONE && status == 0;
	arena_free(&arena);
	return ended ? tool : NULL;
}

static void
do_many(struct tool *tool)
{
	pthread_t threads[MANY];
	void *ended;
	int64_t count = 0;
	tool->command = word(tool, "command");
	for (size_t i = 0; i < MANY; i++)
		pthread_create(&threads[i], NULL, run_one, tool);
	for (size_t i = 0; i < MANY; i++)
		count += pthread_join(threads[i], &ended) == 0 && ended;
	json_put_integer(tool->out, "count", count);
}

static void
do_line(struct tool *tool)
{
	struct str error = {0};
	char **argv =
		ssh_command_line(tool->ssh, &tool->arena, word(tool, "command"), json_truth(tool->line, "terminal", false), &error);
	json_open_array(tool->out, "argv");
	for (; argv && *argv; argv++)
		json_put_text(tool->out, NULL, str_from(*argv));
	json_close(tool->out);
}

static void
do_key(struct tool *tool)
{
	struct str key = {0}, error = {0};
	bool made = ssh_make_key(&tool->arena, word(tool, "path"), json_text(tool->line, "comment", none), &key, &error);
	json_put_truth(tool->out, "made", made);
	json_put_text(tool->out, "key", key);
	json_put_text(tool->out, "error", error);
}

static void *
cancel_later(void *context)
{
	struct tool *tool = context;
	usleep((useconds_t)tool->cancel_after * 1000);
	if (write(tool->raise, "", 1) != 1)
		abort();
	return NULL;
}

static void
answer(struct tool *tool)
{
	struct str what = json_text(tool->line, "do", none);
	pthread_t thread;
	tool->cancel_after = json_integer(tool->line, "cancel_after", 0);
	if (tool->cancel_after)
		pthread_create(&thread, NULL, cancel_later, tool);
	if (str_is(what, "open"))
		open_connection(tool);
	else if (str_is(what, "connect"))
		do_connect(tool);
	else if (str_is(what, "run"))
		do_run(tool);
	else if (str_is(what, "start"))
		do_start(tool);
	else if (str_is(what, "many"))
		do_many(tool);
	else if (str_is(what, "host_key"))
		ssh_set_host_key(tool->ssh, kept(tool, "host_key"));
	else if (str_is(what, "line"))
		do_line(tool);
	else if (str_is(what, "quote"))
		json_put_text(tool->out, "word", str_shell_quote(&tool->arena, json_text(tool->line, "word", none)));
	else if (str_is(what, "key"))
		do_key(tool);
	else if (str_is(what, "ended"))
		json_put_integer(tool->out, "count", (int64_t)os_end_marked(&tool->arena, word(tool, "mark"), 1000));
	else if (str_is(what, "close")) {
		ssh_free(tool->ssh);
		tool->ssh = NULL;
	}
	char raised;
	if (tool->cancel_after && (pthread_join(thread, NULL) != 0 || read(tool->cancel.fd, &raised, 1) != 1))
		abort();
}

int
main(void)
{
	struct tool tool = {.ssh = NULL};
	int pipe_ends[2];
	char *line = NULL;
	size_t size = 0;
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return 1;
	tool.cancel.fd = pipe_ends[0];
	tool.raise = pipe_ends[1];
	for (ssize_t n; (n = getline(&line, &size, stdin)) > 0;) {
		struct str error = {0};
		tool.line = json_read(&tool.arena, (struct str){line, (size_t)n}, &error);
		tool.out = json_writer_new(&tool.arena, false);
		json_open_object(tool.out, NULL);
		if (tool.line)
			answer(&tool);
		json_close(tool.out);
		struct str text = json_writer_text(tool.out);
		printf("%.*s\n", STR_ARG(text));
		fflush(stdout);
		arena_free(&tool.arena);
	}
	free(line);
	ssh_free(tool.ssh);
	arena_free(&tool.kept);
	return 0;
}
