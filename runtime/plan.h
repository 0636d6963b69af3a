/* plan: what a run will do, as an array of actions in order of execution. A pure function of the project, the options and the world as the provider saw it:
 * the same three give the same bytes. */
#ifndef RUNTIME_PLAN_H
#define RUNTIME_PLAN_H

#include "project/project.h"
#include "runtime/capacity.h"

#define SECTIONS(X)               \
	X(FLEET, "fleet")         \
	X(SETUP, "set-up")        \
	X(BUILD, "build")         \
	X(ARTIFACTS, "artifacts") \
	X(TEARDOWN, "teardown")

enum section {
#define X(name, text) SECTION_##name,
	SECTIONS(X)
#undef X
};

/* A compiler as it was found. */
struct toolchain {
	struct str kind; /* gcc or clang */
	struct str cc, cxx; /* commands to call: gcc-12, g++-12; cxx none where there is no C++ compiler */
	struct str cc_path, cxx_path; /* absolute */
	struct str version; /* 12.2.0 */
	struct str target; /* x86_64-linux-gnu */
};

/* One machine of the fleet, as planned. */
struct planned_host {
	struct str name; /* "127.0.0.2"; on aws "coop-1" until it has an address */
	int slots;
	/* Of a machine that is there already, as distcc's host list has it before and after its slots: "ann@red", ":/opt/bin/distccd,lzo". */
	struct str address, rest;
	int distance; /* a class: those of a lower one are nearer, and come first */
	bool pump; /* it is to preprocess what it is sent */
	int connections; /* over ssh, that its compiles share; 0: each makes one */
};

struct provider;

/* What the provider saw when the plan was made. */
struct world {
	const struct provider *provider;
	struct toolchain toolchain;
	struct planned_host *hosts;
	uint32_t host_count;
	struct str hosts_before, hosts_after; /* what else is in distcc's host list: "--randomize", "localhost/2" */
	int cpus; /* of the machine that runs the build */
	int64_t memory; /* of it, in MB; 0: not known */
	int all_cpus; /* of all machines of the fleet, that one too; 0 where they are parts of it, or not all known */
	int most_jobs; /* more at once than this gain nothing; 0: the hosts' slots say how many */
	struct str region; /* of what goes to a cloud; none where nothing does, or nothing says */
	struct str distcc, distccd, ccache; /* absolute paths; none where not needed or not there */
	struct str include_server, python; /* of distcc's pump mode; likewise */
	/* "name=value", sorted: everything the plan depends on beyond the file; a saved plan is refused when they have changed. */
	struct words facts;
	struct words unused; /* runs whose kept fleets are not what is asked for: they go before anything is made */
	/* Lines for the head of the plan: what it costs, what is opened to whom, what is used that is there already. */
	struct words notes;
	bool costs; /* it is somebody's money: asked before apply */
	int64_t price; /* of the fleet, an hour, in millionths of a US dollar; -1: not known */
	void *seen; /* the provider's own, for its plan and its actions; in the arena that the world is in */
};

struct run;
struct action;
struct failure;
struct json;

/* A kind of action: how it is done and how it is undone. Constant tables beside the code that does it. */
struct action_type {
	const char *name; /* "distccd", in the journal too */
	enum section section;
	const char *undo_text; /* how the plan says that it is undone: "stop", "remove"; NULL where it leaves nothing behind */
	bool optional; /* its failure takes a host out instead of failing the run */
	bool late; /* what follows the verdict: only once it has been told */
	/* Blocks until done. False with *failure filled in. Called on a worker thread; looks at run->cancel in every wait. */
	bool (*run)(struct run *, const struct action *, struct failure *);
	/* Undoes from the journal's record of its intent (params) and of its result (result; NULL where it is not known whether it was done). Must succeed where nothing is there. */
	bool (*undo)(struct run *, const struct json *params, const struct json *result, struct failure *);
};

/* When an action runs. WHEN(name, word in JSON) */
#define ACTION_WHENS(WHEN)                                            \
	WHEN(NEEDS, "needs") /* when all it needs have been done */   \
	WHEN(SUCCESS, "build_success") /* when that is the verdict */ \
	WHEN(FAILED, "build_failed")                                  \
	WHEN(ALWAYS, "always") /* whatever the verdict */

enum action_when {
#define WHEN(name, text) ACTION_##name,
	ACTION_WHENS(WHEN)
#undef WHEN
};

struct action {
	const struct action_type *type;
	struct str name; /* unique in the plan: "distccd 127.0.0.2", "step compile", "artifact 1" */
	/* In the plan's first column: "compile". What is done alike on several hosts has one title, "distccd", and is printed as one line. */
	struct str title;
	struct str detail; /* in its second; of what is done on a host, without the host's name: "2 slots" */
	uint32_t *needs; /* indices of earlier actions */
	uint32_t need_count;
	enum action_when when; /* other than ACTION_NEEDS: after the verdict, that is after every step has ended or been skipped */
	uint32_t index; /* which host, build, artifact line or on block; UINT32_MAX where it is none */
	struct span span; /* what in the file makes it necessary */
	struct str why; /* the same in words, for --why */
};

struct plan_options {
	struct words builds; /* what to build; empty: all */
	int jobs; /* --jobs; 0: computed */
	bool keep; /* the fleet is not torn down */
	bool keep_on_failure;
	int64_t timeout; /* ms, --timeout; 0: the file's */
};

struct plan {
	const struct project *project;
	const struct world *world;
	const struct sources *sources; /* that the spans point into */
	struct plan_options options;
	struct action *actions; /* in order of execution; needs point backwards */
	uint32_t count, capacity;
	bool *selected; /* per build */
	uint32_t step_count, artifact_count;
	int jobs; /* JOBS */
	int local_slots, cpp_slots; /* at once on the machine that runs the build */
	struct words secrets; /* what no text made of the plan may show */
};

const char *section_name(enum section);
/* Where the plan shows the action: what follows the verdict comes with the artifacts. */
enum section action_section(const struct action *);
const char *action_when_name(enum action_when);

/* NULL where an error was filed (an unknown build). */
struct plan *plan_make(struct arena *, const struct project *, const struct world *, const struct plan_options *, struct diags *);

/* One action for a provider to fill in further; needs are copied, the name is not. Valid until the next plan_add. */
struct action *plan_add(
	struct arena *, struct plan *, const struct action_type *, struct str name, const uint32_t *needs, uint32_t need_count);

/* The text with every secret blotted out. Titles and details are so already. */
struct str plan_hide(struct arena *, const struct plan *, struct str text);

/* plan_print.c: for people, on one screen: sections, actions in order, how they are undone, a line of totals. Without colour it is pure ASCII. */
struct str plan_print(struct arena *, const struct plan *, bool colour);
struct str plan_print_markdown(struct arena *, const struct plan *);
/* Why the action (by name or title) is in the plan: the chain from it to what the user asked for, with places. False where there is none (filed). */
bool plan_print_why(struct arena *, const struct sources *, const struct plan *, struct str step, struct diags *, struct str *text);
/* plan_json.c: {"format": 1, …}, documented in doc/plan-json.md. Members may be added within a format. */
#define PLAN_FORMAT 1
struct str plan_print_json(struct arena *, const struct plan *);
/* The members of that object, written into one that is open. */
struct json_writer;
void plan_write_json(struct json_writer *, struct arena *, const struct plan *);
/* plan_graph.c: Graphviz DOT. */
struct str plan_print_dot(struct arena *, const struct plan *);

/* plan_save.c: a saved plan is its JSON with the digests of the inputs, the variables (secret ones as digests), options and facts it was made from. */
bool plan_save(struct arena *, const struct plan *, const struct sources *, const char *path, struct diags *);
/* The file, overrides and options that a saved plan was made with, so that it can be made anew. False on an error (filed). */
struct saved_plan {
	struct str path;
	struct str file;
	struct str provider;
	struct override *overrides;
	size_t override_count;
	struct plan_options options;
	struct json *json;
};
bool plan_open(struct arena *, const char *path, struct saved_plan *, struct diags *);
/* The text of a saved plan. The digests of secrets are salted; without a salt one is made where there is a secret. */
struct str plan_save_text(struct arena *, const struct plan *, const struct sources *, struct str salt);
/* plan_same.c: holds the plan made anew against the saved one: an error names each input, variable or fact that has changed. */
bool plan_same(struct arena *, const struct saved_plan *, const struct plan *, const struct sources *, struct diags *);

#endif
