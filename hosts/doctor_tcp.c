/* A distccd over TCP: nothing of its machine can be asked but what it compiles. */
#include "hosts/doctor_exam.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_MS 3000
#define ANSWER_MS 10000
/* It has answered once: the same again takes no longer. */
#define AGAIN_MS 3000
/* Time zones are whole quarters of an hour, and none is further away than this. */
#define ZONE 900
#define ZONE_LIMIT (14 * 3600)

static void
ask(struct patient *patient, int version, const struct wire_job *job, int64_t ms, struct wire_answer *answer)
{
	struct arena *arena = &patient->arena;
	int64_t now = os_now_ms();
	int unknown, fd = wire_connect(str_c(arena, patient->host.name), host_port(&patient->host), now + CONNECT_MS, &unknown);
	*answer = (struct wire_answer){.end = WIRE_SILENT};
	if (fd < 0)
		return;
	wire_ask(arena, fd, version, job, now + ms, answer);
	close(fd);
}

/* The job under another name of the compiler. */
static void
ask_by_name(struct patient *patient, const struct wire_job *job, struct str name, struct wire_answer *answer)
{
	struct wire_job renamed = {{arena_array(&patient->arena, struct str, job->argv.n), job->argv.n}, job->source};
	memcpy(renamed.argv.w, job->argv.w, job->argv.n * sizeof *job->argv.w);
	renamed.argv.w[0] = name;
	ask(patient, WIRE_PLAIN, &renamed, AGAIN_MS, answer);
}

/* Its addresses; NULL where it has none. */
static struct addrinfo *
addresses_of(struct patient *patient)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	const char *port = str_printf(&patient->arena, "%d", host_port(&patient->host)).s;
	struct addrinfo *list;
	return getaddrinfo(str_c(&patient->arena, patient->host.name), port, &hints, &list) == 0 ? list : NULL;
}

struct str
exam_address(struct patient *patient)
{
	struct addrinfo *list = addresses_of(patient);
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	char text[NI_MAXHOST];
	struct str found = STR("this machine");
	if (!list)
		return found;
	/* Nothing is sent: the system only chooses. */
	int fd = socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) == 0 &&
		getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
		getnameinfo((struct sockaddr *)&address, size, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
		found = str_dup(&patient->arena, str_from(text));
	if (fd >= 0)
		close(fd);
	freeaddrinfo(list);
	return found;
}

bool
exam_is_here(struct patient *patient)
{
	struct addrinfo *list = addresses_of(patient);
	bool here = false;
	for (const struct addrinfo *a = list; a && !here; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		/* Any port: that one may be taken. */
		if (a->ai_family == AF_INET6)
			((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_port = 0;
		else
			((struct sockaddr_in *)(void *)a->ai_addr)->sin_port = 0;
		here = fd >= 0 && bind(fd, a->ai_addr, a->ai_addrlen) == 0;
		if (fd >= 0)
			close(fd);
	}
	if (list)
		freeaddrinfo(list);
	return here;
}

/* --- a job that it does not do --- */

/* What it was asked to run is nothing that it may run. Is there another name? */
static void
try_names(const struct exam *exam, struct patient *patient)
{
	const struct toolchain *ours = exam->doctor->toolchain;
	struct findings *found = &patient->found;
	struct arena *arena = &patient->arena;
	struct str asked = exam->job.argv.w[0], name = asked;
	struct str major = str_part(ours->version, 0, str_find(ours->version, '.'));
	struct str names[] = {ours->kind, str_printf(arena, "%.*s-%.*s", STR_ARG(ours->kind), STR_ARG(major)), STR("cc")};
	struct wire_answer answer = {.end = WIRE_READ};
	size_t i = 0;
	if (str_find(asked, '/') < asked.n) {
		find_fault(found, patient->address, "its distccd may not run '%.*s'", STR_ARG(asked));
		finding_hint(found, "it runs names, not paths: call the compiler without its folder, or list that path in a "
				    "DISTCC_CMDLIST there");
		return;
	}
	for (; i < sizeof names / sizeof *names && answer.end == WIRE_READ; i++)
		if (!str_eq(names[i], asked))
			ask_by_name(patient, &exam->job, name = names[i], &answer);
	if (answer.end == WIRE_ANSWERED && answer.status == 0) {
		exam_compiler(exam, patient, &answer);
		find_fault(
			found, patient->address, "its distccd may not run '%.*s', which is what distcc asks for", STR_ARG(asked));
		finding_hint(found,
			"its '%.*s' is %.*s %.*s for %.*s; that name must have a link in /usr/lib/distcc, too; on Debian:",
			STR_ARG(name), STR_ARG(patient->compiler), STR_ARG(patient->version), STR_ARG(patient->target));
	} else {
		find_fault(found, patient->address, "its distccd may not run '%.*s'", STR_ARG(asked));
		finding_hint(found, "the compiler must be installed there and have a link in /usr/lib/distcc; on Debian:");
	}
	finding_fix(found, patient->address, "%.*s", STR_ARG(exam_install(arena, exam, patient->target)));
}

static void
tell_refusal(const struct exam *exam, struct patient *patient, const struct wire_answer *answer)
{
	struct findings *found = &patient->found;
	struct str said = str_part(answer->said, 0, str_find(answer->said, '\n'));
	switch (answer->end) {
	case WIRE_UNREAD:
		find_fault(found, patient->address, "its distccd hangs up before it has read anything");
		finding_hint(found,
			"its --allow must name %.*s (ALLOWEDNETS in Debian's /etc/default/distcc, DISTCCD_OPTS in Gentoo's "
			"/etc/conf.d/distccd, ALLOWED_SERVERS in its /etc/systemd/system/distccd.service.d/00gentoo.conf), and its "
			"user must be able to write to its TMPDIR; its log says which it is",
			STR_ARG(exam_address(patient)));
		break;
	case WIRE_READ:
		try_names(exam, patient);
		break;
	case WIRE_STRANGER:
		find_fault(found, patient->address, "what listens there on port %d is no distccd: it says '%.*s'",
			host_port(&patient->host), STR_ARG(str_trim(str_part(said, 0, 60))));
		finding_hint(found, "a host's port is distccd's: HOST:3632; a login by ssh is written @HOST");
		break;
	case WIRE_CUT:
		find_fault(found, patient->address, "its distccd begins an answer and does not end it");
		finding_hint(found,
			"its log, or the kernel's, says whether it was killed; a proxy or a firewall between may cut it off, too");
		break;
	default:
		find_fault(found, patient->address, "its distccd has taken a job and not done it within %d s", ANSWER_MS / 1000);
		finding_hint(found, "all that its --jobs allows is busy, or it hangs");
	}
}

/* --- what it can do besides --- */

/* It preprocesses the file itself, so it says what time it is. */
static void
ask_time(const struct exam *exam, struct patient *patient)
{
	struct arena *arena = &patient->arena;
	struct wire_job job = {{NULL, 0}, STR("const char edcc_clock[] = \"edcc-clock \" __DATE__ \" \" __TIME__;\n")};
	for (size_t i = 0; i < exam->job.argv.n; i++) {
		words_add(arena, &job.argv, exam->job.argv.w[i]);
		if (i == 0) {
			words_add(arena, &job.argv, STR("-x"));
			words_add(arena, &job.argv, STR("c"));
		}
	}
	struct wire_answer answer;
	int64_t began = os_time_ms();
	ask(patient, WIRE_PLAIN, &job, AGAIN_MS, &answer);
	struct str clock = answer.end == WIRE_ANSWERED ? str_after(answer.object, "edcc-clock ") : STR("");
	struct tm local = {0};
	if (!strptime(str_c(arena, clock), "%b %d %Y %H:%M:%S", &local))
		return;
	int64_t seconds = timegm(&local), off = seconds - began / 1000;
	int64_t zone = (off + (off > 0 ? ZONE / 2 : -ZONE / 2)) / ZONE * ZONE;
	if (zone <= ZONE_LIMIT && zone >= -ZONE_LIMIT)
		seconds -= zone;
	exam_clock(patient, seconds, began, os_time_ms());
}

/* Whether it takes jobs so; false where it did not say in time. */
static bool
ask_version(const struct exam *exam, struct patient *patient, int version, bool *takes)
{
	struct wire_job job = exam->job;
	struct wire_answer answer;
	if (version == WIRE_CPP)
		job.source = STR("int edcc_canary;\n");
	ask(patient, version, &job, AGAIN_MS, &answer);
	*takes = answer.end == WIRE_ANSWERED && answer.status == 0;
	return answer.end != WIRE_SILENT;
}

void
exam_tcp(const struct exam *exam, struct patient *patient)
{
	struct wire_answer answer;
	if (HOST_HAS(&patient->host, auth)) {
		find_note(&patient->found, patient->address, "it asks who we are (',auth'): what it compiles was not looked at");
		return;
	}
	ask(patient, WIRE_PLAIN, &exam->job, ANSWER_MS, &answer);
	if (answer.end != WIRE_ANSWERED) {
		tell_refusal(exam, patient, &answer);
	} else if (exam_read(exam, patient, &answer, exam->job.argv.w[0])) {
		if (ask_version(exam, patient, WIRE_LZO, &patient->lzo) && ask_version(exam, patient, WIRE_CPP, &patient->cpp))
			exam_features(patient);
		ask_time(exam, patient);
	}
}
