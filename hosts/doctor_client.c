#include "hosts/doctor.h"

#include "base/os.h"
#include "distcc/locks.h"
#include "runtime/distcc.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Less than this will not do for a build's preprocessed files. */
#define ROOM_MB 100
#define LINKS "/usr/lib/distcc"
#define VERSION_MS 2000
#define VERSION_LIMIT ((size_t)16 << 10)

/* A fault where distcc is called by hand; edcc's own runs do not meet it. */
static void
find(struct doctor *doctor, const char *place, const char *message)
{
	struct str where = str_dup(doctor->arena, str_from(place));
	if (doctor->by_edcc)
		find_note(&doctor->found, where, "%s", message);
	else
		find_fault(&doctor->found, where, "%s", message);
}

/* --- programs --- */

/* "distcc 3.4 x86_64-pc-linux-gnu", after a complaint about a folder that cannot be: even so little would make one in its own. */
static void
ask_version(struct doctor *doctor)
{
	static const struct os_cancel never = {.fd = -1};
	struct str output, error, line, word;
	char *argv[] = {str_c(doctor->arena, doctor->distcc), "--version", NULL};
	char *env[] = {"DISTCC_DIR=/dev/null", NULL};
	struct os_spawn spawn = {.argv = argv, .env = env, .capture = true, .own_group = true};
	int status;
	if (!doctor->distcc.n || !os_run(doctor->arena, &spawn, VERSION_MS, VERSION_LIMIT, &never, &status, &output, &error))
		return;
	while (!doctor->distcc_version.n && str_split(&output, '\n', &line))
		if (str_split(&line, ' ', &word) && str_is(word, "distcc"))
			str_split(&line, ' ', &doctor->distcc_version);
}

static void
check_ssh(struct doctor *doctor)
{
	size_t count = 0;
	struct str command = str_from(distcc_ssh(doctor->environment));
	const char *program = str_c(doctor->arena, str_part(command, 0, str_find(command, ' ')));
	for (size_t i = 0; i < doctor->count; i++)
		count += doctor->patients[i].host.kind == HOST_SSH;
	if (!count || os_which(doctor->arena, program).n)
		return;
	find_fault(&doctor->found, STR(""), "there is no '%s' here, and %zu host%s of the list %s reached by it", program, count,
		count == 1 ? "" : "s", count == 1 ? "is" : "are");
	finding_fix(&doctor->found, STR(""), "apt-get install openssh-client");
}

/* Whether the folder has a name for the compiler; false, too, where it has none at all. */
static bool
has_link(const char *folder, const char *name)
{
	struct arena arena = {0};
	bool found = access(str_printf(&arena, "%s/%s", folder, name).s, X_OK) == 0;
	arena_free(&arena);
	return found;
}

static bool
is_empty(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;
	while (dir && (entry = readdir(dir)))
		count += *entry->d_name != '.';
	if (dir)
		closedir(dir);
	return count == 0;
}

/* Folders on the PATH in which distcc stands under the names of compilers. */
static void
check_masquerade(struct doctor *doctor)
{
	struct str rest = os_variable(doctor->environment, "PATH"), folder;
	struct str cc = doctor->toolchain ? doctor->toolchain->cc : STR("gcc");
	const char *name = str_c(doctor->arena, str_part(cc, 0, str_find(cc, ' ')));
	while (!strchr(name, '/') && str_split(&rest, ':', &folder)) {
		const char *path = str_c(doctor->arena, folder);
		if ((!str_ends(folder, STR("/distcc")) && !str_ends(folder, STR("/distcc/bin"))) || has_link(path, name))
			continue;
		find(doctor, path,
			str_printf(doctor->arena, "it is on the PATH and has no '%s', so calls of that are not distributed", name)
				.s);
		finding_hint(&doctor->found, "a link of that name to distcc makes them so; on Debian:");
		finding_fix(&doctor->found, STR(""), "update-distcc-symlinks");
	}
	if (doctor->project->provider != PROVIDER_LOCAL || !is_empty(LINKS))
		return;
	find_fault(&doctor->found, STR(LINKS), "it is empty, and without a link in it no distccd starts here");
	finding_fix(&doctor->found, STR(""), "update-distcc-symlinks");
}

/* --- folders --- */

static void
check_distcc_dir(struct doctor *doctor)
{
	struct str given = os_variable(doctor->environment, "DISTCC_DIR");
	const char *folder = str_c(doctor->arena, doctor_distcc_dir(doctor->arena, doctor->environment));
	struct str home = os_variable(doctor->environment, "HOME");
	if (given.s && !given.n) {
		find(doctor, "DISTCC_DIR", "it is set and empty, and so every compile is local");
		finding_fix(&doctor->found, STR(""), "unset DISTCC_DIR");
		return;
	}
	if (!given.s && !home.s) {
		find(doctor, "HOME", "it is not set, nor is DISTCC_DIR, and so every compile is local");
		return;
	}
	if (!os_is_folder(folder)) {
		/* Its own folder distcc makes; the one that it is told of it does not. */
		if (!given.s && access(home.n ? home.s : "/", W_OK) == 0)
			return;
		find(doctor, folder,
			given.s ? "DISTCC_DIR is not there, and without it every compile is local"
				: "distcc cannot make its folder, and without it every compile is local");
		finding_fix(&doctor->found, STR(""), "mkdir -p %.*s", STR_ARG(str_shell_quote(doctor->arena, str_from(folder))));
		return;
	}
	static const char *const parts[] = {"", "/lock", "/state"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		const char *path = str_printf(doctor->arena, "%s%s", folder, parts[i]).s;
		if (!os_is_folder(path) || access(path, W_OK | X_OK) == 0)
			continue;
		find(doctor, path, "it cannot be written, and without that every compile is local");
		finding_fix(&doctor->found, STR(""), "sudo chown -R \"$(id -u)\" %.*s",
			STR_ARG(str_shell_quote(doctor->arena, str_from(folder))));
		return;
	}
}

static const struct patient *
patient_called(const struct doctor *doctor, const struct distcc_locks *locks)
{
	for (size_t i = 0; i < doctor->count; i++) {
		const struct host_spec *host = &doctor->patients[i].host;
		int64_t port = host->kind == HOST_SSH ? 0 : host_port(host);
		if (str_is(host->name, locks->host) && port == locks->port)
			return &doctor->patients[i];
	}
	return NULL;
}

/* Hosts that failed within the last minute get no work, however well they are now. */
static void
check_backoff(struct doctor *doctor)
{
	struct distcc_locks *locks = arena_array(doctor->arena, struct distcc_locks, DISTCC_LOCKS_LIMIT);
	struct str folder = doctor_distcc_dir(doctor->arena, doctor->environment);
	size_t count = distcc_locks_now(str_c(doctor->arena, folder), locks, DISTCC_LOCKS_LIMIT);
	int64_t period = DISTCC_BACKOFF_MS, seconds;
	if (str_integer(os_variable(doctor->environment, "DISTCC_BACKOFF_PERIOD"), &seconds) && seconds >= 0 &&
		seconds <= INT32_MAX)
		period = seconds * 1000;
	for (size_t i = 0; i < count; i++) {
		const struct patient *patient = patient_called(doctor, &locks[i]);
		int64_t ago = os_time_ms() - locks[i].failed;
		if (!patient || !locks[i].failed || ago < 0 || ago >= period)
			continue;
		const char *text = str_printf(doctor->arena, "it failed %lld s ago, so distcc leaves it out for another %lld s",
			(long long)ago / 1000, (long long)(period - ago + 999) / 1000)
					   .s;
		find(doctor, str_c(doctor->arena, patient->address), text);
		finding_hint(&doctor->found, "to forgive it now:");
		const char *file = distcc_backoff_path(doctor->arena, str_c(doctor->arena, folder), patient->address);
		finding_fix(&doctor->found, STR(""), "rm %.*s", STR_ARG(str_shell_quote(doctor->arena, str_from(file))));
	}
}

static void
check_room(struct doctor *doctor)
{
	struct str given = os_variable(doctor->environment, "TMPDIR");
	const char *folder = str_c(doctor->arena, given.n ? given : STR("/tmp"));
	struct statvfs room;
	if (statvfs(folder, &room) < 0 || access(folder, W_OK | X_OK) < 0) {
		find_fault(&doctor->found, str_from(folder), "TMPDIR cannot be used: %s", strerrordesc_np(errno));
		finding_hint(&doctor->found, "distcc puts what it has preprocessed there; `export TMPDIR=/var/tmp` takes another");
		return;
	}
	uint64_t mb = (uint64_t)room.f_bavail * room.f_frsize >> 20;
	if (mb < ROOM_MB || (room.f_files && room.f_favail < 100)) {
		find_fault(&doctor->found, str_from(folder), "TMPDIR has %llu MB and %llu files left", (unsigned long long)mb,
			(unsigned long long)room.f_favail);
		finding_hint(&doctor->found, "each job of a build puts what it has preprocessed there; make room, or set TMPDIR");
	}
}

void
doctor_client(struct doctor *doctor)
{
	static void (*const checks[])(struct doctor *) = {
		ask_version,
		check_ssh,
		check_masquerade,
		check_distcc_dir,
		check_backoff,
		check_room,
	};
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		checks[i](doctor);
}
