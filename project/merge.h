/* merge: blocks of the same word and name become one, and its body typed settings. */
#ifndef PROJECT_MERGE_H
#define PROJECT_MERGE_H

#include "project/collect.h"

/* Most settings that a block kind may have: its structure's `given` has a bit for each. */
#define MERGE_SETTINGS 64

/* One of the blocks that a merged one is made of. */
struct part_of {
	struct part_of *next;
	const struct placed *placed;
};

struct merged {
	struct str name; /* a build's with its instance's: "zstd.compile" */
	struct part_of first; /* and after it the others, in file order */
	struct part_of *last; /* NULL where there is only the first */
};

/* An item of a merged body that is no setting: a rule, a recipe, an artifact line. */
struct kept {
	struct kept *next;
	const struct item *item;
	const struct context *context;
};

/* All blocks of a file: those of one kind in the order of first appearance. */
struct merges {
	struct merged *list[BLOCK_COUNT];
	uint32_t count[BLOCK_COUNT];
	struct map names[BLOCK_COUNT]; /* name → its place in the list, counted from 1, as a pointer */
	const void *defaults[BLOCK_COUNT]; /* the structure of a block that gives nothing; made at its first use */
	const struct placed *provider; /* the first provider block; NULL where there is none */
};

void merge_blocks(struct loader *, struct merges *);
/* Fills the block's structure (schema->size bytes): what the file gives, else the defaults. The rest of the body, in file order, in *kept. Merged may be NULL: all defaults. */
void merge_settings(
	struct loader *, struct merges *, const struct block_schema *, const struct merged *, void *settings, struct kept **kept);
/* The only block of its kind and name; NULL where there is none. */
const struct merged *merge_only(const struct merges *, enum block_id);
/* The header of the first of its blocks. */
struct span merge_header(const struct merged *);
/* Where a setting is given, for an error about it; SPAN_NONE where it is not. */
struct span merge_span(const struct loader *, const struct merged *, const char *setting);

#endif
