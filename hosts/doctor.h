/* doctor: what keeps the machines of a list from compiling as this one does, and this one from sending them work. Nothing is changed anywhere; each fault is found
 * with its place, its reason and the way out. */
#ifndef HOSTS_DOCTOR_H
#define HOSTS_DOCTOR_H

#include "hosts/probe.h"
#include "runtime/plan.h"

/* Something found. */
struct finding {
	bool fault; /* else it is only worth knowing */
	struct str place; /* "red:3632", "/etc/default/distcc", "Edccfile:5:3"; none: this machine */
	struct str message, hint; /* the hint may be none */
	struct str fix; /* a command to paste; none where there is none */
	struct str on; /* where it is for: "red"; none: this machine */
};

struct findings {
	struct arena *arena;
	struct finding *list;
	size_t count;
};

/* The results may be given a hint and a fix until the next one is added. */
struct finding *find_fault(struct findings *, struct str place, const char *format, ...) __attribute__((format(printf, 3, 4)));
struct finding *find_note(struct findings *, struct str place, const char *format, ...) __attribute__((format(printf, 3, 4)));
void finding_hint(struct findings *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void finding_fix(struct findings *, struct str on, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What was filed as errors and warnings becomes faults and notes; the collector is emptied. */
void findings_take(struct findings *, struct diags *);
/* True where none of them is a fault. */
bool findings_fine(const struct findings *);

/* The object of the canary, held against the one made here. OBJECT(name, word) */
#define PATIENT_OBJECTS(OBJECT) \
	OBJECT(UNKNOWN, "-")    \
	OBJECT(SAME, "same")    \
	OBJECT(OTHER, "other")

enum patient_object {
#define OBJECT(name, word) PATIENT_OBJECT_##name,
	PATIENT_OBJECTS(OBJECT)
#undef OBJECT
};
const char *patient_object_name(enum patient_object);

/* One machine of the list; of what could not be found out the texts are none, and the numbers as said. */
struct patient {
	struct host_spec host;
	struct str address; /* as distcc has it: "ann@red", "red:3633" */
	struct probe probe;
	bool here; /* of tcp: it is this machine itself */
	struct str compiler, version, target; /* "gcc", "12.2.0", "x86_64-linux-gnu": of what it runs */
	enum patient_object object;
	bool lzo, cpp; /* it takes compressed jobs; it preprocesses */
	bool timed; /* the next is known */
	int64_t ahead; /* its clock, in seconds; over TCP within a quarter of an hour, for its time zone is not known */
	struct findings found;
	struct arena arena;
};

/* All that is looked at. */
struct doctor {
	struct arena *arena;
	const struct project *project;
	char *const *environment; /* NULL-ended */
	struct str list; /* "DISTCC_HOSTS" or a file, where distcc's own list is taken; else none */
	bool by_edcc; /* it is for an Edccfile, whose runs have a DISTCC_DIR of their own; else for whoever calls distcc here */
	const struct toolchain *toolchain; /* NULL: there is none as asked for */
	struct str distcc; /* absolute path; none: it is not there */
	struct str distcc_version; /* "3.4" */
	struct patient *patients;
	size_t count;
	struct findings found; /* of this machine */
};

/* The machines of the project's list, for the others to look at. */
void doctor_admit(struct doctor *);
/* All of them side by side, each with a deadline. */
void doctor_hosts(struct doctor *);
/* This machine as the one that calls distcc. */
void doctor_client(struct doctor *);
/* This machine as one that compiles for others: the distccd's that run here, and what would start one. */
void doctor_daemon(struct doctor *);
/* Gentoo's package manager, where it is here. */
void doctor_portage(struct doctor *);
void doctor_close(struct doctor *);

/* Where distcc's own list is: DISTCC_HOSTS, or a file; *path is none for the first. False where there is none. */
bool doctor_list(struct arena *, char *const *environment, struct str *words, struct str *path);
/* The folder that distcc keeps its state in. */
struct str doctor_distcc_dir(struct arena *, char *const *environment);

#endif
