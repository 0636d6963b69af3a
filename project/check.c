#include "project/check.h"

#include "base/arena.h"
#include "base/suggest.h"
#include "parser/value.h"
#include "project/function.h"
#include "project/name.h"
#include "project/schema.h"

#include <string.h>

struct checker {
	struct arena *arena; /* scratch */
	struct diags *diags;
	const struct block *block; /* the one that is checked; NULL outside of blocks */
	const struct block_schema *schema; /* of it; NULL where its kind is not known */
};

static void check_items(struct checker *, const struct item *);

static struct str
text_of(const struct checker *c, struct span span)
{
	return span.length ? source_text(c->diags->sources, span) : STR("");
}

/* What make's functions are called here, or what is done in their place. */
static const struct {
	const char *name, *hint;
} make_functions[] = {
	{"abspath", "write $(shell realpath -s PATHS)"},
	{"addprefix", "write $(map PREFIX$(it), WORDS)"},
	{"addsuffix", "write $(map $(it)SUFFIX, WORDS)"},
	{"call", "there are no functions of one's own: `include ./x.edcc as NAME:` gives a snippet its parameters"},
	{"dir", "write $(dirname PATHS)"},
	{"error", "a recipe can fail with a message: build_failed MESSAGE"},
	{"eval", "every name has its one definition; `if CONDITION:` chooses among several"},
	{"firstword", "write $(first WORDS)"},
	{"foreach", "write $(map TEXT, WORDS); $(it) in TEXT is the word"},
	{"if", "write `if CONDITION:` and indent the definitions, or $(default VALUE, OTHER)"},
	{"info", "`edcc vars` prints every value"},
	{"lastword", "write $(last WORDS)"},
	{"notdir", "write $(basename PATHS)"},
	{"patsubst", "write $(replace /\\.c$/, .o, WORDS)"},
	{"realpath", "write $(shell realpath PATHS)"},
	{"strip", "a value is words: white space around them does not count"},
	{"subst", "write $(replace /FROM/, TO, WORDS)"},
	{"wildcard", "write $(glob PATTERN…)"},
	{"wordlist", "write $(word N, WORDS) for one word"},
};

static void
report_function(struct checker *c, const struct part *part)
{
	struct diag *diag = diag_error(c->diags, part->span, "unknown function '%.*s'", STR_ARG(part->text));
	struct suggest suggest = suggest_for(part->text);

	for (size_t i = 0; i < sizeof make_functions / sizeof *make_functions; i++) {
		if (str_is(part->text, make_functions[i].name)) {
			diag_hint(diag, "%s", make_functions[i].hint);
			return;
		}
	}
	for (const struct function *known = functions; known->name.s; known++)
		suggest_offer(&suggest, known->name);
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "`edcc help functions` lists those that there are");
}

static void check_value(struct checker *, struct span, enum value_mode);

static void
check_call(struct checker *c, const struct part *part)
{
	const struct function *function = function_find(part->text);
	enum value_mode mode = value_function_mode(part->text);
	struct span rest = part->inner, argument;
	unsigned count = 0;
	struct diag *diag;

	for (; value_argument(c->diags->sources, mode, &rest, &argument); mode = VALUE_WORDS) {
		check_value(c, argument, mode);
		count++;
	}
	if (!function) {
		report_function(c, part);
		return;
	}
	if (count < function->fewest || (function->most && count > function->most)) {
		diag = diag_error(c->diags, part->span, "'%.*s' takes %s%u argument%s, not %u", STR_ARG(function->name),
			function->fewest == function->most ? ""
			: count < function->fewest         ? "at least "
							   : "at most ",
			count < function->fewest ? function->fewest : function->most,
			(count < function->fewest ? function->fewest : function->most) == 1 ? "" : "s", count);
		diag_hint(diag, "%s: %s", function->usage, function->doc);
	}
}

/* The calls of a value. */
static void
check_value(struct checker *c, struct span value, enum value_mode mode)
{
	struct str text = text_of(c, value);
	struct value_cursor cursor;
	struct part part;

	if (!text.n || !memchr(text.s, '$', text.n))
		return;
	cursor = value_open(c->diags->sources, value, mode);
	while (value_next(&cursor, &part) != PART_END)
		if (part.kind == PART_CALL)
			check_call(c, &part);
}

static void
check_condition(struct checker *c, const struct condition *condition)
{
	for (; condition; condition = condition->left) {
		check_value(c, condition->a, VALUE_WORDS);
		check_value(c, condition->b, VALUE_REGEX_FIRST);
		check_condition(c, condition->right);
	}
}

/* What a verdict rule may ask of, with what it may be compared by. */
static bool
rule_fits(const struct checker *c, const struct condition *condition)
{
	struct str subject = text_of(c, condition->a);

	switch (condition->kind) {
	case CONDITION_MATCHES:
	case CONDITION_MATCHES_NOT:
		return str_is(subject, "output");
	case CONDITION_IN:
		return str_is(subject, "exit");
	case CONDITION_FILE:
		return true;
	case CONDITION_DEFINED:
		return false;
	default:
		return str_is(subject, "exit") || str_is(subject, "time");
	}
}

static void
check_rule(struct checker *c, const struct condition *condition)
{
	for (; condition; condition = condition->left) {
		if (condition->kind <= CONDITION_NOT) {
			check_rule(c, condition->right);
			continue;
		}
		check_value(c, condition->b, VALUE_REGEX_FIRST);
		if (condition->kind == CONDITION_FILE)
			check_value(c, condition->a, VALUE_WORDS);
		if (!rule_fits(c, condition)) {
			struct diag *diag = diag_error(c->diags, condition->span, "a verdict cannot be told from this");
			diag_hint(diag, "a rule asks: exit in 0 77, output ~ /^FAIL:/, file PATH, or time > 10m");
		}
	}
}

static void
check_name(struct checker *c, const struct definition *definition)
{
	struct str name = text_of(c, definition->name);

	if (name_is_reserved(name)) {
		struct diag *diag = diag_error(c->diags, definition->name, "'%.*s' is set by edcc", STR_ARG(name));
		if (str_is(name, "CC") || str_is(name, "CXX"))
			diag_hint(diag, "say which compiler in a block: compiler gcc:");
		else
			diag_hint(diag, "give the variable another name");
	}
}

/* The hint for a name that is no setting of this block: one that is near, else the blocks that have it, else what could be meant here. */
static void
hint_setting(const struct checker *c, struct str name, struct diag *diag)
{
	const struct block_schema *schema = c->schema;
	struct suggest suggest = suggest_for(name);
	struct buf homes = buf_new(c->arena);

	for (const struct setting_schema *setting = schema->settings; setting->name; setting++)
		suggest_offer(&suggest, str_from(setting->name));
	for (const struct setting_schema *setting = schema->settings; setting->name && !suggest.best.s; setting++)
		if (name.n > 2 && str_starts(str_from(setting->name), name))
			suggest.best = str_from(setting->name);
	if (suggest_hint(&suggest, diag))
		return;
	for (size_t i = 0; i < BLOCK_COUNT; i++) {
		const struct block_schema *other = &block_schemas[i];
		bool named = str_is(str_from(other->word), "provider");
		if (schema_setting(other, name))
			buf_printf(&homes, "%s'%s%s%s:'", homes.n ? " and " : "", other->word, named ? " " : "",
				named ? other->names : "");
	}
	if (homes.n)
		diag_hint(diag, "it is a setting of %.*s", STR_ARG(buf_str(&homes)));
	else if (schema->id == BLOCK_build || schema->id == BLOCK_on)
		diag_hint(diag, "a line of the recipe that sets a shell variable has no blanks: %.*s=…", STR_ARG(name));
	else if (schema->id == BLOCK_artifacts)
		diag_hint(diag, "its lines are PATTERN -> DESTINATION");
	else
		diag_hint(diag, "`edcc help %s` lists those that there are", schema->word);
}

static void
check_setting(struct checker *c, const struct definition *definition)
{
	struct str name = text_of(c, definition->name);
	struct diag *diag;

	check_value(c, definition->value, VALUE_WORDS);
	if (!c->schema)
		return;
	if (!schema_setting(c->schema, name)) {
		diag = diag_error(c->diags, definition->name, "unknown setting '%.*s' in %s", STR_ARG(name), c->schema->word);
		hint_setting(c, name, diag);
		diag_note(diag, c->block->item.span, "%s starts here", c->schema->word);
	} else if (definition->secret) {
		diag = diag_error(c->diags, definition->name, "a setting cannot be secret");
		diag_hint(diag, "give it a secret variable: secret NAME = …, then %.*s = $(NAME)", STR_ARG(name));
	}
}

/* The length of the setting's name in a line `NAME = …` whose NAME is one of the block's settings; 0 where it is anything else. */
static size_t
late_setting(const struct checker *c, struct str line)
{
	size_t name = str_find(line, ' ');
	struct str rest = str_trim(str_part(line, name, line.n));
	bool assigns = str_starts(rest, STR("= ")) || str_starts(rest, STR("?= ")) || str_starts(rest, STR("+= "));
	return assigns && schema_setting(c->schema, str_part(line, 0, name)) ? name : 0;
}

/* The length of a line `KIND:` or `KIND NAME:` that would begin a block; 0 where it is anything else. */
static size_t
inner_block(struct str line)
{
	struct str header = str_trim(line), rest, kind;
	size_t length = header.n;

	if (!str_ends(header, STR(":")) || header.s != line.s)
		return 0;
	rest = str_part(header, 0, length - 1);
	str_split(&rest, ' ', &kind);
	for (size_t i = 0; i < BLOCK_COUNT; i++)
		if (str_is(kind, block_schemas[i].word) && (rest.n || block_schemas[i].naming == BLOCK_NAME_NONE))
			return length;
	return 0;
}

/* Whether lines that follow may be in a quote or a here-document, which may hold anything. */
static bool
may_open_text(struct str line)
{
	size_t quotes[2] = {0, 0};

	for (size_t i = 0; i < line.n; i++) {
		quotes[0] += line.s[i] == '\'';
		quotes[1] += line.s[i] == '"';
	}
	return quotes[0] % 2 || quotes[1] % 2 || memmem(line.s, line.n, "<<", 2);
}

/* A setting or a block among a recipe's lines is a command to bash, and most likely meant for edcc. */
static void
check_recipe(struct checker *c, const struct recipe *recipe)
{
	struct span span = recipe->item.span;
	struct str text = text_of(c, span), all = text, line;

	while (c->schema && str_split(&text, '\n', &line) && !may_open_text(line)) {
		struct str body = str_part(line, recipe->indent, line.n);
		size_t name = late_setting(c, body), header = name ? 0 : inner_block(body);
		if (!name && !header)
			continue;
		struct span place = {span.source, span.offset + (uint32_t)(body.s - all.s), (uint32_t)(name + header)};
		struct diag *diag = diag_warning(c->diags, place, "a %s; here bash runs it as a command",
			name ? "setting stands before the recipe" : "block does not stand in another one's body");
		if (name)
			diag_hint(diag, "move the line up to the settings of this %s", c->schema->word);
		else
			diag_hint(diag, "write it in the column where this %s begins", c->schema->word);
		diag_note(diag, c->block->item.span, "%s starts here", c->schema->word);
	}
}

static void
check_if(struct checker *c, const struct conditional *conditional)
{
	for (const struct branch *branch = conditional->branches; branch; branch = branch->next) {
		check_condition(c, branch->condition);
		check_items(c, branch->body);
	}
}

/* A name that a build or a group of instances may have: it stands in paths and before a dot. */
static bool
is_plain_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", name.s[i]) || !name.s[i])
			return false;
	return name.n > 0;
}

static void
check_block_name(struct checker *c, const struct block *block, const struct block_schema *schema)
{
	struct str name = text_of(c, block->name);
	struct diag *diag;

	if (schema->naming == BLOCK_NAME_NONE && name.n) {
		diag = diag_error(c->diags, block->name, "%s takes no name", schema->word);
		diag_hint(diag, "write %s:", schema->word);
	} else if (schema->naming == BLOCK_NAME_REQUIRED && !name.n) {
		struct str after = text_of(c, block->needs);
		diag = diag_error(c->diags, block->item.span, "%s needs a name", schema->word);
		diag_hint(diag, "write %s %.*s:", schema->word, STR_ARG(is_plain_name(after) ? after : STR("NAME")));
	} else if ((schema->naming == BLOCK_NAME_REQUIRED || schema->naming == BLOCK_NAME_OPTIONAL) && name.n &&
		   !is_plain_name(name)) {
		diag = diag_error(c->diags, block->name, "'%.*s' cannot be a name", STR_ARG(name));
		diag_hint(diag, "a name is made of letters, digits, _ and -");
	}
	if (block->needs.length && schema->id != BLOCK_build) {
		diag = diag_error(c->diags, block->needs, "only a build has prerequisites");
		diag_hint(diag, "settings stand on lines of their own, below %s:", schema->word);
	}
}

/* Files that there is no such block, or no block of that kind with such a name. */
static void
report_kind(struct checker *c, const struct block *block)
{
	struct str kind = text_of(c, block->kind), name = text_of(c, block->name);
	struct suggest of_kind = suggest_for(kind), of_name = suggest_for(name);
	struct buf names = buf_new(c->arena);
	struct diag *diag;

	for (size_t i = 0; i < BLOCK_COUNT; i++) {
		suggest_offer(&of_kind, str_from(block_schemas[i].word));
		struct str rest = str_from(block_schemas[i].names), known;
		while (str_is(kind, block_schemas[i].word) && str_split(&rest, ' ', &known)) {
			suggest_offer(&of_name, known);
			buf_printf(&names, "%s%.*s %.*s:", names.n ? " or " : "", STR_ARG(kind), STR_ARG(known));
		}
	}
	if (!names.n) {
		uint32_t body = block->item.span.offset + block->item.span.length;
		/* The parser has read its body as settings, for want of knowing better. */
		diag_forget(c->diags, (struct span){block->kind.source, body, block->end - body}, block->faults);
		diag = diag_error(c->diags, block->kind, "unknown block '%.*s'", STR_ARG(kind));
		if (suggest_hint(&of_kind, diag))
			;
		else if (block->needs.length && !block->body && !block->faults)
			diag_hint(diag, "a value is given with =: %.*s = %.*s", STR_ARG(kind), STR_ARG(text_of(c, block->needs)));
		else
			diag_hint(diag, "a step is written `build %.*s:`; `edcc help blocks` lists the blocks", STR_ARG(kind));
	} else if (!name.n) {
		struct str after = text_of(c, block->needs);
		diag = diag_error(c->diags, block->kind, "which %.*s?", STR_ARG(kind));
		if (schema_block(kind, after))
			diag_hint(diag, "write %.*s %.*s:", STR_ARG(kind), STR_ARG(after));
		else
			diag_hint(diag, "write %.*s", STR_ARG(buf_str(&names)));
	} else {
		diag = diag_error(c->diags, block->name, "unknown %.*s '%.*s'", STR_ARG(kind), STR_ARG(name));
		if (!suggest_hint(&of_name, diag))
			diag_hint(diag, "write %.*s", STR_ARG(buf_str(&names)));
	}
}

static void
check_block(struct checker *c, const struct block *block)
{
	const struct block_schema *schema = schema_block(text_of(c, block->kind), text_of(c, block->name));
	struct checker inner = {c->arena, c->diags, block, schema};

	if (c->block) {
		struct diag *diag = diag_error(c->diags, block->item.span, "a block cannot stand in a block");
		if (c->schema)
			diag_note(diag, c->block->item.span, "%s starts here", c->schema->word);
		return;
	}
	if (schema)
		check_block_name(c, block, schema);
	else
		report_kind(c, block);
	check_value(c, block->needs, VALUE_WORDS);
	check_items(&inner, block->body);
}

static void
check_artifact(struct checker *c, const struct artifact *artifact)
{
	check_value(c, artifact->patterns, VALUE_WORDS);
	check_value(c, artifact->destination, VALUE_WORDS);
	if (artifact->when.length && !schema_listed("build_success build_failed always", text_of(c, artifact->when))) {
		struct diag *diag =
			diag_error(c->diags, artifact->when, "unknown verdict '%.*s'", STR_ARG(text_of(c, artifact->when)));
		diag_hint(diag, "write when build_success, when build_failed or when always");
	}
}

/* A thing that stands where only others may. */
static void
misplaced(struct checker *c, const struct item *item, bool right, const char *home)
{
	struct diag *diag;

	if (right || (c->block && !c->schema))
		return;
	diag = diag_error(
		c->diags, item->span, "this cannot stand %s%s", c->block ? "in " : "here", c->block ? c->schema->word : "");
	diag_hint(diag, "its place is %s", home);
}

/* A setting below a header without a body, in the header's column, is a variable that nothing uses. */
static void
check_indented(struct checker *c, const struct item *above, const struct definition *definition)
{
	const struct block *block = (const struct block *)above;
	struct str name = text_of(c, definition->name);

	if (!above || above->kind != ITEM_BLOCK || block->body || definition->item.blank_before)
		return;
	const struct block_schema *schema = schema_block(text_of(c, block->kind), text_of(c, block->name));
	if (!schema || !schema_setting(schema, name))
		return;
	struct diag *diag = diag_warning(
		c->diags, definition->name, "'%.*s' is no setting of %s here, but a variable", STR_ARG(name), schema->word);
	diag_hint(diag, "indent what belongs to the block; an empty line above says that it does not");
	diag_note(diag, above->span, "%s starts here", schema->word);
}

static void
check_items(struct checker *c, const struct item *items)
{
	const struct item *above = NULL;
	bool build = c->schema && c->schema->id == BLOCK_build, on = c->schema && c->schema->id == BLOCK_on;

	for (const struct item *item = items; item; above = item, item = item->next) {
		switch ((enum item_kind)item->kind) {
		case ITEM_DEFINITION:
			if (c->block) {
				check_setting(c, (const struct definition *)item);
				break;
			}
			check_name(c, (const struct definition *)item);
			check_indented(c, above, (const struct definition *)item);
			check_value(c, ((const struct definition *)item)->value, VALUE_WORDS);
			break;
		case ITEM_INCLUDE:
			misplaced(c, item, !c->block, "outside of blocks");
			check_items(c, ((const struct include *)item)->body);
			break;
		case ITEM_BLOCK:
			check_block(c, (const struct block *)item);
			break;
		case ITEM_IF:
			check_if(c, (const struct conditional *)item);
			break;
		case ITEM_RULE:
			misplaced(c, item, build, "in a build, before its recipe");
			check_rule(c, ((const struct rule *)item)->condition);
			break;
		case ITEM_ARTIFACT:
			misplaced(c, item, c->schema && c->schema->id == BLOCK_artifacts, "in artifacts:");
			check_artifact(c, (const struct artifact *)item);
			break;
		case ITEM_RECIPE:
			misplaced(c, item, build || on, "in build NAME:");
			check_recipe(c, (const struct recipe *)item);
			break;
		case ITEM_COMMENT:
			break;
		}
	}
}

void
check_tree(struct arena *arena, struct diags *diags, const struct tree *tree)
{
	check_items(&(struct checker){.arena = arena, .diags = diags}, tree->items);
}
