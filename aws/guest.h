/* guest: the scripts that run on the machines, built into the binary (the texts are made from guest/ by tools/embed). */
#ifndef AWS_GUEST_H
#define AWS_GUEST_H

#include <stddef.h>

extern const char guest_boot[], guest_host[];
/* Without the terminator. */
extern const size_t guest_boot_size, guest_host_size;

#endif
