/* provider_here: what the providers have in common whose builds run on this machine. */
#ifndef RUNTIME_PROVIDER_HERE_H
#define RUNTIME_PROVIDER_HERE_H

#include "runtime/provider.h"

/* Finds a program; an error names the package that has it. */
bool here_find(struct arena *, const char *program, const char *package, struct span, struct str *path, struct diags *);
/* The compiler, distcc's client and ccache, as far as the project needs them. `world` is filled in anew. False with errors filed. */
bool here_observe(struct arena *, const struct project *, const struct provider *, struct world *, struct diags *);
/* What a saved plan depends on: all of that, and what the provider adds. */
void here_facts(struct arena *, struct world *, struct words more);

/* Actions, by their place in the plan. The folders of the client and of the daemons. */
uint32_t here_add_folder(struct arena *, struct plan *, const char *detail, const char *why);
/* The compile that hosts are held against. */
uint32_t here_add_compiler(struct arena *, struct plan *, uint32_t folder);
uint32_t here_add_canary(
	struct arena *, struct plan *, const struct action_type *, uint32_t host, const uint32_t *needs, uint32_t need_count);
uint32_t here_add_source(struct arena *, struct plan *);

#endif
