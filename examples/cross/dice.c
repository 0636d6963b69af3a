#include "throw.h"

#include <stdio.h>

int
main(void)
{
	printf("You throw %d\n", throw_dice());
	return 0;
}
