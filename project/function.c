#include "project/function.h"

#include "project/compare.h"
#include "project/expand.h"
#include "project/shell.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ARGUMENTS 3

/* A call at work. Each function below fills result.words. */
struct call {
	struct loader *l;
	const struct space *space;
	const struct function *function;
	enum value_mode mode; /* of the first argument */
	struct span span; /* of the whole $(…) */
	struct span arguments[MOST_ARGUMENTS];
	unsigned count;
	struct value result;
};

#define FUNCTION(name, fewest, most, mode, usage, doc) static void call_##name(struct call *);
#include "parser/function.def"
#undef FUNCTION

const struct function functions[] = {
#define FUNCTION(name, fewest, most, mode, usage, doc) {{#name, sizeof #name - 1}, fewest, most, usage, doc, call_##name},
#include "parser/function.def"
#undef FUNCTION
	{{NULL, 0}, 0, 0, NULL, NULL, NULL},
};

const struct function *
function_find(struct str name)
{
	for (const struct function *function = functions; function->name.s; function++)
		if (str_eq(function->name, name))
			return function;
	return NULL;
}

struct value
function_call(struct loader *l, const struct part *part, const struct space *space)
{
	struct call c = {.l = l, .space = space, .function = function_find(part->text), .span = part->span};
	enum value_mode mode = c.mode = value_function_mode(part->text);
	struct span rest = part->inner;

	c.result.unknown = true;
	while (c.count < MOST_ARGUMENTS && value_argument(l->sources, mode, &rest, &c.arguments[c.count])) {
		c.count++;
		mode = VALUE_WORDS;
	}
	/* What is wrong here the checker has filed. */
	if (!c.function || c.count < c.function->fewest || (c.function->most && (c.count > c.function->most || rest.source)))
		return c.result;
	c.result.unknown = false;
	c.function->run(&c);
	if (!expand_charge(l, c.span, c.result.words.n * sizeof(struct str)))
		c.result.unknown = true;
	if (c.result.unknown)
		c.result.words = (struct words){NULL, 0};
	return c.result;
}

/* --- what the functions are made of --- */

/* The words of an argument; what is secret or unknown in it the result is too. */
static struct words
argument(struct call *c, unsigned i)
{
	struct value value = expand_value(c->l, c->arguments[i], c->space, i ? VALUE_WORDS : c->mode);

	c->result.secret |= value.secret;
	c->result.unknown |= value.unknown;
	return value.words;
}

static struct str
argument_text(struct call *c, unsigned i)
{
	struct words words = argument(c, i);

	return words.n == 1 ? words.w[0] : words_join(c->l->arena, words, STR(" "));
}

/* The first argument as a pattern; where it is none the result is unknown. */
static struct regex *
pattern_argument(struct call *c)
{
	struct value value = {0};
	struct regex *regex = expand_pattern(c->l, c->arguments[0], c->space, &value);

	c->result.secret |= value.secret;
	c->result.unknown |= !regex;
	return regex;
}

/* Files what is wrong at an argument. */
static void
refuse(struct call *c, unsigned i, struct str message)
{
	struct diag *diag = diag_error(c->l->diags, c->arguments[i].length ? c->arguments[i] : c->span, "%.*s", STR_ARG(message));

	diag_hint(diag, "%s: %s", c->function->usage, c->function->doc);
	c->result.unknown = true;
}

static struct words
words_new(struct call *c, size_t n)
{
	return (struct words){arena_array(c->l->arena, struct str, n), n};
}

static void
one_word(struct call *c, struct str word)
{
	c->result.words = words_new(c, 1);
	c->result.words.w[0] = word;
}

/* Each word of the argument as `change` makes it. */
static void
each_word(struct call *c, unsigned i, struct str (*change)(struct arena *, struct str))
{
	struct words from = argument(c, i);

	c->result.words = words_new(c, from.n);
	for (size_t at = 0; at < from.n; at++) {
		struct str word = change(c->l->arena, from.w[at]);
		expand_charge(c->l, c->span, word.n);
		c->result.words.w[at] = word;
	}
}

/* Of the second argument's words those that match the first as asked for. */
static void
choose_words(struct call *c, bool matching)
{
	struct words from = argument(c, 1);
	struct regex *regex = pattern_argument(c);

	if (!regex)
		return;
	c->result.words = words_new(c, from.n);
	c->result.words.n = 0;
	for (size_t i = 0; i < from.n; i++)
		if (regex_match(regex, from.w[i]) == matching)
			c->result.words.w[c->result.words.n++] = from.w[i];
	regex_free(regex);
}

/* --- the functions, in the order of function.def --- */

static void
call_env(struct call *c)
{
	struct str name = argument_text(c, 0);
	struct str text = load_environment(c->l, name);

	if (text.s)
		c->result.words = expand_split(c->l, text);
	else if (c->count > 1)
		c->result.words = argument(c, 1);
}

/* A command made of `prefix` and the argument. */
static void
run_command(struct call *c, const char *prefix)
{
	struct str command = argument_text(c, 0);
	bool secret = c->result.secret, unknown = c->result.unknown;
	struct str whole = str_printf(&c->l->scratch, "%s%.*s", prefix, STR_ARG(command));

	if (unknown)
		return;
	c->result = shell_run(c->l, c->span, whole.s);
	c->result.secret |= secret;
}

static void
call_shell(struct call *c)
{
	run_command(c, "");
}

static void
call_git(struct call *c)
{
	run_command(c, "git ");
}

static void
call_file(struct call *c)
{
	struct str path = argument_text(c, 0), error;
	uint32_t source;

	if (c->result.unknown)
		return;
	source = load_text(c->l, path, &error);
	if (source)
		c->result.words = expand_split(c->l, source_get(c->l->sources, source)->text);
	else
		refuse(c, 0, c->result.secret ? STR("this file cannot be read") : error);
}

static void
call_glob(struct call *c)
{
	struct words patterns = argument(c, 0), *found = arena_array(&c->l->scratch, struct words, patterns.n);
	const struct project_files *files = c->l->files;
	const char *dir = str_c(&c->l->scratch, c->l->dir);
	struct str error;

	for (size_t i = 0; i < patterns.n; i++) {
		if (!files->glob(files->context, c->l->arena, dir, patterns.w[i], &found[i], &error)) {
			refuse(c, 0, c->result.secret ? STR("this pattern cannot be read") : error);
			return;
		}
		if (!expand_charge(c->l, c->span, found[i].n * sizeof *found[i].w))
			return;
	}
	c->result.words = words_concat(c->l->arena, found, patterns.n);
}

static void
call_join(struct call *c)
{
	struct str separator = argument_text(c, 0);
	struct words words = argument(c, 1);
	struct str joined;

	if (!words.n || !expand_charge(c->l, c->span, separator.n * words.n))
		return;
	joined = words_join(c->l->arena, words, separator);
	expand_charge(c->l, c->span, joined.n);
	one_word(c, joined);
}

static void
call_words(struct call *c)
{
	one_word(c, str_printf(c->l->arena, "%zu", argument(c, 0).n));
}

static void
call_word(struct call *c)
{
	struct str number = argument_text(c, 0);
	struct words words = argument(c, 1);
	int64_t n;

	if (c->result.unknown)
		return;
	if (!str_integer(number, &n) || n < 1)
		refuse(c, 0, STR("a whole number from 1 must stand here"));
	else if ((uint64_t)n <= words.n)
		c->result.words = (struct words){words.w + n - 1, 1};
}

static void
call_first(struct call *c)
{
	c->result.words = argument(c, 0);
	c->result.words.n = c->result.words.n > 0;
}

static void
call_last(struct call *c)
{
	struct words words = argument(c, 0);

	if (words.n)
		c->result.words = (struct words){words.w + words.n - 1, 1};
}

static int
compare_words(const void *a, const void *b)
{
	return compare_naturally(*(const struct str *)a, *(const struct str *)b);
}

static void
call_sort(struct call *c)
{
	struct words from = argument(c, 0);

	c->result.words = words_new(c, from.n);
	if (!from.n)
		return;
	memcpy(c->result.words.w, from.w, from.n * sizeof *from.w);
	qsort(c->result.words.w, from.n, sizeof *from.w, compare_words);
}

static void
call_uniq(struct call *c)
{
	struct words from = argument(c, 0);
	struct map seen = map_new(&c->l->scratch);

	c->result.words = words_new(c, from.n);
	c->result.words.n = 0;
	for (size_t i = 0; i < from.n; i++) {
		void **at = map_at(&seen, from.w[i]);
		if (!*at)
			c->result.words.w[c->result.words.n++] = from.w[i];
		*at = &from.w[i];
	}
}

static void
call_filter(struct call *c)
{
	choose_words(c, true);
}

static void
call_reject(struct call *c)
{
	choose_words(c, false);
}

static void
call_map(struct call *c)
{
	struct words from = argument(c, 1);
	const struct value *outer = c->l->it;
	struct words *made = arena_array(&c->l->scratch, struct words, from.n);

	for (size_t i = 0; i < from.n && !c->result.unknown; i++) {
		struct value it = {{&from.w[i], 1}, c->result.secret, false};
		c->l->it = &it;
		made[i] = argument(c, 0);
		c->l->it = outer;
		/* Before they are put together: one value named in TEXT comes as often as there are words. */
		if (!expand_charge(c->l, c->span, sizeof(struct words) + made[i].n * sizeof(struct str)))
			return;
	}
	if (!c->result.unknown)
		c->result.words = words_concat(c->l->arena, made, from.n);
}

static void
call_match(struct call *c)
{
	struct words from = argument(c, 1);
	struct regex *regex = pattern_argument(c);
	struct str found;

	if (!regex)
		return;
	c->result.words = words_new(c, from.n);
	c->result.words.n = 0;
	for (size_t i = 0; i < from.n; i++)
		if (regex_find(regex, from.w[i], &found))
			c->result.words.w[c->result.words.n++] = found;
	regex_free(regex);
}

static void
call_replace(struct call *c)
{
	struct str text = argument_text(c, 1);
	struct words from = argument(c, 2);
	struct regex *regex = pattern_argument(c);

	if (!regex)
		return;
	c->result.words = words_new(c, from.n);
	for (size_t i = 0; i < from.n; i++) {
		c->result.words.w[i] = regex_replace(regex, from.w[i], text, c->l->arena);
		if (!expand_charge(c->l, c->span, c->result.words.w[i].n))
			break;
	}
	regex_free(regex);
}

/* A copy with the letters from `first` to `first` + 25 moved by `by`. */
static struct str
shift_letters(struct arena *arena, struct str text, char first, int by)
{
	char *copy = arena_text(arena, text.n);

	for (size_t i = 0; i < text.n; i++)
		copy[i] = text.s[i] >= first && text.s[i] <= first + 25 ? (char)(text.s[i] + by) : text.s[i];
	return (struct str){copy, text.n};
}

static struct str
lower(struct arena *arena, struct str text)
{
	return shift_letters(arena, text, 'A', 'a' - 'A');
}

static void
call_lower(struct call *c)
{
	each_word(c, 0, lower);
}

static struct str
upper(struct arena *arena, struct str text)
{
	return shift_letters(arena, text, 'a', 'A' - 'a');
}

static void
call_upper(struct call *c)
{
	each_word(c, 0, upper);
}

static void
call_trim(struct call *c)
{
	struct words from = argument(c, 0);

	c->result.words = words_new(c, from.n);
	c->result.words.n = 0;
	for (size_t i = 0; i < from.n; i++)
		if (str_trim(from.w[i]).n)
			c->result.words.w[c->result.words.n++] = str_trim(from.w[i]);
}

/* The path without slashes at its end, but for a lone one. */
static struct str
without_slashes(struct str path)
{
	while (path.n > 1 && path.s[path.n - 1] == '/')
		path.n--;
	return path;
}

/* Where the last component of such a path begins. */
static size_t
last_component(struct str path)
{
	size_t at = path.n;

	while (at && path.s[at - 1] != '/')
		at--;
	return at;
}

static struct str
base_of(struct arena *arena, struct str path)
{
	(void)arena;
	path = without_slashes(path);
	return path.n == 1 ? path : str_part(path, last_component(path), path.n);
}

static void
call_basename(struct call *c)
{
	each_word(c, 0, base_of);
}

static struct str
dir_of(struct arena *arena, struct str path)
{
	size_t at;

	(void)arena;
	path = without_slashes(path);
	at = last_component(path);
	return at ? without_slashes(str_part(path, 0, at)) : str_is(path, "/") ? path : STR(".");
}

static void
call_dirname(struct call *c)
{
	each_word(c, 0, dir_of);
}

static void
call_default(struct call *c)
{
	c->result.words = argument(c, 0);
	if (!c->result.words.n && !c->result.unknown)
		c->result.words = argument(c, 1);
}

static void
call_quote(struct call *c)
{
	each_word(c, 0, str_shell_quote);
}
