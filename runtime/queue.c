#include "runtime/queue.h"

void
queue_push(struct queue *queue, uint32_t action)
{
	uint32_t at = queue->count++;
	for (; at && queue->heap[(at - 1) / 2] > action; at = (at - 1) / 2)
		queue->heap[at] = queue->heap[(at - 1) / 2];
	queue->heap[at] = action;
}

uint32_t
queue_pop(struct queue *queue)
{
	uint32_t top = queue->heap[0], last = queue->heap[--queue->count], at = 0;
	for (uint32_t child; (child = 2 * at + 1) < queue->count; at = child) {
		if (child + 1 < queue->count && queue->heap[child + 1] < queue->heap[child])
			child++;
		if (queue->heap[child] >= last)
			break;
		queue->heap[at] = queue->heap[child];
	}
	queue->heap[at] = last;
	return top;
}
