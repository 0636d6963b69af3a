#define CURL_DISABLE_TYPECHECK

#include "base/http.h"
#include "base/arena.h"
#include "base/http_head.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* curl's macros that check argument counts would hide the functions. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define HTTP_LIBRARY "libcurl.so.4"

#define LIMIT_DEFAULT ((size_t)64 << 20)
#define HEADER_LIMIT ((size_t)256 << 10)
#define CONNECT_MS 10000
#define FIRST_BYTE_MS 60000
#define STALL_MS 30000
#define MOST_REDIRECTS 5L

#define HTTP_CALLS(X)               \
	X(curl_global_init)         \
	X(curl_easy_init)           \
	X(curl_easy_setopt)         \
	X(curl_easy_getinfo)        \
	X(curl_easy_reset)          \
	X(curl_easy_strerror)       \
	X(curl_easy_cleanup)        \
	X(curl_multi_init)          \
	X(curl_multi_add_handle)    \
	X(curl_multi_perform)       \
	X(curl_multi_poll)          \
	X(curl_multi_info_read)     \
	X(curl_multi_remove_handle) \
	X(curl_multi_cleanup)       \
	X(curl_slist_append)        \
	X(curl_slist_free_all)

struct library {
	void *handle;
#define CALL(name) __typeof__(&(name)) name;
	HTTP_CALLS(CALL)
#undef CALL
};

/* One request at a time; its multi handle keeps the connections that it made. */
struct channel {
	struct channel *next;
	CURLM *multi;
	CURL *easy;
};

struct http_client {
	struct library library;
	pthread_mutex_t lock;
	struct channel *idle; /* the one used last is first: its connections are the warmest */
	char *ca_bundle, *user_agent;
};

/* A request under way. */
struct transfer {
	const struct library *library;
	const struct http_request *request;
	struct http_response *response;
	struct arena *arena;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	size_t header_bytes;
	int64_t started, moved, moved_at; /* ms; bytes in either direction; when the last of them went */
	char detail[CURL_ERROR_SIZE];
};

/* --- the library and the client --- */

static bool
load(struct library *library)
{
	library->handle = dlopen(HTTP_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library->handle)
		return false;
#define CALL(name)                                                          \
	library->name = (__typeof__(&(name)))dlsym(library->handle, #name); \
	if (!library->name)                                                 \
		return false;
	HTTP_CALLS(CALL)
#undef CALL
	return library->curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static char *
copy(const char *text)
{
	char *copied = text ? strdup(text) : NULL;
	if (text && !copied)
		os_exhausted();
	return copied;
}

struct http_client *
http_client_new(const struct http_options *options, struct arena *arena, struct str *error)
{
	struct http_client *client = calloc(1, sizeof *client);
	if (!client)
		os_exhausted();
	pthread_mutex_init(&client->lock, NULL);
	client->ca_bundle = copy(options->ca_bundle);
	client->user_agent = copy(options->user_agent);
	if (load(&client->library))
		return client;
	*error = str_printf(arena, "%s is not installed (package libcurl4)", HTTP_LIBRARY);
	http_client_free(client);
	return NULL;
}

static void
channel_free(const struct library *library, struct channel *channel)
{
	if (channel->easy)
		library->curl_easy_cleanup(channel->easy);
	if (channel->multi)
		library->curl_multi_cleanup(channel->multi);
	free(channel);
}

void
http_client_free(struct http_client *client)
{
	if (!client)
		return;
	for (struct channel *channel = client->idle, *next; channel; channel = next) {
		next = channel->next;
		channel_free(&client->library, channel);
	}
	if (client->library.handle)
		dlclose(client->library.handle);
	pthread_mutex_destroy(&client->lock);
	free(client->ca_bundle);
	free(client->user_agent);
	free(client);
}

static struct channel *
channel_take(struct http_client *client)
{
	pthread_mutex_lock(&client->lock);
	struct channel *channel = client->idle;
	if (channel)
		client->idle = channel->next;
	pthread_mutex_unlock(&client->lock);
	if (channel)
		return channel;
	channel = calloc(1, sizeof *channel);
	if (!channel)
		os_exhausted();
	channel->multi = client->library.curl_multi_init();
	channel->easy = client->library.curl_easy_init();
	if (!channel->multi || !channel->easy)
		os_exhausted();
	return channel;
}

static void
channel_return(struct http_client *client, struct channel *channel)
{
	client->library.curl_easy_reset(channel->easy);
	pthread_mutex_lock(&client->lock);
	channel->next = client->idle;
	client->idle = channel;
	pthread_mutex_unlock(&client->lock);
}

/* --- the answer --- */

static int
status_of(const struct transfer *transfer)
{
	long status = 0;
	transfer->library->curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* Ends the transfer from within: the first reason stays. */
static void
fail(struct transfer *transfer, struct str why)
{
	if (!transfer->response->error.n)
		transfer->response->error = why;
}

static size_t
header_add(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;
	struct str line = {bytes, size * n};
	transfer->header_bytes += line.n;
	if (transfer->header_bytes > HEADER_LIMIT) {
		fail(transfer, str_printf(transfer->arena, "the answer's headers are larger than %zu bytes", HEADER_LIMIT));
		return 0;
	}
	http_head_read(transfer->arena, transfer->response, line);
	return line.n;
}

/* A request is about to be sent. libcurl sends it again by itself where a connection of before turns out to be dead, and counts its bytes anew then. */
static int
note_request(void *context, char *to, char *from, int to_port, int from_port)
{
	struct transfer *transfer = context;
	(void)to, (void)from, (void)to_port, (void)from_port;
	transfer->response->sent = true;
	return CURL_PREREQFUNC_OK;
}

/* Takes a piece of the body; taking none of it ends the transfer. */
static size_t
body_add(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;
	const struct http_stream *sink = transfer->request->sink;
	struct str piece = {bytes, size * n};
	int status = status_of(transfer);
	if (sink && status >= 200 && status < 300) {
		if (sink->move(sink->context, bytes, piece.n) == (int64_t)piece.n)
			return piece.n;
		fail(transfer, STR("the answer could not be stored"));
		return 0;
	}
	size_t limit = transfer->request->limit ? transfer->request->limit : LIMIT_DEFAULT;
	if (piece.n > limit - transfer->body.n) {
		fail(transfer, str_printf(transfer->arena, "the answer is larger than %zu bytes", limit));
		return 0;
	}
	buf_add(&transfer->body, piece);
	return piece.n;
}

/* --- the request --- */

static size_t
body_give(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;
	const struct http_stream *source = transfer->request->body_stream;
	int64_t given = source->move(source->context, bytes, size * n);
	if (given >= 0)
		return (size_t)given;
	fail(transfer, STR("what was to be sent could not be read"));
	return CURL_READFUNC_ABORT;
}

/* curl asks for it where a kept connection proved dead before the request was out. */
static int
body_rewind(void *context, curl_off_t offset, int origin)
{
	struct transfer *transfer = context;
	const struct http_stream *source = transfer->request->body_stream;
	bool done = offset == 0 && origin == SEEK_SET && source->rewind && source->rewind(source->context);
	return done ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK;
}

static bool
add_header(struct transfer *transfer, const struct http_header *header)
{
	const char *line = http_head_line(transfer->arena, header);
	if (line)
		transfer->headers = transfer->library->curl_slist_append(transfer->headers, line);
	else
		fail(transfer,
			str_printf(transfer->arena, "the header '%.*s' has a control character in it", STR_ARG(header->name)));
	return line;
}

/* The caller's headers, and none of those that curl adds by itself. */
static bool
set_headers(struct transfer *transfer)
{
	static const char *const unasked[] = {"Accept", "Content-Type", "Expect"};
	const struct http_request *request = transfer->request;
	for (size_t i = 0; i < request->header_count; i++)
		if (!add_header(transfer, &request->headers[i]))
			return false;
	for (size_t i = 0; i < sizeof unasked / sizeof *unasked; i++)
		if (!http_head_has(request, unasked[i]))
			transfer->headers = transfer->library->curl_slist_append(
				transfer->headers, str_printf(transfer->arena, "%s:", unasked[i]).s);
	transfer->library->curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	return true;
}

static void
set_body(struct transfer *transfer)
{
	const struct library *library = transfer->library;
	const struct http_request *request = transfer->request;
	CURL *easy = transfer->easy;
	if (request->body_stream) {
		library->curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		library->curl_easy_setopt(easy, CURLOPT_READFUNCTION, body_give);
		library->curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
		library->curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, body_rewind);
		library->curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
		library->curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
	} else if (request->body.n || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0) {
		library->curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.n ? request->body.s : "");
		library->curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
	}
	if (strcmp(request->method, "HEAD") == 0)
		library->curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		library->curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
set_options(struct transfer *transfer, const struct http_client *client)
{
	const struct http_request *request = transfer->request;
	/* Headers may hold credentials, which are for this server only. */
	bool follow = request->follow && request->header_count == 0;
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_QUICK_EXIT, 1}, /* never wait for a thread that looks up a name */
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
		{CURLOPT_PATH_AS_IS, 1},
		{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
		{CURLOPT_TCP_KEEPALIVE, 1},
		{CURLOPT_FOLLOWLOCATION, follow},
		{CURLOPT_MAXREDIRS, MOST_REDIRECTS},
		{CURLOPT_FRESH_CONNECT, request->once},
		{CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_ms ? request->connect_ms : CONNECT_MS)},
	};
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{CURLOPT_URL, str_c(transfer->arena, request->url)},
		{CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_REDIR_PROTOCOLS_STR, "https"},
		{CURLOPT_USERAGENT, client->user_agent},
		{CURLOPT_ERRORBUFFER, transfer->detail},
		{CURLOPT_WRITEDATA, transfer},
		{CURLOPT_HEADERDATA, transfer},
		{CURLOPT_PREREQDATA, transfer},
	};
	const struct library *library = transfer->library;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		library->curl_easy_setopt(transfer->easy, numbers[i].option, numbers[i].value);
	for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
		library->curl_easy_setopt(transfer->easy, pointers[i].option, pointers[i].value);
	library->curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, body_add);
	library->curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, header_add);
	library->curl_easy_setopt(transfer->easy, CURLOPT_PREREQFUNCTION, note_request);
	if (client->ca_bundle)
		library->curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, client->ca_bundle);
	if (request->direct)
		library->curl_easy_setopt(transfer->easy, CURLOPT_PROXY, "");
}

/* --- on the way --- */

static int64_t
or_default(int64_t ms, int64_t fallback)
{
	return ms ? ms : fallback;
}

/* Milliseconds until a limit of the request's is reached; 0 with the error set where one has been. Until the request goes out, curl's own limit on connecting holds. */
static int
time_left(struct transfer *transfer)
{
	const struct http_request *request = transfer->request;
	const struct library *library = transfer->library;
	curl_off_t up = 0, down = 0;
	long written = 0;
	library->curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	library->curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	library->curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &written);
	int64_t now = os_now_ms(), moved = up + down + written + (int64_t)transfer->header_bytes;
	if (moved != transfer->moved) {
		transfer->moved = moved;
		transfer->moved_at = now;
	}
	int64_t size = request->body_stream ? request->body_size : (int64_t)request->body.n;
	bool waiting = !transfer->header_bytes && up >= size;
	int64_t silence = waiting ? or_default(request->first_byte_ms, FIRST_BYTE_MS) : or_default(request->stall_ms, STALL_MS);
	int64_t quiet = written ? transfer->moved_at + silence - now : INT64_MAX;
	int64_t whole = request->total_ms ? transfer->started + request->total_ms - now : INT64_MAX;
	if (quiet <= 0)
		fail(transfer, str_printf(transfer->arena, waiting ? "no answer within %g s" : "nothing moved for %g s",
				       (double)silence / 1000));
	if (whole <= 0)
		fail(transfer, str_printf(transfer->arena, "not done within %g s", (double)request->total_ms / 1000));
	int64_t left = quiet < whole ? quiet : whole;
	return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Goes on until the transfer is over in either way; true where curl says so. */
static bool
drive(struct transfer *transfer, CURLM *multi)
{
	const struct os_cancel *cancel = transfer->request->cancel;
	struct curl_waitfd raised = {.fd = cancel ? cancel->fd : -1, .events = CURL_WAIT_POLLIN};
	for (;;) {
		int running = 0;
		if (os_cancel_raised(cancel)) {
			transfer->response->cancelled = true;
			fail(transfer, STR("cancelled"));
			return false;
		}
		if (transfer->library->curl_multi_perform(multi, &running) != CURLM_OK)
			fail(transfer, STR("out of memory"));
		else if (!running)
			return true;
		int wait = time_left(transfer);
		if (transfer->response->error.n)
			return false;
		transfer->library->curl_multi_poll(multi, &raised, raised.fd >= 0, wait, NULL);
	}
}

static void
perform(struct transfer *transfer, CURLM *multi)
{
	const struct library *library = transfer->library;
	struct http_response *response = transfer->response;
	CURLcode code = CURLE_OK;
	long written = 0;
	int left;
	library->curl_multi_add_handle(multi, transfer->easy);
	if (drive(transfer, multi)) {
		CURLMsg *message = library->curl_multi_info_read(multi, &left);
		code = message ? message->data.result : CURLE_FAILED_INIT;
	}
	library->curl_multi_remove_handle(multi, transfer->easy);
	library->curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &written);
	response->sent = response->sent || written > 0;
	response->status = status_of(transfer);
	if (code == CURLE_UNSUPPORTED_PROTOCOL && response->status)
		fail(transfer, STR("a redirect to anything but https:// is not followed"));
	else if (code != CURLE_OK)
		fail(transfer, str_dup(transfer->arena,
				       str_from(*transfer->detail ? transfer->detail : library->curl_easy_strerror(code))));
	if (!response->error.n)
		response->body = buf_str(&transfer->body);
}

bool
http_send(struct http_client *client, struct arena *arena, const struct http_request *request, struct http_response *response)
{
	struct channel *channel = channel_take(client);
	struct transfer transfer = {.library = &client->library,
		.request = request,
		.response = response,
		.arena = arena,
		.easy = channel->easy,
		.body = buf_new(arena),
		.started = os_now_ms()};
	*response = (struct http_response){.status = 0};
	set_options(&transfer, client);
	set_body(&transfer);
	if (set_headers(&transfer))
		perform(&transfer, channel->multi);
	channel_return(client, channel);
	client->library.curl_slist_free_all(transfer.headers);
	return !response->error.n;
}
