/* Settings from words, each type at its edges. */
#include "project/convert.h"

#include "test/unit/unit.h"

static struct arena arena;

/* A setting of the type, by the name of one that has it; its field is what the structure begins with. */
static bool
convert(const char *word, const char *name, const char *setting_name, const char *text, void *field, struct str *advice)
{
	struct setting_schema setting = *schema_setting(schema_block(str_from(word), str_from(name)), str_from(setting_name));
	struct words words = {arena_array(&arena, struct str, strlen(text) + 1), 0};
	struct str rest = str_from(text), piece;

	while (str_split(&rest, ' ', &piece))
		if (piece.n)
			words.w[words.n++] = piece;
	setting.offset = 0;
	return convert_setting(&arena, &setting, words, field, advice);
}

struct number {
	const char *word, *name, *setting, *text;
	bool fits;
	int64_t value;
};

static void
numbers(void **state)
{
	static const struct number all[] = {
		{"instances", "", "count", "1", true, 1},
		{"instances", "", "count", "1000", true, 1000},
		{"instances", "", "count", "0", false, 0},
		{"instances", "", "count", "1001", false, 0},
		{"instances", "", "count", "-1", false, 0},
		{"instances", "", "count", "1 2", false, 0},
		{"instances", "", "count", "99999999999999999999", false, 0},
		{"distcc", "", "nice", "0", true, 0},
		{"distcc", "", "nice", "20", false, 0},
		{"distcc", "", "port", "65535", true, 65535},
		{"distcc", "", "port", "65536", false, 0},
		{"distcc", "", "fallback", "yes", true, 100},
		{"distcc", "", "fallback", "no", true, 0},
		{"distcc", "", "fallback", "25%", true, 25},
		{"distcc", "", "fallback", "101%", false, 0},
		{"distcc", "", "fallback", "%", false, 0},
		{"distcc", "", "fallback", "-1%", false, 0},
		{"instances", "", "ttl", "500ms", true, 500},
		{"instances", "", "ttl", "1h30m", true, 5400000},
		{"instances", "", "ttl", "2d", true, 172800000},
		{"limits", "", "keep", "0s", true, 0},
		{"instances", "", "ttl", "0s", false, 0},
		{"instances", "", "ttl", "1.5h", false, 0},
		{"instances", "", "ttl", "h", false, 0},
		{"instances", "", "ttl", "5", false, 0},
		{"instances", "", "ttl", "999999999999d", false, 0},
		{"instances", "", "disk", "20G", true, (int64_t)20 << 30},
		{"instances", "", "disk", "1K", true, 1024},
		{"instances", "", "disk", "0G", false, 0},
		{"instances", "", "disk", "20", false, 0},
		{"instances", "", "disk", "20GB", false, 0},
		{"instances", "", "disk", "999999999999T", false, 0},
		{"instances", "", "max_price", "2.50", true, 2500000},
		{"instances", "", "max_price", "0.000001", true, 1},
		{"instances", "", "max_price", "2.", false, 0},
		{"instances", "", "max_price", "0.0000001", false, 0},
		{"instances", "", "max_price", "9999999999", false, 0},
	};
	struct str advice;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		int64_t value = -1;
		bool fits = convert(all[i].word, all[i].name, all[i].setting, all[i].text, &value, &advice);
		if (fits != all[i].fits || (fits && value != all[i].value))
			fail_msg(
				"%s = %s: %s, %lld", all[i].setting, all[i].text, fits ? "fits" : "does not fit", (long long)value);
	}
}

static void
texts(void **state)
{
	static const struct {
		const char *word, *name, *setting, *text, *advice;
		bool fits;
	} all[] = {
		{"network", "", "vpc", "10.0.0.0/16", NULL, true},
		{"network", "", "vpc", "vpc-0123", NULL, true},
		{"network", "", "vpc", "subnet-0123", NULL, false},
		{"network", "", "subnet", "subnet-0123", NULL, true},
		{"network", "", "vpc", "2001:db8::/32", NULL, true},
		{"network", "", "vpc", "2001:db8::1/32", "the range that this address is in is 2001:db8::/32", false},
		{"network", "", "vpc", "10.1.2.3/8", "the range that this address is in is 10.0.0.0/8", false},
		{"network", "", "vpc", "10.0.0.0/33", NULL, false},
		{"network", "", "vpc", "10.0.0.0/", NULL, false},
		{"network", "", "vpc", "10.0.0.0", NULL, false},
		{"network", "", "vpc", "10.0.0.0/-0", NULL, false},
		{"compiler", "gcc", "version", "12", NULL, true},
		{"compiler", "gcc", "version", "12.2.0-rc1", NULL, true},
		{"compiler", "gcc", "version", "12.", NULL, false},
		{"compiler", "gcc", "version", "12 2", NULL, false},
		{"distcc", "", "pump", "auto", NULL, true},
		{"distcc", "", "pump", "atuo", "did you mean 'auto'?", false},
		{"build", "x", "dir", "", NULL, false},
	};
	struct str value, advice;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		bool fits = convert(all[i].word, all[i].name, all[i].setting, all[i].text, &value, &advice);
		if (fits != all[i].fits || (all[i].advice && !str_is(advice, all[i].advice)))
			fail_msg("%s = %s: %s, '%.*s'", all[i].setting, all[i].text, fits ? "fits" : "does not fit",
				STR_ARG(advice));
	}
}

static void
every_default_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < BLOCK_COUNT; i++) {
		for (const struct setting_schema *s = block_schemas[i].settings; s->name; s++) {
			struct str text = str_from(s->fallback), advice;
			void *block = arena_alloc(&arena, block_schemas[i].size);
			if (text.n && !convert_setting(&arena, s, (struct words){&text, 1}, block, &advice))
				fail_msg("%s: %s = %s", block_schemas[i].word, s->name, s->fallback);
			text = str_from(schema_example(s));
			if (text.n && !convert_setting(&arena, s, (struct words){&text, 1}, block, &advice))
				fail_msg("%s: %s = %s", block_schemas[i].word, s->name, schema_example(s));
		}
	}
}

static int
end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(texts),
		cmocka_unit_test(every_default_fits),
	};
	return cmocka_run_group_tests(tests, NULL, end);
}
