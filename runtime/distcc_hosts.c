/* The hosts as distcc is told of them: its list, and the file of its folder that follows the fleet. */
#include "runtime/distcc.h"

#include "base/arena.h"
#include "runtime/pump.h"
#include "runtime/speed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct str
distcc_hosts(struct arena *arena, const struct host *hosts, uint32_t count, bool compressed)
{
	struct buf text = buf_new(arena);
	uint32_t *order = arena_array(arena, uint32_t, count);
	bool pump = false;
	for (uint32_t i = 0; i < count; i++)
		pump |= hosts[i].ready && hosts[i].pump;
	speed_order(hosts, count, order);
	for (uint32_t i = 0; i < count; i++) {
		const struct host *host = &hosts[order[i]];
		bool packed = host->pump || (compressed && !host->apart);
		bool said = host->rest.n && memmem(host->rest.s, host->rest.n, ",lzo", 4);
		/* All or none: a client that goes on from one that preprocesses to one that does not crashes. */
		if (host->ready && host->pump == pump)
			buf_printf(&text, "%s%.*s/%d%.*s%s%s", text.n ? " " : "", STR_ARG(host->address), host->slots,
				STR_ARG(host->rest), packed && !said ? ",lzo" : "", host->pump ? ",cpp" : "");
	}
	return str_from(buf_c(&text));
}

struct str
distcc_host_list(struct arena *arena, const struct project *project, const struct world *world, struct str hosts)
{
	struct buf text = buf_new(arena);
	buf_printf(&text, "--localslots=%d --localslots_cpp=%d", capacity_local_slots(project, world),
		capacity_cpp_slots(project, world));
	const struct str parts[] = {world->hosts_before, hosts, world->hosts_after};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (parts[i].n)
			buf_printf(&text, " %.*s", STR_ARG(parts[i]));
	return str_from(buf_c(&text));
}

/* Not onto the disk as all that must outlive a crash: without this run nobody reads it. */
static bool
replace(const char *path, const char *beside, struct str text)
{
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool written = os_write_all(fd, text);
	int reason = errno;
	close(fd);
	errno = reason;
	return written && rename(beside, path) == 0;
}

/* While hosts preprocess, one that has come back is listed once it does so too, also where it would be the only one: a client may be on its way from another. */
static const struct host *
hosts_now(const struct run *run, struct arena *arena)
{
	bool pumps = run->pump && !run->pump->over;
	struct host *hosts = arena_array(arena, struct host, run->host_count);
	for (uint32_t i = 0; i < run->host_count; i++) {
		hosts[i] = run->hosts[i];
		hosts[i].ready = hosts[i].ready && (hosts[i].pump || !pumps);
	}
	return hosts;
}

bool
distcc_write_hosts(struct run *run, struct arena *arena, struct str *error)
{
	const struct project *project = run->project;
	struct str folder = distcc_client_folder(arena, run);
	struct str hosts = distcc_hosts(arena, hosts_now(run, arena), run->host_count, str_is(project->distcc.compression, "yes"));
	struct str list = distcc_host_list(arena, project, run->plan->world, hosts);
	const char *path = str_printf(arena, "%.*s/hosts", STR_ARG(folder)).s, *beside = str_printf(arena, "%s.new", path).s;
	if (replace(path, beside, str_printf(arena, "%.*s\n", STR_ARG(list))))
		return true;
	*error = str_printf(arena, "cannot write '%s': %s", path, strerrordesc_np(errno));
	return false;
}
