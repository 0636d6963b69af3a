/* parser: what the parts of the parser share. */
#ifndef PARSER_PARSER_H
#define PARSER_PARSER_H

#include "parser/lex.h"
#include "parser/parse.h"

struct parser {
	struct arena *arena;
	struct diags *diags;
	struct lexer lex;
	unsigned terms; /* of the condition that is being read */
	unsigned depth; /* of bodies, then of a condition's parentheses */
	const struct block *headed; /* the block whose body was last looked for and not found */
	bool unindented; /* a line in its column has been filed as one of its body */
};

/* A body that is being read. */
struct body {
	uint32_t start, indent; /* of its first line */
	uint32_t header_start, header_indent; /* of the line above it */
	bool branch; /* of an if: an else may follow it */
	/* Reads one line, all it takes; NULL where it files an error. */
	struct item *(*line)(struct parser *, const struct body *);
};

/* Which lines a body takes. */
struct item *parse_file_line(struct parser *, const struct body *);
struct item *parse_setting_line(struct parser *, const struct body *);
struct item *parse_step_line(struct parser *, const struct body *);
struct item *parse_artifact_line(struct parser *, const struct body *);

struct item *parse_definition(struct parser *, const struct head *);
struct item *parse_conditional(struct parser *, const struct body *);
/* Reads from the current token on; `test` reads what may stand in place of a comparison. NULL where an error is filed (p->lex.failed). */
struct condition *parse_condition(struct parser *, struct condition *(*test)(struct parser *));
struct condition *parse_if_test(struct parser *);
struct condition *parse_rule_test(struct parser *);

void *parse_item(struct parser *, size_t size, enum item_kind, struct span);
/* Files an error for a line that fits nowhere, and leaves it with the deeper lines below. Returns NULL. */
struct item *parse_unknown_line(struct parser *, const char *expected, bool file);
/* Takes the end of the line; files what else stands there. */
bool parse_line_end(struct parser *, const char *after, const char *hint);
/* How to name a token in a message: 'text', or "the end of the line". */
struct str parse_met(struct parser *, struct token);
/* The offset after the letters, digits, - and _ from `at` on. */
uint32_t parse_label_end(const char *text, uint32_t at, uint32_t end);
/* Files an indentation that is another mix of tabs and spaces than the other one. */
void parse_mixed_indent(struct parser *, struct span indent, struct span other, const char *of_other);
bool parse_is_word(const struct parser *, struct token, const char *word);

#endif
