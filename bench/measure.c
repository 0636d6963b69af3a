/* measure RUNS -- COMMAND… [-- COMMAND…]…: runs each command RUNS times, by turns, with standard output to /dev/null, and prints a line for each:
 * the median of its wall-clock times in milliseconds, the most memory it had resident, in KiB, and the median of its processor times in milliseconds.
 * Ends with 1 where a command fails.
 *
 * Small on purpose: what a child has resident is counted from the fork on, so whoever forks must be smaller than what it measures. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_LIMIT 8
#define RUNS_LIMIT 1000

struct command {
	char **argv;
	double times[RUNS_LIMIT], processor[RUNS_LIMIT]; /* ms */
	long memory; /* KiB */
};

static double
now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double
ms(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static int
run(struct command *command, int number)
{
	double start = now();
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execvp(command->argv[0], command->argv);
		fprintf(stderr, "measure: cannot run '%s': %s\n", command->argv[0], strerror(errno));
		_exit(127);
	}
	int status;
	struct rusage usage;
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return -1;
	command->times[number] = now() - start;
	command->processor[number] = ms(usage.ru_utime) + ms(usage.ru_stime);
	if (usage.ru_maxrss > command->memory)
		command->memory = usage.ru_maxrss;
	if (status != 0)
		fprintf(stderr, "measure: '%s' ended with status %d\n", command->argv[0],
			WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	return status;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double
median(double *figures, int count)
{
	qsort(figures, (size_t)count, sizeof *figures, by_size);
	return figures[count / 2];
}

int
main(int argc, char **argv)
{
	static struct command commands[COMMANDS_LIMIT];
	int runs = argc > 1 ? atoi(argv[1]) : 0, count = 0;
	for (int i = 2; i < argc && count < COMMANDS_LIMIT; i++)
		if (strcmp(argv[i], "--") == 0) {
			argv[i] = NULL;
			commands[count++].argv = &argv[i + 1];
		}
	if (runs < 1 || runs > RUNS_LIMIT || !count) {
		fprintf(stderr, "usage: measure RUNS -- COMMAND... [-- COMMAND...]...\n");
		return 2;
	}
	for (int r = 0; r < runs; r++)
		for (int c = 0; c < count; c++)
			if (run(&commands[c], r) != 0)
				return 1;
	for (int c = 0; c < count; c++)
		printf("%.3f %ld %.3f\n", median(commands[c].times, runs), commands[c].memory, median(commands[c].processor, runs));
	return 0;
}
