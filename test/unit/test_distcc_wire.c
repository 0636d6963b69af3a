/* distcc's protocol: what is sent is what distcc's own description says, and no answer is too short or too strange to be read. */
#include "unit.h"

#include "base/arena.h"
#include "distcc/wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct str words_list[] = {{"gcc", 3}, {"-c", 2}, {"a.c", 3}, {"-o", 2}, {"a.o", 3}};
static const struct wire_job job = {{words_list, 5}, {"int a;\n", 7}};

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
		assert_int_equal(answer.end, WIRE_STRANGER);
		assert_int_equal(answer.said.n, n);
		free(copy);
	}
	static const struct str wrong[] = {
		STR("DONE00000001STAT00000000SERRffffffffx"),
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
		bool reads;
		enum wire_end end;
	} ways[] = {
		{"DONE00000001STAT00000000SERR00000000SOUT00000000DOTO00000000", true, WIRE_ANSWERED},
		{"", true, WIRE_READ},
		{"", false, WIRE_UNREAD},
		{"SSH-2.0\r\n", true, WIRE_STRANGER},
		{NULL, false, WIRE_SILENT},
	};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct wire_answer answer;
		struct wire_job long_job = job;
		char read_bytes[4096];
		int ends[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		/* The other side has said what it will before it is asked; what it reads it reads of a request that was there before. */
		if (ways[i].says && *ways[i].says)
			assert_true(write(ends[1], ways[i].says, strlen(ways[i].says)) > 0);
		if (ways[i].says && ways[i].reads)
			shutdown(ends[1], SHUT_WR);
		else if (ways[i].says)
			close(ends[1]);
		wire_ask(&arena, ends[0], WIRE_PLAIN, &long_job, os_now_ms() + 50, &answer);
		assert_int_equal(answer.end, ways[i].end);
		if (!ways[i].says || ways[i].reads) {
			assert_true(read(ends[1], read_bytes, sizeof read_bytes) > 0);
			close(ends[1]);
		}
		close(ends[0]);
	}
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
