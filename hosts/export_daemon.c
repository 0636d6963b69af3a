/* The files that distccd is started by on the machines of a list. */
#include "hosts/export.h"

#include "base/suggest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What distccd logs without --log-level. */
#define DEFAULT_LEVEL "notice"

/* One machine's daemon. */
struct daemon {
	struct str name; /* as the list calls it */
	struct str listen; /* its address */
	struct words allow;
	struct words assumed; /* itself, where its slots are */
	int port, jobs, nice;
	const char *level;
};

/* --- who and where --- */

const struct host_spec *
export_listed(const struct exporting *e, uint32_t i)
{
	const struct host_list *machines = &e->project->machines;
	uint32_t k = 0;
	/* They are in the list's order. */
	for (uint32_t nth = 0; k < machines->count; k++)
		if (machines->hosts[k].kind != HOST_LOCAL && !HOST_HAS(&machines->hosts[k], down) && nth++ == i)
			break;
	return &machines->hosts[k];
}

struct host_spec
export_host(const struct exporting *e, uint32_t i)
{
	const struct planned_host *planned = &e->world->hosts[i];
	struct host_spec host = {.kind = HOST_TCP};
	struct host_fault fault;
	struct str word = str_printf(e->arena, "%.*s%.*s", STR_ARG(planned->address), STR_ARG(planned->rest));
	host_parse(e->arena, word, &host, &fault);
	host.limit = planned->slots;
	host.span = export_listed(e, i)->span;
	return host;
}

static struct str
numeric(struct arena *arena, const struct sockaddr *address, socklen_t size)
{
	char text[INET6_ADDRSTRLEN + 32];
	if (getnameinfo(address, size, text, sizeof text, NULL, 0, NI_NUMERICHOST))
		return STR("");
	return str_dup(arena, str_from(text));
}

/* The address that this machine would come from. False where there is no way to it. */
static bool
find_source(struct arena *arena, const struct addrinfo *to, struct str *source)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Nothing is sent. */
	bool found =
		fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) == 0 && getsockname(fd, (struct sockaddr *)&from, &size) == 0;
	if (found)
		*source = numeric(arena, (const struct sockaddr *)&from, size);
	if (fd >= 0)
		close(fd);
	return found && source->n;
}

static bool
cannot(struct exporting *e, const struct host_spec *host, const char *why)
{
	struct diag *diag = diag_error(e->diags, host->span, "the address of %.*s cannot be found: %s", STR_ARG(host->name), why);
	diag_hint(diag, "`getent hosts NAME` must find it; an address will do, too");
	return false;
}

/* Where the daemon listens, and who may use it: what a client on this machine would connect to, and come from. */
static bool
locate(struct exporting *e, const struct host_spec *host, struct daemon *daemon)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *list;
	struct str source = {NULL, 0};
	int failed = getaddrinfo(str_c(e->arena, host->name), "1", &hints, &list);
	if (failed)
		return cannot(e, host, gai_strerror(failed));
	for (const struct addrinfo *address = list; address && !source.n; address = address->ai_next)
		if (find_source(e->arena, address, &source))
			daemon->listen = numeric(e->arena, address->ai_addr, address->ai_addrlen);
	freeaddrinfo(list);
	if (!source.n)
		return cannot(e, host, "no network of this machine leads there");
	daemon->allow = e->allow;
	if (!e->allow.n)
		words_add(e->arena, &daemon->allow, source);
	return true;
}

static bool
describe(struct exporting *e, const struct host_spec *host, struct daemon *daemon)
{
	const struct distcc_settings *set = &e->project->distcc;
	*daemon = (struct daemon){
		.name = host->name,
		.port = host_port(host),
		/* One more than clients will ask for: a connection that is just ending must not make another wait. */
		.jobs = host->limit + 1,
		.nice = (int)set->nice,
		.level = DEFAULT_LEVEL,
	};
	/* Without a word of the file: what suits a run is too much for a daemon that stays. */
	if (set->given & GIVEN(distcc, verbosity))
		daemon->level = str_c(e->arena, set->verbosity);
	return locate(e, host, daemon);
}

/* --- which of them --- */

bool
export_wanted(const struct exporting *e, uint32_t i)
{
	struct host_spec host = export_host(e, i);
	return !e->names.n || words_has(e->names, e->world->hosts[i].address) || words_has(e->names, host.name);
}

/* A name that is asked for must be that of a machine with a daemon. */
static bool
check_name(struct exporting *e, struct str name)
{
	struct suggest suggest = suggest_for(name);
	struct words names = {NULL, 0};
	struct diag *diag;
	for (uint32_t i = 0; i < e->world->host_count; i++) {
		struct host_spec host = export_host(e, i);
		bool is = str_eq(name, host.name) || str_eq(name, e->world->hosts[i].address);
		suggest_offer(&suggest, host.name);
		words_add(e->arena, &names, host.name);
		if (is && host.kind == HOST_TCP)
			return true;
		if (!is)
			continue;
		diag = diag_error(e->diags, host.span, "%.*s is reached over ssh: no daemon runs there", STR_ARG(name));
		diag_hint(diag, "it needs a login, and distcc and the compiler on its PATH; nothing else");
		return false;
	}
	diag = diag_error(e->diags, e->project->groups[0].span, "'%.*s' is no machine of the list", STR_ARG(name));
	if (!suggest_hint(&suggest, diag))
		diag_hint(diag, "there are %.*s", STR_ARG(words_join(e->arena, names, STR(", "))));
	return false;
}

typedef void print_file(struct exporting *, const struct daemon *);

/* The file of each machine that is asked for; what has no daemon is named in their place. */
static bool
print_each(struct exporting *e, print_file *print)
{
	uint32_t printed = 0, count = e->world->host_count;
	for (size_t n = 0; n < e->names.n; n++)
		if (!check_name(e, e->names.w[n]))
			return false;
	for (uint32_t i = 0; i < count; i++) {
		struct host_spec host = export_host(e, i);
		struct daemon daemon;
		if (!export_wanted(e, i))
			continue;
		if (i && e->out->n)
			buf_add_byte(e->out, '\n');
		if (host.kind == HOST_SSH) {
			buf_printf(e->out, "# %.*s is reached over ssh: no daemon runs there\n", STR_ARG(host.name));
			continue;
		}
		if (!describe(e, &host, &daemon))
			return false;
		if (words_has(e->assumed, e->world->hosts[i].address))
			words_add(e->arena, &daemon.assumed, e->world->hosts[i].address);
		print(e, &daemon);
		printed++;
	}
	if (printed)
		return true;
	struct diag *diag =
		diag_error(e->diags, e->project->groups[0].span, "no daemon runs on any machine: all are reached over ssh");
	diag_hint(diag, "`edcc export ssh-config` is for those");
	return false;
}

/* --- the files --- */

static void
add_level(struct buf *out, const struct daemon *daemon)
{
	if (strcmp(daemon->level, DEFAULT_LEVEL) != 0)
		buf_printf(out, " --log-level %s", daemon->level);
}

/* "--port 3632 --listen 192.0.2.7 --allow 192.0.2.3 …" */
static void
add_options(struct buf *out, const struct daemon *daemon)
{
	buf_printf(out, "--port %d --listen %.*s", daemon->port, STR_ARG(daemon->listen));
	for (size_t i = 0; i < daemon->allow.n; i++)
		buf_printf(out, " --allow %.*s", STR_ARG(daemon->allow.w[i]));
	buf_printf(out, " --jobs %d --nice %d", daemon->jobs, daemon->nice);
	add_level(out, daemon);
}

static void
add_head(struct exporting *e, const struct daemon *daemon, const char *path)
{
	buf_printf(e->out, "# %s on %.*s", path, STR_ARG(daemon->name));
	if (!str_eq(daemon->name, daemon->listen))
		buf_printf(e->out, " (%.*s)", STR_ARG(daemon->listen));
	buf_printf(e->out, ", where %.*s may compile\n", STR_ARG(words_join(e->arena, daemon->allow, STR(", "))));
	export_say_assumed(e, daemon->assumed);
}

/* What Debian calls the package of a program: that of aarch64-linux-gnu-gcc-12 is gcc-12-aarch64-linux-gnu. None of one that is in no package's place. */
static struct str
package_of(struct arena *arena, struct str program, struct str target)
{
	if (str_find(program, '/') < program.n || str_find(program, ' ') < program.n)
		return STR("");
	if (!target.n || !str_starts(program, target))
		return program;
	return str_printf(arena, "%.*s-%.*s", STR_ARG(str_part(program, target.n + 1, program.n)), STR_ARG(target));
}

static void
print_debian(struct exporting *e, const struct daemon *daemon)
{
	const struct toolchain *toolchain = &e->world->toolchain;
	struct str target = e->project->compiler_set.target;
	const struct str packages[] = {
		STR("distcc"), package_of(e->arena, toolchain->cc, target), package_of(e->arena, toolchain->cxx, target)};
	struct buf more = buf_new(e->arena);
	add_head(e, daemon, "/etc/default/distcc");
	buf_add_c(e->out, "# before: apt-get install");
	for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
		if (packages[i].n)
			buf_printf(e->out, " %.*s", STR_ARG(packages[i]));
	buf_add_c(e->out, " && update-distcc-symlinks; after: service distcc restart\n");
	buf_printf(e->out,
		"STARTDISTCC=\"true\"\nALLOWEDNETS=\"%.*s\"\nLISTENER=\"%.*s\"\nNICE=\"%d\"\nJOBS=\"%d\"\nZEROCONF=\"false\"\n",
		STR_ARG(words_join(e->arena, daemon->allow, STR(" "))), STR_ARG(daemon->listen), daemon->nice, daemon->jobs);
	/* There are no variables for these; the init script has its own options here when it reads the file. */
	if (daemon->port != DISTCC_PORT)
		buf_printf(&more, " --port %d", daemon->port);
	add_level(&more, daemon);
	if (more.n)
		buf_printf(e->out, "DAEMON_ARGS=\"$DAEMON_ARGS%s\"\n", buf_c(&more));
}

static void
print_openrc(struct exporting *e, const struct daemon *daemon)
{
	add_head(e, daemon, "/etc/conf.d/distccd");
	buf_printf(e->out, "# before: emerge sys-devel/distcc, and the %.*s that is here; ", STR_ARG(e->world->toolchain.cc));
	buf_add_c(e->out, "after: rc-update add distccd default; rc-service distccd restart\n"
			  "DISTCCD_EXEC=\"/usr/bin/distccd\"\nDISTCCD_OPTS=\"");
	add_options(e->out, daemon);
	buf_add_c(e->out, "\"\n");
}

static void
print_systemd(struct exporting *e, const struct daemon *daemon)
{
	add_head(e, daemon, "/etc/systemd/system/distccd.service.d/edcc.conf");
	buf_printf(e->out, "# before: distcc, and the %.*s that is here; ", STR_ARG(e->world->toolchain.cc));
	buf_add_c(e->out, "after: systemctl daemon-reload; systemctl enable distccd; systemctl restart distccd\n"
			  "[Service]\nType=simple\nExecStart=\nExecStart=/usr/bin/distccd --daemon --no-detach ");
	add_options(e->out, daemon);
	buf_add_byte(e->out, '\n');
}

bool
export_debian(struct exporting *e)
{
	return print_each(e, print_debian);
}

bool
export_openrc(struct exporting *e)
{
	return print_each(e, print_openrc);
}

bool
export_systemd(struct exporting *e)
{
	return print_each(e, print_systemd);
}
