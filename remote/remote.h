/* remote: the fleet's HOST, where a build runs whose fleet is elsewhere: reached over ssh, asked by the commands of `edcc-host` (aws/guest/README.md says what
 * each does). A lost connection is made anew: what was asked is asked again where that is harmless, and a step's output goes on where it stopped. */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include "runtime/run.h"
#include "runtime/site.h"
#include "runtime/ssh.h"

struct remote;

struct remote_options {
	struct ssh_options ssh; /* host_key: the one that is good for the first answer */
	struct str tool; /* the text of edcc-host */
	int64_t lease; /* ms: the machines end when it has not been renewed for so long */
	/* Asked now and then while the machine is away, by one thread at a time: true with the failure where it will not come back. */
	bool (*has_ended)(struct run *, struct failure *);
};

/* Waits until the machine answers (deadline in ms from now), sends the tool, learns the machine's own host key and forgets the first one, and from then on renews
 * the lease on a thread of its own. From this on run->remote is set. NULL with the failure, whose message has what the machine says of its boot where it says something. */
struct remote *remote_open(struct run *, const struct remote_options *, int64_t deadline, struct failure *);
/* Ends connection and threads; NULL-safe. */
void remote_close(struct remote *);
/* The machine's own host key: "ssh-ed25519 AAAA…". */
struct str remote_host_key(const struct remote *);

/* A command of edcc-host with its words; `input` is its standard input. Lost connections are tried again until the run is cancelled or the machine has been away for
 * REMOTE_AWAY_MS. False with the failure; a command that fails has what it said there in the message. */
#define REMOTE_AWAY_MS ((int64_t)60000)
bool remote_ask(struct remote *, struct arena *, const char *const *words, struct str input, struct str *output, struct failure *);

/* Tells the HOST which machines there are: run->hosts that have an address. Each becomes ready or goes out by the HOST's word from then on (run_host_ready, run_host_out), for as
 * long as somebody watches (site->watch). */
bool remote_tell_fleet(struct remote *, struct failure *);
/* Waits until the host of that index is ready or out; false with the failure where it is out, or where it has not come after others are ready for long enough: then it
 * may still come later and joins. */
bool remote_await_host(struct remote *, uint32_t host, struct failure *);
/* The lease lasts for at least so long from now. */
bool remote_keep(struct remote *, int64_t ms, struct failure *);

/* The builds run there. */
extern const struct site site_remote;
/* "pump": whether the HOST has an include server, which is known once the HOST is ready. Its failure where the file insists on it. */
extern const struct action_type action_remote_pump;
/* "tree": sends the source tree up, only what has changed there; what is no longer in it is removed there. */
extern const struct action_type action_tree;

#endif
