/* collect: definitions and blocks of the Edccfile and of what it includes, brought together by scope. Conditions are decided here, in file order. */
#ifndef RUNTIME_COLLECT_H
#define RUNTIME_COLLECT_H

#include "runtime/load.h"

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
	struct addition *next; /* in file order */
	const struct definition *definition;
	const struct context *context;
};

enum binding_state {
	BINDING_FRESH,
	BINDING_ACTIVE, /* it is being evaluated: who needs it now stands in a cycle */
	BINDING_DONE,
};

/* What gives a variable or a setting its value. */
struct binding {
	const struct definition *definition; /* the =, or the ?= that counts where there is none; NULL where there is neither */
	const struct context *context; /* of the definition */
	struct addition *additions;
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
	const struct context *context; /* of an instance: where its include stands */
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

struct placed {
	const struct block *block;
	const struct context *context;
};

/* A branch whose names are checked, for it may not have been evaluated. */
struct untaken {
	struct untaken *next;
	const struct item *body; /* NULL where it is taken: then only its condition is checked */
	const struct condition *condition;
	const struct context *context;
};

/* Collects the Edccfile and all it includes. */
void collect_all(struct loader *, const struct unit *);
/* Holds the overrides against what was collected. */
void collect_check(struct loader *);
/* Adds a definition to what gives the name its value; files an error for a second =. */
void collect_bind(struct loader *, struct binding *, const struct definition *, const struct context *);
/* The body of the branch that is taken, NULL where none is; *undecided where that cannot be said. The other branches are put down as not taken. */
const struct item *collect_branch(struct loader *, const struct conditional *, const struct context *, bool *undecided);

/* The place of the name's variable in the space, counted from 1; 0 where it has none. */
uint32_t space_find(const struct space *, struct str name);
/* "zstd.compile" for compile in zstd; the name itself in the file's. */
struct str space_qualify(struct arena *, const struct space *, struct str name);
/* Whether a in context ca stands before b in cb, in the order of the files as if each were written out at its include. */
bool context_before(const struct context *ca, uint32_t a, const struct context *cb, uint32_t b);

#endif
