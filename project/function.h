/* function: the built-in functions, $(name arguments). */
#ifndef PROJECT_FUNCTION_H
#define PROJECT_FUNCTION_H

#include "project/eval.h"

struct call;

struct function {
	struct str name;
	unsigned fewest, most; /* arguments; most 0: any number */
	const char *usage;
	const char *doc;
	void (*run)(struct call *);
};

/* The functions in the order of function.def, ended by one without a name. */
extern const struct function functions[];

/* NULL where there is none. */
const struct function *function_find(struct str name);
/* The value of $(name arguments). What is wrong is filed, and the value is then unknown. */
struct value function_call(struct loader *, const struct part *, const struct space *);

#endif
