#include "base/hash.h"
#include "base/json.h"
#include "base/os.h"
#include "runtime/plan.h"

#include <sys/random.h>

/* The largest saved plan that is read. */
#define PLAN_LIMIT ((size_t)256 << 20)
#define SALT_LENGTH 16

/* --- what a saved plan holds --- */

/* One saved plan in the making. */
struct saving {
	struct arena *arena;
	struct json_writer *json;
	const struct plan *plan;
	const struct sources *sources;
	struct str salt; /* of the secrets' digests; none until there is a secret */
};

static struct str
digest(struct arena *arena, struct str salt, struct str text)
{
	char hex[HASH_HEX_LENGTH + 1] = "";
	struct hash *hash = hash_new();
	if (hash) {
		hash_add(hash, salt.s, salt.n);
		hash_add(hash, text.s, text.n);
		hash_end(hash, hex);
	}
	return str_dup(arena, str_from(hex));
}

static struct str
random_salt(struct arena *arena)
{
	unsigned char bytes[SALT_LENGTH] = {0};
	struct buf hex = buf_new(arena);
	ssize_t got = getrandom(bytes, sizeof bytes, 0);
	for (ssize_t i = 0; i < got; i++)
		buf_printf(&hex, "%02x", bytes[i]);
	return buf_str(&hex);
}

static void
write_inputs(struct saving *saving)
{
	json_open_array(saving->json, "inputs");
	for (uint32_t i = 0; i < saving->plan->project->input_count; i++) {
		const struct input *input = &saving->plan->project->inputs[i];
		struct str text = source_get(saving->sources, input->source)->text;
		json_open_object(saving->json, NULL);
		json_put_text(saving->json, "name", input->name);
		json_put_text(saving->json, "path", input->path);
		json_put_text(saving->json, "sha256", digest(saving->arena, STR(""), text));
		json_close(saving->json);
	}
	json_close(saving->json);
}

static struct str
qualified(struct arena *arena, const struct scope *scope, const struct variable *variable)
{
	if (!scope->name.n)
		return variable->name;
	return str_printf(arena, "%.*s.%.*s", STR_ARG(scope->name), STR_ARG(variable->name));
}

static void
write_variable(struct saving *saving, struct str name, const struct variable *variable)
{
	json_open_object(saving->json, NULL);
	json_put_text(saving->json, "name", name);
	json_put_text(saving->json, "origin", str_from(origin_name(variable->origin)));
	if (variable->value.secret) {
		if (!saving->salt.n)
			saving->salt = random_salt(saving->arena);
		struct str value = words_join(saving->arena, variable->value.words, STR("\n"));
		json_put_text(saving->json, "digest", digest(saving->arena, saving->salt, value));
	} else {
		json_put_text(saving->json, "value", words_join(saving->arena, variable->value.words, STR(" ")));
	}
	json_close(saving->json);
}

/* The variables, and the names of the secret ones as keys of the map that is returned. */
static struct map
write_variables(struct saving *saving)
{
	struct map secret = map_new(saving->arena);
	const struct project *project = saving->plan->project;
	json_open_array(saving->json, "variables");
	for (uint32_t s = 0; s < project->scope_count; s++)
		for (uint32_t v = 0; v < project->scopes[s].count; v++) {
			struct variable *variable = &project->scopes[s].variables[v];
			struct str name = qualified(saving->arena, &project->scopes[s], variable);
			write_variable(saving, name, variable);
			if (variable->value.secret)
				*map_at(&secret, name) = variable;
		}
	json_close(saving->json);
	if (saving->salt.n)
		json_put_text(saving->json, "salt", saving->salt);
	return secret;
}

static void
write_overrides(struct saving *saving, const struct map *secret)
{
	json_open_array(saving->json, "overrides");
	for (size_t i = 0; i < saving->plan->project->override_count; i++) {
		const struct override *override = &saving->plan->project->overrides[i];
		if (map_get(secret, override->name))
			continue;
		json_open_object(saving->json, NULL);
		json_put_text(saving->json, "name", override->name);
		json_put_text(saving->json, "origin", str_from(origin_name(override->origin)));
		json_put_text(saving->json, "value", override->value);
		json_close(saving->json);
	}
	json_close(saving->json);
}

static void
write_options(struct json_writer *json, const struct plan_options *options)
{
	json_open_object(json, "options");
	json_put_words(json, "builds", options->builds);
	json_put_integer(json, "jobs", options->jobs);
	json_put_truth(json, "keep", options->keep);
	json_put_truth(json, "keep_on_failure", options->keep_on_failure);
	json_put_integer(json, "timeout", options->timeout);
	json_close(json);
}

static void
write_facts(struct json_writer *json, struct words facts)
{
	json_open_array(json, "facts");
	for (size_t i = 0; i < facts.n; i++) {
		size_t equals = str_find(facts.w[i], '=');
		json_open_object(json, NULL);
		json_put_text(json, "name", str_part(facts.w[i], 0, equals));
		json_put_text(json, "value", str_part(facts.w[i], equals + 1, facts.w[i].n));
		json_close(json);
	}
	json_close(json);
}

struct str
plan_save_text(struct arena *arena, const struct plan *plan, const struct sources *sources, struct str salt)
{
	struct saving saving = {arena, json_writer_new(arena, false), plan, sources, salt};
	json_open_object(saving.json, NULL);
	plan_write_json(saving.json, arena, plan);
	json_put_text(saving.json, "file", plan->project->file);
	write_inputs(&saving);
	struct map secret = write_variables(&saving);
	write_overrides(&saving, &secret);
	write_options(saving.json, &plan->options);
	write_facts(saving.json, plan->world->facts);
	json_close(saving.json);
	return json_writer_text(saving.json);
}

/* Without digests a saved plan could not be held against anything. */
static bool
can_hash(struct diags *diags)
{
	char hex[HASH_HEX_LENGTH + 1];
	if (hash_text(STR(""), hex))
		return true;
	struct diag *diag = diag_error(diags, SPAN_NONE, "a plan can only be saved and applied where there is libcrypto");
	diag_hint(diag, "install libssl3");
	return false;
}

bool
plan_save(struct arena *arena, const struct plan *plan, const struct sources *sources, const char *path, struct diags *diags)
{
	struct str error;
	if (!can_hash(diags))
		return false;
	if (os_write_atomic(arena, path, plan_save_text(arena, plan, sources, STR("")), 0600, &error))
		return true;
	struct diag *diag = diag_error(diags, SPAN_NONE, "%.*s", STR_ARG(error));
	diag_hint(diag, "the plan was not saved");
	return false;
}

/* --- opening --- */

/* Files the error and returns false. */
static bool
refuse(struct diags *diags, const char *path, const char *what)
{
	struct diag *diag = diag_error(diags, SPAN_NONE, "'%s' %s", path, what);
	diag_hint(diag, "save a plan with 'edcc plan -o %s'", path);
	return false;
}

static bool
read_json(struct arena *arena, const char *path, struct json **json, struct diags *diags)
{
	struct str text, error;
	if (!os_read(arena, path, PLAN_LIMIT, &text, &error)) {
		diag_error(diags, SPAN_NONE, "%.*s", STR_ARG(error));
		return false;
	}
	*json = json_read(arena, text, &error);
	if (!*json || (*json)->type != JSON_OBJECT)
		return refuse(diags, path, "is not a saved plan, or only a part of one");
	int64_t format = json_integer(*json, "format", 0);
	if (format != PLAN_FORMAT) {
		if (!format)
			return refuse(diags, path, "is not a saved plan");
		return refuse(diags, path, "was saved by an edcc whose plans have another format");
	}
	if (!json_member(*json, "inputs"))
		return refuse(diags, path, "is what 'edcc plan --json' prints, not a saved plan");
	return true;
}

static enum origin
origin_named(struct str name)
{
	for (enum origin origin = 0; origin < ORIGIN_COUNT; origin++)
		if (str_is(name, origin_name(origin)))
			return origin;
	return ORIGIN_COMMAND_LINE;
}

static void
read_overrides(struct arena *arena, struct saved_plan *saved)
{
	const struct json *list = json_member(saved->json, "overrides");
	size_t count = list && list->type == JSON_ARRAY ? list->count : 0;
	saved->overrides = arena_array(arena, struct override, count);
	saved->override_count = count;
	for (size_t i = 0; i < count; i++)
		saved->overrides[i] = (struct override){
			.name = json_text(list->items[i], "name", STR("")),
			.value = json_text(list->items[i], "value", STR("")),
			.origin = origin_named(json_text(list->items[i], "origin", STR(""))),
		};
}

static void
read_options(struct arena *arena, struct saved_plan *saved)
{
	const struct json *options = json_member(saved->json, "options"), *builds = json_member(options, "builds");
	int64_t jobs = json_integer(options, "jobs", 0);
	saved->options = (struct plan_options){
		.jobs = jobs > 0 && jobs <= INT32_MAX ? (int)jobs : 0,
		.keep = json_truth(options, "keep", false),
		.keep_on_failure = json_truth(options, "keep_on_failure", false),
		.timeout = json_integer(options, "timeout", 0),
	};
	if (!builds || builds->type != JSON_ARRAY)
		return;
	saved->options.builds = (struct words){arena_array(arena, struct str, builds->count), builds->count};
	for (size_t i = 0; i < builds->count; i++)
		saved->options.builds.w[i] = builds->items[i]->string;
}

bool
plan_open(struct arena *arena, const char *path, struct saved_plan *saved, struct diags *diags)
{
	*saved = (struct saved_plan){.path = str_dup(arena, str_from(path))};
	if (!read_json(arena, path, &saved->json, diags))
		return false;
	saved->file = json_text(saved->json, "file", STR(""));
	saved->provider = json_text(saved->json, "provider", STR(""));
	read_overrides(arena, saved);
	read_options(arena, saved);
	return true;
}
