/* Credentials that another program prints: a profile's credential_process, and the AWS CLI for what it alone looks after. */
#include "aws/credentials_search.h"
#include "base/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#define TIMEOUT_MS 120000
#define OUTPUT_LIMIT ((size_t)64 << 10)
/* As much of what it says as goes into a message. */
#define SAYS_LIMIT ((size_t)400)

/* The last line that the program wrote to its standard error. */
static struct str
last_words(struct search *search, int fd)
{
	char text[4096];
	off_t size = lseek(fd, 0, SEEK_END), from = size > (off_t)sizeof text ? size - (off_t)sizeof text : 0;
	ssize_t n = pread(fd, text, sizeof text, from);
	struct str rest = str_trim((struct str){text, n > 0 ? (size_t)n : 0}), line = rest, next;
	while (str_split(&rest, '\n', &next))
		line = next;
	return str_dup(search->arena, str_trim(str_part(line, 0, SAYS_LIMIT)));
}

/* Runs it; FOUND with its output in *output, or FAILED with what it says. */
static enum search_outcome
run(struct search *search, char *const *argv, const char *name, struct str *output)
{
	int status, errors = memfd_create("edcc-credentials", MFD_CLOEXEC);
	struct os_spawn spawn = {.argv = argv,
		.env = search->config->environment,
		.capture = true,
		.output_only = true,
		.error_fd = errors < 0 ? STDERR_FILENO : errors,
		.own_group = true};
	struct str error, says = {NULL, 0};
	bool ended = os_run(search->arena, &spawn, TIMEOUT_MS, OUTPUT_LIMIT, search->cancel, &status, output, &error);
	if (errors >= 0) {
		says = last_words(search, errors);
		close(errors);
	}
	if (!ended)
		return search_fail(search, "%.*s", STR_ARG(error));
	if (status)
		return search_fail(search, "%s ended with status %d%s%.*s", name, status, says.n ? ": " : "", STR_ARG(says));
	return SEARCH_FOUND;
}

enum search_outcome
search_process(struct search *search)
{
	struct str command = search_value(search, "credential_process"), output, ignored;
	if (!command.n)
		return search_pass(search, "profile %.*s has no credential_process", STR_ARG(search->profile));
	char *argv[] = {"/bin/sh", "-c", str_c(search->arena, command), NULL};
	const char *name = str_printf(search->arena, "the credential_process of profile %.*s", STR_ARG(search->profile)).s;
	if (run(search, argv, name, &output) != SEARCH_FOUND)
		return SEARCH_FAILED;
	const struct json *json = json_read(search->arena, output, &ignored);
	int64_t version = json_integer(json, "Version", 0);
	if (json && version != 1)
		return search_fail(search, "%s printed a Version that is not 1", name);
	return search_take_json(search, output, name);
}

/* Logging in by a browser is the AWS CLI's business, and so is what it keeps of that. */
enum search_outcome
search_sso(struct search *search)
{
	static const char *const signs[] = {"sso_session", "sso_start_url", "login_session"};
	struct str output;
	bool meant = false;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		meant = meant || search_value(search, signs[i]).n;
	if (!meant)
		return search_pass(
			search, "profile %.*s has no sso_session, sso_start_url or login_session", STR_ARG(search->profile));
	char *profile = str_c(search->arena, search->profile);
	char *argv[] = {"aws", "configure", "export-credentials", "--format", "process", "--profile", profile, NULL};
	enum search_outcome outcome = run(search, argv, "'aws configure export-credentials'", &output);
	if (outcome == SEARCH_FOUND)
		return search_take_json(search, output, "'aws configure export-credentials'");
	return search_fail(search,
		"The SSO session of profile %s has expired or is otherwise invalid: %.*s; 'aws %slogin --profile %s' begins a new "
		"one",
		profile, STR_ARG(search->why), search_value(search, "login_session").n ? "" : "sso ", profile);
}
