#include "base/lookout.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookout {
	pthread_t thread;
	struct os_cancel stop;
	int (*look)(void *context, const struct os_cancel *stop);
	void *context;
};

static void *
look_again_and_again(void *argument)
{
	struct lookout *lookout = argument;
	while (!os_cancel_raised(&lookout->stop)) {
		struct pollfd wait = {.fd = lookout->stop.fd, .events = POLLIN};
		poll(&wait, 1, lookout->look(lookout->context, &lookout->stop));
	}
	return NULL;
}

struct lookout *
lookout_start(int (*look)(void *context, const struct os_cancel *stop), void *context)
{
	struct lookout *lookout = malloc(sizeof *lookout);
	if (!lookout)
		os_exhausted();
	*lookout = (struct lookout){.stop = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}, .look = look, .context = context};
	if (lookout->stop.fd >= 0 && pthread_create(&lookout->thread, NULL, look_again_and_again, lookout) == 0)
		return lookout;
	if (lookout->stop.fd >= 0)
		close(lookout->stop.fd);
	free(lookout);
	return NULL;
}

void
lookout_stop(struct lookout *lookout)
{
	if (!lookout)
		return;
	eventfd_write(lookout->stop.fd, 1);
	pthread_join(lookout->thread, NULL);
	close(lookout->stop.fd);
	free(lookout);
}
