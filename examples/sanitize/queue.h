/* A queue of at most QUEUE_SIZE numbers. */
#define QUEUE_SIZE 8

struct queue {
	int numbers[QUEUE_SIZE];
	unsigned first, count;
};

/* 0 where it is full. */
int queue_put(struct queue *, int number);
/* 0 where it is empty. */
int queue_take(struct queue *, int *number);
int queue_sum(const struct queue *);
