#define CURL_DISABLE_TYPECHECK

#include "base/fetch.h"
#include "base/arena.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>

/* curl's macros that check argument counts would hide the functions. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define FETCH_LIBRARY "libcurl.so.4"

#define CONNECT_SECONDS 15L
#define STALL_SECONDS 20L
#define WHOLE_SECONDS 120L
#define MOST_REDIRECTS 5L

#define FETCH_CALLS(X)        \
	X(curl_global_init)   \
	X(curl_easy_init)     \
	X(curl_easy_setopt)   \
	X(curl_easy_perform)  \
	X(curl_easy_getinfo)  \
	X(curl_easy_strerror) \
	X(curl_easy_cleanup)

struct library {
	void *handle;
#define CALL(name) __typeof__(&(name)) name;
	FETCH_CALLS(CALL)
#undef CALL
};

static bool
load(struct library *library)
{
	library->handle = dlopen(FETCH_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library->handle)
		return false;
#define CALL(name)                                                          \
	library->name = (__typeof__(&(name)))dlsym(library->handle, #name); \
	if (!library->name)                                                 \
		return false;
	FETCH_CALLS(CALL)
#undef CALL
	return library->curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct body {
	struct buf text;
	size_t limit;
	bool too_large;
};

/* Takes a piece of the body; taking none of it ends the transfer. */
static size_t
body_add(char *bytes, size_t size, size_t n, void *context)
{
	struct body *body = context;
	struct str piece = {bytes, size * n};
	body->too_large = piece.n > body->limit - body->text.n;
	if (body->too_large)
		return 0;
	buf_add(&body->text, piece);
	return piece.n;
}

static void
set_options(const struct library *library, CURL *curl, const char *url, struct body *body, char *detail)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_FOLLOWLOCATION, 1},
		{CURLOPT_MAXREDIRS, MOST_REDIRECTS},
		{CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS},
		{CURLOPT_LOW_SPEED_LIMIT, 1},
		{CURLOPT_LOW_SPEED_TIME, STALL_SECONDS},
		{CURLOPT_TIMEOUT, WHOLE_SECONDS},
	};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		library->curl_easy_setopt(curl, numbers[i].option, numbers[i].value);
	library->curl_easy_setopt(curl, CURLOPT_URL, url);
	library->curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	library->curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	library->curl_easy_setopt(curl, CURLOPT_USERAGENT, "edcc/" EDCC_VERSION);
	library->curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_add);
	library->curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	library->curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
	if (getenv("CURL_CA_BUNDLE"))
		library->curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("CURL_CA_BUNDLE"));
}

static bool
perform(const struct library *library, struct arena *arena, CURL *curl, const char *url, struct body *body, struct str *error)
{
	char detail[CURL_ERROR_SIZE] = "";
	long status = 0;
	set_options(library, curl, url, body, detail);
	CURLcode code = library->curl_easy_perform(curl);
	library->curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (body->too_large)
		*error = str_printf(arena, "cannot fetch '%s': it is larger than %zu bytes", url, body->limit);
	else if (code == CURLE_UNSUPPORTED_PROTOCOL)
		*error = str_printf(arena, "cannot fetch '%s': only https:// is fetched, also where a server redirects", url);
	else if (code != CURLE_OK)
		*error = str_printf(arena, "cannot fetch '%s': %s", url, *detail ? detail : library->curl_easy_strerror(code));
	else if (status != 200)
		*error = str_printf(arena, "cannot fetch '%s': the server answered with status %ld", url, status);
	else
		return true;
	return false;
}

bool
fetch_get(struct arena *arena, const char *url, size_t limit, struct str *body, struct str *error)
{
	struct library library = {.handle = NULL};
	if (!load(&library)) {
		*error = str_printf(arena, "cannot fetch '%s': %s is not installed (package libcurl4)", url, FETCH_LIBRARY);
		return false;
	}
	struct body received = {.text = buf_new(arena), .limit = limit};
	CURL *curl = library.curl_easy_init();
	bool done = curl && perform(&library, arena, curl, url, &received, error);
	if (curl)
		library.curl_easy_cleanup(curl);
	else
		*error = str_printf(arena, "cannot fetch '%s': out of memory", url);
	dlclose(library.handle);
	if (done)
		*body = buf_str(&received.text);
	return done;
}
