#include "runtime/sweep.h"

#include "test/unit/unit.h"

/* 2026-11-22 00:16:17 UTC */
#define BEGAN INT64_C(1795306577000)
#define HOUR INT64_C(3600000)

static void
runs_begin_when_their_ids_say(void **state)
{
	(void)state;
	static const struct {
		const char *run;
		int64_t began;
	} cases[] = {
		{"20261122-001617-4f2a0c", BEGAN},
		{"19700101-000001-0000", 1000},
		{"20261122-001617", 0},
		{"20261122-0016170-4f2a", 0},
		{"20261322-001617-4f2a", 0},
		{"2026112x-001617-4f2a", 0},
		{"nonsense", 0},
		{"", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(sweep_began(str_from(cases[i].run)), cases[i].began);
}

static void
owners_are_read_or_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "ann", "ann@lab", "ann@lab 12", "ann@lab x 34", "ann@lab 12 34 56", "ann@ 12 34",
		"ann@lab  12 34", "ann@lab 12 99999999999999999999", "ann 12 34"};
	char longest[400];
	struct os_owner owner;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(sweep_owner(str_from(wrong[i]), &owner));
	snprintf(longest, sizeof longest, "ann@%0300d 12 34", 0);
	assert_false(sweep_owner(str_from(longest), &owner));
	assert_false(sweep_owner((struct str){NULL, 0}, &owner));
	assert_true(sweep_owner(STR("ann@lab.example.org 12 34"), &owner));
	assert_string_equal(owner.host, "lab.example.org");
	assert_int_equal(owner.pid, 12);
	assert_int_equal(owner.start, 34);
}

/* "ann@HOST PID START" of this process, or with `later` added to when it started: of one that has ended. */
static struct str
own_tag(char *text, size_t size, unsigned later)
{
	struct os_owner self;
	os_owner_self(&self);
	snprintf(text, size, "ann@%s %d %llu", self.host, self.pid, (unsigned long long)self.start + later);
	return str_from(text);
}

static void
only_what_is_certain_goes(void **state)
{
	(void)state;
	char alive_text[400], dead_text[400];
	struct str alive = own_tag(alive_text, sizeof alive_text, 0), dead = own_tag(dead_text, sizeof dead_text, 1);
	struct str foreign = STR("ann@elsewhere.invalid 1 1"), run = STR("20261122-001617-4f2a0c");
	const struct {
		struct remnant remnant;
		int64_t age;
		enum sweep_reason reason;
	} cases[] = {
		{{.owner = foreign, .running = 1, .expires = BEGAN + 5}, 4, SWEEP_IN_USE},
		{{.owner = foreign, .running = 1, .expires = BEGAN + 5}, 5, SWEEP_EXPIRED},
		{{.owner = alive, .running = 1, .expires = BEGAN + 5}, 5, SWEEP_EXPIRED},
		{{.owner = dead, .running = 1, .expires = BEGAN + 5}, 0, SWEEP_OWNER_DEAD},
		{{.owner = dead, .running = 1, .expires = BEGAN + 5, .kept = true}, 4, SWEEP_IN_USE},
		{{.owner = dead, .running = 1, .expires = BEGAN + 5, .kept = true}, 5, SWEEP_EXPIRED},
		{{.owner = alive, .running = 1}, 0, SWEEP_IN_USE},
		{{.owner = foreign, .machines = 1}, HOUR - 1, SWEEP_IN_USE},
		{{.owner = foreign, .machines = 1}, HOUR, SWEEP_NO_MACHINE},
		{{.owner = foreign, .running = 1}, 9 * HOUR, SWEEP_IN_USE},
		{{.owner = alive}, 9 * HOUR, SWEEP_IN_USE},
		{{.owner = STR("nonsense")}, 9 * HOUR, SWEEP_NO_MACHINE},
		{{.running = 1}, 9 * HOUR, SWEEP_IN_USE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct remnant remnant = cases[i].remnant;
		remnant.run = run;
		if (sweep_judge(&remnant, BEGAN + cases[i].age) != cases[i].reason)
			fail_msg("case %zu", i);
	}
	/* How old it is nobody knows. */
	assert_int_equal(sweep_judge(&(struct remnant){.run = STR("mine"), .owner = foreign}, BEGAN), SWEEP_IN_USE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_begin_when_their_ids_say),
		cmocka_unit_test(owners_are_read_or_refused),
		cmocka_unit_test(only_what_is_certain_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
