#include "parser/scan.h"
#include "parser/parse.h"

#include <string.h>

#define ALPHA (CHAR_ALPHA)
#define LETTERS                                                                                                                 \
	['A'] = ALPHA, ['B'] = ALPHA, ['C'] = ALPHA, ['D'] = ALPHA, ['E'] = ALPHA, ['F'] = ALPHA, ['G'] = ALPHA, ['H'] = ALPHA, \
	['I'] = ALPHA, ['J'] = ALPHA, ['K'] = ALPHA, ['L'] = ALPHA, ['M'] = ALPHA, ['N'] = ALPHA, ['O'] = ALPHA, ['P'] = ALPHA, \
	['Q'] = ALPHA, ['R'] = ALPHA, ['S'] = ALPHA, ['T'] = ALPHA, ['U'] = ALPHA, ['V'] = ALPHA, ['W'] = ALPHA, ['X'] = ALPHA, \
	['Y'] = ALPHA, ['Z'] = ALPHA, ['_'] = ALPHA, ['a'] = ALPHA, ['b'] = ALPHA, ['c'] = ALPHA, ['d'] = ALPHA, ['e'] = ALPHA, \
	['f'] = ALPHA, ['g'] = ALPHA, ['h'] = ALPHA, ['i'] = ALPHA, ['j'] = ALPHA, ['k'] = ALPHA, ['l'] = ALPHA, ['m'] = ALPHA, \
	['n'] = ALPHA, ['o'] = ALPHA, ['p'] = ALPHA, ['q'] = ALPHA, ['r'] = ALPHA, ['s'] = ALPHA, ['t'] = ALPHA, ['u'] = ALPHA, \
	['v'] = ALPHA, ['w'] = ALPHA, ['x'] = ALPHA, ['y'] = ALPHA, ['z'] = ALPHA

const uint8_t char_classes[256] = {
	LETTERS,
	['0'] = CHAR_DIGIT,
	['1'] = CHAR_DIGIT,
	['2'] = CHAR_DIGIT,
	['3'] = CHAR_DIGIT,
	['4'] = CHAR_DIGIT,
	['5'] = CHAR_DIGIT,
	['6'] = CHAR_DIGIT,
	['7'] = CHAR_DIGIT,
	['8'] = CHAR_DIGIT,
	['9'] = CHAR_DIGIT,
	[' '] = CHAR_BLANK | CHAR_WORD_STOP,
	['\t'] = CHAR_BLANK | CHAR_WORD_STOP,
	['\r'] = CHAR_BLANK | CHAR_WORD_STOP,
	['\n'] = CHAR_NEWLINE | CHAR_WORD_STOP | CHAR_DOUBLE_STOP | CHAR_SINGLE_STOP | CHAR_VALUE_STOP,
	['"'] = CHAR_WORD_STOP | CHAR_DOUBLE_STOP | CHAR_VALUE_STOP,
	['\''] = CHAR_WORD_STOP | CHAR_SINGLE_STOP | CHAR_VALUE_STOP,
	['$'] = CHAR_WORD_STOP | CHAR_DOUBLE_STOP | CHAR_VALUE_STOP,
	['\\'] = CHAR_WORD_STOP | CHAR_DOUBLE_STOP | CHAR_VALUE_STOP,
	['#'] = CHAR_VALUE_STOP,
};

uint32_t
scan_fail(struct scan *s, enum problem problem, uint32_t at, uint32_t length)
{
	s->problem = problem;
	s->problem_at = at;
	s->problem_length = length;
	return 0;
}

uint32_t
scan_continuation(const char *text, uint32_t at, uint32_t end)
{
	if (at >= end || text[at] != '\\')
		return 0;
	/* Of several only the first need be looked at: either all of them join the lines or none. */
	uint32_t back = at;
	while (back > 0 && char_is(text[back - 1], CHAR_BLANK))
		back--;
	if (back > 0 && text[back - 1] == '\\')
		return 0;
	while (at < end && (text[at] == '\\' || char_is(text[at], CHAR_BLANK)))
		at++;
	return at < end && text[at] == '\n' ? at + 1 : 0;
}

uint32_t
scan_blanks(const char *text, uint32_t at, uint32_t end, unsigned classes)
{
	uint32_t after;

	while ((after = scan_continuation(text, at = scan_over(text, at, end, classes), end)))
		at = after;
	return at;
}

/* single = "'" { SINGLE } "'" ; */
static uint32_t
scan_single(struct scan *s, uint32_t at)
{
	uint32_t close = scan_until(s->text, at + 1, s->end, CHAR_SINGLE_STOP);

	if (close == s->end || s->text[close] != '\'')
		return scan_fail(s, PROBLEM_QUOTE, at, 1);
	return close + 1;
}

/* double = '"' { DOUBLE | '\"' | "\\" | dollar } '"' ; */
static uint32_t
scan_double(struct scan *s, uint32_t open)
{
	for (uint32_t at = open + 1;;) {
		at = scan_until(s->text, at, s->end, CHAR_DOUBLE_STOP);
		if (at == s->end || s->text[at] == '\n')
			return scan_fail(s, PROBLEM_QUOTE, open, 1);
		if (s->text[at] == '"')
			return at + 1;
		if (s->text[at] == '\\') {
			/* Only \" and \\ are escapes; a backslash before anything else, the end of the line say, is itself. */
			at += at + 1 < s->end && (s->text[at + 1] == '"' || s->text[at + 1] == '\\') ? 2 : 1;
			continue;
		}
		uint32_t after = scan_dollar(s, at, NULL);
		if (!after && s->problem != PROBLEM_DOLLAR)
			return 0;
		at = after ? after : at + 1;
	}
}

uint32_t
scan_quoted(struct scan *s, uint32_t at)
{
	return s->text[at] == '"' ? scan_double(s, at) : scan_single(s, at);
}

/* After a bracket expression such as [^/] or [[:alpha:]] that begins at `at`; 0 where it does not end on this line. */
static uint32_t
skip_brackets(const struct scan *s, uint32_t at)
{
	at++;
	if (at < s->end && s->text[at] == '^')
		at++;
	if (at < s->end && s->text[at] == ']')
		at++;
	for (; at < s->end && s->text[at] != '\n'; at++) {
		if (s->text[at] == ']')
			return at + 1;
		if (s->text[at] == '\\')
			at++;
		else if (s->text[at] == '[' && at + 1 < s->end && s->text[at + 1] == ':') {
			uint32_t close = scan_over(s->text, at + 2, s->end, CHAR_ALPHA);
			if (close + 1 < s->end && s->text[close] == ':' && s->text[close + 1] == ']')
				at = close + 1;
		}
	}
	return 0;
}

/* regex = "/" PATTERN { PATTERN } "/" { FLAG } ; */
uint32_t
scan_regex(struct scan *s, uint32_t at, uint32_t *slash)
{
	uint32_t open = at++;

	while (at < s->end && s->text[at] != '\n' && s->text[at] != '/') {
		if (s->text[at] == '\\') {
			at += 2;
		} else if (s->text[at] == '[') {
			at = skip_brackets(s, at);
			if (!at)
				return scan_fail(s, PROBLEM_REGEX, open, 1);
		} else {
			at++;
		}
	}
	if (at >= s->end || s->text[at] != '/')
		return scan_fail(s, PROBLEM_REGEX, open, 1);
	*slash = at++;
	while (at < s->end && s->text[at] && strchr("imsx", s->text[at]))
		at++;
	return at;
}

/* command = { COMMAND | dollar | "(" command ")" | "'" { SINGLE_COMMAND | dollar } "'" | '"' { DOUBLE_COMMAND | dollar } '"' } ; */
static uint32_t
scan_command(struct scan *s, uint32_t at)
{
	unsigned parentheses = 0;
	uint32_t quote_at = at;
	char quote = 0;

	while (at < s->end) {
		char c = s->text[at];
		if (c == '\n')
			return scan_fail(s, PROBLEM_COMMAND, at, 0);
		if (c == '$') {
			uint32_t after = scan_dollar(s, at, NULL);
			if (!after && s->problem != PROBLEM_DOLLAR)
				return 0;
			at = after ? after : at + 1;
			continue;
		}
		if (c == '\\' && quote != '\'') {
			at += at + 1 < s->end && s->text[at + 1] != '$' && s->text[at + 1] != '\n' ? 2 : 1;
			continue;
		}
		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			quote_at = at;
		} else if (!quote && c == '(') {
			parentheses++;
		} else if (!quote && c == ')' && !parentheses--) {
			return at;
		}
		at++;
	}
	return quote ? scan_fail(s, PROBLEM_QUOTE, quote_at, 1) : at;
}

/* argument = { ARGUMENT | SPACE | single | double | dollar | "(" argument { "," argument } ")" } ; */
static uint32_t
scan_words_argument(struct scan *s, uint32_t at)
{
	unsigned parentheses = 0;

	while (at < s->end) {
		uint32_t after = at + 1;
		switch (s->text[at]) {
		case '"':
		case '\'':
			after = scan_quoted(s, at);
			break;
		case '$':
			after = scan_dollar(s, at, NULL);
			if (!after && s->problem == PROBLEM_DOLLAR)
				after = at + 1;
			break;
		case '(':
			parentheses++;
			break;
		case ',':
			if (!parentheses)
				return at;
			break;
		case ')':
			if (!parentheses--)
				return at;
			break;
		}
		if (!after)
			return 0;
		at = after;
	}
	return at;
}

uint32_t
scan_argument(struct scan *s, uint32_t at, enum value_mode mode)
{
	uint32_t slash;

	if (mode == VALUE_RAW)
		return scan_command(s, at);
	at = scan_blanks(s->text, at, s->end, CHAR_WHITE);
	if (mode == VALUE_REGEX_FIRST && at < s->end && s->text[at] == '/' && !(at = scan_regex(s, at, &slash)))
		return 0;
	return scan_words_argument(s, at);
}

/* call = FUNCTION SPACE argument { "," argument }
 *         | REGEX_FUNCTION SPACE ( regex [ SPACE ] | argument ) { "," argument }
 *         | COMMAND_FUNCTION SPACE command ; */
static uint32_t
scan_call(struct scan *s, uint32_t name, uint32_t name_end, uint32_t at)
{
	enum value_mode mode = value_function_mode((struct str){s->text + name, name_end - name});

	for (; (at = scan_argument(s, at, mode)) && at < s->end && s->text[at] == ','; at++)
		mode = VALUE_WORDS;
	return at;
}

/* dollar = "$$" | "$(" [ SPACE ] NAME [ SPACE ] ")" | "${" [ SPACE ] NAME [ SPACE ] "}" | "$(" [ SPACE ] call ")" ; */
uint32_t
scan_dollar(struct scan *s, uint32_t at, struct dollar *found)
{
	const char *text = s->text;
	uint32_t open = at;
	char c = ++at < s->end ? text[at] : 0;
	enum problem unclosed = c == '(' ? PROBLEM_UNCLOSED : PROBLEM_UNCLOSED_BRACE;
	char close = c == '(' ? ')' : '}';

	if (c == '$')
		return at + 1;
	if (c != '(' && c != '{')
		return scan_fail(s, PROBLEM_DOLLAR, open, 1);
	if (s->depth >= PARSE_DEPTH_LIMIT)
		return scan_fail(s, PROBLEM_DEPTH, open, 2);
	uint32_t name = scan_blanks(text, at + 1, s->end, CHAR_WHITE);
	uint32_t name_end = scan_over(text, name, s->end, CHAR_NAME);
	at = scan_blanks(text, name_end, s->end, CHAR_WHITE);
	if (at == s->end)
		return scan_fail(s, unclosed, open, 2);
	if (name == name_end && text[at] == close)
		return scan_fail(s, PROBLEM_EMPTY_NAME, open, at + 1 - open);
	if (name == name_end || !char_is(text[name], CHAR_ALPHA))
		return scan_fail(s, PROBLEM_BAD_NAME, name, name_end > name ? name_end - name : 1);
	if (found)
		*found = (struct dollar){.name = name, .name_end = name_end};
	if (text[at] == close)
		return at + 1;
	if (at == name_end) {
		while (at < s->end && text[at] != close && !char_is(text[at], CHAR_WHITE))
			at++;
		bool shell = close == '}' && memchr(":-=+?#%/^,", text[name_end], 10);
		return scan_fail(s, shell ? PROBLEM_SHELL : PROBLEM_BAD_NAME, name, at - name);
	}
	if (c == '{')
		return scan_fail(s, PROBLEM_BRACE_CALL, open, 2);
	s->depth++;
	uint32_t end = scan_call(s, name, name_end, at);
	s->depth--;
	if (end && end == s->end)
		return scan_fail(s, unclosed, open, 2);
	if (end && found)
		*found = (struct dollar){.call = true, .name = name, .name_end = name_end, .inner = at, .inner_end = end};
	return end ? end + 1 : 0;
}
