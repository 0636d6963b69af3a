/* host_syntax: one word of a distcc host list, read and printed back: red, red:3633/8,lzo, [fd00::2], @red, ann@red/8:/opt/bin/distccd, localhost/2. */
#ifndef DISTCC_HOST_SYNTAX_H
#define DISTCC_HOST_SYNTAX_H

#include "base/source.h"
#include "base/str.h"

#include <stdbool.h>

struct arena;
struct buf;

/* OPTION(name, whether it may have a value: ,auth=NAME) */
#define HOST_OPTIONS(OPTION)                                           \
	OPTION(lzo, false) /* compressed on the wire */                \
	OPTION(cpp, false) /* preprocessed there: pump */              \
	OPTION(auth, true) /* by GSSAPI; the value is its principal */ \
	OPTION(down, false) /* listed, and not to be used */

enum host_option {
#define OPTION(name, valued) HOST_OPTION_##name,
	HOST_OPTIONS(OPTION)
#undef OPTION
};
#define HOST_HAS(host, name) (((host)->options >> HOST_OPTION_##name) & 1)

/* What a list may say of the whole of it. KEYWORD(name, word, whether it has a number: --localslots=4) */
#define HOST_KEYWORDS(KEYWORD)                             \
	KEYWORD(RANDOMIZE, "--randomize", false)           \
	KEYWORD(LOCAL_SLOTS, "--localslots", true)         \
	KEYWORD(LOCAL_SLOTS_CPP, "--localslots_cpp", true) \
	KEYWORD(ZEROCONF, "+zeroconf", false)

enum host_kind {
	HOST_TCP,
	HOST_SSH,
	HOST_LOCAL, /* localhost: compiled here without a daemon */
#define KEYWORD(name, word, numbered) HOST_##name,
	HOST_KEYWORDS(KEYWORD)
#undef KEYWORD
};

/* Texts are parts of the word; none, and numbers 0, where the word does not say. */
struct host_spec {
	enum host_kind kind;
	struct str name; /* an IPv6 address without its brackets */
	bool bracketed;
	struct str user, command; /* of ssh */
	struct str auth; /* the value of ,auth= */
	int port;
	int limit; /* slots; of a keyword its number */
	unsigned options; /* a bit for each enum host_option */
	struct span span; /* where it stands, for the caller to fill in */
};

/* What is wrong with a word: bytes [at, at+length) of it. */
struct host_fault {
	size_t at, length;
	struct str message, hint;
};

/* False with the fault. What distcc would pass over in silence is a fault too. */
bool host_parse(struct arena *, struct str word, struct host_spec *, struct host_fault *);

/* Where its distccd listens, unless the word has a port. */
#define DISTCC_PORT 3632
int host_port(const struct host_spec *);

/* How distcc finds it: user@name, name:port, [address]:port. */
void host_print_address(struct buf *, const struct host_spec *);
/* What follows the slots: :command,lzo. */
void host_print_rest(struct buf *, const struct host_spec *);
/* The whole word, in one form. */
void host_print(struct buf *, const struct host_spec *);

/* What distcc calls a host in its state files: of "ann@red" or "red:3633" it is "red". */
struct str host_called(struct str address);

#endif
