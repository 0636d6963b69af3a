#include "throw.h"

#include <random>

int
throw_dice(void)
{
	std::random_device device;
	return std::uniform_int_distribution<int>(1, 6)(device);
}
