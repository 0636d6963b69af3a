/* schema: which blocks and settings there are, as tables and as typed structures; both from schema.def. */
#ifndef PROJECT_SCHEMA_H
#define PROJECT_SCHEMA_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* TYPE(name, C type, what it expects as said in an error, an example) */
#define SETTING_TYPES(TYPE)                                                                       \
	TYPE(TEXT, struct str, "text", "hello")                                                   \
	TYPE(WORDS, struct words, "words", "a b c")                                               \
	TYPE(COUNT, int64_t, "a whole number from 1 to 1000", "4")                                \
	TYPE(NICENESS, int64_t, "a whole number from 0 to 19", "5")                               \
	TYPE(YESNO, bool, "yes or no", "yes")                                                     \
	TYPE(DURATION, int64_t, "a duration", "20m") /* milliseconds */                           \
	TYPE(TIMEOUT, int64_t, "a duration", "20m") /* milliseconds, never 0 */                   \
	TYPE(SIZE, int64_t, "a size", "20G") /* bytes */                                          \
	TYPE(RANGES, struct words, "addresses and address ranges", "203.0.113.0/24")              \
	TYPE(PORT, int64_t, "a port from 1 to 65535", "3632")                                     \
	TYPE(VERSION, struct str, "a version", "12.2")                                            \
	TYPE(PATH, struct str, "a path", "build/out")                                             \
	TYPE(MONEY, int64_t, "an amount of US dollars", "2.50") /* millionths of a dollar */      \
	TYPE(NETWORK, struct str, "an address range or the id of one that exists", "10.0.0.0/16") \
	TYPE(SHARE, int64_t, "yes, no or a percentage", "25%") /* percent: yes 100, no 0 */       \
	TYPE(CHOICE, struct str, "", "")

enum setting_type {
#define TYPE(name, c_type, expects, example) SETTING_##name,
	SETTING_TYPES(TYPE)
#undef TYPE
};

#define TYPE(name, c_type, expects, example) typedef c_type setting_##name; /* for the structures below only */
SETTING_TYPES(TYPE)
#undef TYPE

/* struct network_settings { … struct str vpc; … }: a setting that is not given and has no default is zero (its pointer NULL). `given` has a bit for each
 * setting, in the order of schema.def, that the file itself gives. */
#define BLOCK(id, word, name, repeat, doc) \
	struct id##_settings {             \
		uint64_t given;
#define SETTING(id, name, type, fallback, doc) setting_##type name;
#define END(id) \
	}       \
	;
#include "project/schema.def"
#undef BLOCK
#undef SETTING
#undef END

/* GIVEN(build, timeout): the setting's bit in `given`. */
#define GIVEN(id, name) (UINT64_C(1) << GIVEN_##id##_##name)
#define BLOCK(id, word, name, repeat, doc) enum {
#define SETTING(id, name, type, fallback, doc) GIVEN_##id##_##name,
#define END(id)            \
	GIVEN_##id##_COUNT \
	}                  \
	;
#include "project/schema.def"
#undef BLOCK
#undef SETTING
#undef END

enum block_id {
#define BLOCK(id, word, name, repeat, doc) BLOCK_##id,
#define SETTING(id, name, type, fallback, doc)
#define END(id)
#include "project/schema.def"
#undef BLOCK
#undef SETTING
#undef END
	BLOCK_COUNT
};

struct setting_schema {
	const char *name;
	enum setting_type type;
	const char *fallback; /* as written in an Edccfile, "" for none */
	const char *doc; /* without the choices */
	const char *choices; /* of a CHOICE: "auto yes no" */
	size_t offset; /* in the block's structure */
};

enum block_naming {
	BLOCK_NAME_NONE,
	BLOCK_NAME_OPTIONAL,
	BLOCK_NAME_REQUIRED,
	BLOCK_NAME_LISTED,
};

struct block_schema {
	enum block_id id;
	const char *word;
	enum block_naming naming;
	const char *names; /* of BLOCK_NAME_LISTED: "gcc clang" */
	bool merges;
	const char *doc;
	const struct setting_schema *settings; /* ended by a NULL name */
	size_t size; /* of the structure */
};

extern const struct block_schema block_schemas[BLOCK_COUNT];

/* The schema of `word name:`, or NULL where there is none. */
const struct block_schema *schema_block(struct str word, struct str name);
const struct setting_schema *schema_setting(const struct block_schema *, struct str name);
/* Whether the word is one of a list such as "auto yes no". */
bool schema_listed(const char *list, struct str word);
/* The list as a sentence has it: "auto, yes or no". */
struct str schema_list(struct arena *, const char *list);
/* "a duration", "auto, yes or no": what the setting expects, for errors and documentation. */
struct str schema_expects(struct arena *, const struct setting_schema *);
const char *schema_example(const struct setting_schema *);

#endif
