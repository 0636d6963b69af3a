#include "distcc/host_syntax.h"

#include "base/arena.h"
#include "base/suggest.h"

#include <arpa/inet.h>
#include <string.h>

#define SLOTS_LIMIT 1000
#define PORT_LIMIT 65535

static const struct {
	const char *name;
	bool valued;
} options[] = {
#define OPTION(name, valued) {#name, valued},
	HOST_OPTIONS(OPTION)
#undef OPTION
};
#define OPTION_COUNT (sizeof options / sizeof *options)

static const struct {
	enum host_kind kind;
	const char *word;
	bool numbered;
} keywords[] = {
#define KEYWORD(name, word, numbered) {HOST_##name, word, numbered},
	HOST_KEYWORDS(KEYWORD)
#undef KEYWORD
};
#define KEYWORD_COUNT (sizeof keywords / sizeof *keywords)

/* A word being read. */
struct reading {
	struct arena *arena;
	struct str word;
	size_t at;
	struct host_spec *host;
	struct host_fault *fault;
};

/* Puts down what is wrong with [from, to); returns false. */
static bool
refuse(struct reading *r, size_t from, size_t to, struct str message, struct str hint)
{
	*r->fault = (struct host_fault){from, to - from, message, hint};
	return false;
}

static bool
is_at(const struct reading *r, char c)
{
	return r->at < r->word.n && r->word.s[r->at] == c;
}

/* What stands before the first of the bytes, and goes to it. */
static struct str
take_until(struct reading *r, const char *ends)
{
	size_t from = r->at;
	while (r->at < r->word.n && !strchr(ends, r->word.s[r->at]))
		r->at++;
	return str_part(r->word, from, r->at);
}

static bool
take_number(struct reading *r, const char *ends, int64_t most, const char *what, const char *hint, int *out)
{
	size_t from = r->at;
	struct str text = take_until(r, ends);
	int64_t number;
	if (text.n && *text.s >= '0' && *text.s <= '9' && str_integer(text, &number) && number >= 1 && number <= most) {
		*out = (int)number;
		return true;
	}
	struct str message = text.n ? str_printf(r->arena, "'%.*s' is no %s", STR_ARG(text), what)
				    : str_printf(r->arena, "the %s is missing here", what);
	return refuse(r, text.n ? from : from - 1, text.n ? r->at : from, message, str_from(hint));
}

/* --- the parts of a host --- */

static bool
is_name_byte(char c)
{
	return (unsigned char)c >= 0x80 || (c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_", c));
}

/* A name is a word of ssh's command line, of scripts, and a file's. */
static bool
check_name(struct reading *r, size_t from, const char *what)
{
	struct str name = str_part(r->word, from, r->at);
	if (!name.n)
		return refuse(r, from < r->word.n ? from : 0, r->word.n, str_printf(r->arena, "a %s is missing here", what),
			STR("write HOST, HOST:PORT/SLOTS or USER@HOST"));
	if (strchr("-.", *name.s))
		return refuse(r, from, from + 1, str_printf(r->arena, "a %s cannot begin with '%c'", what, *name.s),
			*name.s == '-' ? STR("ssh would take it for an option") : STR("it begins with a letter or a digit"));
	for (size_t i = 0; i < name.n; i++)
		if (!is_name_byte(name.s[i]))
			return refuse(r, from + i, from + i + 1, str_printf(r->arena, "'%c' cannot stand in a %s", name.s[i], what),
				STR("it has letters, digits, dots, hyphens and underscores"));
	return true;
}

/* fd00::2, fe80::1%eth0 */
static bool
is_ipv6(struct arena *arena, struct str text)
{
	unsigned char bytes[16];
	size_t end = str_find(text, '%');
	for (size_t i = end + 1; i < text.n; i++)
		if (!is_name_byte(text.s[i]))
			return false;
	return inet_pton(AF_INET6, str_c(arena, str_part(text, 0, end)), bytes) == 1;
}

/* "[fd00::2]" */
static bool
take_brackets(struct reading *r)
{
	size_t from = r->at++;
	struct str name = take_until(r, "]/,");
	if (!is_at(r, ']'))
		return refuse(r, from, r->at, STR("this bracket is not closed"),
			STR("an IPv6 address stands in brackets: [fd00::2]:3632"));
	if (!is_ipv6(r->arena, name))
		return refuse(r, from, r->at + 1, str_printf(r->arena, "'%.*s' is no IPv6 address", STR_ARG(name)),
			STR("only an IPv6 address stands in brackets"));
	r->at++;
	r->host->name = name;
	r->host->bracketed = true;
	return true;
}

static bool
take_limit(struct reading *r, const char *ends)
{
	size_t from = r->at++;
	if (r->host->limit)
		return refuse(r, from, r->word.n, STR("its slots stand here twice"), STR("once is enough: red:3632/8"));
	return take_number(r, ends, SLOTS_LIMIT, "number of slots", "a whole number from 1 to 1000, as in red/8", &r->host->limit);
}

static bool
take_option(struct reading *r)
{
	size_t from = ++r->at;
	struct str name = take_until(r, ",=:/");
	struct suggest suggest = suggest_for(name);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		suggest_offer(&suggest, str_from(options[i].name));
		if (!str_is(name, options[i].name))
			continue;
		r->host->options |= 1u << i;
		if (!is_at(r, '='))
			return true;
		r->at++;
		r->host->auth = take_until(r, ",");
		if (options[i].valued && r->host->auth.n)
			return true;
		return refuse(r, from, r->at,
			str_printf(r->arena, "'%s' has no value%s", options[i].name, options[i].valued ? " after its '='" : ""),
			STR("only auth has one, as in ,auth=red.example.com"));
	}
	struct str hint = STR("the options are ,lzo ,cpp ,auth and ,down; what stands between hosts is a blank");
	if (suggest.best.s)
		hint = str_printf(r->arena, "did you mean '%.*s'?", STR_ARG(suggest.best));
	return refuse(r, name.n ? from : from - 1, name.n ? from + name.n : from,
		name.n ? str_printf(r->arena, "distcc's hosts have no option '%.*s'", STR_ARG(name))
		       : STR("an option is missing here"),
		hint);
}

/* To the end of the word. */
static bool
take_options(struct reading *r)
{
	size_t from = r->at;
	while (is_at(r, ','))
		if (!take_option(r))
			return false;
	if (r->at < r->word.n)
		return refuse(r, r->at, r->word.n,
			str_printf(r->arena, "'%.*s' cannot stand here", STR_ARG(str_part(r->word, r->at, r->word.n))),
			STR("a host is HOST:PORT/SLOTS,OPTIONS or USER@HOST/SLOTS:COMMAND,OPTIONS"));
	if (HOST_HAS(r->host, cpp) && !HOST_HAS(r->host, lzo))
		return refuse(r, from, r->at, STR("',cpp' needs ',lzo': what is sent to be preprocessed is compressed"),
			STR("write ,lzo,cpp"));
	return true;
}

/* --- the kinds of words --- */

/* An IPv6 address without its brackets: nothing else has two colons before its slots. */
static bool
is_bare_address(const struct reading *r, size_t *end)
{
	size_t colon = str_find(r->word, ':');
	*end = str_find(r->word, '/') < str_find(r->word, ',') ? str_find(r->word, '/') : str_find(r->word, ',');
	return colon < *end && memchr(r->word.s + colon + 1, ':', *end - colon - 1);
}

static bool
read_tcp(struct reading *r)
{
	struct host_spec *host = r->host;
	size_t end;
	host->kind = HOST_TCP;
	if (is_at(r, '[')) {
		if (!take_brackets(r))
			return false;
	} else if (is_bare_address(r, &end)) {
		return refuse(r, 0, end, STR("an IPv6 address stands in brackets"),
			str_printf(r->arena, "write [%.*s]", STR_ARG(str_part(r->word, 0, end))));
	} else {
		host->name = take_until(r, "/:,");
		if (!check_name(r, 0, "host name"))
			return false;
	}
	/* HOST/SLOTS:PORT is an older way to write it. */
	if (is_at(r, '/') && !take_limit(r, ":,/"))
		return false;
	if (is_at(r, ':')) {
		r->at++;
		if (!take_number(r, "/,:", PORT_LIMIT, "port", "a whole number from 1 to 65535, as in red:3632", &host->port))
			return false;
	}
	if (is_at(r, '/') && !take_limit(r, ":,/"))
		return false;
	return take_options(r);
}

static bool
all_digits(struct str text)
{
	size_t n = 0;
	while (n < text.n && text.s[n] >= '0' && text.s[n] <= '9')
		n++;
	return n && n == text.n;
}

static bool
take_command(struct reading *r)
{
	size_t from = ++r->at, slash;
	struct str command = r->host->command = take_until(r, ",");
	if (!command.n)
		return refuse(r, from - 1, from, STR("the command is missing here"), STR("as in ann@red:/opt/bin/distccd"));
	if (all_digits(command))
		return refuse(r, from, r->at,
			str_printf(r->arena, "'%.*s' would be the command that ssh runs, not a port", STR_ARG(command)),
			STR("~/.ssh/config says which port: Host red, Port 2222"));
	for (slash = command.n; slash && command.s[slash - 1] != '/';)
		slash--;
	if (slash && all_digits(str_part(command, slash, command.n)))
		return refuse(r, from + slash - 1, r->at, STR("the slots stand before the command"),
			STR("as in ann@red/8:/opt/bin/distccd"));
	return true;
}

static bool
read_ssh(struct reading *r)
{
	struct host_spec *host = r->host;
	host->kind = HOST_SSH;
	host->user = take_until(r, "@");
	if (host->user.n && !check_name(r, 0, "user name"))
		return false;
	size_t from = ++r->at;
	if (is_at(r, '['))
		return refuse(r, from, r->word.n, STR("distcc cannot reach an IPv6 address over ssh"),
			STR("name it in ~/.ssh/config: Host red, HostName fd00::2"));
	host->name = take_until(r, "/:,");
	if (!check_name(r, from, "host name"))
		return false;
	if (is_at(r, '/') && !take_limit(r, ":,/"))
		return false;
	return (!is_at(r, ':') || take_command(r)) && take_options(r);
}

static bool
read_local(struct reading *r)
{
	r->host->kind = HOST_LOCAL;
	r->host->name = take_until(r, "/");
	if (is_at(r, '/') && !take_limit(r, ":,/"))
		return false;
	if (r->at == r->word.n)
		return true;
	return refuse(r, r->at, r->word.n,
		str_printf(r->arena, "'%.*s' cannot stand here", STR_ARG(str_part(r->word, r->at, r->word.n))),
		STR("localhost has nothing but slots: localhost/2"));
}

/* --randomize, --localslots=4 */
static bool
read_keyword(struct reading *r)
{
	struct str name = take_until(r, "=");
	struct suggest suggest = suggest_for(name);
	for (size_t i = 0; i < KEYWORD_COUNT; i++) {
		suggest_offer(&suggest, str_from(keywords[i].word));
		if (!str_is(name, keywords[i].word))
			continue;
		r->host->kind = keywords[i].kind;
		r->host->name = name;
		if (keywords[i].numbered && is_at(r, '=')) {
			r->at++;
			return take_number(r, "", SLOTS_LIMIT, "number of slots",
				"a whole number from 1 to 1000, as in --localslots=4", &r->host->limit);
		}
		if (!keywords[i].numbered && r->at == r->word.n)
			return true;
		return refuse(r, 0, r->word.n,
			str_printf(r->arena, "%s has %s", keywords[i].word, keywords[i].numbered ? "a number" : "no value"),
			str_printf(r->arena, "write %s%s", keywords[i].word, keywords[i].numbered ? "=4" : ""));
	}
	struct str hint = STR("there are --randomize, --localslots=N, --localslots_cpp=N and +zeroconf");
	if (suggest.best.s)
		hint = str_printf(r->arena, "did you mean '%.*s'?", STR_ARG(suggest.best));
	return refuse(
		r, 0, r->at, str_printf(r->arena, "'%.*s' is none of distcc's words for a list of hosts", STR_ARG(name)), hint);
}

bool
host_parse(struct arena *arena, struct str word, struct host_spec *host, struct host_fault *fault)
{
	static const struct str local = {"localhost", 9};
	struct reading r = {.arena = arena, .word = word, .host = host, .fault = fault};
	*host = (struct host_spec){.kind = HOST_TCP};
	for (size_t i = 0; i < word.n; i++)
		if ((unsigned char)word.s[i] <= ' ' || word.s[i] == 0x7f)
			return refuse(&r, i, i + 1, STR("a host has no blanks in it"),
				STR("distcc would take it for two, whatever the quotes"));
	if (str_starts(word, STR("--")) || str_starts(word, STR("+")))
		return read_keyword(&r);
	if (str_find(word, '@') < word.n)
		return read_ssh(&r);
	/* Anything else after localhost, and it is reached as any other host is. */
	if (str_starts(word, local) && (word.n == local.n || word.s[local.n] == '/'))
		return read_local(&r);
	return read_tcp(&r);
}

/* --- and back --- */

void
host_print_address(struct buf *out, const struct host_spec *host)
{
	if (host->kind == HOST_SSH)
		buf_printf(out, "%.*s@", STR_ARG(host->user));
	buf_printf(out, host->bracketed ? "[%.*s]" : "%.*s", STR_ARG(host->name));
	if (host->port)
		buf_printf(out, ":%d", host->port);
}

void
host_print_rest(struct buf *out, const struct host_spec *host)
{
	if (host->command.n)
		buf_printf(out, ":%.*s", STR_ARG(host->command));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!(host->options >> i & 1))
			continue;
		buf_printf(out, ",%s", options[i].name);
		if (options[i].valued && host->auth.n)
			buf_printf(out, "=%.*s", STR_ARG(host->auth));
	}
}

void
host_print(struct buf *out, const struct host_spec *host)
{
	host_print_address(out, host);
	if (host->limit)
		buf_printf(out, host->kind > HOST_LOCAL ? "=%d" : "/%d", host->limit);
	host_print_rest(out, host);
}

struct str
host_called(struct str address)
{
	size_t at = str_find(address, '@');
	if (at < address.n)
		return str_part(address, at + 1, address.n);
	if (address.n && *address.s == '[')
		return str_part(address, 1, str_find(address, ']'));
	return str_part(address, 0, str_find(address, ':'));
}

int
host_port(const struct host_spec *host)
{
	return host->port ? host->port : DISTCC_PORT;
}
