/* format: the one canonical layout. */
#ifndef PARSER_FORMAT_H
#define PARSER_FORMAT_H

#include "parser/ast.h"

struct arena;

/* The source of a tree that was read without errors, laid out canonically. Formatting the result again changes nothing; recipes and comments keep their text. */
struct str format_tree(struct arena *, const struct sources *, const struct tree *);

/* A unified diff of two texts, three lines of context; empty where they are equal. */
struct str format_diff(struct arena *, struct str name, struct str before, struct str after);

#endif
