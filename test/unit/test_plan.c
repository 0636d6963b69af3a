#include "base/json.h"
#include "base/os.h"
#include "runtime/plan.h"
#include "runtime/provider.h"

#include "test/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A project built by hand: it asks for no instances, so that its plan has only what the file itself says. */
struct fixture {
	struct arena arena;
	struct sources sources;
	struct diags diags;
	struct project project;
	struct world world;
	struct plan_options options;
	struct scope scope;
	struct input input;
	char folder[32];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	*state = f;
	f->diags.sources = &f->sources;
	f->world = (struct world){.provider = &provider_local, .cpus = 2};
	f->input = (struct input){STR("Edccfile"), STR("/x/Edccfile"), 0};
	f->input.source =
		source_add(&f->sources, STR("Edccfile"), STR("/x/Edccfile"), STR("build a:\n\nbuild b: a\n\nbuild c: b\n"));
	f->project = (struct project){
		.name = STR("demo"), .file = STR("Edccfile"), .dir = STR("/x"), .inputs = &f->input, .input_count = 1};
	f->project.scopes = &f->scope;
	f->project.scope_count = 1;
	f->project.build_names = map_new(&f->arena);
	strcpy(f->folder, "/tmp/edcc-plan-XXXXXX");
	return mkdtemp(f->folder) ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct str error;
	os_remove_tree(&f->arena, f->folder, &error);
	diag_clear(&f->diags);
	sources_free(&f->sources);
	arena_free(&f->arena);
	free(f);
	return 0;
}

/* Room for `count` builds; add_build fills the next. */
static void
make_builds(struct fixture *f, uint32_t count)
{
	f->project.builds = arena_array(&f->arena, struct build, count);
}

static struct build *
add_build(struct fixture *f, struct str name, const char *recipe)
{
	struct build *build = &f->project.builds[f->project.build_count++];
	*build = (struct build){.name = name, .recipe = str_from(recipe), .scope = &f->scope};
	build->needs = arena_array(&f->arena, uint32_t, 8);
	*map_at(&f->project.build_names, name) = build;
	return build;
}

static void
add_need(struct build *build, uint32_t need)
{
	for (uint32_t n = 0; n < build->need_count; n++)
		if (build->needs[n] == need)
			return;
	build->needs[build->need_count++] = need;
}

/* a ← b ← c, at lines 1, 3 and 5 of the file. */
static struct plan *
chain(struct fixture *f)
{
	make_builds(f, 3);
	add_build(f, STR("a"), "make -C lib\n")->span = (struct span){f->input.source, 0, 8};
	struct build *b = add_build(f, STR("b"), "echo \"quoted\"\n"), *c = add_build(f, STR("c"), "true\n");
	b->span = (struct span){f->input.source, 10, 11};
	c->span = (struct span){f->input.source, 23, 11};
	add_need(b, 0);
	add_need(c, 1);
	return plan_make(&f->arena, &f->project, &f->world, &f->options, &f->diags);
}

static const char *
path_in(struct fixture *f, const char *name)
{
	return str_printf(&f->arena, "%s/%s", f->folder, name).s;
}

static struct str
said(struct fixture *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	diag_print(&f->diags, out, false);
	fclose(out);
	struct str copy = str_dup(&f->arena, (struct str){text, size});
	free(text);
	diag_clear(&f->diags);
	return copy;
}

/* The first action from `from` on whose needs are all before `from`, by the file's order: what must stand at `from`. */
static uint32_t
first_ready(const struct plan *plan, uint32_t from)
{
	uint32_t best = UINT32_MAX;
	for (uint32_t i = from; i < plan->count; i++) {
		bool ready = true;
		for (uint32_t n = 0; n < plan->actions[i].need_count; n++)
			ready = ready && plan->actions[i].needs[n] < from;
		if (ready && plan->actions[i].index < best)
			best = plan->actions[i].index;
	}
	return best;
}

static void
prerequisites_first_then_the_order_of_the_file(void **state)
{
	struct fixture *f = *state;
	enum {
		COUNT = 300
	};
	uint32_t random = 1, rank[COUNT];
	/* Edges only go up in rank, so there is no cycle, and in any direction of the file. */
	for (uint32_t i = 0; i < COUNT; i++)
		rank[i] = (i * 7919) % COUNT;
	make_builds(f, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		add_build(f, str_printf(&f->arena, "b%u", i), "true\n");
	for (uint32_t i = 0; i < COUNT; i++)
		for (int edge = 0; edge < 3; edge++) {
			uint32_t other = (random = random * 1103515245 + 12345) / 65536 % COUNT;
			if (rank[other] < rank[i])
				add_need(&f->project.builds[i], other);
		}
	struct plan *plan = plan_make(&f->arena, &f->project, &f->world, &f->options, &f->diags);
	assert_non_null(plan);
	assert_int_equal(plan->step_count, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(plan->actions[i].index, first_ready(plan, i));
}

static void
only_what_was_asked_for(void **state)
{
	struct fixture *f = *state;
	struct str asked = STR("b");
	f->options.builds = (struct words){&asked, 1};
	struct plan *plan = chain(f);
	assert_int_equal(plan->count, 2);
	assert_text(plan->actions[0].title, "a");
	assert_text(plan->actions[1].title, "b");
	assert_int_equal(plan->actions[1].need_count, 1);
	assert_int_equal(plan->actions[1].needs[0], 0);
}

static void
the_verdict_decides_what_follows(void **state)
{
	struct fixture *f = *state;
	struct str pattern = STR("*.log");
	struct artifact_line line = {.patterns = {&pattern, 1}, .destination = STR("logs/"), .when = WHEN_FAILED};
	struct on_block ons[] = {{.success = true, .recipe = STR("# said\n\necho done\n")}, {.success = true}, {.success = false}};
	f->project.artifacts = &line;
	f->project.artifact_count = 1;
	f->project.ons = ons;
	f->project.on_count = 3;
	struct plan *plan = chain(f);
	assert_int_equal(plan->count, 7);
	assert_int_equal(plan->actions[3].when, ACTION_FAILED);
	assert_text(plan->actions[3].detail, "-> logs/");
	assert_text(plan->actions[4].detail, "echo done");
	assert_int_equal(plan->actions[4].when, ACTION_SUCCESS);
	assert_text(plan->actions[5].name, "on build_success 2");
	assert_text(plan->actions[6].name, "on build_failed");
}

static void
why_is_the_shortest_way(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = chain(f);
	struct str text;
	assert_true(plan_print_why(&f->arena, &f->sources, plan, STR("a"), &f->diags, &text));
	assert_text(text, "Edccfile:5  c  no other step needs it, so it is built\n"
			  "Edccfile:3  b  c needs it\n"
			  "Edccfile:1  a  b needs it\n");
	assert_false(plan_print_why(&f->arena, &f->sources, plan, STR("compile"), &f->diags, &text));
	assert_text(said(f), "edcc: error: there is no 'compile' in the plan\nedcc: hint: 'edcc plan' shows what is in it\n");
}

static void
names_are_escaped_in_dot(void **state)
{
	struct fixture *f = *state;
	f->project.name = STR("a\"b\\c\nd");
	assert_true(str_starts(plan_print_dot(&f->arena, chain(f)), STR("digraph \"a\\\"b\\\\c d\" {\n")));
}

static void
secrets_are_in_no_text(void **state)
{
	struct fixture *f = *state;
	struct str hidden = STR("hunter2");
	struct variable variable = {.name = STR("token"), .value = {.words = {&hidden, 1}, .secret = true}};
	struct artifact_line line = {.patterns = {&hidden, 1}, .destination = STR("out/hunter2/")};
	struct on_block on = {.set.notify = {&hidden, 1}};
	f->scope.variables = &variable;
	f->scope.count = 1;
	f->project.artifacts = &line;
	f->project.ons = &on;
	f->project.artifact_count = f->project.on_count = 1;
	struct plan *plan = chain(f);
	f->project.builds[1].recipe = STR("curl -u hunter2 example\n");
	const struct str texts[] = {plan_print(&f->arena, plan, true), plan_print_markdown(&f->arena, plan),
		plan_print_json(&f->arena, plan), plan_print_dot(&f->arena, plan),
		plan_save_text(&f->arena, plan, &f->sources, STR(""))};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_null(memmem(texts[i].s, texts[i].n, hidden.s, hidden.n));
}

static void
a_saved_plan_holds_until_something_changes(void **state)
{
	struct fixture *f = *state;
	struct str four = STR("4"), hidden = STR("hunter2"), fact = STR("gcc=12.2.0");
	struct variable variables[] = {{.name = STR("workers"), .value = {.words = {&four, 1}}},
		{.name = STR("token"), .value = {.words = {&hidden, 1}, .secret = true}}};
	struct override override = {.name = STR("workers"), .value = STR("4"), .origin = ORIGIN_VAR_FILE};
	f->scope.variables = variables;
	f->scope.count = 2;
	f->project.overrides = &override;
	f->project.override_count = 1;
	f->world.facts = (struct words){&fact, 1};
	f->options.jobs = 3;
	struct plan *plan = chain(f);
	const char *path = path_in(f, "plan");
	assert_true(plan_save(&f->arena, plan, &f->sources, path, &f->diags));
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);

	struct saved_plan saved;
	assert_true(plan_open(&f->arena, path, &saved, &f->diags));
	assert_text(saved.file, "Edccfile");
	assert_text(saved.provider, "local");
	assert_int_equal(saved.options.jobs, 3);
	assert_int_equal(saved.override_count, 1);
	assert_text(saved.overrides[0].value, "4");
	assert_int_equal(saved.overrides[0].origin, ORIGIN_VAR_FILE);
	assert_true(plan_same(&f->arena, &saved, plan, &f->sources, &f->diags));

	four = STR("8");
	hidden = STR("hunter3");
	fact = STR("gcc=12.3.0");
	source_get(&f->sources, f->input.source)->text = STR("build a:\n\nbuild b: a\n\nbuild c: b\n# more\n");
	assert_false(plan_same(&f->arena, &saved, plan, &f->sources, &f->diags));
	struct str expected = str_printf(&f->arena,
		"edcc: error: the saved plan is no longer what would be done\n"
		"edcc: hint: run 'edcc plan -o %s' again\n"
		"edcc: note: Edccfile has changed since the plan was saved\n"
		"edcc: note: variable workers was 4 and is 8\n"
		"edcc: note: variable token has changed since the plan was saved\n"
		"edcc: note: gcc was 12.2.0 and is 12.3.0\n",
		path);
	assert_text(said(f), expected.s);
}

static void
a_changed_script_is_a_change(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = chain(f);
	struct saved_plan saved = {
		.json = json_read(&f->arena, plan_save_text(&f->arena, plan, &f->sources, STR("")), &(struct str){0})};
	f->project.builds[2].recipe = STR("false\n");
	assert_false(plan_same(&f->arena, &saved, plan, &f->sources, &f->diags));
	assert_true(str_ends(said(f), STR("edcc: note: 'step c' has changed since the plan was saved\n")));
}

static void
what_is_no_saved_plan_is_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"", "is not a saved plan, or only a part of one"},
		{"{\"format\": 1, \"edcc\"", "is not a saved plan, or only a part of one"},
		{"[1]", "is not a saved plan, or only a part of one"},
		{"{}", "is not a saved plan"},
		{"{\"format\": 2}", "was saved by an edcc whose plans have another format"},
		{"{\"format\": 1}", "is what 'edcc plan --json' prints, not a saved plan"},
	};
	const char *path = path_in(f, "plan");
	struct saved_plan saved;
	struct str error;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(os_write_atomic(&f->arena, path, str_from(cases[i].text), 0600, &error));
		assert_false(plan_open(&f->arena, path, &saved, &f->diags));
		assert_text(said(f), str_printf(&f->arena, "edcc: error: '%s' %s\nedcc: hint: save a plan with 'edcc plan -o %s'\n",
					     path, cases[i].what, path)
					     .s);
	}
	assert_false(plan_open(&f->arena, path_in(f, "none"), &saved, &f->diags));
	assert_non_null(strstr(str_c(&f->arena, said(f)), "No such file or directory"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(prerequisites_first_then_the_order_of_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_was_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(the_verdict_decides_what_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(why_is_the_shortest_way, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_escaped_in_dot, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_are_in_no_text, setup, teardown),
		cmocka_unit_test_setup_teardown(a_saved_plan_holds_until_something_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_script_is_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_saved_plan_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
