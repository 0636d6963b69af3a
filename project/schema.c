#include "project/schema.h"

#include "base/arena.h"

/* settings_of_network[] and its like. */
#define BLOCK(id, word, name, repeat, doc) static const struct setting_schema settings_of_##id[] = {
#define SETTING(id, name, type, fallback, doc) {#name, SETTING_##type, fallback, doc, "", offsetof(struct id##_settings, name)},
#define CHOICE(id, name, fallback, choices, doc) \
	{#name, SETTING_CHOICE, fallback, doc, choices, offsetof(struct id##_settings, name)},
#define END(id)                                   \
	{                                         \
		NULL, SETTING_TEXT, "", "", "", 0 \
	}                                         \
	}                                         \
	;
#include "project/schema.def"
#undef BLOCK
#undef SETTING
#undef END

#define NAMING_NONE BLOCK_NAME_NONE, ""
#define NAMING_OPTIONAL BLOCK_NAME_OPTIONAL, ""
#define NAMING_REQUIRED BLOCK_NAME_REQUIRED, ""
#define NAMING_LISTED(names) BLOCK_NAME_LISTED, names
#define REPEAT_MERGE true
#define REPEAT_EACH false

const struct block_schema block_schemas[BLOCK_COUNT] = {
#define BLOCK(id, word, name, repeat, doc) \
	{BLOCK_##id, word, NAMING_##name, REPEAT_##repeat, doc, settings_of_##id, sizeof(struct id##_settings)},
#define SETTING(id, name, type, fallback, doc)
#define END(id)
#include "project/schema.def"
#undef BLOCK
#undef SETTING
#undef END
};

static const struct {
	const char *expects, *example;
} types[] = {
#define TYPE(name, c_type, expects, example) {expects, example},
	SETTING_TYPES(TYPE)
#undef TYPE
};

bool
schema_listed(const char *list, struct str word)
{
	struct str rest = str_from(list), piece;

	while (str_split(&rest, ' ', &piece))
		if (word.n && str_eq(piece, word))
			return true;
	return false;
}

const struct block_schema *
schema_block(struct str word, struct str name)
{
	for (size_t i = 0; i < BLOCK_COUNT; i++) {
		const struct block_schema *schema = &block_schemas[i];
		if (str_is(word, schema->word) && (schema->naming != BLOCK_NAME_LISTED || schema_listed(schema->names, name)))
			return schema;
	}
	return NULL;
}

const struct setting_schema *
schema_setting(const struct block_schema *block, struct str name)
{
	for (const struct setting_schema *setting = block->settings; setting->name; setting++)
		if (str_is(name, setting->name))
			return setting;
	return NULL;
}

struct str
schema_list(struct arena *arena, const char *list)
{
	struct buf out = buf_new(arena);
	struct str rest = str_from(list), piece;

	while (str_split(&rest, ' ', &piece)) {
		if (out.n)
			buf_add_c(&out, rest.s ? ", " : " or ");
		buf_add(&out, piece);
	}
	return buf_str(&out);
}

struct str
schema_expects(struct arena *arena, const struct setting_schema *setting)
{
	if (setting->type == SETTING_CHOICE)
		return schema_list(arena, setting->choices);
	return str_from(types[setting->type].expects);
}

const char *
schema_example(const struct setting_schema *setting)
{
	return types[setting->type].example;
}
