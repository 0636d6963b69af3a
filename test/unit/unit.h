/* unit: what every unit test includes. */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include "base/str.h"

/* cmocka.h needs these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* The text is what is expected, with the place of the caller in the failure. */
#define assert_text(actual, expected) unit_assert_text((actual), (expected), __FILE__, __LINE__)

static inline void
unit_assert_text(struct str actual, const char *expected, const char *file, int line)
{
	if (str_is(actual, expected))
		return;
	print_error("expected: %s\n  actual: %.*s\n", expected, STR_ARG(actual));
	_fail(file, line);
}

#endif
