#include "base/pool.h"
#include "hosts/doctor_exam.h"
#include "runtime/canary.h"
#include "runtime/distcc.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 64
#define COMPILE_MS 60000
#define OUTPUT_LIMIT ((size_t)64 << 10)
#define OBJECT_LIMIT ((size_t)16 << 20)
#define REFERENCE "reference.o"
/* A machine with so many more runnable jobs than processors is busy. */
#define BUSY 1.5

/* --- what all are asked --- */

/* `[distcc] CC [-v] -O2 -c edcc-canary.c -o OBJECT` */
static char **
call(struct arena *arena, struct str distcc, struct str cc, bool verbose, const char *object)
{
	char **argv = arena_array(arena, char *, 24);
	const char *rest[] = {"-O2", "-c", CANARY_SOURCE, "-o", object};
	size_t n = 0;
	if (distcc.n)
		argv[n++] = str_c(arena, distcc);
	n += words_argv(arena, cc, argv + n, 16 - n);
	if (verbose)
		argv[n++] = "-v";
	memcpy(&argv[n], rest, sizeof rest);
	return argv;
}

/* The environment, with what distcc is told here before it. DISTCC_HOSTS has the first place. */
static const char **
environment_of(struct arena *arena, const struct doctor *doctor, const char *folder)
{
	static const char *const names[] = {"DISTCC_", "TMPDIR=", "LC_ALL="};
	size_t n = 0, count = 0;
	while (doctor->environment[count])
		count++;
	const char **environment = arena_array(arena, const char *, count + 8);
	environment[n++] = "DISTCC_HOSTS=";
	environment[n++] = str_printf(arena, "DISTCC_DIR=%s", folder).s;
	environment[n++] = str_printf(arena, "TMPDIR=%s", folder).s;
	environment[n++] = "DISTCC_FALLBACK=0";
	environment[n++] = "DISTCC_SKIP_LOCAL_RETRY=1";
	environment[n++] = "LC_ALL=C";
	for (size_t i = 0; i < count; i++) {
		bool ours = false;
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			ours |= strncmp(doctor->environment[i], names[k], strlen(names[k])) == 0;
		/* The names that compilers are called by are what its user sends. */
		if (!ours || strncmp(doctor->environment[i], "DISTCC_NO_REWRITE_CROSS=", 24) == 0)
			environment[n++] = doctor->environment[i];
	}
	return environment;
}

/* The compile here, and the same as distcc would send it. False with what is wrong. */
static bool
make_job(struct doctor *doctor, struct exam *exam, const char *folder, struct str *why)
{
	static const struct os_cancel never = {.fd = -1};
	struct arena *arena = doctor->arena;
	const char **environment = environment_of(arena, doctor, folder);
	const char *path = str_printf(arena, "%s/" CANARY_SOURCE, folder).s;
	struct os_spawn spawn = {
		.argv = call(arena, (struct str){NULL, 0}, doctor->toolchain->cc, false, REFERENCE),
		.env = (char *const *)environment,
		.dir = folder,
		.capture = true,
		.own_group = true,
	};
	int status = 0;
	if (!os_write_atomic(arena, path, str_from(canary_program), 0644, why) ||
		!os_run(arena, &spawn, COMPILE_MS, OUTPUT_LIMIT, &never, &status, why, why) || status != 0 ||
		!os_read(arena, str_printf(arena, "%s/" REFERENCE, folder).s, OBJECT_LIMIT, &exam->reference, why))
		return false;
	spawn.argv = call(arena, doctor->distcc, doctor->toolchain->cc, true, "sent.o");
	return wire_capture(arena, &spawn, environment, &exam->job, why);
}

/* In a folder of its own, which is gone afterwards. */
static bool
prepare(struct doctor *doctor, struct exam *exam)
{
	struct str given = os_variable(doctor->environment, "TMPDIR"), why = STR("");
	char *folder =
		str_c(doctor->arena, str_printf(doctor->arena, "%.*s/edcc-doctor-XXXXXX", STR_ARG(given.n ? given : STR("/tmp"))));
	if (!doctor->toolchain || !doctor->distcc.n || !mkdtemp(folder))
		return false; /* which is a finding already */
	bool made = make_job(doctor, exam, folder, &why);
	if (!made) {
		struct str cc = doctor->toolchain->cc;
		find_fault(
			&doctor->found, STR(""), "'distcc %.*s -c' sends no small file: %.*s", STR_ARG(cc), STR_ARG(str_trim(why)));
		finding_hint(&doctor->found, "try '%.*s -c' on a C file of your own, with and without distcc", STR_ARG(cc));
	}
	os_remove_tree(doctor->arena, folder, &why);
	return made;
}

/* --- all of them --- */

static void
tell_unreached(struct patient *patient)
{
	find_fault(&patient->found, patient->address, "%.*s", STR_ARG(patient->probe.reason));
	finding_hint(&patient->found, "%.*s", STR_ARG(patient->probe.hint));
	if (patient->probe.fix.n)
		finding_fix(&patient->found, STR(""), "%.*s", STR_ARG(patient->probe.fix));
	if (!patient->probe.closed)
		return;
	struct str port = patient->host.port ? str_printf(&patient->arena, " --port %d", patient->host.port) : STR("");
	finding_fix(&patient->found, patient->address, "distccd --daemon%.*s --allow %.*s", STR_ARG(port),
		STR_ARG(exam_address(patient)));
}

static void
tell_load(struct patient *patient)
{
	const struct probe *probe = &patient->probe;
	if (!probe->reached || !probe->has.cpus || probe->load < BUSY * probe->has.cpus)
		return;
	find_note(&patient->found, patient->address, "it is busy: a load of %.1f on %d processor%s", probe->load, probe->has.cpus,
		probe->has.cpus == 1 ? "" : "s");
	finding_hint(&patient->found, "',down' in the list leaves it out for now");
}

static void
tell_jobs(struct patient *patient)
{
	int jobs = patient->probe.has.jobs, given = patient->host.limit;
	if (!jobs || given <= jobs)
		return;
	find_note(
		&patient->found, patient->address, "it takes %d job%s at once and is given %d", jobs, jobs == 1 ? "" : "s", given);
	finding_hint(&patient->found, "what is more waits there, unseen: /%d in the list, or there distccd --jobs %d", jobs, given);
}

static void
examine(void *context, void *item)
{
	const struct exam *exam = context;
	struct patient *patient = item;
	bool ssh = patient->host.kind == HOST_SSH;
	patient->here = patient->probe.named && exam_is_here(patient);
	if (!patient->probe.reached)
		tell_unreached(patient);
	else if (exam->job.argv.n && ssh)
		exam_ssh(exam, patient);
	else if (exam->job.argv.n)
		exam_tcp(exam, patient);
	tell_load(patient);
	tell_jobs(patient);
}

/* With two daemons on a machine nobody knows whose numbers --stats would give. */
static int
stats_port(const struct doctor *doctor, const struct patient *patient)
{
	size_t count = 0;
	for (size_t i = 0; i < doctor->count; i++)
		count += str_eq(doctor->patients[i].host.name, patient->host.name);
	return count > 1 ? 0 : (int)doctor->project->distcc.stats_port;
}

static void
reach_all(struct doctor *doctor, const char *ssh)
{
	struct probe *probes = arena_array(doctor->arena, struct probe, doctor->count);
	for (size_t i = 0; i < doctor->count; i++) {
		probes[i].host = &doctor->patients[i].host;
		probes[i].compiler = doctor->toolchain ? doctor->toolchain->cc : STR("");
		probes[i].stats_port = stats_port(doctor, &doctor->patients[i]);
	}
	probe_all(doctor->arena, probes, doctor->count, ssh, doctor->environment);
	for (size_t i = 0; i < doctor->count; i++)
		doctor->patients[i].probe = probes[i];
}

void
doctor_hosts(struct doctor *doctor)
{
	struct exam exam = {.doctor = doctor, .ssh = distcc_ssh(doctor->environment)};
	struct pool *pool = doctor->count ? pool_new(doctor->count < THREADS ? doctor->count : THREADS) : NULL;
	reach_all(doctor, exam.ssh);
	/* Where there is no job to be given they are only reached. */
	if (doctor->count && !prepare(doctor, &exam))
		exam.job = (struct wire_job){0};
	for (size_t i = 0; i < doctor->count; i++)
		if (pool)
			pool_submit(pool, examine, &exam, &doctor->patients[i]);
		else
			examine(&exam, &doctor->patients[i]);
	if (pool)
		pool_free(pool);
}
