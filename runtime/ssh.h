/* ssh: another machine by the system's OpenSSH: one control connection, a key of the run's own, host keys known before the first word is said. */
#ifndef RUNTIME_SSH_H
#define RUNTIME_SSH_H

#include "base/os.h"

struct arena;
struct ssh;

/* A new ed25519 key at `path` (0600; path.pub beside it); *public_key is its one line. By ssh-keygen, which is OpenSSH's. */
bool ssh_make_key(struct arena *, const char *path, struct str comment, struct str *public_key, struct str *error);

struct ssh_options {
	struct str address, user; /* "root" */
	int port; /* 0: 22 */
	const char *folder; /* absolute, of this connection alone, private: known_hosts, the configuration, the socket, logs */
	const char *key; /* the private key's file, absolute; NULL: the user's own keys, as ssh finds them */
	struct str host_key; /* "ssh-ed25519 AAAA…": what it must show; nothing else is accepted */
	struct str jump_address, jump_host_key; /* through another machine of the same user and key; none: directly */
	char *const *environment; /* NULL-ended; with what marks the run's processes */
	const struct os_cancel *cancel;
};

/* Nothing is connected yet. The folder, the key and the texts must live as long. */
struct ssh *ssh_new(const struct ssh_options *);
void ssh_free(struct ssh *); /* ends the control connection */
/* From now on the machine must show this key; connections that stand are kept. */
void ssh_set_host_key(struct ssh *, struct str host_key);

enum ssh_end {
	SSH_DONE, /* the command ended: its status */
	SSH_LOST, /* the connection could not be made or broke: again later may help */
	SSH_REFUSED, /* the machine showed another key, or ours was refused: again later will not help */
	SSH_CANCELLED,
	SSH_FAILED, /* ssh itself cannot be run, or the call's time is over */
};

/* Keeps trying to connect until `deadline_ms` from now is over, then returns what the last attempt came to: while it starts, a machine may show another
 * key or not yet have ours. Except for SSH_DONE *error is a sentence. */
enum ssh_end ssh_connect(struct ssh *, struct arena *, int64_t deadline_ms, struct str *error);

struct ssh_call {
	const char *command; /* given to the login shell there; build it with str_shell_quote */
	struct str input; /* its standard input; secrets go here, never into the command */
	int input_fd; /* or from a file or pipe that is read to its end (taken over, closed); 0: `input` */
	const char *output_path; /* its standard output goes into this new file; NULL: to the caller */
	size_t limit; /* of output in memory; 0: 1 MiB */
	int64_t timeout_ms; /* 0: none */
	bool regardless; /* also where `cancel` is raised: for what ends and collects */
};
/* Runs a command there over the control connection, which is made anew (one attempt) where it is gone. *output is its standard output; what it says on
 * standard error is *error with SSH_DONE. Its status 255 is ssh's own: a lost connection. Several threads may. */
enum ssh_end ssh_run(struct ssh *, struct arena *, const struct ssh_call *, int *status, struct str *output, struct str *error);
/* Starts one whose output is read from process->out as it comes; `input` as above. The caller waits with os_wait: 255 is a lost connection. */
bool ssh_start(struct ssh *, struct arena *, const struct ssh_call *, struct os_process *, struct str *error);
/* The command line that gives a person a shell (command NULL) or runs a command there on this terminal. NULL with *error. */
char **ssh_command_line(struct ssh *, struct arena *, const char *command, bool terminal, struct str *error);

#endif
