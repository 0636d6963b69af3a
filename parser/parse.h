/* parse: text to tree. Each function in parse.c is headed by its production of grammar/edccfile.ebnf. */
#ifndef PARSER_PARSE_H
#define PARSER_PARSE_H

#include "base/diag.h"
#include "parser/ast.h"

/* Deepest nesting of bodies, of $( ) and of parentheses in conditions. */
#define PARSE_DEPTH_LIMIT 100
/* Most comparisons in one condition, so that its tree may be walked recursively. */
#define PARSE_TERMS_LIMIT 1000

/* Reads the source into a tree in the arena. Never NULL; what is wrong is filed, and the tree holds what could be read. */
struct tree *parse_source(struct arena *, uint32_t source, struct diags *);

/* The tokens and the tree as text, one a line, for tests and `edcc check --print`. */
struct str parse_print_tokens(struct arena *, uint32_t source, struct diags *);
struct str parse_print_tree(struct arena *, const struct sources *, const struct tree *);

#endif
