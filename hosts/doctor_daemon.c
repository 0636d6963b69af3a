#include "hosts/doctor_exam.h"

#include "base/os.h"
#include "runtime/ssh.h"

#include <dirent.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_LIMIT ((size_t)1 << 20)
/* Debian's: the settings that its script reads, and the log that it gives the daemon. */
#define SETTINGS "/etc/default/distcc"
#define SCRIPT "/etc/init.d/distcc"
#define LOG "/var/log/distccd.log"

/* One distccd, as it runs here or as it would be started. */
struct daemon {
	uid_t user;
	struct words groups;
	struct str log, folder, listen; /* folder: its TMPDIR, as far as that may be known */
	int64_t port;
};

/* --- whom it is for --- */

/* The entry of the list that the daemon is; NULL where nobody asks this machine for anything on that port. */
static struct patient *
patient_at(struct doctor *doctor, int64_t port)
{
	for (size_t i = 0; i < doctor->count; i++) {
		const struct host_spec *host = &doctor->patients[i].host;
		if (doctor->patients[i].here && host_port(host) == port)
			return &doctor->patients[i];
	}
	return NULL;
}

/* A fault where the list has this machine, else worth knowing. */
static void
find(struct doctor *doctor, bool asked, struct str place, struct str message)
{
	if (asked)
		find_fault(&doctor->found, place, "%.*s", STR_ARG(message));
	else
		find_note(&doctor->found, place, "%.*s", STR_ARG(message));
}

/* --- what its user may do --- */

static bool
may_write(struct doctor *doctor, const struct daemon *daemon, const char *path)
{
	struct stat status;
	if (stat(path, &status) < 0)
		return false;
	bool member = words_has(daemon->groups, str_printf(doctor->arena, "%u", status.st_gid));
	mode_t bits = status.st_uid == daemon->user ? 0200 : member ? 0020 : 0002;
	return daemon->user == 0 || (status.st_mode & bits);
}

static struct str
user_name(struct doctor *doctor, uid_t user)
{
	const struct passwd *entry = getpwuid(user);
	return entry ? str_dup(doctor->arena, str_from(entry->pw_name)) : str_printf(doctor->arena, "%u", user);
}

static void
check_log(struct doctor *doctor, const struct daemon *daemon, bool asked)
{
	const char *path = str_c(doctor->arena, daemon->log), *slash = strrchr(path, '/');
	struct str user = user_name(doctor, daemon->user);
	if (!daemon->log.n || !slash ||
		may_write(doctor, daemon,
			access(path, F_OK) == 0 ? path : str_printf(doctor->arena, "%.*s", (int)(slash - path + 1), path).s))
		return;
	find(doctor, asked, daemon->log,
		str_printf(doctor->arena, "%.*s, as whom distccd runs here, cannot write its log", STR_ARG(user)));
	finding_hint(&doctor->found, "it compiles all the same, but nobody will know why it refuses a job");
	finding_fix(&doctor->found, STR(""), "install -o %.*s -m 644 /dev/null %.*s", STR_ARG(user),
		STR_ARG(str_shell_quote(doctor->arena, daemon->log)));
}

static void
check_folder(struct doctor *doctor, const struct daemon *daemon, bool asked)
{
	struct str user = user_name(doctor, daemon->user);
	if (!daemon->folder.n || may_write(doctor, daemon, str_c(doctor->arena, daemon->folder)))
		return;
	find(doctor, asked, daemon->folder,
		str_printf(doctor->arena, "%.*s, as whom distccd runs here, cannot write it, and it is its TMPDIR", STR_ARG(user)));
	finding_hint(&doctor->found, "it hangs up on every job, as it does on clients that its --allow does not name");
	finding_fix(
		&doctor->found, STR(""), "chown %.*s %.*s", STR_ARG(user), STR_ARG(str_shell_quote(doctor->arena, daemon->folder)));
}

/* --- those that run --- */

/* The text of /proc/PID/NAME, with blanks for what ends each of its parts. */
static struct str
process_text(struct arena *arena, const char *pid, const char *name)
{
	char buffer[16384];
	FILE *file = fopen(str_printf(arena, "/proc/%s/%s", pid, name).s, "re");
	size_t n = file ? fread(buffer, 1, sizeof buffer, file) : 0;
	if (file)
		fclose(file);
	return str_dup(arena, (struct str){buffer, n});
}

/* The value of an option: the word behind it, or what follows its equals sign. */
static void
read_option(struct str word, struct str next, const char *option, struct str *value)
{
	struct str name = str_from(option);
	if (str_eq(word, name))
		*value = next;
	else if (str_starts(word, name) && word.s[name.n] == '=')
		*value = str_part(word, name.n + 1, word.n);
}

static void
read_command(struct str rest, struct daemon *daemon)
{
	struct str word = {NULL, 0}, next, port = {NULL, 0};
	while (str_split(&rest, '\0', &next)) {
		read_option(word, next, "--log-file", &daemon->log);
		read_option(word, next, "--listen", &daemon->listen);
		read_option(word, next, "--port", &port);
		read_option(word, next, "-p", &port);
		word = next;
	}
	if (!str_integer(port, &daemon->port))
		daemon->port = DISTCC_PORT;
}

/* Lines such as "Uid:\t0\t0\t0\t0". */
static void
read_status(struct arena *arena, struct str text, struct daemon *daemon, struct str *parent)
{
	struct str line, key, word;
	int64_t number;
	while (str_split(&text, '\n', &line)) {
		if (!str_split(&line, ':', &key))
			continue;
		for (size_t i = 0; str_split(&line, '\t', &word); i++) {
			if (str_is(key, "PPid") && i == 1)
				*parent = word;
			if (str_is(key, "Uid") && i == 2 && str_integer(word, &number))
				daemon->user = (uid_t)number;
			if (str_is(key, "Gid") && i == 2)
				words_add(arena, &daemon->groups, word);
			struct str group;
			while (str_is(key, "Groups") && str_split(&word, ' ', &group))
				if (group.n)
					words_add(arena, &daemon->groups, group);
		}
	}
}

/* Containers have daemons that nobody here can reach. Where it may not be known the process is taken for one of ours. */
static bool
same_network(struct arena *arena, const char *pid)
{
	char ours[64], theirs[64];
	ssize_t a = readlink("/proc/self/ns/net", ours, sizeof ours);
	ssize_t b = readlink(str_printf(arena, "/proc/%s/ns/net", pid).s, theirs, sizeof theirs);
	return a <= 0 || b <= 0 || str_eq((struct str){ours, (size_t)a}, (struct str){theirs, (size_t)b});
}

/* False for what is no distccd, and for the children of one. */
static bool
read_process(struct arena *arena, const char *pid, struct daemon *daemon)
{
	struct str command = process_text(arena, pid, "cmdline"), parent = STR("1"), rest, word;
	struct str program = str_part(command, 0, str_find(command, '\0'));
	if ((!str_is(program, "distccd") && !str_ends(program, STR("/distccd"))) || !same_network(arena, pid))
		return false;
	*daemon = (struct daemon){0};
	read_command(command, daemon);
	read_status(arena, process_text(arena, pid, "status"), daemon, &parent);
	rest = process_text(arena, pid, "environ");
	while (str_split(&rest, '\0', &word))
		if (str_starts(word, STR("TMPDIR=")))
			daemon->folder = str_part(word, 7, word.n);
	return !str_starts(process_text(arena, str_c(arena, parent), "comm"), STR("distccd"));
}

/* Returns whether one of them has the port of Debian's own. */
static bool
check_running(struct doctor *doctor)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct daemon daemon;
	bool usual = false;
	while (dir && (entry = readdir(dir))) {
		if (!strchr("123456789", *entry->d_name) || !read_process(doctor->arena, entry->d_name, &daemon))
			continue;
		const struct patient *patient = patient_at(doctor, daemon.port);
		usual |= daemon.port == DISTCC_PORT;
		if (patient && !patient->probe.reached && daemon.listen.n) {
			find_fault(
				&doctor->found, patient->address, "the distccd here listens on %.*s alone", STR_ARG(daemon.listen));
			finding_hint(
				&doctor->found, "start it with --listen and the address that the list has: LISTENER in " SETTINGS);
		}
		/* What it may write matters to those that use it. */
		if (patient) {
			check_log(doctor, &daemon, true);
			check_folder(doctor, &daemon, true);
		}
	}
	if (dir)
		closedir(dir);
	return usual;
}

/* --- the one that Debian would start --- */

/* NAME="value": the last one counts. */
static struct str
setting(struct str text, const char *name)
{
	struct str line, value = {NULL, 0}, start = str_from(name);
	while (str_split(&text, '\n', &line))
		if (str_starts(line, start) && line.n > start.n && line.s[start.n] == '=')
			value = str_trim(str_part(line, start.n + 1, line.n));
	if (value.n >= 2 && strchr("\"'", *value.s))
		value = str_part(value, 1, value.n - 1);
	return value;
}

static void
check_usual_log(struct doctor *doctor, bool asked)
{
	const struct passwd *user = getpwnam("distccd");
	struct daemon daemon = {.log = STR(LOG), .user = user ? user->pw_uid : 0};
	if (user)
		words_add(doctor->arena, &daemon.groups, str_printf(doctor->arena, "%u", user->pw_gid));
	check_log(doctor, &daemon, asked);
}

static bool
is_loopback(struct str address)
{
	return str_starts(address, STR("127.")) || str_is(address, "localhost") || str_is(address, "::1");
}

static void
check_settings(struct doctor *doctor)
{
	struct str text, error, place = STR(SETTINGS);
	struct patient *patient = patient_at(doctor, DISTCC_PORT);
	if ((patient && patient->probe.reached) || !os_is_file(SCRIPT) ||
		!os_read(doctor->arena, SETTINGS, TEXT_LIMIT, &text, &error))
		return;
	struct str start = setting(text, "STARTDISTCC"), listener = setting(text, "LISTENER");
	bool started = str_is(start, "true") || str_is(start, "YES");
	/* First of all: what starts it should find its log writable. */
	if (started || patient)
		check_usual_log(doctor, patient);
	/* Of no interest where this machine is none of the list: most only send. */
	if (!started && patient) {
		find_fault(&doctor->found, place, "STARTDISTCC is not \"true\": no distccd is started here");
		finding_fix(&doctor->found, STR(""),
			"sed -i 's/^STARTDISTCC=.*/STARTDISTCC=\"true\"/' " SETTINGS " && " SCRIPT " start");
	}
	struct str address = patient ? exam_address(patient) : STR("");
	if (patient && is_loopback(listener) && !is_loopback(address)) {
		find_fault(&doctor->found, place, "LISTENER is %.*s, so nobody can reach distccd by %.*s", STR_ARG(listener),
			STR_ARG(patient->address));
		finding_fix(&doctor->found, STR(""),
			"sed -i 's/^LISTENER=.*/LISTENER=\"%.*s\"/' " SETTINGS " && " SCRIPT " restart", STR_ARG(address));
	}
}

void
doctor_daemon(struct doctor *doctor)
{
	if (!check_running(doctor))
		check_settings(doctor);
}
