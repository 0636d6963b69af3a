#include "base/arena.h"
#include "parser/parse.h"
#include "parser/value.h"

#include "test/unit/unit.h"

struct fixture {
	struct arena arena;
	struct sources sources;
};

static struct span
source_of(struct fixture *f, const char *text)
{
	uint32_t source = source_add(&f->sources, STR("test"), (struct str){0}, str_from(text));

	return (struct span){source, 0, (uint32_t)strlen(text)};
}

static void
free_fixture(struct fixture *f)
{
	sources_free(&f->sources);
	arena_free(&f->arena);
}

static const char *const kind_names[] = {
#define X(name, text) text,
	PART_KINDS(X)
#undef X
};

/* The parts as "kind quote text", | between them; a call's arguments and a regex's flags behind a comma. */
static struct str
parts(struct fixture *f, const char *text, enum value_mode mode)
{
	struct value_cursor c = value_open(&f->sources, source_of(f, text), mode);
	struct buf out = buf_new(&f->arena);
	struct part part;

	while (value_next(&c, &part) != PART_END) {
		buf_printf(&out, "%s%s", out.n ? "|" : "", part.kind == PART_SPACE ? "" : kind_names[part.kind]);
		if (part.kind == PART_SPACE)
			continue;
		buf_printf(&out, "%s%.1s %.*s", part.quote ? " " : "", &part.quote, STR_ARG(part.text));
		if (part.kind == PART_CALL || part.kind == PART_REGEX)
			buf_printf(&out, ", %.*s", STR_ARG(source_text(&f->sources, part.inner)));
	}
	assert_int_equal(value_next(&c, &part), PART_END);
	return buf_str(&out);
}

static void
values_are_read_part_by_part(void **state)
{
	(void)state;
	static const struct {
		enum value_mode mode;
		const char *value, *parts;
	} cases[] = {
		{VALUE_WORDS, "", ""},
		{VALUE_WORDS, "a", "text a"},
		{VALUE_WORDS, "a  b", "text a||text b"},
		{VALUE_WORDS, "a$(b)c", "text a|name b|text c"},
		{VALUE_WORDS, "${b} $( b )", "name b||name b"},
		{VALUE_WORDS, "$$x", "text $|text x"},
		{VALUE_WORDS, "-DX=\"a $(b)\"c", "text -DX=|text \" a |name \" b|text c"},
		{VALUE_WORDS, "\"\" ''", "text \" ||text ' "},
		{VALUE_WORDS, "\"a\\\"b\\n\"", "text \" a|text \" \"|text \" b|text \" \\n"},
		{VALUE_WORDS, "'$(x) \\'", "text ' $(x) \\"},
		{VALUE_WORDS, "a\\b", "text a|text \\b"},
		{VALUE_WORDS, "a \\\n b", "text a||text b"},
		{VALUE_WORDS, "a # c\n # d\n b", "text a||text b"},
		{VALUE_WORDS, "a # c", "text a||text #||text c"}, /* of an argument: a value ends before its last comment */
		{VALUE_WORDS, "a#b", "text a#b"},
		{VALUE_WORDS, "$(f a, $(g \")\" ')'))", "call f, a, $(g \")\" ')')"},
		{VALUE_WORDS, "\"$(f \"a b\")\"", "call \" f, \"a b\""},
		{VALUE_WORDS, "$(filter /[)]\\/,/, a)", "call filter, /[)]\\/,/, a"},
		{VALUE_WORDS, "$(shell echo '$(x)' \")\" \\))", "call shell, echo '$(x)' \")\" \\)"},
		{VALUE_WORDS, "/a b/", "text /a||text b/"},
		{VALUE_REGEX_FIRST, "/a b$/im", "regex a b$, im"},
		{VALUE_REGEX_FIRST, "/[]/]\\//", "regex []/]\\/, "},
		{VALUE_REGEX_FIRST, "$(x) /a", "name x||text /a"},
		{VALUE_RAW, "echo \"$(x)\" '$(y)' $(z) $$w",
			"text echo \"|name \" x|text \" \" '|name ' y|text ' ' |name z|text  |text $|text w"},
		{VALUE_RAW, "\\\"$(x)", "text \\\"|name x"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f = {0};
		assert_text(parts(&f, cases[i].value, cases[i].mode), cases[i].parts);
		free_fixture(&f);
	}
}

/* The arguments in [brackets]. */
static struct str
arguments(struct fixture *f, const char *text, enum value_mode mode)
{
	struct span rest = source_of(f, text), argument;
	struct buf out = buf_new(&f->arena);

	for (; value_argument(&f->sources, mode, &rest, &argument); mode = VALUE_WORDS)
		buf_printf(&out, "[%.*s]", STR_ARG(source_text(&f->sources, argument)));
	return buf_str(&out);
}

static void
arguments_end_at_their_commas(void **state)
{
	(void)state;
	static const struct {
		enum value_mode mode;
		const char *text, *arguments;
	} cases[] = {
		{VALUE_WORDS, "a", "[a]"},
		{VALUE_WORDS, " a , b\n\tc ", "[a][b\n\tc]"},
		{VALUE_WORDS, "a \\\n , b", "[a][b]"},
		{VALUE_WORDS, ", b", "[][b]"},
		{VALUE_WORDS, "a,", "[a][]"},
		{VALUE_WORDS, "\"a,b\", ',', $(f c, d), (e, g)", "[\"a,b\"][','][$(f c, d)][(e, g)]"},
		{VALUE_WORDS, "/, /", "[/][/]"},
		{VALUE_REGEX_FIRST, "/a,b/, c", "[/a,b/][c]"},
		{VALUE_REGEX_FIRST, "$(x), /a,b/", "[$(x)][/a][b/]"},
		{VALUE_RAW, "echo a, b", "[echo a, b]"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f = {0};
		assert_text(arguments(&f, cases[i].text, cases[i].mode), cases[i].arguments);
		free_fixture(&f);
	}
}

static void
functions_say_how_they_are_read(void **state)
{
	(void)state;
	assert_int_equal(value_function_mode(STR("filter")), VALUE_REGEX_FIRST);
	assert_int_equal(value_function_mode(STR("shell")), VALUE_RAW);
	assert_int_equal(value_function_mode(STR("join")), VALUE_WORDS);
	assert_int_equal(value_function_mode(STR("no_such")), VALUE_WORDS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_part_by_part),
		cmocka_unit_test(arguments_end_at_their_commas),
		cmocka_unit_test(functions_say_how_they_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
