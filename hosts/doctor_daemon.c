#include "hosts/doctor_exam.h"

#include "base/os.h"

#include <dirent.h>
#include <glob.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_LIMIT ((size_t)1 << 20)
/* Debian's: the settings that its script reads, and the log that it gives the daemon. */
#define DEBIAN_SETTINGS "/etc/default/distcc"
#define DEBIAN_SCRIPT "/etc/init.d/distcc"
#define DEBIAN_LOG "/var/log/distccd.log"
/* Gentoo's, with OpenRC. */
#define OPENRC_SETTINGS "/etc/conf.d/distccd"
#define OPENRC_SCRIPT "/etc/init.d/distccd"
#define OPENRC_STARTED "/etc/runlevels/*/distccd"

/* One distccd, as it runs here or as it would be started. */
struct daemon {
	uid_t user;
	struct words groups;
	struct str log, folder, listen; /* folder: its TMPDIR, as far as that may be known */
	int64_t port;
};

/* What would start one here. */
struct service {
	struct daemon daemon;
	bool started; /* with the machine */
	const char *settings, *listener; /* the file, and what says there where it listens */
	const char *idle, *not_started, *start; /* of one that is not started: its place, what is wrong, what starts it */
	const char *listen, *restart; /* sed's command, but for the address that stands between these, and what follows it */
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
read_command(struct str rest, char separator, struct daemon *daemon)
{
	struct str word = {NULL, 0}, next, port = {NULL, 0};
	while (str_split(&rest, separator, &next)) {
		if (!next.n)
			continue;
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
	read_command(command, '\0', daemon);
	read_status(arena, process_text(arena, pid, "status"), daemon, &parent);
	rest = process_text(arena, pid, "environ");
	while (str_split(&rest, '\0', &word))
		if (str_starts(word, STR("TMPDIR=")))
			daemon->folder = str_part(word, 7, word.n);
	return !str_starts(process_text(arena, str_c(arena, parent), "comm"), STR("distccd"));
}

/* Returns whether one of them has this port. */
static bool
check_running(struct doctor *doctor, int64_t port)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct daemon daemon;
	bool found = false;
	while (dir && (entry = readdir(dir))) {
		if (!strchr("123456789", *entry->d_name) || !read_process(doctor->arena, entry->d_name, &daemon))
			continue;
		const struct patient *patient = patient_at(doctor, daemon.port);
		found |= daemon.port == port;
		if (patient && !patient->probe.reached && daemon.listen.n) {
			find_fault(
				&doctor->found, patient->address, "the distccd here listens on %.*s alone", STR_ARG(daemon.listen));
			finding_hint(&doctor->found,
				"start it with --listen and the address that the list has (LISTENER in Debian's " DEBIAN_SETTINGS
				", DISTCCD_OPTS in Gentoo's " OPENRC_SETTINGS ")");
		}
		/* What it may write matters to those that use it. */
		if (patient) {
			check_log(doctor, &daemon, true);
			check_folder(doctor, &daemon, true);
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

/* --- the one that the system would start --- */

/* NAME="value": the last one counts. */
static struct str
setting(struct str text, const char *name)
{
	struct str line, value = {NULL, 0}, start = str_from(name);
	while (str_split(&text, '\n', &line))
		if (str_starts(line, start) && line.n > start.n && line.s[start.n] == '=')
			value = str_trim(str_part(line, start.n + 1, line.n));
	if (value.n >= 2 && strchr("\"'", *value.s))
		return str_part(value, 1, 1 + str_find(str_part(value, 1, value.n), *value.s));
	return value;
}

static void
run_as(struct doctor *doctor, const char *name, struct daemon *daemon)
{
	const struct passwd *user = getpwnam(name);
	daemon->user = user ? user->pw_uid : 0;
	if (user)
		words_add(doctor->arena, &daemon->groups, str_printf(doctor->arena, "%u", user->pw_gid));
}

static bool
read_debian(struct doctor *doctor, struct service *service)
{
	struct str text, error;
	if (!os_is_file(DEBIAN_SCRIPT) || !os_read(doctor->arena, DEBIAN_SETTINGS, TEXT_LIMIT, &text, &error))
		return false;
	struct str start = setting(text, "STARTDISTCC");
	*service = (struct service){.daemon = {.log = STR(DEBIAN_LOG), .listen = setting(text, "LISTENER"), .port = DISTCC_PORT},
		.started = str_is(start, "true") || str_is(start, "YES"),
		.settings = DEBIAN_SETTINGS,
		.listener = "LISTENER",
		.idle = DEBIAN_SETTINGS,
		.not_started = "STARTDISTCC is not \"true\"",
		.start = "sed -i 's/^STARTDISTCC=.*/STARTDISTCC=\"true\"/' " DEBIAN_SETTINGS " && " DEBIAN_SCRIPT " start",
		.listen = "s/^LISTENER=.*/LISTENER=\"",
		.restart = "\"/' " DEBIAN_SETTINGS " && " DEBIAN_SCRIPT " restart"};
	run_as(doctor, "distccd", &service->daemon);
	return true;
}

/* DISTCCD_OPTS="${DISTCCD_OPTS} --port 3632": a line adds to those before it, or begins anew. */
static struct str
openrc_options(struct arena *arena, struct str text)
{
	struct buf options = buf_new(arena);
	struct str line;
	while (str_split(&text, '\n', &line)) {
		struct str value = setting(line, "DISTCCD_OPTS");
		if (value.s && !str_after(value, "DISTCCD_OPTS").s)
			options.n = 0;
		buf_printf(&options, " %.*s", STR_ARG(value));
	}
	return buf_str(&options);
}

static bool
is_in_runlevel(void)
{
	glob_t found;
	bool some = glob(OPENRC_STARTED, GLOB_NOSORT, NULL, &found) == 0;
	globfree(&found);
	return some;
}

static bool
read_openrc(struct doctor *doctor, struct service *service)
{
	struct str text, error;
	if (!os_is_file(OPENRC_SCRIPT) || !os_read(doctor->arena, OPENRC_SETTINGS, TEXT_LIMIT, &text, &error))
		return false;
	*service = (struct service){.started = is_in_runlevel(),
		.settings = OPENRC_SETTINGS,
		.listener = "--listen in DISTCCD_OPTS",
		.idle = OPENRC_SCRIPT,
		.not_started = "it is in no runlevel",
		.start = "rc-update add distccd default && rc-service distccd start",
		.listen = "/^DISTCCD_OPTS=/s/--listen[ =][0-9A-Za-z.:]*/--listen ",
		.restart = "/' " OPENRC_SETTINGS " && rc-service distccd restart"};
	read_command(openrc_options(doctor->arena, text), ' ', &service->daemon);
	run_as(doctor, "distcc", &service->daemon);
	return true;
}

static bool
is_loopback(struct str address)
{
	return str_starts(address, STR("127.")) || str_is(address, "localhost") || str_is(address, "::1");
}

static void
check_service(struct doctor *doctor, const struct service *service)
{
	struct patient *patient = patient_at(doctor, service->daemon.port);
	struct str listen = service->daemon.listen;
	if (patient && patient->probe.reached)
		return;
	/* First of all: what starts it should find its log writable. */
	if (service->started || patient)
		check_log(doctor, &service->daemon, patient);
	/* Of no interest where this machine is none of the list: most only send. */
	if (!service->started && patient) {
		find_fault(&doctor->found, str_from(service->idle), "%s: no distccd is started here", service->not_started);
		finding_fix(&doctor->found, STR(""), "%s", service->start);
	}
	struct str address = patient ? exam_address(patient) : STR("");
	if (patient && is_loopback(listen) && !is_loopback(address)) {
		find_fault(&doctor->found, str_from(service->settings), "%s is %.*s, so nobody can reach distccd by %.*s",
			service->listener, STR_ARG(listen), STR_ARG(patient->address));
		finding_fix(&doctor->found, STR(""), "sed -i '%s%.*s%s", service->listen, STR_ARG(address), service->restart);
	}
}

void
doctor_daemon(struct doctor *doctor)
{
	struct service service = {.daemon = {.port = DISTCC_PORT}};
	bool there = read_debian(doctor, &service) || read_openrc(doctor, &service);
	bool runs = check_running(doctor, service.daemon.port);
	if (there && !runs)
		check_service(doctor, &service);
}
