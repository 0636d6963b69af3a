/* The words of distcc's host list: what is read of each, and that what is printed back is read the same. */
#include "unit.h"

#include "base/arena.h"
#include "distcc/host_syntax.h"

static struct host_spec
read_word(struct arena *arena, const char *word)
{
	struct host_spec host;
	struct host_fault fault = {0};
	if (!host_parse(arena, str_from(word), &host, &fault))
		fail_msg("%s: %.*s", word, STR_ARG(fault.message));
	return host;
}

static struct str
printed(struct arena *arena, const struct host_spec *host)
{
	struct buf text = buf_new(arena);
	host_print(&text, host);
	return buf_str(&text);
}

static void
words_are_printed_in_one_form(void **state)
{
	static const struct {
		const char *word, *printed;
		enum host_kind kind;
	} words[] = {
		{"red", "red", HOST_TCP},
		{"red:3633/8", "red:3633/8", HOST_TCP},
		{"red/8:3633", "red:3633/8", HOST_TCP},
		{"red,cpp,lzo", "red,lzo,cpp", HOST_TCP},
		{"red,lzo,lzo", "red,lzo", HOST_TCP},
		{"red,auth=a.example.com:8", "red,auth=a.example.com:8", HOST_TCP},
		{"[fd00::2]:3633/8,down", "[fd00::2]:3633/8,down", HOST_TCP},
		{"[fe80::1%eth0]", "[fe80::1%eth0]", HOST_TCP},
		{"localhost:3632", "localhost:3632", HOST_TCP},
		{"localhosts", "localhosts", HOST_TCP},
		{"@red", "@red", HOST_SSH},
		{"ann@red/8:/opt/distccd,lzo", "ann@red/8:/opt/distccd,lzo", HOST_SSH},
		{"ann@red:distccd-3.4", "ann@red:distccd-3.4", HOST_SSH},
		{"localhost", "localhost", HOST_LOCAL},
		{"localhost/2", "localhost/2", HOST_LOCAL},
		{"--randomize", "--randomize", HOST_RANDOMIZE},
		{"--localslots=4", "--localslots=4", HOST_LOCAL_SLOTS},
		{"--localslots_cpp=8", "--localslots_cpp=8", HOST_LOCAL_SLOTS_CPP},
		{"+zeroconf", "+zeroconf", HOST_ZEROCONF},
	};
	(void)state;
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct host_spec host = read_word(&arena, words[i].word);
		struct str once = printed(&arena, &host);
		assert_text(once, words[i].printed);
		assert_int_equal(host.kind, words[i].kind);
		host = read_word(&arena, str_c(&arena, once));
		assert_text(printed(&arena, &host), words[i].printed);
	}
	arena_free(&arena);
}

static void
a_word_has_parts(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct host_spec host = read_word(&arena, "ann@red/8:/opt/distccd,lzo,auth=red.example.com");
	assert_text(host.user, "ann");
	assert_text(host.name, "red");
	assert_text(host.command, "/opt/distccd");
	assert_text(host.auth, "red.example.com");
	assert_int_equal(host.limit, 8);
	assert_true(HOST_HAS(&host, lzo) && HOST_HAS(&host, auth) && !HOST_HAS(&host, cpp) && !HOST_HAS(&host, down));
	host = read_word(&arena, "[fd00::2]:3633");
	assert_text(host.name, "fd00::2");
	assert_int_equal(host.port, 3633);
	arena_free(&arena);
}

/* Words that would be something else to ssh, to a shell, to distcc, or as a file's name. */
static void
words_stay_what_they_are(void **state)
{
	static const struct {
		const char *word;
		size_t at;
		const char *message;
	} words[] = {
		{"-oProxyCommand=x", 0, "a host name cannot begin with '-'"},
		{"@-oProxyCommand=x", 1, "a host name cannot begin with '-'"},
		{"-oProxyCommand=x@red", 0, "a user name cannot begin with '-'"},
		{"..", 0, "a host name cannot begin with '.'"},
		{"@.", 1, "a host name cannot begin with '.'"},
		{"red;reboot", 3, "';' cannot stand in a host name"},
		{"[fe80::1%a';reboot;']", 0, "'fe80::1%a';reboot;'' is no IPv6 address"},
		{"[fe80::1%$(reboot)]", 0, "'fe80::1%$(reboot)' is no IPv6 address"},
		{"ann@red:/opt/distccd -v", 20, "a host has no blanks in it"},
		{"red,auth=a\nb", 10, "a host has no blanks in it"},
		{"red\x1b[2J", 3, "a host has no blanks in it"},
	};
	(void)state;
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct host_spec host;
		struct host_fault fault = {0};
		if (host_parse(&arena, str_from(words[i].word), &host, &fault))
			fail_msg("%s is taken", words[i].word);
		assert_text(fault.message, words[i].message);
		assert_int_equal(fault.at, words[i].at);
	}
	arena_free(&arena);
}

/* Whatever the word, a fault is within it: nothing is read or shown beyond. */
static void
faults_are_within_the_word(void **state)
{
	static const char bytes[] = "a1@:/,=[]-+";
	(void)state;
	struct arena arena = {0};
	char word[5];
	for (unsigned number = 0; number < 11 * 11 * 11 * 11; number++) {
		struct arena_mark mark = arena_mark(&arena);
		struct host_spec host;
		struct host_fault fault;
		size_t n = 0;
		for (unsigned rest = number; n < 4; rest /= 11)
			word[n++] = bytes[rest % 11];
		word[n] = 0;
		if (!host_parse(&arena, (struct str){word, n}, &host, &fault) &&
			!(fault.at < n && fault.length && fault.at + fault.length <= n && fault.message.n && fault.hint.n))
			fail_msg("%s: '%.*s' at %zu, %zu", word, STR_ARG(fault.message), fault.at, fault.length);
		arena_reset(&arena, mark);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_printed_in_one_form),
		cmocka_unit_test(a_word_has_parts),
		cmocka_unit_test(words_stay_what_they_are),
		cmocka_unit_test(faults_are_within_the_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
