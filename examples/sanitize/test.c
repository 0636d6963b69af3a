#include "queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

int
main(void)
{
	struct queue *queue = calloc(1, sizeof *queue);
	int number = 0, taken = 0;
	assert(!queue_take(queue, &number));
	for (int i = 1; i <= 3 * QUEUE_SIZE; i++) {
		if (queue_put(queue, i))
			continue;
		assert(queue_take(queue, &number) && number == ++taken);
		assert(queue_put(queue, i));
	}
	/* 17 to 24 are in it. */
	assert(queue_sum(queue) == 164);
	free(queue);
	puts("the queue works");
	return 0;
}
