#include "hello.h"

#include <stdio.h>

int
main(void)
{
	return printf("%s, %s\n", greeting(), world()) < 0;
}
