/* A machine that is reached over ssh: one login says what it is, and does the job in distcc's own way. */
#include "hosts/doctor_exam.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOGIN_MS 25000
#define OUTPUT_LIMIT ((size_t)16 << 20)
/* Less than this in its TMPDIR will not do for long. */
#define ROOM_KB (100 << 10)
#define MARK "edcc-job\n"

/* What is printed before the job, a word and a value a line. Nothing of it may read what follows for distccd. */
#define SCRIPT                                                                            \
	"sh -c '{ echo edcc-clock $(date +%%s); d=${TMPDIR:-/tmp}; echo edcc-folder $d; " \
	"echo edcc-room $(df -Pk $d | { read _; read _ _ _ n _; echo $n; }); "            \
	"echo edcc-version $(%.*s --version); } </dev/null 2>/dev/null; echo edcc-job; "  \
	"exec %.*s --inetd --enable-tcp-insecure'"

/* What a login was asked, and what it said. */
struct login {
	struct str folder;
	int64_t room, clock; /* kB; seconds since 1970; -1 where it does not say */
	struct str answer; /* of its distccd */
};

/* "distccd 3.4 x86_64-pc-linux-gnu (protocols 1, 2 and 3) (default port 3632) …" */
static void
read_protocols(struct patient *patient, struct str version)
{
	struct str list = str_after(version, "(protocols ");
	list = str_part(list, 0, str_find(list, ')'));
	patient->lzo = str_find(list, '2') < list.n;
	patient->cpp = str_find(list, '3') < list.n;
}

static void
read_line(struct login *login, struct patient *patient, struct str line)
{
	struct str value = line, key;
	str_split(&value, ' ', &key);
	value = str_trim(value);
	if (str_is(key, "edcc-clock"))
		str_integer(value, &login->clock);
	else if (str_is(key, "edcc-room"))
		str_integer(value, &login->room);
	else if (str_is(key, "edcc-folder"))
		login->folder = value;
	else if (str_is(key, "edcc-version"))
		read_protocols(patient, value);
}

static char **
login_words(struct arena *arena, const struct exam *exam, const struct host_spec *host)
{
	struct str command = host->command.n ? host->command : STR("distccd");
	return probe_login(arena, exam->ssh, host, str_printf(arena, SCRIPT, STR_ARG(command), STR_ARG(command)));
}

/* Its standard input stays open until it ends: a distccd whose client goes kills the compiler. */
static bool
run_login(const struct exam *exam, struct patient *patient, struct str *output, struct str *error)
{
	static const struct os_cancel never = {.fd = -1};
	struct arena *arena = &patient->arena;
	struct str request = wire_request(arena, WIRE_PLAIN, &exam->job);
	int ends[2], status;
	*error = STR("no pipe can be made");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	struct os_spawn spawn = {
		.argv = login_words(arena, exam, &patient->host),
		.env = exam->doctor->environment,
		.input_fd = ends[0],
		.capture = true,
		.output_only = true,
		.error_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.own_group = true,
	};
	/* A pipe holds a job as small as this. */
	bool written = os_write_all(ends[1], request);
	bool done = written && os_run(arena, &spawn, LOGIN_MS, OUTPUT_LIMIT, &never, &status, output, error);
	if (!written)
		close(ends[0]);
	close(ends[1]);
	if (spawn.error_fd > 0)
		close(spawn.error_fd);
	return done;
}

static void
tell_folder(struct patient *patient, const struct login *login)
{
	if (login->room < 0 || login->room >= ROOM_KB)
		return;
	find_fault(&patient->found, patient->address, "'%.*s' there, its TMPDIR, has %lld MB left", STR_ARG(login->folder),
		(long long)login->room / 1024);
	finding_hint(&patient->found, "each compile there needs room for its source and its object; make some");
}

void
exam_ssh(const struct exam *exam, struct patient *patient)
{
	struct login login = {.room = -1, .clock = -1};
	struct str output, error, line;
	struct wire_answer answer;
	int64_t began = os_time_ms();
	if (!run_login(exam, patient, &output, &error)) {
		find_fault(&patient->found, patient->address, "a job over ssh does not end: %.*s", STR_ARG(error));
		return;
	}
	int64_t ended = os_time_ms();
	const char *mark = output.n ? memmem(output.s, output.n, MARK, sizeof MARK - 1) : NULL;
	struct str head = mark ? str_part(output, 0, (size_t)(mark - output.s)) : output;
	while (str_split(&head, '\n', &line))
		read_line(&login, patient, line);
	login.answer = mark ? str_part(output, (size_t)(mark - output.s) + sizeof MARK - 1, output.n) : STR("");
	wire_read_answer(login.answer, WIRE_PLAIN, &answer);
	if (answer.end == WIRE_ANSWERED) {
		exam_read(exam, patient, &answer, exam->job.argv.w[0]);
	} else {
		find_fault(&patient->found, patient->address, "its distccd starts and does no job");
		finding_hint(&patient->found, "its own words are in the system's log there");
	}
	exam_features(patient);
	tell_folder(patient, &login);
	if (login.clock >= 0)
		exam_clock(patient, login.clock, began, ended);
}
