#include "base/hash.h"

#include <dlfcn.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define HASH_LIBRARY "libcrypto.so.3"

#define HASH_CALLS(X)         \
	X(EVP_MD_CTX_new)     \
	X(EVP_MD_CTX_free)    \
	X(EVP_sha256)         \
	X(EVP_DigestInit_ex)  \
	X(EVP_DigestUpdate)   \
	X(EVP_DigestFinal_ex) \
	X(HMAC)

struct hash {
	void *library;
	EVP_MD_CTX *context;
#define CALL(name) __typeof__(&(name)) name;
	HASH_CALLS(CALL)
#undef CALL
};

static bool
load(struct hash *hash)
{
	/* Once loaded it stays: the next hash finds it at no cost. */
	hash->library = dlopen(HASH_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!hash->library)
		return false;
#define CALL(name)                                                     \
	hash->name = (__typeof__(&(name)))dlsym(hash->library, #name); \
	if (!hash->name)                                               \
		return false;
	HASH_CALLS(CALL)
#undef CALL
	return true;
}

static void
hash_free(struct hash *hash)
{
	if (hash->context)
		hash->EVP_MD_CTX_free(hash->context);
	if (hash->library)
		dlclose(hash->library);
	free(hash);
}

struct hash *
hash_new(void)
{
	struct hash *hash = calloc(1, sizeof *hash);
	if (!hash)
		return NULL;
	if (load(hash)) {
		hash->context = hash->EVP_MD_CTX_new();
		if (hash->context && hash->EVP_DigestInit_ex(hash->context, hash->EVP_sha256(), NULL))
			return hash;
	}
	hash_free(hash);
	return NULL;
}

void
hash_add(struct hash *hash, const void *bytes, size_t n)
{
	hash->EVP_DigestUpdate(hash->context, bytes, n);
}

void
hash_end_raw(struct hash *hash, unsigned char digest[HASH_LENGTH])
{
	memset(digest, 0, HASH_LENGTH);
	hash->EVP_DigestFinal_ex(hash->context, digest, NULL);
	hash_free(hash);
}

void
hash_hex(const unsigned char digest[HASH_LENGTH], char hex[HASH_HEX_LENGTH + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < HASH_HEX_LENGTH; i++)
		hex[i] = digits[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
	hex[HASH_HEX_LENGTH] = 0;
}

void
hash_end(struct hash *hash, char hex[HASH_HEX_LENGTH + 1])
{
	unsigned char digest[HASH_LENGTH];
	hash_end_raw(hash, digest);
	hash_hex(digest, hex);
}

bool
hash_text(struct str text, char hex[HASH_HEX_LENGTH + 1])
{
	struct hash *hash = hash_new();
	if (!hash)
		return false;
	hash_add(hash, text.s, text.n);
	hash_end(hash, hex);
	return true;
}

bool
hash_hmac(struct str key, struct str text, unsigned char digest[HASH_LENGTH])
{
	struct hash library = {.library = NULL};
	bool done = key.n <= INT_MAX && load(&library) &&
		    library.HMAC(library.EVP_sha256(), key.s, (int)key.n, (const unsigned char *)text.s, text.n, digest, NULL);
	if (library.library)
		dlclose(library.library);
	return done;
}
