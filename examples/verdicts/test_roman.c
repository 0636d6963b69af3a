#include "roman.h"

#include <stdio.h>
#include <stdlib.h>

/* test_roman FIRST LAST: writes and reads each of the numbers. */
int
main(int argc, char **argv)
{
	char text[ROMAN_SIZE];
	int first = argc == 3 ? atoi(argv[1]) : 1, last = argc == 3 ? atoi(argv[2]) : 0;
	for (int number = first; number <= last; number++) {
		roman_write(number, text);
		printf("%sok %d - %d is %s\n", roman_read(text) == number ? "" : "not ", number - first + 1, number, text);
	}
	printf("1..%d\n", last - first + 1);
	return 0;
}
