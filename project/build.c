#include "project/build.h"

#include "project/condition.h"
#include "project/habits.h"
#include "project/need.h"
#include "project/recipe_names.h"
#include "project/template.h"

#include <string.h>

const struct recipe *
build_only_recipe(struct loader *l, const struct kept *kept)
{
	const struct recipe *only = NULL;

	for (; kept; kept = kept->next) {
		if (kept->item->kind != ITEM_RECIPE)
			continue;
		if (only) {
			struct diag *diag = diag_error(l->diags, kept->item->span, "there is a recipe already");
			diag_hint(diag, "a build has one recipe: give this one a build of its own, or join the two");
			diag_note(diag, only->item.span, "it begins here");
		} else {
			only = (const struct recipe *)kept->item;
		}
	}
	return only;
}

/* Whether the script has the word outside of comments. */
static bool
has_word(struct str script, struct str word)
{
	bool comment = false;

	if (!script.n || !memmem(script.s, script.n, word.s, word.n))
		return false;
	for (size_t i = 0; i + word.n <= script.n; i++) {
		char before = i ? script.s[i - 1] : '\n', after = i + word.n < script.n ? script.s[i + word.n] : '\n';
		if (before == '\n')
			comment = false;
		if (script.s[i] == '#' && strchr(" \t\n;", before))
			comment = true;
		if (!comment && script.s[i] == *word.s && memcmp(script.s + i, word.s, word.n) == 0 &&
			strchr(" \t\n;&|({`", before) && strchr(" \t\r\n;&|)}`<>", after) && before && after)
			return true;
	}
	return false;
}

static void
add_rules(struct loader *l, const struct kept *kept, struct build *build)
{
	uint32_t count = 0;

	for (const struct kept *k = kept; k; k = k->next)
		count += k->item->kind == ITEM_RULE;
	if (!count)
		return;
	build->rules = arena_array(l->arena, struct verdict_rule, count);
	for (; kept; kept = kept->next) {
		const struct rule *rule = (const struct rule *)kept->item;
		struct test *test;
		if (kept->item->kind != ITEM_RULE || !rule->condition ||
			(test = condition_test(l, rule->condition, kept->context)) == NULL)
			continue;
		build->rules[build->rule_count++] =
			(struct verdict_rule){rule->success, test, rule->item.span, load_span(l, rule->condition->span)};
	}
}

/* Takes the script's text as the recipe. */
static void
add_script(struct loader *l, const struct project *project, const struct merged *merged, struct build *build)
{
	struct span span = merge_span(l, merged, "script");
	struct str error;
	uint32_t source = load_text(l, build->set.script, &error);

	if (!source) {
		diag_error(l->diags, span, "%.*s", STR_ARG(error));
		return;
	}
	build->recipe = template_expand(l, source, project);
	habits_of_commands(l, project, (struct span){source, 0, (uint32_t)source_get(l->sources, source)->text.n});
}

/* Holds `dir` to the source tree. */
static void
check_dir(struct loader *l, const struct merged *merged, struct build *build)
{
	struct arena_mark mark = arena_mark(&l->scratch);
	struct str dir = load_join(&l->scratch, STR(""), build->set.dir);

	if (load_leads_out(dir)) {
		struct diag *diag = diag_error(
			l->diags, merge_span(l, merged, "dir"), "'%.*s' is outside of the source tree", STR_ARG(build->set.dir));
		diag_hint(diag, "a build's dir is relative to the source tree, without .. out of it");
	}
	if (!str_eq(dir, build->set.dir))
		build->set.dir = str_dup(l->arena, dir);
	arena_reset(&l->scratch, mark);
}

static void
fill_build(struct loader *l, struct merges *merges, const struct project *project, const struct merged *merged, struct build *build)
{
	const struct recipe *recipe;
	struct kept *kept;

	build->name = merged->name;
	build->span = merge_header(merged);
	build->scope = &project->scopes[merged->first.placed->context->space->index];
	merge_settings(l, merges, &block_schemas[BLOCK_build], merged, &build->set, &kept);
	check_dir(l, merged, build);
	add_rules(l, kept, build);
	recipe = build_only_recipe(l, kept);
	if (recipe && build->set.script.n) {
		struct diag *diag =
			diag_error(l->diags, merge_span(l, merged, "script"), "a build has a script or a recipe, not both");
		diag_note(diag, recipe->item.span, "the recipe begins here");
	} else if (recipe) {
		build->recipe = recipe_text(l->arena, l->sources, recipe);
		habits_of_commands(l, project, recipe->item.span);
		recipe_names_check(l, merged->first.placed->context->space, recipe->item.span);
	} else if (build->set.script.n) {
		add_script(l, project, merged, build);
	}
	build->calls_verdict =
		build->rule_count || has_word(build->recipe, STR("build_success")) || has_word(build->recipe, STR("build_failed"));
}

void
build_all(struct loader *l, struct merges *merges, struct project *project)
{
	const struct merged *list = merges->list[BLOCK_build];

	project->build_count = merges->count[BLOCK_build];
	project->builds = arena_array(l->arena, struct build, project->build_count);
	project->build_names = merges->names[BLOCK_build];
	for (uint32_t i = 0; i < project->build_count; i++) {
		fill_build(l, merges, project, &list[i], &project->builds[i]);
		project->build_names.entries[i].value = &project->builds[i];
	}
	need_all(l, list, project);
}
