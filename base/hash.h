/* hash: SHA-256 and its HMAC from OpenSSL's libcrypto, which is loaded at the first use: a process that never hashes does not pay for it at start. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define HASH_LENGTH 32
#define HASH_HEX_LENGTH 64

struct hash;

/* NULL where libcrypto cannot be loaded. */
struct hash *hash_new(void);
void hash_add(struct hash *, const void *bytes, size_t n);
/* The digest as 64 hexadecimal digits and a terminator; frees the hash. */
void hash_end(struct hash *, char hex[HASH_HEX_LENGTH + 1]);
/* The digest as bytes; frees the hash. */
void hash_end_raw(struct hash *, unsigned char digest[HASH_LENGTH]);
/* A digest's bytes as hexadecimal digits and a terminator. */
void hash_hex(const unsigned char digest[HASH_LENGTH], char hex[HASH_HEX_LENGTH + 1]);
/* The digest of a text. False where libcrypto cannot be loaded. */
bool hash_text(struct str, char hex[HASH_HEX_LENGTH + 1]);
/* HMAC-SHA256 of a text. False where libcrypto cannot be loaded. */
bool hash_hmac(struct str key, struct str text, unsigned char digest[HASH_LENGTH]);

#endif
