#include "base/arena.h"
#include "base/fetch.h"

#include "test/unit/unit.h"

#include <stdlib.h>

/* What fails without a network. Port 1 of this machine has no server. */
static void
refusals(void **state)
{
	(void)state;
	static const struct {
		const char *url, *error;
	} cases[] = {
		{"http://localhost:1/x",
			"cannot fetch 'http://localhost:1/x': only https:// is fetched, also where a server redirects"},
		{"file:///etc/passwd",
			"cannot fetch 'file:///etc/passwd': only https:// is fetched, also where a server redirects"},
		{"localhost:1", "cannot fetch 'localhost:1': only https:// is fetched, also where a server redirects"},
		{"https://127.0.0.1:1/x", "cannot fetch 'https://127.0.0.1:1/x': Failed to connect to 127.0.0.1 port 1"},
	};
	struct arena arena = {NULL};
	setenv("no_proxy", "*", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str body = {NULL, 0}, error;
		assert_false(fetch_get(&arena, cases[i].url, 100, &body, &error));
		/* How long it took follows in the last. */
		assert_text(str_part(error, 0, strlen(cases[i].error)), cases[i].error);
		assert_null(body.s);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
