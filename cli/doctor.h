/* doctor: how `edcc doctor` shows what was found. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "hosts/doctor.h"

/* A table of the machines, then what is wrong with each and the way out. world: what was seen of this machine and of a cloud. */
struct str doctor_print(struct arena *, const struct doctor *, const struct world *);
/* {"format": 1, …}. Members may be added within a format. */
struct str doctor_print_json(struct arena *, const struct doctor *, const struct world *);
/* Faults and notes, of this machine and of all of the list. */
void doctor_count(const struct doctor *, size_t *faults, size_t *notes);

#endif
