/* tool: the client at a shell, for the tests. Lines of JSON in, one line of JSON out for each: {"do": "sign" | "endpoint" | "query" | "json" | "s3" | "presign" |
 * "credentials" | "state" | "storm", …}. One client serves all lines, as in edcc. */
#include "aws/client.h"
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "base/arena.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const struct str none = {NULL, 0};

struct tool {
	struct arena arena; /* of a line */
	struct arena kept;
	struct aws *aws;
	const struct json *line;
	struct json_writer *out;
	struct os_cancel cancel;
	int raise; /* its writing end */
	atomic_int answered;
};

static struct str
text(const struct tool *tool, const char *name)
{
	return json_text(tool->line, name, none);
}

static const char *
word(struct tool *tool, const char *name)
{
	return str_c(&tool->arena, text(tool, name));
}

/* [["name", "value"], …] */
static struct http_header *
headers(struct tool *tool, const char *name, size_t *count)
{
	const struct json *list = json_member(tool->line, name);
	*count = list ? list->count : 0;
	struct http_header *found = arena_array(&tool->arena, struct http_header, *count + 1);
	for (size_t i = 0; i < *count; i++)
		found[i] = (struct http_header){list->items[i]->items[0]->string, list->items[i]->items[1]->string};
	return found;
}

static void
put_headers(struct tool *tool, const char *name, const struct http_header *list, size_t count)
{
	json_open_object(tool->out, name);
	for (size_t i = 0; i < count; i++)
		json_put_text(tool->out, str_c(&tool->arena, list[i].name), list[i].value);
	json_close(tool->out);
}

static void
sign(struct tool *tool)
{
	struct credentials credentials = {
		.access_key = text(tool, "access_key"), .secret = text(tool, "secret"), .token = text(tool, "token")};
	struct sigv4_request request = {
		.method = word(tool, "method"),
		.host = text(tool, "host"),
		.path = text(tool, "path"),
		.query = text(tool, "query"),
		.payload_hash = text(tool, "payload_hash"),
		.service = text(tool, "service"),
		.region = text(tool, "region"),
		.time_ms = json_integer(tool->line, "time_ms", 0),
		.s3 = json_truth(tool->line, "s3", false),
	};
	struct http_header *signed_headers = NULL;
	struct str names, query;
	size_t count = 0;
	request.headers = headers(tool, "headers", &request.header_count);
	int64_t seconds = json_integer(tool->line, "presign", 0);
	if (seconds) {
		sigv4_presign(&tool->arena, &request, &credentials, seconds, &query);
		json_put_text(tool->out, "query", query);
		return;
	}
	if (!sigv4_sign(&tool->arena, &request, &credentials, &signed_headers, &count))
		return;
	/* The last is the authorization. */
	struct str canonical = sigv4_canonical_request(&tool->arena, &request, signed_headers, count - 1, &names);
	json_put_text(tool->out, "canonical", canonical);
	json_put_text(tool->out, "to_sign", sigv4_string_to_sign(&tool->arena, &request, canonical));
	put_headers(tool, "headers", signed_headers, count);
}

static void
put_error(struct tool *tool, const struct aws_error *error)
{
	json_put_text(tool->out, "error", aws_error_text(&tool->arena, error));
	json_put_text(tool->out, "code", error->code);
	json_put_integer(tool->out, "status", error->status);
	json_put_integer(tool->out, "tries", error->tries);
	json_put_truth(tool->out, "maybe_done", error->maybe_done);
	json_put_truth(tool->out, "cancelled", error->cancelled);
}

/* {"name": "Response", "text": …, "in": [children]} */
static void
put_xml(struct tool *tool, const char *name, const struct xml *xml)
{
	json_open_object(tool->out, name);
	json_put_text(tool->out, "name", xml->name);
	json_put_text(tool->out, "text", str_trim(xml->text));
	json_open_array(tool->out, "in");
	for (const struct xml *child = xml->first; child; child = child->next)
		put_xml(tool, NULL, child);
	json_close(tool->out);
	json_close(tool->out);
}

static struct aws *
client(struct tool *tool)
{
	struct aws_options options = {.region = str_dup(&tool->kept, text(tool, "client_region")),
		.profile = str_dup(&tool->kept, text(tool, "profile")),
		.endpoint = str_dup(&tool->kept, text(tool, "client_endpoint")),
		.environment = environ,
		.cancel = &tool->cancel};
	struct str error;
	if (!tool->aws && !(tool->aws = aws_new(&options, &tool->kept, &error)))
		json_put_text(tool->out, "error", error);
	return tool->aws;
}

static enum aws_repeat
repeat(const struct tool *tool)
{
	return json_truth(tool->line, "once", false) ? AWS_ONCE : AWS_SAFE;
}

static void
query(struct tool *tool)
{
	struct aws_parameters parameters = aws_parameters_new(&tool->arena, word(tool, "action"), word(tool, "version"));
	struct aws_error error;
	size_t count;
	const struct http_header *list = headers(tool, "parameters", &count);
	for (size_t i = 0; i < count; i++)
		aws_parameter_printf(&parameters, list[i].value, "%.*s", STR_ARG(list[i].name));
	const struct xml *xml = aws_query(tool->aws, &tool->arena, word(tool, "service"), &parameters, repeat(tool), &error);
	if (xml)
		put_xml(tool, "answer", xml);
	else
		put_error(tool, &error);
}

static void
json(struct tool *tool)
{
	struct aws_error error;
	const struct json *answer =
		aws_json(tool->aws, &tool->arena, word(tool, "service"), word(tool, "target"), text(tool, "body"), &error);
	json_put_truth(tool->out, "answered", answer != NULL);
	if (!answer)
		put_error(tool, &error);
}

/* Bytes that come from or go to a file, for streams. */
static int64_t
file_read(void *context, char *bytes, size_t n)
{
	return (int64_t)fread(bytes, 1, n, context);
}

static int64_t
file_write(void *context, char *bytes, size_t n)
{
	return (int64_t)fwrite(bytes, 1, n, context);
}

static bool
file_rewind(void *context)
{
	rewind(context);
	return true;
}

static void
s3(struct tool *tool)
{
	struct aws_s3_request request = {.method = word(tool, "method"),
		.bucket = text(tool, "bucket"),
		.key = text(tool, "key"),
		.query = text(tool, "query"),
		.body = text(tool, "body"),
		.repeat = repeat(tool),
		.action = word(tool, "action")};
	struct http_stream source = {file_read, file_rewind, NULL}, sink = {file_write, file_rewind, NULL};
	struct http_response response;
	struct aws_error error;
	request.headers = headers(tool, "headers", &request.header_count);
	if (text(tool, "from").n) {
		source.context = fopen(word(tool, "from"), "r");
		fseek(source.context, 0, SEEK_END);
		request.body_size = ftell(source.context);
		rewind(source.context);
		request.body_stream = &source;
	}
	if (text(tool, "to").n) {
		sink.context = fopen(word(tool, "to"), "w");
		request.sink = &sink;
	}
	if (aws_s3(tool->aws, &tool->arena, &request, &response, &error)) {
		json_put_integer(tool->out, "status", response.status);
		json_put_text(tool->out, "body", response.body);
		put_headers(tool, "headers", response.headers, response.header_count);
	} else {
		put_error(tool, &error);
	}
	if (source.context)
		fclose(source.context);
	if (sink.context)
		fclose(sink.context);
}

static void
presign(struct tool *tool)
{
	struct str url;
	struct aws_error error;
	struct aws_s3_request request = {
		.method = word(tool, "method"),
		.bucket = text(tool, "bucket"),
		.key = text(tool, "key"),
		.query = text(tool, "query"),
	};
	if (aws_s3_presign(tool->aws, &tool->arena, &request, json_integer(tool->line, "seconds", 60), &url, &error))
		json_put_text(tool->out, "url", url);
	else
		put_error(tool, &error);
}

static void
endpoint(struct tool *tool)
{
	struct aws_config config;
	struct str error;
	if (!aws_config_load(&tool->arena, environ, text(tool, "profile"), &config, &error)) {
		json_put_text(tool->out, "error", error);
		return;
	}
	struct str region = aws_config_region(&config, text(tool, "region"));
	struct aws_endpoint found = aws_endpoint_of(&tool->arena, &config, text(tool, "given"), word(tool, "service"), region);
	json_put_text(tool->out, "url", found.url);
	json_put_text(tool->out, "region", found.region);
}

/* The secrets too: the tests' are nobody's. */
static void
credentials(struct tool *tool)
{
	struct arena arena = {NULL};
	struct aws_config config;
	struct credentials found;
	struct str error;
	struct http_client *http = http_client_new(&(struct http_options){NULL, "edcc/test"}, &arena, &error);
	if (aws_config_load(&arena, environ, text(tool, "profile"), &config, &error) &&
		credentials_find(&arena, &config, http, &tool->cancel, &found, &error)) {
		json_put_text(tool->out, "access_key", found.access_key);
		json_put_text(tool->out, "secret", found.secret);
		json_put_text(tool->out, "token", found.token);
		json_put_integer(tool->out, "expires", found.expires);
		json_put_text(tool->out, "source", found.source);
	} else {
		json_put_text(tool->out, "error", error);
	}
	http_client_free(http);
	arena_wipe(&arena);
}

/* What the client knows by now. */
static void
state(struct tool *tool)
{
	json_put_text(tool->out, "region", aws_region(tool->aws));
	json_put_text(tool->out, "source", aws_credentials_source(tool->aws));
	json_put_integer(tool->out, "expire", aws_credentials_expire(tool->aws));
	json_put_integer(tool->out, "skew", aws_clock_skew(tool->aws));
}

/* The same call from many threads at once. */
static void *
storm_thread(void *context)
{
	struct tool *tool = context;
	for (int64_t i = json_integer(tool->line, "count", 1); i > 0; i--) {
		struct arena arena = {NULL};
		struct aws_parameters parameters = aws_parameters_new(&arena, "AssumeRole", "2011-06-15");
		struct aws_error error;
		aws_parameter(&parameters, "RoleArn", text(tool, "role"));
		if (aws_query(tool->aws, &arena, "sts", &parameters, AWS_SAFE, &error))
			atomic_fetch_add(&tool->answered, 1);
		arena_free(&arena);
	}
	return NULL;
}

static void
storm(struct tool *tool)
{
	pthread_t threads[64];
	int64_t count = json_integer(tool->line, "threads", 1);
	for (int64_t i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, storm_thread, tool);
	for (int64_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	json_put_integer(tool->out, "answered", atomic_load(&tool->answered));
}

static void *
raise_later(void *context)
{
	struct tool *tool = context;
	poll(NULL, 0, (int)json_integer(tool->line, "cancel_ms", 0));
	ssize_t written = write(tool->raise, "", 1);
	(void)written;
	return NULL;
}

static const struct act {
	const char *name;
	void (*act)(struct tool *);
	bool client;
} acts[] = {
	{"sign", sign, false},
	{"endpoint", endpoint, false},
	{"credentials", credentials, false},
	{"query", query, true},
	{"json", json, true},
	{"s3", s3, true},
	{"presign", presign, true},
	{"state", state, true},
	{"storm", storm, true},
};

static void
act(struct tool *tool)
{
	pthread_t raiser;
	bool cancels = json_member(tool->line, "cancel_ms") != NULL;
	if (cancels)
		pthread_create(&raiser, NULL, raise_later, tool);
	int64_t began = os_now_ms();
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (str_is(text(tool, "do"), acts[i].name) && (!acts[i].client || client(tool)))
			acts[i].act(tool);
	json_put_integer(tool->out, "ms", os_now_ms() - began);
	if (cancels)
		pthread_join(raiser, NULL);
}

int
main(void)
{
	struct tool tool = {.aws = NULL};
	char *line = NULL;
	size_t capacity = 0;
	ssize_t n;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return 1;
	tool.cancel.fd = ends[0];
	tool.raise = ends[1];
	while ((n = getline(&line, &capacity, stdin)) > 0) {
		struct str error;
		tool.out = json_writer_new(&tool.arena, false);
		json_open_object(tool.out, NULL);
		tool.line = json_read(&tool.arena, (struct str){line, (size_t)n}, &error);
		act(&tool);
		json_close(tool.out);
		printf("%.*s\n", STR_ARG(json_writer_text(tool.out)));
		fflush(stdout);
		arena_wipe(&tool.arena);
	}
	aws_free(tool.aws);
	arena_free(&tool.kept);
	free(line);
	return 0;
}
