#include "project/convert.h"

#include "base/suggest.h"

#include <arpa/inet.h>
#include <string.h>

/* What the functions below share: each reads `words` (or `text`, the words joined) and may leave a hint. */
struct conversion {
	struct arena *arena;
	const struct setting_schema *setting;
	struct words words;
	struct str text;
	struct str advice;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes a decimal number of at most 12 digits from the front of *text. */
static bool
take_digits(struct str *text, int64_t *value)
{
	size_t n = 0;

	while (n < text->n && is_digit(text->s[n]))
		n++;
	if (!n || n > 12 || !str_integer(str_part(*text, 0, n), value))
		return false;
	*text = str_part(*text, n, text->n);
	return true;
}

static bool
convert_TEXT(struct conversion *c, struct str *out)
{
	*out = c->text;
	return !memchr(c->text.n ? c->text.s : "", 0, c->text.n);
}

static bool
convert_WORDS(struct conversion *c, struct words *out)
{
	*out = c->words;
	return !memchr(c->text.n ? c->text.s : "", 0, c->text.n);
}

static bool
convert_COUNT(struct conversion *c, int64_t *out)
{
	return str_integer(c->text, out) && *out >= 1 && *out <= 1000;
}

static bool
convert_NICENESS(struct conversion *c, int64_t *out)
{
	return str_integer(c->text, out) && *out >= 0 && *out <= 19;
}

/* What is meant by what other languages call yes and no; none where it is neither. */
static struct str
advise_yes_or_no(struct str text)
{
	if (schema_listed("true on 1 y", text))
		return STR("write yes");
	return schema_listed("false off 0 n", text) ? STR("write no") : (struct str){NULL, 0};
}

static bool
convert_YESNO(struct conversion *c, bool *out)
{
	*out = str_is(c->text, "yes");
	c->advice = advise_yes_or_no(c->text);
	return *out || str_is(c->text, "no");
}

bool
convert_duration(struct str text, int64_t *milliseconds)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	int64_t number;

	*milliseconds = 0;
	if (!text.n)
		return false;
	while (text.n) {
		size_t i, most = sizeof units / sizeof *units;
		if (!take_digits(&text, &number))
			return false;
		for (i = 0; i < most && !str_starts(text, str_from(units[i].unit)); i++)
			;
		if (i == most || __builtin_mul_overflow(number, units[i].factor, &number) ||
			__builtin_add_overflow(*milliseconds, number, milliseconds))
			return false;
		text = str_part(text, strlen(units[i].unit), text.n);
	}
	return true;
}

static bool
convert_DURATION(struct conversion *c, int64_t *out)
{
	int64_t number;

	if (str_integer(c->text, &number) && number >= 0)
		c->advice = str_printf(c->arena, "say the unit: %.*ss or %.*sm", STR_ARG(c->text), STR_ARG(c->text));
	return convert_duration(c->text, out);
}

/* Nothing waits for ever, and 0s is what that would be taken for. */
static bool
convert_TIMEOUT(struct conversion *c, int64_t *out)
{
	bool fits = convert_DURATION(c, out);

	if (fits ? !*out : str_is(c->text, "0"))
		c->advice = STR("nothing waits for ever: say how long at most, as in 20m");
	return fits && *out > 0;
}

static bool
convert_SIZE(struct conversion *c, int64_t *out)
{
	static const char units[] = "KMGT";
	struct str text = c->text;
	const char *unit;

	if (!take_digits(&text, out))
		return false;
	if (!text.n)
		c->advice = str_printf(c->arena, "say the unit: %.*sM or %.*sG", STR_ARG(c->text), STR_ARG(c->text));
	if (text.n != 1 || (unit = strchr(units, *text.s)) == NULL || !*unit)
		return false;
	return *out > 0 && !__builtin_mul_overflow(*out, (int64_t)1 << (10 * (unit - units + 1)), out);
}

/* An address, or where it may have one a range whose host bits are zero. */
static bool
is_range(struct conversion *c, struct str text, bool needs_prefix)
{
	unsigned char bytes[16] = {0};
	char clean[INET6_ADDRSTRLEN];
	size_t slash = str_find(text, '/');
	int family = str_find(text, ':') < slash ? AF_INET6 : AF_INET;
	int64_t prefix, most = family == AF_INET ? 32 : 128;
	bool host_bits = false;

	if (!text.n || inet_pton(family, str_c(c->arena, str_part(text, 0, slash)), bytes) != 1)
		return false;
	if (slash == text.n)
		return !needs_prefix;
	if (!str_integer(str_part(text, slash + 1, text.n), &prefix) || !is_digit(text.s[slash + 1]) || prefix > most)
		return false;
	for (int64_t bit = prefix; bit < most; bit++) {
		unsigned char mask = (unsigned char)(0x80 >> (bit % 8));
		host_bits |= (bytes[bit / 8] & mask) != 0;
		bytes[bit / 8] &= (unsigned char)~mask;
	}
	if (host_bits && inet_ntop(family, bytes, clean, sizeof clean))
		c->advice = str_printf(c->arena, "the range that this address is in is %s/%d", clean, (int)prefix);
	return !host_bits;
}

static bool
convert_RANGES(struct conversion *c, struct words *out)
{
	*out = c->words;
	for (size_t i = 0; i < c->words.n; i++)
		if (!is_range(c, c->words.w[i], false))
			return false;
	return true;
}

/* A range, or the id of one that exists, which begins with the setting's own name: vpc-0a1b…, subnet-0a1b…. */
static bool
convert_NETWORK(struct conversion *c, struct str *out)
{
	struct str kind = str_from(c->setting->name);

	*out = c->text;
	if (str_starts(c->text, kind) && c->text.n > kind.n && c->text.s[kind.n] == '-')
		return c->words.n == 1;
	return is_range(c, c->text, true);
}

static bool
convert_PORT(struct conversion *c, int64_t *out)
{
	return str_integer(c->text, out) && *out >= 1 && *out <= 65535;
}

/* 12, 12.2, 1.2.3-rc1. */
static bool
convert_VERSION(struct conversion *c, struct str *out)
{
	struct str rest = c->text;
	int64_t part;

	*out = c->text;
	do {
		if (!take_digits(&rest, &part))
			return false;
		if (!rest.n || *rest.s != '.')
			break;
		rest = str_part(rest, 1, rest.n);
	} while (true);
	if (!rest.n)
		return true;
	for (size_t i = 1; i < rest.n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.", rest.s[i]) || !rest.s[i])
			return false;
	return rest.n > 1 && (*rest.s == '-' || *rest.s == '~' || *rest.s == '+');
}

static bool
convert_PATH(struct conversion *c, struct str *out)
{
	*out = c->text;
	return c->text.n && !memchr(c->text.s, 0, c->text.n) && !memchr(c->text.s, '\n', c->text.n);
}

/* 2, 2.5, 2.50: at most six places. */
static bool
convert_MONEY(struct conversion *c, int64_t *out)
{
	struct str rest = c->text;
	int64_t unit = 1000000;

	if (rest.n && *rest.s == '$')
		c->advice = STR("leave the dollar sign out");
	if (!take_digits(&rest, out) || *out > 1000000000)
		return false;
	*out *= unit;
	if (!rest.n)
		return true;
	if (*rest.s != '.' || rest.n < 2 || rest.n > 7)
		return false;
	for (size_t i = 1; i < rest.n; i++) {
		if (!is_digit(rest.s[i]))
			return false;
		unit /= 10;
		*out += (rest.s[i] - '0') * unit;
	}
	return true;
}

static bool
convert_SHARE(struct conversion *c, int64_t *out)
{
	*out = str_is(c->text, "yes") ? 100 : 0;
	c->advice = advise_yes_or_no(c->text);
	if (*out || str_is(c->text, "no"))
		return true;
	return str_ends(c->text, STR("%")) && is_digit(*c->text.s) && str_integer(str_part(c->text, 0, c->text.n - 1), out) &&
	       *out <= 100;
}

/* What uname calls the processors. */
static struct str
advise_arch(struct str text)
{
	if (str_is(text, "x86_64"))
		return STR("write amd64");
	return str_is(text, "aarch64") ? STR("write arm64") : (struct str){NULL, 0};
}

static bool
convert_CHOICE(struct conversion *c, struct str *out)
{
	struct suggest suggest = suggest_for(c->text);
	struct str rest = str_from(c->setting->choices), choice;

	*out = c->text;
	while (str_split(&rest, ' ', &choice))
		suggest_offer(&suggest, choice);
	if (schema_listed(c->setting->choices, STR("yes")))
		c->advice = advise_yes_or_no(c->text);
	else if (schema_listed(c->setting->choices, STR("amd64")))
		c->advice = advise_arch(c->text);
	if (!c->advice.n && suggest.best.s)
		c->advice = str_printf(c->arena, "did you mean '%.*s'?", STR_ARG(suggest.best));
	return schema_listed(c->setting->choices, c->text);
}

bool
convert_setting(struct arena *arena, const struct setting_schema *setting, struct words words, void *block, struct str *advice)
{
	struct conversion c = {.arena = arena, .setting = setting, .words = words};
	void *field = (char *)block + setting->offset;
	bool fits = false;

	c.text = words.n == 1 ? words.w[0] : words_join(arena, words, STR(" "));
	switch (setting->type) {
#define TYPE(name, c_type, expects, example)      \
	case SETTING_##name:                      \
		fits = convert_##name(&c, field); \
		break;
		SETTING_TYPES(TYPE)
#undef TYPE
	}
	*advice = c.advice;
	return fits;
}
