/* Portage, Gentoo's package manager, calls distcc itself where FEATURES says so. Its rules were read in its source (doebuild.py): with network-sandbox nothing that a
 * phase calls has a network, but where distcc is asked for there is a SOCKS proxy out of it, DISTCC_SOCKS_PROXY, which Gentoo's own distcc knows and no other. */
#include "hosts/doctor.h"

#include "base/os.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_LIMIT ((size_t)16 << 20)
#define CONFIG "/etc/portage/make.conf"

/* What FEATURES comes to: each file adds to those before it, and -NAME takes one away. */
struct features {
	struct arena *arena;
	struct words on;
	struct str chost;
};

static void
take_feature(struct features *features, struct str word)
{
	bool off = word.n && *word.s == '-';
	struct str name = str_part(word, off ? 1 : 0, word.n);
	struct words left = {NULL, 0};
	if (str_is(name, "*") && off)
		features->on = left;
	if (!name.n || strchr("$*", *name.s))
		return;
	for (size_t i = 0; i < features->on.n; i++)
		if (!str_eq(features->on.w[i], name))
			words_add(features->arena, &left, features->on.w[i]);
	if (!off)
		words_add(features->arena, &left, name);
	features->on = left;
}

/* The value that begins behind the equals sign, in quotes over several lines or without. */
static struct str
value_of(struct str text)
{
	if (text.n && strchr("\"'", *text.s))
		return str_part(str_part(text, 1, text.n), 0, str_find(str_part(text, 1, text.n), *text.s));
	size_t n = 0;
	while (n < text.n && !strchr(" \t\n#", text.s[n]))
		n++;
	return str_part(text, 0, n);
}

static void
take_text(struct features *features, struct str text)
{
	for (size_t at = 0; at < text.n; at += str_find(str_part(text, at, text.n), '\n') + 1) {
		struct str line = str_part(text, at, text.n);
		while (line.n && strchr(" \t", *line.s))
			line = str_part(line, 1, line.n);
		if (str_starts(line, STR("CHOST=")))
			features->chost = value_of(str_part(line, 6, line.n));
		if (!str_starts(line, STR("FEATURES=")))
			continue;
		struct str value = value_of(str_part(line, 9, line.n));
		for (size_t i = 0; i < value.n;) {
			size_t from = i;
			while (i < value.n && !strchr(" \t\n\\", value.s[i]))
				i++;
			if (i > from)
				take_feature(features, str_part(value, from, i));
			else
				i++;
		}
	}
}

static bool
take_file(struct features *features, const char *path)
{
	struct str text, error;
	bool there = os_read(features->arena, path, TEXT_LIMIT, &text, &error);
	if (there)
		take_text(features, text);
	return there;
}

/* A file, or a folder of files that count in the order of their names. */
static bool
take_path(struct features *features, const char *path)
{
	struct words names = {NULL, 0};
	struct str error;
	if (!os_is_folder(path))
		return take_file(features, path);
	os_glob(features->arena, path, STR("*"), &names, &error);
	for (size_t i = 0; i < names.n; i++)
		take_file(features, str_printf(features->arena, "%s/%.*s", path, STR_ARG(names.w[i])).s);
	return names.n;
}

/* --- what is wrong with it --- */

static void
check_network(struct doctor *doctor)
{
	struct str program, error;
	bool knows = doctor->distcc.n &&
		     os_read(doctor->arena, str_c(doctor->arena, doctor->distcc), TEXT_LIMIT, &program, &error) &&
		     memmem(program.s, program.n, "DISTCC_SOCKS_PROXY", 18);
	size_t ssh = 0;
	for (size_t i = 0; i < doctor->count; i++)
		ssh += doctor->patients[i].host.kind == HOST_SSH;
	if (knows && !ssh)
		return;
	find_fault(&doctor->found, STR(CONFIG),
		"FEATURES has distcc and network-sandbox (which is on unless it says -network-sandbox): %s",
		knows ? "ssh has no network there" : "distcc has no network there, and all is compiled here");
	finding_fix(&doctor->found, STR(""), "echo 'FEATURES=\"${FEATURES} -network-sandbox\"' >>" CONFIG);
}

/* Portage calls CHOST-gcc, which distcc must be found under. */
static void
check_names(struct doctor *doctor, const struct features *features)
{
	static const char *const folders[] = {"/usr/lib/distcc/bin", "/usr/lib/distcc"};
	static const char *const kinds[] = {"gcc", "g++"};
	const char *folder = NULL;
	for (size_t i = 0; i < sizeof folders / sizeof *folders && !folder; i++)
		if (os_is_folder(folders[i]))
			folder = folders[i];
	for (size_t i = 0; folder && features->chost.n && i < sizeof kinds / sizeof *kinds; i++) {
		struct str name = str_printf(doctor->arena, "%.*s-%s", STR_ARG(features->chost), kinds[i]);
		if (access(str_printf(doctor->arena, "%s/%.*s", folder, STR_ARG(name)).s, X_OK) == 0)
			continue;
		find_fault(&doctor->found, str_from(folder), "there is no '%.*s', which is what Portage calls", STR_ARG(name));
		finding_fix(&doctor->found, STR(""), "ln -s /usr/bin/distcc '%s/%.*s'", folder, STR_ARG(name));
	}
}

void
doctor_portage(struct doctor *doctor)
{
	struct features features = {.arena = doctor->arena};
	bool found = take_file(&features, "/usr/share/portage/config/make.globals");
	if (!found) /* its defaults have it, wherever they are */
		take_feature(&features, STR("network-sandbox"));
	bool there = take_path(&features, "/etc/make.conf");
	there = take_path(&features, CONFIG) || there;
	take_text(&features, str_printf(doctor->arena, "FEATURES=\"%.*s\"", STR_ARG(os_variable(doctor->environment, "FEATURES"))));
	if (!there || !words_has(features.on, STR("distcc")))
		return;
	if (words_has(features.on, STR("network-sandbox")))
		check_network(doctor);
	check_names(doctor, &features);
}
