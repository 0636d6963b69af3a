/* ast: the tree of one Edccfile. Values are not in it: a value is a span, read part by part with value.h wherever it is needed, so that a file of
 * 100,000 lines takes little more memory than its text. */
#ifndef PARSER_AST_H
#define PARSER_AST_H

#include "base/source.h"

#include <stdbool.h>
#include <stdint.h>

enum item_kind {
	ITEM_COMMENT, /* a line, or several that follow each other, of comments */
	ITEM_DEFINITION, /* also a setting in a block, and a parameter under `include … as` */
	ITEM_INCLUDE,
	ITEM_BLOCK,
	ITEM_IF,
	ITEM_RULE, /* build_success when … */
	ITEM_ARTIFACT, /* PATTERN -> DESTINATION */
	ITEM_RECIPE,
};

/* What every item begins with; `kind` says which of the structures below it is. */
struct item {
	struct item *next; /* in the same body, in file order */
	struct span span; /* from its first character to its last, without a trailing comment; a block's is its header only */
	uint8_t kind; /* enum item_kind */
	bool blank_before; /* an empty line stands before it: the formatter keeps one */
};

#define OPERATORS(X)     \
	X(SET, "=")      \
	X(DEFAULT, "?=") \
	X(ADD, "+=")

enum operator{
#define X(name, text) OP_##name,
	OPERATORS(X)
#undef X
};

struct definition {
	struct item item;
	uint8_t op; /* enum operator */
	bool secret;
	struct span name;
	struct span value; /* may be empty */
};

struct include {
	struct item item;
	struct span target; /* "std/gcc", "./x.edcc", "https://…" */
	struct span hash; /* the hexadecimal digits after "sha256:"; length 0 where there are none */
	struct span as; /* the instance's name; length 0 where it is a plain include */
	struct item *body; /* parameters: definitions, comments, ifs */
};

struct block {
	struct item item;
	struct span kind; /* "build"; any word: which kinds there are is the checker's business */
	struct span name; /* "test"; length 0 where there is none */
	struct span needs; /* a value: the prerequisites; length 0 where there are none */
	struct item *body;
	uint32_t end; /* offset of the line after the body */
	uint32_t faults; /* errors filed while the body was read */
};

#define CONDITION_KINDS(X)     \
	X(OR, "or")            \
	X(AND, "and")          \
	X(NOT, "not")          \
	X(EQUAL, "==")         \
	X(UNEQUAL, "!=")       \
	X(LESS, "<")           \
	X(LESS_EQUAL, "<=")    \
	X(GREATER, ">")        \
	X(GREATER_EQUAL, ">=") \
	X(MATCHES, "~")        \
	X(MATCHES_NOT, "!~")   \
	X(IN, "in")            \
	X(DEFINED, "defined")  \
	X(FILE, "file") /* only in a verdict rule */

enum condition_kind {
#define X(name, text) CONDITION_##name,
	CONDITION_KINDS(X)
#undef X
};

struct condition {
	enum condition_kind kind;
	struct span span;
	struct condition *left, *right; /* of or, and; left only, of not */
	struct span a,
		b; /* operands, as values: b is the right-hand side, a list after `in`, a regex literal after ~; `defined` and `file` have only a */
};

struct branch {
	struct branch *next;
	struct condition *condition; /* NULL: else */
	struct item *body;
	struct span span; /* of the header */
	bool blank_before;
};

struct conditional {
	struct item item;
	struct branch *branches;
};

/* `build_success when exit in 0 77`: the names exit, output and time in the condition are the step's own. */
struct rule {
	struct item item;
	bool success;
	struct condition *condition;
};

struct artifact {
	struct item item;
	struct span patterns; /* a value: one glob or more */
	struct span destination; /* a value */
	struct span when; /* build_success, build_failed or always; length 0 where there is none */
};

struct recipe {
	struct item item; /* its span covers whole lines, from the first one's indentation to the last one's end */
	uint32_t indent; /* bytes of indentation that the first line has, taken off each line */
};

struct tree {
	uint32_t source;
	struct item *items;
};

/* A recipe's script: its lines without the first one's indentation, separated by newlines alone; a slice of the source where there is one. */
struct str recipe_text(struct arena *, const struct sources *, const struct recipe *);

const char *operator_text(enum operator);
const char *condition_text(enum condition_kind);

#endif
