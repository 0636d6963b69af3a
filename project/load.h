/* load: what project_load knows while it works, and the reading of the Edccfile and of what it includes. */
#ifndef PROJECT_LOAD_H
#define PROJECT_LOAD_H

#include "base/arena.h"
#include "base/suggest.h"
#include "parser/ast.h"
#include "project/project.h"

/* Deepest chain of includes. */
#define INCLUDE_DEPTH_LIMIT 50
/* At least as many as habits.c knows. */
#define HABIT_LIMIT 128

enum unit_kind {
	UNIT_FILE,
	UNIT_STANDARD, /* of the standard library */
	UNIT_FETCHED, /* by https */
};

/* A text that was read, parsed and checked once, however often it is included. */
struct unit {
	enum unit_kind kind;
	struct str name; /* its path, "std/gcc" or its URL */
	const struct tree *tree;
};

/* An override, and whether anything took it. */
struct given {
	const struct override *override;
	bool used;
};

struct loader {
	struct arena *arena; /* the project's */
	struct arena scratch; /* trees and bindings: until project_load ends */
	struct sources *sources;
	struct diags *diags;
	const struct project_options *options;
	const struct project_files *files;
	struct str dir; /* of the Edccfile; absolute */
	struct str cache; /* where fetched texts are kept; none where they are not */
	struct map units; /* its name, or the hash of one that was fetched → struct unit * */
	struct input *inputs;
	uint32_t input_count;
	bool incomplete; /* a text could not be read or parsed: names may be missing that are there */

	struct space **spaces; /* spaces[0] is the file's */
	uint32_t space_count;
	struct placed *blocks; /* in file order once all is collected */
	uint32_t block_count;
	bool vague; /* a branch that cannot be decided has builds or includes: a name that is not found may be there */
	struct pending *pending; /* conditionals that are still to be decided, in file order */
	struct pending **pending_end; /* NULL where there are none */
	bool deciding; /* what is unconditional is collected */
	struct untaken *untaken; /* bodies that are not evaluated: their names are checked all the same */
	struct map givens; /* "workers", "zstd.flags" → struct given * */

	struct expander *expander;
	struct evaluator *evaluator;
	const struct value *it; /* the word that $(map …) is at */
	struct span condition; /* what is evaluated is evaluated for this one; none after the last is decided */
	bool habits[HABIT_LIMIT]; /* what habits.c has said already */
};

/* Reads and parses the Edccfile. NULL on an error (filed). */
const struct unit *load_edccfile(struct loader *);
/* Reads, parses and checks what the include names. NULL on an error (filed). */
const struct unit *load_include(struct loader *, const struct include *, const struct unit *from);
/* Reads a text beside the Edccfile, as a source of its own among the project's inputs. 0 on an error, a sentence in *error. */
uint32_t load_text(struct loader *, struct str path, struct str *error);
/* The variable's value in the operator's environment; none where it is not set. */
struct str load_environment(const struct loader *, struct str name);
/* `path` as seen from `dir`; itself where it is absolute. Without "." and, where they can be taken out, "..". */
struct str load_join(struct arena *, struct str dir, struct str path);
/* Whether a relative path that load_join has cleaned leads out of its folder; an absolute one does. */
bool load_leads_out(struct str path);

/* The text of a span. */
struct str load_span(const struct loader *, struct span);

#endif
