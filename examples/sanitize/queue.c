#include "queue.h"

int
queue_put(struct queue *queue, int number)
{
	if (queue->count == QUEUE_SIZE)
		return 0;
	queue->numbers[(queue->first + queue->count++) % QUEUE_SIZE] = number;
	return 1;
}

int
queue_take(struct queue *queue, int *number)
{
	if (queue->count == 0)
		return 0;
	*number = queue->numbers[queue->first];
	queue->first = (queue->first + 1) % QUEUE_SIZE;
	queue->count--;
	return 1;
}

int
queue_sum(const struct queue *queue)
{
	int sum = 0;
	for (unsigned i = 0; i < queue->count; i++)
		sum += queue->numbers[(queue->first + i) % QUEUE_SIZE];
	return sum;
}
