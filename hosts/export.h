/* export: what a list of machines is for distcc without edcc: the files that its daemons, its clients and what calls them are configured by. */
#ifndef HOSTS_EXPORT_H
#define HOSTS_EXPORT_H

#include "runtime/plan.h"

/* What is exported, and to whom. */
struct exporting {
	struct arena *arena;
	const struct project *project; /* of provider hosts */
	struct world *world; /* as the provider sees it offline: nobody was asked */
	struct words names; /* the machines whose files are wanted; none: all */
	struct words allow; /* who may compile on them: addresses and ranges; none: this machine, as each of them sees it */
	bool offline; /* nobody is to be asked */
	char *const *environment; /* NULL-ended */
	struct words assumed; /* machines, as the list calls them, of which neither they nor the list said how much they take */
	struct diags *diags;
	struct buf *out;
};

/* EXPORT(id, word, whether there is one for each machine, documentation): a file, in the order of help. */
#define EXPORTS(EXPORT)                                                                                                  \
	EXPORT(distcc_hosts, "distcc-hosts", false, "the machines, for ~/.distcc/hosts")                                 \
	EXPORT(debian, "debian", true, "/etc/default/distcc of a machine with Debian or Ubuntu")                         \
	EXPORT(openrc, "openrc", true, "/etc/conf.d/distccd of a machine with OpenRC, as Gentoo")                        \
	EXPORT(systemd, "systemd", true, "a drop-in for distccd.service of a machine with Gentoo, Arch Linux or Fedora") \
	EXPORT(make_conf, "make.conf", false, "for /etc/portage/make.conf, so that emerge compiles on the machines")     \
	EXPORT(path, "path", false, "for ~/.profile, so that whatever calls gcc or cc compiles on the machines")         \
	EXPORT(ssh_config, "ssh-config", false, "the machines that are reached over ssh, for ~/.ssh/config")

/* Each appends its file. False on an error (filed). */
#define EXPORT(id, word, each, doc) bool export_##id(struct exporting *);
EXPORTS(EXPORT)
#undef EXPORT

/* Asks machines whose slots the list does not say how much they take, each with a deadline; daemons: only those that a file of a daemon is wanted of. Whoever does
 * not say it is in `assumed`. */
void export_ask(struct exporting *, bool daemons);
/* A comment that says what was assumed of these; nothing where there are none. */
void export_say_assumed(struct exporting *, struct words machines);

/* Whether the i-th of the world's hosts is one of those whose files are wanted; its word in the list. */
bool export_wanted(const struct exporting *, uint32_t i);
const struct host_spec *export_listed(const struct exporting *, uint32_t i);
/* The i-th of the world's hosts, in the parts of its word, with its place in the file. */
struct host_spec export_host(const struct exporting *, uint32_t i);

#endif
