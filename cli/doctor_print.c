#include "base/json.h"
#include "cli/doctor.h"
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

#define DOCTOR_FORMAT 1
#define COLUMNS 9
/* Of a line of text, and before what belongs to the line above. */
#define WIDTH 80
#define INDENT 4

void
doctor_count(const struct doctor *doctor, size_t *faults, size_t *notes)
{
	*faults = *notes = 0;
	for (size_t i = 0; i <= doctor->count; i++) {
		const struct findings *found = i < doctor->count ? &doctor->patients[i].found : &doctor->found;
		for (size_t k = 0; k < found->count; k++)
			++*(found->list[k].fault ? faults : notes);
	}
}

/* --- the table --- */

struct row {
	struct str cells[COLUMNS];
};

static const struct {
	const char *title;
	bool right; /* numbers */
} columns[COLUMNS] = {{"host", false}, {"ms", true}, {"cpus", true}, {"load", true}, {"compiler", false}, {"for", false},
	{"features", false}, {"object", false}, {"clock", true}};

static struct str
features_of(const struct patient *patient)
{
	if (patient->lzo && patient->cpp)
		return STR("lzo cpp");
	return patient->lzo ? STR("lzo") : patient->cpp ? STR("cpp") : STR("-");
}

static struct row
row_of(struct arena *arena, const struct patient *patient)
{
	const struct probe *probe = &patient->probe;
	struct row row;
	for (size_t i = 0; i < COLUMNS; i++)
		row.cells[i] = STR("-");
	row.cells[0] = patient->address;
	if (!probe->reached)
		return row;
	row.cells[1] = str_printf(arena, "%.*f", probe->trip_us < 1000 ? 2 : 1, (double)probe->trip_us / 1000);
	if (probe->has.cpus)
		row.cells[2] = str_printf(arena, "%d", probe->has.cpus);
	if (probe->load >= 0)
		row.cells[3] = str_printf(arena, "%.1f", probe->load);
	if (patient->version.n)
		row.cells[4] = str_printf(arena, "%.*s %.*s", STR_ARG(patient->compiler), STR_ARG(patient->version));
	/* Its processor: what else differs is said below. */
	if (patient->target.n)
		row.cells[5] = str_part(patient->target, 0, str_find(patient->target, '-'));
	row.cells[6] = features_of(patient);
	row.cells[7] = str_from(patient_object_name(patient->object));
	if (patient->timed)
		row.cells[8] = str_printf(arena, "%+" PRId64 " s", patient->ahead);
	return row;
}

static void
put_table(struct buf *out, const struct row *rows, size_t count)
{
	int widths[COLUMNS] = {0};
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			if ((int)utf8_columns(rows[i].cells[k]) > widths[k])
				widths[k] = (int)utf8_columns(rows[i].cells[k]);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < COLUMNS; k++) {
			struct str cell = rows[i].cells[k];
			int padding = widths[k] - (int)utf8_columns(cell);
			buf_printf(out, "%s%*s%.*s%*s", k ? "  " : "", columns[k].right ? padding : 0, "", STR_ARG(cell),
				columns[k].right || k + 1 == COLUMNS ? 0 : padding, "");
		}
		buf_add_byte(out, '\n');
	}
}

/* --- the findings --- */

/* In lines of at most WIDTH columns, where words allow; all but the first are indented. column: where the first begins. */
static void
put_words(struct buf *out, size_t column, int indent, struct str text)
{
	struct str line, word;
	for (bool first = true; str_split(&text, '\n', &line); first = false) {
		line = str_trim(line);
		if (!first) {
			buf_printf(out, "\n%*s", indent - 1, "");
			column = (size_t)indent - 1;
		}
		while (str_split(&line, ' ', &word)) {
			if (column + 1 + utf8_columns(word) > WIDTH) {
				buf_printf(out, "\n%*s", indent, "");
				column = (size_t)indent;
			} else {
				buf_add_byte(out, ' ');
				column++;
			}
			buf_add(out, word);
			column += utf8_columns(word);
		}
	}
	buf_add_byte(out, '\n');
}

static void
put_findings(struct buf *out, const struct findings *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct finding *finding = &found->list[i];
		struct str place = finding->place.n ? finding->place : STR("this machine");
		size_t before = out->n;
		buf_printf(out, "%s: %.*s:", finding->fault ? "fault" : "note", STR_ARG(place));
		put_words(out, utf8_columns(str_part(buf_str(out), before, out->n)), INDENT, finding->message);
		if (finding->hint.n) {
			buf_printf(out, "%*shint:", INDENT, "");
			put_words(out, INDENT + 5, INDENT + 2, finding->hint);
		}
		if (finding->fix.n && finding->on.n)
			buf_printf(out, "    fix, on %.*s: %.*s\n", STR_ARG(finding->on), STR_ARG(finding->fix));
		else if (finding->fix.n)
			buf_printf(out, "    fix: %.*s\n", STR_ARG(finding->fix));
	}
}

static const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void
put_summary(struct buf *out, const struct doctor *doctor, size_t faults, size_t notes)
{
	size_t fine = 0;
	if (out->n)
		buf_add_byte(out, '\n');
	for (size_t i = 0; i < doctor->count; i++)
		fine += doctor->patients[i].probe.reached && findings_fine(&doctor->patients[i].found);
	if (doctor->count)
		buf_printf(out, "%zu host%s, %zu fine; ", doctor->count, plural(doctor->count), fine);
	buf_printf(out, "%zu fault%s, %zu note%s\n", faults, plural(faults), notes, plural(notes));
}

static void
put_machine(struct buf *out, const struct doctor *doctor, const struct world *world)
{
	const struct toolchain *toolchain = doctor->toolchain;
	buf_printf(out, "this machine: ");
	if (toolchain)
		buf_printf(out, "%.*s is %.*s %.*s for %.*s, ", STR_ARG(toolchain->cc), STR_ARG(toolchain->kind),
			STR_ARG(toolchain->version), STR_ARG(toolchain->target));
	if (doctor->distcc_version.n)
		buf_printf(out, "distcc %.*s, ", STR_ARG(doctor->distcc_version));
	buf_printf(out, "%d processor%s\n", world->cpus, world->cpus == 1 ? "" : "s");
	if (doctor->list.n)
		buf_printf(out, "the hosts are those of %.*s\n", STR_ARG(doctor->list));
}

/* "type_c5.large=2 cpus" is "c5.large 2 cpus", "aws_region=eu-west-1" is "region eu-west-1". */
static struct str
fact_text(struct arena *arena, struct str fact)
{
	static const char *const kinds[] = {"aws_", "type_"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (str_starts(fact, str_from(kinds[i])))
			fact = str_part(fact, strlen(kinds[i]), fact.n);
	size_t end = str_find(fact, '=');
	return str_printf(arena, "%.*s %.*s", (int)end, fact.s, STR_ARG(str_part(fact, end + 1, fact.n)));
}

/* What a plan would stand on, and what it would cost. */
static void
put_cloud(struct buf *out, const struct world *world)
{
	struct words facts = {NULL, 0};
	for (size_t i = 0; i < world->facts.n; i++)
		if (!str_ends(world->facts.w[i], STR("=")))
			words_add(out->arena, &facts, fact_text(out->arena, world->facts.w[i]));
	if (!facts.n)
		return;
	buf_add_c(out, "aws:");
	put_words(out, strlen("aws:"), INDENT, words_join(out->arena, facts, STR(", ")));
	for (size_t i = 0; i < world->notes.n; i++)
		buf_printf(out, "%*s%.*s\n", INDENT, "", STR_ARG(world->notes.w[i]));
}

struct str
doctor_print(struct arena *arena, const struct doctor *doctor, const struct world *world)
{
	struct buf out = buf_new(arena);
	struct row *rows = arena_array(arena, struct row, doctor->count + 1);
	size_t faults, notes;
	if (doctor->project->provider == PROVIDER_AWS)
		put_cloud(&out, world);
	else
		put_machine(&out, doctor, world);
	for (size_t i = 0; i < COLUMNS; i++)
		rows[0].cells[i] = str_from(columns[i].title);
	for (size_t i = 0; i < doctor->count; i++)
		rows[i + 1] = row_of(arena, &doctor->patients[i]);
	if (doctor->count)
		put_table(&out, rows, doctor->count + 1);
	doctor_count(doctor, &faults, &notes);
	if (out.n && (faults || notes))
		buf_add_byte(&out, '\n');
	for (size_t i = 0; i < doctor->count; i++)
		put_findings(&out, &doctor->patients[i].found);
	put_findings(&out, &doctor->found);
	put_summary(&out, doctor, faults, notes);
	/* There are words of hosts in it. */
	struct buf safe = buf_new(arena);
	text_sanitise(&safe, buf_str(&out), false);
	return buf_str(&safe);
}

/* --- as JSON --- */

static void
put_json_text(struct json_writer *json, const char *name, struct str text)
{
	if (text.n)
		json_put_text(json, name, text);
}

static void
put_host(struct json_writer *json, struct arena *arena, const struct patient *patient)
{
	const struct probe *probe = &patient->probe;
	json_open_object(json, NULL);
	json_put_text(json, "host", patient->address);
	json_put_truth(json, "reached", probe->reached);
	if (probe->reached)
		json_put_integer(json, "trip_us", probe->trip_us);
	if (probe->has.cpus)
		json_put_integer(json, "cpus", probe->has.cpus);
	if (probe->reached && probe->load >= 0)
		json_put_text(json, "load", str_printf(arena, "%.2f", probe->load));
	put_json_text(json, "compiler", patient->compiler);
	put_json_text(json, "version", patient->version);
	put_json_text(json, "target", patient->target);
	if (patient->object != PATIENT_OBJECT_UNKNOWN) {
		json_put_truth(json, "lzo", patient->lzo);
		json_put_truth(json, "cpp", patient->cpp);
		json_put_text(json, "object", str_from(patient_object_name(patient->object)));
	}
	if (patient->timed)
		json_put_integer(json, "clock", patient->ahead);
	json_close(json);
}

static void
put_json_findings(struct json_writer *json, const struct findings *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct finding *finding = &found->list[i];
		json_open_object(json, NULL);
		json_put_text(json, "kind", finding->fault ? STR("fault") : STR("note"));
		put_json_text(json, "place", finding->place);
		json_put_text(json, "message", finding->message);
		put_json_text(json, "hint", finding->hint);
		put_json_text(json, "fix", finding->fix);
		put_json_text(json, "on", finding->on);
		json_close(json);
	}
}

struct str
doctor_print_json(struct arena *arena, const struct doctor *doctor, const struct world *world)
{
	struct json_writer *json = json_writer_new(arena, true);
	const struct toolchain *toolchain = doctor->toolchain;
	size_t faults, notes;
	doctor_count(doctor, &faults, &notes);
	json_open_object(json, NULL);
	json_put_integer(json, "format", DOCTOR_FORMAT);
	json_put_truth(json, "fine", faults == 0);
	if (doctor->project->provider == PROVIDER_AWS)
		json_put_words(json, "facts", world->facts);
	else
		json_put_integer(json, "cpus", world->cpus);
	if (toolchain && doctor->project->provider != PROVIDER_AWS) {
		json_put_text(json, "cc", toolchain->cc);
		json_put_text(json, "version", toolchain->version);
		json_put_text(json, "target", toolchain->target);
	}
	put_json_text(json, "distcc", doctor->distcc_version);
	json_open_array(json, "hosts");
	for (size_t i = 0; i < doctor->count; i++)
		put_host(json, arena, &doctor->patients[i]);
	json_close(json);
	json_open_array(json, "findings");
	for (size_t i = 0; i < doctor->count; i++)
		put_json_findings(json, &doctor->patients[i].found);
	put_json_findings(json, &doctor->found);
	json_close(json);
	json_close(json);
	return json_writer_text(json);
}
