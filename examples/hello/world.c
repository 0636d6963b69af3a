#include "hello.h"

const char *
world(void)
{
	return "world";
}
