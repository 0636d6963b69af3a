#include "cli/signals.h"

#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* timeout(1) and others signal a process and then its group: so soon after the first it is the same wish. */
#define SAME_MS 100

struct signals {
	struct signal_calls calls;
	pthread_t thread;
	sigset_t set;
	int pipes[2][2]; /* of cancel and let_go; a byte in one raises it */
	int interruptions;
	int64_t first; /* when the first had been told of, by os_now_ms */
	atomic_bool ended;
};

/* Wakes the thread to see that it has ended; from anybody else it means nothing. */
#define SIGNAL_END SIGUSR1

static void
call(void (*function)(void *), void *context)
{
	if (function)
		function(context);
}

static void
interrupt(struct signals *signals)
{
	int n = signals->interruptions;
	if (n > 1 || (n == 1 && os_now_ms() - signals->first < SAME_MS))
		return;
	if (n == 0) {
		if (signals->calls.interrupted && !signals->calls.interrupted(signals->calls.context))
			return;
		/* What came while the first was being told of is the same wish, however long that took. */
		signals->first = os_now_ms();
	}
	signals->interruptions++;
	ssize_t written = write(signals->pipes[n][1], "", 1);
	(void)written;
}

/* ^Z: as any process is stopped by it, and so not where nobody would let it go on, as no shell has started it. */
static void
stop(void)
{
	sigset_t stops, continues;
	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	sigemptyset(&continues);
	sigaddset(&continues, SIGCONT);
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stops, NULL);
	pthread_sigmask(SIG_BLOCK, &stops, NULL);
	/* What continued says is said already. */
	sigtimedwait(&continues, NULL, &(struct timespec){0, 0});
}

/* All signals are blocked in every thread and taken here, one after the other: what is done about them may lock and print. */
static void *
signals_loop(void *argument)
{
	struct signals *signals = argument;
	for (int signal; sigwait(&signals->set, &signal) == 0;) {
		switch (signal) {
		case SIGNAL_END:
			if (signals->ended)
				return NULL;
			break;
		case SIGWINCH:
			call(signals->calls.resized, signals->calls.context);
			break;
		case SIGTSTP:
			call(signals->calls.stopping, signals->calls.context);
			stop();
			call(signals->calls.continued, signals->calls.context);
			break;
		case SIGCONT:
			call(signals->calls.continued, signals->calls.context);
			break;
		default:
			interrupt(signals);
		}
	}
	return NULL;
}

/* As nohup does with HUP, and a shell with INT for what it starts in the background: then that is what is wanted. */
static bool
is_ignored(int signal)
{
	struct sigaction action;
	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

struct signals *
signals_start(const struct signal_calls *calls, struct os_cancel *cancel, struct os_cancel *let_go)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT, SIGNAL_END};
	struct signals *signals = calloc(1, sizeof *signals);
	if (!signals)
		return NULL;
	signals->calls = *calls;
	sigemptyset(&signals->set);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (wanted[i] == SIGNAL_END || !is_ignored(wanted[i]))
			sigaddset(&signals->set, wanted[i]);
	if (pipe2(signals->pipes[0], O_CLOEXEC) < 0 || pipe2(signals->pipes[1], O_CLOEXEC) < 0)
		return NULL;
	pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
	errno = pthread_create(&signals->thread, NULL, signals_loop, signals);
	if (errno)
		return NULL;
	cancel->fd = signals->pipes[0][0];
	let_go->fd = signals->pipes[1][0];
	return signals;
}

void
signals_end(struct signals *signals)
{
	signals->ended = true;
	pthread_kill(signals->thread, SIGNAL_END);
	pthread_join(signals->thread, NULL);
}
