#include "base/arena.h"
#include "base/http.h"

#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server on loopback that reads the beginning of one request, writes its answer, and holds the connection until it is let go. */
struct server {
	int listener, connection;
	const char *answer;
	bool reads;
	char url[64];
	pthread_t thread;
};

static void *
serve(void *context)
{
	struct server *server = context;
	char request[4096];
	server->connection = accept(server->listener, NULL, NULL);
	if (server->reads && read(server->connection, request, sizeof request) > 0)
		assert_true(write(server->connection, server->answer, strlen(server->answer)) >= 0);
	return NULL;
}

static void
server_start(struct server *server, const char *answer, bool reads)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	*server = (struct server){.listener = socket(AF_INET, SOCK_STREAM, 0), .connection = -1, .answer = answer, .reads = reads};
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->listener, 4), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
	pthread_create(&server->thread, NULL, serve, server);
}

static void
server_end(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->connection);
	close(server->listener);
}

static struct http_client *
client(struct arena *arena)
{
	struct str error;
	struct http_client *made = http_client_new(&(struct http_options){.user_agent = "edcc/test"}, arena, &error);
	assert_non_null(made);
	return made;
}

static int64_t
endless(void *context, char *bytes, size_t n)
{
	(void)context;
	memset(bytes, 'x', n);
	return (int64_t)n;
}

static int64_t
broken(void *context, char *bytes, size_t n)
{
	(void)context, (void)bytes, (void)n;
	return -1;
}

static const struct http_stream endless_stream = {endless, NULL, NULL}, broken_stream = {broken, NULL, NULL};

/* Each way in which a transfer ends without a whole answer, and when. */
static void
failures(void **state)
{
	(void)state;
	static const struct http_header header = {{"x-a", 3}, {"b", 1}};
	const struct {
		const char *answer;
		bool reads;
		struct http_request request;
		const char *error;
		int status;
		bool sent;
	} cases[] = {
		{"", true, {.method = "GET", .first_byte_ms = 150}, "no answer within 0.15 s", 0, true},
		{"", true, {.method = "GET", .total_ms = 150}, "not done within 0.15 s", 0, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true, {.method = "GET", .stall_ms = 150},
			"nothing moved for 0.15 s", 200, true},
		{"HTTP/1.1 200 OK\r\n", true, {.method = "GET", .stall_ms = 150}, "nothing moved for 0.15 s", 200, true},
		{"", false, {.method = "PUT", .body_stream = &endless_stream, .body_size = (int64_t)1 << 30, .stall_ms = 150},
			"nothing moved for 0.15 s", 0, true},
		{"", true, {.method = "PUT", .body_stream = &broken_stream, .body_size = 10},
			"what was to be sent could not be read", 0, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf", true, {.method = "GET", .sink = &broken_stream},
			"the answer could not be stored", 200, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf", true, {.method = "GET", .limit = 3},
			"the answer is larger than 3 bytes", 200, true},
		{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", true,
			{.method = "GET", .follow = true}, "a redirect to anything but https:// is not followed", 302, true},
	};
	setenv("no_proxy", "*", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = {NULL};
		struct server server;
		struct http_response response;
		struct http_request request = cases[i].request;
		struct http_client *http = client(&arena);
		server_start(&server, cases[i].answer, cases[i].reads);
		request.url = str_from(server.url);
		request.headers = request.follow ? NULL : &header;
		request.header_count = !request.follow;
		int64_t began = os_now_ms();
		assert_false(http_send(http, &arena, &request, &response));
		assert_text(response.error, cases[i].error);
		assert_true(os_now_ms() - began < 2000);
		assert_int_equal(response.status, cases[i].status);
		assert_int_equal(response.sent, cases[i].sent);
		assert_int_equal(response.body.n, 0);
		assert_false(response.cancelled);
		http_client_free(http);
		server_end(&server);
		arena_free(&arena);
	}
}

/* Whole answers, of any status. */
static void
answers(void **state)
{
	(void)state;
	static const struct http_header header = {{"Authorization", 13}, {"secret", 6}};
	static const struct {
		const char *method, *answer, *body, *header;
		int status;
	} cases[] = {
		{"GET", "HTTP/1.1 200 OK\r\nX-One:  a b \r\nContent-Length: 4\r\n\r\nbody", "body", "a b", 200},
		{"HEAD", "HTTP/1.1 404 Not Found\r\nx-one: c\r\nContent-Length: 400\r\n\r\n", "", "c", 404},
		{"POST",
			"HTTP/1.1 100 Continue\r\nx-one: early\r\n\r\nHTTP/1.1 201 Created\r\nX-ONE: late\r\nContent-Length: "
			"0\r\n\r\n",
			"", "late", 201},
		/* What has headers of its own is never sent elsewhere. */
		{"GET", "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nx-one: d\r\nContent-Length: 0\r\n\r\n", "", "d",
			302},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = {NULL};
		struct server server;
		struct http_response response;
		struct http_client *http = client(&arena);
		server_start(&server, cases[i].answer, true);
		struct http_request request = {.method = cases[i].method,
			.url = str_from(server.url),
			.headers = &header,
			.header_count = 1,
			.follow = true};
		if (!http_send(http, &arena, &request, &response))
			assert_text(response.error, "");
		assert_int_equal(response.status, cases[i].status);
		assert_text(response.body, cases[i].body);
		assert_text(http_header(&response, "x-one"), cases[i].header);
		assert_null(http_header(&response, "x-two").s);
		assert_true(response.sent);
		http_client_free(http);
		server_end(&server);
		arena_free(&arena);
	}
}

static void
never_sent(void **state)
{
	(void)state;
	struct arena arena = {NULL};
	struct http_client *http = client(&arena);
	struct http_response response;
	static const struct {
		const char *url, *value, *error;
	} cases[] = {
		{"http://127.0.0.1:1/", "a", "Failed to connect to 127.0.0.1 port 1"},
		{"http://127.0.0.1:1/", "a\r\nx-evil: b", "the header 'x-a' has a control character in it"},
		{"file:///etc/passwd", "a", "Protocol \"file\" not supported or disabled in libcurl"},
		{"http://127.0.0.1:99999/", "a", "URL using bad/illegal format or missing URL"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_header header = {STR("x-a"), str_from(cases[i].value)};
		struct http_request request = {
			.method = "GET", .url = str_from(cases[i].url), .headers = &header, .header_count = 1};
		assert_false(http_send(http, &arena, &request, &response));
		assert_text(str_part(response.error, 0, strlen(cases[i].error)), cases[i].error);
		assert_int_equal(response.status, 0);
		assert_false(response.sent);
	}
	http_client_free(http);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures),
		cmocka_unit_test(answers),
		cmocka_unit_test(never_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
