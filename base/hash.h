/* hash: SHA-256 from OpenSSL's libcrypto, which is loaded at the first use: a process that never hashes does not pay for it at start. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define HASH_HEX_LENGTH 64

struct hash;

/* NULL where libcrypto cannot be loaded. */
struct hash *hash_new(void);
void hash_add(struct hash *, const void *bytes, size_t n);
/* The digest as 64 hexadecimal digits and a terminator; frees the hash. */
void hash_end(struct hash *, char hex[HASH_HEX_LENGTH + 1]);
/* The digest of a text. False where libcrypto cannot be loaded. */
bool hash_text(struct str, char hex[HASH_HEX_LENGTH + 1]);

#endif
