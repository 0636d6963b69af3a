#include "hosts/doctor.h"

#include "base/os.h"
#include "hosts/provider_hosts.h"
#include "runtime/distcc.h"

#include <string.h>

/* --- findings --- */

static struct finding *
add(struct findings *findings, bool fault, struct str place, const char *format, va_list arguments)
{
	findings->list = arena_more(findings->arena, findings->list, findings->count, sizeof *findings->list);
	struct finding *finding = &findings->list[findings->count++];
	*finding = (struct finding){.fault = fault, .place = place, .message = str_vprintf(findings->arena, format, arguments)};
	return finding;
}

struct finding *
find_fault(struct findings *findings, struct str place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct finding *finding = add(findings, true, place, format, arguments);
	va_end(arguments);
	return finding;
}

struct finding *
find_note(struct findings *findings, struct str place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct finding *finding = add(findings, false, place, format, arguments);
	va_end(arguments);
	return finding;
}

void
finding_hint(struct findings *findings, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	findings->list[findings->count - 1].hint = str_vprintf(findings->arena, format, arguments);
	va_end(arguments);
}

void
finding_fix(struct findings *findings, struct str on, const char *format, ...)
{
	va_list arguments;
	struct finding *finding = &findings->list[findings->count - 1];
	va_start(arguments, format);
	finding->fix = str_vprintf(findings->arena, format, arguments);
	finding->on = on;
	va_end(arguments);
}

void
findings_take(struct findings *findings, struct diags *diags)
{
	for (const struct diag *diag = diags->first; diag; diag = diag->next) {
		struct str place = STR("");
		if (diag->span.source) {
			struct source_place at = source_place(diags->sources, diag->span);
			place = str_printf(findings->arena, "%.*s:%u:%u", STR_ARG(at.name), at.line, at.column);
		}
		if (diag->severity == DIAG_ERROR)
			find_fault(findings, place, "%.*s", STR_ARG(diag->message));
		else
			find_note(findings, place, "%.*s", STR_ARG(diag->message));
		if (diag->hint.n)
			finding_hint(findings, "%.*s", STR_ARG(diag->hint));
	}
	diag_clear(diags);
}

bool
findings_fine(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->list[i].fault)
			return false;
	return true;
}

const char *
patient_object_name(enum patient_object object)
{
	static const char *const names[] = {
#define OBJECT(name, word) word,
		PATIENT_OBJECTS(OBJECT)
#undef OBJECT
	};
	return names[object];
}

/* --- distcc's own list --- */

struct str
doctor_distcc_dir(struct arena *arena, char *const *environment)
{
	struct str given = os_variable(environment, "DISTCC_DIR");
	return given.s ? given : str_printf(arena, "%.*s/.distcc", STR_ARG(os_variable(environment, "HOME")));
}

bool
doctor_list(struct arena *arena, char *const *environment, struct str *words, struct str *path)
{
	struct str paths[] = {
		str_printf(arena, "%.*s/hosts", STR_ARG(doctor_distcc_dir(arena, environment))), STR("/etc/distcc/hosts")};
	*words = os_variable(environment, "DISTCC_HOSTS");
	*path = (struct str){NULL, 0};
	if (words->s)
		return true;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		*path = paths[i];
		if (os_is_file(path->s))
			return true;
	}
	return false;
}

/* --- those who are looked at --- */

void
doctor_admit(struct doctor *doctor)
{
	const struct project *project = doctor->project;
	doctor->patients = arena_array(doctor->arena, struct patient, project->machines.count);
	for (uint32_t i = 0; i < project->machines.count; i++) {
		struct patient *patient = &doctor->patients[doctor->count];
		struct buf address = buf_new(doctor->arena);
		patient->host = project->machines.hosts[i];
		if (patient->host.kind == HOST_LOCAL || HOST_HAS(&patient->host, down))
			continue;
		hosts_complete(project, &patient->host);
		host_print_address(&address, &patient->host);
		patient->address = buf_str(&address);
		patient->found.arena = &patient->arena;
		doctor->count++;
	}
}

void
doctor_close(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++)
		arena_free(&doctor->patients[i].arena);
}
