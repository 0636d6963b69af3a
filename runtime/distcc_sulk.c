/* Hosts that fail: forgiven, taken out of the list, brought back. What distcc does by itself and why this is so: doc/distcc.md, "Hosts that come and go". */
#include "runtime/distcc_watch.h"

#include "base/arena.h"
#include "base/pool.h"
#include "distcc/locks.h"
#include "runtime/canary.h"
#include "runtime/distcc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* At once: each is a client that preprocesses here. */
#define PROOFS_LIMIT 4
/* Seconds before a host that is out is proved again, the last of them again and again. */
static const int pauses[] = {5, 10, 20, 40, 60};
#define PAUSES (sizeof pauses / sizeof *pauses)

/* What is held against one host. */
struct doubt {
	struct distcc_sulk *sulk;
	struct host *host;
	int64_t failed; /* when it had failed, by its back-off file, at the last look; 0: there was none */
	bool waited; /* a newer time was seen already, and the log said nothing of it yet */
	struct distcc_failures known;
	unsigned failures; /* in a row: after the first it is proved, after the second it is out */
	unsigned pause; /* which one comes next */
	int64_t last; /* when it last failed, or came back */
	int64_t retry; /* when to prove it; 0: it is not to be proved */
	bool proving;
	atomic_bool ended; /* the proof has; then, what came of it: */
	bool proved, here; /* here: this machine could compile it */
	struct arena arena; /* of the proof */
	struct failure failure;
};

struct distcc_sulk {
	struct run *run;
	struct arena arena;
	const char *folder; /* DISTCC_DIR */
	struct os_cancel cancel; /* ends the proofs */
	struct pool *proofs; /* NULL where no thread could be had: then a host that is out stays out */
	struct doubt doubts[]; /* per host */
};

struct distcc_sulk *
distcc_sulk_new(struct run *run)
{
	struct distcc_sulk *sulk = calloc(1, sizeof *sulk + run->host_count * sizeof *sulk->doubts);
	if (!sulk)
		os_exhausted();
	sulk->run = run;
	sulk->folder = str_c(&sulk->arena, distcc_client_folder(&sulk->arena, run));
	sulk->cancel.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sulk->proofs = pool_new(PROOFS_LIMIT);
	for (uint32_t i = 0; i < run->host_count; i++)
		sulk->doubts[i] = (struct doubt){.sulk = sulk, .host = &run->hosts[i]};
	return sulk;
}

void
distcc_sulk_free(struct distcc_sulk *sulk)
{
	if (!sulk)
		return;
	eventfd_write(sulk->cancel.fd, 1);
	if (sulk->proofs)
		pool_free(sulk->proofs);
	for (uint32_t i = 0; i < sulk->run->host_count; i++)
		arena_free(&sulk->doubts[i].arena);
	close(sulk->cancel.fd);
	arena_free(&sulk->arena);
	free(sulk);
}

/* --- the proof --- */

static void
prove(void *context, void *item)
{
	struct distcc_sulk *sulk = context;
	struct doubt *doubt = item;
	doubt->failure = (struct failure){.arena = &doubt->arena};
	doubt->proved = canary_prove(sulk->run, doubt->host, &sulk->cancel, &doubt->failure);
	doubt->here = doubt->proved || canary_prove_here(sulk->run, &sulk->cancel);
	doubt->ended = true;
}

static void
begin_proof(struct doubt *doubt)
{
	if (!doubt->sulk->proofs)
		return;
	doubt->retry = 0;
	doubt->ended = false;
	doubt->proving = true;
	pool_submit(doubt->sulk->proofs, prove, doubt->sulk, doubt);
}

static void
wait_again(struct doubt *doubt)
{
	doubt->retry = os_now_ms() + pauses[doubt->pause] * 1000;
	doubt->pause += doubt->pause + 1 < PAUSES;
}

static void
take_out(struct doubt *doubt, struct str why)
{
	struct arena arena = {NULL};
	doubt->failures = 2;
	wait_again(doubt);
	run_host_out(doubt->sulk->run, doubt->host, str_printf(&arena, "%.*s; the build goes on without it", STR_ARG(why)));
	arena_free(&arena);
}

static void
bring_back(struct doubt *doubt, bool was_out)
{
	distcc_forgive(doubt->sulk->folder, doubt->host->address);
	doubt->failed = 0;
	doubt->last = os_now_ms();
	if (was_out)
		run_host_ready(doubt->sulk->run, doubt->host);
	else
		event_note(doubt->sulk->run->events, "%.*s has failed a compile, but passes its proof: it is used further",
			STR_ARG(doubt->host->name));
}

/* A proof that this machine itself could not have passed says nothing. */
static void
end_proof(struct doubt *doubt, bool ready)
{
	if (!doubt->ended)
		return;
	doubt->proving = false;
	if (doubt->proved)
		bring_back(doubt, !ready);
	else if (ready && doubt->here)
		take_out(doubt, doubt->failure.message);
	else
		wait_again(doubt);
	arena_free(&doubt->arena);
}

/* --- what clients have met --- */

static void
hold_against(struct doubt *doubt)
{
	int64_t now = os_now_ms();
	if (now - doubt->last > DISTCC_BACKOFF_MS)
		doubt->failures = doubt->pause = 0;
	doubt->last = now;
	if (++doubt->failures == 1)
		doubt->retry = now;
	else
		take_out(doubt, STR("it has failed twice (why: edcc logs @distcc)"));
}

/* distcc marks a host before it logs why: what the log does not say yet it says at the next look. */
static void
notice(struct doubt *doubt, const struct local_compiles *compiles)
{
	const char *folder = doubt->sulk->folder;
	struct str address = doubt->host->address;
	struct distcc_failures known = doubt->known, now = distcc_failures_of(compiles, address);
	int64_t failed = distcc_failed(folder, address);
	bool told = now.theirs != known.theirs || now.ours != known.ours;
	if (failed && failed == doubt->failed)
		return;
	if (failed && !told && !doubt->waited) {
		doubt->waited = true;
		return;
	}
	doubt->waited = false;
	doubt->failed = failed;
	doubt->known = now;
	if (!failed)
		return;
	if (told && now.theirs == known.theirs)
		distcc_forgive(folder, address);
	else
		hold_against(doubt);
}

void
distcc_sulk_look(struct distcc_sulk *sulk, const struct local_compiles *compiles)
{
	struct run *run = sulk->run;
	for (uint32_t i = 0; i < run->host_count; i++) {
		struct doubt *doubt = &sulk->doubts[i];
		pthread_mutex_lock(&run->mutex);
		bool ready = doubt->host->ready, ended = doubt->host->pid > 0 && os_has_ended(doubt->host->pid);
		pthread_mutex_unlock(&run->mutex);
		if (doubt->proving)
			end_proof(doubt, ready);
		else if (ended || (!ready && doubt->failures < 2))
			doubt->retry = 0;
		else if (doubt->retry && os_now_ms() >= doubt->retry)
			begin_proof(doubt);
		else if (ready)
			notice(doubt, compiles);
	}
}
