/* distcc's protocol: what is sent is what distcc's own description says, and no answer is too short or too strange to be read. */
#include "unit.h"

#include "base/arena.h"
#include "distcc/wire.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct str words_list[] = {{"gcc", 3}, {"-c", 2}, {"a.c", 3}, {"-o", 2}, {"a.o", 3}};
static const struct wire_job job = {{words_list, 5}, {"int a;\n", 7}};

/* Nothing was printed, nothing made. */
#define EMPTY "DONE00000001STAT00000000SERR00000000SOUT00000000DOTO00000000"
#define WORDS "ARGC00000005ARGV00000003gccARGV00000002-cARGV00000003a.cARGV00000002-oARGV00000003a.o"

static void
a_request_is_its_tokens(void **state)
{
	/* Packed: a first byte of 17 and the length, the bytes, the mark of the end. */
	static const struct {
		int version;
		struct str text;
	} requests[] = {
		{WIRE_PLAIN, STR("DIST00000001" WORDS "DOTI00000007int a;\n")},
		{WIRE_LZO, STR("DIST00000002" WORDS "DOTI0000000b\030int a;\n\x11\0\0")},
		{WIRE_CPP, STR("DIST00000003CDIR00000005/edcc" WORDS
			       "NFIL00000001NAME00000009/edcc/a.cFILE0000000b\030int a;\n\x11\0\0")},
	};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct str text = wire_request(&arena, requests[i].version, &job);
		assert_int_equal(text.n, requests[i].text.n);
		assert_memory_equal(text.s, requests[i].text.s, text.n);
	}
	arena_free(&arena);
	(void)state;
}

/* A long text is packed as a length in bytes of up to 255, with 18 taken off, and its bytes. */
static void
a_long_text_is_packed(void **state)
{
	char bytes[1000];
	struct arena arena = {0};
	struct wire_job long_job = job;
	memset(bytes, 'x', sizeof bytes);
	for (size_t n = 18; n <= sizeof bytes; n++) {
		long_job.source = (struct str){bytes, n};
		struct str text = wire_request(&arena, WIRE_LZO, &long_job);
		size_t at = sizeof "DIST00000002" WORDS "DOTI........" - 1, length = 0;
		if (n > 18) {
			assert_int_equal(text.s[at], 0);
			for (at++, length = 18; !text.s[at]; at++)
				length += 255;
			length += (unsigned char)text.s[at++];
		} else {
			length = (unsigned char)text.s[at++] - 17u;
		}
		assert_int_equal(length, n);
		assert_int_equal(text.n, at + n + 3);
		assert_memory_equal(text.s + at, bytes, n);
		assert_memory_equal(text.s + at + n, "\x11\0\0", 3);
	}
	arena_free(&arena);
	(void)state;
}

static void
answers_are_read(void **state)
{
#define WHOLE "DONE00000001STAT00000100SERR00000003badSOUT00000000DOTO00000002\0o"
	struct wire_answer answer;
	struct str whole = STR(WHOLE);
	wire_read_answer(whole, WIRE_PLAIN, &answer);
	assert_int_equal(answer.end, WIRE_ANSWERED);
	assert_int_equal(answer.status, 0x100);
	assert_true(str_is(answer.error, "bad"));
	assert_int_equal(answer.object.n, 2);
	wire_read_answer(whole, WIRE_LZO, &answer);
	assert_int_equal(answer.end, WIRE_STRANGER);
	for (size_t n = 0; n < whole.n; n++) {
		char *copy = malloc(n + 1); /* so that a sanitizer sees who reads beyond it */
		memcpy(copy, whole.s, n);
		wire_read_answer((struct str){copy, n}, WIRE_PLAIN, &answer);
		assert_int_equal(answer.end, n < sizeof "DONE00000001" - 1 ? WIRE_STRANGER : WIRE_CUT);
		assert_int_equal(answer.said.n, n);
		free(copy);
	}
	static const struct str cut[] = {
		STR("DONE00000001STAT00000000SERRffffffffx"),
		STR("DONE00000001STAT00000000SERR-0000001x"),
		STR("DONE00000001SSH-2.0"),
	};
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		wire_read_answer(cut[i], WIRE_PLAIN, &answer);
		assert_int_equal(answer.end, WIRE_CUT);
	}
	static const struct str wrong[] = {
		STR("DONE0000000gSTAT00000000SERR00000000"),
		STR("done00000001STAT00000000SERR00000000SOUT00000000DOTO00000000"),
		STR("HTTP/1.1 400 Bad Request\r\n\r\n"),
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		wire_read_answer(wrong[i], WIRE_PLAIN, &answer);
		assert_int_equal(answer.end, WIRE_STRANGER);
	}
	(void)state;
}

/* How the other side of a connection goes. */
static void
ends_are_told_apart(void **state)
{
	struct arena arena = {0};
	static const struct {
		const char *says;
		enum {
			STAYS,
			ENDS,
			CLOSES
		} then; /* it ends what it says, or closes with our job unread */
		enum wire_end end;
	} ways[] = {
		{EMPTY, ENDS, WIRE_ANSWERED},
		{EMPTY, STAYS, WIRE_ANSWERED},
		{"", ENDS, WIRE_READ},
		{"", CLOSES, WIRE_UNREAD},
		{"SSH-2.0\r\n", ENDS, WIRE_STRANGER},
		{"DONE00000001STAT00000000SERRffffffffx", ENDS, WIRE_CUT},
		{"", STAYS, WIRE_SILENT},
		{"SSH-2.0\r\n", STAYS, WIRE_SILENT},
		{"SSH-2.0-OpenSSH_9.2\r\n", STAYS, WIRE_STRANGER},
		{"DONE00000001STAT00000000", STAYS, WIRE_SILENT},
	};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct wire_answer answer;
		int ends[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		/* It has said what it will before it is asked. */
		if (*ways[i].says)
			assert_true(write(ends[1], ways[i].says, strlen(ways[i].says)) > 0);
		if (ways[i].then == ENDS)
			shutdown(ends[1], SHUT_WR);
		else if (ways[i].then == CLOSES)
			close(ends[1]);
		wire_ask(&arena, ends[0], WIRE_PLAIN, &job, os_now_ms() + 50, &answer);
		assert_int_equal(answer.end, ways[i].end);
		if (ways[i].then != CLOSES)
			close(ends[1]);
		close(ends[0]);
	}
	arena_free(&arena);
	(void)state;
}

/* It sends for as long as somebody reads, and then ends. */
static void *
send_for_ever(void *fd)
{
	static char bytes[65536];
	const char head[] = "DONE00000001STAT00000000SERRffffffff";
	ssize_t n = send(*(int *)fd, head, sizeof head - 1, MSG_NOSIGNAL);
	while (n > 0)
		n = send(*(int *)fd, bytes, sizeof bytes, MSG_NOSIGNAL);
	return NULL;
}

static void
an_answer_has_an_end(void **state)
{
	struct arena arena = {0};
	struct wire_answer answer;
	pthread_t sender;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_for_ever, &ends[1]), 0);
	wire_ask(&arena, ends[0], WIRE_PLAIN, &job, os_now_ms() + 60000, &answer);
	assert_int_equal(answer.end, WIRE_CUT);
	assert_true(answer.said.n < 2 << 20);
	close(ends[0]);
	pthread_join(sender, NULL);
	close(ends[1]);
	arena_free(&arena);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_its_tokens),
		cmocka_unit_test(a_long_text_is_packed),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(ends_are_told_apart),
		cmocka_unit_test(an_answer_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
