#include "project/fleet.h"

#include "project/build.h"
#include "project/eval.h"
#include "project/habits.h"
#include "project/host_list.h"
#include "project/recipe_names.h"

/* In the order of enum provider_kind. */
#define PROVIDERS "local hosts aws"

static enum provider_kind
provider_of(struct str name)
{
	return str_is(name, "aws") ? PROVIDER_AWS : str_is(name, "hosts") ? PROVIDER_HOSTS : PROVIDER_LOCAL;
}

/* --provider, else the first provider block of the file, else local. */
static void
choose_provider(struct loader *l, struct merges *merges, struct project *project)
{
	struct str name = l->options->provider ? str_from(l->options->provider) : STR("local");

	if (!schema_listed(PROVIDERS, name)) {
		struct diag *diag = diag_error(l->diags, SPAN_NONE, "there is no provider '%.*s'", STR_ARG(name));
		diag_hint(diag, "the providers are %.*s", STR_ARG(schema_list(&l->scratch, PROVIDERS)));
		return;
	}
	if (!l->options->provider && merges->provider) {
		name = load_span(l, merges->provider->block->name);
		project->provider_span = merges->provider->block->item.span;
	}
	project->provider = provider_of(name);
}

static void
fill_compiler(struct loader *l, struct merges *merges, struct project *project)
{
	const struct merged *compiler = merge_only(merges, BLOCK_compiler);
	struct span version;

	if (!compiler)
		return;
	if (merges->count[BLOCK_compiler] > 1) {
		struct diag *diag = diag_error(l->diags, merge_header(&merges->list[BLOCK_compiler][1]), "there are two compilers");
		diag_hint(diag, "one compiler builds everything: `if CONDITION:` chooses between two blocks");
		diag_note(diag, merge_header(compiler), "the first is here");
	}
	project->compiler = compiler->name;
	merge_settings(l, merges, &block_schemas[BLOCK_compiler], compiler, &project->compiler_set, NULL);
	version = merge_span(l, compiler, "version");
	project->compiler_span = version.source ? version : merge_header(compiler);
}

/* The groups of machines: none where the file asks for none. */
static void
fill_groups(struct loader *l, struct merges *merges, struct project *project)
{
	uint32_t count = merges->count[BLOCK_instances];

	project->group_count = count;
	project->groups = arena_array(l->arena, struct instance_group, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct merged *merged = &merges->list[BLOCK_instances][i];
		struct instance_group *group = &project->groups[i];
		group->name = merged->name;
		group->span = merge_header(merged);
		merge_settings(l, merges, &block_schemas[BLOCK_instances], merged, &group->set, NULL);
		bool given = group->set.given & GIVEN(instances, minimum) && group->set.count > 0;
		if (given && group->set.minimum > group->set.count) {
			struct diag *diag = diag_error(l->diags, merge_span(l, merged, "minimum"), "minimum is %d, but count is %d",
				(int)group->set.minimum, (int)group->set.count);
			diag_hint(diag, "minimum says how many of them are enough to begin");
		}
	}
}

static void
check_source(struct loader *l, struct merges *merges, const struct source_settings *source)
{
	const struct merged *merged = merge_only(merges, BLOCK_source);

	if (!source->git.n || !source->archive.n)
		return;
	struct diag *diag =
		diag_error(l->diags, merge_span(l, merged, "archive"), "the source is a git repository or an archive, not both");
	diag_hint(diag, "leave one of them out");
	diag_note(diag, merge_span(l, merged, "git"), "the repository is given here");
}

/* What the language has and this version does not do is said, not passed over. */
static void
check_unbuilt(struct loader *l, struct merges *merges, struct project *project)
{
	struct diag *diag;

	if (str_starts(project->state.path, STR("s3://"))) {
		diag = diag_error(l->diags, merge_span(l, merge_only(merges, BLOCK_state), "path"),
			"a journal in S3 is not in this version of edcc");
		diag_hint(diag, "name a folder; what is in an account its tags say to any machine: edcc gc, destroy, status, ssh");
	}
}

/* A place in S3; on this machine ccache's folder stays by itself. */
static void
check_kept_cache(struct loader *l, struct merges *merges, struct project *project)
{
	struct str keep = project->cache.keep;
	struct span span = keep.n ? merge_span(l, merge_only(merges, BLOCK_cache), "keep") : SPAN_NONE;

	project->cache_span = span;
	if (keep.n && (!str_starts(keep, STR("s3://")) || keep.n == 5 || keep.s[5] == '/'))
		diag_hint(diag_error(l->diags, span, "'%.*s' is no place to keep a cache", STR_ARG(keep)),
			"write s3://BUCKET/PREFIX/");
	else if (keep.n && project->provider != PROVIDER_AWS)
		diag_hint(diag_warning(l->diags, span, "'keep' does nothing here: it is for fleets of 'provider aws'"),
			"on this machine the cache stays where it is from run to run");
}

/* Where a machine's processors and its DISTCC_DIR come from depends on who makes it. */
static void
check_distcc(struct loader *l, struct merges *merges, const struct project *project)
{
	const struct merged *merged = merge_only(merges, BLOCK_distcc);

	if (project->distcc.given & GIVEN(distcc, dir) && project->provider == PROVIDER_AWS)
		diag_hint(diag_warning(l->diags, merge_span(l, merged, "dir"),
				  "'dir' does nothing here: it is for builds on this machine"),
			"DISTCC_DIR is on the disk of the machine that runs the build, which is its own");
	if (project->distcc.given & GIVEN(distcc, stats_port) && project->provider != PROVIDER_HOSTS)
		diag_hint(diag_warning(l->diags, merge_span(l, merged, "stats_port"),
				  "'stats_port' does nothing here: it is for machines that exist, 'provider hosts'"),
			"daemons that edcc starts do as many jobs at once as it gives them slots");
}

/* Blocks that are there once, with no more to them than their settings. */
static void
fill_settings(struct loader *l, struct merges *merges, struct project *project)
{
	const struct {
		enum block_id id;
		void *settings;
	} plain[] = {
		{BLOCK_provider_aws, &project->aws},
		{BLOCK_provider_hosts, &project->hosts},
		{BLOCK_network, &project->network},
		{BLOCK_host, &project->host},
		{BLOCK_distcc, &project->distcc},
		{BLOCK_cache, &project->cache},
		{BLOCK_source, &project->source},
		{BLOCK_state, &project->state},
		{BLOCK_limits, &project->limits},
	};

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		merge_settings(l, merges, &block_schemas[plain[i].id], merge_only(merges, plain[i].id), plain[i].settings, NULL);
	check_source(l, merges, &project->source);
	check_unbuilt(l, merges, project);
	check_distcc(l, merges, project);
	check_kept_cache(l, merges, project);
	project->cached = merge_only(merges, BLOCK_cache) != NULL && project->cache.enabled;
}

static void
check_artifact(struct loader *l, const struct artifact *artifact, const struct artifact_line *line)
{
	struct diag *diag;

	for (size_t i = 0; i < line->patterns.n; i++) {
		if (!load_leads_out(load_join(&l->scratch, STR(""), line->patterns.w[i])))
			continue;
		diag = diag_error(
			l->diags, artifact->patterns, "'%.*s' is outside of the source tree", STR_ARG(line->patterns.w[i]));
		diag_hint(diag, "a pattern is relative to the source tree, as in build/**/*.log");
	}
	if (!line->patterns.n) {
		diag = diag_error(l->diags, artifact->patterns, "there is no pattern here");
		diag_hint(diag, "write PATTERN -> DESTINATION");
	} else if (!line->destination.n) {
		diag = diag_error(l->diags, artifact->destination.length ? artifact->destination : artifact->item.span,
			"there is no destination here");
		diag_hint(diag, "write PATTERN -> FOLDER/ or PATTERN -> s3://BUCKET/PREFIX/");
	} else if (str_starts(line->destination, STR("s3://")) && (line->destination.n == 5 || line->destination.s[5] == '/')) {
		diag = diag_error(l->diags, artifact->destination, "'%.*s' names no bucket", STR_ARG(line->destination));
		diag_hint(diag, "write s3://BUCKET/PREFIX/");
	}
}

static void
fill_artifact(struct loader *l, const struct kept *kept, struct artifact_line *line)
{
	const struct artifact *artifact = (const struct artifact *)kept->item;
	struct value patterns = eval_span(l, artifact->patterns, kept->context->space, VALUE_WORDS);
	struct value destination = eval_span(l, artifact->destination, kept->context->space, VALUE_WORDS);
	struct str when = load_span(l, artifact->when);

	line->span = artifact->item.span;
	line->patterns = patterns.words;
	line->destination = eval_text(l, &destination);
	line->when = str_is(when, "build_failed") ? WHEN_FAILED : str_is(when, "always") ? WHEN_ALWAYS : WHEN_SUCCESS;
	if (patterns.secret || destination.secret)
		diag_hint(diag_error(l->diags, artifact->item.span, "a secret cannot stand in an artifact line: it is shown"),
			"a recipe has it as a shell variable");
	else if (!patterns.unknown && !destination.unknown)
		check_artifact(l, artifact, line);
}

static void
fill_artifacts(struct loader *l, struct merges *merges, struct project *project)
{
	struct kept *kept;

	for (uint32_t i = 0; i < merges->count[BLOCK_artifacts]; i++) {
		const struct merged *merged = &merges->list[BLOCK_artifacts][i];
		struct artifacts_settings none;
		uint32_t room = project->artifact_count;
		merge_settings(l, merges, &block_schemas[BLOCK_artifacts], merged, &none, &kept);
		for (const struct kept *k = kept; k; k = k->next)
			room += k->item->kind == ITEM_ARTIFACT;
		project->artifacts = arena_grow(l->arena, project->artifacts, project->artifact_count * sizeof *project->artifacts,
			room * sizeof *project->artifacts);
		for (; kept; kept = kept->next)
			if (kept->item->kind == ITEM_ARTIFACT)
				fill_artifact(l, kept, &project->artifacts[project->artifact_count++]);
	}
}

static void
check_addresses(struct loader *l, const struct merged *merged, const struct on_block *on)
{
	struct diag *diag;

	for (size_t i = 0; i < on->set.email.n; i++) {
		size_t at = str_find(on->set.email.w[i], '@');
		if (at > 0 && at + 1 < on->set.email.w[i].n)
			continue;
		diag = diag_error(
			l->diags, merge_span(l, merged, "email"), "'%.*s' is no e-mail address", STR_ARG(on->set.email.w[i]));
		diag_hint(diag, "write NAME@HOST");
	}
	if (on->set.email.n && !on->set.notify.n) {
		diag = diag_error(
			l->diags, merge_span(l, merged, "email"), "there is no topic here that an address could be subscribed to");
		diag_hint(diag, "add notify = sns:TOPIC");
	}
}

static void
fill_on(struct loader *l, struct merges *merges, const struct project *project, const struct merged *merged, struct on_block *on)
{
	struct kept *kept;

	on->span = merge_header(merged);
	on->success = str_is(merged->name, "build_success");
	on->scope = &project->scopes[merged->first.placed->context->space->index];
	merge_settings(l, merges, &block_schemas[BLOCK_on], merged, &on->set, &kept);
	const struct recipe *recipe = build_only_recipe(l, kept);
	if (recipe) {
		on->recipe = recipe_text(l->arena, l->sources, recipe);
		habits_of_commands(l, project, recipe->item.span);
		recipe_names_check(l, merged->first.placed->context->space, recipe->item.span);
	}
	for (size_t i = 0; i < on->set.notify.n; i++) {
		if (str_starts(on->set.notify.w[i], STR("sns:")) && on->set.notify.w[i].n > 4)
			continue;
		struct diag *diag = diag_error(l->diags, merge_span(l, merged, "notify"), "'%.*s' is nobody that can be told",
			STR_ARG(on->set.notify.w[i]));
		diag_hint(diag, "write sns:TOPIC");
	}
	check_addresses(l, merged, on);
}

static void
fill_ons(struct loader *l, struct merges *merges, struct project *project)
{
	project->on_count = merges->count[BLOCK_on];
	project->ons = arena_array(l->arena, struct on_block, project->on_count);
	for (uint32_t i = 0; i < project->on_count; i++)
		fill_on(l, merges, project, &merges->list[BLOCK_on][i], &project->ons[i]);
}

static void
check_compiler(struct loader *l, const struct merged *compiler, const struct project *project)
{
	static const char *const commands[] = {"cc", "cxx"};

	for (size_t i = 0; compiler && i < sizeof commands / sizeof *commands; i++)
		habits_of_compiler(l, project, merge_span(l, compiler, commands[i]));
}

void
fleet_all(struct loader *l, struct merges *merges, struct project *project)
{
	choose_provider(l, merges, project);
	fill_compiler(l, merges, project);
	fill_groups(l, merges, project);
	fill_settings(l, merges, project);
	check_compiler(l, merge_only(merges, BLOCK_compiler), project);
	host_list_fill(l, merge_only(merges, BLOCK_provider_hosts), project);
	fill_artifacts(l, merges, project);
	fill_ons(l, merges, project);
}
