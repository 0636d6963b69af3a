/* standin: a compiler that takes as long as another one took, and no processor. A source file's first line says what it stands for:
 *
 *     //standin MILLISECONDS BYTES
 *
 * -E gives the file as it is, at once; a compile sleeps for so long and writes an object of so many bytes. Any other file is for the real gcc, and so is
 * every other call: the version, the canary. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MARK "//standin "

/* The last argument that is a source file, preprocessed or not. */
static const char *
source_of(char **argv)
{
	const char *found = NULL;
	for (; *argv; argv++) {
		size_t n = strlen(*argv);
		if (n > 2 && argv[0][n - 2] == '.' && (argv[0][n - 1] == 'c' || argv[0][n - 1] == 'i'))
			found = *argv;
	}
	return found;
}

static const char *
output_of(char **argv)
{
	for (; *argv; argv++)
		if (strcmp(*argv, "-o") == 0)
			return argv[1];
	return NULL;
}

static int
has(char **argv, const char *word)
{
	for (; *argv; argv++)
		if (strcmp(*argv, word) == 0)
			return 1;
	return 0;
}

static int
copy(FILE *in, const char *to)
{
	static char block[1 << 16];
	FILE *out = to ? fopen(to, "w") : stdout;
	size_t n;
	if (!out)
		return 1;
	rewind(in);
	while ((n = fread(block, 1, sizeof block, in)) > 0)
		if (fwrite(block, 1, n, out) != n)
			return 1;
	return fclose(out) != 0;
}

static int
compile(long ms, long bytes, const char *to)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	int fd = to ? creat(to, 0666) : -1;
	nanosleep(&time, NULL);
	return fd < 0 || ftruncate(fd, bytes) < 0 || close(fd) < 0;
}

int
main(int argc, char **argv)
{
	char line[64];
	long ms, bytes;
	const char *source = argc > 1 ? source_of(argv) : NULL;
	FILE *in = source ? fopen(source, "r") : NULL;
	if (in && fgets(line, sizeof line, in) && sscanf(line, MARK "%ld %ld", &ms, &bytes) == 2)
		return has(argv, "-E") ? copy(in, output_of(argv)) : compile(ms, bytes, output_of(argv));
	argv[0] = "gcc";
	execvp(argv[0], argv);
	perror("standin: gcc");
	return 127;
}
