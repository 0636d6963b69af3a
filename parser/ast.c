#include "parser/ast.h"

static const char *const item_names[] = {
#define X(name, text) text,
	ITEM_KINDS(X)
#undef X
};

static const char *const operator_texts[] = {
#define X(name, text) text,
	OPERATORS(X)
#undef X
};

static const char *const condition_texts[] = {
#define X(name, text) text,
	CONDITION_KINDS(X)
#undef X
};

const char *
item_kind_name(enum item_kind kind)
{
	return item_names[kind];
}

const char *operator_text(enum operator op)
{
	return operator_texts[op];
}

const char *
condition_text(enum condition_kind kind)
{
	return condition_texts[kind];
}
