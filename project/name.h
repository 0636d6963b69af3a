/* name: which variable a $(name) means. */
#ifndef PROJECT_NAME_H
#define PROJECT_NAME_H

#include "parser/value.h"
#include "project/collect.h"

/* The place of the name's variable, counted from 1, looked up from *space outwards; *space is then the one that has it. 0 where there is none. */
uint32_t name_look_up(struct loader *, const struct space **space, struct str name);
/* Calls visit for each $(name) in the value, those inside of calls too, but for the $(it) of a map. */
void name_walk(const struct loader *, struct span value, enum value_mode, void (*visit)(void *context, const struct part *),
	void *context);
/* Files an unknown name, with the nearest one. */
void name_unknown(struct loader *, struct span, const struct space *, struct str name);
/* One that edcc sets for recipes and that an Edccfile cannot define: CC, JOBS, … */
bool name_is_reserved(struct str name);
/* Offers those of them that are long enough to be known again when misspelt. */
void name_offer_reserved(struct suggest *);
/* One of these that has a value in the file too: COMMIT. */
bool name_is_predefined(struct str name);

#endif
