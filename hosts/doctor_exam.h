/* doctor_exam: one machine of the list is given a job in distcc's own protocol, and what becomes of it is told. */
#ifndef HOSTS_DOCTOR_EXAM_H
#define HOSTS_DOCTOR_EXAM_H

#include "distcc/wire.h"
#include "hosts/doctor.h"

/* What all are asked. */
struct exam {
	const struct doctor *doctor;
	struct wire_job job; /* the canary, as distcc sends it from here, with -v */
	struct str reference; /* the object that is made of it here */
	const char *ssh; /* to reach hosts over ssh by, as DISTCC_SSH has it */
};

/* Of a machine that was reached; fills in what is known of it and files what is wrong. One thread a machine. */
void exam_tcp(const struct exam *, struct patient *);
void exam_ssh(const struct exam *, struct patient *);

/* Common to both: what the answer to the job says. True where it was compiled. */
bool exam_read(const struct exam *, struct patient *, const struct wire_answer *, struct str name);
/* Which compiler that was: of what it says of itself, else of what it leaves in an object. */
void exam_compiler(const struct exam *, struct patient *, const struct wire_answer *);
/* What the list has it for and it does not take. */
void exam_features(struct patient *);
/* Its clock is ahead by what it said between two moments here (ms since 1970). */
void exam_clock(struct patient *, int64_t seconds, int64_t began, int64_t ended);
/* The command that installs the compiler there, on Debian. */
struct str exam_install(struct arena *, const struct exam *, struct str target);
/* Of one by tcp: the address that it sees us by, and whether that machine is this one. */
struct str exam_address(struct patient *);
bool exam_is_here(struct patient *);

#endif
