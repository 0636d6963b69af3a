#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/os.h"

#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

struct str
sigv4_encode(struct arena *arena, struct str text, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	struct buf out = buf_sized(arena, 3 * text.n + 1);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.s[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
		if (plain || (keep_slash && c == '/')) {
			buf_add_byte(&out, (char)c);
			continue;
		}
		buf_add_byte(&out, '%');
		buf_add_byte(&out, digits[c >> 4]);
		buf_add_byte(&out, digits[c & 15]);
	}
	return (struct str){buf_c(&out), out.n};
}

/* --- stage one: the canonical request --- */

/* "/a/./b/../c//d" is "/a/c/d". */
static struct str
without_dots(struct arena *arena, struct str path)
{
	struct buf out = buf_sized(arena, path.n + 2);
	struct str rest = path, segment;
	buf_add_byte(&out, '/');
	while (str_split(&rest, '/', &segment)) {
		if (str_is(segment, "..")) {
			while (out.n > 1 && out.s[--out.n - 1] != '/')
				;
		} else if (segment.n && !str_is(segment, ".")) {
			buf_add(&out, segment);
			buf_add_byte(&out, '/');
		}
	}
	if (out.n > 1 && !str_ends(path, STR("/")))
		out.n--;
	return buf_str(&out);
}

static struct str
canonical_path(struct arena *arena, const struct sigv4_request *request)
{
	if (request->s3)
		return request->path.n ? request->path : STR("/");
	return sigv4_encode(arena, without_dots(arena, request->path), true);
}

/* A part of a query string, or a header. */
struct pair {
	struct str name, value;
};

static int
compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = str_compare(a->name, b->name);
	return order ? order : str_compare(a->value, b->value);
}

static struct str
canonical_query(struct arena *arena, struct str query)
{
	struct buf out = buf_sized(arena, query.n + 1);
	struct str rest = query, piece;
	size_t count = 0;
	struct pair *pairs = arena_array(arena, struct pair, query.n + 1);
	while (str_split(&rest, '&', &piece)) {
		size_t equals = str_find(piece, '=');
		if (piece.n)
			pairs[count++] = (struct pair){str_part(piece, 0, equals), str_part(piece, equals + 1, piece.n)};
	}
	qsort(pairs, count, sizeof *pairs, compare_pairs);
	for (size_t i = 0; i < count; i++)
		buf_printf(&out, "%s%.*s=%.*s", i ? "&" : "", STR_ARG(pairs[i].name), STR_ARG(pairs[i].value));
	return buf_str(&out);
}

static struct str
lower_case(struct arena *arena, struct str text)
{
	struct buf out = buf_sized(arena, text.n + 1);
	for (size_t i = 0; i < text.n; i++)
		buf_add_byte(&out, (char)(text.s[i] >= 'A' && text.s[i] <= 'Z' ? text.s[i] - 'A' + 'a' : text.s[i]));
	return buf_str(&out);
}

/* Without white space at either end, and one space for each run of it inside. */
static struct str
folded(struct arena *arena, struct str value)
{
	struct buf out = buf_sized(arena, value.n + 1);
	struct str rest = str_trim(value);
	for (size_t i = 0; i < rest.n; i++) {
		char c = (char)(strchr(" \t\r\n", rest.s[i]) && rest.s[i] ? ' ' : rest.s[i]);
		if (c != ' ' || out.s[out.n - 1] != ' ')
			buf_add_byte(&out, c);
	}
	return buf_str(&out);
}

/* In the order of their names; those of one name in the order given, which the addresses of their names do not change. */
static void
sort_headers(struct pair *headers, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct pair one = headers[i];
		size_t at = i;
		for (; at > 0 && str_compare(headers[at - 1].name, one.name) > 0; at--)
			headers[at] = headers[at - 1];
		headers[at] = one;
	}
}

struct str
sigv4_canonical_request(struct arena *arena, const struct sigv4_request *request, const struct http_header *signed_headers,
	size_t count, struct str *signed_names)
{
	struct pair *headers = arena_array(arena, struct pair, count + 1);
	struct buf names = buf_new(arena), out = buf_new(arena);
	for (size_t i = 0; i < count; i++)
		headers[i] = (struct pair){lower_case(arena, signed_headers[i].name), folded(arena, signed_headers[i].value)};
	sort_headers(headers, count);
	buf_printf(&out, "%s\n%.*s\n", request->method, STR_ARG(canonical_path(arena, request)));
	buf_printf(&out, "%.*s", STR_ARG(canonical_query(arena, request->query)));
	for (size_t i = 0; i < count; i++) {
		bool again = i && str_eq(headers[i].name, headers[i - 1].name);
		if (again) {
			buf_printf(&out, ",%.*s", STR_ARG(headers[i].value));
			continue;
		}
		buf_printf(&names, "%s%.*s", i ? ";" : "", STR_ARG(headers[i].name));
		buf_printf(&out, "\n%.*s:%.*s", STR_ARG(headers[i].name), STR_ARG(headers[i].value));
	}
	*signed_names = buf_str(&names);
	buf_printf(&out, "\n\n%.*s\n%.*s", STR_ARG(*signed_names), STR_ARG(request->payload_hash));
	return buf_str(&out);
}

/* --- stage two: the string to sign --- */

/* 20150830T123600Z */
static struct str
time_of(struct arena *arena, const struct sigv4_request *request)
{
	char text[25]; /* 2015-08-30T12:36:00.000Z */
	os_timestamp(request->time_ms, text);
	return str_printf(arena, "%.4s%.2s%.5s%.2s%.2sZ", text, text + 5, text + 8, text + 14, text + 17);
}

/* 20150830/us-east-1/service/aws4_request */
static struct str
scope_of(struct arena *arena, const struct sigv4_request *request)
{
	return str_printf(arena, "%.8s/%.*s/%.*s/aws4_request", time_of(arena, request).s, STR_ARG(request->region),
		STR_ARG(request->service));
}

struct str
sigv4_string_to_sign(struct arena *arena, const struct sigv4_request *request, struct str canonical_request)
{
	char hex[HASH_HEX_LENGTH + 1] = "";
	hash_text(canonical_request, hex); /* where it cannot, the key and the signature cannot either, and say so */
	return str_printf(
		arena, ALGORITHM "\n%.*s\n%.*s\n%s", STR_ARG(time_of(arena, request)), STR_ARG(scope_of(arena, request)), hex);
}

/* --- stage three: the signature --- */

static bool
key_step(unsigned char key[HASH_LENGTH], struct str text)
{
	unsigned char next[HASH_LENGTH];
	bool done = hash_hmac((struct str){(const char *)key, HASH_LENGTH}, text, next);
	memcpy(key, next, sizeof next);
	explicit_bzero(next, sizeof next);
	return done;
}

bool
sigv4_key(const struct credentials *credentials, const struct sigv4_request *request, unsigned char key[32])
{
	struct arena scratch = {NULL};
	struct str secret = str_printf(&scratch, "AWS4%.*s", STR_ARG(credentials->secret));
	bool done = hash_hmac(secret, str_part(time_of(&scratch, request), 0, 8), key) && key_step(key, request->region) &&
		    key_step(key, request->service) && key_step(key, STR("aws4_request"));
	arena_wipe(&scratch);
	return done;
}

bool
sigv4_signature(struct arena *arena, const unsigned char key[32], struct str string_to_sign, struct str *hex)
{
	unsigned char digest[HASH_LENGTH];
	char text[HASH_HEX_LENGTH + 1];
	if (!hash_hmac((struct str){(const char *)key, HASH_LENGTH}, string_to_sign, digest))
		return false;
	hash_hex(digest, text);
	*hex = str_dup(arena, str_from(text));
	return true;
}

/* All stages. */
static bool
sign(struct arena *arena, const struct sigv4_request *request, const struct credentials *credentials,
	const struct http_header *headers, size_t count, struct str *names, struct str *signature)
{
	unsigned char key[HASH_LENGTH];
	struct str canonical = sigv4_canonical_request(arena, request, headers, count, names);
	bool done = sigv4_key(credentials, request, key) &&
		    sigv4_signature(arena, key, sigv4_string_to_sign(arena, request, canonical), signature);
	explicit_bzero(key, sizeof key);
	return done;
}

/* --- the two ways to send it --- */

bool
sigv4_sign(struct arena *arena, const struct sigv4_request *request, const struct credentials *credentials,
	struct http_header **headers, size_t *count)
{
	struct http_header *out = arena_array(arena, struct http_header, request->header_count + 5);
	struct str names, signature;
	size_t n = 0;
	out[n++] = (struct http_header){STR("host"), request->host};
	out[n++] = (struct http_header){STR("x-amz-date"), time_of(arena, request)};
	if (credentials->token.n)
		out[n++] = (struct http_header){STR("x-amz-security-token"), str_dup(arena, credentials->token)};
	if (request->s3)
		out[n++] = (struct http_header){STR("x-amz-content-sha256"), request->payload_hash};
	for (size_t i = 0; i < request->header_count; i++)
		out[n++] = request->headers[i];
	if (!sign(arena, request, credentials, out, n, &names, &signature))
		return false;
	out[n++] = (struct http_header){STR("authorization"),
		str_printf(arena, ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
			STR_ARG(credentials->access_key), STR_ARG(scope_of(arena, request)), STR_ARG(names), STR_ARG(signature))};
	*headers = out;
	*count = n;
	return true;
}

bool
sigv4_presign(struct arena *arena, const struct sigv4_request *request, const struct credentials *credentials, int64_t seconds,
	struct str *query)
{
	struct http_header *headers = arena_array(arena, struct http_header, request->header_count + 1);
	struct sigv4_request whole = *request;
	struct buf out = buf_new(arena);
	struct str names, signature;
	headers[0] = (struct http_header){STR("host"), request->host};
	for (size_t i = 0; i < request->header_count; i++)
		headers[i + 1] = request->headers[i];
	sigv4_canonical_request(arena, request, headers, request->header_count + 1, &names);
	struct str key = str_printf(arena, "%.*s/%.*s", STR_ARG(credentials->access_key), STR_ARG(scope_of(arena, request)));
	buf_printf(&out, "%.*s%s", STR_ARG(request->query), request->query.n ? "&" : "");
	buf_printf(&out, "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=%.*s", STR_ARG(sigv4_encode(arena, key, false)));
	buf_printf(&out, "&X-Amz-Date=%.*s&X-Amz-Expires=%lld", STR_ARG(time_of(arena, request)), (long long)seconds);
	buf_printf(&out, "&X-Amz-SignedHeaders=%.*s", STR_ARG(sigv4_encode(arena, names, false)));
	if (credentials->token.n)
		buf_printf(&out, "&X-Amz-Security-Token=%.*s", STR_ARG(sigv4_encode(arena, credentials->token, false)));
	whole.query = str_dup(arena, buf_str(&out));
	if (!sign(arena, &whole, credentials, headers, request->header_count + 1, &names, &signature))
		return false;
	buf_printf(&out, "&X-Amz-Signature=%.*s", STR_ARG(signature));
	*query = buf_str(&out);
	return true;
}
