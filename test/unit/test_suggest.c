#include "base/suggest.h"

#include "test/unit/unit.h"

/* The best of the comma-separated candidates; none where none is near. */
static struct str
nearest(const char *word, const char *candidates)
{
	struct suggest suggest = suggest_for(str_from(word));
	struct str rest = str_from(candidates), candidate;
	while (str_split(&rest, ',', &candidate))
		suggest_offer(&suggest, candidate);
	return suggest.best;
}

static void
nearest_names(void **state)
{
	(void)state;
	static const struct {
		const char *word, *candidates, *best;
	} cases[] = {
		{"spott", "spot,slots,sport", "spot"},
		{"instnaces", "instance,instances", "instances"}, /* a swap counts one */
		{"SPOT", "slot,spot", "spot"},
		{"regoin", "region", "region"},
		{"cc", "cxx,cf", "cf"},
		{"x", "xs", "xs"},
		{"spit", "spat,spot", "spat"}, /* the first of equals */
		{"tagz", "tags,tag", "tags"},
		{"", "a", ""},
		{"x", "y", ""}, /* nothing in common */
		{"spot", "instances", ""},
		{"spot", "slow", ""},
		{"abcdef", "abcxyz", ""},
		{"spot", "", ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_text(nearest(cases[i].word, cases[i].candidates), cases[i].best);
}

static void
long_names(void **state)
{
	(void)state;
	char name[66];
	memset(name, 'a', sizeof name);
	name[64] = 0;
	assert_text(nearest(name, name), name);
	name[64] = 'a';
	name[65] = 0;
	assert_null(nearest(name, name).s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_names),
		cmocka_unit_test(long_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
