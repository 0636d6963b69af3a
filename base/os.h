/* os: files, processes, clock and locks, each call with its error as text. Nothing here knows edcc. */
#ifndef BASE_OS_H
#define BASE_OS_H

#include "base/str.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;

/* Prints "edcc: out of memory" and ends the process with status 4: what is created is in the journal, `edcc destroy` finishes the job. */
void os_exhausted(void) __attribute__((noreturn));

/* --- files. On failure each returns false and *error is a sentence such as "cannot read 'x': Permission denied", in the arena. --- */

/* Reads a whole regular file of at most `limit` bytes; a directory, a FIFO or a device is an error that says so. */
bool os_read(struct arena *, const char *path, size_t limit, struct str *text, struct str *error);
/* Writes beside the target, fsyncs and renames over it: readers see the old or the new whole. */
bool os_write_atomic(struct arena *, const char *path, struct str text, mode_t mode, struct str *error);
/* Copies a file's bytes to `to` atomically (temporary name beside it, fsync, rename), keeping its permission bits, and hashes them on the way (hex: 64 digits + NUL, or NULL). */
bool os_copy_atomic(struct arena *, const char *from, const char *to, char *hex, uint64_t *size, struct str *error);
/* The same of what a descriptor gives to its end, but only where that has the digest. */
bool os_pour_atomic(struct arena *, int fd, const char *to, mode_t mode, struct str sha256, struct str *error);
/* Writes all of the text, going on after interruptions; false with errno set. */
bool os_write_all(int fd, struct str text);
/* SHA-256 of a file as it now stands on disk. */
bool os_hash_file(struct arena *, const char *path, char *hex, struct str *error);
/* mkdir -p with mode 0777 less the umask, or 0700 where private_to_user. */
bool os_make_folders(struct arena *, const char *path, bool private_to_user, struct str *error);
/* rm -rf that never follows a symbolic link and never leaves `path`; a missing path is success. */
bool os_remove_tree(struct arena *, const char *path, struct str *error);
bool os_is_file(const char *path);
bool os_is_folder(const char *path);
/* Paths that match the pattern, sorted bytewise: * ? [..] and ** (any number of folders); names with a leading dot only where the pattern has the dot. Relative to `base`; results too. False where the pattern cannot be read. */
bool os_glob(struct arena *, const char *base, struct str pattern, struct words *found, struct str *error);
/* The same where somebody else lists the files: `list` gives all paths but folders that are the prefix or below it (none: all there are). */
bool os_glob_listed(struct arena *, struct str pattern,
	bool (*list)(void *context, struct str prefix, struct words *all, struct str *error), void *context, struct words *found,
	struct str *error);
/* A variable's value in an environment, NULL-ended (NULL: an empty one); none where it is not there. */
struct str os_variable(char *const *environment, const char *name);
/* Where the program is on $PATH (absolute or as found); none where it is not. A name with a slash is looked at as it is. */
struct str os_which(struct arena *, const char *program);

/* --- clock --- */
/* Milliseconds that only go forward. */
int64_t os_now_ms(void);
/* A condition whose waits may end by that clock. */
void os_condition_init(pthread_cond_t *);
/* Waits for it, with the mutex held, until os_now_ms is so late; false where that came first. */
bool os_condition_wait(pthread_cond_t *, pthread_mutex_t *, int64_t until);
/* Waits until the descriptor is ready for this (poll's events), until os_now_ms is so late; false where that came first. */
bool os_wait_ready(int fd, short events, int64_t until);
/* Wall clock, milliseconds since 1970. */
int64_t os_time_ms(void);
/* Wall clock as 2026-11-22T00:16:17.123Z (24 characters and a terminator). */
void os_timestamp(int64_t time_ms, char out[25]);
/* Online processors this process may use. */
int os_cpu_count(void);
/* Memory that this machine has for it, in MB: all of it, or less where a control group says so; 0 where that is not known. */
int64_t os_memory_mb(void);
/* Sees to it that so many files may be open at once, raising the limit where that is allowed; false where it is not, with the limit in *most. */
bool os_allow_files(unsigned long long count, unsigned long long *most);

/* --- cancellation: a flag that a signal handler may raise and that every wait looks at --- */
struct os_cancel {
	int fd; /* readable once raised; -1 where nothing ever cancels */
};
bool os_cancel_raised(const struct os_cancel *);

/* --- processes --- */
struct os_process {
	pid_t pid; /* also its process group */
	int out; /* reading end of its standard output and error, or -1 */
};

struct os_spawn {
	char *const *argv; /* argv[0] is looked up on PATH (of the child's environment where env is given) */
	const char *program; /* NULL: argv[0]; else its path, whatever argv[0] calls it */
	char *const *env; /* NULL: ours */
	const char *dir; /* NULL: ours */
	int input_fd; /* becomes its standard input; ours is closed, whether it starts or not. 0: it reads /dev/null */
	bool capture; /* stdout and stderr into one pipe */
	bool output_only; /* of what is captured, stdout only: stderr stays ours */
	int error_fd; /* standard error goes into this descriptor, whatever else is said; 0: it does not */
	const char *out_path; /* else: both appended to this file; NULL: inherited */
	bool own_group; /* a process group of its own */
	bool own_session; /* a session of its own, and so a group */
	bool ends_with_us; /* TERM where the thread that starts it ends before it does, as by an interrupt that does not reach its group */
};

/* Starts a process with all other descriptors closed, signals at their defaults, none blocked. As cheap as vfork. */
bool os_start(struct arena *, const struct os_spawn *, struct os_process *, struct str *error);
/* A descriptor that reads the text and ends, for input_fd: a file in memory, so nobody has to write while somebody reads. -1 with errno. */
int os_text_fd(struct str text);
/* True where our child has ended; it stays to be collected. */
bool os_has_ended(pid_t);
/* Waits and closes `out`; returns the exit status, or 128 + the signal that ended it. */
int os_wait(struct os_process *);
/* Runs to the end (its own or ours), collecting at most `limit` bytes of output, with a deadline (0: none): false on failure to start, timeout or cancellation. */
bool os_run(struct arena *, const struct os_spawn *, int64_t timeout_ms, size_t limit, const struct os_cancel *, int *status,
	struct str *output, struct str *error);
/* TERM to every process that has NAME=VALUE in its environment (this user's, or for root anybody's), KILL after grace_ms; returns how many were there. Finds daemons that left their group, and what a killed run left. */
size_t os_end_marked(struct arena *, const char *name_equals_value, int64_t grace_ms);
/* How many of those there are. */
size_t os_count_marked(const char *name_equals_value);

/* --- lock --- */
/* Who holds a lock. */
struct os_owner {
	char host[256];
	pid_t pid;
	uint64_t start; /* the process's start time in clock ticks since boot (/proc/PID/stat field 22) */
};
void os_owner_self(struct os_owner *);
/* The same of another process of this machine. False where there is none. */
bool os_owner_of(pid_t, struct os_owner *);
/* False only where it is certain that the owner is dead: same host, and no such pid or another start time. */
bool os_owner_alive(const struct os_owner *);

#endif
