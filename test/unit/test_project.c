/* What an Edccfile comes to: the parts of a project that no golden file shows. */
#include "test/unit/project.h"

/* The names of the builds that are selected, in order. */
static struct str
selected(struct memory *memory, const char *name)
{
	struct project *project = memory->project;
	bool *flags = arena_array(&memory->arena, bool, project->build_count);
	struct str word = str_from(name);
	struct words names = {&word, word.n > 0};
	struct buf out = buf_new(&memory->arena);

	if (!project_select(project, names, flags, &memory->diags))
		return STR("unknown");
	for (uint32_t i = 0; i < project->build_count; i++)
		if (flags[i])
			buf_printf(&out, "%s%.*s", out.n ? " " : "", STR_ARG(project->builds[i].name));
	return buf_str(&out);
}

/* "NAME: NEED NEED". */
static struct str
needs(struct memory *memory, const char *name)
{
	const struct build *build = map_get(&memory->project->build_names, str_from(name));
	struct buf out = buf_new(&memory->arena);

	assert_non_null(build);
	buf_printf(&out, "%s:", name);
	for (uint32_t i = 0; i < build->need_count; i++)
		buf_printf(&out, " %.*s", STR_ARG(memory->project->builds[build->needs[i]].name));
	return buf_str(&out);
}

static void
instances_stand_for_their_last_steps(void **state)
{
	struct memory memory = {0};

	(void)state;
	memory_add(
		&memory, "lib.edcc", "include ./inner.edcc as inner\nbuild one:\n    true\nbuild two: one inner one\n    true\n");
	memory_add(&memory, "inner.edcc", "build one:\n    true\nbuild two: one\n    true\nbuild three: one\n    true\n");
	assert_non_null(
		memory_load(&memory, "include ./lib.edcc as a\nbuild all: a a.inner.one\n    true\nbuild one:\n    true\n"));
	assert_text(needs(&memory, "a.two"), "a.two: a.one a.inner.two a.inner.three");
	assert_text(needs(&memory, "a.inner.two"), "a.inner.two: a.inner.one");
	assert_text(needs(&memory, "all"), "all: a.two a.inner.one");
	assert_text(selected(&memory, "a.inner"), "a.inner.one a.inner.two a.inner.three");
	assert_text(selected(&memory, "a"), "a.inner.one a.inner.two a.inner.three a.one a.two");
	assert_text(selected(&memory, "one"), "one");
	assert_text(selected(&memory, ""), "a.inner.one a.inner.two a.inner.three a.one a.two all one");
	assert_text(selected(&memory, "a.inner.ones"), "unknown");
	memory_free(&memory);
}

static void
recipes_keep_their_text(void **state)
{
	struct memory memory = {0};
	struct project *project;

	(void)state;
	project = memory_load(&memory, "build a:\n    timeout = 5m\n    cat <<X\n      deeper $(not) {{.a}}\n    X\n\n    echo "
				       "\"$x\"\nbuild b:\r\n\tif true\r\n\tthen\r\n\t\tx\r\n\tfi\r\n"
				       "build c:\n    # build_failed in a comment\n    echo rebuild_failed build_failed.log\nbuild "
				       "d:\n    x || build_failed 'no'\nbuild e: d\n"
				       "build f:\n    build_success when exit == 0\n    true\n");
	assert_non_null(project);
	assert_text(project->builds[0].recipe, "cat <<X\n  deeper $(not) {{.a}}\nX\n\necho \"$x\"");
	assert_int_equal(project->builds[0].set.timeout, 300000);
	assert_text(project->builds[1].recipe, "if true\nthen\n\tx\nfi");
	assert_false(project->builds[2].calls_verdict);
	assert_true(project->builds[3].calls_verdict);
	assert_int_equal(project->builds[4].recipe.n, 0);
	assert_true(project->builds[5].calls_verdict);
	memory_free(&memory);
}

static void
scripts_of_2018(void **state)
{
	struct memory memory = {0};

	(void)state;
	memory_add(&memory, "build.sh",
		"#!/bin/bash\n{{.Include_WriteStatus}}\nCC=\"{{.Distcc}}\" CXX=\"{{.Distcxx}}\"\necho '{{.Region}} "
		"{{.InstanceCount}} {{ .BucketName }} {{.TopicName}} {{.ScriptName}} "
		"{{.CoopTag}}'\nif make; then {{.write_success}}; {{.build_success}}; else {{.write_failed}}; {{.build_failed}}; "
		"fi\n");
	memory_add(&memory, "plain.sh", "echo $(date) ${x}\n");
	assert_non_null(
		memory_load(&memory, "bucket = b-1\ninstances:\n    count = 2\ninstances big:\n    count = 3\nprovider aws:\n    "
				     "region = eu-west-1\nbuild a:\n    script = build.sh\nbuild b:\n    script = ./plain.sh\n"));
	assert_text(memory.project->builds[0].recipe,
		"#!/bin/bash\n:\nCC=\"$CC\" CXX=\"$CXX\"\necho 'eu-west-1 5 b-1 $EDCC_TOPIC build.sh COOP'\nif make; then echo "
		"edcc: status BuildSuccess; build_success; else echo edcc: status "
		"BuildFailed; build_failed; fi\n");
	assert_true(memory.project->builds[0].calls_verdict);
	assert_text(memory.project->builds[1].recipe, "echo $(date) ${x}\n");
	assert_int_equal(memory.project->input_count, 3);
	memory_free(&memory);
}

static void
environment_of_a_scope(void **state)
{
	struct memory memory = {0};
	char **environment;

	(void)state;
	memory_add(&memory, "lib.edcc", "flags ?= x\nbuild one:\n    true\n");
	assert_non_null(memory_load(&memory, "flags = outer\nlist = a \"b c\"\nsecret key = k1 k2\nempty =\ninclude ./lib.edcc as "
					     "a:\n    flags = in $(list)\n"));
	environment = project_environment(&memory.arena, memory.project->builds[0].scope);
	assert_string_equal(environment[0], "flags=in a b c");
	assert_string_equal(environment[1], "list=a b c");
	assert_string_equal(environment[2], "key=k1 k2");
	assert_string_equal(environment[3], "empty=");
	assert_null(environment[4]);
	assert_text(words_join(&memory.arena, project_secrets(&memory.arena, memory.project), STR("|")), "k1 k2|k1|k2");
	memory_free(&memory);
}

static void
settings_merge(void **state)
{
	struct memory memory = {0};
	struct project *project;

	(void)state;
	memory_add(&memory, "lib.edcc",
		"instances:\n    count ?= 2\n    ttl ?= 1h\n    packages += one\ndistcc:\n    slots ?=\ncache:\n    enabled ?= "
		"yes\n");
	project = memory_load(&memory, "include ./lib.edcc\nx = 5\ninstances:\n    if $(x) > 4:\n        ttl = 3h\n    else:\n     "
				       "   ttl = 4h\n    packages += two\n    type += c6i.large\ncompiler gcc:\n    version = 12\n"
				       "artifacts:\n    a b/*.o -> out/ when always\n    if $(x) == 5:\n        c -> s3://b/ when "
				       "build_failed\n    d -> e\non build_failed:\n    notify = sns:t\n    echo x\n");
	assert_non_null(project);
	assert_int_equal(project->group_count, 1);
	assert_int_equal(project->groups[0].set.count, 2);
	assert_int_equal(project->groups[0].set.ttl, 3 * 3600000);
	assert_text(words_join(&memory.arena, project->groups[0].set.packages, STR(" ")), "one two");
	assert_text(words_join(&memory.arena, project->groups[0].set.type, STR(" ")), "c7i.xlarge c6i.large");
	assert_int_equal(project->groups[0].set.disk, (int64_t)20 << 30);
	assert_int_equal(project->distcc.slots, 0);
	assert_int_equal(project->distcc.given, 0);
	assert_true(project->cached);
	assert_text(project->compiler_set.version, "12");
	assert_int_equal(project->compiler_set.given, 1);
	assert_int_equal(project->artifact_count, 3);
	assert_int_equal(project->artifacts[0].when, WHEN_ALWAYS);
	assert_int_equal(project->artifacts[1].when, WHEN_FAILED);
	assert_int_equal(project->artifacts[2].when, WHEN_SUCCESS);
	assert_text(project->ons[0].recipe, "echo x");
	assert_int_equal(project->provider, PROVIDER_LOCAL);
	memory_free(&memory);
}

static void
the_first_provider_counts(void **state)
{
	struct memory memory = {0};

	(void)state;
	assert_non_null(memory_load(&memory, "provider hosts:\n    hosts = a b\nprovider aws:\n    region = x\n"));
	assert_int_equal(memory.project->provider, PROVIDER_HOSTS);
	assert_text(memory.project->aws.region, "x");
	memory_free(&memory);
}

/* A chain of definitions, each made from the next, as long as no stack would bear. */
static void
long_chains(void **state)
{
	struct memory memory = {0};
	struct buf text = buf_new(&memory.arena);
	enum {
		LENGTH = 100000
	};

	(void)state;
	for (int i = 0; i < LENGTH; i++)
		buf_printf(&text, "v%d = $(v%d)\nbuild b%d: b%d\n", i, i + 1, i, i + 1);
	buf_printf(&text, "v%d = end\nbuild b%d:\n", LENGTH, LENGTH);
	assert_non_null(memory_load(&memory, buf_c(&text)));
	assert_text(memory.project->scopes[0].variables[0].value.words.w[0], "end");
	assert_int_equal(memory.project->build_count, LENGTH + 1);
	memory_free(&memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instances_stand_for_their_last_steps),
		cmocka_unit_test(recipes_keep_their_text),
		cmocka_unit_test(scripts_of_2018),
		cmocka_unit_test(environment_of_a_scope),
		cmocka_unit_test(settings_merge),
		cmocka_unit_test(the_first_provider_counts),
		cmocka_unit_test(long_chains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
