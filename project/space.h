/* space: a scope while it is collected, the file's or an instance's: its variables and what gives each its value. */
#ifndef PROJECT_SPACE_H
#define PROJECT_SPACE_H

#include "project/load.h"

/* A text at the place where it is included. */
struct context {
	const struct context *parent; /* where it is included; NULL for the Edccfile */
	uint32_t offset, length; /* of the include there */
	uint32_t depth; /* how many includes lead here */
	const struct unit *unit;
	struct space *space; /* what its definitions go into and its names are looked up in */
};

/* One `+=`. */
struct addition {
	struct addition *next; /* in file order; the last one's is the first */
	const struct definition *definition;
	const struct context *context;
};

enum binding_state {
	BINDING_FRESH,
	BINDING_ACTIVE, /* it is being evaluated: who needs it now stands in a cycle */
	BINDING_DONE,
};

/* The additions of a binding in order: `for (a = addition_next(b, NULL); a; a = addition_next(b, a))`. */
struct binding;
const struct addition *addition_next(const struct binding *, const struct addition *);

/* What gives a variable or a setting its value. */
struct binding {
	const struct definition *definition; /* the =, or the ?= that counts where there is none; NULL where there is neither */
	const struct context *context; /* of the definition */
	struct addition *additions; /* the last one; NULL where there is none */
	bool set; /* there is a = */
	bool fallback; /* there is a ?= */
	bool parameter; /* the = stands under include … as */
	bool undecided; /* something in a branch that cannot be decided gives it a value */
	uint8_t state; /* enum binding_state */
};

/* A scope while it is collected: the file's, or an instance's. */
struct space {
	struct space *parent;
	uint32_t index; /* in loader.spaces */
	struct str name; /* "zstd"; empty for the file's */
	const struct include *include; /* of an instance */
	struct map names; /* name → place of its variable, counted from 1, as a pointer */
	struct variable *variables;
	struct binding *bindings; /* one each */
	uint32_t count, capacity;
	struct map included; /* keys of the units that were included plainly */
	struct map instances; /* name → struct space * */
	struct map ghosts; /* names defined in branches that are not taken → the definition */
	bool blurred; /* a branch that is not taken includes something: there, any name may be defined */
	bool uncertain; /* a branch that cannot be decided includes something: any name may be defined */
	struct map *missing; /* names that a condition has not found here → struct span *, the condition */
};

struct space *space_new(struct loader *, struct space *parent);
/* Makes room for `more` variables, so that many definitions grow nothing one by one. */
void space_reserve(struct loader *, struct space *, uint32_t more);
/* The place of the name's variable in the space, counted from 1; 0 where it has none. */
uint32_t space_find(const struct space *, struct str name);
/* The same, with a new variable where it has none. */
uint32_t space_at(struct loader *, struct space *, struct str name);
/* "zstd.compile" for compile in zstd; the name itself in the file's. */
struct str space_qualify(struct arena *, const struct space *, struct str name);

#endif
