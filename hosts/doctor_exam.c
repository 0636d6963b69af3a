#include "hosts/doctor_exam.h"

#include "runtime/object.h"
#include "runtime/toolchain.h"

#include <string.h>
#include <sys/wait.h>

/* A clock that is further off than this is worth a word. */
#define CLOCK_LIMIT 60

/* The processor that a target begins with. */
static struct str
processor(struct str target)
{
	return str_part(target, 0, str_find(target, '-'));
}

static struct str
major(struct str version)
{
	return str_part(version, 0, str_find(version, '.'));
}

struct str
exam_install(struct arena *arena, const struct exam *exam, struct str target)
{
	const struct toolchain *ours = exam->doctor->toolchain;
	struct buf name = buf_new(arena);
	bool gcc = str_is(ours->kind, "gcc");
	bool cross =
		exam->doctor->project->compiler_set.target.n || (target.n && !str_eq(processor(target), processor(ours->target)));
	buf_printf(&name, "apt-get install %.*s-%.*s", STR_ARG(ours->kind), STR_ARG(major(ours->version)));
	for (size_t i = 0; gcc && cross && i <= ours->target.n; i++) {
		char c = i ? ours->target.s[i - 1] : '-';
		buf_add_byte(&name, c == '_' ? '-' : c);
	}
	buf_add_c(&name, " && update-distcc-symlinks");
	return buf_str(&name);
}

/* The line of a compiler's messages that says most: the first with an error in it, else the last. */
static struct str
telling_line(struct str text)
{
	struct str line, last = STR("it says nothing");
	while (str_split(&text, '\n', &line)) {
		line = str_trim(line);
		if (line.n)
			last = line;
		if (line.n && memmem(line.s, line.n, "error", 5))
			return line;
	}
	return last;
}

/* --- what it compiled --- */

void
exam_compiler(const struct exam *exam, struct patient *patient, const struct wire_answer *answer)
{
	struct str kinds[] = {exam->doctor->toolchain->kind, STR("gcc"), STR("clang")}, maker = object_maker(answer->object);
	size_t i = 0;
	while (i < 3 && !toolchain_read(kinds[i], answer->error, &patient->version, &patient->target))
		i++;
	patient->compiler = kinds[i % 3];
	/* In another language than English its own words are not understood; the last one in an object is the version. */
	if (i == 3 && maker.n)
		patient->version = str_behind(maker, ' ');
}

static void
tell_target(const struct exam *exam, struct patient *patient, struct str name)
{
	struct findings *found = &patient->found;
	const struct toolchain *ours = exam->doctor->toolchain;
	find_fault(found, patient->address, "its '%.*s' compiles for %.*s, and the one here for %.*s", STR_ARG(name),
		STR_ARG(patient->target), STR_ARG(ours->target));
	if (str_starts(name, ours->target))
		finding_hint(found, "what has that name must be for %.*s; on Debian:", STR_ARG(ours->target));
	else
		finding_hint(found,
			"one name is another compiler on each: 'compiler %.*s: target = %.*s' calls it by its whole one, "
			"which that host must have; on Debian:",
			STR_ARG(ours->kind), STR_ARG(ours->target));
	finding_fix(found, patient->address, "%.*s", STR_ARG(exam_install(found->arena, exam, patient->target)));
}

static void
tell_version(const struct exam *exam, struct patient *patient, struct str name)
{
	struct findings *found = &patient->found;
	const struct toolchain *ours = exam->doctor->toolchain;
	find_fault(found, patient->address, "its '%.*s' is %.*s %.*s, and the one here is %.*s %.*s", STR_ARG(name),
		STR_ARG(patient->compiler), STR_ARG(patient->version), STR_ARG(ours->kind), STR_ARG(ours->version));
	finding_hint(found, "all must have one: 'compiler %.*s: version = %.*s' here asks for it by its name; there, on Debian:",
		STR_ARG(ours->kind), STR_ARG(major(ours->version)));
	finding_fix(found, patient->address, "%.*s", STR_ARG(exam_install(found->arena, exam, patient->target)));
}

static void
compare(const struct exam *exam, struct patient *patient, struct str object, struct str name)
{
	struct findings *found = &patient->found;
	const struct toolchain *ours = exam->doctor->toolchain;
	struct str version = patient->version, target = patient->target;
	patient->object = str_eq(object, exam->reference) ? PATIENT_OBJECT_SAME : PATIENT_OBJECT_OTHER;
	if (patient->object == PATIENT_OBJECT_SAME)
		return;
	if (target.n && !str_eq(processor(target), processor(ours->target))) {
		tell_target(exam, patient, name);
	} else if (!str_eq(patient->compiler, ours->kind) || (version.n && !str_eq(version, ours->version))) {
		tell_version(exam, patient, name);
	} else if (target.n && !str_eq(target, ours->target)) {
		tell_target(exam, patient, name);
	} else {
		find_fault(found, patient->address, "it makes another object than this machine: %.*s",
			STR_ARG(object_differs(found->arena, object, exam->reference)));
		finding_hint(found, "both must have the same package of it; or leave that host out");
	}
}

bool
exam_read(const struct exam *exam, struct patient *patient, const struct wire_answer *answer, struct str name)
{
	struct findings *found = &patient->found;
	if (answer->status == 0) {
		exam_compiler(exam, patient, answer);
		compare(exam, patient, answer->object, name);
		return true;
	}
	if (WIFEXITED(answer->status) && WEXITSTATUS(answer->status) == WIRE_NO_COMPILER) {
		find_fault(found, patient->address, "there is no '%.*s' there", STR_ARG(name));
		finding_hint(found, "install the compiler there; on Debian:");
		finding_fix(found, patient->address, "%.*s", STR_ARG(exam_install(found->arena, exam, STR(""))));
	} else {
		find_fault(found, patient->address, "its '%.*s' cannot compile a small file: %.*s", STR_ARG(name),
			STR_ARG(telling_line(answer->error)));
		finding_hint(found, "try it there by hand: is all of the compiler installed, and is there room in TMPDIR?");
	}
	return false;
}

void
exam_features(struct patient *patient)
{
	struct findings *found = &patient->found;
	if (HOST_HAS(&patient->host, lzo) && !patient->lzo)
		find_fault(found, patient->address, "its distccd takes nothing compressed, and the list has it with ',lzo'");
	if (HOST_HAS(&patient->host, cpp) && !patient->cpp)
		find_fault(found, patient->address, "its distccd does not preprocess, and the list has it with ',cpp'");
}

/* --- its clock --- */

void
exam_clock(struct patient *patient, int64_t seconds, int64_t began, int64_t ended)
{
	patient->timed = true;
	patient->ahead = seconds < began / 1000 ? seconds - began / 1000 : seconds > ended / 1000 ? seconds - ended / 1000 : 0;
	if (patient->ahead <= CLOCK_LIMIT && patient->ahead >= -CLOCK_LIMIT)
		return;
	find_note(&patient->found, patient->address, "its clock is %lld s %s",
		(long long)(patient->ahead > 0 ? patient->ahead : -patient->ahead), patient->ahead > 0 ? "ahead" : "behind");
	finding_hint(&patient->found, "compiles do not mind, but logs do, and __TIME__ where it preprocesses");
}
