#include "project/template.h"

#include "project/eval.h"

#include <string.h>

/* What a variable is replaced by:
 *   TEXT   the text that stands here
 *   VALUE  what the function below finds in the project
 *   NEVER  an error: the text says why */
#define TEMPLATES(X)                                                                                                              \
	X(Region, VALUE, "")                                                                                                      \
	X(InstanceCount, VALUE, "")                                                                                               \
	X(BucketName, VALUE, "")                                                                                                  \
	X(TopicName, VALUE, "")                                                                                                   \
	X(ScriptName, VALUE, "")                                                                                                  \
	X(CoopTag, TEXT, "COOP")                                                                                                  \
	X(Distcc, TEXT, "$CC")                                                                                                    \
	X(Distcxx, TEXT, "$CXX")                                                                                                  \
	X(Include_WriteStatus, TEXT, ":")                                                                                         \
	X(write_success, TEXT, "echo edcc: status BuildSuccess")                                                                  \
	X(write_failed, TEXT, "echo edcc: status BuildFailed")                                                                    \
	X(build_success, TEXT, "build_success")                                                                                   \
	X(build_failed, TEXT, "build_failed")                                                                                     \
	X(AccessKeyID, NEVER, "no access key is ever put on a machine: what edcc uploads goes by presigned URLs, see artifacts:") \
	X(SecretAccessKeyID, NEVER,                                                                                               \
		"no access key is ever put on a machine: what edcc uploads goes by presigned URLs, see artifacts:")

enum template_kind {
	TEMPLATE_TEXT,
	TEMPLATE_VALUE,
	TEMPLATE_NEVER,
};

static const struct {
	struct str name;
	enum template_kind kind;
	const char *text;
} templates[] = {
#define X(name, kind, text) {{#name, sizeof #name - 1}, TEMPLATE_##kind, text},
	TEMPLATES(X)
#undef X
};

struct expansion {
	struct loader *l;
	const struct project *project;
	uint32_t source;
	struct str text;
	struct buf out;
};

/* The value of the file's variable; a text for the shell where it has none. */
static struct str
variable_text(struct expansion *e, struct span span, struct str name, const char *otherwise)
{
	const struct variable *variable = eval_find(e->l, e->l->spaces[0], name);

	if (!variable || !variable->value.words.n)
		return str_from(otherwise);
	if (variable->value.secret) {
		struct diag *diag =
			diag_error(e->l->diags, span, "'%.*s' is secret: it cannot be written into a script", STR_ARG(name));
		diag_hint(diag, "the script has it as a shell variable: $%.*s", STR_ARG(name));
		return STR("");
	}
	return eval_text(e->l, &variable->value);
}

static struct str
project_text(struct expansion *e, struct span span, struct str name)
{
	const struct project *project = e->project;
	struct str path;
	int64_t machines = 0;

	if (str_is(name, "Region"))
		return project->aws.region.n ? project->aws.region : STR("$EDCC_REGION");
	if (str_is(name, "BucketName"))
		return variable_text(e, span, STR("bucket"), "$EDCC_BUCKET");
	if (str_is(name, "TopicName"))
		return variable_text(e, span, STR("topic"), "$EDCC_TOPIC");
	if (str_is(name, "ScriptName")) {
		path = source_get(e->l->sources, e->source)->name;
		while (str_find(path, '/') < path.n)
			path = str_part(path, str_find(path, '/') + 1, path.n);
		return path;
	}
	for (uint32_t i = 0; i < project->group_count; i++)
		machines += project->groups[i].set.count;
	return str_printf(e->l->arena, "%lld", (long long)machines);
}

/* Adds a value that is nothing but itself wherever in a script it stands. */
static void
add_value(struct expansion *e, struct span span, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.s[i] && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%+,-./:=@_$", value.s[i]))
			continue;
		struct diag *diag =
			diag_error(e->l->diags, span, "the value '%.*s' cannot be written into a script", STR_ARG(value));
		diag_hint(diag, "the script has every variable as a shell variable, which may hold anything");
		return;
	}
	buf_add(&e->out, value);
}

static void
add_template(struct expansion *e, struct span span, struct str name)
{
	struct suggest suggest = suggest_for(name);
	struct diag *diag;

	for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
		suggest_offer(&suggest, templates[i].name);
		if (!str_eq(templates[i].name, name))
			continue;
		if (templates[i].kind == TEMPLATE_TEXT)
			buf_add_c(&e->out, templates[i].text);
		else if (templates[i].kind == TEMPLATE_VALUE)
			add_value(e, span, project_text(e, span, name));
		else
			diag_hint(diag_error(e->l->diags, span, "'%.*s' is not given to scripts", STR_ARG(name)), "%s",
				templates[i].text);
		return;
	}
	diag = diag_error(e->l->diags, span, "unknown template variable '%.*s'", STR_ARG(name));
	suggest_hint(&suggest, diag);
}

/* Where the name of a template variable that begins at `at` begins: after "{{", blanks and a dot. 0 where there is none. */
static size_t
name_at(struct str text, size_t at)
{
	if (!str_starts(str_part(text, at, text.n), STR("{{")))
		return 0;
	for (at += 2; at < text.n && (text.s[at] == ' ' || text.s[at] == '\t'); at++)
		;
	return at < text.n && text.s[at] == '.' ? at + 1 : 0;
}

struct str
template_expand(struct loader *l, uint32_t source, const struct project *project)
{
	struct expansion e = {l, project, source, source_get(l->sources, source)->text, buf_new(l->arena)};
	size_t done = 0;

	for (size_t at = 0; at < e.text.n; at++) {
		size_t name = name_at(e.text, at), end = name;
		if (!name)
			continue;
		while (end < e.text.n && e.text.s[end] != '}' && e.text.s[end] != '\n')
			end++;
		struct span span = {source, (uint32_t)at, (uint32_t)(end + 2 - at)};
		if (!str_starts(str_part(e.text, end, e.text.n), STR("}}"))) {
			span.length = (uint32_t)(name - at);
			diag_hint(diag_error(l->diags, span, "this template variable is not closed"), "write {{.Name}}");
			continue;
		}
		buf_add(&e.out, str_part(e.text, done, at));
		add_template(&e, span, str_trim(str_part(e.text, name, end)));
		done = end + 2;
		at = end + 1;
	}
	if (!done)
		return e.text;
	buf_add(&e.out, str_part(e.text, done, e.text.n));
	return buf_str(&e.out);
}
