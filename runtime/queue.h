/* queue: numbers of actions, of which the lowest, the earliest in the plan, comes out first. */
#ifndef RUNTIME_QUEUE_H
#define RUNTIME_QUEUE_H

#include <stdint.h>

struct queue {
	uint32_t *heap; /* the owner's, with room for all that may be in it at once */
	uint32_t count;
};

void queue_push(struct queue *, uint32_t action);
/* There must be one. */
uint32_t queue_pop(struct queue *);

#endif
