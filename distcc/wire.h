/* wire: distcc's protocol as its client speaks it: one job goes to a distccd, and how that ends says more than distcc's own client does.
 * Facts: doc/distcc.md. */
#ifndef DISTCC_WIRE_H
#define DISTCC_WIRE_H

#include "base/os.h"

/* Versions of the protocol: as they are, compressed (,lzo), preprocessed there (,cpp). */
#define WIRE_PLAIN 1
#define WIRE_LZO 2
#define WIRE_CPP 3

/* What is to be compiled. */
struct wire_job {
	struct words argv; /* as distcc sends it: x86_64-linux-gnu-gcc-12 -O2 -c a.c -o a.o */
	struct str source; /* by WIRE_CPP it is preprocessed there, else it has been here */
};

enum wire_end {
	WIRE_ANSWERED,
	WIRE_UNREAD, /* it hung up on what it had not read */
	WIRE_READ, /* it read the whole job, hung up, and said nothing */
	WIRE_STRANGER, /* it speaks something else */
	WIRE_CUT, /* it began to answer, and did not end */
	WIRE_SILENT, /* it was not done in time */
};

struct wire_answer {
	enum wire_end end;
	int status; /* of the compiler, as wait() has it */
	struct str error, object; /* what the compiler printed and made; of WIRE_PLAIN only */
	struct str said; /* of a stranger: its first words */
};

/* What distcc says where there is no such compiler: of status, its exit status. */
#define WIRE_NO_COMPILER 110

struct str wire_request(struct arena *, int version, const struct wire_job *);
/* Of what was answered so far. */
void wire_read_answer(struct str bytes, int version, struct wire_answer *);
/* Sends the job over a connection and waits until `deadline` (by os_now_ms) for the answer. */
void wire_ask(struct arena *, int fd, int version, const struct wire_job *, int64_t deadline, struct wire_answer *);
/* What distcc sends when it is called like this. *hosts is a place in the call's environment: it becomes a DISTCC_HOSTS of one who reads the job and hangs up.
 * False where nothing is sent, with *error: what distcc printed. */
bool wire_capture(struct arena *, struct os_spawn *, const char **hosts, struct wire_job *, struct str *error);

/* A connection that is there within the time; -1 with errno, or EAI_… in *unknown where the name is none. */
int wire_connect(const char *name, int port, int64_t deadline, int *unknown);

#endif
