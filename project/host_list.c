#include "project/host_list.h"

#include <string.h>

/* A list being read. */
struct listing {
	struct loader *l;
	struct host_list *list;
	uint32_t capacity;
	struct map seen; /* address → struct host_spec * */
	struct span setting; /* the value in the Edccfile */
	size_t after; /* where in it the next word is looked for */
};

/* Where a word of the value stands in the Edccfile: itself where it is written there, else the whole value. */
static struct span
place_word(struct listing *listing, struct str word)
{
	struct str text = source_text(listing->l->sources, listing->setting);
	for (size_t at = listing->after; at + word.n <= text.n; at++) {
		bool begins = at == 0 || strchr(" \t\n\r\"'", text.s[at - 1]);
		bool ends = at + word.n == text.n || strchr(" \t\n\r\"'", text.s[at + word.n]);
		if (!begins || !ends || memcmp(text.s + at, word.s, word.n) != 0)
			continue;
		listing->after = at + word.n;
		return (struct span){listing->setting.source, listing->setting.offset + (uint32_t)at, (uint32_t)word.n};
	}
	return listing->setting;
}

static void
report(struct listing *listing, const struct host_fault *fault, struct str word, struct span span)
{
	struct diag *diag;
	if (span.length == word.n) {
		struct span part = {span.source, span.offset + (uint32_t)fault->at, (uint32_t)(fault->length ? fault->length : 1)};
		diag = diag_error(listing->l->diags, part, "%.*s", STR_ARG(fault->message));
	} else {
		diag = diag_error(listing->l->diags, span, "in '%.*s': %.*s", STR_ARG(word), STR_ARG(fault->message));
	}
	if (fault->hint.n)
		diag_hint(diag, "%.*s", STR_ARG(fault->hint));
}

static void
add_machine(struct listing *listing, const struct host_spec *host)
{
	struct loader *l = listing->l;
	struct host_list *list = listing->list;
	struct buf address = buf_new(l->arena);
	host_print_address(&address, host);
	const struct host_spec **seen = (const struct host_spec **)map_at(&listing->seen, buf_str(&address));
	if (*seen) {
		struct diag *diag = diag_error(l->diags, host->span, "'%.*s' is in the list twice", STR_ARG(buf_str(&address)));
		diag_hint(diag, "slots say how much a host is given: %.*s/8", STR_ARG(buf_str(&address)));
		diag_note(diag, (*seen)->span, "the first is here");
		return;
	}
	if (list->count == listing->capacity) {
		uint32_t capacity = listing->capacity ? 2 * listing->capacity : 16;
		list->hosts =
			arena_grow(l->arena, list->hosts, listing->capacity * sizeof *list->hosts, capacity * sizeof *list->hosts);
		listing->capacity = capacity;
	}
	list->hosts[list->count++] = *host;
	struct host_spec *kept = arena_new(l->arena, struct host_spec);
	*kept = *host;
	*seen = kept;
	list->machines += host->kind != HOST_LOCAL && !HOST_HAS(host, down);
}

static void
add_word(struct listing *listing, struct str word, struct span span)
{
	struct host_list *list = listing->list;
	struct host_spec host;
	struct host_fault fault;
	if (!host_parse(listing->l->arena, word, &host, &fault)) {
		report(listing, &fault, word, span);
		return;
	}
	host.span = span;
	switch (host.kind) {
	case HOST_TCP:
	case HOST_SSH:
	case HOST_LOCAL:
		add_machine(listing, &host);
		break;
	case HOST_RANDOMIZE:
		list->randomize = true;
		break;
	case HOST_LOCAL_SLOTS:
		list->local_slots = host.limit;
		break;
	case HOST_LOCAL_SLOTS_CPP:
		list->local_slots_cpp = host.limit;
		break;
	case HOST_ZEROCONF:
		list->zeroconf = span;
		break;
	}
}

/* A text in the form of distcc's own hosts files: words, and comments to the end of the line. */
static void
add_text(struct listing *listing, uint32_t source)
{
	struct str text = source_get(listing->l->sources, source)->text;
	for (size_t at = 0; at < text.n;) {
		size_t from = at;
		if (text.s[at] == '#') {
			at += str_find(str_part(text, at, text.n), '\n');
			continue;
		}
		while (at < text.n && !strchr(" \t\n\r\f\v#", text.s[at]))
			at++;
		if (at > from)
			add_word(listing, str_part(text, from, at), (struct span){source, (uint32_t)from, (uint32_t)(at - from)});
		else
			at++;
	}
}

/* No host's name begins so. */
static bool
is_path(struct str word)
{
	static const char *const starts[] = {"/", "./", "../", "~/"};
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (str_starts(word, str_from(starts[i])))
			return true;
	return false;
}

static void
add_file(struct listing *listing, struct str path, struct span span)
{
	struct loader *l = listing->l;
	struct str error, home = load_environment(l, STR("HOME")), full = path;
	if (*path.s == '~')
		full = str_printf(l->arena, "%.*s%.*s", STR_ARG(home), STR_ARG(str_part(path, 1, path.n)));
	uint32_t source = load_text(l, full, &error);
	if (source)
		add_text(listing, source);
	else
		diag_hint(diag_error(l->diags, span, "%.*s", STR_ARG(error)),
			"a word with a leading /, ./, ../ or ~/ names a file of hosts");
}

/* How many machines there are is for the list to say. */
static void
set_group(struct loader *l, struct project *project, struct span span)
{
	struct instance_group *group = arena_new(l->arena, struct instance_group);
	group->name = STR("");
	group->span = span;
	group->set.count = project->machines.machines;
	project->groups = group;
	project->group_count = 1;
}

void
host_list_fill(struct loader *l, const struct merged *merged, struct project *project)
{
	struct span span = merge_span(l, merged, "hosts");
	struct listing listing = {.l = l, .list = &project->machines, .seen = map_new(&l->scratch), .setting = span};
	const struct words *words = &project->hosts.hosts;
	for (size_t i = 0; i < words->n; i++) {
		struct span place = place_word(&listing, words->w[i]);
		if (is_path(words->w[i]))
			add_file(&listing, words->w[i], place);
		else if (*words->w[i].s == '#')
			diag_hint(diag_error(l->diags, place, "where the comments of a hosts file end cannot be told here"),
				"name the file itself: hosts = ./hosts");
		else
			add_word(&listing, words->w[i], place);
		if (*words->w[i].s == '#')
			break;
	}
	if (project->provider != PROVIDER_HOSTS)
		return;
	set_group(l, project, span);
	if (project->machines.local_slots)
		project->distcc.local_slots = project->machines.local_slots;
}

bool
host_list_read(struct arena *arena, struct sources *sources, struct diags *diags, const uint32_t *texts, size_t count,
	struct host_list *list)
{
	struct loader l = {.arena = arena, .sources = sources, .diags = diags};
	struct listing listing = {.l = &l, .list = list, .seen = map_new(arena)};
	size_t errors = diags->error_count;
	*list = (struct host_list){0};
	for (size_t i = 0; i < count; i++)
		add_text(&listing, texts[i]);
	return diags->error_count == errors;
}
