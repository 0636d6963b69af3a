#include "project/load.h"

#include "base/hash.h"
#include "base/os.h"
#include "parser/parse.h"
#include "project/check.h"
#include "project/collect.h"
#include "project/snippet.h"

#include <errno.h>
#include <string.h>

struct str
load_span(const struct loader *l, struct span span)
{
	return span.length ? source_text(l->sources, span) : STR("");
}

struct str
load_environment(const struct loader *l, struct str name)
{
	for (char *const *at = l->options->environment; at && *at; at++) {
		struct str entry = str_from(*at);
		if (entry.n > name.n && entry.s[name.n] == '=' && str_starts(entry, name))
			return str_part(entry, name.n + 1, entry.n);
	}
	return (struct str){NULL, 0};
}

/* Takes the last component off what was built; false where it is none or "..". */
static bool
go_up(struct buf *out, size_t root)
{
	struct str built = buf_str(out);

	if (built.n == root || str_is(built, "..") || str_ends(built, STR("/..")))
		return false;
	while (out->n > root && out->s[out->n - 1] != '/')
		out->n--;
	if (out->n > root)
		out->n--;
	return true;
}

struct str
load_join(struct arena *arena, struct str dir, struct str path)
{
	struct str whole =
		str_starts(path, STR("/")) || !dir.n ? path : str_printf(arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(path));
	struct buf out = buf_sized(arena, whole.n);
	struct str rest = whole, piece;
	size_t root = str_starts(whole, STR("/")) ? 1 : 0;

	if (root)
		buf_add_byte(&out, '/');
	while (str_split(&rest, '/', &piece)) {
		if (!piece.n || str_is(piece, "."))
			continue;
		if (str_is(piece, "..") && (go_up(&out, root) || root))
			continue;
		if (out.n > root)
			buf_add_byte(&out, '/');
		buf_add(&out, piece);
	}
	if (!out.n)
		return STR(".");
	return buf_str(&out);
}

bool
load_leads_out(struct str path)
{
	return str_starts(path, STR("/")) || str_is(path, "..") || str_starts(path, STR("../"));
}

/* The path's folder; empty where it names none. */
static struct str
folder_of(struct str path)
{
	while (path.n && path.s[path.n - 1] != '/')
		path.n--;
	while (path.n > 1 && path.s[path.n - 1] == '/')
		path.n--;
	return path;
}

static bool
read_path(struct loader *l, struct str path, struct str *text, struct str *error)
{
	return l->files->read(l->files->context, &l->sources->arena, str_c(&l->scratch, path), text, error);
}

static void
add_input(struct loader *l, struct str name, struct str path, uint32_t source)
{
	l->inputs = arena_more(l->arena, l->inputs, l->input_count, sizeof *l->inputs);
	l->inputs[l->input_count++] = (struct input){name, path, source};
}

/* Parses and checks a text and files it as a unit. */
static const struct unit *
add_unit(struct loader *l, enum unit_kind kind, struct str key, struct str name, struct str path, struct str text)
{
	struct unit *unit = arena_new(&l->scratch, struct unit);
	uint32_t source = source_add(l->sources, name, path, text);
	size_t errors = l->diags->error_count;

	unit->kind = kind;
	unit->name = name;
	unit->tree = parse_source(&l->scratch, source, l->diags);
	if (l->diags->error_count != errors)
		l->incomplete = true;
	check_tree(&l->scratch, l->diags, unit->tree);
	add_input(l, name, path, source);
	*map_at(&l->units, key) = unit;
	return unit;
}

const struct unit *
load_edccfile(struct loader *l)
{
	struct str name = str_dup(l->arena, str_from(l->options->file)), text, error;

	if (!read_path(l, name, &text, &error)) {
		struct diag *diag = diag_error(l->diags, SPAN_NONE, "%.*s", STR_ARG(error));
		diag_hint(diag, "-f names another file");
		return NULL;
	}
	return add_unit(l, UNIT_FILE, name, name, name, text);
}

static const struct unit *
include_standard(struct loader *l, const struct include *include, struct str name)
{
	struct suggest suggest = suggest_for(name);
	struct diag *diag;

	for (const struct snippet *snippet = snippets; snippet->name; snippet++) {
		if (str_is(name, snippet->name))
			return add_unit(l, UNIT_STANDARD, name, name, (struct str){NULL, 0}, str_from(snippet->text));
		suggest_offer(&suggest, str_from(snippet->name));
	}
	diag = diag_error(l->diags, include->target, "there is no '%.*s' in the standard library", STR_ARG(name));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "'edcc std' lists what there is");
	return NULL;
}

/* Reads a pinned text from the cache; false where it is not there, or is not what it was. */
static bool
read_cached(struct loader *l, struct str path, struct str hash, struct str *text)
{
	char hex[HASH_HEX_LENGTH + 1];
	struct str error;

	return path.n && read_path(l, path, text, &error) && hash_text(*text, hex) && str_is(hash, hex);
}

static const struct unit *
include_fetched(struct loader *l, const struct include *include, struct str url)
{
	struct str hash = load_span(l, include->hash), text, error, path = {NULL, 0};
	char hex[HASH_HEX_LENGTH + 1];

	if (l->cache.n && hash.n)
		path = load_join(&l->scratch, l->cache, hash);
	if (hash.n && map_get(&l->units, hash))
		return map_get(&l->units, hash);
	if (hash.n && read_cached(l, path, hash, &text))
		return add_unit(l, UNIT_FETCHED, hash, url, path, text);
	if (!l->files->fetch(l->files->context, &l->sources->arena, str_c(&l->scratch, url), &text, &error)) {
		struct diag *diag = diag_error(l->diags, include->target, "%.*s", STR_ARG(error));
		diag_hint(diag, "is the address right, and the server reached from here? What is pinned is fetched only once");
		return NULL;
	}
	if (!hash_text(text, hex)) {
		diag_error(l->diags, include->target, "cannot check what was fetched: OpenSSL's libcrypto cannot be loaded");
		return NULL;
	}
	if (!hash.n) {
		struct diag *diag = diag_error(l->diags, include->target, "an include from the network needs its hash");
		diag_hint(diag, "look at the text; if it is what you want, write: include %.*s sha256:%s", STR_ARG(url), hex);
		return NULL;
	}
	if (!str_is(hash, hex)) {
		struct diag *diag =
			diag_error(l->diags, include->hash, "what was fetched is not what was pinned: its hash is %s", hex);
		diag_hint(diag, "look at what has changed before pinning the new hash");
		return NULL;
	}
	if (path.n && os_make_folders(&l->scratch, str_c(&l->scratch, l->cache), false, &error))
		os_write_atomic(&l->scratch, str_c(&l->scratch, path), text, 0644,
			&error); /* where it cannot be kept it is fetched again */
	return add_unit(l, UNIT_FETCHED, hash, url, path, text);
}

static const struct unit *
include_file(struct loader *l, const struct include *include, struct str path)
{
	const struct unit *unit = map_get(&l->units, path);
	struct str text, error;

	if (unit)
		return unit;
	if (read_path(l, path, &text, &error))
		return add_unit(l, UNIT_FILE, path, path, path, text);
	struct diag *diag = diag_error(l->diags, include->target, "%.*s", STR_ARG(error));
	if (*load_span(l, include->target).s != '/' && str_ends(error, str_from(strerror(ENOENT))))
		diag_hint(diag, "a path is relative to the folder of the file that includes it");
	return NULL;
}

/* A shared snippet, in the folders of EDCC_PATH. */
static const struct unit *
include_shared(struct loader *l, const struct include *include, struct str name)
{
	struct str folders = load_environment(l, STR("EDCC_PATH")), rest = folders, folder, text, error;
	struct diag *diag;

	while (str_split(&rest, ':', &folder)) {
		for (int bare = 0; folder.n && bare < 2; bare++) {
			struct str path = str_printf(l->arena, "%.*s/%.*s%s", STR_ARG(folder), STR_ARG(name), bare ? "" : ".edcc");
			if (map_get(&l->units, path))
				return map_get(&l->units, path);
			if (read_path(l, path, &text, &error))
				return add_unit(l, UNIT_FILE, path, path, path, text);
		}
	}
	if (folders.n)
		diag = diag_error(l->diags, include->target, "there is no snippet '%.*s' in EDCC_PATH (%.*s)", STR_ARG(name),
			STR_ARG(folders));
	else
		diag = diag_error(l->diags, include->target, "there is no snippet '%.*s': EDCC_PATH is not set", STR_ARG(name));
	diag_hint(diag, "write './%.*s' for a file beside this one, 'std/%.*s' for the standard library", STR_ARG(name),
		STR_ARG(name));
	return NULL;
}

const struct unit *
load_include(struct loader *l, const struct include *include, const struct unit *from)
{
	struct str target = load_span(l, include->target);
	const struct unit *unit;

	if (str_starts(target, STR("./")) || str_starts(target, STR("../")) || str_starts(target, STR("/"))) {
		if (from->kind == UNIT_FILE)
			return include_file(l, include, load_join(l->arena, folder_of(from->name), target));
		diag_error(l->diags, include->target, "'%.*s' stands beside no file: it can include std/NAME and https://… only",
			STR_ARG(from->name));
		return NULL;
	}
	if (str_starts(target, STR("http://"))) {
		diag_hint(diag_error(l->diags, include->target, "an include is fetched by https only"), "write https://…");
		return NULL;
	}
	if (str_starts(target, STR("https://")))
		return include_fetched(l, include, target);
	if ((unit = map_get(&l->units, target)) != NULL)
		return unit;
	if (str_starts(target, STR("std/")))
		return include_standard(l, include, target);
	return include_shared(l, include, target);
}

uint32_t
load_text(struct loader *l, struct str path, struct str *error)
{
	struct str name = load_join(l->arena, folder_of(l->inputs[0].path), path), text;

	for (uint32_t i = 0; i < l->input_count; i++)
		if (str_eq(l->inputs[i].name, name))
			return l->inputs[i].source;
	if (!read_path(l, name, &text, error))
		return 0;
	uint32_t source = source_add(l->sources, name, name, text);
	add_input(l, name, name, source);
	return source;
}
