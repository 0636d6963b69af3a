/* The files of the machine that runs the builds: where the machines are, and how compilers are called. */
#include "hosts/export.h"

#include "runtime/distcc.h"

static bool
any_by_ssh(const struct exporting *e)
{
	for (uint32_t i = 0; i < e->world->host_count; i++)
		if (export_host(e, i).kind == HOST_SSH)
			return true;
	return false;
}

static int
jobs_of(const struct exporting *e)
{
	return capacity_jobs(e->project, e->world, capacity_local_slots(e->project, e->world), 0);
}

bool
export_distcc_hosts(struct exporting *e)
{
	const struct world *world = e->world;
	struct buf hosts = buf_new(e->arena);
	for (uint32_t i = 0; i < world->host_count; i++) {
		const struct planned_host *host = &world->hosts[i];
		buf_printf(&hosts, "%s%.*s/%d%.*s", i ? " " : "", STR_ARG(host->address), host->slots, STR_ARG(host->rest));
	}
	struct str list = distcc_host_list(e->arena, e->project, world, buf_str(&hosts)), word;
	buf_add_c(e->out, "# ~/.distcc/hosts, or /etc/distcc/hosts for everybody here; DISTCC_HOSTS goes before both\n");
	export_say_assumed(e, e->assumed);
	/* The options in one line, and each host in one of its own. */
	while (str_split(&list, ' ', &word)) {
		bool option = str_starts(word, STR("--")), next = str_starts(list, STR("--"));
		buf_printf(e->out, "%.*s%c", STR_ARG(word), option && next ? ' ' : '\n');
	}
	if (e->project->machines.zeroconf.source)
		buf_add_c(e->out, "+zeroconf\n");
	return true;
}

bool
export_make_conf(struct exporting *e)
{
	buf_add_c(e->out,
		"# /etc/portage/make.conf, below what is there\n"
		"# before: edcc export distcc-hosts >/etc/distcc/hosts\n"
		"# -march=native in CFLAGS keeps every compile here: write what it is, as `gcc -### -march=native -xc -` says\n");
	export_say_assumed(e, e->assumed);
	/* Portage takes compiles by TCP out of its network-sandbox itself, by a proxy that only distcc knows of. */
	if (any_by_ssh(e))
		buf_add_c(
			e->out, "# ssh does not get out of the sandbox, and is called by the user portage, whose keys it needs\n");
	buf_printf(e->out, "FEATURES=\"${FEATURES} %sdistcc%s\"\nMAKEOPTS=\"-j%d -l%d\"\n", e->project->cached ? "ccache " : "",
		any_by_ssh(e) ? " -network-sandbox" : "", jobs_of(e), capacity_local_slots(e->project, e->world));
	return true;
}

bool
export_path(struct exporting *e)
{
	const struct distcc_settings *set = &e->project->distcc;
	const struct toolchain *toolchain = &e->world->toolchain;
	const char *program = e->project->cached ? "ccache" : "distcc";
	bool named = e->project->compiler.n;
	buf_printf(e->out,
		"# ~/.profile: compilers are called through %s\n"
		"# before: edcc export distcc-hosts >~/.distcc/hosts; after: make -j%d\n",
		e->project->cached ? "ccache, and what that does not know through distcc" : "distcc", jobs_of(e));
	export_say_assumed(e, e->assumed);
	/* Where Gentoo and Arch Linux, Fedora, and Debian have their links. */
	buf_printf(e->out,
		"for links in /usr/lib/%s/bin /usr/lib64/%s /usr/lib/%s; do\n"
		"\tif [ -x \"$links/%.*s\" ]; then PATH=$links:$PATH && break; fi\n"
		"done\n",
		program, program, program, STR_ARG(str_part(toolchain->cc, 0, str_find(toolchain->cc, ' '))));
	buf_add_c(e->out, "export PATH");
	if (named)
		buf_printf(e->out, " CC=%.*s", STR_ARG(str_shell_quote(e->arena, toolchain->cc)));
	if (named && toolchain->cxx.n)
		buf_printf(e->out, " CXX=%.*s", STR_ARG(str_shell_quote(e->arena, toolchain->cxx)));
	if (e->project->cached)
		buf_add_c(e->out, " CCACHE_PREFIX=distcc");
	buf_printf(e->out, "\nexport DISTCC_PAUSE_TIME_MSEC=20 DISTCC_SKIP_LOCAL_RETRY=1 DISTCC_IO_TIMEOUT=%lld",
		(long long)(set->io_timeout + 999) / 1000);
	if (!set->fallback)
		buf_add_c(e->out, " DISTCC_FALLBACK=0");
	if (any_by_ssh(e))
		buf_printf(e->out, " DISTCC_SSH='%s'", distcc_ssh_of_build(e->arena, e->project, NULL).s);
	buf_add_byte(e->out, '\n');
	return true;
}

bool
export_ssh_config(struct exporting *e)
{
	bool first = true;
	for (uint32_t i = 0; i < e->world->host_count; i++) {
		struct host_spec host = export_host(e, i);
		if (host.kind != HOST_SSH)
			continue;
		if (first)
			buf_printf(e->out,
				"# ~/.ssh/config\n"
				"# one connection for all compiles, opened before a build: ssh -fNM %.*s\n",
				STR_ARG(host.name));
		first = false;
		buf_printf(e->out, "Host %.*s\n", STR_ARG(host.name));
		if (host.user.n)
			buf_printf(e->out, "\tUser %.*s\n", STR_ARG(host.user));
		buf_add_c(e->out, "\tConnectTimeout 10\n\tServerAliveInterval 15\n\tControlPath ~/.ssh/distcc-%C\n");
	}
	if (!first)
		return true;
	struct diag *diag = diag_error(e->diags, e->project->groups[0].span, "no machine of the list is reached over ssh");
	diag_hint(diag, "one that is has an @ in the list: @red, ann@red");
	return false;
}
